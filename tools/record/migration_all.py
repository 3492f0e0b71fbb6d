"""Everything that is known to be worth a migration, and the file that holds what was seen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .ask import Binary
from .migration_across import across_cases
from .migration_case import Case
from .migration_cases import backing_cases
from .migration_layouts import layout_cases
from .migration_pairs import record_capabilities
from .migration_random import random_cases
from .migration_sides import side_cases
from .migrations import record_migrations

__all__ = ["all_cases", "merged", "record_all"]


def all_cases(across: bool = False) -> Iterator[Case]:
    """The cases for one release, or those for two."""
    for case in (*backing_cases(), *layout_cases(), *side_cases(), *random_cases(), *across_cases()):
        if case.across == across:
            yield case


def record_all(
    source: Binary, destination: Binary | None = None, only: str = "", old: Sequence[dict[str, Any]] = ()
) -> list[dict[str, Any]]:
    """The rows of a file of migrations, the head first; ``only`` is a pattern for ids.

    Rows of ``old``, of an earlier recording, stay where nothing new was seen.
    """
    cases = list(all_cases(destination is not None))
    rows = record_migrations([case for case in cases if re.search(only, case.id)], source, destination)
    if destination is None and re.search(only, "capabilities"):
        rows += record_capabilities(source)
    order = {case.id: number for number, case in enumerate(cases)}
    return [rows[0], *merged(old[1:], rows[1:], order)]


def merged(
    old: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]], order: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Rows in order, the new ones in place of old ones with the same id; what has no place comes last.

    >>> [row["id"] for row in merged([{"id": "b"}, {"id": "c"}], [{"id": "a"}], {"a": 0, "b": 1})]
    ['a', 'b', 'c']
    """
    rows = {row["id"]: row for row in (*old, *new)}
    return sorted(rows.values(), key=lambda row: order.get(row["id"], len(order)))
