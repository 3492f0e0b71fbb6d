"""Every notebook runs from top to bottom, with and without QEMU, and can be printed as a web page."""

from __future__ import annotations

import importlib.util
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted(path for path in (ROOT / "notebooks").glob("*.ipynb"))
EVERY = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
START = ROOT / "notebooks" / "00-start-here.ipynb"
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
    """A function that gives a notebook as it is after running where no QEMU is on PATH."""
    done: dict[Path, Any] = {}

    def run(path: Path) -> Any:
        if path not in done:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("PATH", str(tmp_path_factory.mktemp("empty")))
                done[path] = publish.execute(path)
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


# -- the printed edition


class Loads(HTMLParser):
    """Collects what a page would load from elsewhere, and its pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.pictures: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        for name in ("src", "data", "poster", "srcset"):
            if values.get(name):
                self.loads.append(f"{tag} {name}={values[name]}")
        if tag == "link" or (tag == "use" and not str(values.get("href", "#")).startswith("#")):
            self.loads.append(f"{tag} href={values.get('href')}")
        if tag == "svg" and values.get("role") == "img":
            self.pictures.append(values.get("aria-label") or "")


@EVERY
def test_a_printed_page_has_the_pictures_and_loads_nothing(
    publish: ModuleType, ran: Any, path: Path
) -> None:
    parser = Loads()
    parser.feed(publish.page("a page", publish.convert(ran(path))))
    assert [] == parser.loads
    assert parser.pictures


def test_the_printed_start_page_has_graph_map_question_and_refusal(publish: ModuleType, ran: Any) -> None:
    text = publish.convert(ran(START))
    parser = Loads()
    parser.feed(text)
    # The explorer's graph, the graph, the map, and the map behind the answer.
    names = [name.partition(" pc-")[0] for name in parser.pictures if name != "Legend"]
    assert ["How", "How", "Where the memory of", "Where the memory of"] == names
    assert "<details><summary>Show the answer</summary>" in text
    assert "Device 'm1' not found" in text


@pytest.mark.needs_browser
def test_a_printed_page_asks_for_nothing_and_shows_its_pictures(
    publish: ModuleType, ran: Any, tmp_path: Path, chromium: str, browser_flags: list[str]
) -> None:
    from playwright.sync_api import sync_playwright

    file = tmp_path / "page.html"
    file.write_text(publish.page("a page", publish.convert(ran(START))), encoding="utf-8")
    asked: list[str] = []
    broken: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=browser_flags)
        tab = browser.new_page(viewport={"width": 1280, "height": 720})
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("pageerror", lambda error: broken.append(str(error)))
        tab.goto(file.as_uri())
        heights = tab.eval_on_selector_all(
            "svg[role=img]", "all => all.map(svg => svg.getBoundingClientRect().height)"
        )
        wide = tab.evaluate("document.documentElement.scrollWidth")
        browser.close()
    assert [file.as_uri()] == [url for url in asked if not url.startswith(("data:", "blob:"))]
    assert [] == broken
    assert 2 <= len([height for height in heights if height > 200])
    assert wide <= 1280


def test_make_site_writes_a_page_for_each_notebook_and_an_index(
    publish: ModuleType, ran: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "execute", ran)
    written = publish.publish(tmp_path / "site")
    assert [f"{path.stem}.html" for path in NOTEBOOKS] + ["index.html"] == [file.name for file in written]
    index = written[-1].read_text(encoding="utf-8")
    for file in written[:-1]:
        assert f'href="{file.name}"' in index


def test_the_printed_edition_is_not_kept_in_git() -> None:
    assert "_site/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
