"""What can go wrong with a guest's memory: rules, alone and combined, and what mends them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from memkit.errors import MemkitError
from memkit.hazards.features import FEATURES, OPERATIONS
from memkit.hazards.rule import SEVERITIES, Culprit, Hazard, Rule, rank
from memkit.hazards.rules import RULES
from memkit.hazards.scene import Scene

if TYPE_CHECKING:
    from memkit.guest import Guest

__all__ = ["FEATURES", "RULES", "SEVERITIES", "Culprit", "Hazard", "Rule", "Scene", "hazards", "rank"]


def hazards(guest: Guest, migration: str | Sequence[str] | None = None) -> list[Hazard]:
    """The hazards of ``guest``, worst first: what can go wrong, for what, why, and what mends it.

    ``migration`` adds what is about to be done, by the names of OPERATIONS and QEMU's capabilities
    ("migrate-postcopy", "x-ignore-shared" ...).  Raises MemkitError for other words.

    >>> import memkit
    >>> hazards(memkit.boot("-m 4G"))
    []
    """
    operations = (migration,) if isinstance(migration, str) else tuple(migration or ())
    for name in operations:
        if name not in OPERATIONS:
            raise MemkitError(f"{name!r:.60} is no operation; they are: {', '.join(OPERATIONS)}")
    scene = Scene(guest, operations)
    present = scene.features
    found = []
    for rule in RULES.values():
        if all(name in present for name in rule.features) and rule.holds_for(scene.version, guest.target):
            culprits = tuple(rule.find(scene))
            if culprits:
                found.append(Hazard(
                    rule.id, rule.severity, rule.title, rule.why, rule.instead, rule.features, rule.since,
                    rule.until, rule.sources, culprits, rule.mend,
                ))
    return sorted(found, key=lambda hazard: rank(hazard.severity))
