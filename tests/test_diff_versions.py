"""Two guests of the model differ in what their real twins differ in, from QEMU to QEMU.

Only lines are compared that the model builds as the real QEMUs do; whether it does is tested elsewhere.
"""

from __future__ import annotations

import json
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from recorded import RECORDED, host_of, read_rows

import memkit
from memkit.diff import Difference, diff
from memkit.guest import Guest
from memkit.monitor.parser import read

CAPTURES = Path(__file__).parents[1] / "data" / "captures"
Side = Guest | memkit.Refused
PAIRS = pytest.mark.parametrize(("before", "after"), list(pairwise(RECORDED)))


@cache
def captured(version: str) -> dict[str, dict[str, Any]]:
    """Each command line, as JSON, with what the real QEMU of a version answered."""
    head, *rows = read_rows(CAPTURES / f"x86_64-{version}.jsonl.gz")
    return {json.dumps(row["argv"]): {**row, "host": host_of(head["host"], row.get("files"))} for row in rows}


def real(row: dict[str, Any]) -> Side:
    return memkit.Refused(row["refusal"]) if row.get("refusal") else read(row["hmp"])


def model(row: dict[str, Any], version: str) -> Side:
    try:
        return memkit.boot(row["argv"], qemu=version, host=row["host"])
    except memkit.Refused as refused:
        return refused


def told(found: Difference) -> set[tuple[str, str, object, object]]:
    """The changes that the real QEMUs' texts can tell, too: no warnings, and no machine type."""
    return {(c.kind, c.subject, c.before, c.after) for c in found.changes
            if not c.kind.startswith(("warning", "machine", "refusal"))}


@cache
def twins(version: str) -> dict[str, tuple[Side, Side]]:
    """What the real QEMU and the model make of each line, where it is the same."""
    found = {}
    for line, row in captured(version).items():
        theirs, ours = real(row), model(row, version)
        if isinstance(theirs, Guest) == isinstance(ours, Guest) and not diff(theirs, ours):
            found[line] = theirs, ours
    return found


@PAIRS
def test_the_model_tells_the_differences_of_the_real_qemus(before: str, after: str) -> None:
    old, new = twins(before), twins(after)
    wrong = {}
    for line in old.keys() & new.keys():
        theirs, ours = (told(diff(a, b)) for a, b in zip(old[line], new[line], strict=True))
        if theirs != ours:
            wrong[line] = theirs ^ ours
    assert wrong == {}
    assert len(old.keys() & new.keys()) > 300


def test_real_differences_between_versions_are_told_in_these_words() -> None:
    line = json.dumps(["-m", "4G", "-smp", "2", "-machine", "microvm"])
    first, second, third = (real(captured(version)[line]) for version in RECORDED[:3])
    assert diff(first, second).sentences == (
        "/rom@etc/table-loader grew from 4 KiB to 64 KiB.",
        "The guest now sees 16 ranges of virtio-mmio, the first at 0xfeb0_1000 and the last at 0xfeb0_2e00.",
        "The guest now sees ioapic (i/o) at 0xfec1_0000 to 0xfec1_0fff.",
    )
    assert diff(second, third).sentences == (
        "pc.bios grew from 64 KiB to 128 KiB.",
        "The guest sees microvm.ram (ram) shrink at 0x0, from 960 KiB to 896 KiB.",
        "The guest sees pc.bios (ram) at 0xe_0000 to 0xf_ffff instead of 0xf_0000 to 0xf_ffff.",
        "The guest sees pc.bios (ram) at 0xfffe_0000 to 0xffff_ffff instead of 0xffff_0000 to 0xffff_ffff.",
    )
