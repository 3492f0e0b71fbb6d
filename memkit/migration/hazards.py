"""The hazards of a migration: those of each guest, and those of the two together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memkit.hazards import OPERATIONS, Hazards, hazards, rank

if TYPE_CHECKING:
    from memkit.hazards import Hazard
    from memkit.migration.attempt import Attempt, Side
    from memkit.migration.outlook import Outlook

__all__ = ["hazards_of"]


def hazards_of(attempt: Attempt, outlook: Outlook) -> Hazards:
    """All hazards of one migration, worst first; one that both guests have stands once."""
    from memkit.migration.findings import pair_hazards

    seen: dict[str, Hazard] = {}
    for hazard in pair_hazards(attempt, outlook):
        seen.setdefault(hazard.id, hazard)
    for side in attempt.sides:
        for hazard in hazards(side.guest, _operations(attempt, side)):
            seen.setdefault(hazard.id, hazard)
    return Hazards(sorted(seen.values(), key=lambda hazard: rank(hazard.severity)))


def _operations(attempt: Attempt, side: Side) -> tuple[str, ...]:
    """What is about to be done, by the names that rules know."""
    capabilities = [name for name in side.capabilities if name in OPERATIONS]
    postcopy = side.on("postcopy-ram")
    kind = ["migrate-precopy", "migrate-postcopy"] if postcopy else ["migrate-precopy"]
    return (*kind, *sorted(capabilities))
