"""Region trees and FlatViews of every machine type that starts: what ``memkit.read_monitor`` is proved on.

Each program of one release is asked for its machine types.  Of a type with versions the newest is started,
paused, without default devices; where that fails, with them, then with an empty file as kernel, firmware
or flash.  A board that another program has with the same answers is kept once.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

from memkit.errors import MemkitError

from .ask import SCRATCH, Binary
from .captures import hide_addresses

__all__ = ["families", "programs", "record_reading_proof"]

QUESTIONS = ("info mtree", "info mtree -f", "info ramblock")
PLACES = ("usr/local/bin", "usr/bin")
SECONDS = 20.0
_PROGRAM = re.compile(r"qemu-system-([a-z0-9_]+)")
_VERSIONED = re.compile(r"(?P<family>.+?)-(?P<version>[0-9]+(?:\.[0-9]+)+)$")


def programs(root: Path | None) -> list[str]:
    """The names of the QEMU programs that are installed, here or in ``root``, each once."""
    places = [(root or Path("/")) / place for place in PLACES]
    # A link is another name of a program that is there, too.
    found = (path for place in places for path in place.glob("qemu-system-*") if not path.is_symlink())
    return sorted({path.name for path in found if _PROGRAM.fullmatch(path.name)})


def families(listed: Iterable[str]) -> list[str]:
    """The machine types to start of those of ``-M help``: no aliases, and of those with versions the newest.

    >>> families(["virt   QEMU 7.2 Virtual Machine (alias of virt-7.2)", "virt-7.2  QEMU 7.2 Virtual Machine",
    ...           "virt-2.12  QEMU 2.12 Virtual Machine", "akita  Sharp SL-C1000", "none  empty machine"])
    ['akita', 'virt-7.2']
    """
    newest: dict[str, tuple[tuple[int, ...], str]] = {}
    for line in listed:
        name = line.split(" ")[0]
        if not name or name == "none" or "(alias of" in line:
            continue
        match = _VERSIONED.match(name)
        version = tuple(map(int, match["version"].split("."))) if match else ()
        family = match["family"] if match else name
        newest[family] = max(newest.get(family, ((), "")), (version, name))
    return sorted(name for _, name in newest.values())


def _ways() -> Iterator[list[str]]:
    """What is added to a line, one after the other, until the board starts."""
    small, large = _zeros(64 << 10), _zeros(64 << 20)
    yield from (["-nodefaults"], [], ["-nodefaults", "-kernel", small], ["-nodefaults", "-bios", small])
    yield ["-nodefaults", "-drive", f"if=pflash,format=raw,readonly=on,file={large}"]


def _zeros(size: int) -> str:
    """The path of a file of so many zeros."""
    path = Path(SCRATCH.name) / f"zeros-{size}"
    if not path.exists():
        path.touch()
        os.truncate(path, size)
    return str(path)


def record_reading_proof(root: Path | None, jobs: int = 2) -> list[dict[str, Any]]:
    """The rows of a file of machine types, the head first; MemkitError where no program is installed."""
    names = programs(root)
    if not names:
        raise MemkitError(f"no qemu-system program is installed in {root or '/'}")
    binaries = [Binary(name, root=root) for name in names]
    with ThreadPoolExecutor(jobs) as pool:
        answers = [row for rows in pool.map(_boards, binaries) for row in rows]
    rows: list[dict[str, Any]] = []
    lost: dict[str, str] = {}
    seen: set[str] = set()
    for row in sorted(answers, key=lambda row: (row["machine"], row["target"])):
        key = _sorted(row.get("hmp", {}).get("info mtree", ""))
        if "said" in row:
            lost[f"{row['target']} {row['machine']}"] = row["said"]
        elif key not in seen:
            seen.add(key)
            rows.append(row)
    versions = ", ".join(sorted({binary.version for binary in binaries}))
    print(f"{len(rows)} machine types, {len({r['target'] for r in rows})} targets; {len(lost)} did not start",
          file=sys.stderr)
    return [{
        "about": {
            "program": f"qemu-system-* {binaries[0].short}, under TCG, paused (-S)", "qemu": versions,
            "date": date.today().isoformat(), "script": "tools/record",
            "what": "machine types, and what the monitor says about their memory; what did not start, with "
            "the reason, under lost",
            "licence": "CC0 1.0",
        },
        "lost": lost,
    }, *rows]


def _boards(binary: Binary) -> list[dict[str, Any]]:
    return [_board(binary, name) for name in families(binary.help("-M", "help").splitlines()[1:])]


def _board(binary: Binary, machine: str) -> dict[str, Any]:
    said = ""
    for way in _ways():
        answer = binary.start(["-M", machine, *way], QUESTIONS, SECONDS)
        texts = {q: t for q, t in zip(QUESTIONS, answer.results, strict=False) if isinstance(t, str)}
        if answer.started and len(texts) == len(QUESTIONS):
            texts["info ramblock"] = hide_addresses(texts["info ramblock"])
            return {"target": binary.target, "machine": machine, "hmp": texts}
        said = said or answer.refusal or answer.trouble
    return {"target": binary.target, "machine": machine, "said": said.replace(SCRATCH.name, "/tmp")}


def _sorted(tree: str) -> str:
    """The same text for the same tree: QEMU prints address spaces in the order of a hash table."""
    return "\n\n".join(sorted("\n".join(sorted(part.split("\n"))) for part in tree.split("\n\n")))
