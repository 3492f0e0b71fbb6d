"""Real migrations as they were recorded, and what the model says to each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import memkit
from memkit.migration import Outlook, migrate
from tests.recorded import host_of, read_rows

__all__ = ["FILES", "Case", "cases", "guest_rows", "told"]

FOLDER = Path(__file__).parents[2] / "data" / "migrations"
FILES = tuple(sorted(path.name.removesuffix(".jsonl.gz") for path in FOLDER.glob("*.jsonl.gz")))
# The BARs that were shown to the guest: the second card's, with what lies in it.
BAR = 0xE000_0000


@dataclass(frozen=True)
class Case:
    """One row, the two releases, and the host that it ran on."""

    row: Mapping[str, Any]
    host: Mapping[str, Any]
    source: str
    destination: str

    @property
    def id(self) -> str:
        """The name of the row."""
        return str(self.row["id"])

    @property
    def starts(self) -> bool:
        """False if QEMU refused one of the lines, or a command before migration."""
        return not str(self.row.get("where", "")).endswith((" start", " prepare"))

    def outlook(self) -> Outlook:
        """What the model says."""
        row, two = self.row, self.row.get("two_hosts")
        here, other_host = (self._host(row.get("files", {})) for _ in range(2))
        there = other_host if two else here
        # A snapshot in the background is taken of a guest that has run; all others were never let go.
        waits = [] if row["mode"] == "background-snapshot" else ["-S"]
        source = memkit.boot(
            [*row["source"], *plugged(row.get("prepare", ())), *waits], host=here, qemu=self.source)
        line, other = row["destination"], row.get("destination_capabilities")
        if line is None and (two or self.source != self.destination):
            # Another host, or another release, reads the file of the same line.
            line = row["source"]
            if other is None:
                other = [name for name in row["capabilities"] if name != "background-snapshot"]
        destination = None if line is None else memkit.boot(
            [*line, *plugged(row.get("prepare_destination", ()))], host=there, qemu=self.destination)
        return migrate(
            source, destination, "postcopy" if row["mode"] == "postcopy" else "precopy", row["capabilities"],
            destination_capabilities=other, parameters=row.get("parameters"),
            destination_parameters=row.get("destination_parameters"), bars=self._bars(),
            transport=row.get("transport", "unix"),
        )

    def _host(self, files: Mapping[str, int]) -> memkit.Host:
        return memkit.Host.from_dict({**self.host, "files": {**self.host["files"], **files}})

    def _bars(self) -> dict[str, int]:
        """The RAMBlocks that were shown to the guest."""
        shown = any(str(BAR) in str(word) or f"{BAR:#x}" in str(word) for word in self.row.get("prepare", ()))
        return {"0000:00:02.0/m1": BAR, "0000:00:02.0/vga.vram": BAR} if shown else {}


def plugged(commands: Any) -> Iterator[str]:
    """Devices that were plugged, as words of a command line."""
    for command in commands:
        if not isinstance(command, Mapping):
            continue
        given = dict(command["arguments"])
        if command["execute"] == "object-add":
            kind = given.pop("qom-type")
            yield from ("-object", ",".join([kind, *(f"{k}={v}" for k, v in given.items())]))
        elif command["execute"] == "device_add":
            driver = given.pop("driver")
            yield from ("-device", ",".join([driver, *(f"{k}={v}" for k, v in given.items())]))


def told(row: Mapping[str, Any]) -> tuple[str, str]:
    """(outcome, message) as Outlook has them: a program that hangs or is killed says nothing."""
    outcome, message = row["outcome"], row.get("message", "")
    # A source that ends itself says why; its destination, which sees the stream break, may stand first.
    own = [line for line in row.get("said", {}).get("source", ()) if line.startswith("invalid runstate")]
    message = own[0] if own else message
    silent = outcome == "hangs" or message.startswith("(killed by ")
    # The model does not know what the file is called.
    message = "" if silent else message.removesuffix("/link/file")
    return "fails" if outcome == "hangs" else outcome, message


@cache
def _rows(name: str) -> tuple[dict[str, Any], ...]:
    return tuple(read_rows(FOLDER / f"{name}.jsonl.gz"))


def cases(name: str) -> list[Case]:
    """The migrations of a file of data/migrations."""
    head, *rows = _rows(name)
    source, _, destination = name.removeprefix("x86_64-").partition("-to-")
    return [Case(row, head["host"], source, destination or source) for row in rows
            if row.get("kind") != "capabilities"]


def guest_rows(name: str) -> list[tuple[dict[str, Any], memkit.Guest, str]]:
    """(row, guest, release) for each guest whose capabilities were tried."""
    head, *rows = _rows(name)
    qemu = name.removeprefix("x86_64-")
    host = host_of(head["host"], None)
    return [
        (row, memkit.boot(row.get("source") or row["destination"], qemu=qemu, host=host), qemu)
        for row in rows if row.get("kind") == "capabilities"
    ]


def shown(case: Case, got: Outlook) -> str:
    """Both answers, to read."""
    return f"{case.id}: QEMU {told(case.row)}, the model {(got.outcome, got.message)}"
