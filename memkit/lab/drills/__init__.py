"""Drills: problems without end, each made from a seed, checked, and answered with the mistake's name."""

from __future__ import annotations

from memkit.lab.drills.problem import KINDS, LEVELS, Drill, drill

__all__ = ["KINDS", "LEVELS", "Drill", "drill"]
