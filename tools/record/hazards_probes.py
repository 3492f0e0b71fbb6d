"""All probes by the id of their rule."""

from __future__ import annotations

from . import (
    hazards_probes_devices,
    hazards_probes_files,
    hazards_probes_pages,
    hazards_probes_pairs,
    hazards_probes_streams,
    hazards_probes_words,
)
from .hazards_lab import Probe

__all__ = ["PROBES"]

PROBES: dict[str, Probe] = {
    id: probe
    for module in (
        hazards_probes_words, hazards_probes_files, hazards_probes_pages, hazards_probes_streams,
        hazards_probes_pairs, hazards_probes_devices,
    )
    for id, probe in module.PROBES.items()
}
