"""A container that is filled at the first look is the same as one that was filled at once."""

from __future__ import annotations

import copy
import random

import pytest

import memkit
from memkit.memory.late import LateContainer, Placed
from memkit.memory.region import MemoryRegion


def pieces(seed: int) -> list[Placed]:
    rnd = random.Random(seed)
    priorities = (-1, 0, 0, 1, 4096)
    return [(MemoryRegion(f"r{n}", 0x1000, "i/o"), n << 12, rnd.choice(priorities)) for n in range(12)]


@pytest.mark.parametrize("seed", range(8))
def test_the_order_is_that_of_adding_one_by_one(seed: int) -> None:
    at_once, late = MemoryRegion("system", 1 << 64), LateContainer("system", 1 << 64)
    for piece in pieces(seed):
        at_once.add(*piece)
    first, second, third, last = (pieces(seed)[part] for part in (
        slice(3), slice(3, 6), slice(6, 9), slice(9, None)))
    for piece in first:
        late.add(*piece)
    late.add_later(lambda: second)
    for piece in third:
        late.add(*piece)
    if seed % 2:
        assert len(late.subregions) == 9
    late.add_later(lambda: last)

    def tree(region: MemoryRegion) -> list[tuple[str, int, int]]:
        return [(r.name, r.addr, r.priority) for r in region.subregions]

    assert tree(late) == tree(at_once)
    assert all(region.container is late for region in late.subregions)


def test_what_is_made_late_is_made_once() -> None:
    late = LateContainer("system", 1 << 64)
    late.add_later(lambda: [(MemoryRegion("ioapic", 0x1000, "i/o"), 0, 0)])
    assert late.subregions[0] is late.subregions[0]


def test_no_other_attribute_comes_late() -> None:
    with pytest.raises(AttributeError, match="nope"):
        _ = LateContainer("system", 1 << 64).nope


def test_who_comes_from_below_sees_all_regions() -> None:
    dimm = "-m 1G,slots=1,maxmem=2G -object memory-backend-ram,id=m,size=1G -device pc-dimm,memdev=m"
    guest = memkit.boot(dimm)
    region = guest.frontends[-1].regions[0] if guest.frontends[-1].kind == "pc-dimm" else next(
        f for f in guest.frontends if f.kind == "pc-dimm").regions[0]
    assert region.container is not None
    system = region.container.container
    assert system is guest.address_space().root
    assert sum(sub.name.startswith("pam-") for sub in system.subregions) == 52


def test_a_copy_is_filled() -> None:
    late = LateContainer("system", 1 << 64)
    late.add(MemoryRegion("ram", 0x1000, "ram"), 0)
    twin = copy.deepcopy(late)
    assert [region.name for region in twin.subregions] == ["ram"]
    assert twin.subregions[0].container is twin
