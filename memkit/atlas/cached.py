"""The atlas as it lies in ``data/atlas/``: minimal sets only, from which every cell can be told."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from memkit.atlas.conflict import Conflict
from memkit.atlas.features import FEATURES, Feature
from memkit.atlas.layer import Layer
from memkit.atlas.line import HOST
from memkit.atlas.sweep import Ground
from memkit.boards.recorded import data_file
from memkit.hazards import RULES

__all__ = ["BOARD", "SIZE", "fingerprint", "read_layer", "write_layer"]

BOARD, SIZE = "q35", 3
ABOUT = "All pairs and triples of the features of the atlas, as the model boots them; python -m memkit.atlas"


def fingerprint() -> str:
    """A short text that changes with the features, their host, and what rules ask for."""
    rules = [(r.id, r.severity, r.features, r.since, r.until) for r in RULES.values()]
    described = repr((sorted(rules), list(FEATURES.values()), HOST))
    return hashlib.sha256(described.encode()).hexdigest()[:16]


def path_of(qemu: str) -> Path:
    """Where the atlas of one release lies."""
    return data_file("atlas", f"x86_64-{qemu}.json")


def read_layer(qemu: str, features: tuple[Feature, ...], size: int) -> Layer | None:
    """The layer of some of FEATURES on the usual board; None if the file cannot tell it."""
    path = path_of(qemu)
    if size > SIZE or any(FEATURES.get(f.name) is not f for f in features) or not path.exists():
        return None
    names = {feature.name for feature in features}
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    conflicts = [
        _conflict(row, names) for row in loaded["conflicts"]
        if names.issuperset(row["features"]) and len(row["features"]) <= size
    ]
    return Layer(Ground(qemu, BOARD), features, size, tuple(conflicts))


def _conflict(row: dict[str, Any], names: set[str]) -> Conflict:
    """A conflict, mended only by features that take part."""
    mended = tuple([tuple(some) for some in row.get("mended_by", ()) if names.issuperset(some)])
    return Conflict(
        tuple(row["features"]), row["outcome"], row["line"], tuple(row.get("operations", ())),
        tuple(row["releases"]), mended, row.get("again", False), row.get("words", ""),
        (row.get("why", ""), row.get("instead", "")),
    )


def _row(conflict: Conflict) -> dict[str, Any]:
    """A conflict without what its rule says."""
    row = {
        "features": conflict.features, "outcome": conflict.outcome, "line": conflict.line,
        "operations": conflict.operations, "releases": conflict.releases, "mended_by": conflict.mended_by,
        "again": conflict.again, "words": conflict.words, "why": conflict.told[0],
        "instead": conflict.told[1],
    }
    return {key: value for key, value in row.items() if value or key in ("line", "releases")}


def write_layer(layer: Layer) -> Path:
    """Write the layer of all features to where ``read_layer`` looks for it: the path."""
    path = path_of(layer.ground.qemu)
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = ",\n".join(json.dumps(_row(conflict)) for conflict in layer.conflicts)
    about = {"what": ABOUT, "qemu": layer.ground.qemu, "board": layer.ground.board, "size": layer.size,
             "fingerprint": fingerprint()}
    path.write_text(f'{{"about": {json.dumps(about)},\n"conflicts": [\n{rows}\n]}}\n', encoding="utf-8")
    return path
