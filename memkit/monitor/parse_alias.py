"""Aliases and what they show: each name in ``info mtree`` joined to the region that it means.

Source: mtree_print_mr in softmmu/memory.c (QEMU 7.2), which prints each target of an alias once, behind the
address spaces; render_memory_region there for windows on windows.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from memkit.errors import MemkitError
from memkit.memory.region import ADDRESS_SPACE_SIZE, MemoryRegion

__all__ = ["Section", "Wanted", "cut_circles", "link_aliases", "reachable"]

# How many regions of one name are told apart, and how deep windows on windows go.
MAX_SAME = 700
MAX_NESTING = 200
# How much is looked at through the windows of one address space, and of all.  A Macintosh, whose i/o repeats
# 252 times, takes a tenth of a million; a PC with 64 network cards behind bridges takes 4.6 millions in all.
# What is shown to the guest counts more than what is passed over.
MAX_WORK = 2_000_000
MAX_TOTAL = 8_000_000
PLACED = 16


@dataclass(slots=True)
class Section:
    """A part of the text under one header: whose it is, its lines, and the tree that they show.

    ``headless`` is what stands before the first header of a text whose beginning was cut off.
    """

    names: list[str]
    is_space: bool
    root: MemoryRegion | None = None
    lines: list[tuple[int, str]] = field(default_factory=list)
    headless: bool = False


@dataclass(slots=True)
class Wanted:
    """An alias that has not found its target: the target's name and type, "" if no text tells the type."""

    alias: MemoryRegion
    name: str
    word: str


def link_aliases(
    sections: Sequence[Section], roots: Sequence[MemoryRegion], wanted: Mapping[int, Wanted]
) -> tuple[list[MemoryRegion], list[MemoryRegion]]:
    """The targets that the text does not show, after every alias was given its target; aliases in a ring."""
    targets = _targets(sections, roots, wanted)
    for name, found in targets.items():
        if len(found) > MAX_SAME:
            raise MemkitError(
                f"'info mtree' has {len(found):,} regions called {name[:60]!r} behind aliases; up to "
                f"{MAX_SAME:,} "
                "of one name are told apart"
            )
    taken: set[int] = set()
    stand_ins: dict[str, MemoryRegion] = {}
    for want in wanted.values():
        alias, name = want.alias, want.name
        end = alias.alias_offset + alias.size
        candidates = targets.get(name, [])
        if len(candidates) > 1:
            candidates = _likely(want, candidates, end, taken)
        if candidates:
            target = candidates[0]
            taken.add(id(target))
        else:
            target = stand_ins.setdefault(name, MemoryRegion(name, 0))
        if target.size < end and (not target.size or (target.name == name and not target.enabled)
                                  or name in stand_ins):
            target.size = min(end, ADDRESS_SPACE_SIZE)
        if target.kind == "container" and not target.subregions and want.word not in ("i/o", ""):
            target.kind = want.word  # type: ignore[assignment]
        alias.alias = target
    return [*stand_ins.values()], _cut_rings([want.alias for want in wanted.values()])


def _cut_rings(aliases: Sequence[MemoryRegion]) -> list[MemoryRegion]:
    """The aliases that were cut so that whoever follows an alias to an alias arrives somewhere, and soon."""
    rings: list[MemoryRegion] = []
    depths: dict[int, int] = {}
    for alias in aliases:
        chain: list[MemoryRegion] = []
        met: set[int] = set()
        region: MemoryRegion | None = alias
        while region is not None and id(region) not in depths and id(region) not in met:
            met.add(id(region))
            chain.append(region)
            region = region.alias
        if region is not None and id(region) in met:
            last = chain[-1]
            rings.append(last)
            last.alias = MemoryRegion(region.name, last.alias_offset + last.size)
            region = None
        depth = depths[id(region)] if region is not None else 0
        for link in reversed(chain):
            depth += 1
            depths[id(link)] = depth
        if depth > MAX_NESTING:
            raise _too_deep(alias)
    return rings


def _too_deep(region: MemoryRegion) -> MemkitError:
    return MemkitError(
        f"'info mtree' has windows on windows, more than {MAX_NESTING} deep, at {region.name[:60]!r}; "
        "no guest has such"
    )


def _targets(
    sections: Sequence[Section], roots: Sequence[MemoryRegion], wanted: Mapping[int, Wanted]
) -> dict[str, list[MemoryRegion]]:
    """Name → the regions that have a section as the target of an alias, each only once."""
    known: dict[tuple[object, ...], deque[MemoryRegion]] = {}
    for root in {id(root): root for root in roots}.values():
        for region in root.walk():
            # An alias may have its target's name.
            if id(region) not in wanted:
                known.setdefault(_key(region), deque()).append(region)
    targets: dict[str, list[MemoryRegion]] = {}
    left: list[tuple[str, int, MemoryRegion]] = []
    for section in sections:
        if section.is_space:
            continue
        name = section.names[0]
        root = section.root or MemoryRegion(name, 0, enabled=False)
        twins = known.get(_key(root))
        same = targets.setdefault(name, [])
        if twins and section.root is not None:
            same.append(twins.popleft())
        else:
            left.append((name, len(same), root))
            same.append(root)
    # A target may also sit inside another target's tree.
    inner: dict[tuple[object, ...], tuple[MemoryRegion, MemoryRegion]] = {}
    for _, _, root in left:
        for region in root.walk():
            if region is not root and id(region) not in wanted:
                inner.setdefault(_key(region), (region, root))
    for name, place, root in left:
        twin, whose = inner.get(_key(root), (None, None))
        if twin is not None and whose is not root:
            targets[name][place] = twin
    return targets


