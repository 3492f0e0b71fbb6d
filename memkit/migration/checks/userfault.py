"""What userfaultfd can do for the memory of a guest: fetch pages on demand, and hold up writes.

The kernel does both for anonymous memory, tmpfs and huge pages, not for files on other file systems
(mm/userfaultfd.c: vma_can_userfault, Linux 5.19).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memkit.migration.attempt import Side, Stop

if TYPE_CHECKING:
    from memkit.memory.ramblock import RAMBlock

__all__ = ["on_other_file_system", "postcopy_support", "write_tracking"]


def on_other_file_system(block: RAMBlock) -> bool:
    """True if the block is in a file that userfaultfd cannot serve."""
    backend = block.backend
    return backend is not None and backend.mem_path is not None and (
        backend.filesystem not in ("tmpfs", "hugetlbfs"))


def postcopy_support(side: Side) -> Stop | None:
    """The refusal of postcopy-ram at a destination whose memory cannot be filled on demand.

    Source: postcopy_ram_supported_by_host and test_ramblock_postcopiable in migration/postcopy-ram.c.
    """
    if not side.incoming:
        return None
    detailed = side.has("8.1")
    for block in side.blocks:
        # Until 8.0 blocks without a name are left out; no file is looked at.
        if not detailed and not block.idstr:
            continue
        if block.used_length % block.page_size:
            words = (f"Postcopy requires RAM blocks to be a page size multiple, block {block.idstr} is "
                     f"0x{block.used_length:x} bytes with a page size of 0x{block.page_size:x}")
            return _unsupported(side, words, f"RAMBlock {block.label} ends within a huge page, and postcopy "
                                "puts whole pages into place.", "postcopy-hugetlb-odd-size")
        if detailed and on_other_file_system(block):
            assert block.backend is not None
            return _unsupported(
                side, "Host backend files need to be TMPFS or HUGETLBFS only",
                f"RAMBlock {block.label} is in {block.backend.mem_path}, on {block.backend.filesystem}, "
                "where userfaultfd does not work.", "postcopy-pmem")
    return None


def _unsupported(side: Side, words: str, why: str, hazard: str) -> Stop:
    # Until 8.0 the reason goes to stderr, and only this to the client.
    message = f"Postcopy is not supported: {words}" if side.has("8.1") else "Postcopy is not supported"
    return Stop("refused", "set-capabilities", message, why,
                (f"migration/postcopy-ram.c: test_ramblock_postcopiable, {side.guest.qemu}",), hazard)


def write_tracking(side: Side) -> Stop | None:
    """The refusal of background-snapshot where writes to a block cannot be held up.

    Source: ram_write_tracking_compatible in migration/ram.c.
    """
    for block in side.named.values():
        # ROM and flash chips cannot be written by the guest.
        if block.readonly or block.purpose in ("rom", "flash", "table"):
            continue
        if block.max_length % block.page_size:
            return _untracked(side, f"RAMBlock {block.idstr} ends within a huge page, and writes are held up "
                              "in whole pages.", "")
        if on_other_file_system(block):
            assert block.backend is not None
            return _untracked(side, f"RAMBlock {block.idstr} is in {block.backend.mem_path}, on "
                              f"{block.backend.filesystem}, and the kernel cannot hold up writes to it.",
                              "background-snapshot-disk-file-ram")
    return None


def _untracked(side: Side, why: str, hazard: str) -> Stop:
    return Stop("refused", "set-capabilities",
                "Background-snapshot is not compatible with guest memory configuration", why,
                (f"migration/ram.c: ram_write_tracking_compatible, {side.guest.qemu}",), hazard)
