"""A QEMU program that can be asked: short paused starts, questions over QMP on the process's own pipes."""

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

START_SECONDS = 30.0
MIB = 1 << 20
SCRATCH = tempfile.TemporaryDirectory()


def split(text: str) -> list[str]:
    """``text`` as words; IVSHMEM becomes the path of a server with 4 MiB to share."""
    if "IVSHMEM" in text:
        text = text.replace("IVSHMEM", ivshmem_server())
    return text.split()


@functools.cache
def ivshmem_server() -> str:
    """The path of a socket that speaks just enough of ivshmem's protocol (docs/specs/ivshmem-spec.txt)."""
    path = str(Path(SCRATCH.name) / "ivshmem")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen()
    memory = os.memfd_create("ivshmem")
    os.ftruncate(memory, 4 * MIB)
    held: list[socket.socket] = []

    def serve() -> None:
        while True:
            client, _ = listener.accept()
            held.append(client)
            client.sendall(struct.pack("<q", 0))  # protocol version
            client.sendall(struct.pack("<q", 1))  # the client's own number
            socket.send_fds(client, [struct.pack("<q", -1)], [memory])

    threading.Thread(target=serve, daemon=True).start()
    return path


@dataclass
class Answer:
    """What one start gave: the monitor's texts and QMP answers, or the refusal."""

    stderr: list[str] = field(default_factory=list)
    results: list[Any] = field(default_factory=list)
    started: bool = False

    @property
    def refusal(self) -> str:
        """The first line of stderr that is no warning, without the program's name."""
        return next((line for line in self.stderr if "warning: " not in line), "")

    @property
    def warnings(self) -> list[str]:
        """The lines of stderr, if it started."""
        return self.stderr if self.started else [w for w in self.stderr if w.startswith("warning:")]


class Binary:
    """A QEMU program that can be asked."""

    def __init__(self, program: str, jobs: int) -> None:
        self.program = program
        self.pool = ThreadPoolExecutor(jobs)
        self.version = self.help("--version").splitlines()[0]
        found = re.search(r"version (\d+\.\d+)", self.version)
        self.short = found[1] if found else "unknown"
        self.target = Path(program).name.removeprefix("qemu-system-")
        self.starts = 0
        self._cache: dict[tuple[str, ...], Answer] = {}

    def help(self, *words: str) -> str:
        """What the program prints for ``words``."""
        done = subprocess.run(
            [self.program, *words],
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return done.stdout

    def start(self, argv: Sequence[str], questions: Sequence[str | dict[str, Any]]) -> Answer:
        """Start paused with ``argv``, ask (HMP text or QMP commands), end the process."""
        self.starts += 1
        # A quiet host: no sound card is looked for.
        quiet = {**os.environ, "QEMU_AUDIO_DRV": "none"}
        command = [self.program, "-S", "-display", "none", "-accel", "tcg", "-qmp", "stdio", *argv]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=quiet,
        )
        answer = Answer()
        timer = threading.Timer(START_SECONDS, process.kill)
        timer.start()
        try:
            answer.started, answer.results = converse(process, questions)
            _, stderr = process.communicate(timeout=START_SECONDS)
        finally:
            timer.cancel()
            if process.poll() is None:
                process.kill()
            process.wait()
        prefix = Path(self.program).name + ": "
        answer.stderr = [
            line.strip().removeprefix(prefix)
            for line in stderr.splitlines()
            if line.strip() and "terminating on signal" not in line and ": info: " not in line
        ]
        if process.returncode < 0:
            answer.started = False
            answer.stderr.append(f"(killed by signal {-process.returncode})")
        return answer

    def cached(self, argv: Sequence[str], questions: Sequence[str | dict[str, Any]]) -> Answer:
        """The same, remembered by ``argv``."""
        key = tuple(argv)
        if key not in self._cache:
            self._cache[key] = self.start(argv, questions)
        return self._cache[key]

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """``function`` of every item, some at a time."""
        return list(self.pool.map(function, items))


def converse(
    process: subprocess.Popen[str], questions: Sequence[str | dict[str, Any]]
) -> tuple[bool, list[Any]]:
    """True and the answers, or False if the process went away."""
    assert process.stdin is not None
    assert process.stdout is not None
    results: list[Any] = []
    try:
        if not process.stdout.readline():
            return False, results
        for question in ({"execute": "qmp_capabilities"}, *questions, {"execute": "quit"}):
            if isinstance(question, str):
                question = {"execute": "human-monitor-command", "arguments": {"command-line": question}}
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            while True:
                line = process.stdout.readline()
                if not line:
                    return False, results
                reply = json.loads(line)
                if "return" in reply or "error" in reply:
                    break
            value = reply.get("return", reply.get("error"))
            results.append(value.replace("\r", "") if isinstance(value, str) else value)
    except BrokenPipeError:
        return False, results
    return True, results[1:-1]
