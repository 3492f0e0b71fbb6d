"""The guest's NUMA nodes: what they are made of, and which CPUs they have."""

from __future__ import annotations

from collections.abc import Iterator

from memkit.hazards.rule import Culprit, Rule
from memkit.hazards.scene import Scene

__all__ = ["RULES"]


def _sized(scene: Scene) -> Iterator[Culprit]:
    nodes = scene.features["numa-mem"]
    options = tuple(n.option for n in scene.config.iter_numa() if n.mem) if scene.config else ()
    yield Culprit(f"{', '.join(nodes)} have mem=, which machine types since 5.1 refuse.",
                  nodes, options)


RULES = (
    Rule(
        "numa-mem-old-machine-type", "NUMA nodes that newer machine types refuse", "surprise", ("numa-mem",),
        "mem= cuts one RAMBlock into nodes, so that no node can be bound to a host node. Machine types since "
        "5.1 refuse it; those before keep it for guests that migrate.",
        "use memdev= with the next machine type; the names of RAMBlocks change, so not in a live migration",
        ("hw/core/numa.c: parse_numa_node, 7.2", "hw/core/machine.c: numa_mem_supported, 7.2",
         "include/hw/core/boards.h: MACHINE_VER_DELETION_MAJOR, 11.1"),
        _sized, example="-M pc-i440fx-5.0 -m 256M -numa node,mem=128M -numa node,mem=128M",
        innocent="-M pc-i440fx-5.0 -m 256M -object memory-backend-ram,id=r,size=256M -numa node,memdev=r",
        since="4.1", until="11.0",
    ),
)
