"""All definitions of "all of RAM" side by side: RAMBlocks by definitions, as a picture, text and table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from memkit.all_of_ram.definition import GROUPS
from memkit.errors import MemkitError
from memkit.joined import join
from memkit.units import human

if TYPE_CHECKING:
    import pandas

    from memkit.all_of_ram.members import RAMSet
    from memkit.guest import Guest

__all__ = ["AllOfRam"]


@dataclass(frozen=True, eq=False, repr=False)
class AllOfRam:
    """What each definition takes for all of RAM of one guest: ``sets``, in the order of DEFINITIONS.

    Shown as a matrix: blocks are rows, definitions columns.  ``str()`` has the same facts in words.

    >>> import memkit
    >>> everything = memkit.boot("-m 1G").all_of_ram()
    >>> everything["migration"].member("pc.ram").state
    'in'
    """

    guest: Guest
    sets: tuple[RAMSet, ...]

    def __getitem__(self, name: str) -> RAMSet:
        """The set of one definition; raises MemkitError with the names."""
        for found in self.sets:
            if found.name == name:
                return found
        raise MemkitError(f"{name!r:.60} is no definition of all of RAM; they are: {', '.join(self.names)}")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the definitions."""
        return tuple(found.name for found in self.sets)

    @property
    def summary(self) -> str:
        """How far the definitions differ, in a sentence."""
        known = [found for found in self.sets if found.certain]
        if not known or not known[0].members:
            return "Nothing is known of this guest's RAMBlocks."
        most, least = max(known, key=lambda s: s.bytes), min(known, key=lambda s: s.bytes)
        different = len({found.bytes for found in known})
        return (f"{len(self.sets)} definitions of all of RAM give {different} different sums, from "
                f"{human(least.bytes)} ({least.name}) to {human(most.bytes)} ({most.name}).")

    @cached_property
    def _data(self) -> dict[str, Any]:
        rows = join(self.guest).rows
        return {
            "title": f"All of RAM of a guest ({self.guest.machine_type}, QEMU {self.guest.qemu})",
            "summary": self.summary,
            "blocks": [
                {"label": r.block.label, "kind": r.kind, "backing": r.backing, "bytes": r.block.max_length}
                for r in rows
            ],
            "groups": GROUPS,
            "sets": [
                {"name": s.name, "group": s.definition.group, "meaning": s.definition.meaning,
                 "unit": s.definition.unit, "bytes": s.bytes, "certain": s.certain, "remark": s.remark,
                 "cells": [{"state": m.state, "bytes": m.bytes, "reason": m.reason} for m in s.members]}
                for s in self.sets
            ],
        }

    def data(self) -> dict[str, Any]:
        """The facts that picture, text and table are made from, ready for JSON; sizes are bytes."""
        return self._data

    def table(self, show: str = "bytes") -> pandas.DataFrame:
        """A pandas DataFrame, blocks by definitions: ``show`` is bytes, state or reason.

        Raises MemkitError for other words, Unavailable if pandas is missing.
        """
        from memkit.draw.all_of_ram import frame

        return frame(self.data(), show)

    def text(self) -> str:
        """The same facts in words, in lines of at most 72 characters."""
        from memkit.draw.all_of_ram import text

        return text(self.data())

    def svg(self, theme: str = "auto") -> str:
        """The matrix as an SVG picture; raises MemkitError for an unknown theme."""
        from memkit.draw.all_of_ram import render

        return render(self.data(), theme)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<{self.summary}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self.svg(), "image/svg+xml": self.svg()}
