"""Migration: whether it completes, is refused, fails or corrupts, and in which words QEMU says so."""

from __future__ import annotations

from memkit.migration.ask import MODES, TRANSPORTS, migrate
from memkit.migration.capabilities import CAPABILITIES, known_capabilities
from memkit.migration.content import Fate
from memkit.migration.outlook import OUTCOMES, Outlook

__all__ = [
    "CAPABILITIES", "MODES", "OUTCOMES", "TRANSPORTS", "Fate", "Outlook", "known_capabilities", "migrate",
]
