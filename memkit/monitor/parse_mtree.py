"""MemoryRegion trees, read from the indentation of ``info mtree``.

The text shows a region once for every address space and once more for every target of an
alias; here each becomes one MemoryRegion again.  Without ``-D`` disabled regions are missing,
but what lies below them is printed: an unnamed, disabled container takes their place.

Source: mtree_info and mtree_print_mr in softmmu/memory.c (QEMU 7.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from memkit.errors import MemkitError
from memkit.memory.flatview import AddressSpace
from memkit.memory.region import ADDRESS_SPACE_SIZE, MemoryRegion
from memkit.monitor.parse_text import numbered, unreadable

__all__ = ["HIDDEN", "Forest", "reachable", "read_mtree"]

HIDDEN = "(disabled)"
MAX_DEPTH = 100

_LINE = re.compile(
    r"^(?:\[DETECTED OVERFLOW!\] ?)?(?P<indent> *)(?P<start>[0-9a-f]{8,16})-(?P<end>[0-9a-f]{8,16}) "
    r"\(prio (?P<prio>-?\d+), (?P<nv>nv-)?(?P<type>ramd|ram|romd|rom|i/o|container)\): (?P<rest>.*)$"
)
_ALIAS = re.compile(r"^alias (?P<name>.*?) @(?P<target>.*) (?P<low>[0-9a-f]{8,16})-(?P<high>[0-9a-f]{8,16})$")
_OWNER = re.compile(r" (?:orphan|(?P<word>owner|parent):\{\S+ (?P<kind>path|id)=(?P<owner>[^}]*)\}.*)$")


@dataclass(slots=True)
class _Section:
    """A part of the text under one header: a tree, and whose it is."""

    names: list[str]
    is_space: bool
    root: MemoryRegion | None = None
    lines: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Forest:
    """What ``info mtree`` shows: address spaces, all regions, and those whose kind is a guess.

    ``vague`` holds regions that may be a device or a container: before 11.0 QEMU prints i/o for both, and
    since then ``container`` for what lies in no other region, be it one or the other (memory_region_type).
    """

    spaces: list[AddressSpace] = field(default_factory=list)
    regions: list[MemoryRegion] = field(default_factory=list)
    vague: list[MemoryRegion] = field(default_factory=list)


def read_mtree(text: str) -> Forest:
    """The address spaces of ``info mtree`` with their trees, aliases resolved; raises MemkitError.

    >>> forest = read_mtree(
    ...     "address-space: memory\\n"
    ...     "  0000000000000000-ffffffffffffffff (prio 0, i/o): system\\n"
    ...     "    0000000000000000-0000000000000fff (prio 0, ram): alias low"
    ...     " @pc.ram 0000000000001000-0000000000001fff\\n"
    ...     "memory-region: pc.ram\\n"
    ...     "  0000000000000000-000000000000ffff (prio 0, ram): pc.ram\\n")
    >>> forest.spaces[0].root.subregions[0].alias
    <MemoryRegion 'pc.ram' ram 0x10000 bytes at 0x0>
    """
    reader = _Reader(complete="[disabled]" in text)
    for number, line in numbered(text):
        reader.take(number, line)
    return reader.finish()


class _Reader:
    def __init__(self, *, complete: bool) -> None:
        self.complete = complete  # disabled regions are printed, so none is missing
        self.sections: list[_Section] = []
        self.stack: list[tuple[int, int, MemoryRegion]] = []  # level, gpa of the first byte, region
        self.wanted: dict[int, tuple[MemoryRegion, str, str]] = {}  # alias → its target's name and type

    # -- lines

    def take(self, number: int, line: str) -> None:
        kind, _, name = line.partition(": ")
        if kind in ("address-space", "memory-region"):
            last = self.sections[-1] if self.sections else None
            if kind == "address-space" and last is not None and last.is_space and not last.lines:
                last.names.append(name)
            else:
                self.sections.append(_Section([name], kind == "address-space"))
            self.stack = []
            return
        match = _LINE.match(line)
        if match is None:
            raise unreadable(
                "info mtree", number, line,
                "a line is address-space: NAME, memory-region: NAME, or START-END (prio N, TYPE): NAME",
            )
        if not self.sections:
            self.sections.append(_Section(["memory"], True))
        section = self.sections[-1]
        section.lines.append(line)
        level = len(match["indent"]) // 2
        if level > MAX_DEPTH:
            raise unreadable("info mtree", number, line, f"the tree is deeper than {MAX_DEPTH} levels")
        self._place(section, level, match)

    def _place(self, section: _Section, level: int, match: re.Match[str]) -> None:
        start, end = int(match["start"], 16), int(match["end"], 16)
        size = (end - start) % ADDRESS_SPACE_SIZE + 1
        stack = self.stack
        while stack and stack[-1][0] >= level:
            stack.pop()
        if not stack and section.root is not None and level <= 1:
            section = _Section(section.names, section.is_space)
            self.sections.append(section)
        if not stack and level > 1:
            # The root itself is disabled and so was not printed: only the header names it.
            if section.root is None:
                name = HIDDEN if section.is_space else section.names[0]
                section.root = MemoryRegion(name, ADDRESS_SPACE_SIZE, enabled=False)
            stack.append((1, 0, section.root))
        if stack:
            top_level, top_start, top = stack[-1]
            outside = (start - top_start) % ADDRESS_SPACE_SIZE + size > top.size
            odd = outside or id(top) in self.wanted
            if odd and top_level == level - 1 and not self.complete:
                # Nothing lies below an alias or outside its container: a disabled sibling is missing.
                stack.pop()
        while stack and stack[-1][0] < level - 1:
            hidden_level, hidden_start, parent = stack[-1]
            hidden = _append(parent, MemoryRegion(HIDDEN, parent.size, enabled=False), 0, 0)
            stack.append((hidden_level + 1, hidden_start, hidden))
        region = self._region(match, size)
        if stack:
            _append(stack[-1][2], region, (start - stack[-1][1]) % ADDRESS_SPACE_SIZE, int(match["prio"]))
        else:
            region.addr, region.priority = start, int(match["prio"])
            section.root = region
        stack.append((level, start, region))

    def _region(self, match: re.Match[str], size: int) -> MemoryRegion:
        rest, owner = match["rest"], ""
        if found := _OWNER.search(rest):
            rest = rest[:found.start()]
            if found["word"] == "owner":
                owner = found["owner"] if found["kind"] == "path" else f"/machine/peripheral/{found['owner']}"
        enabled = not rest.endswith(" [disabled]")
        rest = rest.removesuffix(" [disabled]")
        word, nonvolatile = match["type"], match["nv"] is not None
        alias = _ALIAS.match(rest)
        if alias is None:
            return MemoryRegion(
                rest, size, word, enabled=enabled, nonvolatile=nonvolatile, owner=owner,  # type: ignore[arg-type]
            )
        # The text hides that an alias is read-only; QEMU's one writable-RAM-shown-as-ROM has this name.
        region = MemoryRegion(
            alias["name"], size, alias_offset=int(alias["low"], 16), enabled=enabled, owner=owner,
            nonvolatile=nonvolatile, readonly=alias["name"] == "pam-rom",
        )
        self.wanted[id(region)] = (region, alias["target"], "i/o" if word == "container" else word)
        return region

    # -- the whole

    def finish(self) -> Forest:
        spaces = [s for s in self.sections if s.is_space]
        if not spaces:
            raise MemkitError(
                "'info mtree' has no address space; it starts with a line such as 'address-space: memory'"
            )
        grouped = any(len(s.names) > 1 for s in spaces)
        forest = Forest()
        roots: dict[str, MemoryRegion] = {}
        for section in spaces:
            root = section.root or MemoryRegion(HIDDEN, ADDRESS_SPACE_SIZE, enabled=False)
            if not grouped and root.subregions:
                # Before it printed address spaces in groups, QEMU repeated the tree for each of them.
                root = roots.setdefault("\n".join(section.lines), root)
            forest.spaces += [AddressSpace(name, root) for name in section.names]
        forest.spaces.sort(key=lambda s: s.name != "memory")
        self._aliases(self._targets(forest))
        _cut_circles([s.root for s in forest.spaces])
        forest.regions = list(reachable([s.root for s in forest.spaces]))
        shown = (r for r in forest.regions if r.alias is None and r.name != HIDDEN)
        forest.vague = [r for r in shown if r.kind in ("i/o", "container")]
        return forest

    def _targets(self, forest: Forest) -> dict[str, list[MemoryRegion]]:
        """Name → the regions that have a section as the target of an alias, each only once."""
        known: dict[tuple[object, ...], list[MemoryRegion]] = {}
        for root in {id(s.root): s.root for s in forest.spaces}.values():
            for region in root.walk():
                # An alias may have its target's name.
                if id(region) not in self.wanted:
                    known.setdefault(_key(region), []).append(region)
        targets: dict[str, list[MemoryRegion]] = {}
        left: list[tuple[str, MemoryRegion]] = []
        for section in self.sections:
            if section.is_space:
                continue
            name = section.names[0]
            root = section.root or MemoryRegion(name, 0, enabled=False)
            twins = known.get(_key(root))
            if twins and section.root is not None:
                targets.setdefault(name, []).append(twins.pop(0))
            else:
                targets.setdefault(name, []).append(root)
                left.append((name, root))
        # A target may also sit inside another target's tree.
        inner: dict[tuple[object, ...], MemoryRegion] = {}
        for _, root in left:
            for region in root.walk():
                if region is not root and id(region) not in self.wanted:
                    inner.setdefault(_key(region), region)
        for name, root in left:
            twin = inner.get(_key(root))
            if twin is not None and twin not in root.walk():
                targets[name] = [twin if t is root else t for t in targets[name]]
        return targets

    def _aliases(self, targets: dict[str, list[MemoryRegion]]) -> None:
        taken: set[int] = set()
        stand_ins: dict[str, MemoryRegion] = {}
        for alias, name, word in self.wanted.values():
            end = alias.alias_offset + alias.size
            candidates = targets.get(name, [])
            if len(candidates) > 1:
                candidates = _likely(alias, candidates, end, word, taken)
            if candidates:
                target = candidates[0]
                taken.add(id(target))
            else:
                target = stand_ins.setdefault(name, MemoryRegion(name, 0))
            if target.size < end and (not target.size or (target.name == name and not target.enabled)):
                target.size = min(end, ADDRESS_SPACE_SIZE)
            if target.kind == "container" and not target.subregions and word != "i/o":
                target.kind = word  # type: ignore[assignment]
            alias.alias = target


def _cut_circles(roots: Sequence[MemoryRegion]) -> None:
    """Let no alias show a region that it lies in itself: cut or odd text can look so, QEMU's trees never do.

    Such an alias shows an empty region of the right name instead.
    """
    done: set[int] = set()
    above: set[int] = set()
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        region, left = stack.pop()
        if left:
            above.discard(id(region))
            done.add(id(region))
            continue
        if id(region) in done or id(region) in above:
            continue
        above.add(id(region))
        stack.append((region, True))
        if region.alias is not None and id(region.alias) in above:
            region.alias = MemoryRegion(region.alias.name, region.alias_offset + region.size)
        stack += [(r, False) for r in (*region.subregions, *([region.alias] if region.alias else ()))]


def _append(parent: MemoryRegion, region: MemoryRegion, addr: int, priority: int) -> MemoryRegion:
    # The text is sorted by address, then by falling priority, and keeps QEMU's order among equals.
    region.addr, region.priority, region.container = addr, priority, parent
    siblings = parent.subregions
    index = next((i for i, s in enumerate(siblings) if s.priority < priority), len(siblings))
    siblings.insert(index, region)
    return region


def _key(region: MemoryRegion) -> tuple[object, ...]:
    return (region.name, region.size, region.addr, region.priority, region.kind, region.owner)


def _likely(
    alias: MemoryRegion, candidates: list[MemoryRegion], end: int, word: str, taken: set[int]
) -> list[MemoryRegion]:
    """Regions of one name, the likeliest target of ``alias`` first.

    It is large enough and of the alias's type; then owners decide (-o prints them), then the
    order: QEMU lists targets in the order in which it meets their first alias.
    """
    fit = [c for c in candidates if c.size >= end and c.type == word] or candidates
    fit = [c for c in fit if c.owner and c.owner == alias.owner] or fit
    return sorted(fit, key=lambda c: id(c) in taken)


def reachable(roots: Sequence[MemoryRegion]) -> Iterator[MemoryRegion]:
    """Every region below ``roots``, through containers and aliases, each once."""
    queue, seen = list(roots), set()
    while queue:
        region = queue.pop(0)
        if id(region) in seen:
            continue
        seen.add(id(region))
        yield region
        queue += region.subregions
        if region.alias is not None:
            queue.append(region.alias)
