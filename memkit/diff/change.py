"""One difference between two guests, and many of them told in few sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from memkit.explain.story import listed
from memkit.units import hex_address, human

__all__ = ["WORDS", "Change", "moved", "resized", "sentences"]

# So many changes of one kind share a sentence.
MANY = 3
# A sentence lists so many names, else the first of them and how many more.
NAMES, FIRST = 12, 9
_NOUNS = {"block": "RAMBlocks", "backend": "backends", "device": "memory devices", "range": "ranges"}
# What can happen to a thing, in the order in which a picture tells it; "changed" is all the rest.
WORDS = ("appeared", "vanished", "renamed", "moved", "resized", "changed")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: ``kind`` is what and how (``block moved``), ``subject`` whose.

    ``before`` and ``after`` are values of the first and the second guest: a gpa for ranges and
    memory devices, a ram_addr_t for moved blocks, bytes for sizes, None where there is nothing.
    ``was`` is the past in a few words, for pictures, and ``things`` are the two objects that differ:
    a RAMBlock, FlatRange, Backend, MemoryDevice or NumaNode of each guest, or None.

    >>> Change("block page size", "m1", 4096, 2097152, "m1 has pages of 2 MiB, not 4 KiB.").words
    ('changed',)
    """

    kind: str
    subject: str
    before: Any
    after: Any
    sentence: str
    was: str = ""
    things: tuple[Any, Any] = field(default=(None, None), compare=False, repr=False)

    @property
    def words(self) -> tuple[str, ...]:
        """What happened, in words of WORDS."""
        if self.kind == "range changed" and isinstance(self.before, tuple):
            return ("moved", "resized")
        word = self.kind.rpartition(" ")[2]
        return (word,) if word in WORDS else ("changed",)


def moved(before: int, after: int, verb: str = "moved") -> str:
    """What moved where, with the distance: addresses of one space, in bytes."""
    way = "up" if after > before else "down"
    return (
        f"{verb} {way} by {human(abs(after - before))}, from {hex_address(before)} to {hex_address(after)}"
    )


def resized(kind: str, name: str, before: int, after: int, things: tuple[Any, Any]) -> Change:
    """The Change of something that became larger or smaller, in bytes."""
    verb = "grew" if after > before else "shrank"
    return Change(kind, name, before, after, f"{name} {verb} from {human(before)} to {human(after)}.",
                  f"was {human(before)}", things)


def sentences(changes: Sequence[Change]) -> Iterator[str]:
    """One sentence a change; those that are alike share one, and nothing is said twice."""
    groups: dict[tuple[str, object], list[Change]] = {}
    for change in changes:
        groups.setdefault((change.kind, _likeness(change)), []).append(change)
    devices = {(c.before, c.after) for c in changes if c.kind == "device moved"}
    renamed = {(c.before, c.after) for c in changes if c.kind == "block renamed"}
    said: set[tuple[str, object]] = set()
    for change in changes:
        if change.kind == "range moved" and (change.before, change.after) in devices:
            continue  # the memory device's own sentence tells it
        if change.kind == "range renamed" and (change.before, change.after) in renamed:
            continue  # so does the RAMBlock's
        key = (change.kind, _likeness(change))
        if len(groups[key]) < MANY:
            yield change.sentence
        elif key not in said:
            said.add(key)
            yield _together(groups[key], change.kind)


def _likeness(change: Change) -> object:
    """What changes of one kind have in common if one sentence can tell them all."""
    what, _, word = change.kind.rpartition(" ")
    if word == "moved":
        return change.after - change.before
    if word in ("appeared", "vanished"):
        return change.subject if what == "range" else what in _NOUNS or id(change)
    if change.kind == "range renamed":
        return change.before, change.after
    return id(change)


def _together(changes: Sequence[Change], kind: str) -> str:
    what, _, word = kind.rpartition(" ")
    count, first = len(changes), changes[0]
    if kind == "range renamed":
        return f"{count} ranges of {first.before} are now called {first.after}."
    if what == "range" and word != "moved":
        verb = "now sees" if word == "appeared" else "no longer sees"
        starts = [c.after if c.before is None else c.before for c in changes]
        return (f"The guest {verb} {count} ranges of {first.subject}, the first at "
                f"{hex_address(min(starts))} and the last at {hex_address(max(starts))}.")
    noun = _NOUNS[what]
    if word != "moved":
        return f"{count} {noun} {word}: {_some([_sized(c) for c in changes])}."
    delta = first.after - first.before
    way = f"{'up' if delta > 0 else 'down'} by {human(abs(delta))}"
    space = "ram_addr_t space" if what == "block" else "guest-physical addresses"
    return f"{count} {noun} moved {way} in {space}: {_some([c.subject for c in changes])}."


def _some(names: list[str]) -> str:
    if len(names) <= NAMES:
        return listed(names)
    return f"{', '.join(names[:FIRST])} and {len(names) - FIRST} more"


def _sized(change: Change) -> str:
    """A thing that came or went with its size, and with its place if it has one now."""
    old, new = change.things
    thing = old if new is None else new
    size = human(thing.max_length if hasattr(thing, "max_length") else thing.size)
    place = getattr(new, "offset", getattr(new, "addr", None))
    return f"{change.subject} ({size}{'' if place is None else f' at {hex_address(place)}'})"
