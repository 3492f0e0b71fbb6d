"""The command ``memkit`` as a shell runs it: pipes, files, signals, locales, missing extras, real QEMU."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from memkit.cli.parser import EXAMPLES

ROOT = Path(__file__).resolve().parents[1]
DIMM = "-object memory-backend-ram,id=m1,size=1G -device pc-dimm,memdev=m1"
MEMKIT = [sys.executable, "-m", "memkit"]
# Neither the environment's packages nor the user's: what a plain `pip install memkit` has.
ALONE = [
    sys.executable, "-I", "-S", "-c",
    f"import sys; sys.path.insert(0, {str(ROOT)!r}); from memkit.cli import main; sys.exit(main())",
]


def run(*words: str, command: list[str] = MEMKIT, **options: object) -> subprocess.CompletedProcess[str]:
    """One finished call, without anything on standard input unless ``options`` say so."""
    settings: dict[str, object] = {"cwd": ROOT, "timeout": 60, "text": True, "capture_output": True}
    if "input" not in options:
        settings["stdin"] = subprocess.DEVNULL
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [*command, *words], check=False, **{**settings, **options}  # type: ignore[call-overload]
    )
    assert "Traceback" not in str(done.stderr)
    return done


def test_the_installed_command_and_the_module_are_the_same() -> None:
    program = Path(sys.executable).parent / "memkit"
    words = ("monitor", "info memdev", "--", "-m", "1G")
    for command in ([str(program)], [sys.executable, "-m", "memkit.cli"]):
        assert run(*words).stdout == run(*words, command=command).stdout


def quick(example: str) -> bool:
    """True for what neither needs a real QEMU nor goes on until it is stopped."""
    return "--real" not in example and not example.startswith("memkit lab")


@pytest.mark.parametrize("example", [e for c in EXAMPLES.values() for e in c if quick(e)])
def test_every_example_of_the_help_works(example: str, tmp_path: Path) -> None:
    line, _, given = example.partition(" < ")
    done = run(
        *shlex.split(line)[1:], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        input="qemu-system-x86_64 -m 1G" if given else "",
    )
    # What these find is no mistake: a difference, a migration that does not complete, a wrong answer.
    codes = {"diff": (1,), "migrate": (0, 3), "drill": (0, 1)}
    assert done.returncode in codes.get(line.split()[1], (0,)), done.stderr
    assert done.stdout or " -o " in line


def test_a_closed_pipe_ends_it_quietly() -> None:
    words = shlex.join([*MEMKIT, "draw", "map", "--", "-m", "1G"])
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {words} | true"], cwd=ROOT, capture_output=True, text=True,
        check=False, timeout=60, stdin=subprocess.DEVNULL,
    )
    assert (True, "") == (done.returncode in (0, 141), done.stderr)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full; run this on Linux")
def test_a_full_disk_is_told() -> None:
    with open("/dev/full", "w") as full:
        done = run("monitor", "info mtree", "--", "-m", "1G", stdout=full, stderr=subprocess.PIPE,
                   capture_output=False)
    assert (3, "memkit: cannot write the answer: No space left on device\n") == (done.returncode, done.stderr)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no terminals; run this on Linux or macOS")
def test_the_interrupt_key_ends_it_quietly_while_it_waits_for_a_line() -> None:
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [*MEMKIT, "monitor", "info numa"], cwd=ROOT, stdin=theirs, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )
    assert process.stderr
    # The question says that all is loaded and that it waits.
    asked = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert "Type or paste a QEMU command line, then press Enter and Ctrl-D:\n" == asked
    assert (130, "", "\n") == (process.returncode, out, err)


def test_words_that_are_no_utf_8_are_told_not_crashed() -> None:
    done = run(b"monitor", b"info numa", b"--", b"-m", b"4G\xff")  # type: ignore[arg-type]
    assert 1 == done.returncode
    assert done.stderr.startswith("-m 4G")


def test_a_terminal_without_unicode_gets_the_answer() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = run("draw", "--text", "--", "-m", "1G", "-name", "\u00fc", env=environment)
    assert 0 == done.returncode
    done.stdout.encode("ascii")


@pytest.mark.parametrize(
    "words",
    [
        ("monitor", "info mtree -f"), ("explain", "0xfffffff0"), ("hazards",), ("draw", "--text"),
        ("draw", "map", "--text"), ("draw", "map", "--format", "svg"),
        ("draw", "map", "--format", "html"),
        ("draw", "tables", "--format", "html"), ("draw", "graph", "--format", "json"),
    ],
    ids=" ".join,
)
def test_the_base_install_answers_without_any_library(words: tuple[str, ...]) -> None:
    done = run(*words, "--", "-M", "q35", "-m", "4G", command=ALONE)
    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout


@pytest.mark.parametrize(
    "words",
    [("draw", "graph"), pytest.param(("diff", "--real"), marks=pytest.mark.needs_qemu)], ids=" ".join,
)
def test_a_missing_extra_is_one_sentence_with_the_command(words: tuple[str, ...]) -> None:
    done = run(*words, "--", "-m", "1G", command=ALONE)
    assert (3, "") == (done.returncode, done.stdout)
    assert "not installed; install it with: pip install " in done.stderr
    assert 1 == len(done.stderr.splitlines())


@pytest.mark.needs_qemu
@pytest.mark.parametrize("line", ["-M q35 -m 4G", f"-m 4G,slots=2,maxmem=8G {DIMM}"], ids=["q35", "dimm"])
def test_the_model_and_the_real_qemu_agree(line: str) -> None:
    done = run("diff", "--real", "--", *line.split())
    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.startswith("No difference in ")


@pytest.mark.needs_qemu
def test_a_line_that_both_refuse_exits_with_1() -> None:
    done = run("diff", "--real", "--", "-m", "4Q")
    assert (1, "") == (done.returncode, done.stdout)
    assert done.stderr.startswith("-m 4Q: Parameter 'size' expects a non-negative number below 2^64\n")
    assert "The model refuses it in the same words." in done.stderr


@pytest.mark.needs_qemu
def test_an_option_that_would_escape_is_not_given_to_a_real_qemu() -> None:
    done = run("diff", "--real", "--", "-m", "1G", "-daemonize")
    assert (2, "") == (done.returncode, done.stdout)
    assert "launch does not take -daemonize" in done.stderr


@pytest.mark.needs_qemu
@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="there is no /dev/shm; run this on Linux")
def test_a_model_of_another_host_differs_from_the_real_qemu(tmp_path: Path) -> None:
    host = tmp_path / "host.json"
    host.write_text('{"mounts": {"/dev/shm": {"fs": "hugetlbfs", "page_size": 2097152, "free_pages": 900}}}')
    done = run("diff", "--real", "--host", str(host), "--", "-m", "64M", "-mem-path", "/dev/shm")
    assert (1, "") == (done.returncode, done.stderr)
    assert "From the model to the real QEMU:\npc.ram has pages of 4 KiB, not 2 MiB.\n" == done.stdout
