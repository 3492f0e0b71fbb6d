"""Steady Hypothesis settings for all tests; fixtures that the benches share are one folder up."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A loaded machine with two cores is no reason to fail; in CI the same examples run every time.
settings.register_profile(
    "steady", deadline=None, derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("steady")
