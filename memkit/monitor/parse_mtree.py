"""MemoryRegion trees, read from the indentation of ``info mtree``.

The text shows a region once for every address space and once more for every target of an
alias; parse_alias makes one MemoryRegion of each again.  Without ``-D`` disabled regions are missing,
but what lies below them is printed: an unnamed, disabled container takes their place.

Source: mtree_info and mtree_print_mr in memory.c (QEMU 2.12), softmmu/memory.c (7.2), system/memory.c (11.1).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from memkit.errors import MemkitError
from memkit.memory.flatview import AddressSpace
from memkit.memory.region import ADDRESS_SPACE_SIZE, MemoryRegion
from memkit.monitor.parse_alias import Section, Wanted, cut_circles, link_aliases, reachable
from memkit.monitor.parse_siblings import in_order
from memkit.monitor.parse_text import Lines, numbered, unreadable

__all__ = ["HIDDEN", "Forest", "read_mtree"]

HIDDEN = "(disabled)"
CUT = "(cut off)"
MAX_DEPTH = 100
MAX_REGIONS = 12_000
MAX_SPACES = 5_000

_LINE = re.compile(
    r"(?:\[DETECTED OVERFLOW!\] ?)?(?P<indent> *)(?P<start>[0-9a-f]{8,16})-(?P<end>[0-9a-f]{8,16}) "
    r"\(prio (?P<prio>-?[0-9]{1,10}), (?P<nv>nv-)?"
    r"(?P<type>ramd|ram|romd|rom|i/o|container|RW|R-|-W|--)\): (?P<rest>.*)$"
)
_NUMBERS = re.compile(r"(?P<low>[0-9a-f]{8,16})-(?P<high>[0-9a-f]{8,16})$")
_OWNER = re.compile(r" (?:orphan|(?P<word>owner|parent):\{\S+ (?P<kind>path|id)=(?P<owner>[^}]*)\}.*)$")
# Releases before 2.9 print who may read and write, not what it is.
_OLD_TYPES = frozenset({"RW", "R-", "-W", "--"})


@dataclass(slots=True)
class Forest:
    """What ``info mtree`` shows: address spaces, all regions, and those whose kind is a guess.

    ``vague`` holds regions that may be a device or a container: before 11.0 QEMU prints i/o for both, and
    since then ``container`` for what lies in no other region, be it one or the other (memory_region_type).
    ``unsaid`` holds those of which a very old QEMU says nothing but who may write.  ``targets`` are the
    regions that aliases show and the text does not have, ``unordered`` pairs of neighbours that overlap with
    equal priority, so that the text does not tell which one is on top.  ``work`` says how much it is to
    render all of them.
    """

    spaces: list[AddressSpace] = field(default_factory=list)
    regions: list[MemoryRegion] = field(default_factory=list)
    vague: list[MemoryRegion] = field(default_factory=list)
    unsaid: list[MemoryRegion] = field(default_factory=list)
    targets: list[MemoryRegion] = field(default_factory=list)
    circles: list[MemoryRegion] = field(default_factory=list)
    unordered: list[tuple[MemoryRegion, MemoryRegion]] = field(default_factory=list)
    work: int = 0


def read_mtree(text: str | Lines) -> Forest:
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
    reader = _Reader(list(numbered(text)))
    return reader.forest()


class _Reader:
    def __init__(self, lines: Sequence[tuple[int, str]]) -> None:
        # Disabled regions are printed, so none is missing.
        self.complete = any(line.endswith("[disabled]") for _, line in lines)
        self.sections: list[Section] = []
        self.stack: list[tuple[int, int, MemoryRegion]] = []  # level, gpa of the first byte, region
        self.wanted: dict[int, Wanted] = {}
        self.unsaid: list[MemoryRegion] = []
        self.count = 0
        self._split(lines)

    def _split(self, lines: Sequence[tuple[int, str]]) -> None:
        """The text's sections, each with its lines, which nobody has read yet."""
        for number, line in lines:
            kind, _, name = line.lstrip().partition(": ")
            if kind in ("address-space", "memory-region"):
                last = self.sections[-1] if self.sections else None
                if kind == "address-space" and last is not None and last.is_space and not last.lines:
                    last.names.append(name.strip())
                else:
                    self.sections.append(Section([name.strip()], kind == "address-space"))
                continue
            if not self.sections:
                self.sections.append(Section(["memory"], True, headless=True))
            self.sections[-1].lines.append((number, line))

    # -- lines

    def _plant(self, section: Section, shift: int) -> None:
        """Make the tree of ``section``, whose lines are indented by ``shift`` blanks more than QEMU does."""
        self.stack = []
        for number, line in section.lines:
            match = _LINE.match(line)
            if match is None:
                raise unreadable(
                    "info mtree", number, line,
                    "a line is address-space: NAME, memory-region: NAME, or START-END (prio N, TYPE): NAME",
                )
            level = (len(match["indent"]) - shift) // 2
            if level > MAX_DEPTH:
                raise unreadable("info mtree", number, line, f"the tree is deeper than {MAX_DEPTH} levels")
            self.count += 1
            if self.count > MAX_REGIONS:
                raise unreadable(
                    "info mtree", number, line, f"up to {MAX_REGIONS:,} regions are read"
                )
            start, end = int(match["start"], 16), int(match["end"], 16)
            self._place(section, level, start, (end - start) % ADDRESS_SPACE_SIZE + 1, match)

    def _place(self, section: Section, level: int, start: int, size: int, match: re.Match[str]) -> None:
        stack = self.stack
        while stack and stack[-1][0] >= level:
            stack.pop()
        if not stack and section.root is not None and level <= 1:
            section = Section(section.names, section.is_space)
            self.sections.append(section)
        if not stack and level > 1:
            # The root itself is disabled, or cut off, and so was not printed: only the header names it.
            if section.root is None:
                name = HIDDEN if section.is_space else section.names[0]
                section.root = self._unseen(section, name)
            stack.append((1, 0, section.root))
        if stack:
            top_level, top_start, top = stack[-1]
            # A window may stick out of its container (raspi4b, QEMU 10.0), but it begins inside.
            outside = (start - top_start) % ADDRESS_SPACE_SIZE >= top.size
            odd = outside or id(top) in self.wanted
            if odd and top_level == level - 1 and not self.complete:
                # Nothing lies below an alias or outside its container: a disabled sibling is missing.
                stack.pop()
                if not stack:
                    assert section.root is not None
                    stack.append((1, 0, _add(section.root, self._unseen(section, HIDDEN))))
        while stack and stack[-1][0] < level - 1:
            unseen_level, unseen_start, parent = stack[-1]
            unseen = _add(parent, self._unseen(section, HIDDEN, parent.size))
            stack.append((unseen_level + 1, unseen_start, unseen))
        region = self._region(match, size)
        region.priority = int(match["prio"])
        if stack:
            region.addr = (start - stack[-1][1]) % ADDRESS_SPACE_SIZE
            _add(stack[-1][2], region)
        else:
            region.addr = start
            section.root = region
        stack.append((level, start, region))

    def _unseen(self, section: Section, name: str, size: int = ADDRESS_SPACE_SIZE) -> MemoryRegion:
        """A container that the text does not show: it is disabled, unless the text begins below it."""
        self.count += 1
        return MemoryRegion(CUT if section.headless else name, size, enabled=section.headless)

    def _region(self, match: re.Match[str], size: int) -> MemoryRegion:
        rest, owner = match["rest"].rstrip(), ""
        if rest.endswith(("}", " orphan")) and (found := _OWNER.search(rest)):
            rest = rest[:found.start()]
            if found["word"] == "owner":
                owner = found["owner"] if found["kind"] == "path" else f"/machine/peripheral/{found['owner']}"
        enabled = not rest.endswith(" [disabled]")
        rest = rest.removesuffix(" [disabled]")
        word, nonvolatile = match["type"], match["nv"] is not None
        old = word in _OLD_TYPES
        word = "i/o" if old else word
        name, at, window = rest.removeprefix("alias ").partition(" @")
        target, _, numbers = window.rpartition(" ")
        place = _NUMBERS.match(numbers) if at and rest.startswith("alias ") else None
        if place is None:
            region = MemoryRegion(
                rest, size, word, enabled=enabled, nonvolatile=nonvolatile, owner=owner,  # type: ignore[arg-type]
                readonly=match["type"] == "R-",
            )
            if old:
                self.unsaid.append(region)
            return region
        # The text hides that an alias is read-only; QEMU's one writable-RAM-shown-as-ROM has this name.
        region = MemoryRegion(
            name, size, alias_offset=int(place["low"], 16), enabled=enabled, owner=owner,
            nonvolatile=nonvolatile, readonly=name == "pam-rom" or match["type"] == "R-",
        )
        word = "" if old else "i/o" if word == "container" else word
        self.wanted[id(region)] = Wanted(region, target, word)
        return region

    # -- the whole

    def forest(self) -> Forest:
        if not any(s.is_space for s in self.sections):
            raise MemkitError(
                "'info mtree' has no address space; it starts with a line such as 'address-space: memory'"
            )
        indents = (len(line) - len(line.lstrip(" ")) for s in self.sections for _, line in s.lines)
        shift = max(min(indents, default=2) - 2, 0)
        grouped = any(len(s.names) > 1 for s in self.sections if s.is_space)
        forest, same = Forest(), dict[str, Section]()
        for section in [*self.sections]:
            # Before it printed address spaces in groups, QEMU repeated the tree for each of them.
            key = "\n".join(line for _, line in section.lines) if section.is_space and not grouped else ""
            twin = same.setdefault(key, section) if key else section
            if twin is not section and twin.root is not None and twin.root.subregions:
                section.root = twin.root
            else:
                self._plant(section, shift)
        for section in self.sections:
            if section.is_space:
                root = section.root or MemoryRegion(HIDDEN, ADDRESS_SPACE_SIZE, enabled=False)
                forest.spaces += [AddressSpace(name, root) for name in section.names]
        forest.spaces.sort(key=lambda s: s.name != "memory")
        if len(forest.spaces) > MAX_SPACES:
            raise MemkitError(
                f"'info mtree' has {len(forest.spaces):,} address spaces; up to {MAX_SPACES:,} are read, "
                "and no guest has more"
            )
        roots = [s.root for s in forest.spaces]
        forest.unordered = in_order([*roots, *(s.root for s in self.sections if s.root and not s.is_space)])
        forest.targets, rings = link_aliases(self.sections, roots, self.wanted)
        forest.circles, forest.work = cut_circles(roots)
        forest.regions = list(reachable(roots))
        forest.circles += rings
        # What stands for a region that the text does not have shows nothing of its own.
        made_up = {id(r) for r in (*forest.targets, *(r.alias for r in forest.circles if r.alias))}
        shown = (r for r in forest.regions if r.alias is None and r.name != HIDDEN and id(r) not in made_up)
        forest.vague = [r for r in shown if r.kind in ("i/o", "container")]
        forest.unsaid = self.unsaid
        return forest


def _add(parent: MemoryRegion, region: MemoryRegion) -> MemoryRegion:
    """``region``, now in ``parent``; the order is made later."""
    region.container = parent
    parent.subregions.append(region)
    return region
