"""NUMA nodes: what each gets, which CPUs it has, and what must add up."""

from __future__ import annotations

import pytest

import memkit

MIB = 1 << 20
RAM = "-object memory-backend-ram,id={0},size={1}"
TWO = f"-m 1G {RAM.format('a', '768M')} {RAM.format('b', '256M')} -numa node,memdev=a -numa node,memdev=b"


def nodes(line: str) -> list[tuple[int, tuple[int, ...], int, int]]:
    return [(n.id, n.cpus, n.size // MIB, n.plugged // MIB) for n in memkit.boot(line).numa]


def test_a_guest_without_numa_has_no_node() -> None:
    assert [] == nodes("-m 1G")


def test_a_guest_that_can_be_given_memory_gets_a_node_by_itself() -> None:
    assert [(0, (0, 1), 1024, 0)] == nodes("-m 1G,slots=1,maxmem=2G -smp 2")
    # Machine types before 5.1 do so for slots only, and before 2.11 not at all.
    assert [] == nodes("-M pc-i440fx-5.0 -m 1G,maxmem=2G")
    assert [] == nodes("-M pc-i440fx-2.10 -m 1G,slots=1,maxmem=2G")


def test_each_node_has_the_memory_of_its_backend() -> None:
    assert [(0, (0,), 768, 0), (1, (), 256, 0)] == nodes(TWO)


@pytest.mark.parametrize(("options", "cpus"), [
    ("-smp 4", [(0, 1, 2, 3), ()]),
    ("-smp 4,sockets=2", [(0, 1), (2, 3)]),
    ("-smp 4,sockets=4", [(0, 2), (1, 3)]),
    ("-smp 2,maxcpus=4,sockets=4", [(0,), (1,)]),
    ("-smp 4,sockets=2 -numa cpu,node-id=1,socket-id=0 -numa cpu,node-id=0,socket-id=1", [(2, 3), (0, 1)]),
    ("-smp 4 -numa cpu,node-id=1,core-id=2", [(0, 1, 3), (2,)]),
])
def test_sockets_are_spread_over_the_nodes_unless_cpus_are_given(
    options: str, cpus: list[tuple[int, ...]]
) -> None:
    assert cpus == [node[1] for node in nodes(f"{TWO} {options}")]


def test_cpus_that_nobody_wants_go_to_node_0_with_a_warning() -> None:
    guest = memkit.boot(TWO.replace("node,memdev=b", "node,memdev=b,cpus=1") + " -smp 3,sockets=3")
    assert [(0, 2), (1,)] == [node.cpus for node in guest.numa]
    assert (
        "warning: CPU(s) not present in any NUMA nodes: CPU 0 [socket-id: 0, core-id: 0, thread-id: 0], "
        "CPU 2 [socket-id: 2, core-id: 0, thread-id: 0]"
    ) in guest.warnings


def test_plugged_memory_counts_for_its_node() -> None:
    dimm = f"{RAM.format('d', '512M')} -device pc-dimm,memdev=d,node=1"
    line = f"{TWO.replace('1G', '1G,slots=2,maxmem=4G', 1)} {dimm}"
    assert [(0, (0,), 768, 0), (1, (), 768, 512)] == nodes(line)


def test_mem_is_for_old_machine_types_and_warns() -> None:
    guest = memkit.boot("-M pc-i440fx-5.0 -m 1G -numa node,mem=768 -numa node,mem=256M")
    assert [768 * MIB, 256 * MIB] == [node.size for node in guest.numa]
    assert (
        "-numa node,mem=768: warning: Parameter -numa node,mem is deprecated, use -numa node,memdev instead"
        == guest.warnings[0]
    )


def test_one_distance_for_each_pair_is_enough() -> None:
    assert memkit.boot(f"{TWO} -numa dist,src=0,dst=1,val=20").numa


def test_a_latency_has_a_power_of_ten_and_16_bits() -> None:
    latency = "-numa hmat-lb,initiator=0,target={0},hierarchy=memory,data-type=access-latency,latency={1}"
    line = TWO.replace("-m 1G", "-M hmat=on -m 1G").replace("memdev=a", "memdev=a,cpus=0")
    assert memkit.boot(f"{line} {latency.format(0, 655340000)}").numa
    with pytest.raises(memkit.Refused, match="Duplicate configuration of the latency"):
        memkit.boot(f"{line} {latency.format(0, 5)} {latency.format(0, 5)}")
