"""The memory maps compared: what the guest sees elsewhere, no longer, newly, or by another name."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

from memkit.diff.change import Change, moved
from memkit.diff.partners import pair
from memkit.guest import Guest
from memkit.memory.flatview import FlatRange
from memkit.memory.ramblock import RAMBlock
from memkit.units import hex_address, human

__all__ = ["ranges"]


def ranges(a: Guest, b: Guest, blocks: Iterable[tuple[RAMBlock, RAMBlock]]) -> Iterator[Change]:
    """The differences of the FlatViews of "memory" (gpa); ``blocks`` are the RAMBlocks paired."""
    if not all(any(s.name == "memory" for s in g.address_spaces) for g in (a, b)):
        return
    old, new = a.main_flat_view.ranges, b.main_flat_view.ranges
    now = _new_names(old, new, blocks)

    def name(r: FlatRange) -> str:
        return now.get(id(r), r.region.name)

    def nobody_elses(r: FlatRange) -> Hashable:
        # A device's window that keeps place and size; RAM and ROM go by their blocks.
        return (r.start, r.size, r.type) if r.region.block is None else None

    pairs, gone, come = pair(old, new, [
        lambda r: (r.start, r.size, name(r), r.type, r.offset_in_region),
        lambda r: (name(r), r.type, r.offset_in_region, r.size),
        lambda r: (name(r), r.type, r.start), lambda r: (name(r), r.start, r.size),
        lambda r: (name(r), r.type, r.offset_in_region), nobody_elses,
    ])
    found: list[tuple[int, Change]] = []
    for before, after in pairs:
        change = _changed(before, after)
        if change:
            found.append((after.start, change))
    for before in gone:
        found.append((before.start, Change(
            "range vanished", before.region.name, before.start, None,
            f"The guest no longer sees {_range(before)} at {_span(before)}.", things=(before, None))))
    for after in come:
        found.append((after.start, Change(
            "range appeared", after.region.name, None, after.start,
            f"The guest now sees {_range(after)} at {_span(after)}.", things=(None, after))))
    for _, change in sorted(found, key=lambda f: f[0]):
        yield change


def _new_names(
    old: Iterable[FlatRange], new: Iterable[FlatRange], blocks: Iterable[tuple[RAMBlock, RAMBlock]]
) -> dict[int, str]:
    """What the region of each old range is called now, by the id of the range, if its block says so."""
    partner = {id(before): id(after) for before, after in blocks}
    called = {id(r.region.block): r.region.name for r in new if r.region.block is not None}
    return {
        id(r): called[partner[id(r.region.block)]] for r in old
        if partner.get(id(r.region.block)) in called
    }


def _changed(before: FlatRange, after: FlatRange) -> Change | None:
    name, thing, things = after.region.name, _range(after), (before, after)
    same_place, same_size = before.start == after.start, before.size == after.size
    if same_size and not same_place:
        return Change("range moved", name, before.start, after.start,
                      f"The guest sees {thing} {moved(before.start, after.start, 'move')}.",
                      f"was at {hex_address(before.start)}", things)
    if same_place and not same_size:
        verb = "grow" if after.size > before.size else "shrink"
        return Change("range resized", name, before.size, after.size,
                      f"The guest sees {thing} {verb} at {hex_address(after.start)}, from "
                      f"{human(before.size)} to {human(after.size)}.", f"was {human(before.size)}", things)
    if not same_place:
        return Change("range changed", name, (before.start, before.size), (after.start, after.size),
                      f"The guest sees {thing} at {_span(after)} instead of {_span(before)}.",
                      f"was {human(before.size)} at {hex_address(before.start)}", things)
    if before.type != after.type or before.offset_in_region != after.offset_in_region:
        return Change("range changed", name, before.type, after.type,
                      f"The guest sees {name} at {_span(after)} as {after.type} from offset "
                      f"{hex_address(after.offset_in_region)}, instead of {before.type} from offset "
                      f"{hex_address(before.offset_in_region)}.",
                      f"was {before.type} from offset {hex_address(before.offset_in_region)}", things)
    if before.region.name != name:
        return Change("range renamed", name, before.region.name, name,
                      f"What the guest sees at {_span(after)} is now called {thing}, not "
                      f"{before.region.name}.", f"was called {before.region.name}", things)
    return None


def _range(r: FlatRange) -> str:
    return f"{r.region.name} ({r.type})"


def _span(r: FlatRange) -> str:
    return f"{hex_address(r.start)} to {hex_address(r.end - 1)}"
