"""Captures: command lines, and what a QEMU answered to each of them.

A line is started as ``memkit.launch`` starts it: paused, under TCG, cut off from monitors, displays and
networks.  Files and directories that a line needs and that are missing here are made for the time of
the start, without content.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from memkit.errors import CommandLineError, MemkitError
from memkit.host import Host
from memkit.qemu.host import observe_host
from memkit.qemu.process import backing_files
from memkit.qemu.safety import Plan, UnsafeOption, make_safe

from .ask import Answer, Binary
from .lines import Line, Lines

__all__ = ["answer_row", "flat_view", "hide_addresses", "record_captures", "stand_ins", "write_captures"]

QUESTIONS = ("info ramblock", "info memdev", "info memory-devices", "info numa", "info mtree -f")
FLAT = "memory flatview"
# Where a host address stood, which differs from run to run: what the column holds instead.
HIDDEN = "0x0000000000000000"
_FOURTH = re.compile(r"(?m)^(.*?(?: +0x[0-9a-f]{16}){3} +)0x[0-9a-f]{16}")
_RANGE = re.compile(r"\s*[0-9a-f]{16}-[0-9a-f]{16} ")


def record_captures(
    binary: Binary, lines: Lines, host: Mapping[str, Any] | None = None, tree: bool = False,
    seconds: float = 30.0, questions: Sequence[str] = QUESTIONS,
) -> list[dict[str, Any]]:
    """The rows of a captures file, the head first; ``tree`` asks for ``info mtree``, too.

    What cannot be recorded, because it would escape from its process, is told on stderr and left out.
    Raises MemkitError if the host that the lines want cannot be, or is not this one.
    """
    described = host or lines.host
    if described is not None:
        _check_host(Host.from_dict(described))
    rows: list[dict[str, Any]] = []
    counts: Counter[str] = Counter()
    paths: list[str] = []
    wanted = described or {}
    questions = [*questions, *(["info mtree"] if tree else [])]
    directories = [binary.outside(path) for path in wanted.get("directories", ())]
    with stand_ins(_outside(binary, wanted.get("files", {})), directories):
        for number, line in enumerate(lines.lines, 1):
            try:
                plan = make_safe(line.argv)
            except (CommandLineError, UnsafeOption) as e:
                print(f"{number}: left out: {e}", file=sys.stderr)
                counts["left out"] += 1
                continue
            paths += [*plan.files, *plan.disks]
            row = _start(binary, line, plan, questions, seconds)
            rows.append(row)
            kind = "in trouble" if "trouble" in row else "refused" if "refusal" in row else "started"
            counts[kind] += 1
            if kind == "in trouble":
                print(f"{number}: {row['trouble']}: {' '.join(line.argv)[:200]}", file=sys.stderr)
            if number % 20 == 0 or number == len(lines.lines):
                print(f"{number} of {len(lines.lines)} lines", file=sys.stderr)
        # While the stand-ins are there.
        offered = dict(described) if described is not None else _host_here(paths)
    print(", ".join(f"{count} {kind}" for kind, count in counts.items()), file=sys.stderr)
    return [_head(binary, offered), *rows]


def _start(
    binary: Binary, line: Line, plan: Plan, questions: Sequence[str], seconds: float
) -> dict[str, Any]:
    backing = [binary.outside(path) for path in plan.files]
    with stand_ins(_outside(binary, line.kept.get("files", {}))), backing_files(backing):
        answer = binary.start(plan.argv, questions, seconds)
    row = {"argv": line.argv, **line.kept}
    if plan.notes:
        row["changed"] = [note.removeprefix("launch ") for note in plan.notes]
    return row | answer_row(answer, questions)


def _outside(binary: Binary, files: Mapping[str, int]) -> dict[str, int]:
    return {binary.outside(path): size for path, size in files.items()}


def answer_row(answer: Answer, questions: Sequence[str]) -> dict[str, Any]:
    """``hmp``, the monitor's texts; or ``refusal``, the first line; or ``trouble`` and what came before."""
    if not answer.started:
        said = answer.refusal
        trouble = {"trouble": answer.trouble} if answer.trouble else {}
        return trouble | ({"refusal": said} if said and said != f"({answer.trouble})" else {})
    texts = {q: text for q, text in zip(questions, answer.results, strict=True) if isinstance(text, str)}
    if "info mtree -f" in texts:
        texts[FLAT] = flat_view(texts.pop("info mtree -f"))
    if "info ramblock" in texts:
        texts["info ramblock"] = hide_addresses(texts["info ramblock"])
    return {"hmp": texts}


