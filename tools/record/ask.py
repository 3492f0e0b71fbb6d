"""A QEMU program that can be asked: short paused starts, questions over QMP on a socket without a name."""

from __future__ import annotations

import functools
import json
import os
import re
import socket
import struct
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from memkit.errors import MemkitError
from memkit.qemu.process import Process, find_binary

from .roots import Root

START_SECONDS = 30.0
MIB = 1 << 20
# What is told of the recorder's own signal, and of modules that are packages of their own.
NO_ANSWER = ("terminating on signal", ": info: ", "qemu: module ")
SCRATCH = tempfile.TemporaryDirectory()


def split(text: str) -> list[str]:
    """``text`` as words; IVSHMEM becomes the path of a server with 4 MiB to share."""
    if "IVSHMEM" in text:
        text = text.replace("IVSHMEM", ivshmem_server())
    return text.split()


def _four_mebibytes() -> int:
    memory = os.memfd_create("ivshmem")
    os.ftruncate(memory, 4 * MIB)
    return memory


@functools.cache
def ivshmem_server(first: bool = False) -> str:
    """The path of a socket that speaks just enough of ivshmem's protocol (docs/specs/ivshmem-spec.txt).

    ``first`` is a server that every client is the first one of, with memory that nobody else has.
    """
    path = str(Path(SCRATCH.name) / ("ivshmem-first" if first else "ivshmem"))
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen()
    memory = _four_mebibytes()
    held: list[socket.socket] = []

    def serve() -> None:
        while True:
            client, _ = listener.accept()
            held.append(client)
            client.sendall(struct.pack("<q", 0))  # protocol version
            client.sendall(struct.pack("<q", 0 if first else 1))  # the client's own number
            socket.send_fds(client, [struct.pack("<q", -1)], [_four_mebibytes() if first else memory])

    threading.Thread(target=serve, daemon=True).start()
    return path


@dataclass
class Answer:
    """What one start gave: the monitor's texts and QMP answers, or the refusal.

    ``trouble`` says how QEMU ended where it neither started nor refused: it hung, or a signal ended it.
    """

    stderr: list[str] = field(default_factory=list)
    results: list[Any] = field(default_factory=list)
    started: bool = False
    trouble: str = ""

    @property
    def refusal(self) -> str:
        """The first line of stderr that is no warning, without the program's name."""
        pairs = zip(["", *self.stderr], self.stderr, strict=False)
        return next((line for last, line in pairs if not _aside(line, last)), "")

    @property
    def warnings(self) -> list[str]:
        """The lines of stderr, if it started."""
        return self.stderr if self.started else [w for w in self.stderr if w.startswith("warning:")]


def _aside(line: str, last: str) -> bool:
    """True for a warning, for its advice on a line of its own (since 6.0), and for a module of a package."""
    advice = "warning: " in last and line.startswith("Please use ")
    return "warning: " in line or advice or line.startswith("qemu: module ")


