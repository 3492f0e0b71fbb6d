"""Controls show what a Config says, and never fail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memkit.config import parse
from memkit.lab.controls import SIZES, Controls, Part, read_controls, step_of, with_ram

GIB = 1 << 30


def test_an_empty_line_shows_qemus_defaults() -> None:
    assert Controls("pc", 128 << 20, "", 0, "", ()) == read_controls(parse(""))


def test_the_ram_of_a_backend_counts_where_m_says_nothing() -> None:
    line = "-object memory-backend-ram,id=a,size=1G -M memory-backend=a"

    assert GIB == read_controls(parse(line)).ram


def test_a_part_names_its_backend_and_everybody_who_shows_it() -> None:
    line = ("-object memory-backend-memfd,id=a,size=1G -numa node,memdev=a -device ivshmem-plain,memdev=a "
            "-object memory-backend-file,id=b,size=2M,mem-path=/dev/shm/x -machine memory-backend=b "
            "-object iothread,id=t")

    assert read_controls(parse(line)).parts == (
        Part("a", "memory-backend-memfd", GIB, True, "", ("ivshmem-plain", "NUMA node 0")),
        Part("b", "memory-backend-file", 2 << 20, False, "/dev/shm/x", ("the machine, as its RAM",)),
    )


def test_json_options_are_parts_too() -> None:
    line = """-object '{"qom-type":"memory-backend-ram","id":"a","size":1073741824}'"""

    assert ("a: ram, 1 GiB, private, shown by nobody",) == tuple(
        p.text for p in read_controls(parse(line)).parts)


def test_the_slider_stops_at_rising_sizes_and_holds_any_size() -> None:
    assert sorted(set(SIZES)) == list(SIZES)
    assert (0, 0, len(SIZES) - 1) == (step_of(0), step_of(SIZES[0]), step_of(1 << 60))


@given(st.integers(0, 1 << 64))
def test_a_size_stands_at_the_last_stop_that_is_not_above_it(size: int) -> None:
    step = step_of(size)

    assert SIZES[step] <= max(size, SIZES[0])
    assert step == len(SIZES) - 1 or size < SIZES[step + 1]


@pytest.mark.parametrize(
    ("line", "size", "result"),
    [
        ("-m 4G", GIB, "-m 1G"),
        ("-m size=4G,slots=2,maxmem=8G", "3584M", "-m size=3584M,slots=2,maxmem=8G"),
        ("", 2 * GIB, "-m 2G"),
        ("-m 1G -object memory-backend-ram,id=a,size=1G -machine memory-backend=a", 2 * GIB,
         "-m 2G -object memory-backend-ram,id=a,size=2G -machine memory-backend=a"),
        ("-m 1G -object memory-backend-ram,id=a,size=1G -numa node,memdev=a", "2048",
         "-m 2048 -object memory-backend-ram,id=a,size=2048M -numa node,memdev=a"),
        # A DIMM is not the guest's RAM, and two nodes have no single size to change.
        ("-m 1G,slots=1,maxmem=4G -object memory-backend-ram,id=a,size=1G -device pc-dimm,memdev=a", 2 * GIB,
         "-m 2G,slots=1,maxmem=4G -object memory-backend-ram,id=a,size=1G -device pc-dimm,memdev=a"),
    ],
)
def test_the_ram_size_changes_the_words_that_hold_it(line: str, size: int | str, result: str) -> None:
    assert result == with_ram(parse(line), size).text()
