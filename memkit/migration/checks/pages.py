"""Pages: what goes wrong while they are sent, received, and waited for.

Source: ram_block_from_stream in migration/ram.c, ram_block_enable_notify and postcopy_place_page in
migration/postcopy-ram.c.
"""

from __future__ import annotations

from memkit.migration.attempt import Attempt, Side, Stop
from memkit.migration.checks.userfault import on_other_file_system
from memkit.migration.memory import same_memory

__all__ = ["compressed", "mapped", "placed", "received", "watched", "written"]

PAGE = 4096
# Host addresses are not known to the model; recordings show them as zero, too.
_HIDDEN = "0x0000000000000000"


def _stop(side: Side, message: str, why: str, source: str, hazard: str = "") -> Stop:
    return Stop("fails", side.name, message, why, (f"{source}, {side.guest.qemu}",), hazard)


def mapped(attempt: Attempt) -> Stop | None:
    """The failure of reading mapped-ram that was written with x-ignore-shared (9.0 to 10.2).

    The address that x-ignore-shared adds stands where the head of the pages is looked for.
    """
    source, destination = attempt.sides
    if not (destination.on("mapped-ram") and source.on("x-ignore-shared")) or destination.has("11.0"):
        return None
    first = next(iter(source.named), "")
    return _stop(destination, f"Error reading ramblock {first} pages, region has bad alignment",
                 "With x-ignore-shared each block of the list has an address more, which mapped-ram does not "
                 "expect before 11.0.", "migration/ram.c: parse_ramblock_mapped_ram")


def received(attempt: Attempt) -> Stop | None:
    """The failure of a destination that gets pages of a block that it leaves out itself."""
    source, destination = attempt.sides
    if destination.on("mapped-ram"):
        return None
    here = destination.named
    for block in source.named.values():
        if not source.sends(block) or not destination.ignores(here[block.idstr]):
            continue
        return _stop(destination, f"block {block.idstr} should not be migrated !",
                     f"The source sends {block.idstr}, because it is private there, and the destination "
                     "expects to find it in place, because it is shared.", "migration/ram.c: "
                                                                           "ram_block_from_stream")
    return None


def compressed(attempt: Attempt) -> Stop | None:
    """The failure of a destination that gets compressed pages and does not have compress on."""
    source, destination = attempt.sides
    if not source.on("compress") or destination.on("compress"):
        return None
    return _stop(destination, "Received an unexpected compressed page",
                 "The source compresses pages, and compress is off at the destination.",
                 "migration/ram.c: ram_load_precopy")


def watched(attempt: Attempt) -> Stop | None:
    """The failure of a destination that learns too late that it cannot wait for pages (before 8.1)."""
    destination = attempt.destination
    if attempt.mode != "postcopy" or destination.has("8.1"):
        return None
    for block in destination.named.values():
        if on_other_file_system(block):
            assert block.backend is not None
            return _stop(
                destination, "ram_block_enable_notify userfault register: Invalid argument",
                f"RAMBlock {block.idstr} is in {block.backend.mem_path}, on {block.backend.filesystem}, "
                "where userfaultfd does not work. The source has stopped by then, and the guest is lost.",
                "migration/postcopy-ram.c: ram_block_enable_notify", "postcopy-disk-file")
    return None


def placed(attempt: Attempt) -> Stop | None:
    """The failure of postcopy into memory that the source has mapped as well."""
    if attempt.mode != "postcopy":
        return None
    source, destination = attempt.sides
    for block in source.named.values():
        here = destination.named[block.idstr]
        if not source.sends(block) or not same_memory(attempt, block, here):
            continue
        file = here.backend.mem_path if here.backend else block.idstr
        return _stop(
            destination, _occupied(destination, here.page_size),
            f"Both sides map {file}. The destination empties it, which empties the memory of the source, and "
            "then finds pages where it wants to put them. Which page comes first is a race.",
            "migration/postcopy-ram.c: postcopy_place_page", "one-file-both-sides")
    return None


def _occupied(destination: Side, page_size: int) -> str:
    """The words for a page that is there already; zero pages are put into place as such if they are small."""
    if destination.has("10.0"):
        if page_size == PAGE:
            return f"uffd_zero_page() failed: addr={_HIDDEN} length={page_size} mode=0 errno=17"
        return (f"uffd_copy_page() failed: dst_addr={_HIDDEN} src_addr={_HIDDEN} length={page_size} mode=0 "
                "errno=17")
    if page_size == PAGE:
        return f"postcopy_place_page_zero: File exists zero host: {_HIDDEN}"
    return f"postcopy_place_page: File exists copy host: {_HIDDEN} from: {_HIDDEN} (size: {page_size})"


def written(attempt: Attempt) -> Stop | None:
    """The end of a destination that writes pages into a file that it has mapped for reading alone."""
    source, destination = attempt.sides
    for block in source.named.values():
        here = destination.named[block.idstr]
        if not source.sends(block) or here.backend is None or not here.backend.readonly:
            continue
        return _stop(
            destination, "", f"The destination maps {here.backend.mem_path} of {block.idstr} for reading "
            "alone, and the kernel ends it (signal 11) at the first page that it writes there.",
            "migration/ram.c: ram_load_precopy")
    return None
