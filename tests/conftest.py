"""Steady Hypothesis settings for all tests; fixtures that the benches share are one folder up."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

# What several tests share lies beside this file, whatever pytest's import mode is.
sys.path.insert(0, str(Path(__file__).parent))

# A loaded machine with two cores is no reason to fail; in CI the same examples run every time.
settings.register_profile(
    "steady", deadline=None, derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("steady")
