"""The atlas of one ground: its minimal conflict sets, and what they tell about every combination."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from memkit.atlas.conflict import OUTCOMES, Conflict
from memkit.atlas.conflicts import REFUSED, Minimal, closed
from memkit.atlas.features import Feature
from memkit.atlas.line import combine
from memkit.atlas.sweep import Answer, Ground
from memkit.config import parse
from memkit.versions import parse_version

__all__ = ["Cell", "Layer"]


@dataclass(frozen=True, slots=True)
class Cell:
    """What becomes of one combination of features.

    ``status`` is ``fine``, ``hazards``, ``refused``, ``exclusive`` (no line says it all, ``reason`` tells
    why) or ``unknown`` (this release lacks the words).  ``together`` are the conflicts that need all of the
    features, ``inherited`` those of smaller sets, ``mended`` those of smaller sets that are gone here.
    ``line`` is the whole line, ``operations`` what is done with the guest.
    """

    features: tuple[str, ...]
    status: str
    reason: str
    line: str
    operations: tuple[str, ...]
    together: tuple[Conflict, ...]
    inherited: tuple[Conflict, ...]
    mended: tuple[Conflict, ...]
    qemu: str

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """All conflicts that show here, worst first."""
        return tuple(sorted((*self.together, *self.inherited), key=lambda c: c.rank))

    @property
    def severity(self) -> str:
        """The worst that only the whole combination has, one of OUTCOMES; "" if it adds nothing."""
        return OUTCOMES[min(c.rank for c in self.together)] if self.together else ""

    @property
    def worst(self) -> str:
        """The worst of all that shows here, one of OUTCOMES; "" for nothing."""
        return OUTCOMES[min(c.rank for c in self.conflicts)] if self.conflicts else ""

    def data(self) -> dict[str, Any]:
        """The same as plain data, ready for JSON."""
        return {
            "features": list(self.features), "status": self.status, "reason": self.reason, "line": self.line,
            "operations": list(self.operations), "severity": self.severity, "worst": self.worst,
            **{name: [conflict.data(self.qemu) for conflict in getattr(self, name)]
               for name in ("together", "inherited", "mended")},
        }

    def __str__(self) -> str:
        lines = [" + ".join(self.features), f"  {self.status}" + (f": {self.reason}" if self.reason else "")]
        if self.line:
            done = f"   [{', '.join(self.operations)}]" if self.operations else ""
            lines.append(f"  {self.line}{done}")
        for heading, conflicts in (("Only together", self.together), ("From fewer of them", self.inherited),
                                   ("Mended by the combination", self.mended)):
            lines += ["", f"{heading}:"] if conflicts else []
            lines += [line for conflict in conflicts for line in conflict.paragraph(self.qemu)]
        return "\n".join(lines)


@dataclass(frozen=True)
class Layer:
    """All combinations of up to ``size`` of ``features`` on one ``ground``."""

    ground: Ground
    features: tuple[Feature, ...]
    size: int
    conflicts: tuple[Conflict, ...]

    @cached_property
    def by_name(self) -> dict[str, Feature]:
        """The features by name."""
        return {feature.name: feature for feature in self.features}

    @cached_property
    def known(self) -> tuple[Feature, ...]:
        """The features whose words this release knows."""
        return tuple([f for f in self.features if f.known_to(parse_version(self.ground.qemu))])

    @cached_property
    def _minimal(self) -> tuple[tuple[Conflict, Minimal], ...]:
        return tuple([
            (c, Minimal(frozenset(c.features), c.outcome, mended_by=[frozenset(m) for m in c.mended_by]))
            for c in self.conflicts
        ])

    def answer(self, names: Iterable[str]) -> Answer:
        """What the conflicts foretell for a combination; tests compare it with booting."""
        cell = self.cell(names)
        if cell.status == "refused":
            return Answer(refusal=next(c.words for c in cell.conflicts if c.outcome == REFUSED))
        return Answer(cell.reason, "", frozenset(c.outcome for c in cell.conflicts))

    def cell(self, names: Iterable[str]) -> Cell:
        """What becomes of the combination; ``names`` are those of ``features``."""
        wanted = set(names)
        chosen = [feature for feature in self.features if feature.name in wanted]
        named = tuple([feature.name for feature in chosen])
        qemu = self.ground.qemu
        late = [f"{f.name} since {f.since}" for f in chosen if f not in self.known]
        if late:
            reason = f"QEMU {qemu} lacks {', '.join(late)}"
            return Cell(named, "unknown", reason, "", (), (), (), (), qemu)
        combined = combine(chosen, self.ground.board)
        if combined.exclusive:
            return Cell(named, "exclusive", combined.exclusive, "", (), (), (), (), qemu)
        having = closed(named, self.by_name)
        met = [(c, m) for c, m in self._minimal if m.features <= having]
        here = [c for c, m in met if m.holds(having)]
        refused = any(c.outcome == REFUSED for c in here)
        if refused:  # where QEMU does not start, nothing else can happen
            here = [c for c in here if c.outcome == REFUSED]
        status = "refused" if refused else "hazards" if here else "fine"
        line = parse(list(combined.argv), qemu).text()
        return Cell(
            named, status, "", line, combined.operations,
            _worst_first([c for c in here if set(c.features) == wanted]),
            _worst_first([c for c in here if set(c.features) != wanted]),
            () if refused else _worst_first([c for c, m in met if not m.holds(having)]), qemu,
        )


def _worst_first(conflicts: list[Conflict]) -> tuple[Conflict, ...]:
    return tuple(sorted(conflicts, key=lambda c: c.rank))
