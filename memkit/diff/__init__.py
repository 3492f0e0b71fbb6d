"""Two guests compared, in words: what appeared, vanished, moved, grew or was renamed.

The guests may come in by any door.  Only what both know is compared: text tells no backend
types, the model has no host-virtual addresses, and a monitor command that was not asked says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from memkit.diff import compare
from memkit.diff.change import Change, sentences
from memkit.errors import MemkitError
from memkit.explain.story import listed
from memkit.guest import Guest

__all__ = ["Change", "Difference", "diff"]

_DOORS = {"model": "the model", "observed": "the real QEMU", "text": "the monitor's text"}


@dataclass(frozen=True)
class Difference:
    """Where two guests differ; false if nowhere.

    ``compared`` names what both guests know; ``sentences`` say the same as ``changes``, with
    things that moved together in one sentence.  ``doors`` are those of the two guests.
    """

    changes: tuple[Change, ...]
    compared: tuple[str, ...]
    doors: tuple[str, str] = ("model", "model")

    @property
    def heading(self) -> str:
        """Which guest is which, where they came in by different doors; else empty."""
        before, after = (_DOORS.get(door, door) for door in self.doors)
        return f"From {before} to {after}:" if before != after else ""

    @property
    def sentences(self) -> tuple[str, ...]:
        """The differences in plain words."""
        return tuple(sentences(self.changes))

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __str__(self) -> str:
        if self.changes:
            return "\n".join(filter(None, (self.heading, *self.sentences)))
        return f"No difference in {listed(self.compared)}."

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        if self.changes:
            items = "".join(f"<li>{escape(s)}</li>" for s in self.sentences)
            body = (f"<p>{self.heading}</p>" if self.heading else "") + f"<ul>{items}</ul>"
        else:
            body = f"<p>{escape(str(self))}</p>"
        html = f'<section aria-label="Difference between two guests">{body}</section>'
        return {"text/plain": str(self), "text/html": html}


def diff(a: Guest, b: Guest) -> Difference:
    """The Difference from guest ``a`` to guest ``b``; raises MemkitError if they share no facts.

    Compared are RAMBlocks (ram_addr_t), the FlatView of "memory" (gpa), backends, memory devices
    and NUMA nodes.

    >>> import memkit
    >>> small = memkit.boot("-m 4G,maxmem=8G -M q35 -nodefaults")
    >>> large = memkit.boot("-m 5G,maxmem=8G -M q35 -nodefaults")
    >>> for sentence in diff(small, large).sentences: print(sentence)
    pc.ram grew from 4 GiB to 5 GiB.
    5 RAMBlocks moved up by 1 GiB in ram_addr_t space: pc.bios, pc.rom, /rom@etc/acpi/tables,
    /rom@etc/table-loader and /rom@etc/acpi/rsdp.
    The guest sees pc.ram (ram) grow at 0x1_0000_0000, from 2 GiB to 3 GiB.
    Backend pc.ram has size 5 GiB instead of 4 GiB.
    Node 0 has 5 GiB instead of 4 GiB.
    """
    for guest in (a, b):
        if not isinstance(guest, Guest):
            raise MemkitError(f"diff compares two guests, not {type(guest).__name__}")
    parts = (
        ("the RAMBlocks", ("info ramblock",), compare.blocks),
        ("the memory map", ("info mtree -f", "info mtree"), compare.ranges),
        ("the backends", ("info memdev",), compare.backends),
        ("the memory devices", ("info memory-devices",), compare.devices),
        ("the NUMA nodes", ("info numa",), compare.nodes),
    )
    changes: list[Change] = []
    compared = []
    for name, commands, changed in parts:
        if _knows(a, commands) and _knows(b, commands):
            compared.append(name)
            changes += changed(a, b)
    if not compared:
        raise MemkitError("the two guests share no facts: no monitor command was answered for both")
    return Difference(tuple(changes), tuple(compared), (a.door, b.door))


def _knows(guest: Guest, commands: Sequence[str]) -> bool:
    if guest.door == "model" or not guest.raw_monitor:
        return True
    return any(c in guest.raw_monitor for c in commands)
