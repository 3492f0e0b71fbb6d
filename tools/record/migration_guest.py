"""A running guest that can be asked several times, and whose memory can be marked and read.

The guest stays paused, so its memory holds what is written there from outside.  A mark is a page that no
other page is like; it is written through ``/proc/PID/mem`` at the host address that the monitor names.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from memkit.qemu.process import Process

from .ask import Binary
from .captures import HIDDEN
from .reading import read_flat

__all__ = ["PAGE", "Ended", "Marks", "Refusal", "Running", "mark", "one_word"]

PAGE = 4096
RANGE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) \S+ (ram|nv-ram|rom) ([^@]+?)(?: @[0-9a-f]+)?(?: KVM)?$")
ADDRESS = re.compile(r"0x[567][0-9a-f]{11}\b")
# Where a graphics card covers RAM, which no guest uses.
HOLE = range(0xA_0000, 0xC_0000)
# gpa → (name of the region, the page that lies there)
Marks = dict[int, tuple[str, bytes]]


class Ended(Exception):
    """The program went away, or said nothing for too long (``silent``)."""

    def __init__(self, silent: bool = False) -> None:
        super().__init__("silent" if silent else "ended")
        self.silent = silent


class Refusal(Exception):
    """QEMU's words that refuse a command."""


def mark(name: str, gpa: int) -> bytes:
    """A page that is like no other page, for a guest-physical address.

    >>> mark("pc.ram", 0) == mark("pc.ram", 4096), len(mark("pc.ram", 0))
    (False, 4096)
    """
    return hashlib.sha256(f"{name}@{gpa:x}".encode()).digest() * (PAGE // 32)


def one_word(pages: Sequence[tuple[bytes, bytes | None]]) -> str:
    """What became of pages, given as (wanted, found): copied, zero, other, absent, or how many of each.

    >>> one_word([(b"a", b"a"), (b"b", bytes(4096))])
    'copied 1, zero 1'
    """
    words = [
        "absent" if found is None else "copied" if found == wanted else "zero" if not any(found) else "other"
        for wanted, found in pages
    ]
    kinds = sorted(set(words))
    return kinds[0] if len(kinds) == 1 else ", ".join(f"{kind} {words.count(kind)}" for kind in kinds)


class Running:
    """A paused QEMU under TCG; use it in a ``with`` statement.  ``names`` puts real paths for the case's."""

    def __init__(self, binary: Binary, argv: Sequence[str], real: Mapping[str, str], seconds: float) -> None:
        self._binary, self._real, self._seconds = binary, real, seconds
        quiet = ["-audio", "none"] if binary.release >= (8, 2) else []
        self._ours, self._theirs = socket.socketpair()
        self._process = Process(
            binary.command(
                binary.program,
                "-S",
                "-display",
                "none",
                "-accel",
                "tcg",
                *quiet,
                "-chardev",
                f"socket,id=record-qmp,fd={self._theirs.fileno()}",
                "-qmp",
                "chardev:record-qmp",
                *[self.real(word) for word in argv],
            ),
            self._theirs.fileno(),
        )

    def real(self, word: str) -> str:
        """A word of the command line with the paths that exist here."""
        for name, path in self._real.items():
            word = re.sub(rf"(?<![\w/.]){re.escape(name)}(?=[/,\"]|$)", path, word)
        return word

    def told(self, text: str) -> str:
        """The reverse of ``real``, for what QEMU says; host addresses, which vary, are zero."""
        for name, path in self._real.items():
            text = text.replace(path, name)
        return ADDRESS.sub(HIDDEN, text)

    def __enter__(self) -> Self:
        self._process.__enter__()
        self._theirs.close()
        self._ours.settimeout(self._seconds)
        self._talk = self._ours.makefile("rw", encoding="utf-8", errors="replace", newline="\n")
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.end()
        with contextlib.suppress(OSError):
            self._talk.close()
        self._ours.close()

    def greet(self) -> None:
        """Wait until it has started; raises Ended if it does not."""
        self._line()
        self.ask({"execute": "qmp_capabilities"})

    def _line(self) -> dict[str, Any]:
        try:
            line = self._talk.readline()
        except TimeoutError:
            raise Ended(silent=True) from None
        except OSError:
            line = ""
        if not line:
            raise Ended
        told: dict[str, Any] = json.loads(line)
        return told

    def ask(self, question: str | Mapping[str, Any]) -> Any:
        """The answer to a QMP command or to HMP text; raises Refusal with QEMU's words, or Ended."""
        if isinstance(question, str):
            question = {"execute": "human-monitor-command", "arguments": {"command-line": question}}
        try:
            self._talk.write(self.real(json.dumps(question)) + "\n")
            self._talk.flush()
        except OSError:
            raise Ended from None
        while True:
            reply = self._line()
            if "error" in reply:
                raise Refusal(self.told(reply["error"]["desc"]))
            if "return" in reply:
                return reply["return"]

    def do(self, command: str, **arguments: Any) -> Any:
        """The answer to a QMP command; ``_`` in names stands for ``-``."""
        named = {name.replace("_", "-"): value for name, value in arguments.items()}
        return self.ask({"execute": command, "arguments": named})

    def exit_code(self, seconds: float = 0.0) -> int | None:
        """How it ended (negative: the signal), or None if it still runs."""
        return self._process.wait(seconds)

    def said(self) -> list[str]:
        """The lines that it wrote to stderr, without its name; and how it died, if it did not choose to."""
        prefix = Path(self._binary.program).name + ": "
        lines = [
            self.told(line.strip()).removeprefix(prefix)
            for line in self._process.output("stderr").splitlines()
            if line.strip()
            and "terminating on signal" not in line
            and ": info: " not in line
            and not line.startswith("qemu: module ")
        ]
        code = self.exit_code()
        return [*lines, f"(killed by signal {-code})"] if code is not None and code < 0 else lines

    def quit(self) -> None:
        """End it politely, as who restores a file later has done."""
        with contextlib.suppress(Ended, Refusal):
            self.do("quit")
        self.exit_code(self._seconds)

    # -- memory

    def ranges(self) -> list[tuple[int, int, str, str]]:
        """(first gpa, last gpa, ram|nv-ram|rom, region) of what the guest sees.

        What virtio-mem has not plugged is left out.
        """
        empty = {
            device["data"]["memdev"].rpartition("/")[2]
            for device in self.do("query-memory-devices")
            if device["type"] == "virtio-mem" and not device["data"]["size"]
        }
        rows = read_flat(self.ask("info mtree -f").replace("\r", "")).get("memory", [])
        found = [(int(m[1], 16), int(m[2], 16), m[3], m[4]) for row in rows if (m := RANGE.match(row))]
        return [row for row in found if row[3] not in empty]

    def fill(self) -> Marks:
        """Marks in the first, middle and last page of all RAM that the guest sees; and what its ROM holds."""
        names: dict[int, str] = {}
        for first, last, kind, name in self.ranges():
            for gpa in sorted({first, (first + last) // 2 & -PAGE, (last + 1 - PAGE) & -PAGE}):
                if gpa in HOLE or not first <= gpa <= last + 1 - PAGE:
                    continue
                names[gpa] = name
                if kind != "rom":
                    self.write(gpa, mark(name, gpa))
        # Read when all is written: some memory is seen at two addresses.
        pages = {gpa: (name, self.read(gpa)) for gpa, name in names.items()}
        return {gpa: (name, page) for gpa, (name, page) in pages.items() if page is not None}

    def _address(self, gpa: int) -> int | None:
        found = re.search(r" is (0x[0-9a-f]+)", self.ask(f"gpa2hva {gpa:#x}"))
        return int(found[1], 16) if found else None

    def read(self, gpa: int) -> bytes | None:
        """The page at a guest-physical address; None where there is no memory."""
        address = self._address(gpa)
        if address is None:
            return None
        try:
            with open(f"/proc/{self._process.pid}/mem", "rb", buffering=0) as memory:
                memory.seek(address)
                return memory.read(PAGE)
        except OSError:
            return None

    def write(self, gpa: int, page: bytes) -> bool:
        """Put a page there, past the guest; False where that cannot be."""
        address = self._address(gpa)
        if address is None:
            return False
        try:
            with open(f"/proc/{self._process.pid}/mem", "r+b", buffering=0) as memory:
                memory.seek(address)
                return memory.write(page) == len(page)
        except OSError:
            return False

    def compare(self, wanted: Marks) -> dict[str, str]:
        """Region → what became of its pages."""
        pages: dict[str, list[tuple[bytes, bytes | None]]] = {}
        for gpa, (name, page) in wanted.items():
            pages.setdefault(name, []).append((page, self.read(gpa)))
        return {name: one_word(found) for name, found in pages.items()}
