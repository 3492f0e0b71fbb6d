"""What README and CONTRIBUTING say works: targets, links, Python and command lines."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PAGES = ("README.md", "CONTRIBUTING.md", "bench/README.md")
ROOT = Path(__file__).resolve().parents[2]
EVERY = pytest.mark.parametrize("page", PAGES)


def read(page: str) -> str:
    """The text of a page."""
    return (ROOT / page).read_text(encoding="utf-8")


def shell_lines(page: str) -> list[str]:
    """The commands in a page's shell blocks."""
    blocks = re.findall(r"^```(?:sh|bash)\n(.*?)^```", read(page), re.M | re.S)
    return [line for block in blocks for line in block.splitlines() if line and line[0] != "#"]


@EVERY
def test_every_make_target_that_is_named_exists(page: str) -> None:
    makefile = read("Makefile")
    named = set(re.findall(r"\bmake ([a-z]+)\b(?=[^a-z]* ?(?:ARGS|PYTHON|`|\n|$))", read(page)))
    assert set() == {name for name in named if not re.search(rf"^{name}:", makefile, re.M)}


@EVERY
def test_links_to_files_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", read(page))
    assert [] == [link for link in links if not ((ROOT / page).parent / link).exists()]


def test_the_python_of_the_readme_prints_what_it_says() -> None:
    result = doctest.testfile(
        str(ROOT / "README.md"), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert 0 == result.failed
    assert 0 < result.attempted


@pytest.mark.parametrize("line", [line for line in shell_lines("README.md") if line.startswith("memkit ")])
def test_the_command_lines_of_the_readme_work(line: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "memkit.cli", *shlex.split(line.partition(" > ")[0])[1:]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout
