"""Which CPU belongs to which NUMA node.

Source: machine_set_cpu_numa_node and machine_numa_finish_cpu_init in hw/core/machine.c,
x86_possible_cpu_arch_ids in hw/i386/x86.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from memkit.boards.board import Board
from memkit.boards.numa_state import MAX_NODES, NumaState
from memkit.boards.refusals import refuse
from memkit.boards.topology import Topology
from memkit.config import Option

__all__ = ["assign_cpus", "cpu_node", "finish_cpus", "matching_cpus"]

_IDS = ("thread-id", "core-id", "module-id", "cluster-id", "socket-id", "die-id")
# Ids that QEMU reads, and then looks at neither here nor there.
_NOT_ASKED = ("drawer-id", "book-id")


def matching_cpus(
    topology: Topology, wanted: Mapping[str, int], option: Option, board: Board | None = None
) -> list[int]:
    """The CPUs that have all ids of ``wanted``; raises Refused for an id that this topology lacks."""
    known = set(_ids(topology, 0, board))
    for name in _IDS:
        if name in wanted and name not in known:
            raise refuse("numa-no-id", option, True, name=name)
    return [
        cpu for cpu in range(topology.max_cpus)
        if all(_ids(topology, cpu, board)[name] == value
               for name, value in wanted.items() if name not in _NOT_ASKED)
    ]


def assign_cpus(state: NumaState, cpus: Iterable[int], node: int, option: Option | None) -> None:
    """Put ``cpus`` into ``node``; raises Refused for a CPU that another node has."""
    found = False
    initiator = state.initiators.get(node, MAX_NODES)
    for cpu in cpus:
        owner = state.cpu_node.setdefault(cpu, node)
        if owner != node:
            raise refuse("numa-cpu-twice", option, True, node=owner)
        found = True
        if state.hmat:
            if initiator < MAX_NODES and initiator != node:
                raise refuse("numa-own-initiator", option, True, node=node, initiator=initiator)
            state.with_cpu.add(node)
            state.initiators[node] = initiator = node
    if not found:
        raise refuse("numa-no-match", option, True)


def finish_cpus(
    state: NumaState, topology: Topology, warnings: list[str], *, initiators_needed: bool = False,
    board: Board | None = None,
) -> None:
    """Give the remaining CPUs a node; warn if only some had one; raises Refused for a bad initiator."""
    given = dict(state.cpu_node)
    rest = [cpu for cpu in range(topology.max_cpus) if cpu not in given]
    for cpu in rest:
        # Without any -numa node,cpus= or -numa cpu, x86 spreads the sockets over the nodes.
        node = 0
        if not given:
            socket = topology.ids(cpu)["socket-id"] % len(state.nodes)
            node = socket if board is None else board.default_node(topology, cpu, len(state.nodes))
        assign_cpus(state, (cpu,), node, None)
    if state.hmat:
        for number in sorted(state.nodes):
            initiator = state.initiators.get(number, MAX_NODES)
            if initiator == MAX_NODES:
                if initiators_needed:
                    raise refuse("numa-initiator-unset", state.nodes[number].option, node=number)
                continue
            if initiator not in state.nodes:
                raise refuse("numa-initiator-missing", state.nodes[number].option, node=initiator)
            if initiator not in state.with_cpu:
                raise refuse("numa-initiator-invalid", state.nodes[number].option, node=number)
    if given and rest:
        size = len(board.cpus_of_slot(topology, 0)) if board is not None else 1
        lost = ", ".join(
            f"CPU {cpu // size} [{_slot(topology, cpu, board)}]" for cpu in rest if cpu % size == 0
        )
        warnings.append(f"warning: CPU(s) not present in any NUMA nodes: {lost}")
        warnings.append(
            "warning: All CPU(s) up to maxcpus should be described in NUMA config, ability to start up with "
            "partial NUMA mappings is obsoleted and will be removed in future"
        )


def _ids(topology: Topology, cpu: int, board: Board | None) -> dict[str, int]:
    """The ids of a CPU, largest level first."""
    if board is not None:
        return board.cpu_ids(topology, cpu)
    ids = topology.ids(cpu) | {"module-id": topology.module(cpu)}
    names = ["socket-id", *(["die-id"] if topology.dies > 1 else []),
             *(["module-id"] if topology.modules > 1 else []), "core-id", "thread-id"]
    return {name: ids[name] for name in names}


def _slot(topology: Topology, cpu: int, board: Board | None) -> str:
    return ", ".join(f"{name}: {value}" for name, value in _ids(topology, cpu, board).items())


def cpu_node(state: NumaState, cpu: int) -> int:
    """The node of a CPU once all have one."""
    return state.cpu_node.get(cpu, 0)
