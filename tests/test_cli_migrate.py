"""The command ``memkit migrate``: what it prints, and its exit codes."""

from __future__ import annotations

import json

import pytest

import memkit
from memkit.cli import main
from memkit.cli.migrate import MODES, TRANSPORTS
from memkit.migration import ask

FILE = ("-nodefaults -m 64M -M memory-backend=pc.ram "
        "-object memory-backend-file,id=pc.ram,size=64M,share=on,mem-path=/dev/shm/a")


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """The exit code, standard output and standard error of one call."""
    code = main(["migrate", *words])
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    return code, said.out, said.err


def test_the_outlook_is_printed_and_the_code_says_whether_it_completes(capsys) -> None:
    line = "-m 64M -nodefaults"
    code, out, err = run(capsys, "--", *line.split(), "--", *line.split())
    assert (0, str(memkit.migrate(memkit.boot(line), memkit.boot(line))) + "\n", "") == (code, out, err)
    code, out, _ = run(capsys, "--to", "-m 128M", "--", "-m", "64M")
    assert (3, "fails: The migration begins and does not succeed.") == (code, out.splitlines()[0])


def test_without_a_destination_the_stream_goes_to_a_file(capsys) -> None:
    code, out, _ = run(capsys, "--qemu", "11.1", "--cap", "mapped-ram,multifd", "--", "-m", "64M")
    assert (0, "completes: ") == (code, out[:11])


def test_capabilities_may_differ(capsys) -> None:
    words = ("--to", "-m 64M", "--cap", "postcopy-ram", "--mode", "postcopy")
    assert run(capsys, *words, "--", "-m", "64M")[0] == 0
    code, out, _ = run(capsys, *words, "--to-cap", "", "--", "-m", "64M")
    assert (3, "  QEMU says: RAM postcopy is disabled but have 16 byte advise") == (code, out.splitlines()[1])


def test_one_machine_has_each_file_once(capsys) -> None:
    words = ("--to", FILE, "--cap", "x-ignore-shared", "--", FILE)
    assert run(capsys, "--one-machine", *words)[0] == 0
    code, out, _ = run(capsys, *words)
    assert (3, "corrupts: ") == (code, out[:10])


def test_each_side_may_be_another_release(capsys) -> None:
    line = "-M pc-i440fx-7.2 -m 64M -nodefaults"
    code, out, _ = run(capsys, "--qemu", "7.2", "--to-qemu", "11.1", "--to", line, "--json", "--", line)
    data = json.loads(out)
    assert (0, "7.2", "11.1", "completes") == (code, data["source"], data["destination"], data["outcome"])


@pytest.mark.parametrize(("words", "code", "said"), [
    (("--cap", "multfd", "--", "-m", "64M"), 2, "'multfd' is no capability of any QEMU"),
    (("--", "-m", "1", "--", "-m", "2", "--", "-m", "3"), 2, "a source and a destination"),
    (("--to", "-m 1G", "--", "-m", "1G", "--", "-m", "1G"), 2, "a source and a destination"),
    (("--to-qemu", "11.1", "--", "-m", "1G"), 2, "there is none; add it with --to"),
    (("--mode", "fast", "--", "-m", "1G"), 2, "invalid choice: 'fast'"),
    (("--transport", "unix", "--", "-m", "1G"), 2, "give a destination"),
    (("--to", "-m 1x", "--", "-m", "1G"), 1, "This is the line of the destination."),
    (("--", "-m", "1x"), 1, "-m 1x: Parameter 'size' expects"),
])
def test_wrong_usage_and_refused_lines_are_told(capsys, words: tuple[str, ...], code: int, said: str) -> None:
    found, out, err = run(capsys, *words)
    assert (code, "") == (found, out)
    assert said in err


def test_the_help_offers_what_migrate_takes() -> None:
    assert (MODES, TRANSPORTS) == (ask.MODES, ask.TRANSPORTS)
