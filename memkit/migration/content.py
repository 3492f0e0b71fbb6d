"""What a completed migration leaves behind: for each RAMBlock, whether the destination has its content.

A migration completes when the stream is through.  Whether the guest has its memory is another question.

Source: ram_save_host_page and migrate_ram_is_ignored in migration/ram.c, vmstate_register_ram in
migration/savevm.c.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from memkit.migration.memory import one_file, same_memory

if TYPE_CHECKING:
    from memkit.memory.flatview import FlatRange
    from memkit.memory.ramblock import RAMBlock
    from memkit.migration.attempt import Attempt

LOW, MIB = 0xA0000, 0x100000
__all__ = ["Fate", "fates", "moved"]


class Fate(NamedTuple):
    """What becomes of one RAMBlock: ``fate`` is a word, ``sentence`` tells it, ``good`` says if all is there.

    The words: ``sent``, ``shared in place``, ``lost``, ``left behind``, ``emptied``, ``not needed``.
    """

    idstr: str
    size: int
    fate: str
    sentence: str
    good: bool = True


def fates(attempt: Attempt) -> tuple[Fate, ...]:
    """The fate of each RAMBlock of the source, in QEMU's order."""
    seen = _visible(attempt)
    return tuple([_fate(attempt, block, id(block) in seen) for block in attempt.source.blocks])


def _visible(attempt: Attempt) -> set[int]:
    """The blocks without a name that the guest can see: memory devices and BARs that keep to themselves."""
    guest = attempt.source.guest
    return {id(block) for frontend in guest.frontends for block in frontend.blocks}


def _fate(attempt: Attempt, block: RAMBlock, visible: bool) -> Fate:
    source, destination = attempt.sides
    label, size = block.label, block.used_length
    if not block.idstr:
        return _nameless(attempt, block, visible)
    here = destination.named.get(block.idstr)
    if here is None:
        return Fate(label, size, "lost", "The destination has no block of this name.", False)
    if _unplugged(attempt, block):
        return Fate(label, size, "not needed", "virtio-mem has plugged nothing of it, so there is nothing to "
                                               "send.")
    if source.ignores(block):
        fate = _skipped(attempt, block, here)
        hidden = not fate.good and block.idstr.startswith("0000:") and block.idstr not in attempt.bars
        return fate._replace(
            good=True, sentence=f"{fate.sentence} The guest does not see it yet: its BAR is not mapped."
        ) if hidden else fate
    if _wiped(attempt, block, here):
        return Fate(label, size, "emptied", "The destination empties the file that the source maps as well, "
                    "before a page of it is sent.", False)
    if same_memory(attempt, block, here):
        assert here.backend is not None
        return Fate(label, size, "sent", f"Sent, into {here.backend.mem_path}, which both sides map.")
    return Fate(label, size, "sent", "Sent page by page.")


def _unplugged(attempt: Attempt, block: RAMBlock) -> bool:
    """True for the block of a virtio-mem device that has plugged nothing."""
    return block.backend is not None and block.backend.id in attempt.source.unplugged


def _nameless(attempt: Attempt, block: RAMBlock, visible: bool) -> Fate:
    label, size = block.label, block.used_length
    if not visible:
        return Fate(label, size, "not needed", "It has no name in the stream, and the guest does not see it.")
    backend = block.backend
    ours = next((b for b in attempt.destination.guest.backends if backend and b.id == backend.id), None)
    if backend is not None and backend.share and ours is not None and one_file(attempt, backend, ours):
        return Fate(label, size, "shared in place", f"It has no name in the stream; both sides map "
                    f"{backend.mem_path}.")
    return Fate(label, size, "left behind", "It has no name in the stream, so nothing of it is sent.", False)


def _skipped(attempt: Attempt, block: RAMBlock, here: RAMBlock) -> Fate:
    """A block that x-ignore-shared leaves out."""
    label, size, backend = block.label, block.used_length, block.backend
    if backend is None or backend.mem_path is None:
        return Fate(label, size, "lost", "x-ignore-shared skips it, and no file leads to this memory.", False)
    if _read_only_copy(attempt, block, here):
        return Fate(label, size, "shared in place", f"x-ignore-shared skips it; {backend.mem_path} is read "
                    "only at the source, and taken to be the same file at the destination.")
    if not one_file(attempt, backend, here.backend):
        place = here.backend.mem_path if here.backend and here.backend.mem_path else "memory of its own"
        same = place == backend.mem_path
        where = "a file of its own machine" if same else place
        return Fate(label, size, "lost", f"x-ignore-shared skips it: it is in {backend.mem_path}, and the "
                    f"destination has {where}.", False)
    if not attempt.streams and backend.discard_data:
        return Fate(label, size, "lost", "x-ignore-shared skips it, and discard-data=on empties the file "
                    "when the source ends.", False)
    if not here.shared:
        return Fate(label, size, "shared in place", f"x-ignore-shared skips it; the destination maps "
                    f"{backend.mem_path} privately, and sees what was written before.")
    return Fate(label, size, "shared in place", "x-ignore-shared skips it; both sides map "
                                                f"{backend.mem_path}.")


def _read_only_copy(attempt: Attempt, block: RAMBlock, here: RAMBlock) -> bool:
    """True if the source cannot have changed the file, and the destination has one of this name and size."""
    backend, ours = block.backend, here.backend
    if backend is None or ours is None or not backend.readonly or backend.mem_path != ours.mem_path:
        return False
    path = str(backend.mem_path)
    size = attempt.source.guest.host.file_size(path)
    return size is not None and size == attempt.destination.guest.host.file_size(path)


def _wiped(attempt: Attempt, block: RAMBlock, here: RAMBlock) -> bool:
    """True if a destination of postcopy punches holes into the memory of the source."""
    if not (attempt.source.on("postcopy-ram") and attempt.destination.on("postcopy-ram")):
        return False
    if not attempt.streams or not one_file(attempt, block.backend, here.backend):
        return False
    # A hole in hugetlbfs takes private copies away, too (hugetlb_vmdelete_list, Linux).
    return block.shared or (here.backend is not None and here.backend.huge)


def moved(attempt: Attempt) -> Iterator[tuple[FlatRange, FlatRange | None]]:
    """The ranges of guest RAM that have other memory behind them at the destination: gpa ranges, in order.

    The second of each pair is what the destination has there.
    """
    ours = attempt.destination.guest.main_flat_view
    for range in attempt.source.guest.main_flat_view.ranges:
        block = range.region.block
        if block is None or range.readonly or block.purpose not in ("ram", "shared"):
            continue
        start = range.start
        while start < range.end:
            here = ours.find(start)
            if here is None or not _same(range, here, start):
                # Cards and firmware show themselves below 1 MiB, and the guest switches what lies there.
                if here is not None and LOW <= start < MIB and _is_pc(attempt):
                    start = min(here.end, MIB)
                    continue
                yield range, here
                break
            start = here.end


def _is_pc(attempt: Attempt) -> bool:
    return attempt.source.guest.target in ("x86_64", "i386", "unknown")


def _same(range: FlatRange, here: FlatRange, gpa: int) -> bool:
    block, other = range.region.block, here.region.block
    if block is None or other is None:
        return False
    # What has no name at the source is judged by its backend (``_nameless``), whatever shows it.
    if block.idstr != other.idstr if block.idstr else block.region_name != other.region_name:
        return False
    return (gpa - range.start + range.offset_in_region) == (gpa - here.start + here.offset_in_region)
