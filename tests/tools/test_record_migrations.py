"""Migrations are judged by what the destination's memory holds, and leave nothing behind."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import memkit
from memkit.errors import MemkitError
from tools.record.ask import Binary
from tools.record.migration_all import all_cases, merged
from tools.record.migration_case import Case
from tools.record.migration_cases import board
from tools.record.migration_guest import mark, one_word
from tools.record.migration_layouts import map_bar
from tools.record.migration_places import HOST, open_places
from tools.record.migrations import run_case

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "data" / "migrations").glob("x86_64-*.jsonl.gz"))
OUTCOMES = {"completes", "refused", "fails", "hangs", "corrupts"}


def rows(path: Path) -> list[dict[str, Any]]:
    """The lines of a file of migrations, the head first."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


# -- cases


def test_each_case_has_a_name_of_its_own() -> None:
    names = Counter(case.id for case in (*all_cases(), *all_cases(across=True)))
    assert [name for name, count in names.items() if count > 1] == []


def test_a_row_tells_only_what_is_unusual() -> None:
    case = Case("a/b", ["-m", "64M"], None, capabilities=("mapped-ram",), transport="file")
    assert case.row() == {
        "id": "a/b", "source": ["-m", "64M"], "destination": None, "mode": "precopy",
        "capabilities": ["mapped-ram"], "transport": "file",
    }


def test_a_bar_is_programmed_by_its_configuration_register() -> None:
    assert map_bar(3, 2, 0xE0000000) == [
        "o /w 0xcf8 0x80001818", "o /w 0xcfc 0xe0000000", "o /w 0xcf8 0x80001804", "o /h 0xcfc 0x2",
    ]


def test_rows_of_an_earlier_recording_stay_where_nothing_new_was_seen() -> None:
    old = [{"id": "a", "outcome": "fails"}, {"id": "b", "outcome": "fails"}]
    found = merged(old, [{"id": "b", "outcome": "completes"}], {"b": 0, "a": 1})
    assert found == [{"id": "b", "outcome": "completes"}, {"id": "a", "outcome": "fails"}]


# -- marks


def test_a_mark_is_never_empty_and_differs_by_address_and_region() -> None:
    pages = [mark("pc.ram", 0), mark("pc.ram", 4096), mark("m1", 0)]
    assert len(set(pages)) == 3
    assert all(any(page) and len(page) == 4096 for page in pages)


def test_pages_that_fared_differently_are_counted() -> None:
    page = mark("m1", 0)
    assert one_word([(page, page)] * 3) == "copied"
    assert one_word([(page, None)]) == "absent"
    mixed = [(page, bytes(4096)), (page, mark("m1", 4096)), (page, page)]
    assert one_word(mixed) == "copied 1, other 1, zero 1"


# -- places


def test_the_files_of_a_host_hold_something_and_are_gone_afterwards(tmp_path: Path) -> None:
    with open_places("memkit-test-places", {"/mem/a": 2 << 20}, str(tmp_path)) as real:
        path = Path(real["/mem"]) / "a"
        assert path.read_bytes()[:4096] == mark("file", 0)
        assert path.stat().st_size == 2 << 20
        assert real["/link"] == str(tmp_path)
    assert not any(os.path.exists(place) for name, place in real.items() if name != "/link")


def test_a_file_elsewhere_is_refused_by_name(tmp_path: Path) -> None:
    place = open_places("memkit-test-elsewhere", {"/etc/passwd": 1}, str(tmp_path))
    with pytest.raises(MemkitError, match="not /etc/passwd"), place:
        pass


# -- a real migration


@pytest.mark.needs_qemu
@pytest.mark.needs_root
def test_memory_that_arrives_completes_and_memory_that_does_not_corrupts(qemu: str) -> None:
    binary = Binary(qemu)
    shared = board(kind="tmpfs-shared", name="tested", size="16M")
    moved = run_case(Case("moved", board(size="16M"), board(size="16M")), binary)
    assert (moved["outcome"], set(moved["content"].values())) == ("completes", {"copied"})
    lost = run_case(Case("lost", shared, shared, capabilities=("x-ignore-shared",), two_hosts=True), binary)
    assert (lost["outcome"], lost["where"], lost["content"]["tested"]) == ("corrupts", "memory", "zero")
    assert lost["status"] == {"source": "completed", "destination": "completed"}
    assert not list(Path("/dev/shm").glob("memkit-*-[sd]/tested"))


@pytest.mark.needs_qemu
@pytest.mark.needs_root
def test_a_destination_without_the_block_fails_in_qemus_words(qemu: str) -> None:
    case = Case("name", board(size="16M"), board(kind="anon", name="m0", size="16M"))
    row = run_case(case, Binary(qemu))
    assert (row["outcome"], row["where"]) == ("fails", "destination")
    assert row["message"] == 'Unknown ramblock "pc.ram", cannot accept migration'


# -- what was recorded


def test_migrations_of_three_releases_were_recorded() -> None:
    assert {"x86_64-7.2.jsonl.gz", "x86_64-10.0.jsonl.gz", "x86_64-11.1.jsonl.gz"} <= {f.name for f in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(".jsonl.gz"))
def test_recorded_rows_are_whole(path: Path) -> None:
    head, *found = rows(path)
    memkit.Host.from_dict(head["host"])
    assert head["host"] == HOST
    assert len({row["id"] for row in found}) == len(found)
    for row in found:
        if row.get("kind") == "capabilities":
            assert all(set(key.split("+")) <= set(row["capabilities"]) for key in row["refused"]), row["id"]
            continue
        assert row["outcome"] in OUTCOMES, row["id"]
        lost = any(word != "copied" for word in row.get("content", {}).values())
        assert lost == (row["outcome"] == "corrupts"), row["id"]
        if row["outcome"] in ("refused", "fails"):
            assert row["message"], row["id"]
        # No path and no address of the machine that recorded it.
        assert not re.search(r"memkit-|/var/tmp/|0x[567][0-9a-f]{11}\b", json.dumps(row)), row["id"]
