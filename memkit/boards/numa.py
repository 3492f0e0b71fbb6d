"""NUMA nodes: what each gets, and whether they add up to ``-m``.

Source: hw/core/numa.c and hw/core/machine.c (QEMU 7.2).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from memkit.boards.build import Build, Memdev
from memkit.boards.refusals import refuse
from memkit.config import NumaSpec
from memkit.memory.device import Frontend, NumaNode
from memkit.memory.region import MemoryRegion

__all__ = ["NumaState", "complete_numa", "parse_numa"]

MAX_NODES = 128


@dataclass(eq=False, slots=True)
class Node:
    """A node while it is being put together; ``mem`` in bytes."""

    mem: int = 0
    memdev: Memdev | None = None
    spec: NumaSpec | None = None


@dataclass(eq=False)
class NumaState:
    """All nodes by id, and which CPU belongs to which."""

    nodes: dict[int, Node] = field(default_factory=dict)
    cpu_node: dict[int, int] = field(default_factory=dict)
    uses_memdev: bool = False
    uses_mem: bool = False

    @property
    def legacy_mem(self) -> bool:
        """True unless a node has a memdev=: then main RAM is one backend, not one per node."""
        return not self.uses_memdev


def parse_numa(build: Build) -> NumaState:
    """The nodes of ``-numa``, checked one by one in their order; raises Refused."""
    state = NumaState()
    for spec in build.config.numa_options():
        if spec.type == "node":
            _node(build, state, spec)
        elif spec.type == "cpu":
            _cpu(build, state, spec)
        elif spec.type in ("hmat-lb", "hmat-cache") and not build.machine.flag("hmat", False):
            raise refuse("hmat-off", spec.option, located=True)
    return state


def _node(build: Build, state: NumaState, spec: NumaSpec) -> None:
    number = spec.nodeid if spec.nodeid is not None else len(state.nodes)
    if number >= MAX_NODES:
        raise refuse("numa-max", spec.option, located=True, node=number)
    if number in state.nodes:
        raise refuse("numa-duplicate", spec.option, located=True, node=number)
    if spec.initiator is not None and not build.machine.flag("hmat", False):
        raise refuse("hmat-off", spec.option, located=True)
    for cpu in spec.cpus:
        if cpu >= build.machine.max_cpus:
            raise refuse("numa-cpu", spec.option, located=True, cpu=cpu, maxcpus=build.machine.max_cpus)
        if state.cpu_node.get(cpu, number) != number:
            raise refuse("numa-cpu-twice", spec.option, located=True, node=state.cpu_node[cpu])
        state.cpu_node[cpu] = number
    state.uses_memdev |= spec.memdev is not None
    if (spec.mem is not None and state.uses_memdev) or (spec.memdev is not None and state.uses_mem):
        raise refuse("numa-mixed", spec.option, located=True)
    node = Node(spec=spec)
    if spec.mem is not None:
        if not build.machine.facts.numa_mem:
            raise refuse("numa-mem", spec.option, located=True)
        state.uses_mem = True
        node.mem = spec.mem
        build.warnings.append(
            f"{spec.option.text}: warning: Parameter -numa node,mem is deprecated, "
            "use -numa node,memdev instead"
        )
    if spec.memdev is not None:
        memdev = build.memdevs.get(spec.memdev)
        if memdev is None:
            raise refuse("numa-memdev", spec.option, located=True, name=spec.memdev)
        node.mem, node.memdev = memdev.backend.size, memdev
    state.nodes[number] = node


def _cpu(build: Build, state: NumaState, spec: NumaSpec) -> None:
    if spec.node_id is None:
        raise refuse("numa-no-node-id", spec.option, located=True)
    if spec.node_id not in state.nodes:
        raise refuse("numa-node-undefined", spec.option, located=True, node=spec.node_id)
    topology = build.machine.topology
    chosen = [
        cpu for cpu in range(topology.max_cpus)
        if all(spec.props.get(key) in (None, value) for key, value in topology.ids(cpu).items())
    ]
    if not chosen:
        raise refuse("numa-no-match", spec.option, located=True)
    for cpu in chosen:
        if state.cpu_node.get(cpu, spec.node_id) != spec.node_id:
            raise refuse("numa-cpu-twice", spec.option, located=True, node=state.cpu_node[cpu])
        state.cpu_node[cpu] = spec.node_id


def complete_numa(build: Build, state: NumaState, machine_backend: Memdev | None) -> MemoryRegion | None:
    """Check the nodes against ``-m``; the container of all memdevs, or None if there are none.

    Without ``-numa``, machines make one node by themselves when memory can be plugged.
    """
    machine, facts = build.machine, build.machine.facts
    if not state.nodes and (
        (machine.slots and facts.auto_numa_slots)
        or (machine.maxram_size > machine.ram_size and facts.auto_numa_memdev)
    ):
        state.nodes[0] = Node(mem=machine.ram_size)
    for number in range(max(state.nodes, default=-1), -1, -1):
        if number not in state.nodes:
            raise refuse("numa-gap", build.config.last("numa"), node=number)
    if not state.nodes:
        return None
    total = sum(n.mem for n in state.nodes.values())
    if total != machine.ram_size:
        raise refuse("numa-total", build.config.last("numa"), total=total, ram=machine.ram_size)
    if state.legacy_mem:
        return None
    if machine_backend is not None:
        raise refuse("numa-exclusive", build.config.last("numa"))
    container = MemoryRegion(machine.ram_id, machine.ram_size, owner="/machine")
    offset = 0
    for number in sorted(state.nodes):
        memdev = state.nodes[number].memdev
        if memdev is None:
            continue
        consume(build, memdev)
        container.add(memdev.region, offset)
        offset += memdev.backend.size
        spec = state.nodes[number].spec
        build.frontends.append(Frontend(
            "numa-node", None, f"NUMA node {number}", memdev.backend, (memdev.block,),
            (memdev.region,), build.option_index(spec.option if spec else None),
        ))
    return container


def consume(build: Build, memdev: Memdev) -> None:
    """Take ``memdev`` for main RAM: its block gets its name now (machine_consume_memdev)."""
    if memdev.mapped:
        raise refuse("memdev-twice", memdev.option, name=memdev.backend.id)
    memdev.mapped = True
    memdev.block.idstr = memdev.region.name


def numa_nodes(build: Build, state: NumaState) -> tuple[NumaNode, ...]:
    """The lines of ``info numa``: CPUs, bytes and plugged bytes of each node."""
    plugged: dict[int, int] = {}
    for device in build.memory_devices:
        node = device.node or 0
        plugged[node] = plugged.get(node, 0) + device.size
    cpus: dict[int, list[int]] = {n: [] for n in state.nodes}
    for cpu in range(build.machine.cpus):
        cpus.setdefault(_cpu_node(build, state, cpu), []).append(cpu)
    return tuple(
        NumaNode(
            n, tuple(cpus[n]), node.mem + plugged.get(n, 0), plugged.get(n, 0),
            node.memdev.backend.id if node.memdev else None,
        )
        for n, node in sorted(state.nodes.items())
    )


def _cpu_node(build: Build, state: NumaState, cpu: int) -> int:
    if not state.cpu_node:
        # x86 spreads sockets over the nodes (x86_get_default_cpu_node_id, hw/i386/x86.c).
        return build.machine.topology.ids(cpu)["socket-id"] % max(1, len(state.nodes))
    return state.cpu_node.get(cpu, 0)
