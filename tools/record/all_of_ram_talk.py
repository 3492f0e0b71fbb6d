"""A paused QEMU to talk with over QMP, and where its RAMBlocks lie."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from memkit.errors import MemkitError
from memkit.qemu.process import Process

from .ask import Binary
from .captures import flat_view

__all__ = ["SECONDS", "Talk", "places", "started"]

SECONDS = 60.0
_HVA = re.compile(r" is (0x[0-9a-f]+)")
_BLOCK = re.compile(
    r"\s*(?P<name>\S*)\s+\d+ [KMG]iB\s+0x[0-9a-f]+\s+(?P<used>0x[0-9a-f]+)\s+(?P<total>0x[0-9a-f]+)"
    r"(?:\s+(?P<hva>0x[0-9a-f]+))?"
)


class Talk:
    """QMP with one QEMU: commands, and the monitor's."""

    def __init__(self, ours: socket.socket) -> None:
        self.stream = ours.makefile("rw", encoding="utf-8", newline="\n")
        self._reply()
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments: Any) -> Any:
        """The answer, or {"error": words}; raises MemkitError if QEMU goes away."""
        self.stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.stream.flush()
        while True:
            reply = self._reply()
            if "return" in reply:
                return reply["return"]
            if "error" in reply:
                return {"error": reply["error"]["desc"]}

    def monitor(self, line: str) -> str:
        """The text that the monitor prints."""
        text = self.execute("human-monitor-command", **{"command-line": line})
        return str(text).replace("\r", "")

    def _reply(self) -> dict[str, Any]:
        line = self.stream.readline()
        if not line:
            raise MemkitError("QEMU went away")
        reply: dict[str, Any] = json.loads(line)
        return reply


@contextmanager
def started(
    binary: Binary, argv: Sequence[str], accelerator: str = "tcg"
) -> Iterator[tuple[Talk, Process]]:
    """A paused QEMU and its process; raises MemkitError with its first words if it refuses."""
    ours, theirs = socket.socketpair()
    quiet = ["-audio", "none"] if binary.release >= (8, 2) else []
    command = binary.command(
        binary.program, "-S", "-display", "none", "-accel", accelerator, *quiet,
        "-chardev", f"socket,id=record-qmp,fd={theirs.fileno()}", "-qmp", "chardev:record-qmp", *argv,
    )
    try:
        with Process(command, theirs.fileno()) as process:
            theirs.close()
            ours.settimeout(SECONDS)
            try:
                yield Talk(ours), process
            except (MemkitError, TimeoutError, ConnectionError) as e:
                process.wait(5)
                said = [w for w in process.output("stderr").splitlines() if "warning: " not in w]
                raise MemkitError(said[0] if said else str(e)) from None
    finally:
        ours.close()
        theirs.close()


def places(talk: Talk, whole: bool = False) -> list[tuple[str, int, int | None]]:
    """(name, bytes, host address) of each block, a nameless one by its size.

    Older releases tell the addresses of mapped blocks only.  ``whole`` leaves out blocks that are used in
    part, which the kernel may split.
    """
    blocks, flat = talk.monitor("info ramblock"), flat_view(talk.monitor("info mtree -f"))
    known: dict[str, int] = {}
    for line in flat.splitlines():
        m = re.match(r"\s*([0-9a-f]+)-\S+ \(prio [-\d]+, (?:nv-)?(?:ram|rom|romd)\): (\S+)$", line)
        if m and m[2] not in known:
            told = _HVA.search(talk.monitor(f"gpa2hva 0x{m[1]}"))
            if told:
                known[m[2]] = int(told[1], 16)
    found: list[tuple[str, int, int | None]] = []
    for line in blocks.splitlines():
        row = _BLOCK.match(line)
        if row and not (whole and row["used"] != row["total"]):
            size = int(row["total"], 16)
            address = int(row["hva"], 16) if row["hva"] else known.get(row["name"].rpartition("/")[2])
            found.append((row["name"] or f"({size} bytes)", size, address))
    return found
