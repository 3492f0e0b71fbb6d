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
    if change.kind in ("block moved", "range moved"):
        return change.after - change.before
    if change.kind in ("range appeared", "range vanished"):
        return change.subject
    if change.kind == "range renamed":
        return change.before, change.after
    return id(change)


def _together(changes: Sequence[Change], kind: str) -> str:
    if kind in ("range appeared", "range vanished"):
        verb = "now sees" if kind == "range appeared" else "no longer sees"
        starts = [c.after if c.before is None else c.before for c in changes]
        return (f"The guest {verb} {len(changes)} ranges of {changes[0].subject}, the first at "
                f"{hex_address(min(starts))} and the last at {hex_address(max(starts))}.")
    if kind == "range renamed":
        first = changes[0]
        return f"{len(changes)} ranges of {first.before} are now called {first.after}."
    delta = changes[0].after - changes[0].before
    way = f"{'up' if delta > 0 else 'down'} by {human(abs(delta))}"
    names = listed([c.subject for c in changes])
    if kind == "block moved":
        return f"{len(changes)} RAMBlocks moved {way} in ram_addr_t space: {names}."
    return f"{len(changes)} ranges moved {way} in guest-physical addresses: {names}."
