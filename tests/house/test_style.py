"""Ruff and mypy find nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def complaints(root: Path, *words: str) -> str:
    """What a checker prints when it is not content; nothing if it is."""
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=root, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr if done.returncode else ""


def test_mypy_strict_finds_nothing(root: Path) -> None:
    assert "" == complaints(root, "mypy")


def test_ruff_finds_nothing(root: Path) -> None:
    assert "" == complaints(root, "ruff", "check", "--quiet", ".")
