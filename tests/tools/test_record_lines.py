"""The recorder takes command lines from text and from captures, and says what it cannot read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from memkit.errors import MemkitError
from tools.record.lines import Line, read_lines


def test_a_text_file_has_one_command_line_a_line_in_shell_syntax(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_text(
        "# a comment\n\n-m 1G -name 'two words'\nqemu-system-x86_64 -M q35\n$ qemu-system-ppc64 -m 1G\n",
        encoding="utf-8",
    )
    found = read_lines(path, "x86_64")
    assert [Line(["-m", "1G", "-name", "two words"]), Line(["-M", "q35"])] == found.lines
    assert (1, None) == (found.others, found.host)


@pytest.mark.parametrize("packed", [True, False])
def test_a_captures_file_is_repeated_with_what_its_lines_need(packed: bool, tmp_path: Path) -> None:
    rows = [
        {"about": {}, "host": {"page_size": 4096}},
        {"id": "a", "source": "a thread", "argv": ["-m", "1G"], "files": {"/x": 5}, "hmp": {}},
        {"target": "arm", "argv": ["-M", "virt"]},
        {"target": "x86_64", "argv": ["-m", "2G"], "files": {}, "stderr": ""},
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path = tmp_path / ("a.jsonl.gz" if packed else "a.jsonl")
    path.write_bytes(gzip.compress(text) if packed else text)
    found = read_lines(path, "x86_64")
    kept = {"id": "a", "source": "a thread", "files": {"/x": 5}}
    assert [Line(["-m", "1G"], kept), Line(["-m", "2G"])] == found.lines
    assert (1, {"page_size": 4096}) == (found.others, found.host)


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.txt", b"-m 1G\n-name 'x\n", "a.txt, line 2: "),
        ("a.txt", b"# nothing\n", "a.txt has no command line for qemu-system-x86_64; write one a line"),
        ("a.txt", b"\xff\xfe", "cannot read "),
        ("a.jsonl", b'{"argv": ["-m"]}\n-m 1G\n', "a.jsonl, line 2 is not JSON"),
        ("a.jsonl", b'{"argv": "-m 1G"}\n', "a.jsonl, line 1: a capture is an object with argv"),
        ("a.jsonl", b"[]\n", "a.jsonl, line 1: a capture is an object with argv"),
        ("a.jsonl", b'{"argv": [], "files": ["/x"]}\n', "a.jsonl, line 1: files maps paths to descriptions"),
        ("a.jsonl.gz", b"-m 1G\n", "cannot read "),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(
    name: str, data: bytes, told: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(MemkitError) as e:
        read_lines(tmp_path / name, "x86_64")
    assert told in str(e.value)
    assert name in str(e.value)
