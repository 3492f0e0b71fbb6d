"""NUMA nodes: what each gets, and whether they add up to ``-m``.

Source: hw/core/numa.c and hw/core/machine.c (QEMU 7.2).
"""

from __future__ import annotations

from memkit.boards.apic_ids import check_apic_ids
from memkit.boards.board import refuse_here
from memkit.boards.build import Build, Memdev
from memkit.boards.numa_cpus import assign_cpus, cpu_node, finish_cpus, matching_cpus
from memkit.boards.numa_state import MAX_NODES, Node, NumaState
from memkit.boards.numa_tables import Hmat, add_distance, check_distances
from memkit.boards.refusals import refuse
from memkit.config import Config, NumaSpec
from memkit.memory.device import Frontend, NumaNode
from memkit.memory.region import MemoryRegion

__all__ = ["NumaState", "complete_numa", "consume", "numa_nodes", "parse_numa", "refuse_nodes"]


def parse_numa(build: Build) -> NumaState:
    """The nodes of ``-numa``, read and checked one by one in their order; raises Refused."""
    board = build.machine.board
    if board is not None and not board.numa:
        refuse_nodes(build.config)
    state = NumaState(hmat=build.machine.flag("hmat", False))
    hmat = Hmat(state)
    for spec in build.config.iter_numa():
        if spec.type == "node":
            _node(build, state, spec)
        elif spec.type == "dist":
            add_distance(state, spec)
        elif spec.type == "cpu":
            _cpu(build, state, spec)
        else:
            hmat.add(spec)
    return state


def refuse_nodes(config: Config) -> None:
    """Raise Refused for the first ``-numa`` on a machine that has no nodes."""
    for option in config.all("numa"):
        raise refuse_here(
            "NUMA is not supported by this machine-type", "The board has no place for NUMA nodes.",
            "leave out -numa; main RAM can still have a backend: -machine memory-backend=ID",
            "parse_numa_opts, hw/core/numa.c, QEMU 7.2", option, located=True,
        )


def _node(build: Build, state: NumaState, spec: NumaSpec) -> None:
    number = spec.nodeid if spec.nodeid is not None else len(state.nodes)
    if number >= MAX_NODES:
        raise refuse("numa-max", spec.option, located=True, node=number)
    if number in state.nodes:
        raise refuse("numa-duplicate", spec.option, located=True, node=number)
    facts = build.qemu
    if facts.initiator_first and not _initiator(build, state, spec, number):
        return
    if not facts.initiator_first:
        # Not set yet: it looks like node 0.
        state.initiators.setdefault(number, 0)
    for cpu in spec.cpus:
        if cpu >= build.machine.max_cpus:
            raise refuse("numa-cpu", spec.option, located=True, cpu=cpu, maxcpus=build.machine.max_cpus)
        board = build.machine.board
        slot = (cpu,) if board is None else board.cpus_of_slot(build.machine.topology, cpu)
        assign_cpus(state, slot, number, spec.option)
    if not facts.initiator_first:
        del state.initiators[number]
    state.uses_memdev |= spec.memdev is not None
    state.uses_mem |= spec.mem is not None
    if state.uses_memdev and state.uses_mem:
        raise refuse("numa-mixed", spec.option, located=True)
    node = Node(option=spec.option)
    if spec.mem is not None:
        if not build.machine.facts.numa_mem:
            raise refuse("numa-mem", spec.option, located=True)
        node.mem = spec.mem
        build.warnings.append(
            f"{spec.option.text}: warning: Parameter -numa node,mem is deprecated, "
            "use -numa node,memdev instead"
        )
    if spec.memdev is not None:
        memdev = build.memdevs.get(spec.memdev.removeprefix("/objects/"))
        if memdev is None:
            raise refuse("numa-memdev", spec.option, located=True, name=spec.memdev)
        node.mem, node.memdev = memdev.backend.size, memdev
    if not facts.initiator_first and not _initiator(build, state, spec, number):
        state.uses_memdev = any(n.memdev for n in state.nodes.values())
        return
    state.nodes[number] = node


def _initiator(build: Build, state: NumaState, spec: NumaSpec, number: int) -> bool:
    """Set the initiator of node ``number``; False if there will be no node; raises Refused."""
    if spec.initiator is None:
        return True
    if not state.hmat:
        raise refuse("hmat-off", spec.option, located=True)
    if spec.initiator >= MAX_NODES:
        # QEMU complains, makes no node and goes on.
        build.warnings.append(f"{spec.option.text}: The initiator id {spec.initiator} expects an "
                              f"integer between 0 and {MAX_NODES - 1}")
        return False
    state.initiators[number] = spec.initiator
    return True


def _cpu(build: Build, state: NumaState, spec: NumaSpec) -> None:
    if spec.node_id is None:
        raise refuse("numa-no-node-id", spec.option, located=True)
    if spec.node_id not in state.nodes:
        raise refuse("numa-node-undefined", spec.option, located=True, node=spec.node_id)
    machine = build.machine
    chosen = matching_cpus(machine.topology, spec.props, spec.option, machine.board)
    assign_cpus(state, chosen, spec.node_id, spec.option)


def complete_numa(build: Build, state: NumaState, machine_backend: Memdev | None) -> MemoryRegion | None:
    """Check the nodes against ``-m``; the container of all memdevs, or None if there are none.

    Without ``-numa``, machines make one node by themselves when memory can be plugged.  Raises Refused.
    """
    # The board makes its CPUs next, and before its memory.
    ram = _complete(build, state, machine_backend)
    if build.machine.board is None:
        check_apic_ids(build)
    return ram


def _complete(build: Build, state: NumaState, machine_backend: Memdev | None) -> MemoryRegion | None:
    machine, facts = build.machine, build.machine.facts
    if not state.nodes and (
        (machine.slots and facts.auto_numa_slots)
        or (machine.maxram_size > machine.ram_size and facts.auto_numa_memdev)
        or (machine.board is not None and machine.board.auto_numa)
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
    if state.uses_memdev and machine_backend is not None:
        raise refuse("numa-exclusive", build.config.last("numa"))
    # Where the board makes its RAM by itself, nothing takes the nodes' backends.
    ram = _container(build, state) if not state.legacy_mem and machine.ram_id else None
    check_distances(state, build.config.last("numa"))
    finish_cpus(state, machine.topology, build.warnings,
                initiators_needed=not build.qemu.initiator_first, board=machine.board)
    build.cpu_nodes = state.cpu_node
    build.node_sizes = [state.nodes[number].mem for number in sorted(state.nodes)]
    return ram


def _container(build: Build, state: NumaState) -> MemoryRegion:
    """Main RAM, made of the nodes' backends one behind the other."""
    machine = build.machine
    container = MemoryRegion(machine.ram_id, machine.ram_size, owner="/machine")
    offset = 0
    for number in sorted(state.nodes):
        memdev = state.nodes[number].memdev
        if memdev is None:
            continue
        consume(build, memdev)
        container.add(memdev.region, offset)
        offset += memdev.backend.size
        build.frontends.append(Frontend(
            "numa-node", None, f"NUMA node {number}", memdev.backend, (memdev.block,),
            (memdev.region,), build.option_index(state.nodes[number].option),
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
    for cpu in (*range(build.machine.cpus), *build.more_cpus):
        cpus.setdefault(cpu_node(state, cpu), []).append(cpu)
    return tuple(
        NumaNode(
            n, tuple(cpus[n]), node.mem + plugged.get(n, 0), plugged.get(n, 0),
            node.memdev.backend.id if node.memdev else None,
        )
        for n, node in sorted(state.nodes.items())
    )
