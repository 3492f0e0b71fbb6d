"""FlatViews: the region tree of an address space, rendered to a list without overlaps.

Rendering visits subregions from the highest priority down; each RAM, ROM or i/o region
takes what is still free inside its window.  Aliases are followed and clip what they show.

Source: render_memory_region, flatview_simplify and memory_region_get_flatview_root in
softmmu/memory.c (QEMU 7.2), system/memory.c (since 8.2).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property

from memkit.memory.region import ADDRESS_SPACE_SIZE, MemoryRegion

__all__ = ["AddressSpace", "FlatRange", "FlatView", "flatview_root", "render"]


@dataclass(frozen=True, slots=True)
class FlatRange:
    """A run of guest-physical addresses that one region answers.

    ``start`` is a gpa, ``size`` bytes; ``offset_in_region`` is where in ``region`` it begins.
    """

    start: int
    size: int
    region: MemoryRegion
    offset_in_region: int
    readonly: bool
    nonvolatile: bool

    @property
    def end(self) -> int:
        """The first gpa behind this range."""
        return self.start + self.size

    @property
    def type(self) -> str:
        """The word that ``info mtree -f`` prints: ram, nv-ram, rom, romd or i/o."""
        word = "rom" if self.readonly else self.region.type
        return f"nv-{word}" if self.nonvolatile else word

    def __str__(self) -> str:
        """The line of ``info mtree -f``, without indentation."""
        offset = f" @{self.offset_in_region:016x}" if self.offset_in_region else ""
        return (
            f"{self.start:016x}-{self.end - 1:016x} (prio {self.region.priority}, "
            f"{self.type}): {self.region.name}{offset}"
        )


@dataclass(frozen=True, slots=True)
class FlatView:
    """Disjoint ranges, sorted by gpa, below one root region (None: nothing is enabled)."""

    root: MemoryRegion | None
    ranges: tuple[FlatRange, ...]

    def find(self, gpa: int) -> FlatRange | None:
        """The range that answers at ``gpa`` (guest-physical address), or None: nobody does.

        >>> FlatView(None, ()).find(0) is None
        True
        """
        index = bisect_right(self.ranges, gpa, key=lambda r: r.start) - 1
        if index >= 0 and gpa < self.ranges[index].end:
            return self.ranges[index]
        return None

    def __str__(self) -> str:
        return "\n".join(map(str, self.ranges)) or "No rendered FlatView"


@dataclass(eq=False)
class AddressSpace:
    """A name and the root of the tree that it shows (``memory``, ``I/O``, a PCI device's DMA view)."""

    name: str
    root: MemoryRegion = field(repr=False)

    @cached_property
    def flat_view(self) -> FlatView:
        """The FlatView of this address space, rendered at the first use."""
        return render(self.root)


def flatview_root(region: MemoryRegion) -> MemoryRegion | None:
    """The region below which the FlatView is really rendered, or None if nothing is enabled.

    A whole-size alias, or an only child, stands for its container, so that address spaces
    can share one FlatView (memory_region_get_flatview_root).
    """
    while region.enabled:
        if region.alias is not None:
            if region.alias_offset == 0 and region.size >= region.alias.size:
                region = region.alias
                continue
        elif not region.terminates:
            alive = [s for s in region.subregions if s.enabled]
            if not alive:
                return None
            only = alive[0]
            if len(alive) == 1 and only.addr == 0 and region.size >= only.size:
                region = only
                continue
        return region
    return None


def render(root: MemoryRegion) -> FlatView:
    """The FlatView below ``root``: gpa ranges, disjoint, sorted and merged.

    >>> ram = MemoryRegion("ram", 0x2000, "ram")
    >>> system = MemoryRegion("system", 1 << 64)
    >>> _ = system.add(ram, 0), system.add(MemoryRegion("dev", 0x1000, "i/o"), 0x1000, 1)
    >>> print(render(system))
    0000000000000000-0000000000000fff (prio 0, ram): ram
    0000000000001000-0000000000001fff (prio 1, i/o): dev
    """
    real = flatview_root(root)
    if real is None:
        return FlatView(None, ())
    starts: list[int] = []
    ranges: list[FlatRange] = []

    def place(region: MemoryRegion, base: int, low: int, high: int, ro: bool, nv: bool) -> None:
        """Give ``region`` what is still free of [low, high); base is the gpa of its first byte."""
        index = bisect_right(starts, low)
        if index and ranges[index - 1].end > low:
            low = ranges[index - 1].end
        while low < high:
            stop = min(high, starts[index]) if index < len(starts) else high
            if low < stop:
                starts.insert(index, low)
                ranges.insert(index, FlatRange(low, stop - low, region, low - base, ro, nv))
                index += 1
            if index >= len(starts):
                break
            low = ranges[index].end
            index += 1

    def visit(region: MemoryRegion, base: int, low: int, high: int, ro: bool, nv: bool) -> None:
        """Render ``region``; base is the gpa of its container, [low, high) the visible window."""
        if not region.enabled:
            return
        base += region.addr
        low, high = max(low, base), min(high, base + region.size)
        if low >= high:
            return
        ro = ro or region.readonly or region.kind == "rom"
        nv = nv or region.nonvolatile
        if region.alias is not None:
            # The target is shifted so that its alias_offset lands on the alias's first byte.
            target = region.alias
            visit(target, base - target.addr - region.alias_offset, low, high, ro, nv)
            return
        for sub in region.subregions:
            # Most of what lies in a large container lies outside a small window: do not even ask.
            if base + sub.addr < high and base + sub.addr + sub.size > low:
                visit(sub, base, low, high, ro, nv)
        if region.terminates:
            place(region, base, low, high, ro, nv)

    visit(real, 0, 0, ADDRESS_SPACE_SIZE, False, False)
    return FlatView(real, _merge(ranges))


def _merge(ranges: list[FlatRange]) -> tuple[FlatRange, ...]:
    # flatview_simplify: neighbours that continue each other in one region become one range.
    merged: list[FlatRange] = []
    for r in ranges:
        last = merged[-1] if merged else None
        if (
            last is not None and last.end == r.start and last.region is r.region
            and last.offset_in_region + last.size == r.offset_in_region
            and last.readonly == r.readonly and last.nonvolatile == r.nonvolatile
        ):
            merged[-1] = FlatRange(
                last.start, last.size + r.size, r.region, last.offset_in_region,
                r.readonly, r.nonvolatile,
            )
        else:
            merged.append(r)
    return tuple(merged)
