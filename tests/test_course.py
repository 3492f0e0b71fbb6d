"""The course keeps its promises: each chapter has its parts, its minutes, its way on, and no typed number."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from memkit.lab.course import CHAPTERS, PATHS, Chapter
from memkit.lab.drills import KINDS
from memkit.lab.questions import QUESTIONS

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md",
         ROOT / "data" / "README.md", ROOT / "bench" / "README.md"]
EVERY = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.id)
# The start notebook leads in; the others are chapters with all their parts.
FULL = pytest.mark.parametrize("chapter", CHAPTERS[1:], ids=lambda chapter: chapter.id)


def cells(chapter: Chapter) -> list[dict[str, Any]]:
    """The cells of a chapter's notebook, with their source as one text."""
    loaded = json.loads((NOTEBOOKS / f"{chapter.id}.ipynb").read_text(encoding="utf-8"))["cells"]
    return [{**cell, "source": "".join(cell["source"])} for cell in loaded]


def words(chapter: Chapter) -> list[str]:
    """The cells in words."""
    return [cell["source"] for cell in cells(chapter) if cell["cell_type"] == "markdown"]


def code(chapter: Chapter) -> str:
    """All code."""
    return "\n".join(cell["source"] for cell in cells(chapter) if cell["cell_type"] == "code")


def calls(chapter: Chapter) -> list[tuple[str, str]]:
    """The kit's functions that the notebook calls, in order, with their first argument if it is text."""
    found = []
    for node in ast.walk(ast.parse(code(chapter))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("memkit."):
            first = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else ""
            found.append((node.lineno, ast.unparse(node.func).removeprefix("memkit."), str(first)))
    return [(name, first) for _, name, first in sorted(found)]


def made(chapter: Chapter, name: str) -> list[str]:
    """The first arguments of all calls of one function."""
    return [first for called, first in calls(chapter) if called == name]


def headings(chapter: Chapter) -> list[str]:
    """All headings, without their marks."""
    return re.findall(r"^#+ (.+)$", "\n\n".join(words(chapter)), re.M)


def test_every_chapter_has_a_notebook_and_every_notebook_is_a_chapter() -> None:
    assert [chapter.id for chapter in CHAPTERS] == sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))


def test_every_kind_of_drill_belongs_to_a_chapter() -> None:
    assert set(KINDS) == {kind for chapter in CHAPTERS for kind in chapter.drills}


def test_the_paths_name_chapters_in_their_order_and_take_what_they_say() -> None:
    ids = [chapter.id for chapter in CHAPTERS]
    assert [90, 20] == [path.minutes for path in PATHS if path.id in ("talk", "fire")]
    for path in PATHS:
        assert [ids.index(name) for name in path.chapters] == sorted(ids.index(n) for n in path.chapters)
    whole = next(path for path in PATHS if path.id == "whole")
    assert sum(chapter.minutes for chapter in CHAPTERS) == whole.minutes
    assert 5 * 60 <= whole.minutes <= 6 * 60


@EVERY
def test_a_chapter_says_at_once_what_it_is_for_how_long_it_takes_and_what_it_needs(chapter: Chapter) -> None:
    first = words(chapter)[0]
    assert first.startswith(f"# {chapter.title}\n")
    assert 3 == len(re.findall(r"^- ", first.partition("You will be able to")[2], re.M))
    said = re.findall(r"\b(\d+) minutes\b|Minutes:\*\* (\d+)", first)
    assert {str(chapter.minutes)} == {one or other for one, other in said}
    assert [] == [need for need in chapter.needs if f"({need}.ipynb)" not in first]


@FULL
def test_a_chapter_has_its_parts(chapter: Chapter) -> None:
    got = {name: len(made(chapter, name)) for name in ("predict", "drill", "real", "talk")}
    assert got["predict"] >= 3
    assert got["drill"] >= 2
    assert got["real"] >= 1
    assert got["talk"] >= 1
    names = headings(chapter)
    for heading in ("A puzzle first", "On a real QEMU", "What the talk said, what holds today"):
        assert heading in names
    assert {"Recap", "In short"} & set(names)


@FULL
def test_the_puzzle_comes_before_any_other_instrument(chapter: Chapter) -> None:
    instruments = ("predict", "drill", "real", "talk", "steps", "explore", "migrate", "atlas")
    assert "predict" == next(name for name, _ in calls(chapter) if name in instruments)


@FULL
def test_a_chapter_has_the_drills_that_the_course_map_shows(chapter: Chapter) -> None:
    assert set(chapter.drills) == set(made(chapter, "drill"))


@EVERY
def test_questions_and_drills_exist(chapter: Chapter) -> None:
    assert set() == set(made(chapter, "predict")) - set(QUESTIONS)
    assert set() == set(made(chapter, "drill")) - set(KINDS)


@EVERY
def test_a_chapter_ends_with_the_way_on(chapter: Chapter) -> None:
    later = [each.id for each in CHAPTERS[CHAPTERS.index(chapter) + 1 :]]
    end = "\n".join(words(chapter)[-3:])
    assert not later or any(f"({name}.ipynb)" in end for name in later)
    assert "next" in end.lower()


@EVERY
def test_ids_of_cells_are_words_and_stand_once(chapter: Chapter) -> None:
    ids = [cell["id"] for cell in cells(chapter)]
    assert [] == [each for each in ids if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", each)]
    assert len(ids) == len(set(ids))


# -- words and links of all pages


def prose(page: Path) -> str:
    """What a page or a notebook says in words: no blocks of code."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".ipynb":
        told = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
        text = "\n\n".join("".join(cell["source"]) for cell in told)
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def slugs(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    found = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in found}


def links(page: Path) -> list[str]:
    """Where a page's links lead, but those to other sites."""
    text = re.sub(r"`[^`\n]*`", "", prose(page))
    return [link for link in re.findall(r"\]\(([^()\s]+)\)", text) if "://" not in link]


@pytest.mark.parametrize("page", [*PAGES, *sorted(NOTEBOOKS.glob("*.ipynb"))],
                         ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings_that_are_there(page: Path) -> None:
    lost = []
    for link in links(page):
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        there = target.exists() and (not anchor or target.suffix not in (".md", ".ipynb")
                                     or anchor in slugs(target))
        lost += [] if there else [link]
    assert [] == lost


def slips(folder: Path) -> str:
    """What the speller complains of in the files of a folder."""
    command = [sys.executable, "-m", "codespell_lib", "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert not done.stderr
    return done.stdout


def test_words_are_spelled_as_they_should_be(tmp_path: Path) -> None:
    """Against a list of common slips; what stands in backquotes is QEMU's, or a slip that is meant."""
    for page in (*PAGES, *NOTEBOOKS.glob("*.ipynb")):
        text = re.sub(r"`[^`\n]*`", "", prose(page))
        (tmp_path / f"{page.parent.name}-{page.name}.md").write_text(text, encoding="utf-8")
    assert "" == slips(tmp_path)


def test_the_speller_knows_a_slip_when_it_sees_one(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("Memory that they recieve.\n", encoding="utf-8")
    assert "recieve ==> receive" in slips(tmp_path)
