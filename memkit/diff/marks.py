"""What a picture of the second guest marks: each thing that changed, and the ghosts of the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from memkit.diff.change import WORDS, Change
from memkit.diff.partners import block_partners
from memkit.guest import Guest
from memkit.memory.flatview import FlatRange
from memkit.memory.ramblock import RAMBlock

__all__ = ["NO_MARK", "Mark", "Marks"]


@dataclass(frozen=True, slots=True)
class Mark:
    """What happened to one thing: ``words`` of WORDS, ``was`` the past, ``old`` the thing before.

    False if nothing happened.
    """

    words: tuple[str, ...] = ()
    was: tuple[str, ...] = ()
    old: Any = None

    def __bool__(self) -> bool:
        return bool(self.words)


NO_MARK = Mark()


class Marks:
    """The Marks of all things of two guests: RAMBlocks, FlatRanges, Backends, memory devices.

    Things of the second guest that are in both have the Mark of their changes; ``vanished`` is the
    word for things of the first guest alone.  An option is a thing, too: the words of a
    command line that the other line has not.

    >>> import memkit
    >>> one, two = memkit.boot("-m 1G -nodefaults"), memkit.boot("-m 2G -nodefaults")
    >>> Marks(memkit.diff(one, two).changes, one, two).of(two.ram_blocks[0])
    Mark(words=('resized',), was=('was 1 GiB',), old=<RAMBlock 'pc.ram' 0x40000000 bytes at ram_addr_t 0x0>)
    """

    def __init__(self, changes: Sequence[Change], before: Guest, after: Guest) -> None:
        self.before, self.after = before, after
        found: dict[int, list[Change]] = {}
        for change in changes:
            old, new = change.things
            thing = old if new is None else new
            if thing is not None:
                found.setdefault(id(thing), []).append(change)
        self._marks = {key: _mark(mine) for key, mine in found.items()}
        self._ranges: dict[int, list[FlatRange]] = {}
        self._partners = {id(old): new for old, new in block_partners(before, after)[0]}
        for change in changes:
            gone = change.things[0]
            if change.kind == "range vanished" and (new := self.partner(gone.region.block)):
                self._ranges.setdefault(id(new), []).append(gone)
        self.options = _options(before, after)
        self._marks |= _option_marks(before, after, self.options)

    def of(self, thing: object) -> Mark:
        """The Mark of a thing of either guest; NO_MARK if nothing happened to it."""
        return self._marks.get(id(thing), NO_MARK)

    def gone(self, thing: object) -> bool:
        """True if the first guest has this thing and the second has not."""
        return "vanished" in self.of(thing).words

    def partner(self, block: RAMBlock | None) -> RAMBlock | None:
        """What a RAMBlock of the first guest is in the second; None if it is gone."""
        return self._partners.get(id(block))

    def vanished_ranges(self, block: RAMBlock) -> Sequence[FlatRange]:
        """Where (gpa) the first guest saw a block that the second still has, and sees no more."""
        return self._ranges.get(id(block), ())

    def changed_options(self) -> tuple[list[str], list[str]]:
        """The words of the command lines that differ: of the first line, of the second."""
        old, new = (
            [f"-{o.name} {o.value or ''}".rstrip() for i, o in enumerate(g.config.options) if i not in same]
            if g.config else []
            for g, same in ((self.before, {*self.options}), (self.after, {*self.options.values()}))
        )
        return old, new


def _mark(changes: list[Change]) -> Mark:
    words = {word for change in changes for word in change.words}
    return Mark(
        tuple(w for w in WORDS if w in words), tuple(c.was for c in changes if c.was),
        changes[0].things[0],
    )


def _options(before: Guest, after: Guest) -> Mapping[int, int]:
    """Old index → new index of the options that both command lines have."""
    if before.config is None or after.config is None:
        return {}
    waiting: dict[tuple[str, str | None], list[int]] = {}
    for index, option in enumerate(after.config.options):
        waiting.setdefault((option.name, option.value), []).append(index)
    found = {}
    for index, option in enumerate(before.config.options):
        same = waiting.get((option.name, option.value))
        if same:
            found[index] = same.pop(0)
    return found


def _option_marks(before: Guest, after: Guest, same: Mapping[int, int]) -> dict[int, Mark]:
    if before.config is None or after.config is None:
        return {}
    old = [o for i, o in enumerate(before.config.options) if i not in same]
    kept = set(same.values())
    new = [o for i, o in enumerate(after.config.options) if i not in kept]
    marks = {id(o): Mark(("vanished",), (), o) for o in old}
    for option in new:
        mine = [o for o in old if o.name == option.name]
        # One option of this name on either side: its value changed.
        if len(mine) == 1 and sum(o.name == option.name for o in new) == 1:
            was = f"was -{option.name} {mine[0].value or ''}".rstrip()
            marks[id(option)] = Mark(("changed",), (was,), mine[0])
            del marks[id(mine[0])]
        else:
            marks[id(option)] = Mark(("appeared",))
    return marks
