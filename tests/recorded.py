"""What real QEMUs answered to recorded command lines, and ways to spoil a command line.

data/captures has whole answers; tests/answers-VERSION.jsonl.gz has first lines, for each option and mistake.
"""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import memkit

__all__ = [
    "ASKED", "RECORDED", "Capture", "answers", "captures", "host_of", "read_rows", "refusals", "spoilt",
]

ROOT = Path(__file__).parents[1]
# The QEMUs of distributions whose answers were recorded.
RECORDED = ("5.2", "7.2", "10.0", "11.1")
# Those and one that was built from source, which has fewer devices than a package.
ASKED = ("5.2", "7.2", "8.2", "10.0", "11.1")
# What typing slips put into a word.
SIGNS = "=,-.0123456789abckMG:/ {}[]\"'\\x"


@dataclass(frozen=True)
class Capture:
    """A command line with what QEMU said: the monitor's texts, or the first line of its refusal."""

    name: str
    argv: list[str]
    host: memkit.Host
    texts: dict[str, str] = field(default_factory=dict)
    refusal: str = ""
    key: str = ""
    qemu: str = "7.2"
    target: str | None = None


@cache
def captures(qemu: str = "7.2", target: str = "x86_64") -> tuple[Capture, ...]:
    """Every command line of data/captures/TARGET-QEMU.jsonl.gz."""
    head, *rows = read_rows(ROOT / "data" / "captures" / f"{target}-{qemu}.jsonl.gz")
    return tuple(
        Capture(
            row.get("id", f"{number}"), row["argv"], host_of(head["host"], row.get("files")),
            row.get("hmp", {}), row.get("refusal", ""), "", qemu, None if target == "x86_64" else target,
        )
        for number, row in enumerate(rows, 1)
    )


@cache
def answers(qemu: str = "7.2") -> tuple[Capture, ...]:
    """Every command line of tests/answers-QEMU.jsonl.gz; ``refusal`` is "" where QEMU starts."""
    head, *rows = read_rows(ROOT / "tests" / f"answers-{qemu}.jsonl.gz")
    host = memkit.Host.from_dict(head["host"])
    return tuple(
        Capture(row["kind"], row["argv"], host, {}, row["said"], row.get("key", ""), qemu) for row in rows
    )


def refusals(qemu: str = "7.2") -> dict[str, Capture]:
    """One command line for each kind of refusal that this QEMU was recorded with, by its key."""
    return {answer.key: answer for answer in answers(qemu) if answer.key}


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The lines of a file of JSON lines, unpacked."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def host_of(described: dict[str, Any], files: dict[str, int] | None) -> memkit.Host:
    """The host of a recording, with the files that one line needed."""
    if not files:
        return _shared_host(json.dumps(described))
    return memkit.Host.from_dict({**described, "files": {**described["files"], **files}})


@cache
def _shared_host(described: str) -> memkit.Host:
    return memkit.Host.from_dict(json.loads(described))


def spoilt(argv: list[str], luck: random.Random) -> list[str]:
    """``argv`` after one to three slips: words or characters lost, doubled, swapped or mistyped."""
    words = list(argv)
    for _ in range(luck.choice((1, 1, 1, 2, 3))):
        if not words:
            break
        place = luck.randrange(len(words))
        word, other = words[place], luck.randrange(len(words))
        at = luck.randrange(len(word) + 1)
        parts = word.split(",")
        part = luck.randrange(len(parts))
        match luck.randrange(10):
            case 0:
                del words[place]
            case 1:
                words.insert(place, words[other])
            case 2:
                words[place], words[other] = words[other], word
            case 3:
                words[place] = word[:at] + word[at + 1:]
            case 4:
                words[place] = word[:at] + luck.choice(SIGNS) + word[at:]
            case 5:
                words[place] = word[:at] + luck.choice(SIGNS) + word[at + 1:]
            case 6:
                words[place] = word[:at]
            case 7:
                words[place] = ",".join(parts[:part] + parts[part + 1:])
            case 8:
                words[place] = ",".join([*parts, parts[part]])
            case _:
                words[place] = word[:at] + word[at:at + 3] * luck.choice((2, 9)) + word[at:]
    return words
