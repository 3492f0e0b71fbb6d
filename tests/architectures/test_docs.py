"""docs/architectures.md tells the facts as they are, and its examples run."""

from __future__ import annotations

import re
from pathlib import Path

import memkit
from memkit.architectures import BOARDS, HOST_PAGES, host_pages
from memkit.units import human

PAGE = (Path(__file__).parents[2] / "docs" / "architectures.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its head."""
    part = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [[cell.strip() for cell in row.strip("|").split("|")]
            for row in re.findall(r"^\|.*\|$", part, re.M)][2:]


def test_the_table_of_hosts_is_that_of_the_package() -> None:
    assert rows("Pages of Linux hosts") == [
        [f"{h.arch}, {h.mmu}" if h.mmu else h.arch, human(h.base), ", ".join(map(human, h.huge))]
        for h in HOST_PAGES
    ]


def test_every_board_that_is_described_stands_in_the_table() -> None:
    named = " ".join(row[0] for row in rows("Where boards put RAM"))
    assert [] == [board.machine for board in BOARDS if board.machine not in named]


def test_boards_with_device_memory_are_told_from_those_without() -> None:
    told = {name.strip(): row[3] for row in rows("Where boards put RAM") for name in row[0].split(", ")}
    for board in BOARDS:
        name = board.machine if board.machine in told else f"{board.machine} ({board.target})"
        assert bool(board.devices) != (told[name] == "none"), name


def test_the_refusal_of_power_is_quoted_in_qemus_words() -> None:
    quoted = "Can't support 64 kiB guest pages with 4 kiB host pages with this KVM implementation"
    assert quoted in re.sub(r"\s+", " ", PAGE)


def test_the_examples_run() -> None:
    lines = PAGE.partition("```python\n")[2].partition("```")[0].splitlines()
    found = [eval(line, {"memkit": memkit}) for line in lines]
    kinds = [type(each).__name__ for each in found]
    assert ["Architectures", "Architectures", "Layouts", "Host", "Host"] == kinds
    assert host_pages("ppc64le", mmu="hash") == found[-1].pages
