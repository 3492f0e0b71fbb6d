"""Lets the tests of the stories use the random region trees of the memory core's tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "memory"))
