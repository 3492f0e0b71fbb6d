"""Slides are cut from the notebooks at their headings, and show in a browser without network."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """tools/slides.py as a module."""
    spec = importlib.util.spec_from_file_location("tools_slides", ROOT / "tools" / "slides.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def notebook() -> Any:
    """A notebook with results: headings, prose, a result, a widget, and code that shows nothing."""
    picture = new_output("display_data", {
        "text/html": '<section aria-label="All"><svg role="img" aria-label="map"></svg>'
        '<a href="01-x.ipynb">on</a></section>',
        "application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "map"})
    return new_notebook(cells=[
        new_markdown_cell("# Title\n\nFirst.\n\n**Second**, said only.\n\n- one\n- two", id="title"),
        new_code_cell("import memkit", id="import"),
        new_markdown_cell("## Part\n\nA [word](../docs/glossary.md#word).\n\nMore.", id="part"),
        new_code_cell("guest.map()", id="map", outputs=[picture]),
        new_markdown_cell("Only told.", id="told"),
        new_markdown_cell("### Below", id="below"),
    ])


def test_headings_begin_slides_and_results_lie_below_them(tool: ModuleType, notebook: Any) -> None:
    kinds = [(cell.id, cell.metadata["slideshow"]["slide_type"]) for cell in tool.cut(notebook).cells]
    assert [
        ("title", "slide"), ("title-notes", "notes"), ("part", "slide"), ("part-notes", "notes"),
        ("map", "subslide"), ("told-notes", "notes"), ("below", "subslide"), ("below-notes", "notes"),
    ] == kinds


def test_a_slide_shows_the_first_paragraph_and_lists_and_the_notes_say_all(
    tool: ModuleType, notebook: Any
) -> None:
    cells = {cell.id: cell.source for cell in tool.cut(notebook).cells}
    assert "# Title\n\nFirst.\n\n- one\n- two" == cells["title"]
    assert "**Second**, said only." in cells["title-notes"]
    assert "## Part\n\nA word." == cells["part"]


def test_what_a_result_shows_is_no_slide_and_leads_nowhere(tool: ModuleType, notebook: Any) -> None:
    shown = next(cell for cell in tool.cut(notebook).cells if cell.id == "map").outputs[0].data
    assert '<div role="region" aria-label="All"><svg role="img" aria-label="map"></svg>on</div>' == shown[
        "text/html"]
    assert {"text/html", "text/plain"} == set(shown)


def test_the_notebook_itself_stays_as_it_is(tool: ModuleType, notebook: Any) -> None:
    before = notebook.copy()
    tool.cut(notebook)
    assert before == notebook
    assert "slideshow" not in notebook.cells[0].metadata


@pytest.mark.needs_browser
def test_slides_show_in_a_browser_and_ask_for_nothing_outside_their_folder(
    tool: ModuleType, notebook: Any, tmp_path: Path, chromium: str, browser_flags: list[str]
) -> None:
    from playwright.sync_api import expect, sync_playwright

    assert tool.bring_reveal(tmp_path)
    tool.write("one", notebook, tmp_path)
    asked: list[str] = []
    broken: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=browser_flags)
        tab = browser.new_page(viewport={"width": 1280, "height": 720})
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("pageerror", lambda error: broken.append(str(error)))
        tab.on("requestfailed", lambda request: broken.append(request.url))
        tab.goto((tmp_path / "one.html").as_uri())
        expect(tab.get_by_role("heading", name="Title")).to_be_visible()
        expect(tab.get_by_text("said only")).to_be_hidden()
        assert 4 == tab.evaluate("Reveal.getTotalSlides()")
        tab.keyboard.press("Space")
        expect(tab.get_by_role("heading", name="Part")).to_be_visible()
        tab.keyboard.press("Space")
        expect(tab.get_by_role("img", name="map")).to_be_attached()
        browser.close()
    assert [] == broken
    inside = tmp_path.as_uri()
    assert [] == [url for url in asked if not url.startswith((inside, "data:", "blob:"))]


def test_the_slides_are_not_kept_in_git() -> None:
    assert "_slides/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
