"""The hazards of one guest, as a list that can be read: as text, as a page, as data."""

from __future__ import annotations

from html import escape
from typing import Any

from memkit.hazards.rule import Hazard, rank

__all__ = ["Hazards"]


class Hazards(list[Hazard]):
    """Hazards, worst first: a list that also prints and displays.

    ``remark`` says what the rules could not look at, "" if it was all there.

    >>> print(Hazards())
    No hazard found.
    """

    remark: str = ""

    @property
    def worst(self) -> str:
        """The worst severity that was found, "" if nothing was."""
        return min((hazard.severity for hazard in self), key=rank, default="")

    @property
    def heading(self) -> str:
        """How many there are, and how bad."""
        remark = f" {self.remark}" if self.remark else ""
        if not self:
            return f"No hazard found.{remark}"
        count = "1 hazard" if len(self) == 1 else f"{len(self)} hazards, worst first"
        return f"{count}: {', '.join(self._counts())}.{remark}"

    def data(self) -> list[dict[str, Any]]:
        """The same as plain data, ready for JSON."""
        return [hazard.data() for hazard in self]

    def _counts(self) -> list[str]:
        """Each severity with its number."""
        found = [hazard.severity for hazard in self]
        return [f"{found.count(severity)} {severity}" for severity in dict.fromkeys(found)]

    def __str__(self) -> str:
        return "\n\n".join([self.heading, *map(str, self)])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        items = "".join(f"<li>{hazard.html()}</li>" for hazard in self)
        html = (
            f'<section aria-label="Hazards of this guest"><p><strong>{escape(self.heading)}</strong></p>'
            f'{f"<ol>{items}</ol>" if items else ""}</section>'
        )
        return {"text/plain": str(self), "text/html": html}