def hide_addresses(text: str) -> str:
    """``info ramblock`` with the column HVA (host addresses; since 8.0) set to zero.

    >>> row = "ram  4 KiB  0x0000000000000000 0x0000000008000000 0x0000000008000000 0x00007f0a33e00000  rw"
    >>> hide_addresses(row)[-22:]
    '0x0000000000000000  rw'
    """
    return _FOURTH.sub(rf"\g<1>{HIDDEN}", text)


def flat_view(text: str) -> str:
    """The ranges of ``info mtree -f`` that serve the address space ``memory`` (guest physical addresses)."""
    parts = [part for part in text.split("FlatView #") if 'AS "memory"' in part]
    return "\n".join(line for line in "".join(parts[:1]).splitlines() if _RANGE.match(line))


@contextlib.contextmanager
def stand_ins(files: Mapping[str, int], directories: Sequence[str] = ()) -> Iterator[None]:
    """Files (path → bytes, all holes) and directories where there are none, until the end of the block."""
    made: list[Path] = []
    try:
        try:
            for path in map(Path, directories):
                for missing in [p for p in (*reversed(path.parents), path) if not p.exists()]:
                    missing.mkdir()
                    made.append(missing)
            for path in map(Path, files):
                if not path.exists():
                    path.touch()
                    made.append(path)
                    os.truncate(path, files[str(path)])
        except OSError as e:
            raise MemkitError(f"cannot make {e.filename}, which the lines need: {e.strerror}") from None
        yield
    finally:
        for path in reversed(made):
            with contextlib.suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()


def _check_host(wanted: Host) -> None:
    """Raise MemkitError if this machine would make QEMU say other things than on the described host."""
    here = observe_host()
    want, have = wanted.overcommit, here.overcommit
    differ = [f"overcommit is {want!r}, here {have!r} (vm.overcommit_memory)"] if want != have else []
    for point, mount in wanted.mounts.items():
        if mount.fs == "hugetlbfs" and here.mounts.get(point) != mount:
            pages = f"{mount.free_pages} free pages of {mount.page_size} bytes"
            differ.append(f"{point} has {pages}, here it has not")
    if differ:
        raise MemkitError(
            f"the lines want another host than this one: {'; '.join(differ)}. Make it so, as "
            "docs/adding-a-qemu.md shows, or describe this one with --host FILE"
        )


def _host_here(paths: list[str]) -> dict[str, Any]:
    """This machine as a host, as far as the lines look at it."""
    seen = observe_host(paths)
    looked = ["/", "/dev/shm/", *(os.path.abspath(path) + "/" for path in paths)]
    mounts = {
        point: {k: v for k, v in asdict(mount).items() if v is not None}
        for point, mount in seen.mounts.items()
        if mount.fs == "hugetlbfs" or any(path.startswith(point.rstrip("/") + "/") for path in looked)
    }
    return {
        "arch": seen.arch, "accelerator": seen.accelerator, "page_size": seen.page_size, "mounts": mounts,
        "directories": list(seen.directories), "files": dict(seen.files), "overcommit": seen.overcommit,
        "numa_nodes": seen.numa_nodes,
    }


def _head(binary: Binary, host: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "about": {
            "program": f"qemu-system-{binary.target} {binary.short}, under TCG, paused (-S)",
            "qemu": binary.version, "date": date.today().isoformat(), "script": "tools/record",
            "what": "command lines, and what QEMU answered: its monitor's texts, or the first line of its "
            "refusal (warning: lines left out)",
            "licence": "CC0 1.0",
        },
        "host": {k: v for k, v in host.items() if k != "about"},
    }


def write_captures(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write .jsonl.gz: a row a line, and the same rows always give the same bytes."""
    packed = io.BytesIO()
    with gzip.GzipFile("", "wb", 9, packed, mtime=0) as out:
        for row in rows:
            out.write((json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n").encode())
    path.write_bytes(packed.getvalue())
    print(f"{path}: {path.stat().st_size} bytes")
