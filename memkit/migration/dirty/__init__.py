"""Dirty pages, step by step: a guest writes while it is migrated, and the migration has to catch up.

::

    from memkit.migration import dirty
    run = dirty.simulate(64 << 30, dirty.Random(size=8 << 30, rate=200_000), bandwidth="10GbE")
    for step in run.rounds:
        print(step)
    print(run.verdict)
"""

from __future__ import annotations

from memkit.migration.dirty.blocks import Block
from memkit.migration.dirty.reality import Recording, recordings
from memkit.migration.dirty.rounds import Round
from memkit.migration.dirty.simulation import Simulation, simulate
from memkit.migration.dirty.workload import (
    HotSet,
    HugePages,
    Idle,
    OneBytePerPage,
    Random,
    Sequential,
    Workload,
)

__all__ = [
    "Block", "HotSet", "HugePages", "Idle", "OneBytePerPage", "Random", "Recording", "Round", "Sequential",
    "Simulation", "Workload", "recordings", "simulate",
]
