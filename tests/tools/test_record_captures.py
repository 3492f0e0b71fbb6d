"""Captures hold what QEMU said, not what differs from run to run, and recording leaves nothing behind."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from recorded import captures

from memkit.errors import MemkitError, Unavailable
from tools.record.__main__ import main
from tools.record.ask import Answer, Binary
from tools.record.captures import answer_row, record_captures, stand_ins, write_captures
from tools.record.compare import columns, compare
from tools.record.lines import Line, Lines, read_rows
from tools.record.props import read_properties
from tools.record.roots import Root

ROOT = Path(__file__).parents[2]
HERE = {"page_size": 4096, "overcommit": "heuristic", "mounts": {"/": {"fs": "ext4"}}}
BLOCKS = (
    "              Block Name    PSize              Offset               Used              Total"
    "                HVA  RO\n"
    "                  pc.ram    4 KiB  0x0000000000000000 0x0000000008000000 0x0000000008000000 {}  rw\n"
)
FLAT = (
    'FlatView #0\n AS "I/O", root: io\n Root memory region: io\n'
    "  0000000000000000-0000000000000007 (prio 0, i/o): dma-chan\n\n"
    'FlatView #1\n AS "memory", root: system\n AS "cpu-memory-0", root: system\n Root memory region: system\n'
    "  0000000000000000-000000000009ffff (prio 0, ram): pc.ram KVM\n"
    "  00000000000c0000-00000000000dffff (prio 1, rom): pc.rom\n\n"
)


def fake(folder: Path, does: str) -> Path:
    """A program that says that it is a QEMU, and ``does`` something else when it is started."""
    path = folder / "qemu-system-x86_64"
    path.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo "QEMU emulator version 7.2.0" && exit\n{does}\n',
        encoding="utf-8",
    )
    path.chmod(0o755)
    return path


# -- the format


def test_a_started_line_keeps_its_texts_without_host_addresses() -> None:
    answer = Answer(results=[BLOCKS.format("0x00007f8463fff000"), FLAT], started=True)
    row = answer_row(answer, ["info ramblock", "info mtree -f"])
    flat = (
        "  0000000000000000-000000000009ffff (prio 0, ram): pc.ram KVM\n"
        "  00000000000c0000-00000000000dffff (prio 1, rom): pc.rom"
    )
    blocks = BLOCKS.format("0x0000000000000000")
    assert {"hmp": {"info ramblock": blocks, "memory flatview": flat}} == row


@pytest.mark.parametrize(
    ("said", "trouble", "row"),
    [
        (["warning: old", "-m 0: no"], "", {"refusal": "-m 0: no"}),
        (["warning: short", "Please use share=on instead", "no"], "", {"refusal": "no"}),
        (["(no answer within 9 s)"], "no answer within 9 s", {"trouble": "no answer within 9 s"}),
        (
            ["a.c:1: Assertion failed", "(killed by signal 6)"], "killed by signal 6",
            {"trouble": "killed by signal 6", "refusal": "a.c:1: Assertion failed"},
        ),
    ],
)
def test_a_refusal_is_its_first_line_and_trouble_is_told_apart(
    said: list[str], trouble: str, row: dict[str, Any]
) -> None:
    assert row == answer_row(Answer(stderr=said, trouble=trouble), [])


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"about": {}}, {"argv": ["-m", "1G"], "refusal": "“no”"}]
    paths = [tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl.gz"]
    for path in paths:
        write_captures(path, rows)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert rows == list(read_rows(paths[0]))
    assert b"\xe2\x80\x9cno" in gzip.decompress(paths[1].read_bytes())


def test_files_that_lines_need_stand_in_for_the_time_only(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "deep" / "folder" / "new"
    old.write_bytes(b"mine")
    with stand_ins({str(old): 9, str(new): 4096}, [str(new.parent)]):
        assert (b"mine", 4096) == (old.read_bytes(), new.stat().st_size)
    assert [old] == list(tmp_path.iterdir())
    with pytest.raises(MemkitError, match=r"cannot make .*/nowhere/x, which the lines need: No such file"):
        stand_ins({str(tmp_path / "nowhere" / "x"): 1}).__enter__()


# -- the comparison


def test_a_comparison_shows_what_differs_and_not_what_always_differs(tmp_path: Path) -> None:
    stanzas = ["memory backend: a\n  size:  1\n", "memory backend: b\n  size:  2\n"]
    old = [
        {"argv": ["-m", "1G"], "hmp": {"info ramblock": BLOCKS.format("0x00007f0000000000"),
                                       "info memdev": "".join(stanzas), "info numa": "0 nodes\r\n"}},
        {"argv": ["-m", "0"], "stderr": "qemu-system-x86_64: warning: x\nqemu-system-x86_64: no\n"},
        {"argv": ["-m", "2G"], "hmp": {"info numa": "0 nodes\n"}},
        {"argv": ["-m", "3G"], "hmp": {"info numa": "0 nodes\n"}},
    ]
    new = [
        {"argv": ["-m", "1G"], "hmp": {"info ramblock": BLOCKS.format("0x0000000000000000"),
                                       "info memdev": "".join(stanzas[::-1]), "info numa": "0 nodes\n"}},
        {"argv": ["-m", "0"], "refusal": "no"},
        {"argv": ["-m", "2G"], "refusal": "too much"},
        {"argv": ["-m", "3G"], "hmp": {"info numa": "1 nodes\n", "info mtree": "only here"}},
    ]
    for name, rows in (("old", old), ("new", new)):
        write_captures(tmp_path / f"{name}.jsonl.gz", [{"about": {}}, *rows])
    found = compare(tmp_path / "old.jsonl.gz", tmp_path / "new.jsonl.gz")
    assert 4 == found.both
    assert [
        "-m 2G\n  - starts\n  + too much", "-m 3G\n  info numa\n    - 0 nodes\n    + 1 nodes",
    ] == found.differ


# -- programs that are no good QEMU, and what keeps a line from being recorded


@pytest.mark.parametrize(
    ("does", "row"),
    [
        ("exec sleep 1000", {"trouble": "no answer within 0.2 s"}),
        ("kill -SEGV $$", {"trouble": "killed by signal 11"}),
        ("exit 3", {"trouble": "ended with exit code 3"}),
        ("echo 'qemu-system-x86_64: -m: no' >&2; exit 1", {"refusal": "-m: no"}),
    ],
    ids=["hangs", "dies", "is silent", "refuses"],
)
def test_a_qemu_that_hangs_or_dies_is_recorded_as_such(
    does: str, row: dict[str, str], tmp_path: Path
) -> None:
    binary = Binary(str(fake(tmp_path, does)))
    head, *rows = record_captures(binary, Lines([Line(["-m", "1G"])]), HERE | _overcommit(), seconds=0.2)
    assert [{"argv": ["-m", "1G"], **row}] == rows
    assert "qemu-system-x86_64 7.2, under TCG, paused (-S)" == head["about"]["program"]


def _overcommit() -> dict[str, str]:
    word = Path("/proc/sys/vm/overcommit_memory")
    return {"overcommit": {"0": "heuristic", "1": "always", "2": "never"}[word.read_text().strip()]}


def test_a_line_that_would_escape_is_left_out_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = Lines([Line(["-daemonize"]), Line(["-m", "1G", "-monitor", "stdio"])])
    binary = Binary(str(fake(tmp_path, "echo 'no' >&2; exit 1")))
    _, *rows = record_captures(binary, lines)
    left_out = {"changed": ["left out -monitor stdio (monitors)"], "refusal": "no"}
    assert [{"argv": ["-m", "1G", "-monitor", "stdio"], **left_out}] == rows
    assert "1: left out: launch does not take -daemonize" in capsys.readouterr().err


def test_a_host_that_this_machine_is_not_is_refused(tmp_path: Path) -> None:
    binary = Binary(str(fake(tmp_path, "exit 1")))
    pool = {"fs": "hugetlbfs", "page_size": 16384, "free_pages": 77}
    host = {**_overcommit(), "mounts": {"/": {"fs": "ext4"}, "/no/pool": pool}}
    with pytest.raises(MemkitError, match=r"/no/pool has 77 free pages of 16384 bytes, here it has not"):
        record_captures(binary, Lines([Line([])]), host)
    assert 0 == binary.starts


def test_ctrl_c_ends_qemu_and_writes_nothing(tmp_path: Path) -> None:
    pid, lines, out = tmp_path / "pid", tmp_path / "lines.txt", tmp_path / "out.jsonl.gz"
    lines.write_text("-m 1G\n", encoding="utf-8")
    program = fake(tmp_path, f"echo $$ > {pid}.new; mv {pid}.new {pid}; exec sleep 1000")
    command = [sys.executable, "-m", "tools.record", "captures", "--binary", str(program)]
    with subprocess.Popen(
        [*command, "--lines", str(lines), "-o", str(out)], cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as process:
        while not pid.exists() and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert (130, "record: stopped; nothing was written for what was not done\n") == (process.returncode, said)
    assert not out.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_stopped_facts_start_no_more(tmp_path: Path) -> None:
    binary = Binary(str(fake(tmp_path, "exit 1")))
    binary.stop()
    with pytest.raises(MemkitError, match="the recording was stopped"):
        binary.start([], [])
    assert 0 == binary.starts


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--seconds", "0"], "argument --seconds: a number of seconds above 0, at most 3600, not '0'"),
        (["--seconds", "soon"], "argument --seconds: a number of seconds above 0, at most 3600, not 'soon'"),
        (["-o", "x.json"], "captures are packed: write NAME.jsonl.gz, not 'x.json'"),
    ],
)
def test_wrong_words_of_an_option_are_told(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["captures", "--lines", "x", "-o", "x.jsonl.gz", *words])
    assert 2 == stopped.value.code
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--binary", "/no/qemu"], "record: there is no program /no/qemu"),
        (["--binary", "sh"], "record: "),
        (["--root", "/no/root"], "record: --root /no/root is no root directory: it has no dev, proc, sys"),
    ],
)
def test_mistakes_end_in_a_message(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == main(["captures", *words, "--lines", "/no/lines", "-o", "x.jsonl.gz"])
    assert capsys.readouterr().err.startswith(told)


def test_a_root_needs_root_and_the_program_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("dev", "proc", "sys", "tmp", "var/tmp", "usr/bin"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Unavailable, match="which only root may do; try sudo"):
        Root(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    root = Root(tmp_path)
    with pytest.raises(MemkitError, match=r"there is no qemu-system-x86_64 in .*; install it with: chroot"):
        root.find("qemu-system-x86_64")
    (tmp_path / "usr/bin/qemu-system-x86_64").symlink_to("/elsewhere")
    assert "/usr/bin/qemu-system-x86_64" == root.find("qemu-system-x86_64")


def test_paths_inside_a_root_are_found_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("dev", "proc", "sys", "tmp", "var/tmp"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    root = Root(tmp_path)
    assert ["/dev/shm/a", "/var/tmp/a"] == [root.outside("/dev/shm/a"), root.outside("/mnt/../var/tmp/a")]
    assert [f"{tmp_path}/a", f"{tmp_path}/srv/a"] == [root.outside("a"), root.outside("/srv/a")]


# -- a real QEMU


def _two() -> list[Any]:
    """A recorded line that starts and one that is refused, neither of which looks at the host's files."""
    plain = [c for c in captures() if not any("/" in word or "huge" in word for word in c.argv)]
    return [next(c for c in plain if c.texts), next(c for c in plain if c.refusal)]


