"""What a machine lacks is said at the end of a run with the command that gets it; in CI it fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

NEEDS_QEMU = "tests/test_cli_process.py::test_a_line_that_both_refuse_exits_with_1"
NEEDS_BROWSER = "tests/test_notebooks.py::test_the_site_works_from_a_folder_in_both_themes[light]"


EACH = pytest.mark.parametrize(
    ("test", "name"),
    [
        (NEEDS_QEMU, "QEMU (qemu-system-x86_64)"),
        pytest.param(NEEDS_BROWSER, "Chromium", marks=pytest.mark.skipif(
            sys.platform == "darwin", reason="macOS keeps Chrome outside PATH; run this on Linux")),
    ],
    ids=["qemu", "browser"],
)


def run(root: Path, tmp_path: Path, test: str, ci: str) -> subprocess.CompletedProcess[str]:
    """A run of ``test`` on a machine whose PATH is empty."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test], cwd=root, text=True,
        env={**os.environ, "PATH": str(tmp_path), "CI": ci}, capture_output=True, check=False,
    )


@EACH
def test_what_is_missing_is_skipped_and_listed_with_the_command_that_installs_it(
    root: Path, tmp_path: Path, test: str, name: str
) -> None:
    done = run(root, tmp_path, test, ci="")
    assert 0 == done.returncode, done.stdout
    _, _, listed = done.stdout.partition(" Not checked on this machine ")
    assert f"1 test: {name} is missing; install it with: " in listed


@EACH
def test_in_ci_what_is_missing_is_a_failure(root: Path, tmp_path: Path, test: str, name: str) -> None:
    done = run(root, tmp_path, test, ci="true")
    assert 1 == done.returncode, done.stdout
    assert f"{name} is missing; install it with: " in done.stdout
    assert "(with CI=true this is a failure)" in done.stdout
