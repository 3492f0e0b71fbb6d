"""A FlatView shows at every address who answers there, in disjoint, sorted, merged ranges."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trees import SPAN, TOP, Tree, trees

from memkit.memory.flatview import AddressSpace, FlatRange, FlatView, flatview_root, render
from memkit.memory.region import ADDRESS_SPACE_SIZE, MemoryRegion

PLACES = st.sampled_from((0, TOP))


def lines(root: MemoryRegion) -> list[str]:
    return str(render(root)).splitlines()


def system(*parts: tuple[MemoryRegion, int, int]) -> MemoryRegion:
    """A root of 2^64 bytes; parts are (region, address, priority) in the order of adding."""
    root = MemoryRegion("system", ADDRESS_SPACE_SIZE)
    for region, addr, priority in parts:
        root.add(region, addr, priority)
    return root


def expected(tree: Tree, real: MemoryRegion, first: int, count: int) -> list[FlatRange]:
    """The longest runs of addresses with one answer, found address by address."""
    runs: list[FlatRange] = []
    for address in range(first, first + count):
        answer = tree.ask(real, address) if address < ADDRESS_SPACE_SIZE else None
        if answer is None:
            continue
        last = runs[-1] if runs else None
        if (
            last is not None and last.end == address and last.region is answer.region
            and last.offset_in_region + last.size == answer.offset
            and (last.readonly, last.nonvolatile) == (answer.readonly, answer.nonvolatile)
        ):
            runs[-1] = FlatRange(last.start, last.size + 1, last.region, last.offset_in_region,
                                 last.readonly, last.nonvolatile)
        else:
            runs.append(FlatRange(address, 1, *answer))
    return runs


def clipped(view: FlatView, first: int, count: int) -> list[FlatRange]:
    """What a FlatView shows in a window of addresses; a region may be as large as the address space."""
    window = range(first, first + count)
    found = []
    for r in view.ranges:
        start, end = max(r.start, window.start), min(r.end, window.stop)
        if start < end:
            found.append(FlatRange(start, end - start, r.region, r.offset_in_region + start - r.start,
                                   r.readonly, r.nonvolatile))
    return found


@given(tree=PLACES.flatmap(trees))
def test_ranges_are_the_longest_runs_of_what_single_addresses_answer(tree: Tree) -> None:
    real, view = flatview_root(tree.root), render(tree.root)
    assert view.root is real
    if real is None:
        assert view.ranges == ()
        return
    for first, count in ((0, 2 * SPAN), (TOP, SPAN)):
        assert clipped(view, first, count) == expected(tree, real, first, count)


@settings(max_examples=40)
@given(tree=PLACES.flatmap(trees))
def test_ranges_are_sorted_disjoint_and_inside_the_address_space(tree: Tree) -> None:
    ranges = render(tree.root).ranges
    assert all(0 <= r.start < r.end <= ADDRESS_SPACE_SIZE for r in ranges)
    assert all(a.end <= b.start for a, b in pairwise(ranges))
    assert all(r.offset_in_region >= 0 and r.offset_in_region + r.size <= r.region.size for r in ranges)


@settings(max_examples=40)
@given(tree=PLACES.flatmap(trees), address=st.integers(0, SPAN) | st.integers(TOP, ADDRESS_SPACE_SIZE - 1))
def test_find_gives_the_range_that_holds_the_address(tree: Tree, address: int) -> None:
    view = render(tree.root)
    assert view.find(address) == next((r for r in view.ranges if r.start <= address < r.end), None)


@settings(max_examples=40)
@given(tree=trees())
def test_rendering_changes_no_region_and_is_repeatable(tree: Tree) -> None:
    before = [(r.addr, r.size, list(r.subregions)) for r in tree.regions]
    assert render(tree.root) == render(tree.root)
    assert [(r.addr, r.size, list(r.subregions)) for r in tree.regions] == before


def test_find_is_right_at_the_edges_of_ranges() -> None:
    ram = MemoryRegion("ram", 0x1000, "ram")
    view = render(system((ram, 0x1000, 0), (MemoryRegion("dev", 0x1000, "i/o"), 0x4000, 0)))
    assert [view.find(a) is not None for a in (0, 0xFFF, 0x1000, 0x1FFF, 0x2000, 0x4FFF, 0x5000)] == [
        False, False, True, True, False, True, False,
    ]


def test_of_equal_priorities_the_one_added_last_wins() -> None:
    first, second = MemoryRegion("first", 0x100, "ram"), MemoryRegion("second", 0x80, "ram")
    assert lines(system((first, 0, 0), (second, 0, 0))) == [
        "0000000000000000-000000000000007f (prio 0, ram): second",
        "0000000000000080-00000000000000ff (prio 0, ram): first @0000000000000080",
    ]


def test_a_priority_counts_only_among_brothers() -> None:
    # As the PCI hole: what is inside pci cannot get in front of RAM, however high its priority is.
    pci = MemoryRegion("pci", 0x1000)
    pci.add(MemoryRegion("bar", 0x1000, "i/o"), 0, 100)
    assert lines(system((MemoryRegion("ram", 0x800, "ram"), 0, 0), (pci, 0, -1))) == [
        "0000000000000000-00000000000007ff (prio 0, ram): ram",
        "0000000000000800-0000000000000fff (prio 100, i/o): bar @0000000000000800",
    ]


def test_a_hole_in_a_container_shows_what_lies_behind_it() -> None:
    front = MemoryRegion("front", 0x300)
    front.add(MemoryRegion("dev", 0x100, "i/o"), 0x100)
    assert lines(system((MemoryRegion("ram", 0x300, "ram"), 0, 0), (front, 0, 1))) == [
        "0000000000000000-00000000000000ff (prio 0, ram): ram",
        "0000000000000100-00000000000001ff (prio 0, i/o): dev",
        "0000000000000200-00000000000002ff (prio 0, ram): ram @0000000000000200",
    ]


def test_aliases_split_ram_around_a_hole_as_pcs_do() -> None:
    ram = MemoryRegion("pc.ram", 0x1_0000, "ram")
    low, high = MemoryRegion.window("low", ram, 0, 0xC000), MemoryRegion.window("high", ram, 0xC000, 0x4000)
    assert lines(system((low, 0, 0), (high, 0x1_0000, 0))) == [
        "0000000000000000-000000000000bfff (prio 0, ram): pc.ram",
        "0000000000010000-0000000000013fff (prio 0, ram): pc.ram @000000000000c000",
    ]


def test_ranges_that_continue_each_other_are_merged_but_not_across_a_gap_in_the_offset() -> None:
    ram = MemoryRegion("ram", 0x3000, "ram")
    parts = [MemoryRegion.window(f"w{n}", ram, offset, 0x1000) for n, offset in enumerate((0, 0x1000, 0))]
    assert lines(system(*((w, n * 0x1000, 0) for n, w in enumerate(parts)))) == [
        "0000000000000000-0000000000001fff (prio 0, ram): ram",
        "0000000000002000-0000000000002fff (prio 0, ram): ram",
    ]


def test_ranges_that_differ_in_writability_or_volatility_are_not_merged() -> None:
    ram = MemoryRegion("ram", 0x3000, "ram")
    parts = [MemoryRegion.window(f"w{n}", ram, n * 0x1000, 0x1000, readonly=n == 1) for n in range(3)]
    parts[2].nonvolatile = True
    assert lines(system(*((w, n * 0x1000, 0) for n, w in enumerate(parts)))) == [
        "0000000000000000-0000000000000fff (prio 0, ram): ram",
        "0000000000001000-0000000000001fff (prio 0, rom): ram @0000000000001000",
        "0000000000002000-0000000000002fff (prio 0, nv-ram): ram @0000000000002000",
    ]


def test_a_read_only_or_nonvolatile_container_passes_that_on_and_romd_stays_romd() -> None:
    box = MemoryRegion("box", 0x3000, nonvolatile=True)
    for index, kind in enumerate(("ram", "rom", "romd")):
        box.add(MemoryRegion(kind, 0x1000, kind), index * 0x1000)  # type: ignore[arg-type]
    outside = MemoryRegion("outside", 0x1000, "romd")
    outside.readonly = True
    # A read-only range prints rom, whatever its region is (mtree_print_flatview, softmmu/memory.c, 7.2).
    assert lines(system((box, 0, 0), (outside, 0x8000, 0))) == [
        "0000000000000000-0000000000000fff (prio 0, nv-ram): ram",
        "0000000000001000-0000000000001fff (prio 0, nv-rom): rom",
        "0000000000002000-0000000000002fff (prio 0, nv-romd): romd",
        "0000000000008000-0000000000008fff (prio 0, rom): outside",
    ]
    assert outside.type == "romd"


def test_an_alias_beyond_the_end_of_its_target_shows_only_what_is_there() -> None:
    ram = MemoryRegion("ram", 0x1000, "ram")
    long = MemoryRegion.window("long", ram, 0x800, 0x1000)
    behind = MemoryRegion.window("behind", ram, 0x1000, 0x1000)
    assert lines(system((long, 0, 0), (behind, 0x4000, 0))) == [
        "0000000000000000-00000000000007ff (prio 0, ram): ram @0000000000000800",
    ]


def test_an_alias_shows_its_target_from_the_targets_first_byte_wherever_that_is_mapped() -> None:
    bios, pci = MemoryRegion("bios", 0x4_0000, "rom"), MemoryRegion("pci", ADDRESS_SPACE_SIZE)
    pci.add(bios, 0xFFFC_0000)
    pci.add(MemoryRegion.window("isa-bios", bios, 0x2_0000, 0x2_0000), 0xE_0000, 1)
    assert lines(system((pci, 0, -1), (MemoryRegion("ram", 0x1000, "ram"), 0, 0))) == [
        "0000000000000000-0000000000000fff (prio 0, ram): ram",
        "00000000000e0000-00000000000fffff (prio 0, rom): bios @0000000000020000",
        "00000000fffc0000-00000000ffffffff (prio 0, rom): bios",
    ]


def test_what_is_disabled_or_has_no_size_is_not_there_also_behind_an_alias() -> None:
    off = MemoryRegion("off", 0x1000, "ram", enabled=False)
    empty = MemoryRegion("empty", 0, "ram")
    root = system(
        (off, 0, 0), (MemoryRegion.window("to-off", off, 0, 0x1000), 0x1000, 0), (empty, 0x2000, 0),
        (MemoryRegion("ram", 1, "ram"), 0x3000, 0),
    )
    assert lines(root) == ["0000000000003000-0000000000003000 (prio 0, ram): ram"]


def test_addresses_end_at_2_64() -> None:
    # Clipped to the address space, and the sums are wider than 64 bits (Int128 in softmmu/memory.c, 7.2).
    box = MemoryRegion("box", ADDRESS_SPACE_SIZE)
    box.add(MemoryRegion("ram", 0x2000, "ram"), 0x1000)
    assert lines(system((box, ADDRESS_SPACE_SIZE - 0x2000, 0))) == [
        "fffffffffffff000-ffffffffffffffff (prio 0, ram): ram",
    ]
    # An only alias becomes the root, at the address at which its target is mapped elsewhere.
    far = MemoryRegion("far", 0x2000, "ram")
    MemoryRegion("elsewhere", ADDRESS_SPACE_SIZE).add(far, ADDRESS_SPACE_SIZE - 0x1000)
    assert lines(MemoryRegion.window("root", far, 0, 0x2000)) == [
        "fffffffffffff000-ffffffffffffffff (prio 0, ram): far",
    ]


@pytest.mark.parametrize("enabled", [True, False])
def test_nothing_enabled_means_no_root_and_no_ranges(enabled: bool) -> None:
    bus = MemoryRegion("bus master container", ADDRESS_SPACE_SIZE)
    target = system((MemoryRegion("ram", 0x1000, "ram"), 0, 0))
    bus.add(MemoryRegion.window("bus master", target, 0, ADDRESS_SPACE_SIZE, enabled=enabled), 0)
    view = render(bus)
    if enabled:
        # Only children and whole aliases stand for their parents, down to the RAM itself.
        assert view.root is target.subregions[0]
        assert str(view) == "0000000000000000-0000000000000fff (prio 0, ram): ram"
    else:
        assert (view.root, view.ranges, str(view)) == (None, (), "No rendered FlatView")


def test_the_root_is_the_first_region_that_is_not_shown_alone_and_whole() -> None:
    ram, dev = MemoryRegion("ram", 0x1000, "ram"), MemoryRegion("dev", 0x10, "i/o")
    full = system((ram, 0, 0), (dev, 0x2000, 0))
    only_moved = system((MemoryRegion("ram", 0x1000, "ram"), 0x1000, 0))
    only_longer = MemoryRegion("short", 0x100)
    only_longer.add(MemoryRegion("ram", 0x1000, "ram"), 0)
    off = MemoryRegion("off", 8, "ram", enabled=False)
    one_enabled = system((MemoryRegion("on", 8, "ram"), 0, 0), (off, 0, 0))
    assert flatview_root(full) is full
    assert flatview_root(only_moved) is only_moved
    assert flatview_root(only_longer) is only_longer
    assert flatview_root(one_enabled) is one_enabled.subregions[-1]
    assert flatview_root(MemoryRegion.window("w", full, 0, ADDRESS_SPACE_SIZE)) is full
    part, shifted = MemoryRegion.window("p", ram, 0, 0x800), MemoryRegion.window("s", ram, 1, 0x1000)
    assert (flatview_root(part), flatview_root(shifted)) == (part, shifted)


def test_a_root_that_is_passed_over_takes_its_own_attributes_with_it() -> None:
    # QEMU renders the inner region alone, so what its parents would have added is lost.
    bus = MemoryRegion("bus", ADDRESS_SPACE_SIZE, readonly=True, nonvolatile=True)
    bus.add(MemoryRegion("ram", 0x1000, "ram"), 0)
    assert lines(bus) == ["0000000000000000-0000000000000fff (prio 0, ram): ram"]


def test_an_address_space_renders_once() -> None:
    space = AddressSpace("memory", system((MemoryRegion("ram", 8, "ram"), 0, 0)))
    assert space.flat_view is space.flat_view
    assert FlatView(None, ()).find(0) is None
