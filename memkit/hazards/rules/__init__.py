"""All rules, room by room."""

from __future__ import annotations

from memkit.hazards.rule import Rule
from memkit.hazards.rules import host_memory, sharing

__all__ = ["RULES"]

RULES: dict[str, Rule] = {rule.id: rule for room in (host_memory, sharing) for rule in room.RULES}
