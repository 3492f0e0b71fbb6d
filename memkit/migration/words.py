"""How a destination says what stopped it, release by release.

Until 10.1 the reason is the first line that it prints.  Since 10.2 most reasons travel up as an error, and
are printed at the end, behind what they led to.

Source: process_incoming_migration_co in migration/migration.c, vmstate_load_state in migration/vmstate.c.
"""

from __future__ import annotations

from memkit.migration.attempt import Side

__all__ = ["loading", "loading_configuration"]


def loading(side: Side, words: str, error: str = "Invalid argument") -> str:
    """The first line that a destination prints where loading fails for the reason ``words``."""
    return f"load of migration failed: {error}: {words}" if side.has("10.2") else words


def loading_configuration(side: Side, words: str) -> str:
    """The same for the section that names the machine type."""
    if not side.has("11.1"):
        return words
    return loading(side, "post load hook failed for: configuration, version_id: 1, minimum_version: 0: "
                         f"{words}")
