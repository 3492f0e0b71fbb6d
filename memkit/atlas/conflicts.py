"""Minimal conflict sets: which features it takes for an outcome, and which others take it away again.

An outcome is the id of a hazard, or REFUSED.  A set of features is minimal for an outcome that no smaller set
foretells.  What is foretold but does not come is *mended* by the features that were added.  Every answer
of a sweep can be told from the minimal sets and what mends them; that is how few facts are kept of many.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from memkit.atlas.features import Feature
from memkit.atlas.sweep import Answer

__all__ = ["REFUSED", "Minimal", "closed", "minimal_sets"]

REFUSED = "refused"


@dataclass(slots=True)
class Minimal:
    """A minimal set: with these ``features`` comes ``outcome``, unless a set of ``mended_by`` is there.

    ``again`` marks what a smaller set shows as well: something mended it, and this brings it back.
    """

    features: frozenset[str]
    outcome: str
    words: str = ""
    again: bool = False
    mended_by: list[frozenset[str]] = field(default_factory=list)

    def holds(self, having: frozenset[str]) -> bool:
        """True if ``having`` (features with all that they include) shows it."""
        return self.features <= having and not any(mending <= having for mending in self.mended_by)


def closed(names: Iterable[str], features: Mapping[str, Feature]) -> frozenset[str]:
    """``names`` with all features that they include.

    >>> from memkit.atlas.features import FEATURES
    >>> sorted(closed(["pc-dimm"], FEATURES))
    ['maxmem', 'pc-dimm']
    """
    having = set(names)
    for name in names:
        having.update(features[name].includes if name in features else ())
    return frozenset(having)


def minimal_sets(
    features: Sequence[Feature], answers: Mapping[tuple[str, ...], Answer]
) -> tuple[Minimal, ...]:
    """The minimal sets of a sweep, smaller ones first, then in the order of the features."""
    known = {feature.name: feature for feature in features}
    place = {name: n for n, name in enumerate(known)}
    found: list[Minimal] = []

    def order(names: tuple[str, ...]) -> tuple[int, int, list[int]]:
        # Of two sets of one size, the one that includes less could explain the other.
        return len(names), len(closed(names, known)), [place[name] for name in names]

    for names in sorted(answers, key=order):
        answer = answers[names]
        if answer.exclusive:
            continue
        having = closed(names, known)
        outcomes = {REFUSED} if answer.refusal else answer.hazards
        foretold = [minimal for minimal in found if minimal.holds(having)]
        for outcome in sorted(outcomes - {minimal.outcome for minimal in foretold}):
            again = any(m.outcome == outcome and m.features <= having for m in found)
            found.append(Minimal(frozenset(names), outcome, answer.refusal, again))
        if not answer.refusal:
            for minimal in foretold:
                if minimal.outcome not in outcomes:
                    minimal.mended_by.append(frozenset(names) - minimal.features)
    return tuple(found)
