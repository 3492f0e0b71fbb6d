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

PAGES = ("README.md", "CONTRIBUTING.md", "bench/README.md", "docs/glossary.md", "docs/hazards.md",
         "docs/atlas.md",
         "docs/all-of-ram.md")
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


def inline(page: str, start: str) -> list[str]:
    """The code between single backquotes that begins with ``start`` and leaves nothing out."""
    prose = re.sub(r"^```.*?^```", "", read(page), flags=re.M | re.S)
    spans = re.findall(r"`([^`]+)`", prose)
    return [code for code in spans if code.startswith(start) and "..." not in code]


IN_BLOCKS = [line for line in shell_lines("README.md") if line.startswith("memkit ")]
COMMANDS = [*IN_BLOCKS, *inline("README.md", "memkit ")]


@pytest.mark.parametrize(
    "line",
    [pytest.param(line, marks=[pytest.mark.needs_qemu] if "--real" in line else []) for line in COMMANDS],
)
def test_the_command_lines_of_the_readme_work(line: str, tmp_path: Path) -> None:
    words, _, given = re.sub(r" > \S+$", "", line).partition(" < ")
    done = subprocess.run(
        [sys.executable, "-m", "memkit.cli", *shlex.split(words)[1:]], cwd=tmp_path, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, timeout=60,
        input="exec qemu-system-x86_64 \\\n  -m 4G\n" if given else "",
    )
    # diff ends with 1 where it finds a difference, and its lines are meant to.
    differs = line.startswith("memkit diff ") and "--real" not in line
    assert (1 if differs else 0, "") == (done.returncode, done.stderr)
    assert done.stdout


# What names a variable of the reader's is run by other tests.
@pytest.mark.parametrize("code", [code for code in inline("README.md", "memkit.") if "argv" not in code])
def test_the_python_in_the_sentences_of_the_readme_works(code: str) -> None:
    import memkit

    assert eval(code, {"memkit": memkit}) is not None


def test_what_the_conda_route_names_is_there() -> None:
    block = next(b for b in re.findall(r"```sh\n(.*?)```", read("README.md"), re.S) if b.startswith("conda"))
    assert [
        "conda env create -f environment.yml", "conda activate memkit", "python -m pip install --no-deps .",
        "python tools/lab.py",
    ] == block.splitlines()
    assert "name: memkit\n" in read("environment.yml")
    assert (ROOT / "tools" / "lab.py").exists()
