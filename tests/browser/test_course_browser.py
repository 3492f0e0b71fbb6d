"""The course in a real JupyterLab: each instrument by keyboard, then each notebook from top to bottom."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from labserver import PATIENCE, serving
from playwright.sync_api import Locator, Page, expect, sync_playwright

import memkit

from .conftest import IDLE, Visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.needs_browser, pytest.mark.xdist_group("browser-course")]

NOTEBOOKS = sorted(path.stem for path in (Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
LINE = "-M q35 -m 4G"
DIMM = ("-M q35 -m 4G,slots=2,maxmem=8G -object memory-backend-memfd,id=m1,size=1G "
        "-device pc-dimm,id=d1,memdev=m1")
# Cell id → its one line.
INSTRUMENTS = {
    "buttons": f'memkit.predict("ram-above-4g", "{LINE}")',
    "typed": f'memkit.predict("offset-at", "{LINE}", of="0x100000000")',
    "ticked": f'memkit.predict("shared-blocks", "{DIMM}")',
    "drill": 'memkit.drill("ram-above-4g", seed=7)',
    "steps": f'memkit.steps("{DIMM}", "build")',
    "real": 'memkit.real("-M q35 -m 256M -object memory-backend-ram,id=spare,size=64M")',
    "check": "memkit.check()",
    "progress": "memkit.progress()",
}
KERNEL = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}}
# What takes the focus inside a cell's output, and the name that a screen reader says.
NAMES = """e => [...e.querySelectorAll("button, input, select, textarea, summary, a[href], [tabindex='0'],"
    + "[contenteditable=true]")]
  .filter(c => c.offsetParent && !c.disabled)
  .map(c => (c.getAttribute("aria-label") || c.getAttribute("aria-labelledby") || c.labels?.[0]?.innerText
    || c.innerText || c.closest("[aria-label]")?.getAttribute("aria-label") || "").trim() || c.outerHTML)"""
# The cells of the notebook in front: id, tags, whether it ran, and what came out.
CELLS = """() => jupyterapp.shell.currentWidget.context.model.sharedModel.toJSON().cells
  .filter(c => c.cell_type === "code").map(c => ({id: c.id, ran: c.execution_count,
    tags: c.metadata.tags || [], widgets: c.outputs.filter(
      o => o.data && "application/vnd.jupyter.widget-view+json" in o.data).length,
    errors: c.outputs.filter(o => o.output_type === "error").map(o => o.ename + ": " + o.evalue),
    said: c.outputs.filter(o => o.name === "stderr").map(o => o.text)}))"""


@pytest.fixture(scope="module")
def home(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the course, and a notebook that holds one of each instrument."""
    home = tmp_path_factory.mktemp("course")
    (home / "notebooks").mkdir()
    for name in NOTEBOOKS:
        shutil.copy(root / "notebooks" / f"{name}.ipynb", home / "notebooks")
    cells: list[dict[str, Any]] = [
        {"id": name, "cell_type": "code", "source": line, "metadata": {}, "outputs": [],
         "execution_count": None}
        for name, line in {"kit": "import memkit", **INSTRUMENTS}.items()
    ]
    book = {"nbformat": 4, "nbformat_minor": 5, "metadata": KERNEL, "cells": cells}
    (home / "instruments.ipynb").write_text(json.dumps(book), encoding="utf-8")
    return home


@pytest.fixture(scope="module")
def lab_url(root: Path, home: Path) -> Iterator[str]:
    """The address of a lab of its own: no QEMU on its PATH, and nobody's progress in its data folder."""
    (home / "empty").mkdir()
    argv = [sys.executable, "-m", "jupyterlab", "--no-browser", "--port", "0", "--allow-root",
            "--expose-app-in-browser", f"--ServerApp.root_dir={home}"]
    settings = {"JUPYTER_CONFIG_PATH": str(root / "binder" / "jupyter"),
                "JUPYTER_DATA_DIR": str(home / "data"), "PATH": str(home / "empty")}
    with serving(argv, home, r"http://127\.0\.0\.1:\d+/lab\?\S+", **settings) as url:
        yield url.replace("/lab?", "/lab/tree/instruments.ipynb?")


