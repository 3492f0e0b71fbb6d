"""The guide for who teaches keeps to the course: its times add up, its names exist."""

from __future__ import annotations

import re
from pathlib import Path

import memkit
from memkit.lab.course import CHAPTERS, PATHS
from memkit.lab.questions import MISTAKES, QUESTIONS

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "instructor-guide.md").read_text(encoding="utf-8")
WORKSHOP = next(path for path in PATHS if path.id == "talk")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its head."""
    part = GUIDE.partition(f"## {heading}")[2].partition("\n## ")[0]
    lines = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in lines[2:]]


def test_the_workshop_takes_the_minutes_and_chapters_of_its_path() -> None:
    table = rows("Ninety minutes")
    assert WORKSHOP.minutes == sum(int(row[1]) for row in table)
    at = 0
    for start, minutes, *_ in table:
        hours, _, rest = start.partition(":")
        assert at == int(hours) * 60 + int(rest)
        at += int(minutes)
    found = re.findall(r"notebooks/([\w-]+)\.ipynb", "".join(row[2] for row in table))
    assert list(WORKSHOP.chapters) == found


def test_no_chapter_gets_more_time_than_it_takes() -> None:
    takes = {chapter.id: chapter.minutes for chapter in CHAPTERS}
    for row in rows("Ninety minutes"):
        if name := re.search(r"notebooks/([\w-]+)\.ipynb", row[2]):
            assert int(row[1]) <= takes[name[1]]


def test_the_wrong_ideas_are_those_that_the_kit_knows() -> None:
    named = [row[0].strip("`") for row in rows("Where people stumble")]
    assert set() == set(named) - set(MISTAKES)
    assert len(named) == len(set(named)) >= 10


def test_functions_and_questions_that_are_named_exist() -> None:
    assert [] == [name for name in re.findall(r"`memkit\.(\w+)\(", GUIDE) if not hasattr(memkit, name)]
    assert "dirty-pages" in QUESTIONS


def test_the_needs_are_those_that_the_check_looks_for() -> None:
    said = re.search(r"one line for each need: ([\w, ]+)\.", GUIDE)
    assert said
    assert [need.name for need in memkit.check().needs] == said[1].split(", ")


def test_make_targets_that_are_named_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for name in re.findall(r"^make (\w+)|`make (\w+)", GUIDE, re.M):
        assert re.search(rf"^{''.join(name)}:", makefile, re.M)
