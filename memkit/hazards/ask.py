"""All rules asked about one guest, in an order that makes the answer cheap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from memkit.errors import MemkitError
from memkit.hazards.features import OPERATIONS
from memkit.hazards.found import Hazards
from memkit.hazards.rule import Culprit, Hazard, Rule, rank
from memkit.hazards.rules import RULES
from memkit.hazards.scene import Scene

if TYPE_CHECKING:
    from memkit.guest import Guest

__all__ = ["hazards", "read_operations"]

# Nearly every guest has these, so they tell the least; they are asked last.
_COMMON = ("backend-ram", "m-size", "merge-on", "share-off", "kvm", "graphics")


def hazards(guest: Guest, migration: str | Sequence[str] | None = None) -> Hazards:
    """The hazards of ``guest``, worst first: what can go wrong, for what, why, and what mends it.

    ``migration`` adds what is about to be done, by the names of OPERATIONS, which are QEMU's for
    capabilities ("migrate-postcopy", "x-ignore-shared" ...).  Raises MemkitError for other words.

    >>> import memkit
    >>> hazards(memkit.boot("-m 4G"))
    []
    """
    scene = Scene(guest, read_operations(migration))
    present = scene.features
    found = Hazards()
    for rarest, rules in _BY_RAREST.items():
        if not present.names(rarest):
            continue
        for rule in rules:
            if all(present.names(name) for name in rule.features) and rule.holds_for(
                scene.version, guest.target
            ):
                culprits = tuple(rule.find(scene))
                if culprits:
                    found.append(_hazard(rule, culprits))
    if guest.config is None:
        found.remark = _NO_LINE
    found.sort(key=lambda hazard: (rank(hazard.severity), _PLACE[hazard.id]))
    return found


_NO_LINE = "The command line is not known, and most rules look at it: ask again with the line."


def read_operations(migration: str | Sequence[str] | None) -> tuple[str, ...]:
    """The operations that ``migration`` names: one, several, or none; raises MemkitError for other words.

    >>> read_operations("migrate-postcopy, multifd")
    ('migrate-postcopy', 'multifd')
    """
    words = migration.split(",") if isinstance(migration, str) else migration or ()
    if not isinstance(words, Iterable) or not all(isinstance(word, str) for word in words):
        raise MemkitError(
            f"migration= is the name of an operation, or a list of names, not {migration!r:.60}; "
            f"they are: {', '.join(OPERATIONS)}"
        )
    operations = tuple([word.strip() for word in words])
    for name in operations:
        if name not in OPERATIONS:
            raise MemkitError(f"{name!r:.60} is no operation; they are: {', '.join(OPERATIONS)}")
    return operations


def _rarity(feature: str) -> int:
    if feature in OPERATIONS:
        return 0
    return 2 if feature in _COMMON else 1


def _by_rarest() -> dict[str, list[Rule]]:
    """The rules, grouped by the feature that is most seldom met of those that each needs."""
    groups: dict[str, list[Rule]] = {}
    for rule in RULES.values():
        groups.setdefault(min(rule.features, key=_rarity), []).append(rule)
    return groups


_BY_RAREST = _by_rarest()
_PLACE = {id: place for place, id in enumerate(RULES)}


def _hazard(rule: Rule, culprits: tuple[Culprit, ...]) -> Hazard:
    return Hazard(
        rule.id, rule.severity, rule.title, rule.why, rule.instead, rule.features, rule.since, rule.until,
        rule.sources, culprits, rule.mend,
    )
