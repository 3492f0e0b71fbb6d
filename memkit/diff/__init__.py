"""Two guests compared, in words: what appeared, vanished, moved, grew, was renamed or is now refused.

The guests may come in by any door.  Only what both know is compared: text tells no backend
types, the model has no host-virtual addresses, and a monitor command that was not asked says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

from memkit.diff import compare, outcome
from memkit.diff.change import Change, sentences
from memkit.diff.marks import Marks
from memkit.diff.outcome import Side
from memkit.diff.partners import block_partners
from memkit.diff.ranges import ranges
from memkit.errors import MemkitError, Refused
from memkit.explain.story import listed
from memkit.guest import Guest

if TYPE_CHECKING:
    from memkit.draw.graph import Graph
    from memkit.draw.map import AddressMap
    from memkit.draw.table import Tables

__all__ = ["Change", "Difference", "diff"]

_PICTURES = (
    "The same marked in pictures of the second guest: <code>.graph()</code>, <code>.map()</code> "
    "and <code>.tables()</code> of this difference."
)


@dataclass(frozen=True)
class Difference:
    """Where two guests differ; false if nowhere.

    ``compared`` names what both guests know; ``sentences`` say the same as ``changes``, with
    things that moved together in one sentence.  ``before`` and ``after`` are the guests, or the
    refusals.
    """

    changes: tuple[Change, ...]
    compared: tuple[str, ...]
    before: Side = field(repr=False)
    after: Side = field(repr=False)
    names: tuple[str, str] | None = None

    @property
    def heading(self) -> str:
        """Which guest is which, where door, machine type or QEMU's version tells; else empty."""
        found = outcome.heading(self.before, self.after, self.names)
        return f"{found}:" if found else ""

    @property
    def title(self) -> str:
        """What a picture is called: the heading, else the one option that changed, if it is short."""
        if self.heading:
            return self.heading.removesuffix(":")
        old, new = self.marks.changed_options()
        if len(old) == len(new) == 1 and max(len(old[0]), len(new[0])) <= 40:
            return f"From {old[0]} to {new[0]}"
        return "From the first guest to the second"

    @property
    def sentences(self) -> tuple[str, ...]:
        """The differences in plain words."""
        return tuple(sentences(self.changes))

    @cached_property
    def marks(self) -> Marks:
        """What the pictures mark; raises MemkitError if QEMU refuses one of the two guests."""
        if isinstance(self.before, Refused) or isinstance(self.after, Refused):
            raise MemkitError(
                "QEMU refuses one of the two guests, so there is nothing to draw a difference of; "
                "print(difference) tells it, and a guest that boots draws itself: guest.graph()"
            )
        return Marks(self.changes, self.before, self.after)

    def graph(self, theme: str = "auto", focus: str | None = None) -> Graph:
        """The joined graph of the second guest with what changed marked; raises MemkitError.

        What vanished from the first guest is drawn as a ghost.

        >>> import memkit
        >>> small, large = memkit.boot("-m 4G -nodefaults"), memkit.boot("-m 5G -nodefaults")
        >>> print(memkit.diff(small, large).graph().alt())
        From -m 4G to -m 5G: what changed in how memory is built. 5 RAMBlocks moved,
        1 RAMBlock was resized.
        """
        from memkit.draw.graph import Graph

        return Graph(self.marks.after, theme, focus, self)

    def map(self, theme: str = "auto") -> AddressMap:
        """The address map of the second guest with what changed marked; raises MemkitError.

        Beside each column stands where things were in the first guest.
        """
        from memkit.draw.map import AddressMap

        return AddressMap(self.marks.after, theme, self)

    def tables(self, theme: str = "auto") -> Tables:
        """The tables of the second guest with a column ``change``; raises MemkitError."""
        from memkit.draw.table import Tables

        return Tables(self.marks.after, theme, self)

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __str__(self) -> str:
        if self.changes:
            return "\n".join(filter(None, (self.heading, *self.sentences)))
        if isinstance(self.after, Refused):
            return f"No difference: QEMU refuses both in the same words.\n{self.after}"
        return f"No difference in {listed(self.compared)}."

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        if self.changes:
            items = "".join(f"<li>{escape(s)}</li>" for s in self.sentences)
            body = (f"<p>{escape(self.heading)}</p>" if self.heading else "") + f"<ul>{items}</ul>"
            if isinstance(self.before, Guest) and isinstance(self.after, Guest):
                body += f"<p><small>{_PICTURES}</small></p>"
        else:
            body = "".join(f"<p>{escape(line)}</p>" for line in str(self).splitlines())
        html = f'<section aria-label="Difference between two guests">{body}</section>'
        return {"text/plain": str(self), "text/html": html}


def diff(a: Side, b: Side, names: tuple[str, str] | None = None) -> Difference:
    """The Difference from guest ``a`` to guest ``b``; raises MemkitError if they share no facts.

    Either may be a memkit.Refused that was caught: then the difference is whether, and in which
    words, QEMU refuses.  Compared are RAMBlocks (ram_addr_t), the FlatView of "memory" (gpa),
    backends, memory devices, NUMA nodes and, of the same door, QEMU's warnings.  ``names`` say
    in the heading which is which.

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
    for side in (a, b):
        if not isinstance(side, (Guest, Refused)):
            raise MemkitError(
                f"diff compares two guests or refusals, not {type(side).__name__}; "
                "a command line becomes a guest with memkit.boot(line)"
            )
    if isinstance(a, Refused) or isinstance(b, Refused):
        return Difference(tuple(outcome.refusals(a, b)), ("what QEMU accepts",), a, b, names)
    partners = block_partners(a, b)
    pairs = partners[0]
    parts = (
        ("the RAMBlocks", ("info ramblock",), compare.blocks(partners)),
        ("the memory map", ("info mtree -f", "info mtree"), ranges(a, b, pairs)),
        ("the backends", ("info memdev",), compare.backends(a, b, pairs)),
        ("the memory devices", ("info memory-devices",), compare.devices(a, b)),
        ("the NUMA nodes", ("info numa",), compare.nodes(a, b)),
    )
    changes: list[Change] = list(outcome.alias(a, b))
    compared = []
    for name, commands, changed in parts:
        if _knows(a, commands) and _knows(b, commands):
            compared.append(name)
            changes += changed
    if not compared:
        raise MemkitError("the two guests share no facts: no monitor command was answered for both")
    if a.door == b.door != "text":
        compared.append("QEMU's warnings")
        changes += outcome.warnings(a, b)
    return Difference(tuple(changes), tuple(compared), a, b, names)


def _knows(guest: Guest, commands: Sequence[str]) -> bool:
    if guest.door == "model" or not guest.raw_monitor:
        return True
    return any(c in guest.raw_monitor for c in commands)
