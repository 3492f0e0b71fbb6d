"""The Outlook: what a migration will come to, in words, as data and as a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

from memkit.hazards import Hazards
from memkit.units import human

if TYPE_CHECKING:
    from memkit.migration.attempt import Attempt, Outcome
    from memkit.migration.content import Fate

__all__ = ["OUTCOMES", "Outlook"]

OUTCOMES: dict[str, str] = {
    "completes": "The migration completes, and the destination has the guest's memory.",
    "refused": "QEMU refuses before anything is sent; the guest stays where it is.",
    "fails": "The migration begins and does not succeed.",
    "corrupts": "The migration reports success, and the destination lacks memory of the guest.",
}


@dataclass(frozen=True)
class Outlook:
    """What becomes of a migration.

    ``outcome`` is completes, refused, fails or corrupts.  ``message`` is QEMU's own first line, from QMP or
    the standard error of the side that stops it, without the program's name; "" where QEMU says nothing.
    ``where`` is set-capabilities, set-parameters, migrate, source or destination, "" if it completes.
    ``explanation`` is ours.  ``blocks`` tell what becomes of each RAMBlock of the source (none if nothing
    arrives).  ``notes`` say what the model does not know about this migration.  ``rule`` is the id of the
    hazard that tells more, if any.

    >>> import memkit
    >>> print(memkit.migrate(memkit.boot("-m 1G"), memkit.boot("-m 2G")).message)
    Size mismatch: pc.ram: 0x40000000 != 0x80000000: Invalid argument
    """

    outcome: Outcome
    message: str
    where: str
    explanation: str
    blocks: tuple[Fate, ...]
    sources: tuple[str, ...]
    notes: tuple[str, ...]
    rule: str
    attempt: Attempt = field(repr=False, compare=False)

    @cached_property
    def hazards(self) -> Hazards:
        """The hazards of this migration, worst first: of each guest, and of the two together."""
        from memkit.migration.hazards import hazards_of

        return hazards_of(self.attempt, self)

    @property
    def heading(self) -> str:
        """One sentence: what it comes to."""
        return f"{self.outcome}: {OUTCOMES[self.outcome]}"

    def data(self) -> dict[str, Any]:
        """The same as plain data, ready for JSON."""
        return {
            "outcome": self.outcome, "message": self.message, "where": self.where,
            "explanation": self.explanation,
            "blocks": [
                {"idstr": b.idstr, "size": b.size, "fate": b.fate, "sentence": b.sentence, "good": b.good}
                for b in self.blocks
            ],
            "hazards": self.hazards.data(), "notes": list(self.notes), "sources": list(self.sources),
        }

    def _facts(self) -> list[tuple[str, str]]:
        """Label and words of what is told below the heading."""
        facts = [("QEMU says", self.message), ("Where", self.where), ("Why", self.explanation)]
        facts += [("Not known", note) for note in self.notes]
        return [(label, words) for label, words in (*facts, ("Sources", "; ".join(self.sources))) if words]

    def __str__(self) -> str:
        lines = [self.heading, *(f"  {label}: {words}" for label, words in self._facts())]
        if self.blocks:
            width = max(len(block.idstr) for block in self.blocks)
            lines.append("RAMBlocks of the source:")
            lines += [f"  {b.idstr:{width}}  {human(b.size):>9}  {b.fate}: {b.sentence}" for b in self.blocks]
        if self.hazards:
            lines += ["", str(self.hazards)]
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        facts = "".join(f"<dt>{escape(label)}</dt><dd>{escape(words)}</dd>" for label, words in self._facts())
        rows = "".join(
            f"<tr><th scope=row><code>{escape(b.idstr)}</code></th><td>{human(b.size)}</td>"
            f"<td>{escape(b.fate)}</td><td>{escape(b.sentence)}</td></tr>" for b in self.blocks
        )
        table = (
            "<table><caption>RAMBlocks of the source</caption><thead><tr><th scope=col>RAMBlock</th>"
            f"<th scope=col>size</th><th scope=col>fate</th><th scope=col>what happens</th></tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        ) if rows else ""
        perils = "".join(f"<li>{hazard.html()}</li>" for hazard in self.hazards)
        listed = f"<p>{escape(self.hazards.heading)}</p><ol>{perils}</ol>" if perils else ""
        html = (
            f'<section aria-label="Outlook of a migration"><p><strong>{escape(self.outcome)}</strong>: '
            f"{escape(OUTCOMES[self.outcome])}</p><dl>{facts}</dl>{table}{listed}</section>"
        )
        return {"text/plain": str(self), "text/html": html}