def _key(region: MemoryRegion) -> tuple[object, ...]:
    return (region.name, region.size, region.addr, region.priority, region.kind, region.owner)


def _likely(want: Wanted, candidates: list[MemoryRegion], end: int, taken: set[int]) -> list[MemoryRegion]:
    """Regions of one name, the likeliest target first.

    It is large enough and of the alias's type; then owners decide (-o prints them), then the
    order: QEMU lists targets in the order in which it meets their first alias.
    """
    owner = want.alias.owner
    fit = [c for c in candidates if c.size >= end and want.word in (c.type, "")] or candidates
    fit = [c for c in fit if c.owner and c.owner == owner] or fit
    return sorted(fit, key=lambda c: id(c) in taken)


def _too_much(region: MemoryRegion) -> MemkitError:
    return MemkitError(
        f"'info mtree' shows its regions through too many windows to follow, the last of them onto "
        f"{region.name[:60]!r}; no guest has so many"
    )


def cut_circles(roots: Sequence[MemoryRegion]) -> tuple[list[MemoryRegion], int]:
    """The aliases that would show themselves, each now onto an empty region of the right name.

    Also about how much work it is to render all FlatViews.  Cut or odd text can look so, QEMU's trees
    never do: an alias may lie in the region that it shows a part of, but not in that part.  Raises
    MemkitError for text that only a program can have made: windows on windows without end.
    """
    walk = _Walk()
    total = 0
    for root in {id(root): root for root in roots}.values():
        walk.work = 0
        walk.enter(root, 0, 0, ADDRESS_SPACE_SIZE, 0)
        total += walk.work
    if total > MAX_TOTAL:
        raise _too_much(roots[-1])
    return walk.circles, total


class _Walk:
    """A walk through all windows as rendering does it, which looks only at what has something inside."""

    def __init__(self) -> None:
        self.circles: list[MemoryRegion] = []
        self.above: set[int] = set()
        self.work = 0
        self.known: dict[int, int] = {}  # what lies below a region that was seen whole, and has no circles
        self.inside: dict[int, tuple[list[MemoryRegion], list[int], list[int], int]] = {}

    def enter(self, region: MemoryRegion, base: int, low: int, high: int, depth: int) -> None:
        """Look at ``region``, whose first byte is at ``base``, as far as [low, high) shows it."""
        if not region.enabled:
            return
        if depth > MAX_NESTING:
            raise _too_deep(region)
        whole = low <= base and base + region.size <= high
        if whole and id(region) in self.known:
            self._spend(region, self.known[id(region)])
            return
        before, circles = self.work, len(self.circles)
        self._look(region, base, low, high, depth)
        if whole and len(self.circles) == circles:
            self.known[id(region)] = self.work - before

    def _look(self, region: MemoryRegion, base: int, low: int, high: int, depth: int) -> None:
        if region.alias is not None:
            if id(region) in self.above:
                self.circles.append(region)
                region.alias = MemoryRegion(region.alias.name, region.alias_offset + region.size)
                return
            self.above.add(id(region))
            self.enter(region.alias, base - region.alias_offset, low, high, depth + 1)
            self.above.discard(id(region))
            return
        if not region.subregions:
            self._spend(region, PLACED)
            return
        branches, firsts, lasts, overlaps = self._inside(region)
        begin, end = bisect_right(lasts, low - base), bisect_left(firsts, high - base)
        # What begins before the window's end, without what ends before its start.
        shown = max(end - begin, 0)
        self._spend(region, len(region.subregions) + overlaps + PLACED * (1 + shown))
        for sub in branches:
            first = base + sub.addr
            if first < high and first + sub.size > low:
                self.enter(sub, first, max(low, first), min(high, first + sub.size), depth + 1)

    def _inside(self, region: MemoryRegion) -> tuple[list[MemoryRegion], list[int], list[int], int]:
        """What lies in ``region`` and is no end; where all in it begins and ends, sorted; overlaps."""
        found = self.inside.get(id(region))
        if found is None:
            subs = region.subregions
            firsts, lasts = sorted(s.addr for s in subs), sorted(s.addr + s.size for s in subs)
            before = sum(bisect_right(lasts, first) for first in firsts)
            overlaps = (sum(bisect_left(firsts, end) for end in lasts) - before - len(subs)) // 2
            branches = [s for s in subs if s.alias is not None or s.subregions]
            found = self.inside[id(region)] = (branches, firsts, lasts, overlaps)
        return found

    def _spend(self, region: MemoryRegion, work: int) -> None:
        self.work += work
        if self.work > MAX_WORK:
            raise _too_much(region)


def reachable(roots: Sequence[MemoryRegion]) -> Iterator[MemoryRegion]:
    """Every region below ``roots``, through containers and aliases, each once."""
    queue, seen = deque(roots), set[int]()
    while queue:
        region = queue.popleft()
        if id(region) in seen:
            continue
        seen.add(id(region))
        yield region
        queue += region.subregions
        if region.alias is not None:
            queue.append(region.alias)
