"""Pages: what goes wrong while they are sent, received, and waited for.

Source: ram_block_from_stream in migration/ram.c, ram_block_enable_notify and postcopy_place_page in
migration/postcopy-ram.c.
"""

from __future__ import annotations

from memkit.migration.attempt import Attempt, Side, Stop
from memkit.migration.checks.userfault import on_other_file_system
from memkit.migration.memory import same_memory

__all__ = ["connections", "placed", "received", "watched", "written"]

PAGE = 4096
# Host addresses are not known to the model; recordings show them as zero, too.
_HIDDEN = "0x0000000000000000"


def connections(attempt: Attempt) -> Stop | None:
    """The failure of sides that do not open the same number of connections."""
    source, destination = attempt.sides
    if not attempt.streams:
        return None
    for name in ("multifd", "postcopy-preempt"):
        if destination.on(name) and not source.on(name):
            if name == "postcopy-preempt" and attempt.mode != "postcopy":
                continue
            return Stop("fails", "destination", "",
                        f"The destination waits for the other connections of {name}, which the source never "
                        "opens. Nothing is said, and nothing happens until somebody cancels it.",
                        (f"migration/migration.c: migration_ioc_process_incoming, {destination.guest.qemu}",),
                        "multifd-one-sided" if name == "multifd" else "")
    if source.on("multifd") and not destination.on("multifd"):
        return Stop("fails", "destination",
                    "socket_accept_incoming_migration: Extra incoming migration connection; ignoring",
                    "The destination takes one connection and turns the others of multifd away.",
                    (f"migration/socket.c: socket_accept_incoming_migration, {destination.guest.qemu}",),
                    "multifd-one-sided")
    return None


def received(attempt: Attempt) -> Stop | None:
    """The failure of a destination that gets pages of a block that it leaves out itself."""
    source, destination = attempt.sides
    if destination.on("mapped-ram"):
        return None
    here = destination.named
    for block in source.named.values():
        if source.ignores(block) or not destination.ignores(here[block.idstr]):
            continue
        return Stop("fails", "destination", f"block {block.idstr} should not be migrated !",
                    f"The source sends {block.idstr}, because it is private there, and the destination "
                    "expects to find it in place, because it is shared.",
                    (f"migration/ram.c: ram_block_from_stream, {destination.guest.qemu}",))
    return None


def watched(attempt: Attempt) -> Stop | None:
    """The failure of a destination that learns too late that it cannot wait for pages (before 8.1)."""
    destination = attempt.destination
    if attempt.mode != "postcopy" or destination.has("8.1"):
        return None
    for block in destination.named.values():
        if on_other_file_system(block):
            assert block.backend is not None
            return Stop("fails", "destination", "ram_block_enable_notify userfault register: Invalid "
                                                "argument",
                        f"RAMBlock {block.idstr} is in {block.backend.mem_path}, on "
                        f"{block.backend.filesystem}, where userfaultfd does not work. The source has "
                        "stopped by then, and the guest is lost.",
                        (f"migration/postcopy-ram.c: ram_block_enable_notify, {destination.guest.qemu}",),
                        "postcopy-disk-file")
    return None


def placed(attempt: Attempt) -> Stop | None:
    """The failure of postcopy into memory that the source has mapped as well."""
    if attempt.mode != "postcopy":
        return None
    source, destination = attempt.sides
    for block in source.named.values():
        here = destination.named[block.idstr]
        if not same_memory(attempt, block, here):
            continue
        return Stop("fails", "destination", _occupied(destination, here.page_size),
                    f"Both sides map {here.backend.mem_path if here.backend else block.idstr}. The "
                    "destination empties it, which empties the memory of the source, and then finds pages "
                    "where it wants to put them.",
                    (f"migration/postcopy-ram.c: postcopy_place_page, {destination.guest.qemu}",),
                    "one-file-both-sides")
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
        if source.ignores(block) or here.backend is None or not here.backend.readonly:
            continue
        return Stop("fails", "destination", "",
                    f"The destination maps {here.backend.mem_path} of {block.idstr} for reading alone, and "
                    "the kernel ends it (signal 11) at the first page that it writes there.",
                    (f"migration/ram.c: ram_load_precopy, {destination.guest.qemu}",))
    return None
