"""The atlas of feature combinations: what goes wrong only together, computed from all pairs and triples."""

from __future__ import annotations

from memkit.atlas.cached import fingerprint
from memkit.atlas.conflict import OUTCOMES, Conflict
from memkit.atlas.features import AREAS, FEATURES, Feature
from memkit.atlas.layer import Cell
from memkit.atlas.sweep import Ground
from memkit.atlas.whole import Atlas, atlas

__all__ = [
    "AREAS", "FEATURES", "OUTCOMES", "Atlas", "Cell", "Conflict", "Feature", "Ground", "atlas",
    "fingerprint",
]
