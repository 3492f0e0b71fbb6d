"""Start a real QEMU, paused; look at its memory; end it.

Nothing stays behind: no process, no file, no socket.  QMP goes over a socket pair that has no
name; scratch files go to a private directory.
"""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from memkit import config as config_
from memkit.config.words import split
from memkit.errors import CommandLineError, MemkitError, Refused
from memkit.guest import Guest
from memkit.monitor.parser import read
from memkit.qemu.facts import ask, enrich
from memkit.qemu.host import observe_host
from memkit.qemu.process import Process, backing_files, find_binary
from memkit.qemu.safety import Plan, UnsafeOption, make_safe
from memkit.qemu.talk import Answers, converse

__all__ = ["UnsafeOption", "launch"]

_PROGRAM = re.compile(r"^(?:\S*/)?qemu(?:-system)?-?[A-Za-z0-9_]*: ")
# What a shell and setpriv say with their exit code where they cannot run a program.
_NOT_RUN = (126, 127)
_NIC_WARNINGS = re.compile(
    r"(warning: )?(hub \d+ is not connected to host network$|.* has no peer$|requested NIC \()"
)


def launch(argv: str | Sequence[str] | config_.Config, qemu: str | None = None, timeout: float = 30) -> Guest:
    """The Guest that a real QEMU builds from ``argv`` (text, list or Config), observed and ended again.

    The program is ``qemu`` (a name on PATH or a path), else ``qemu-system-TARGET`` for the
    target that the line names, else ``qemu-system-x86_64``.  It starts paused and under TCG, so no
    instruction of the guest runs; what is kept from the host and why stands in memkit.qemu.safety.

    Raises Refused in QEMU's words where it refuses; Unavailable where it is not installed;
    UnsafeOption for options that would escape; CommandLineError where the text is no command line;
    MemkitError where it hangs for more than ``timeout`` seconds, dies, or is no QEMU at all.
    """
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout < float("inf"):
        raise MemkitError(f"timeout is a number of seconds above 0, not {timeout!r:.40}")
    if isinstance(argv, config_.Config):
        argv = [*([argv.program] if argv.program else []), *argv.argv()]
    target, _, words = split(argv)
    plan = make_safe(words)
    binary = find_binary(qemu or f"qemu-system-{target or 'x86_64'}")
    answers, stderr = _run(binary, plan, timeout)
    host = observe_host([*plan.files, *plan.disks])
    target = target or Path(binary).name.partition("qemu-system-")[2] or "x86_64"
    guest = read(answers.monitor, target, door="observed")
    warnings = (*_warnings(stderr, plan), *(f"memkit: {note}" for note in plan.notes))
    return replace(enrich(guest, answers, _config(words), host), warnings=warnings)


def _run(binary: str, plan: Plan, timeout: float) -> tuple[Answers, str]:
    ours, theirs = socket.socketpair()
    try:
        with backing_files(plan.files):
            command = [
                binary, "-chardev", f"socket,id=memkit-qmp,fd={theirs.fileno()}",
                "-qmp", "chardev:memkit-qmp", *plan.argv,
            ]
            with Process(command, theirs.fileno()) as process:
                theirs.close()
                answers = converse(ours, ask, timeout)
                code = None
                if answers.problem:
                    # Who hangs up is about to end; who says odd things may go on for ever.
                    code = process.wait({"timeout": 0, "closed": 10}.get(answers.problem, 2))
            # It has ended, so what it printed is complete.
            stderr = process.output("stderr")
            if answers.problem or "info ramblock" not in answers.monitor:
                raise _trouble(answers, code, stderr, process.output("stdout"), timeout, binary, plan)
            return answers, stderr
    finally:
        ours.close()
        theirs.close()


def _trouble(
    answers: Answers, code: int | None, stderr: str, stdout: str, timeout: float, binary: str, plan: Plan
) -> MemkitError:
    """Why there is no guest, as the exception to raise."""
    said = _lines(stderr)
    last = f"; the last that it said: {said[-1][:200]!r}" if said else ""
    if answers.problem == "timeout":
        return MemkitError(
            f"QEMU did not answer within {timeout:g} s and was ended{last}. "
            "Give it more time with timeout=, or less memory to prepare"
        )
    if code == -signal.SIGABRT and not answers.answered and "Assertion" in stderr:
        return Refused(
            _refusal(stderr),
            explanation="QEMU aborts: it meets something that its authors thought impossible.",
        )
    if code is not None and code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        memory = "; perhaps this machine ran out of memory" if name == "SIGKILL" else ""
        return MemkitError(f"QEMU was ended by {name}{memory}{last}")
    if answers.answered:
        return MemkitError(f"QEMU ended half way through its answers (exit code {code}){last}")
    if code in _NOT_RUN:
        return MemkitError(f"{binary} is no program that runs here{last}; give qemu= a qemu-system program")
    if code is not None and code > 0 and answers.problem == "closed":
        message = _refusal(stderr)
        if message:
            return Refused(message, explanation=_why_here(message, plan))
        return MemkitError(f"QEMU ended with exit code {code} and said nothing")
    if code == 0 and answers.problem == "closed":
        if stdout.strip():
            return CommandLineError("this line asks QEMU for help and starts no guest")
        return MemkitError(f"QEMU ended at once and said nothing more{last}")
    odd = answers.problem if answers.problem != "closed" else "it closed the connection"
    return MemkitError(f"what was started does not speak QMP, so it is no QEMU ({odd[:200]}){last}")


def _why_here(message: str, plan: Plan) -> str:
    """Our words beside a refusal that this machine, or what launch changed, may be the reason of."""
    why = []
    if "Cannot allocate memory" in message:
        why.append("This machine has not that much memory to give; memkit.boot shows the guest nevertheless.")
    notes = "; ".join(plan.notes)
    if len(plan.notes) > 2:
        options = re.findall(r"launch (?:left out|wrote) (-\S+)", notes)
        notes = f"launch left out or changed {', '.join(dict.fromkeys(options))}"
    if notes:
        why.append(f"QEMU did not get the line as it stands: {notes}.")
    return " ".join(why)


def _lines(stderr: str) -> list[str]:
    """The lines of stderr without the program's name."""
    return [_PROGRAM.sub("", line.rstrip()) for line in stderr.replace("\r", "").splitlines() if line.strip()]


def _refusal(stderr: str) -> str:
    """QEMU's words from the first line that is no warning; later warnings are left out."""
    lines = stderr.replace("\r", "").splitlines()
    for index, line in enumerate(lines):
        if _PROGRAM.match(line) and not _is_warning(_PROGRAM.sub("", line)):
            lines = lines[index:]
            break
    return "\n".join(line for line in _lines("\n".join(lines)) if not _is_warning(line))


def _is_warning(line: str) -> bool:
    return line.startswith(("warning:", "info:")) or ": warning: " in line


def _warnings(stderr: str, plan: Plan) -> list[str]:
    """The warnings, each with the lines that continue it, without those that cutting the network causes."""
    found: list[str] = []
    for line in stderr.replace("\r", "").splitlines():
        if not line.strip():
            continue
        if _PROGRAM.match(line) or not found:
            found.append(_PROGRAM.sub("", line.rstrip()))
        else:
            found[-1] += "\n" + line.rstrip()
    return [w for w in found if not (plan.cut_network and _NIC_WARNINGS.match(w))]


def _config(words: list[str]) -> config_.Config | None:
    # QEMU took the line; if the model's reader does not, only the links to its options are missing.
    try:
        return config_.parse(words)
    except MemkitError:
        return None
