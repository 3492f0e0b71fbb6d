"""Every notebook runs from top to bottom, with and without QEMU, and can be printed as a web page."""

from __future__ import annotations

import importlib.util
import json
import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted(path for path in (ROOT / "notebooks").glob("*.ipynb"))
EVERY = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
START = ROOT / "notebooks" / "00-start-here.ipynb"
SHIFTS = {"K": 10, "M": 20, "G": 30, "T": 40}
# Sizes of pages and edges of a PC's address space, which the architecture gives.
PC = {4 << 10, 2 << 20, 1 << 30, 640 << 10, 1 << 20, 1 << 32}
# Each notebook is run once; the tests that look at it belong to one worker.
pytestmark = pytest.mark.xdist_group("notebooks")


@pytest.fixture(scope="module")
def publish() -> ModuleType:
    """tools/publish.py as a module; what it needs is slow to import."""
    spec = importlib.util.spec_from_file_location("tools_publish", ROOT / "tools" / "publish.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def ran(publish: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A function that gives a notebook as it is after running, with others, where no QEMU is on PATH."""
    done: dict[Path, Any] = {}
    execute, empty = publish.execute, tmp_path_factory.mktemp("empty")

    def run(path: Path, *others: Path) -> Any:
        missing = [each for each in (path, *others) if each not in done]
        if missing:
            with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as pool:
                patch.setenv("PATH", str(empty))
                done.update(zip(missing, pool.map(execute, missing), strict=True))
        return done[path]

    return run


def errors(notebook: Any) -> dict[str, Any]:
    """Cell id → its error."""
    return {
        cell.id: output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs
        if output.output_type == "error"
    }


def html_of(notebook: Any) -> str:
    """Everything that the cells show as HTML."""
    return "".join(
        output.data.get("text/html", "") for cell in notebook.cells if cell.cell_type == "code"
        for output in cell.outputs if "data" in output
    )


@EVERY
def test_a_notebook_runs_from_top_to_bottom_without_qemu(ran: Any, path: Path) -> None:
    notebook = ran(path)
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
    tagged = {c.id for c in notebook.cells if "raises-exception" in c.metadata.get("tags", ())}
    assert set() == set(errors(notebook)) - tagged


@EVERY
def test_errors_that_are_meant_show_words_and_no_way_through_the_code(ran: Any, path: Path) -> None:
    for error in errors(ran(path)).values():
        assert {"Refused", "Unavailable", "CommandLineError"} >= {error.ename}
        assert "Traceback" not in "\n".join(error.traceback)
        assert error.evalue.splitlines() == error.traceback


@EVERY
def test_nothing_is_written_to_standard_error(ran: Any, path: Path) -> None:
    outputs = [o for cell in ran(path).cells if cell.cell_type == "code" for o in cell.outputs]
    assert [] == [o.text for o in outputs if o.output_type == "stream" and o.name == "stderr"]


def numbers(text: str) -> set[int]:
    """The sizes (4G, 2 MiB, 1 << 20) and addresses that a text names, in bytes."""
    found = {int(float(number) * (1 << SHIFTS[unit]))
             for number, unit in re.findall(r"\b(\d+(?:\.\d+)?)[ \xa0]?([KMGT])(?:iB)?\b", text)}
    found |= {int(number) << int(shift) for number, shift in re.findall(r"\b(\d+) << (\d+)\b", text)}
    # The monitor names the last byte of a range, people the first one behind it.
    ends = {int(word, 16) for word in re.findall(r"\b([0-9a-f]{16})\b", text)}
    return found | ends | {end + 1 for end in ends} | {
        int(word.replace("_", ""), 16) for word in re.findall(r"\b0x([0-9a-fA-F_]{5,})\b", text)}


@EVERY
def test_numbers_in_words_are_those_of_the_code_or_shown_by_the_model(ran: Any, path: Path) -> None:
    """Nobody types what the model computes; facts with a source or a report beside them are the exception."""
    cells = ran(path).cells
    known = numbers(html_of(ran(path)))
    for cell in cells:
        if cell.cell_type == "code":
            known |= numbers(cell.source)
            for output in cell.outputs:
                known |= numbers(f"{output.get('data', {}).get('text/plain', '')} {output.get('text', '')}")
    typed = {}
    for cell in cells:
        sourced = "<small>" in cell.source or "](https://" in cell.source
        if cell.cell_type == "markdown" and not sourced and (lost := numbers(cell.source) - known - PC):
            typed[cell.id] = sorted(map(hex, lost))
    assert {} == typed


@EVERY
def test_every_source_is_a_file_of_a_named_version_of_qemu(path: Path) -> None:
    text = " ".join("".join(cell["source"]) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"])
    sources = re.findall(r"<small>(.*?)</small>", text, re.S)
    assert sources
    for said in sources:
        assert re.search(r"`[\w/.-]+\.(?:c|h|hx|rst)`", said)
        assert re.search(r"\(QEMU\s\d+\.\d+\)", said)


def test_the_start_notebook_shows_the_explorer_and_every_view(ran: Any) -> None:
    notebook = ran(START)
    widgets = [
        cell.id for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs
        if "application/vnd.jupyter.widget-view+json" in output.get("data", {})
    ]
    assert ["explore", "ask"] == widgets
    shown = html_of(notebook)
    for words in ("How pc-q35-7.2 (QEMU 7.2) builds its memory", "Where the memory of pc-q35-7.2", "<table",
                  "m1 (ram) answers at"):
        assert words in shown


def test_the_start_notebook_says_how_to_get_qemu_in_one_sentence(ran: Any) -> None:
    error = errors(ran(START))["compare"]
    assert 1 == len(error.traceback)
    assert re.fullmatch(r"qemu-system-x86_64 is not installed; install it with: \S.*", error.traceback[0])


@pytest.mark.needs_qemu
def test_the_start_notebook_agrees_with_a_real_qemu(publish: ModuleType) -> None:
    notebook = publish.execute(START)
    assert ["refused"] == list(errors(notebook))
    compared = next(cell for cell in notebook.cells if cell.get("id") == "compare").outputs
    assert compared[0].data["text/plain"].startswith("No difference ")


# -- the site


@pytest.fixture(scope="module")
def site(publish: ModuleType, ran: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built from the notebooks as they ran where no QEMU is on PATH."""
    target = tmp_path_factory.mktemp("site")
    ran(*NOTEBOOKS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publish, "execute", ran)
        assert 0 == publish.publish(target)
    return target


class Loads(HTMLParser):
    """Collects what a page would load from elsewhere, its links, and its pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.pictures: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        for name in ("src", "data", "poster", "srcset"):
            if str(values.get(name) or "").startswith(("http:", "https:", "//")):
                self.loads.append(f"{tag} {name}={values[name]}")
        if tag == "link" and str(values.get("href")).startswith(("http:", "https:", "//")):
            self.loads.append(f"{tag} href={values.get('href')}")
        if tag == "a" and values.get("href"):
            self.links.append(str(values["href"]))
        if tag == "svg" and values.get("role") == "img":
            self.pictures.append(values.get("aria-label") or "")


def read(page: Path) -> Loads:
    """What a page of the site has."""
    parser = Loads()
    parser.feed(page.read_text(encoding="utf-8"))
    return parser


@EVERY
def test_a_page_of_the_site_has_pictures_loads_nothing_and_opens_in_binder(site: Path, path: Path) -> None:
    page = read(site / "notebooks" / f"{path.stem}.html")
    assert [] == page.loads
    assert page.pictures
    assert [f"notebooks/{path.name}"] == [
        link.partition("lab/tree/")[2].removeprefix("./") for link in page.links if "mybinder.org" in link]


def test_links_inside_the_site_lead_somewhere(site: Path) -> None:
    lost = []
    for page in site.rglob("*.html"):
        for link in read(page).links:
            place, _, anchor = link.partition("#")
            if "://" in link or not (place or anchor):
                continue
            target = (page.parent / place).resolve() if place else page
            if not target.exists() or (anchor and target.suffix == ".html"
                                       and f'id="{anchor}"' not in target.read_text(encoding="utf-8")):
                lost.append(f"{page.relative_to(site)}: {link}")
    assert [] == lost


def test_the_start_page_has_graph_map_question_and_refusal(site: Path) -> None:
    page = site / "notebooks" / "00-start-here.html"
    text = page.read_text(encoding="utf-8")
    # The explorer's graph and map, the graph, the map, and the map behind the answer.
    names = [name.partition(" pc-")[0] for name in read(page).pictures if name != "Legend"]
    assert ["How", "Where the memory of", "How", "Where the memory of", "Where the memory of"] == names
    assert "<details><summary>Show the answer</summary>" in text
    assert "Device 'm1' not found" in unescape(re.sub(r"<[^>]+>", "", text))


@pytest.mark.needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_site_works_from_a_folder_in_both_themes(
    site: Path, scheme: str, chromium: str, browser_flags: list[str]
) -> None:
    from playwright.sync_api import sync_playwright

    asked: list[str] = []
    broken: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=browser_flags)
        tab = browser.new_page(viewport={"width": 1280, "height": 720})
        tab.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("pageerror", lambda error: broken.append(str(error)))
        tab.goto((site / "notebooks" / "00-start-here.html").as_uri())
        heights = tab.eval_on_selector_all(
            "svg[role=img]", "all => all.map(svg => svg.getBoundingClientRect().height)"
        )
        wide = tab.evaluate("document.documentElement.scrollWidth")
        inks = tab.eval_on_selector_all(".memkit", "all => all.map(x => getComputedStyle(x).color)")
        tab.goto(f"{(site / 'search.html').as_uri()}?q=fire+drill")
        # Results come one by one.
        tab.locator("#search-results li", has_text="Start here").wait_for()
        browser.close()
    assert [] == [url for url in asked if not url.startswith(("data:", "blob:", "file:"))]
    assert [] == broken
    assert 2 <= len([height for height in heights if height > 200])
    assert wide <= 1280
    bright = {sum(map(int, re.findall(r"\d+", ink)[:3])) > 380 for ink in inks}
    assert {scheme == "dark"} == bright


@pytest.mark.needs_browser
def test_the_cheat_sheet_prints_on_two_sheets_of_paper(
    site: Path, chromium: str, browser_flags: list[str]
) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=browser_flags)
        tab = browser.new_page()
        tab.goto((site / "docs" / "cheat-sheet.html").as_uri())
        printed = tab.pdf(prefer_css_page_size=True)
        browser.close()
    assert 2 == len(re.findall(rb"/Type\s*/Page\b", printed))
    # A4 in points.
    assert {(595, 842)} == {(round(float(wide)), round(float(high))) for wide, high in re.findall(
        rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", printed)}


def test_the_site_is_not_kept_in_git() -> None:
    assert "_site/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
