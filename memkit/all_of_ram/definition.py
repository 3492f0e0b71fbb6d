"""A definition of "all of RAM": who asks, by which rule, and where QEMU's source says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from memkit.all_of_ram.look import Look
    from memkit.all_of_ram.members import Member
    from memkit.joined import JoinedRow

__all__ = ["GROUPS", "Definition", "nothing_to_say"]

# The parts of the table, from left to right.
GROUPS = {
    "guest": "the guest's view", "count": "QEMU's counts", "stream": "streams", "dump": "dumps",
    "other": "whoever maps it", "host": "the host's care",
}


def nothing_to_say(look: Look) -> str:
    """No remark."""
    return ""


@dataclass(frozen=True, slots=True)
class Definition:
    """One meaning of "all of RAM".

    ``meaning`` is one sentence, ``rule`` the exact condition, ``unit`` how it counts: whole ``blocks``,
    ``ranges`` of guest-physical addresses, or ``bytes`` of blocks.  ``since`` is the first release that has
    it ("" is older than 5.2), ``surprise`` what people do not expect.  ``judge`` says what one block is
    to it; ``remark`` what one guest lacks that would make it matter.
    """

    name: str
    group: str
    meaning: str
    unit: Literal["blocks", "ranges", "bytes"]
    rule: str
    sources: tuple[str, ...]
    judge: Callable[[Look, JoinedRow], Member] = field(repr=False, compare=False)
    surprise: str = ""
    changed: str = ""
    since: str = ""
    remark: Callable[[Look], str] = field(default=nothing_to_say, repr=False, compare=False)

    def facts(self) -> list[tuple[str, str]]:
        """Label and words of what is told beside the blocks."""
        facts = [
            ("Rule", self.rule), ("Counts by", self.unit), ("Since", f"QEMU {self.since}" * bool(self.since)),
            ("Changed", self.changed), ("Surprise", self.surprise), ("Sources", "; ".join(self.sources)),
        ]
        return [(label, words) for label, words in facts if words]

    def data(self) -> dict[str, Any]:
        """What is told of it, ready for JSON."""
        return {
            "name": self.name, "group": self.group, "meaning": self.meaning, "unit": self.unit,
            "rule": self.rule, "since": self.since, "changed": self.changed, "surprise": self.surprise,
            "sources": list(self.sources),
        }
