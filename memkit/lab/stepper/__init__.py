"""Stories in steps: how a guest is built, a FlatView rendered, an address translated."""

from __future__ import annotations

from memkit.lab.stepper.story import STORIES, Stepper, steps

__all__ = ["STORIES", "Stepper", "steps"]
