"""Pre-flight: a line for each need, green or red, and what to do; nothing is changed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from memkit.cli import main
from memkit.lab import check as room
from memkit.lab.check import Checked, Need, check


def lines(found: Checked) -> dict[str, Need]:
    """The needs by name."""
    return {need.name: need for need in found.needs}


def test_there_is_a_line_for_each_need() -> None:
    found = check()
    assert ["Python", "widgets", "Graphviz", "pictures", "browser", "QEMU", "memory"] == list(lines(found))
    assert len(found.needs) + 1 == len(str(found).splitlines())
    assert found.ready


def test_without_qemu_and_a_browser_the_course_still_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("DISPLAY", raising=False)
    found = check()
    assert not lines(found)["QEMU"].met
    assert "sudo apt install qemu-system-x86" in str(found)
    assert found.ready
    assert "QEMU" in found.summary.partition("without:")[2]


@pytest.mark.parametrize("said", ["exit 0", "echo hello", "exit 3"])
def test_a_qemu_that_does_not_answer_is_told(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "qemu-system-x86_64"
    program.write_text(f"#!/bin/sh\n{said}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "says no version" in lines(check())["QEMU"].found


def test_a_library_that_breaks_hides_no_other_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Need:
        raise OSError("no such library")

    broken.__name__ = "_graphviz"
    monkeypatch.setattr(room, "_graphviz", broken)
    found = check()
    assert "graphviz: cannot be tried: OSError: no such library." in str(found)
    assert 7 == len(found.needs)


def test_what_is_required_and_missing_means_not_ready(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(room, "_installed", lambda *names: ("", "jupyterlab"))
    assert not check().ready
    assert 3 == main(["check"])
    assert "jupyterlab is not installed. Run make lab" in capsys.readouterr().out


def test_the_command_prints_the_same_and_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["check"])
    assert "Ready" in capsys.readouterr().out


def test_on_a_terminal_lines_are_green_or_red() -> None:
    found = Checked((Need("a", True, "there."), Need("b", False, "missing.", "Get it."),
                     Need("c", False, "missing.", "Do without.", required=False)))
    assert ["32", "31", "33"] == re.findall(r"\033\[(\d\d)m", found.coloured())
    assert "Not ready: b." in str(found)
    html = found._repr_mimebundle_()["text/html"]
    assert "Get it." in html
    assert 3 == html.count("<li")
