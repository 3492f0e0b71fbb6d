"""The saved page of the atlas in a real browser: letters, a tap, the keyboard, a dark page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

import memkit
from memkit.draw.atlas import AtlasPicture
from memkit.draw.atlasfigure import LOOKS
from memkit.draw.theme import DARK

pytestmark = [pytest.mark.needs_browser, pytest.mark.xdist_group("browser-atlas")]

READY = "document.querySelector('.memkit-atlas').dataset.ready === '1'"
CELLS = """() => { const plot = [...Bokeh.documents[0].roots()][0];
  const cells = [...plot.references()].find((m) => m.name === "cells");
  return { row: [...cells.data.row], column: [...cells.data.column], letter: [...cells.data.letter],
           fill: [...cells.data.fill], x: [...cells.data.x], y: [...cells.data.y] }; }"""


@pytest.fixture(scope="module")
def picture() -> AtlasPicture:
    return memkit.atlas().picture()


@pytest.fixture(scope="module")
def page(
    picture: AtlasPicture, chromium: str, browser_flags: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    path = tmp_path_factory.mktemp("atlas") / "atlas.html"
    picture.save(str(path))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=browser_flags)
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.set_default_timeout(60_000)
        troubles: list[str] = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda m: troubles.append(m.text) if m.type in ("error", "warning") else None)
        page.on("request", lambda r: None if r.url.startswith(("file:", "data:", "blob:"))
                else troubles.append(r.url))
        page.goto(Path(path).as_uri())
        page.wait_for_function(READY)
        yield page
        assert [] == troubles
        browser.close()


def letters(page: Page) -> dict[tuple[int, int], str]:
    cells: dict[str, Any] = page.evaluate(CELLS)
    return dict(zip(zip(cells["row"], cells["column"], strict=True), cells["letter"], strict=True))


def expected(picture: AtlasPicture, third: str | None = None, everything: bool = False) -> dict[Any, str]:
    place = {feature.name: n for n, feature in enumerate(picture.features)}
    looks = picture.letters(third, everything)
    return {(place[row], place[column]): LOOKS[look].letter for (row, column), look in looks.items()}


def test_the_page_finds_the_same_letters_as_python(page: Page, picture: AtlasPicture) -> None:
    assert letters(page) == expected(picture)


@pytest.mark.parametrize("third", ["nvdimm", "share-on", "kvm"])
def test_a_third_feature_gives_the_letters_of_triples(page: Page, picture: AtlasPicture, third: str) -> None:
    page.locator("select.c").select_option(label=third)
    assert letters(page) == expected(picture, third)
    page.locator("select.c").select_option(value="-1")


def test_what_fewer_show_can_be_counted(page: Page, picture: AtlasPicture) -> None:
    page.locator("input.all").check()
    assert letters(page) == expected(picture, everything=True)
    page.locator("input.all").uncheck()


def test_the_keyboard_chooses_a_pair_and_its_story_appears(page: Page) -> None:
    page.locator("select.a").focus()
    page.keyboard.type("share-on")
    page.locator("select.b").focus()
    page.keyboard.type("vhost-user")
    said = page.locator(".said")
    assert said.locator("h4").inner_text() == "share-on + vhost-user"
    words = said.inner_text()
    assert "Shared memory that has no descriptor is shared with nobody" in words
    assert "memkit hazards -- " in words
    assert "Mended by the combination" in words


def test_a_tap_on_a_cell_opens_it(page: Page, picture: AtlasPicture) -> None:
    names = [feature.name for feature in picture.features]
    cells: dict[str, Any] = page.evaluate(CELLS)
    wanted = names.index("balloon"), names.index("hugetlb")
    n = list(zip(cells["row"], cells["column"], strict=True)).index(wanted)
    spot = page.evaluate("""([x, y]) => { const view = [...Object.values(Bokeh.index)][0];
      const plot = view.canvas_view.el.getBoundingClientRect(), frame = view.frame;
      return [plot.left + frame.x_scale.compute(x), plot.top + frame.y_scale.compute(y)]; }
    """, [cells["x"][n], cells["y"][n]])
    page.mouse.click(*spot)
    page.wait_for_function("document.querySelector('.said h4').textContent === 'hugetlb + balloon'")
    assert "The balloon takes small pages out of huge ones" in page.locator(".said").inner_text()


def test_a_dark_page_has_the_dark_palette(picture: AtlasPicture, page: Page) -> None:
    other = page.context.browser
    assert other is not None
    dark = other.new_page(color_scheme="dark")
    dark.goto(page.url)
    dark.wait_for_function(READY)
    fills = set(dark.evaluate(CELLS)["fill"])
    dark.close()
    assert fills <= set(DARK.colours().values())


def test_on_a_narrow_page_the_story_stands_below(page: Page) -> None:
    page.set_viewport_size({"width": 420, "height": 800})
    story, live = page.locator(".said").bounding_box(), page.locator(".live").bounding_box()
    assert story is not None
    assert live is not None
    assert story["y"] >= live["y"] + live["height"]
    page.set_viewport_size({"width": 1280, "height": 720})
