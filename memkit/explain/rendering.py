"""How a FlatView is rendered, decision by decision: who is looked at, clipped, placed, or hidden.

It does what memkit.memory.flatview.render does, and tells each step; tests hold the two together.

Source: render_memory_region and flatview_simplify in softmmu/memory.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from memkit.memory.flatview import FlatRange, flatview_root, render
from memkit.memory.region import ADDRESS_SPACE_SIZE, MemoryRegion
from memkit.units import hex_address, human

__all__ = ["Decision", "rendering"]


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of rendering.

    ``kind`` is root, container, disabled, outside, alias, placed, hidden, or merged.  ``low`` and ``high``
    are the window (gpa) that is left of the region after clipping; ``placed`` are the ranges that it got
    now, ``view`` all ranges after the decision, by gpa.
    """

    kind: str
    region: MemoryRegion
    depth: int
    sentence: str
    low: int
    high: int
    placed: tuple[FlatRange, ...]
    view: tuple[FlatRange, ...]


def rendering(root: MemoryRegion) -> tuple[Decision, ...]:
    """The decisions by which the FlatView below ``root`` comes about, in QEMU's order.

    >>> ram = MemoryRegion("ram", 0x2000, "ram")
    >>> system = MemoryRegion("system", 1 << 64)
    >>> _ = system.add(ram, 0), system.add(MemoryRegion("dev", 0x1000, "i/o"), 0x1000, 1)
    >>> [(d.kind, d.region.name) for d in rendering(system)]
    [('root', 'system'), ('placed', 'dev'), ('placed', 'ram')]
    """
    real = flatview_root(root)
    if real is None:
        nothing = f"Nothing below {root.name} is enabled: the FlatView is empty."
        return (Decision("root", root, 0, nothing, 0, 0, (), ()),)
    return tuple(_Rendering(real).decisions(root))


class _Rendering:
    def __init__(self, real: MemoryRegion) -> None:
        self.real = real
        self.view: list[FlatRange] = []

    def decisions(self, root: MemoryRegion) -> Iterator[Decision]:
        real = self.real
        start = (f"Rendering begins at {real.name}." if real is root else
                 f"{root.name} shows {real.name} alone and whole, so rendering begins there.")
        yield self._said("root", real, 0, start, 0, min(real.size, ADDRESS_SPACE_SIZE))
        if real.alias is None and not real.terminates:
            yield from self._inside(real, real.addr, 0, ADDRESS_SPACE_SIZE, False, False, 0)
        else:
            yield from self._visit(real, 0, 0, ADDRESS_SPACE_SIZE, False, False, 0)
        final = render(root).ranges
        if len(final) < len(self.view):
            gone = len(self.view) - len(final)
            self.view = list(final)
            yield self._said("merged", real, 0, (
                f"Neighbours that go on in one region become one range: {gone} "
                f"{'range less' if gone == 1 else 'ranges less'}."), 0, 0)

    def _said(
        self, kind: str, region: MemoryRegion, depth: int, sentence: str, low: int, high: int,
        placed: tuple[FlatRange, ...] = (),
    ) -> Decision:
        return Decision(kind, region, depth, sentence, low, high, placed, tuple(self.view))

    def _inside(
        self, region: MemoryRegion, base: int, low: int, high: int, ro: bool, nv: bool, depth: int
    ) -> Iterator[Decision]:
        off: list[MemoryRegion] = []
        for sub in region.subregions:
            if not sub.enabled:
                off.append(sub)
                continue
            if off:
                yield self._skipped(off, depth + 1)
                off = []
            yield from self._visit(sub, base, low, high, ro, nv, depth + 1)
        if off:
            yield self._skipped(off, depth + 1)

    def _skipped(self, off: list[MemoryRegion], depth: int) -> Decision:
        names = off[0].name if len(off) == 1 else f"{len(off)} regions, {off[0].name} first,"
        return self._said("disabled", off[0], depth, (
            f"{names} {'is' if len(off) == 1 else 'are'} disabled and skipped."), 0, 0)

    def _visit(
        self, region: MemoryRegion, base: int, low: int, high: int, ro: bool, nv: bool, depth: int
    ) -> Iterator[Decision]:
        name = region.name
        if not region.enabled:
            yield self._skipped([region], depth)
            return
        base += region.addr
        inside, top = max(low, base), min(high, base + region.size)
        if inside >= top:
            yield self._said("outside", region, depth, (
                f"{name} lies outside the window that leads to it, so nothing of it is seen."), 0, 0)
            return
        ro = ro or region.readonly or region.kind == "rom"
        nv = nv or region.nonvolatile
        clipped = "" if inside == base and top == base + region.size else (
            f" Clipped to {_span(inside, top)}, for no more of it can be seen from here.")
        if region.alias is not None:
            target = region.alias
            yield self._said("alias", region, depth, (
                f"{name} (priority {region.priority}) is an alias: at {_span(inside, top)} it shows "
                f"{target.name}, "
                f"from offset {hex_address(region.alias_offset + inside - base)} on.{clipped}"), inside, top)
            yield from self._visit(
                target, base - target.addr - region.alias_offset, inside, top, ro, nv, depth + 1)
            return
        if region.subregions:
            yield self._said("container", region, depth, (
                f"{name} (priority {region.priority}) holds {len(region.subregions)} "
                f"{'region' if len(region.subregions) == 1 else 'regions'}; the one with the highest "
                "priority comes "
                f"first.{clipped}"), inside, top)
            yield from self._inside(region, base, inside, top, ro, nv, depth)
        if region.terminates:
            yield self._place(region, base, inside, top, ro, nv, depth, clipped)
        elif not region.subregions:
            yield self._said("container", region, depth, (
                f"{name} (priority {region.priority}) is a container and holds nothing."), inside, top)

    def _place(
        self, region: MemoryRegion, base: int, low: int, high: int, ro: bool, nv: bool, depth: int,
        clipped: str,
    ) -> Decision:
        """Give the region what is still free of its window."""
        new, at = [], low
        for taken in [r for r in self.view if r.end > low and r.start < high]:
            if at < taken.start:
                new.append(FlatRange(at, taken.start - at, region, at - base, ro, nv))
            at = max(at, taken.end)
        if at < high:
            new.append(FlatRange(at, high - at, region, at - base, ro, nv))
        self.view = sorted([*self.view, *new], key=lambda r: r.start)
        got = sum(r.size for r in new)
        who = f"{region.name} (priority {region.priority}, {region.type})"
        if not new:
            return self._said("hidden", region, depth, (
                f"{who} wants {_span(low, high)}, but all of that is taken: it stays hidden.{clipped}"
            ), low, high)
        if got < high - low:
            rest = ", ".join(_span(r.start, r.end) for r in new[:4]) + (" and more" if len(new) > 4 else "")
            said = (f"{who} wants {_span(low, high)}; {human(high - low - got)} of it are taken, so it gets "
                    f"the rest: {rest}.")
        else:
            said = f"{who} wants {_span(low, high)}; all of it is free, and it gets it."
        return self._said("placed", region, depth, said + clipped, low, high, tuple(new))


def _span(low: int, high: int) -> str:
    return f"{hex_address(low)} to {hex_address(high - 1)}"
