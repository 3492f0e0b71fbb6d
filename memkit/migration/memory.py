"""Whether two RAMBlocks are the same memory of the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memkit.memory.backend import Backend
    from memkit.memory.ramblock import RAMBlock
    from memkit.migration.attempt import Attempt

__all__ = ["one_file", "same_memory"]

# File systems whose files are the same on every host that mounts them.
_NETWORK = frozenset({
    "nfs", "nfs4", "ceph", "cephfs", "gpfs", "ocfs2", "gfs2", "glusterfs", "lustre", "cifs", "9p",
})


def one_file(attempt: Attempt, theirs: Backend | None, ours: Backend | None) -> bool:
    """True if both backends are in one file: the same path on one machine, or on a network."""
    if theirs is None or ours is None or theirs.mem_path is None or theirs.mem_path != ours.mem_path:
        return False
    hosts = attempt.source.guest.host, attempt.destination.guest.host
    if any(host.is_directory(theirs.mem_path) for host in hosts):
        # QEMU makes a file without a name there, each its own.
        return False
    return attempt.same_machine or (theirs.filesystem == ours.filesystem and theirs.filesystem in _NETWORK)


def same_memory(attempt: Attempt, block: RAMBlock, here: RAMBlock) -> bool:
    """True if what one side writes into its block, the other sees in its own."""
    return bool(block.shared and here.shared) and one_file(attempt, block.backend, here.backend)