@pytest.mark.needs_qemu
def test_recording_again_says_what_the_project_has_recorded(qemu: str) -> None:
    two = _two()
    binary = Binary(qemu)
    if binary.release != (7, 2):
        pytest.skip("the project's captures are QEMU 7.2's")
    _, *rows = record_captures(binary, Lines([Line(c.argv) for c in two]), HERE | _overcommit(), tree=True)
    assert "address-space: memory" in rows[0]["hmp"].pop("info mtree")
    assert [columns({"hmp": c.texts, "refusal": c.refusal}) for c in two] == [columns(row) for row in rows]


@pytest.mark.needs_qemu
def test_backing_files_that_qemu_makes_are_gone_afterwards(qemu: str, tmp_path: Path) -> None:
    backend = f"memory-backend-file,id=m1,size=64M,mem-path={tmp_path}/made"
    head, row = record_captures(Binary(qemu), Lines([Line(["-M", "none", "-object", backend])]))
    assert "memory backend: m1" in row["hmp"]["info memdev"]
    assert str(tmp_path) in head["host"]["directories"]
    assert [] == list(tmp_path.iterdir())


@pytest.mark.needs_qemu
@pytest.mark.needs_root
def test_a_qemu_inside_a_root_directory_answers_and_leaves_no_mount(qemu: str) -> None:
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8")
    binary = Binary(qemu, root=Path("/"))
    answer = binary.start(["-nodefaults", "-m", "128M"], ["info ramblock"])
    assert (True, []) == (answer.started, answer.stderr)
    assert "pc.ram" in answer.results[0]
    assert mounts == Path("/proc/self/mounts").read_text(encoding="utf-8")


# -- what other releases print otherwise


def test_properties_are_read_in_the_form_of_5_2_and_in_todays() -> None:
    old = "pc-i440fx-5.2.graphics=bool (Set on/off to enable/disable graphics emulation)\n"
    new = "VGA options:\n  addr=<int32>           - Slot (default: -1)\n  edid=<bool>  (default: true)\n"
    assert {"graphics": ("bool", None)} == read_properties(old)
    assert {"addr": ("int32", "-1"), "edid": ("bool", "true")} == read_properties(new)


def test_a_captures_row_is_json(tmp_path: Path) -> None:
    write_captures(tmp_path / "a.jsonl.gz", [{"argv": ["é"]}])
    assert {"argv": ["é"]} == json.loads(gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()))
