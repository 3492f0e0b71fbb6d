"""The NUMA nodes of one guest while they are put together."""

from __future__ import annotations

from dataclasses import dataclass, field

from memkit.boards.build import Memdev
from memkit.config import Option

__all__ = ["MAX_NODES", "Node", "NumaState"]

MAX_NODES = 128


@dataclass(eq=False, slots=True)
class Node:
    """A node; ``mem`` in bytes, ``option`` the -numa that made it (None for QEMU's own node)."""

    mem: int = 0
    memdev: Memdev | None = None
    option: Option | None = None


@dataclass(eq=False)
class NumaState:
    """All nodes by id, and which CPU belongs to which.

    ``distances`` maps (source, destination) to a distance.  ``hmat`` is True if the machine describes
    latencies; then ``initiators`` maps a node to the node whose CPUs use it (MAX_NODES: not known), and
    ``with_cpu`` are the nodes that have a CPU.
    """

    hmat: bool = False
    nodes: dict[int, Node] = field(default_factory=dict)
    cpu_node: dict[int, int] = field(default_factory=dict)
    initiators: dict[int, int] = field(default_factory=dict)
    with_cpu: set[int] = field(default_factory=set)
    distances: dict[tuple[int, int], int] = field(default_factory=dict)
    uses_memdev: bool = False
    uses_mem: bool = False

    @property
    def legacy_mem(self) -> bool:
        """True unless a node has a memdev=: then main RAM is one backend, not one per node."""
        return not self.uses_memdev