class Binary:
    """A QEMU program that can be asked, here or inside a root directory.

    ``only`` limits what is recorded to the devices, machine types and CPU models whose whole names match,
    for a try.  Raises MemkitError for what is no QEMU, Unavailable for what is not installed.
    """

    def __init__(self, program: str, jobs: int = 1, root: Path | None = None, only: str = "") -> None:
        self.root = Root(root) if root is not None else None
        self.program = self.root.find(program) if self.root else find_binary(program)
        self.only = only
        self.pool = ThreadPoolExecutor(jobs)
        self.version = next(iter(self.help("--version").splitlines()), "")
        found = re.search(r"version (\d+\.\d+)", self.version)
        if found is None:
            raise MemkitError(f"{self.program} is no QEMU: its --version says {self.version[:60]!r}")
        self.short = found[1]
        self.release = tuple(map(int, found[1].split(".")))
        self.target = Path(program).name.removeprefix("qemu-system-")
        self.starts = 0
        self.stopped = False
        self._cache: dict[tuple[str, ...], Answer] = {}

    def wants(self, name: str) -> bool:
        """True if ``name`` is to be recorded."""
        return not self.only or re.fullmatch(self.only, name) is not None

    def command(self, *words: str) -> list[str]:
        """``words`` as a command where QEMU lives."""
        return self.root.command(*words) if self.root else list(words)

    def outside(self, path: str) -> str:
        """Where a file that QEMU calls ``path`` lies here."""
        return self.root.outside(path) if self.root else path

    def output(self, *words: str, seconds: float = START_SECONDS) -> str:
        """What a short command prints where QEMU lives; "" if there is no such program."""
        try:
            done = subprocess.run(
                self.command(*words), capture_output=True, text=True, timeout=seconds, check=False,
                stdin=subprocess.DEVNULL,
            )
        except FileNotFoundError:
            return ""
        return done.stdout

    def help(self, *words: str, seconds: float = START_SECONDS) -> str:
        """What the program prints for ``words``."""
        return self.output(self.program, *words, seconds=seconds)

    def start(
        self, argv: Sequence[str], questions: Sequence[str | dict[str, Any]], seconds: float = START_SECONDS,
        look: Callable[[int], Any] | None = None,
    ) -> Answer:
        """Start paused with ``argv``, ask (HMP text or QMP commands), end the process.

        ``look`` is called with the process's number after the questions; what it returns is the last result.
        """
        if self.stopped:
            raise MemkitError("the recording was stopped")
        self.starts += 1
        # A quiet host: no sound card is looked for.  The variable QEMU_AUDIO_DRV, which Process sets, is
        # ignored since 8.2.
        quiet = ["-audio", "none"] if self.release >= (8, 2) else []
        ours, theirs = socket.socketpair()
        try:
            command = self.command(
                self.program, "-S", "-display", "none", "-accel", "tcg", *quiet,
                "-chardev", f"socket,id=record-qmp,fd={theirs.fileno()}",
                # Not -mon: deprecated in 11.1.
                "-qmp", "chardev:record-qmp", *argv,
            )
            answer, code = Answer(), None
            with Process(command, theirs.fileno()) as process:
                theirs.close()
                ours.settimeout(seconds)
                looks = [functools.partial(look, process.pid)] if look else []
                try:
                    answer.started, answer.results = converse(ours, [*questions, *looks])
                    code = process.wait(seconds)
                except TimeoutError:
                    pass
                if code is None:
                    answer.trouble = f"no answer within {seconds:g} s"
            said = process.output("stderr")
        finally:
            ours.close()
            theirs.close()
        prefix = Path(self.program).name + ": "
        answer.stderr = [
            line.strip().removeprefix(prefix)
            for line in said.splitlines()
            if line.strip() and not any(word in line for word in NO_ANSWER)
        ]
        if code is not None and code < 0:
            answer.trouble = f"killed by signal {-code}"
        elif not answer.started and not answer.trouble and not answer.refusal:
            answer.trouble = f"ended with exit code {code}"
        if answer.trouble:
            answer.started = False
            answer.stderr.append(f"({answer.trouble})")
        return answer

    def cached(self, argv: Sequence[str], questions: Sequence[str | dict[str, Any]]) -> Answer:
        """The same, remembered."""
        key = (*argv, json.dumps(questions))
        if key not in self._cache:
            self._cache[key] = self.start(argv, questions)
        return self._cache[key]

    def each(self, argv: Sequence[str], questions: Sequence[dict[str, Any]]) -> list[Any]:
        """The answer to every question, of as few processes as can be; None for one that ends QEMU."""
        found: list[Any] = []
        while len(found) < len(questions):
            answer = self.start(argv, questions[len(found) :])
            if answer.started:
                return found + answer.results
            # The first result is that of the greeting.
            found += [*answer.results[1:], None]
        return found

    def stop(self) -> None:
        """Start no more; returns when those that run have ended."""
        self.stopped = True
        self.pool.shutdown(cancel_futures=True)

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """``function`` of every item, some at a time."""
        return list(self.pool.map(function, items))


def converse(
    ours: socket.socket, questions: Sequence[str | dict[str, Any] | Callable[[], Any]]
) -> tuple[bool, list[Any]]:
    """True and the answers, or False if the process went away; raises TimeoutError if it says nothing.

    What can be called is called instead of asked.
    """
    results: list[Any] = []
    try:
        with ours.makefile("rw", encoding="utf-8", errors="replace", newline="\n") as talk:
            if not talk.readline():
                return False, results
            for question in ({"execute": "qmp_capabilities"}, *questions, {"execute": "quit"}):
                if callable(question):
                    results.append(question())
                    continue
                if isinstance(question, str):
                    question = {"execute": "human-monitor-command", "arguments": {"command-line": question}}
                talk.write(json.dumps(question) + "\n")
                talk.flush()
                while True:
                    line = talk.readline()
                    if not line:
                        return False, results
                    reply = json.loads(line)
                    if "return" in reply or "error" in reply:
                        break
                value = reply.get("return", reply.get("error"))
                results.append(value.replace("\r", "") if isinstance(value, str) else value)
    except (BrokenPipeError, ConnectionResetError):
        return False, results
    return True, results[1:-1]
