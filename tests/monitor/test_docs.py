"""What docs/reading.md shows and counts is so."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

from recorded import RECORDED, read_rows

from memkit.monitor import parse_blocks, parse_mtree, parse_text

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "reading.md").read_text(encoding="utf-8")


def test_the_example_works() -> None:
    done = doctest.testfile(str(ROOT / "docs" / "reading.md"), module_relative=False)
    assert done.attempted
    assert not done.failed


def test_the_numbers_of_machine_types_and_targets_are_those_of_the_recordings() -> None:
    rows = [r for q in RECORDED for r in read_rows(ROOT / "data" / "captures" / f"machines-{q}.jsonl.gz")[1:]]
    told = re.search(r"(\d+) of (\d+) targets", TEXT)
    assert told is not None
    assert (len(rows), len({row["target"] for row in rows})) == (int(told[1]), int(told[2]))


def test_the_limits_are_those_of_the_reader() -> None:
    assert f"{parse_text.MAX_LENGTH // 1_000_000} million characters" in TEXT
    for limit in (parse_text.MAX_LINES, parse_mtree.MAX_REGIONS, parse_blocks.MOST_THINGS):
        assert f"{limit:,}" in TEXT
