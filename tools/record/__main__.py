"""Record what a QEMU says: facts about it, and its answers to command lines.

usage: python -m tools.record facts [--root DIR] [--target NAME] [--only PART ...] [--types PATTERN]
                                       [--out DIR]
       python -m tools.record captures [--root DIR] --lines FILE [--host FILE] -o OUT.jsonl.gz
       python -m tools.record acpi [--root DIR] [--out DIR]
       python -m tools.record answers [--root DIR] --lines FILE [--host FILE] -o OUT.jsonl.gz
       python -m tools.record all_of_ram [--root DIR] -o OUT.json
       python -m tools.record migrations [--root DIR] [--to-root DIR] [--only PATTERN] -o OUT.jsonl.gz
       python -m tools.record workloads [--root DIR] [--only PATTERN] -o OUT.json
       python -m tools.record hazards [--root DIR] [--only ID ...] -o OUT.json
       python -m tools.record atlas [--root DIR] -o OUT.json
       python -m tools.record real [--root DIR] -o OUT.json
       python -m tools.record reading_proof [--root DIR] -o OUT.jsonl.gz
       python -m tools.record compare OLD.jsonl.gz NEW.jsonl.gz

Every fact is asked of the program: help texts, and some thousands of short starts under TCG, paused, over
QMP on a socket without a name.  Each process is ended before the next question.  ``facts`` writes
DIR/devices/TARGET-VERSION.json, DIR/machines/TARGET-VERSION.json and DIR/windows/TARGET-VERSION.json;
``acpi`` reads the tables in a paused QEMU's memory and writes DIR/acpi/TARGET-VERSION.json.
data/README.md explains the files, docs/adding-a-qemu.md the way.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from memkit.errors import MemkitError

from .acpi import record_acpi
from .all_of_ram import record_all_of_ram
from .answers import read_asked, record_answers
from .ask import Binary
from .atlas import record_atlas
from .board_windows import record_board_windows
from .captures import record_captures, write_captures
from .compare import compare
from .devices import record_devices
from .files import write, write_spaced
from .hazards import record_hazards, write_record
from .lines import read_lines, read_rows
from .machines import record_machines
from .migration_all import record_all
from .reading_proof import record_reading_proof
from .real import record_real
from .shorter import take_rules, use_shorter
from .targets import target, target_names
from .windows import record_windows
from .workloads import record_workloads

PARTS = ("devices", "machines", "windows")


def main(argv: Sequence[str] | None = None) -> int:
    """Do what was asked for; 0 if it worked (``compare``: if nothing differs), else 1, 130 after Ctrl-C."""
    words = _parser().parse_args(argv)
    try:
        code: int = words.do(words)
    except (MemkitError, OSError) as e:
        print(f"record: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("record: stopped; nothing was written for what was not done", file=sys.stderr)
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    about = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m tools.record", description=about)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    facts = verbs.add_parser("facts", help="record devices, machine types, CPU models and windows of boards")
    facts.set_defaults(do=_facts)
    facts.add_argument("--target", choices=target_names(), help="ask qemu-system-NAME")
    facts.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="the parts to record")
    facts.add_argument(
        "--types", type=_pattern, default="", metavar="PATTERN",
        help="for a try: only the devices, machine types and CPU models that match (a regular expression)",
    )
    facts.add_argument(
        "--like", type=Path, metavar="FILE",
        help="a quarter of the starts: take how properties set sizes from this recording of another release",
    )
    facts.add_argument("--jobs", type=_jobs, default=2, help="QEMUs at a time")
    acpi = verbs.add_parser("acpi", help="record how long the pieces of the ACPI tables are")
    acpi.set_defaults(do=_acpi)
    for verb in (facts, acpi):
        verb.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "data")
    sets = verbs.add_parser("all_of_ram", help="record what each subsystem of QEMU takes for all of RAM")
    sets.set_defaults(do=_all_of_ram)
    sets.add_argument("-o", "--out", type=Path, required=True, metavar="OUT.json")
    captures = verbs.add_parser("captures", help="record what QEMU answers to command lines")
    captures.set_defaults(do=_captures)
    captures.add_argument("--mtree", action="store_true", help="keep info mtree, too")
    answers = verbs.add_parser("answers", help="record only the first line that QEMU says to each")
    answers.set_defaults(do=_answers)
    for verb in (captures, answers):
        verb.add_argument(
            "--lines", type=Path, required=True, metavar="FILE",
            help="a command line a line, or captures or answers to repeat",
        )
        verb.add_argument(
            "--host", type=Path, metavar="FILE",
            help="a host as JSON, whose files are made for the time; else that of the captures, or this one",
        )
        verb.add_argument("--seconds", type=_seconds, default=30.0, help="how long QEMU may be silent")
        verb.add_argument("-o", "--out", type=_packed, required=True, metavar="OUT.jsonl.gz")
    migrations = verbs.add_parser("migrations", help="migrate guests, and record what became of them")
    migrations.set_defaults(do=_migrations)
    migrations.add_argument("--to-root", type=Path, metavar="DIR", help="another root, for the destination")
    migrations.add_argument(
        "--only", type=_pattern, default="", metavar="PATTERN",
        help="only the cases whose id has the pattern (a regular expression); other rows of OUT stay",
    )
    migrations.add_argument("-o", "--out", type=_packed, required=True, metavar="OUT.jsonl.gz")
    writers = verbs.add_parser("workloads", help="record how QEMU migrates guests that write their memory")
    writers.set_defaults(do=_workloads)
    writers.add_argument("--only", type=_pattern, default="", metavar="PATTERN", help="workloads that match")
    writers.add_argument("-o", "--out", type=Path, required=True, metavar="OUT.json")
    hazards = verbs.add_parser("hazards", help="try the rules about hazards, and record what was seen")
    hazards.set_defaults(do=_hazards)
    hazards.add_argument("--only", nargs="+", default=(), metavar="ID", help="the rules to try anew")
    hazards.add_argument("-o", "--out", type=Path, required=True, metavar="OUT.json")
    pairs = verbs.add_parser("atlas", help="record what QEMU says to the lines of the atlas")
    pairs.set_defaults(do=_atlas)
    pairs.add_argument("-o", "--out", type=Path, required=True, metavar="OUT.json")
    cells = verbs.add_parser("real", help="record what the notebooks show of a real QEMU")
    cells.set_defaults(do=_real)
    cells.add_argument("-o", "--out", type=Path, required=True, metavar="OUT.json")
    for verb in (facts, acpi, sets, captures, answers, migrations, writers, hazards, pairs, cells):
        verb.add_argument("--binary", default="qemu-system-x86_64", help="the QEMU program to ask")
        verb.add_argument("--root", type=Path, metavar="DIR", help="the root directory that has the program")
    boards = verbs.add_parser("reading_proof", help="record the region trees of all machine types that start")
    boards.set_defaults(do=_reading_proof)
    boards.add_argument("--root", type=Path, metavar="DIR", help="the root directory that has the programs")
    boards.add_argument("-o", "--out", type=_packed, required=True, metavar="OUT.jsonl.gz")
    both = verbs.add_parser("compare", help="show where two captures files differ")
    both.set_defaults(do=_compare)
    both.add_argument("old", type=Path)
    both.add_argument("new", type=Path)
    return parser


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as e:
        raise argparse.ArgumentTypeError(f"{text!r} is no regular expression: {e}") from None
    return text


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"a number from 1 to 64, not {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError(f"a number of seconds above 0, at most 3600, not {text!r}")
    return seconds


def _packed(text: str) -> Path:
    if not text.endswith(".jsonl.gz"):
        raise argparse.ArgumentTypeError(f"captures are packed: write NAME.jsonl.gz, not {text!r}")
    return Path(text)


def _facts(words: argparse.Namespace) -> int:
    program = f"qemu-system-{words.target}" if words.target else words.binary
    binary = Binary(program, words.jobs, words.root, words.types)
    name = f"{binary.target}-{binary.short}.json"
    known = use_shorter(binary.target, words.like) if words.like else None
    try:
        for part in words.only:
            path = words.out / part / name
            if part == "windows":
                record = record_windows if binary.target == "x86_64" else record_board_windows
                record(binary, path)
            elif part == "machines":
                write(path, record_machines(binary))
            else:
                found = record_devices(binary)
                if known is not None:
                    take_rules(found, known, target(binary.target).boards)
                write(path, found)
    finally:
        binary.stop()
    return 0


def _acpi(words: argparse.Namespace) -> int:
    binary = Binary(words.binary, root=words.root)
    path = words.out / "acpi" / f"{binary.target}-{binary.short}.json"
    write_spaced(path, record_acpi(binary))
    return 0


def _all_of_ram(words: argparse.Namespace) -> int:
    record_all_of_ram(Binary(words.binary, root=words.root), words.out)
    return 0


def _workloads(words: argparse.Namespace) -> int:
    write(words.out, record_workloads(Binary(words.binary, root=words.root), words.only))
    return 0


def _atlas(words: argparse.Namespace) -> int:
    write(words.out, record_atlas(_to_answer(words)))
    return 0


def _real(words: argparse.Namespace) -> int:
    record_real(_to_answer(words), words.out)
    return 0


def _reading_proof(words: argparse.Namespace) -> int:
    write_captures(words.out, record_reading_proof(words.root))
    return 0


def _hazards(words: argparse.Namespace) -> int:
    binary = _to_answer(words)
    write_record(words.out, record_hazards(binary, words.only), words.only)
    return 0


def _captures(words: argparse.Namespace) -> int:
    binary = _to_answer(words)
    lines = read_lines(words.lines, binary.target)
    if lines.others:
        print(f"{lines.others} lines are for other targets than {binary.target}", file=sys.stderr)
    write_captures(words.out, record_captures(binary, lines, _host(words), words.mtree, words.seconds))
    return 0


def _answers(words: argparse.Namespace) -> int:
    binary = _to_answer(words)
    asked = read_asked(words.lines, binary.target)
    write_captures(words.out, record_answers(binary, asked, _host(words), words.seconds))
    return 0


def _migrations(words: argparse.Namespace) -> int:
    binary = _to_answer(words)
    other = Binary(words.binary, root=words.to_root) if words.to_root else None
    old = list(read_rows(words.out)) if words.only and words.out.exists() else []
    write_captures(words.out, record_all(binary, other, words.only, old))
    return 0


def _to_answer(words: argparse.Namespace) -> Binary:
    """The QEMU to ask, once it is sure that its answers can be written."""
    words.out.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(words.out.parent, os.W_OK):
        raise MemkitError(f"nothing can be written into {words.out.parent}; give -o another place")
    return Binary(words.binary, root=words.root)


def _host(words: argparse.Namespace) -> dict[str, Any] | None:
    if words.host is None:
        return None
    try:
        host: dict[str, Any] = json.loads(words.host.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise MemkitError(f"cannot read the host description {words.host}: {e}") from None
    return host


def _compare(words: argparse.Namespace) -> int:
    found = compare(words.old, words.new)
    for text in found.differ:
        print(text)
    print(f"{found.both} command lines are in both files; {len(found.differ)} have another answer")
    return 1 if found.differ or not found.both else 0


if __name__ == "__main__":
    # To be ended by a friendly kill is like Ctrl-C: QEMU goes first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
