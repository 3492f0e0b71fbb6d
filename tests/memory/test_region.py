"""MemoryRegions: the order in which siblings are asked, and the words that QEMU has for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memkit.memory.region import ADDRESS_SPACE_SIZE, MemoryRegion


@given(st.lists(st.integers(-3, 3), max_size=12))
def test_siblings_stand_by_priority_and_a_newcomer_before_its_equals(priorities: list[int]) -> None:
    box = MemoryRegion("box", 0x1000)
    for number, priority in enumerate(priorities):
        box.add(MemoryRegion(str(number), 1, "ram"), 0, priority)
    wanted = sorted(enumerate(priorities), key=lambda p: (-p[1], -p[0]))
    assert [int(s.name) for s in box.subregions] == [number for number, _ in wanted]


def test_add_maps_the_region_and_returns_it() -> None:
    box, ram = MemoryRegion("box", 0x1000), MemoryRegion("ram", 0x100, "ram")
    assert box.add(ram, 0x800, 3) is ram
    assert (ram.addr, ram.priority, ram.container) == (0x800, 3, box)


@pytest.mark.parametrize(("kind", "readonly", "word"), [
    ("container", False, "i/o"), ("container", True, "i/o"), ("i/o", False, "i/o"), ("ram", False, "ram"),
    ("ram", True, "rom"), ("rom", False, "rom"), ("romd", False, "romd"), ("romd", True, "romd"),
    ("ramd", False, "ramd"),
])
def test_type_is_the_word_of_info_mtree(kind: str, readonly: bool, word: str) -> None:
    region = MemoryRegion("r", 0x1000, kind, readonly=readonly)  # type: ignore[arg-type]
    assert region.type == word


def test_an_alias_has_the_type_of_what_it_shows_whether_it_is_read_only_or_not() -> None:
    # pam-rom is a read-only alias of RAM, and info mtree calls it ram (memory_region_type).
    ram = MemoryRegion("pc.ram", 0x1000, "ram")
    outer = MemoryRegion.window("outer", MemoryRegion.window("inner", ram, 0, 0x800, readonly=True), 0, 0x800)
    assert (outer.type, outer.alias.type if outer.alias else None) == ("ram", "ram")


def test_an_access_ends_at_what_is_neither_container_nor_alias() -> None:
    ram = MemoryRegion("ram", 0x1000, "ram")
    box, alias = MemoryRegion("box", 0x1000), MemoryRegion.window("w", ram, 0, 8)
    dev = MemoryRegion("dev", 8, "i/o")
    assert [r.terminates for r in (box, alias, ram, dev)] == [False, False, True, True]


def test_walk_goes_down_parents_first_and_follows_no_alias() -> None:
    ram, box = MemoryRegion("ram", 8, "ram"), MemoryRegion("box", 0x100)
    root = MemoryRegion("root", ADDRESS_SPACE_SIZE)
    root.add(box, 0)
    box.add(MemoryRegion("dev", 8, "i/o"), 8)
    root.add(MemoryRegion.window("w", ram, 0, 8), 0x1000)
    assert [r.name for r in root.walk()] == ["root", "w", "box", "dev"]
    assert [r for r in root.walk() if r is ram] == []


def test_equal_regions_are_still_two_regions() -> None:
    assert MemoryRegion("r", 8) != MemoryRegion("r", 8)
    assert repr(MemoryRegion("r", 8, "ram", addr=16)) == "<MemoryRegion 'r' ram 0x8 bytes at 0x10>"
