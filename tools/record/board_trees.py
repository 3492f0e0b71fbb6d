"""The region tree of address space "memory", and what lies behind its aliases, read from ``info mtree``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .windows import Printed, nested

# First and last address, the region's name, and the address where the region begins.
Flat = list[tuple[int, int, str, int]]
ALIAS = re.compile(r"alias (.+) @(.+) ([0-9a-f]{16})-([0-9a-f]{16})")


@dataclass
class Region:
    """A region of the tree; ``at`` is relative to the region around it.

    ``first`` is the address as printed: a gpa below ``system``.  ``seen`` is true if it answers somewhere.
    """

    name: str
    at: int
    size: int
    priority: int
    type: str
    first: int
    disabled: bool = False
    alias: str = ""
    offset: int = 0
    seen: bool = False
    inside: list[Region] = field(default_factory=list)
    when: set[str] = field(default_factory=set)
    unless: set[str] = field(default_factory=set)

    @property
    def key(self) -> str:
        """What tells it from its siblings."""
        return f"{self.name}@{self.at:x}+{self.size:x}" + (f">{self.alias}" if self.alias else "")

    def walk(self, above: str = "") -> Iterator[tuple[str, Region]]:
        """This region and all below it, with a path that tells each from all others."""
        path = f"{above}/{self.key}"
        yield path, self
        for sub in self.inside:
            yield from sub.walk(path)

    def plain(self, above: frozenset[str] = frozenset()) -> dict[str, Any]:
        """The region as JSON; what is usual is left out, and the features that hold for the region around."""
        told: dict[str, Any] = {"name": self.name, "at": hex(self.at), "size": hex(self.size)}
        if self.priority:
            told["priority"] = self.priority
        if self.alias:
            told["alias"], told["offset"] = self.alias, hex(self.offset)
        elif not self.seen:
            told["kind"] = "container"
        if self.disabled:
            told["disabled"] = True
        for name, features in (("when", self.when), ("unless", self.unless)):
            if features - above:
                told[name] = sorted(features - above)
        if self.inside:
            told["inside"] = [region.plain(above | self.when | self.unless) for region in self.inside]
        return told


@dataclass
class Tree:
    """What lies below ``system``, and the ``outside`` regions that its aliases show."""

    system: list[Region]
    outside: list[Region]
    flat: Flat

    def walk(self) -> Iterator[tuple[str, Region]]:
        """All regions with their paths, parents first."""
        for region in (*self.system, *self.outside):
            yield from region.walk()

    def keep(self, wanted: Callable[[Region], bool]) -> None:
        """Drop all other regions, with what is inside."""
        _keep(self.system, wanted)
        aliases = {region.alias for root in self.system for _, region in root.walk()}
        self.outside = [region for region in self.outside if region.name in aliases]

    def drop(self, paths: set[str]) -> None:
        """Drop the regions of these paths."""
        gone = {id(region) for path, region in self.walk() if path in paths}
        self.keep(lambda region: id(region) not in gone)

    def wins(self, region: Region, other: Region) -> bool:
        """True if the tree has both, and ``region`` answers where ``other`` lies, too."""
        there = {(sub.key, sub.first) for _, sub in self.walk()}
        if not {(region.key, region.first), (other.key, other.first)} <= there:
            return False
        low = max(region.first, other.first)
        high = min(region.first + region.size, other.first + other.size) - 1
        return any(
            first <= high and low <= last and name == region.name and begin == region.first
            for first, last, name, begin in self.flat
        )


def _keep(regions: list[Region], wanted: Callable[[Region], bool]) -> None:
    regions[:] = [region for region in regions if wanted(region)]
    for region in regions:
        _keep(region.inside, wanted)


def read_boards_tree(text: str, flat: Flat) -> Tree:
    """The tree of address space "memory" and its flat ranges, each region marked if it answers."""
    stanzas = [stanza.strip().split("\n") for stanza in text.split("\n\n")]
    [system] = _read(next(lines for lines in stanzas if "address-space: memory" in lines))
    heads = {lines[0]: lines for lines in stanzas}
    shown: dict[str, list[Region]] = {}
    for _, region in system.walk():
        if region.alias:
            shown.setdefault(region.alias, []).append(region)
    outside = []
    for name, aliases in shown.items():
        # A target that is in the tree itself has a stanza, too, but nothing of its own.
        if f"memory-region: {name}" in heads and all(name != region.name for _, region in system.walk()):
            [root] = _read(heads[f"memory-region: {name}"])
            _mark(root, [(a.offset, a.offset + a.size, a.first - a.offset) for a in aliases], flat)
            outside.append(root)
    for region in system.inside:
        _mark(region, [(0, 1 << 64, 0)], flat)
    return Tree(system.inside, outside, flat)


def _read(lines: list[str]) -> list[Region]:
    return nested(lines, _region)


def _region(printed: Printed) -> Region:
    region = Region(*printed)
    if alias := ALIAS.fullmatch(region.name):
        region.name, region.alias, region.offset = alias[1], alias[2], int(alias[3], 16)
    return region


def _mark(
    region: Region, windows: list[tuple[int, int, int]], flat: Flat, around: tuple[str, ...] = ()
) -> None:
    """Say if ``region`` answers anywhere: if not, it is a container, or a device that is hidden all over.

    ``windows`` are (first address, end, what takes it to a gpa): the addresses, as printed, that can be seen.
    """
    hidden = not region.inside
    for first, end, shift in windows:
        low, high = max(region.first, first) + shift, min(region.first + region.size, end) + shift
        there = [
            (max(start, low), min(last + 1, high), name)
            for start, last, name, _ in flat if start < high and low <= last
        ]
        if any(name == region.name for _, _, name in there):
            region.seen = True
        others = sum(stop - start for start, stop, name in there if name not in around)
        hidden = hidden and others >= high - low
    region.seen = region.seen or hidden
    for sub in region.inside:
        _mark(sub, windows, flat, (*around, region.name))
