"""What the notebooks show of a real QEMU is recorded, all of it, under the key by which it is looked up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from memkit.errors import MemkitError
from memkit.lab.real import key, target_of
from memkit.monitor.parse_text import COMMANDS
from tools.record.ask import Binary
from tools.record.real import asked, calls, record_real

ROOT = Path(__file__).resolve().parents[2]
RECORDED = {path.stem: json.loads(path.read_text(encoding="utf-8"))
            for path in (ROOT / "data" / "real").glob("*.json")}


def notebook(folder: Path, *cells: str) -> Path:
    """A notebook with these code cells."""
    path = folder / "one.ipynb"
    listed = [{"cell_type": "code", "id": f"c{n}", "source": text.splitlines(True)}
              for n, text in enumerate(cells)]
    path.write_text(json.dumps({"cells": listed}), encoding="utf-8")
    return path


def test_calls_are_found_with_text_names_sums_and_the_usual_command(tmp_path: Path) -> None:
    path = notebook(
        tmp_path, 'import memkit\nline = "-M q35 " "-m 1G"', "memkit.real(line)",
        'memkit.real(command="info numa", line=line + "  -smp 2")', 'memkit.real(f"{line} -S", "info mtree")',
    )
    assert [
        ("-M q35 -m 1G", "info ramblock"), ("-M q35 -m 1G -smp 2", "info numa"),
        ("-M q35 -m 1G -S", "info mtree"),
    ] == calls(path)


@pytest.mark.parametrize("code", ["memkit.real(make())", "memkit.real(unknown)", "memkit.real()"])
def test_what_only_running_would_tell_is_refused_with_its_place(tmp_path: Path, code: str) -> None:
    with pytest.raises(MemkitError, match=r"one\.ipynb, cell c0: .*memkit\.real"):
        calls(notebook(tmp_path, code))


def test_every_call_of_the_notebooks_is_recorded_and_no_other() -> None:
    for target, loaded in RECORDED.items():
        assert sorted(key(*call) for call in asked(target=target)) == sorted(loaded["answers"])
    assert {target_of(line) for line, _ in asked()} == set(RECORDED)


def test_every_call_names_a_command_that_is_shown() -> None:
    assert set() == {command for _, command in asked()} - set(COMMANDS)


@pytest.mark.parametrize("target", RECORDED)
def test_the_recording_says_which_qemu_and_when(target: str) -> None:
    about = RECORDED[target]["about"]
    assert about["version"] in about["qemu"]
    assert {"date", "package", "accelerator", "script", "licence"} <= set(about)


@pytest.mark.needs_qemu
def test_answers_and_refusals_are_recorded(tmp_path: Path) -> None:
    notebook(tmp_path, 'memkit.real("-m 64M", "info numa")', 'memkit.real("-m 1X")')
    record_real(Binary("qemu-system-x86_64"), tmp_path / "out.json", tmp_path)
    answers = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["answers"]
    assert {"text": "0 nodes\n"} == answers["info numa: -m 64M"]
    assert answers["info ramblock: -m 1X"]["refused"]
