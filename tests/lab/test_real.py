"""On a real QEMU: its own answer where there is one, else a recorded one that says when it was recorded."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import memkit
from memkit.errors import MemkitError, Unavailable
from memkit.lab import real as room
from memkit.lab.real import real

LINE = "-M q35 -m 1G"
NOWHERE = " -object memory-backend-file,id=m,size=1G,mem-path=/nowhere/m,prealloc=on"
RECORDED = {
    "about": {"version": "7.2.22", "date": "2026-11-26"},
    "answers": {f"info numa: {LINE}": {"text": "0 nodes\n"},
                f"info numa: {LINE}{NOWHERE}": {"text": "0 nodes\n"},
                "info numa: -M q35 -m 1X": {"text": "no size", "refused": True}},
}


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recorded answers of the test's own."""
    loaded: dict[str, Any] = json.loads(json.dumps(RECORDED))
    monkeypatch.setattr(room, "_file", lambda target: loaded)


@pytest.fixture
def no_qemu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No QEMU on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.needs_qemu
def test_the_qemu_here_answers_and_says_so(recorded: None) -> None:
    shown = real(f"  {LINE} ", "info numa")
    assert shown.here
    assert memkit.launch(LINE).monitor("info numa").splitlines() == shown.text.splitlines()
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", shown.version)
    assert "on this machine, just now." in str(shown)


def test_a_line_is_for_the_target_that_it_names(monkeypatch: pytest.MonkeyPatch, no_qemu: None) -> None:
    line = "qemu-system-s390x -m 1G"
    answers = {"s390x": {"about": RECORDED["about"], "answers": {f"info numa: {line}": {"text": "0 nodes"}}}}
    monkeypatch.setattr(room, "_file", lambda target: answers[target])
    shown = real(line, "info numa")
    assert str(shown).startswith("$ qemu-system-s390x -m 1G\n(qemu) info numa\n0 nodes")
    assert "qemu-system-s390x is not installed; install it with:" in shown.why


@pytest.mark.needs_qemu
def test_a_refusal_is_shown_in_qemus_words(recorded: None) -> None:
    shown = real("-m 1G -device pc-dimm,memdev=m9")
    assert shown.refused
    assert "Device 'm9' not found" in shown.text
    assert "(qemu)" not in str(shown)


@pytest.mark.needs_qemu
def test_a_line_that_this_machine_refuses_is_shown_as_recorded(recorded: None) -> None:
    shown = real(f"{LINE}{NOWHERE}", "info numa")
    assert not shown.here
    assert "The one here refuses the line" in str(shown)


def test_without_qemu_the_recorded_answer_says_when_it_was_recorded(recorded: None, no_qemu: None) -> None:
    shown = real(LINE, "info numa")
    assert (False, "0 nodes\n") == (shown.here, shown.text)
    for said in (str(shown), shown._repr_mimebundle_()["text/html"]):
        assert "QEMU 7.2.22 said this when it was recorded, on 2026-11-26." in said
        assert "None is installed here" in said
    assert real("-M q35 -m 1X", "info numa").refused


def test_without_both_it_is_told_how_to_get_qemu(recorded: None, no_qemu: None) -> None:
    with pytest.raises(Unavailable, match="install it with"):
        real("-m 3G")


@pytest.mark.parametrize(("line", "command", "says"), [
    (LINE, "info pci", "no command that is shown here; there are: info ramblock"),
    (["-m", "1G"], "info numa", "line is the text of a command line"),
])
def test_what_cannot_be_shown_is_told(line: Any, command: str, says: str) -> None:
    with pytest.raises(MemkitError, match=says):
        real(line, command)
