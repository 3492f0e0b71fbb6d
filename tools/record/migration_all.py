"""Everything that is known to be worth a migration, and the file that holds what was seen."""

from __future__ import annotations

import re
from collections.abc import Iterator
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

__all__ = ["all_cases", "record_all"]


def all_cases(across: bool = False) -> Iterator[Case]:
    """The cases for one release, or those for two."""
    for case in (*backing_cases(), *layout_cases(), *side_cases(), *random_cases(), *across_cases()):
        if case.across == across:
            yield case


def record_all(source: Binary, destination: Binary | None = None, only: str = "") -> list[dict[str, Any]]:
    """The rows of a file of migrations, the head first; ``only`` is a pattern for ids."""
    cases = [case for case in all_cases(destination is not None) if re.search(only, case.id)]
    rows = record_migrations(cases, source, destination)
    if destination is None and re.search(only, "capabilities"):
        rows += record_capabilities(source)
    return rows
