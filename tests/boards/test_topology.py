"""``-smp``: what is left out is filled in, sockets first on old machine types and cores first on new ones."""

from __future__ import annotations

import pytest

from memkit.boards.machine import select_machine
from memkit.boards.topology import Topology, read_topology
from memkit.config import parse


def topology(line: str) -> Topology:
    config = parse(line)
    return read_topology(select_machine(config), config.smp_options(), config.last("smp"))


@pytest.mark.parametrize(("smp", "new", "old"), [
    ("1", (1, 1, 1, 1, 1, 1), (1, 1, 1, 1, 1, 1)),
    ("8", (8, 8, 1, 1, 8, 1), (8, 8, 8, 1, 1, 1)),
    ("8,sockets=2", (8, 8, 2, 1, 4, 1), (8, 8, 2, 1, 4, 1)),
    ("8,cores=2", (8, 8, 4, 1, 2, 1), (8, 8, 4, 1, 2, 1)),
    ("8,threads=2", (8, 8, 1, 1, 4, 2), (8, 8, 4, 1, 1, 2)),
    ("8,dies=2", (8, 8, 1, 2, 4, 1), (8, 8, 4, 2, 1, 1)),
    ("2,maxcpus=8", (2, 8, 1, 1, 8, 1), (2, 8, 8, 1, 1, 1)),
    ("maxcpus=4", (4, 4, 1, 1, 4, 1), (4, 4, 4, 1, 1, 1)),
    ("sockets=2,cores=3", (6, 6, 2, 1, 3, 1), (6, 6, 2, 1, 3, 1)),
])
def test_what_is_left_out_is_filled_in(smp: str, new: tuple[int, ...], old: tuple[int, ...]) -> None:
    assert Topology(*new) == topology(f"-M pc-q35-7.2 -smp {smp}")
    assert Topology(*old) == topology(f"-M pc-q35-6.1 -smp {smp}")


def test_numbers_are_kept_in_32_bits() -> None:
    assert Topology() == topology("-smp 4294967297")


def test_zero_is_deprecated_and_means_left_out() -> None:
    config = parse("-smp 2,cores=0")
    machine = select_machine(config)
    assert Topology(2, 2, 1, 1, 2, 1) == read_topology(machine, config.smp_options(), None)
    assert 1 == len(machine.warnings)
    assert "must be greater than zero" in machine.warnings[0]


def test_a_cpus_ids_count_threads_first() -> None:
    ids = Topology(16, 16, sockets=2, dies=2, cores=2, threads=2).ids(13)
    assert {"thread-id": 1, "core-id": 0, "die-id": 1, "socket-id": 1} == ids
