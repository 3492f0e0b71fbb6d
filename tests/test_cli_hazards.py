"""The command ``memkit hazards``: what it prints, the mended line, its exit codes."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

import memkit
from memkit.cli import main
from memkit.hazards import SEVERITIES

LOCKED_BALLOON = ("-m", "4G", "-device", "virtio-balloon-pci", "-overcommit", "mem-lock=on")
PRIVATE = shlex.split(
    "-m 1G -mem-path /dev/shm -chardev socket,id=c,path=/tmp/c -device vhost-user-blk-pci,chardev=c"
)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """The exit code, standard output and standard error of one call."""
    code = main(words)
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    return code, said.out, said.err


def test_a_guest_without_hazards_is_told_so(capsys) -> None:
    assert (0, "No hazard found.\n", "") == run(capsys, "hazards", "--", "-m", "4G")
    assert 0 == run(capsys, "hazards", "--fail-on", "surprise", "--", "-m", "4G")[0]


def test_hazards_are_printed_as_the_guest_tells_them_with_the_mended_line_at_the_end(capsys) -> None:
    code, out, err = run(capsys, "hazards", "--", *LOCKED_BALLOON)
    assert (0, "") == (code, err)
    assert out.startswith(str(memkit.boot(list(LOCKED_BALLOON)).hazards()))
    assert "\n\nMended (balloon-mlock):\n-m 4G -overcommit mem-lock=on\n\nStill there:\n  surprise: " in out


def test_what_a_fix_brings_is_told(capsys) -> None:
    out = run(capsys, "hazards", "--", *PRIVATE)[1]
    assert "\nNew with it:\n  surprise: " in out
    assert "[thp-lost-with-shared-memory]" in out


def test_a_line_that_no_fix_mends_is_told_so(capsys) -> None:
    out = run(capsys, "hazards", "--", "-m", "5G", "-cpu", "pentium")[1]
    assert out.endswith("\n\nNo change of the command line is known that mends this.\n")


def test_a_surprise_changes_nothing(capsys) -> None:
    out = run(capsys, "hazards", "--", "-m", "0")[1]
    assert out.endswith("\n\nNothing is wrong: a surprise is good to know, and the line stays as it is.\n")


def test_the_mended_line_can_be_pasted(capsys) -> None:
    out = run(capsys, "hazards", "--", *PRIVATE)[1]
    line = out.partition("Mended (")[2].splitlines()[1]
    assert "vhost-user-mem-path-hugepages" not in run(capsys, "hazards", "--", line)[1]


def test_programs_get_data(capsys) -> None:
    code, out, err = run(capsys, "hazards", "--json", "--", *LOCKED_BALLOON)
    data = json.loads(out)
    assert (0, "") == (code, err)
    assert ("7.2", "x86_64", "performance") == (data["qemu"], data["target"], data["worst"])
    assert ["balloon-mlock", "mem-lock-overcommit"] == [hazard["id"] for hazard in data["hazards"]]
    assert ["balloon-mlock"] == data["mended"]["applied"]
    assert ["-m", "4G", "-overcommit", "mem-lock=on"] == data["mended"]["argv"]
    assert ["mem-lock-overcommit"] == [hazard["id"] for hazard in data["mended"]["left"]]


def test_without_a_change_the_data_have_no_mended_line(capsys) -> None:
    data = json.loads(run(capsys, "hazards", "--json", "--", "-m", "4G")[1])
    assert ([], "", None) == (data["hazards"], data["worst"], data["mended"])


@pytest.mark.parametrize("json_too", [[], ["--json"]], ids=["text", "json"])
@pytest.mark.parametrize("severity", SEVERITIES)
def test_it_fails_on_what_is_as_bad_as_asked_or_worse(capsys, severity: str, json_too: list[str]) -> None:
    code = run(capsys, "hazards", *json_too, "--fail-on", severity, "--", *LOCKED_BALLOON)[0]
    assert (3 if severity in ("performance", "surprise") else 0) == code


def test_never_is_the_default(capsys) -> None:
    plain, never = (run(capsys, "hazards", *w, "--", *LOCKED_BALLOON) for w in ([], ["--fail-on", "never"]))
    assert plain == never
    assert 0 == plain[0]


@pytest.mark.parametrize(
    "words", [["--migration", "migrate-precopy,savevm"],
              ["--migration", "migrate-precopy", "--migration", "savevm"]],
)
def test_migration_names_what_is_about_to_be_done(capsys, words: list[str]) -> None:
    expected = memkit.boot(PRIVATE).hazards(["migrate-precopy", "savevm"])
    assert run(capsys, "hazards", *words, "--", *PRIVATE)[1].startswith(str(expected))


def test_another_qemu_has_other_hazards(capsys) -> None:
    at_72, at_111 = (run(capsys, "hazards", "--qemu", q, "--", *PRIVATE)[1] for q in ("7.2", "11.1"))
    assert "vhost-user-mem-path-hugepages" in at_72
    assert "vhost-user-mem-path-hugepages" not in at_111


# -- mistakes


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--migration", "teleport"], "'teleport' is no operation; they are: migrate-precopy, "),
        (["--fail-on", "bad"], "'bad' is no severity; worst first they are: refuses-to-start, "),
        (["-m", "4G"], "write -- in front of QEMU's options"),
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2_and_says_what_is_allowed(capsys, words: list[str], says: str) -> None:
    code, out, err = run(capsys, "hazards", *words)
    assert (2, "") == (code, out)
    assert says in err


def test_a_refused_line_exits_with_1_whatever_it_shall_fail_on(capsys) -> None:
    words = ("--fail-on", "surprise", "--", "-m", "1G", "-device", "pc-dimm,memdev=m")
    code, out, err = run(capsys, "hazards", *words)
    assert (1, "") == (code, out)
    assert "Device 'm' not found" in err


def test_what_this_machine_lacks_is_4_here_for_3_means_found(capsys, monkeypatch) -> None:
    def lacking(*_: object) -> None:
        raise memkit.Unavailable("a library is not installed")

    for command, code in ((["hazards"], 4), (["monitor", "info numa"], 3)):
        monkeypatch.setattr("memkit.cli.commands.boot", lacking)
        assert (code, "", "memkit: a library is not installed\n") == run(capsys, *command, "--", "-m", "1G")


def test_help_tells_what_3_means(capsys) -> None:
    told = " ".join(run(capsys, "hazards", "--help")[1].split())
    assert "3 something at or above --fail-on was found, 4 something is missing" in told
    assert all(severity in told for severity in SEVERITIES)


def test_a_host_file_that_is_not_there_is_named(capsys, tmp_path: Path) -> None:
    file = tmp_path / "no.json"
    code, out, err = run(capsys, "hazards", "--host", str(file), "--", "-m", "1G")
    assert (2, "") == (code, out)
    assert str(file) in err


def test_the_host_counts(capsys, tmp_path: Path) -> None:
    file = tmp_path / "host.json"
    file.write_text(json.dumps({"page_size": 65536}))
    line = ("-m", "1G", "-device", "virtio-balloon-pci")
    plain = run(capsys, "hazards", "--", *line)[1]
    code, large, _ = run(capsys, "hazards", "--host", str(file), "--", *line)
    assert (0, True) == (code, plain != large)
