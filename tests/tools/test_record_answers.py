"""First lines are recorded in the form of the file that asks, and only what QEMU said to that very line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from recorded import answers

from memkit.errors import MemkitError
from tools.record.__main__ import main
from tools.record.answers import read_asked, record_answers
from tools.record.ask import Binary
from tools.record.captures import write_captures
from tools.record.lines import read_rows

HEAD = {"about": {"what": "old"}, "host": {}}


def fake(folder: Path, does: str = "echo 'qemu-system-x86_64: no' >&2; exit 1") -> Binary:
    """A program that says that it is QEMU 7.2, and ``does`` something else when it is started."""
    path = folder / "qemu-system-x86_64"
    path.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo "QEMU emulator version 7.2.0" && exit\n{does}\n',
        encoding="utf-8",
    )
    path.chmod(0o755)
    return Binary(str(path))


def ask(folder: Path, rows: list[dict[str, Any]], binary: Binary | None = None) -> list[dict[str, Any]]:
    """The rows that answer ``rows``."""
    write_captures(folder / "old.jsonl.gz", rows)
    return record_answers(binary or fake(folder), read_asked(folder / "old.jsonl.gz", "x86_64"))


def test_a_row_keeps_its_kind_and_its_key_only_where_the_words_are_the_same(tmp_path: Path) -> None:
    _, *rows = ask(tmp_path, [
        {"kind": "a", "argv": ["-m", "0"], "said": "no", "key": "ram-none"},
        {"kind": "b", "argv": ["-m", "1"], "said": "never", "key": "ram-never"},
    ])
    assert [
        {"kind": "a", "argv": ["-m", "0"], "said": "no", "key": "ram-none"},
        {"kind": "b", "argv": ["-m", "1"], "said": "no"},
    ] == rows


def test_a_row_of_many_releases_gets_this_ones_answer_in_its_place(tmp_path: Path) -> None:
    head, row = ask(tmp_path, [
        {"about": {"what": "old"}}, {"line": "-m 0", "said": {"5.2": "a", "7.2": "old", "10.0": "b"}},
    ])
    assert {"line": "-m 0", "said": {"5.2": "a", "7.2": "no", "10.0": "b"}} == row
    assert ["5.2", "7.2", "10.0"] == list(row["said"])
    assert {"what": "old", "asked": {"7.2": "QEMU emulator version 7.2.0"}} == head["about"]


def test_a_line_that_would_be_changed_or_that_hangs_has_no_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [["-accel", "kvm"], ["-D", "log"], ["-m", "0"]]
    rows: list[dict[str, Any]] = [{"kind": "a", "argv": argv, "said": "", "key": "k"} for argv in lines]
    rows.append({"line": "-accel kvm", "said": {"5.2": "a", "7.2": "b"}})
    _, *found = ask(tmp_path, rows)
    assert [
        {"kind": "a", "argv": ["-m", "0"], "said": "no"}, {"line": "-accel kvm", "said": {"5.2": "a"}},
    ] == found
    told = capsys.readouterr().err
    assert "1: no answer: left out -accel kvm (accelerators other than tcg)" in told
    assert "2: left out: launch does not take -D log: it writes a file" in told
    assert 1 == len(ask(tmp_path, [rows[2]], fake(tmp_path, "kill -SEGV $$")))


def test_an_abort_is_an_answer_by_its_first_line(tmp_path: Path) -> None:
    binary = fake(tmp_path, "echo 'qemu-system-x86_64: why' >&2; kill -ABRT $$")
    assert ["why"] == [row["said"] for row in ask(tmp_path, [{"argv": ["-m", "1G"]}], binary)[1:]]


def test_an_image_without_an_option_is_named_as_it_was_typed(tmp_path: Path) -> None:
    binary = fake(tmp_path, "echo 'qemu-system-x86_64: -drive file=a,,b: gone' >&2; exit 1")
    rows = [{"argv": ["a,b"]}, {"argv": ["-drive", "file=a,,b"]}]
    assert ["a,b: gone", "-drive file=a,,b: gone"] == [row["said"] for row in ask(tmp_path, rows, binary)[1:]]


def test_lines_of_text_become_rows(tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("# mine\nqemu-system-x86_64 -m 0\n", encoding="utf-8")
    fake(tmp_path)
    out = tmp_path / "new.jsonl.gz"
    words = ["--binary", str(tmp_path / "qemu-system-x86_64"), "--lines", str(tmp_path / "lines.txt")]
    assert 0 == main(["answers", *words, "-o", str(out)])
    head, *rows = read_rows(out)
    assert [{"kind": "lines", "argv": ["-m", "0"], "said": "no"}] == rows
    assert head["about"]["what"].startswith("the first line that QEMU wrote to stderr")
    assert "page_size" in head["host"]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (HEAD, "has no command line; write one a line"),
        ({"argv": [], "said": {}}, "line 1: said is a text beside argv"),
        ({"line": "-m 1", "said": ""}, "line 1: said is a text beside argv, an object"),
        ({"line": "-m '1"}, "line 1: "),
    ],
    ids=["only a head", "said an object", "said a text", "an open quote"],
)
def test_mistakes_in_a_file_are_told(row: dict[str, Any], told: str, tmp_path: Path) -> None:
    write_captures(tmp_path / "a.jsonl.gz", [row])
    with pytest.raises(MemkitError, match=rf"a\.jsonl\.gz.*{told}"):
        read_asked(tmp_path / "a.jsonl.gz", "x86_64")


@pytest.mark.needs_qemu
def test_a_real_qemu_says_again_what_the_project_has_recorded(qemu: str, tmp_path: Path) -> None:
    binary = Binary(qemu)
    if binary.release != (7, 2):
        pytest.skip("compared with what the project has of QEMU 7.2")
    plain = [
        answer for answer in answers()
        if answer.key and "/" not in " ".join(answer.argv) and {"-m", "-numa"} & set(answer.argv)
    ]
    rows: list[dict[str, Any]] = [
        {"kind": a.name, "argv": a.argv, "said": a.refusal, "key": a.key} for a in plain[:4]
    ]
    rows.append({"kind": "starts", "argv": ["-M", "none"], "said": ""})
    assert rows == ask(tmp_path, rows, binary)[1:]
