"""What can go wrong with a guest's memory: rules, alone and combined, and what mends them."""

from __future__ import annotations

from memkit.hazards.ask import hazards, read_operations
from memkit.hazards.confirmed import Trial, confirmed, trials
from memkit.hazards.features import FEATURES, OPERATIONS
from memkit.hazards.found import Hazards
from memkit.hazards.mended import Mended, mend
from memkit.hazards.rule import SEVERITIES, Culprit, Hazard, Rule, rank
from memkit.hazards.rules import AREAS, RULES
from memkit.hazards.scene import Scene

__all__ = [
    "AREAS", "FEATURES", "OPERATIONS", "RULES", "SEVERITIES", "Culprit", "Hazard", "Hazards", "Mended",
    "Rule", "Scene", "Trial", "confirmed", "hazards", "mend", "rank", "read_operations", "trials",
]
