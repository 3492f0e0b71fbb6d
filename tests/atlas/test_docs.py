"""The page about the atlas says what is so, and what it tells to type works."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import memkit
from memkit.atlas import Conflict
from memkit.cli import main
from memkit.draw.atlasfigure import LOOKS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "atlas.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.M | re.S)
            for line in block.splitlines() if line.startswith("memkit ")]


def test_the_letters_are_those_of_the_matrix() -> None:
    letters = re.findall(r"^\| `(.)` \|", PAGE, re.M)
    assert letters == [look.letter for look in LOOKS.values() if look.letter]


def test_the_fields_are_those_of_a_conflict() -> None:
    section = PAGE.partition("From the answers")[2].partition("These sets")[0]
    named = re.findall(r"`(\w+)(?:\(qemu\))?`", section)
    assert len(named) >= 13
    assert set(named) <= set(dir(Conflict))
    assert set(Conflict.__dataclass_fields__) - set(named) == {"words", "told"}


def test_the_python_on_the_page_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S):
        exec(block, {"memkit": memkit})
    assert (tmp_path / "atlas.html").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_on_the_page_work(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(command)[1:]) == 0
    assert "-o" in command or capsys.readouterr().out
