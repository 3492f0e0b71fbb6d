"""Command lines to record: a text file with one a line, or a captures file to repeat."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from memkit.config.words import split
from memkit.errors import CommandLineError, HostError, MemkitError
from memkit.host import Host

__all__ = ["Line", "Lines", "read_lines", "read_rows"]

# What a repeated line keeps: who it is, where it was found, and the files that it needs (path → bytes).
KEPT = ("id", "source", "files")


@dataclass(frozen=True)
class Line:
    """One command line without the program; ``kept`` has what belongs to it besides."""

    argv: list[str]
    kept: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Lines:
    """Command lines, the host that they want (as for ``Host.from_dict``), how many are for other targets."""

    lines: list[Line]
    host: Mapping[str, Any] | None = None
    others: int = 0


def read_lines(path: Path, target: str) -> Lines:
    """The command lines of a file: .jsonl or .jsonl.gz is a captures file, all else is text.

    In text, ``#`` starts a comment line, and a line may begin with the program, as it is pasted.  Lines for
    another target are counted and left out.  Raises MemkitError that names the file and the line.

    >>> read_lines(Path("no/such/file"), "x86_64")
    Traceback (most recent call last):
    memkit.errors.MemkitError: cannot read no/such/file: No such file or directory
    """
    found: list[Line] = []
    host: Mapping[str, Any] | None = None
    others = 0
    if path.name.endswith((".jsonl", ".jsonl.gz")):
        for number, row in enumerate(read_rows(path), 1):
            if "argv" not in row:
                host = row.get("host")
            elif row.get("target", target) == target:
                _check_files(row.get("files") or {}, f"{path}, line {number}")
                found.append(Line(row["argv"], {k: row[k] for k in KEPT if row.get(k)}))
            else:
                others += 1
    else:
        for number, text in enumerate(_text(path).splitlines(), 1):
            if not text.strip() or text.lstrip().startswith("#"):
                continue
            try:
                named, _, words = split(text)
            except CommandLineError as e:
                raise MemkitError(f"{path}, line {number}: {e}") from None
            if named in (None, target):
                found.append(Line(words))
            else:
                others += 1
    if not found:
        raise MemkitError(f"{path} has no command line for qemu-system-{target}; write one a line")
    return Lines(found, host, others)


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a captures file, one a line; raises MemkitError where that is no such file."""
    for number, text in enumerate(_text(path).splitlines(), 1):
        try:
            row = json.loads(text)
        except ValueError as e:
            raise MemkitError(f"{path}, line {number} is not JSON: {e}") from None
        argv = row.get("argv", []) if isinstance(row, dict) else None
        if not isinstance(argv, list) or not all(isinstance(word, str) for word in argv):
            raise MemkitError(f"{path}, line {number}: a capture is an object with argv, a list of words")
        yield row


def _check_files(files: Any, place: str) -> None:
    try:
        Host.from_dict({"files": files})
    except HostError as e:
        raise MemkitError(f"{place}: {e}") from None


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    except FileNotFoundError as e:
        raise MemkitError(f"cannot read {path}: {e.strerror}") from None
    except (OSError, EOFError, ValueError) as e:
        raise MemkitError(f"cannot read {path}: {e}") from None
