"""What the house rules look at: the project's files and the modules of the package."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = {".git", ".venv", "build", "dist", "node_modules", "_site", "_slides"}


def walk(folder: Path) -> list[Path]:
    """Every file below ``folder`` that is not a cache or an environment."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.name in NOT_OURS or path.name.endswith(("_cache", "__pycache__", "_checkpoints")):
            continue
        found += walk(path) if path.is_dir() and not path.is_symlink() else [path]
    return found


@pytest.fixture(scope="session")
def files() -> list[Path]:
    """The project's files: those that git knows or would add; without git, those that lie here."""
    git = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(git, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        return walk(ROOT)
    return [path for name in sorted(set(listed)) if (path := ROOT / name).is_file()]


@pytest.fixture(scope="session")
def modules() -> list[Path]:
    """The Python files of the package."""
    return sorted((ROOT / "memkit").rglob("*.py"))
