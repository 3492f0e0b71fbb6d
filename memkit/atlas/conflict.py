"""A minimal conflict set as people read it: what happens, why, the shortest line, releases, sources."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from memkit.atlas.conflicts import REFUSED
from memkit.boards.recorded import data_file
from memkit.hazards import RULES, SEVERITIES, Rule
from memkit.hazards.confirmed import confirmed_words
from memkit.versions import KNOWN_QEMU

__all__ = ["OUTCOMES", "Conflict", "recorded"]

# Worst first; QEMU's own refusal stands above what it does not see.
OUTCOMES = (REFUSED, *SEVERITIES)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Features that together, and in no smaller set, have one outcome.

    ``outcome`` is the id of a hazard, or ``refused`` with QEMU's ``words`` and our ``told`` (why, and what
    to do).  ``line`` under ``operations`` is the shortest that shows it, ``releases`` those of the known ones
    that do.  ``mended_by`` are sets of features, each of which takes it away.  ``again`` marks what a smaller
    set shows as well: another feature mended that, and this one undoes it.
    """

    features: tuple[str, ...]
    outcome: str
    line: str
    operations: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()
    mended_by: tuple[tuple[str, ...], ...] = ()
    again: bool = False
    words: str = ""
    told: tuple[str, str] = ("", "")

    @property
    def rule(self) -> Rule | None:
        """The rule behind it; None for a refusal."""
        return RULES.get(self.outcome)

    @property
    def severity(self) -> str:
        """One of OUTCOMES: ``refused``, or the severity of the hazard."""
        return self.rule.severity if self.rule else REFUSED

    @property
    def rank(self) -> int:
        """The place of the severity, 0 for the worst."""
        return OUTCOMES.index(self.severity)

    @property
    def title(self) -> str:
        """What happens, in a few words."""
        return self.rule.title if self.rule else f"QEMU refuses: {self.words}"

    @property
    def why(self) -> str:
        """By what mechanism."""
        return self.rule.why if self.rule else self.told[0]

    @property
    def instead(self) -> str:
        """What to do instead."""
        return self.rule.instead if self.rule else self.told[1]

    @property
    def sources(self) -> tuple[str, ...]:
        """Where it can be read up; for a refusal nothing, its words are QEMU's."""
        return self.rule.sources if self.rule else ()

    @property
    def command(self) -> str:
        """What to type to see it."""
        done = f"--migration {','.join(self.operations)} " if self.operations else ""
        return f"memkit hazards {done}-- {self.line}"

    @property
    def versions(self) -> str:
        """The known releases that show it, and where the rule begins or ends.

        >>> Conflict(("a",), "refused", "-m 1", releases=("7.2", "8.2", "11.1")).versions
        '7.2 to 8.2, 11.1'
        """
        runs: list[list[str]] = []
        for number, qemu in enumerate(KNOWN_QEMU):
            if qemu in self.releases:
                follows = number and KNOWN_QEMU[number - 1] in self.releases
                runs[-1:] = [[*runs[-1], qemu]] if follows else [*runs[-1:], [qemu]]
        said = ", ".join(run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)
        limits = [f"since {self.rule.since}"] if self.rule and self.rule.since else []
        limits += [f"gone in {self.rule.until}"] if self.rule and self.rule.until else []
        return said + (f" ({', '.join(limits)})" if limits else "")

    def confirmed(self, qemu: str) -> str:
        """How a real QEMU confirmed it, in words; "" if none was asked."""
        said = recorded(qemu).get(self.line)
        if self.outcome == REFUSED:
            return f"QEMU {qemu} said: {said}" if said else ""
        if words := confirmed_words(self.outcome):
            return f"the rule, {words}" + (f"; QEMU {qemu} starts with this line" if said == "" else "")
        return f"QEMU {qemu} starts with this line; the rule was read in its source" if said == "" else ""

    def data(self, qemu: str = "") -> dict[str, Any]:
        """The same as plain data, ready for JSON."""
        return {
            "features": list(self.features), "outcome": self.outcome, "severity": self.severity,
            "title": self.title, "why": self.why, "instead": self.instead, "line": self.line,
            "operations": list(self.operations), "command": self.command, "releases": list(self.releases),
            "versions": self.versions, "mended_by": [list(names) for names in self.mended_by],
            "again": self.again, "sources": list(self.sources), "confirmed": self.confirmed(qemu),
        }

    def paragraph(self, qemu: str) -> list[str]:
        """The lines of its entry in the text twin."""
        facts = [
            ("Why", self.why), ("Instead", self.instead), ("Shown by", self.command),
            ("QEMU", self.versions), ("Confirmed", self.confirmed(qemu) or "not on a real QEMU yet"),
            ("Mended by", "; ".join(" + ".join(names) for names in self.mended_by)),
            ("Sources", "; ".join(self.sources)),
        ]
        key = "" if self.outcome == REFUSED else f" [{self.outcome}]"
        back = " (comes back)" if self.again else ""
        return [f"{' + '.join(self.features)}{back}", f"  {self.severity}: {self.title}{key}",
                *(f"  {label}: {words}" for label, words in facts if words)]


@lru_cache(maxsize=8)
def recorded(qemu: str) -> dict[str, str]:
    """What a real QEMU said to lines of the atlas: line → its first words, "" where it started."""
    path = data_file("atlas", f"said-{qemu}.json")
    if not path.exists():
        return {}
    loaded: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))["said"]
    return loaded

