"""What two captures files say differently to the same command lines."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .captures import hide_addresses
from .lines import read_rows

__all__ = ["Comparison", "columns", "compare"]

_PROGRAM = re.compile(r"qemu-system-\w+: ")


@dataclass(frozen=True)
class Comparison:
    """How many lines both files have, and those that differ: the command line, then what is - and + there."""

    both: int
    differ: list[str]


def compare(old: Path, new: Path) -> Comparison:
    """The Comparison of two captures files, by command line; raises MemkitError for what is no such file."""
    before = {tuple(row["argv"]): row for row in read_rows(old) if "argv" in row}
    both, differ = 0, []
    for row in read_rows(new):
        if tuple(row.get("argv", ())) in before and "argv" in row:
            both += 1
            lines = list(_changes(columns(before[tuple(row["argv"])]), columns(row)))
            if lines:
                differ.append("\n".join([shlex.join(row["argv"]), *lines]))
    return Comparison(both, differ)


def columns(row: dict[str, Any]) -> dict[str, list[str]]:
    """The lines of each text of a capture, without what differs from run to run of one QEMU.

    These are host addresses and the order of the stanzas of ``info memdev`` (a hash table).
    A refusal may stand as ``refusal``, or within ``stderr``, QEMU's whole words.
    """
    texts = {name: text for name, text in (row.get("hmp") or {}).items() if text is not None}
    found = {name: _lines(text) for name, text in texts.items()}
    if not found:
        said = row.get("refusal")
        if said is None:
            whole = [_PROGRAM.sub("", line, count=1) for line in _lines(row.get("stderr", ""))]
            said = next((line for line in whole if "warning: " not in line), "")
        return {"refusal": [said.strip() or row.get("trouble", "")]}
    if "info ramblock" in found:
        found["info ramblock"] = _lines(hide_addresses(texts["info ramblock"].replace("\r", "")))
    if "info memdev" in found:
        stanzas = re.split(r"(?m)^(?=memory backend)", texts["info memdev"])
        found["info memdev"] = [line for stanza in sorted(stanzas) for line in _lines(stanza)]
    return found


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.replace("\r", "").splitlines() if line.strip()]


def _changes(before: dict[str, list[str]], after: dict[str, list[str]]) -> Iterator[str]:
    names = [*after, *(name for name in before if name not in after)]
    outcomes = ("refusal" in before, "refusal" in after)
    if True in outcomes and False in outcomes:
        yield f"  - {' '.join(before.get('refusal', ['starts']))}"
        yield f"  + {' '.join(after.get('refusal', ['starts']))}"
        return
    for name in names:
        # A text that only one file asked for tells nothing of QEMU.
        if name in before and name in after and before[name] != after[name]:
            yield f"  {name}"
            for line in difflib.ndiff(before[name], after[name]):
                if line[0] in "+-":
                    yield f"    {line}"