@pytest.fixture(scope="module")
def browser(chromium: str, browser_flags: list[str]) -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=browser_flags)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def visit(browser: Browser, lab_url: str) -> Visit:
    """The notebook of instruments, all cells run."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(PATIENCE * 1000)
    seen = Visit(page)
    page.on("console", lambda m: seen.errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: seen.errors.append(e.stack or str(e)))
    page.goto(lab_url)
    page.wait_for_function(IDLE)
    seen.do("application:toggle-left-area")
    run_all(page)
    return seen


def run_all(page: Page) -> list[dict[str, Any]]:
    """Run the notebook in front from top to bottom; what its code cells came to."""
    page.wait_for_function(IDLE)
    page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    # An error that no tag announces ends the run.
    page.wait_for_function(f"""() => {{ const cells = ({CELLS})();
      const stopped = c => c.errors.length && !c.tags.includes("raises-exception");
      return cells.every(c => c.ran) || cells.some(stopped);
    }}""")
    page.wait_for_function(IDLE)
    cells: list[dict[str, Any]] = page.evaluate(CELLS)
    return cells


def output(page: Page, name: str) -> Locator:
    """The output of a cell of the notebook in front."""
    number = [*INSTRUMENTS].index(name) + 1
    page.evaluate("""n => { const book = jupyterapp.shell.currentWidget.content;
      book.activeCellIndex = n; book.scrollToItem(n, "start"); }""", number)
    return page.locator(".jp-Cell.jp-mod-active .jp-OutputArea")


def names(part: Locator) -> list[str]:
    """The names of what takes the focus in an output."""
    found: list[str] = part.evaluate(NAMES)
    return found


def keys(page: Page, *pressed: str) -> None:
    """Press keys one after the other."""
    for key in pressed:
        page.keyboard.press(key)


def test_a_prediction_is_made_with_a_button(visit: Visit) -> None:
    page, asked = visit.page, output(visit.page, "buttons")
    assert ["0 bytes", "1 GiB", "2 GiB", "4 GiB"] == names(asked)
    asked.get_by_role("button").first.focus()
    keys(page, "Tab", "Tab")
    expect(asked.locator(".memkit svg")).to_have_count(0)
    keys(page, "Enter")
    expect(asked.get_by_role("alert")).to_contain_text("Right: 2 GiB.")
    expect(asked.get_by_role("img", name="Where the memory of pc-q35-7.2")).to_be_visible()


def test_a_prediction_is_typed_and_enter_takes_all_of_it(visit: Visit) -> None:
    page, asked = visit.page, output(visit.page, "typed")
    assert ["Your prediction", "Commit and reveal"] == names(asked)
    asked.get_by_label("Your prediction").focus()
    # What is no answer is told in place, and can be mended.
    page.keyboard.type("3Gx")
    keys(page, "Enter")
    expect(asked.get_by_role("alert")).to_contain_text("3Gx")
    expect(asked.locator(".memkit svg")).to_have_count(0)
    keys(page, "ControlOrMeta+a")
    page.keyboard.type("0x80000000")
    keys(page, "Enter")
    expect(asked.get_by_role("alert")).to_contain_text("Right: 0x8000_0000 (2 GiB).")
    expect(asked.get_by_role("img", name="Where the memory of pc-q35-7.2")).to_be_visible()
    # The story of the address opens by keyboard, too.
    asked.get_by_text("the whole story").focus()
    keys(page, "Enter")
    expect(asked.locator("details")).to_have_attribute("open", "")


def test_a_prediction_is_ticked(visit: Visit) -> None:
    page, asked = visit.page, output(visit.page, "ticked")
    assert ["m1", "pc.ram", "Commit and reveal"] == names(asked)
    asked.get_by_label("m1").focus()
    keys(page, "Space", "Tab", "Tab", "Enter")
    expect(asked.get_by_role("alert")).to_contain_text("Right: m1.")
    tables = asked.get_by_role("region", name="Tables")
    expect(tables).to_be_visible()
    # What is too wide for the page can be scrolled.
    assert tables.evaluate("e => e.clientWidth <= e.closest('.memkit').clientWidth && e.tabIndex === 0")


def test_a_drill_helps_and_goes_on_and_shows_in_the_progress(visit: Visit, home: Path) -> None:
    page, asked = visit.page, output(visit.page, "drill")
    assert ["2 GiB", "3 GiB", "4 GiB", "6 GiB", "Hint", "Show the answer", "Next problem"] == names(asked)
    asked.get_by_role("button", name="2 GiB").focus()
    keys(page, "Enter")
    expect(asked.get_by_role("alert")).to_contain_text("Not yet. You said 2 GiB")
    expect(asked.locator(".memkit svg")).to_have_count(0)
    keys(page, "Tab", "Tab", "Tab", "Tab", "Enter")
    expect(asked.get_by_role("status")).to_contain_text("devices need addresses, too")
    keys(page, "Shift+Tab", "Shift+Tab", "Shift+Tab", "Enter")
    expect(asked.get_by_role("alert")).to_contain_text("Right: 3 GiB.")
    expect(asked.get_by_role("img", name="Where the memory of pc-i440fx-7.2")).to_be_visible()
    asked.get_by_role("button", name="Next problem").focus()
    keys(page, "Enter")
    expect(asked).to_contain_text("Drill ram-above-4g, number 8")
    expect(asked.locator(".memkit svg")).to_have_count(0)
    asked.get_by_role("button", name="Show the answer").focus()
    keys(page, "Enter")
    expect(asked.get_by_role("alert")).to_be_visible()
    expect(asked.locator(".memkit svg").first).to_be_visible()

    shown = output(page, "progress")
    row = shown.get_by_role("row", name="The command line")
    expect(row).to_contain_text("0 of 3")
    keys(page, "Escape", "Control+Enter")
    expect(row).to_contain_text("1 of 3")
    expect(row).to_contain_text("ram-above-4g (level 1)")
    assert (home / "data" / "memkit-progress.json").exists()
    assert "Migration" in names(shown)


def test_a_story_goes_on_and_back_and_asks(visit: Visit) -> None:
    page, story = visit.page, output(visit.page, "steps")
    expect(story.get_by_role("slider", name="Step")).to_be_visible()
    onward = story.get_by_role("button", name="Next")
    assert ["Next \N{BLACK RIGHT-POINTING TRIANGLE}", "Step", "What comes next?"] == names(story)
    onward.first.focus()
    keys(page, "Enter")
    expect(story).to_contain_text("2 of 24")
    keys(page, "Enter")
    expect(story).to_contain_text("3 of 24: RAMBlock m1")
    expect(story.get_by_role("img").first).to_be_visible()
    keys(page, "Shift+Tab", "Enter")
    expect(story).to_contain_text("2 of 24")
    story.get_by_role("slider").focus()
    keys(page, "ArrowRight")
    expect(story).to_contain_text("3 of 24")
    expect(story.get_by_role("slider")).to_have_attribute("aria-valuetext", "3")
    keys(page, "Tab", "Enter")
    guesses = story.locator(".mk-next button")
    expect(guesses).to_have_count(3)
    known = memkit.steps(DIMM, "build")
    known.go(2)
    _, right = known.choices()
    wrong = 0 if right else 1
    keys(page, "Tab", *["Tab"] * wrong, "Enter")
    expect(story.get_by_role("alert")).to_contain_text("Not yet:")
    keys(page, *["Tab" if right > wrong else "Shift+Tab"] * abs(right - wrong), "Enter")
    expect(guesses).to_have_count(0)
    expect(story).to_contain_text("4 of 24")
    expect(story.get_by_role("alert")).to_contain_text("Right: this is the next step.")


def test_what_a_real_qemu_said_and_what_is_here_stand_on_the_page(visit: Visit) -> None:
    said = output(visit.page, "real")
    expect(said).to_contain_text("QEMU 7.2.22 said this when it was recorded")
    expect(said).to_contain_text("qemu-system-x86_64 is not installed")
    said.locator("[tabindex='0']").focus()
    expect(said.locator("[tabindex='0']")).to_be_focused()
    expect(output(visit.page, "check")).to_contain_text("Ready, without: browser, QEMU.")


def test_the_instruments_cause_no_error_on_the_console(visit: Visit) -> None:
    assert [] == visit.errors


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_each_notebook_runs_from_top_to_bottom(visit: Visit, name: str) -> None:
    page = visit.page
    del visit.errors[:]
    path = f"notebooks/{name}.ipynb"
    visit.do("docmanager:open", path=path)
    page.wait_for_function("path => jupyterapp.shell.currentWidget?.context?.path === path", arg=path)
    cells = run_all(page)
    # Look at every cell once, so that it is on the page.
    page.evaluate("""async () => { const book = jupyterapp.shell.currentWidget.content;
      for (let n = 0; n < book.widgets.length; n++) await book.scrollToItem(n); }""")
    expect(page.locator(".jp-Notebook:visible .memkit").first).to_be_visible()
    broken = page.get_by_text("Error displaying widget").count()
    page.evaluate("""async () => { const panel = jupyterapp.shell.currentWidget;
      await panel.context.save(); await panel.sessionContext.shutdown(); panel.dispose(); }""")

    assert {} == {c["id"]: c["errors"] for c in cells if c["errors"] and "raises-exception" not in c["tags"]}
    assert [] == [cell["id"] for cell in cells if not cell["ran"]]
    assert {} == {cell["id"]: cell["said"] for cell in cells if cell["said"]}
    assert sum(cell["widgets"] for cell in cells) >= 1
    assert (0, []) == (broken, visit.errors)
