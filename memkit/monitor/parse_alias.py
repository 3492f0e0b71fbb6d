"""Aliases and what they show: each name in ``info mtree`` joined to the region that it means.

Source: mtree_print_mr in softmmu/memory.c (QEMU 7.2), which prints each target of an alias once, behind the
address spaces; render_memory_region there for windows on windows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from memkit.errors import MemkitError
from memkit.memory.region import ADDRESS_SPACE_SIZE, MemoryRegion

__all__ = ["Section", "Wanted", "cut_circles", "link_aliases", "reachable"]

# How many regions of one name are told apart, how deep windows on windows go, and how often regions are
# looked at through all windows: the largest board, a Macintosh whose i/o repeats 1024 times, takes a million.
MAX_SAME = 2_000
MAX_NESTING = 200
MAX_LOOKS = 2_500_000


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
) -> list[MemoryRegion]:
    """The targets that the text does not show, after every alias was given its target."""
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
    _cut_rings([want.alias for want in wanted.values()])
    return [*stand_ins.values()]


def _cut_rings(aliases: Sequence[MemoryRegion]) -> None:
    """See to it that whoever follows an alias to an alias arrives somewhere, and soon."""
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
            last.alias = MemoryRegion(region.name, last.alias_offset + last.size)
            region = None
        depth = depths[id(region)] if region is not None else 0
        for link in reversed(chain):
            depth += 1
            depths[id(link)] = depth
        if depth > MAX_NESTING:
            raise _too_deep(alias)


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


def cut_circles(roots: Sequence[MemoryRegion]) -> tuple[list[MemoryRegion], int]:
    """The aliases that would show themselves, each now onto an empty region of the right name.

    Also how many regions were looked at, which is about the work of rendering all FlatViews.

    Cut or odd text can look so, QEMU's trees never do: an alias may lie in the region that it shows a part
    of, but not in that part.  Raises MemkitError for text that only a program can have made: windows on
    windows without end.
    """
    circles: list[MemoryRegion] = []
    above: set[int] = set()
    looks = 0

    def enter(region: MemoryRegion, base: int, low: int, high: int, depth: int) -> None:
        """Look at ``region``, whose first byte is at ``base``, as far as [low, high) shows it."""
        nonlocal looks
        if depth > MAX_NESTING:
            raise _too_deep(region)
        if region.alias is not None:
            if id(region) in above:
                circles.append(region)
                region.alias = MemoryRegion(region.alias.name, region.alias_offset + region.size)
                return
            above.add(id(region))
            enter(region.alias, base - region.alias_offset, low, high, depth + 1)
            above.discard(id(region))
            return
        looks += len(region.subregions) + 1
        if looks > MAX_LOOKS:
            raise MemkitError(
                f"'info mtree' shows its regions through too many windows: more than {MAX_LOOKS:,} looks are "
                f"needed, the last at {region.name[:60]!r}"
            )
        for sub in region.subregions:
            first = base + sub.addr
            if first < high and first + sub.size > low and (sub.alias is not None or sub.subregions):
                enter(sub, first, max(low, first), min(high, first + sub.size), depth + 1)

    for root in {id(root): root for root in roots}.values():
        enter(root, 0, 0, ADDRESS_SPACE_SIZE, 0)
    return circles, looks


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
