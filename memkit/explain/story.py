"""The story of one address as an object: decisions, facts, and their forms for people and programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from memkit.memory.flatview import FlatRange
from memkit.memory.region import MemoryRegion
from memkit.units import hex_address

if TYPE_CHECKING:
    from memkit.memory.ramblock import RAMBlock

__all__ = ["Explanation", "Step", "listed"]


@dataclass(frozen=True, slots=True)
class Step:
    """One decision of the walk, or one fact about the answer.

    Decisions are of the kinds root, container, alias, outside, empty, disabled, passed, answer,
    nobody and unknown; facts: range, block, access, page, backend, frontend, device, numa,
    migration, free and unassigned.  ``depth`` counts containers and aliases from the root,
    ``region`` is a MemoryRegion's name, and ``details`` holds the numbers of the sentence.
    """

    kind: str
    depth: int
    region: str
    sentence: str
    details: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Explanation:
    """Who answers at ``gpa`` (guest-physical address), and how that was decided.

    ``steps`` are the decisions, ``facts`` what follows from them.  ``range`` is None when nobody
    answers.  ``offset_in_region`` and ``offset_in_block`` are bytes, ``ram_addr`` is a
    ram_addr_t; they are None where there is no region or no RAMBlock.
    """

    gpa: int
    space: str
    steps: tuple[Step, ...]
    facts: tuple[Step, ...]
    range: FlatRange | None = None
    block: RAMBlock | None = None
    offset_in_region: int | None = None
    offset_in_block: int | None = None
    ram_addr: int | None = None

    @property
    def region(self) -> MemoryRegion | None:
        """The region that answers, or None."""
        return self.range.region if self.range else None

    @property
    def summary(self) -> str:
        """The answer in one or two sentences: who answers, and whom it hides."""
        at = hex_address(self.gpa)
        if self.range is None:
            said = f"Nobody answers at {at}."
        elif self.block is not None and self.offset_in_block is not None:
            said = (f"{self.range.region.name} ({self.range.type}) answers at {at}: byte "
                    f"{hex_address(self.offset_in_block)} of RAMBlock {self.block.label}.")
        else:
            said = f"{self.range.region.name} ({self.range.type}) answers at {at}."
        answer = self.range.region.name if self.range is not None else None
        hidden = [s.sentence for s in self.steps if s.kind == "passed" and "winner_priority" in s.details
                  and s.details["leads_to"] not in (None, answer)]
        return " ".join([said, *hidden])

    @property
    def title(self) -> str:
        """What is explained, in a few words."""
        return f'Who answers at {hex_address(self.gpa)} in "{self.space}"'

    @property
    def sentences(self) -> tuple[str, ...]:
        """All steps and facts as plain sentences."""
        return tuple(s.sentence for s in (*self.steps, *self.facts))

    def data(self) -> dict[str, Any]:
        """The same as plain data, ready for JSON; ``range`` holds gpa start and bytes."""
        run = self.range
        return {
            "gpa": self.gpa, "space": self.space, "summary": self.summary,
            "range": None if run is None else {"start": run.start, "size": run.size, "type": run.type},
            "region": self.region.name if self.region else None,
            "block": self.block.label if self.block else None,
            "offset_in_region": self.offset_in_region, "offset_in_block": self.offset_in_block,
            "ram_addr": self.ram_addr,
            **{
                name: [{"kind": s.kind, "depth": s.depth, "region": s.region, "sentence": s.sentence,
                        "details": dict(s.details)} for s in steps]
                for name, steps in (("steps", self.steps), ("facts", self.facts))
            },
        }

    def __str__(self) -> str:
        walk = [f"{'  ' * s.depth}{s.sentence}" for s in self.steps]
        return "\n".join([
            self.summary, "", "How that was decided:", *walk, "", "What follows:",
            *(f.sentence for f in self.facts),
        ])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        title = escape(self.title)
        facts = "".join(f"<li>{escape(f.sentence)}</li>" for f in self.facts)
        html = (
            f'<section aria-label="{title}"><p><strong>{escape(self.summary)}</strong></p>'
            f'<p>How that was decided:</p>{_nested(self.steps)}<p>What follows:</p><ul>{facts}</ul></section>'
        )
        return {"text/plain": str(self), "text/html": html}


def _nested(steps: Sequence[Step]) -> str:
    """The steps as ordered lists inside ordered lists, as deep as the regions are."""
    html, depth = "", -1
    for step in steps:
        # One list per level, also where a level is skipped, so that every tag is closed again.
        html += "<ol><li>" * (step.depth - depth) if step.depth > depth else (
            "</li></ol>" * (depth - step.depth) + "</li><li>")
        html += escape(step.sentence)
        depth = step.depth
    return html + "</li></ol>" * (depth + 1)


def listed(names: Sequence[str]) -> str:
    """Names as prose lists them.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
