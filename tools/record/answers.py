"""Answers: the first line that a QEMU writes to many command lines, without warnings; "" where it starts.

The lines come from a text file or from a file of answers of another release, which is answered anew in its
own form: a row has its ``argv`` and what was ``said``, or its ``line`` and what each release ``said``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memkit.config.words import split
from memkit.errors import CommandLineError, MemkitError

from .ask import Binary
from .captures import record_captures
from .lines import Line, Lines, read_lines, read_rows

__all__ = ["Asked", "read_asked", "record_answers"]

WHAT = (
    'the first line that QEMU wrote to stderr, without its name and without warnings; "" where it started; '
    "key is the refusal's name in memkit.boards.refusals"
)
# What rows of a text file are called: where the line came from.
KIND = "lines"


@dataclass(frozen=True)
class Asked:
    """Command lines with the rows that they came from, and the head of their file ({} for text)."""

    lines: Lines
    rows: list[dict[str, Any]]
    head: Mapping[str, Any]


def read_asked(path: Path, target: str) -> Asked:
    """The command lines of a text file or of a file of answers; raises MemkitError that names the file.

    >>> read_asked(Path("no/such/file"), "x86_64")
    Traceback (most recent call last):
    memkit.errors.MemkitError: cannot read no/such/file: No such file or directory
    """
    if not path.name.endswith((".jsonl", ".jsonl.gz")):
        lines = read_lines(path, target)
        return Asked(lines, [{"kind": KIND, "argv": line.argv} for line in lines.lines], {})
    head: Mapping[str, Any] = {}
    rows: list[dict[str, Any]] = []
    argvs: list[list[str]] = []
    for number, row in enumerate(read_rows(path), 1):
        if "argv" in row or "line" in row:
            rows.append(row)
            argvs.append(_words(row, f"{path}, line {number}"))
        else:
            head = row
    if not rows:
        raise MemkitError(f"{path} has no command line; write one a line, in a file that is not .jsonl")
    return Asked(Lines([Line(argv) for argv in argvs], head.get("host")), rows, head)


def _words(row: Mapping[str, Any], place: str) -> list[str]:
    """The command line of a row, whose older answers must be as this recorder writes them."""
    said = row.get("said", {} if "line" in row else "")
    if not isinstance(said, dict if "line" in row else str):
        raise MemkitError(f"{place}: said is a text beside argv, an object (release → text) beside line")
    if "argv" in row:
        return list(row["argv"])
    try:
        return list(split(str(row["line"]))[2])
    except CommandLineError as e:
        raise MemkitError(f"{place}: {e}") from None


def record_answers(
    binary: Binary, asked: Asked, host: Mapping[str, Any] | None = None, seconds: float = 30.0
) -> list[dict[str, Any]]:
    """The rows of a file of answers, the head first, in the form of the file that was asked.

    A line that hangs QEMU or ends it without a word, or that would have to be changed to keep it from the
    host (an accelerator, a network, a file that is written), is told on stderr and has no answer.  A ``key``
    is kept where the words are the same.  Raises MemkitError if the host is not as the lines want it.
    """
    numbered = [Line(line.argv, {**line.kept, "id": str(n)}) for n, line in enumerate(asked.lines.lines)]
    lines = Lines(numbered, asked.lines.host)
    first, *found = record_captures(binary, lines, host, seconds=seconds, questions=())
    heard: dict[int, str] = {}
    for row in found:
        # What is left out of a line could be what QEMU refuses.
        if "changed" in row:
            print(f"{int(row['id']) + 1}: no answer: {'; '.join(row['changed'])}", file=sys.stderr)
        elif "refusal" in row or "trouble" not in row:
            # An abort tells why, too.
            heard[int(row["id"])] = _of_word(row.get("refusal", ""), row["argv"])
    rows = [
        answered
        for number, row in enumerate(asked.rows)
        if (answered := _answered(row, heard.get(number), binary.short)) is not None
    ]
    about = first["about"] | {"what": WHAT}
    if any("line" in row for row in asked.rows):
        old = asked.head.get("about", {})
        about = old | {"asked": {**old.get("asked", {}), binary.short: binary.version}}
    return [{"about": about, "host": first["host"]}, *rows]


def _of_word(said: str, argv: Sequence[str]) -> str:
    """The words about a disk image without option, which the start gives as -drive, as they are without."""
    for word in argv:
        start = f"-drive file={word.replace(',', ',,')}: "
        if said.startswith(start):
            return f"{word}: {said.removeprefix(start)}"
    return said


def _answered(row: Mapping[str, Any], said: str | None, release: str) -> dict[str, Any] | None:
    """A row with this release's answer; None if it has no answer and so nothing to say."""
    if "line" in row:
        others = {name: text for name, text in row.get("said", {}).items() if name != release}
        both = others | ({} if said is None else {release: said})
        order = sorted(both, key=lambda name: [int(part) for part in name.split(".")])
        return {**row, "said": {name: both[name] for name in order}}
    if said is None:
        return None
    new = {name: value for name, value in row.items() if name != "key"} | {"said": said}
    return new | ({"key": row["key"]} if "key" in row and row.get("said") == said else {})
