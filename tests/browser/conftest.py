"""A JupyterLab of its own, and a real browser that opens it: once for a whole module of tests."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from labserver import PATIENCE, serving
from playwright.sync_api import Page, expect, sync_playwright

NOTEBOOK = "notebooks/00-start-here.ipynb"
# The notebook has its kernel, and the kernel has nothing to do.
IDLE = """() => window.jupyterapp &&
  jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === "idle" """
HERE = ("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:")


@dataclass
class Visit:
    """A page of JupyterLab, and what it complained about or asked the world for."""

    page: Page
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def do(self, command: str, **arguments: object) -> None:
        """Let JupyterLab begin one of its commands; what it brings about is waited for elsewhere."""
        self.page.evaluate("([c, a]) => { jupyterapp.commands.execute(c, a) }", [command, arguments])


@pytest.fixture(scope="module")
def lab_url(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a lab that serves a copy of the start notebook; it ends with the module."""
    home = tmp_path_factory.mktemp("lab")
    (home / "notebooks").mkdir()
    shutil.copy(root / NOTEBOOK, home / NOTEBOOK)
    argv = [sys.executable, "-m", "jupyterlab", "--no-browser", "--port", "0", "--allow-root",
            "--expose-app-in-browser", f"--ServerApp.root_dir={home}"]
    settings = str(root / "binder" / "jupyter")
    with serving(argv, home, r"http://127\.0\.0\.1:\d+/lab\?\S+", JUPYTER_CONFIG_PATH=settings) as url:
        yield url.replace("/lab?", f"/lab/tree/{NOTEBOOK}?")


@pytest.fixture(scope="module")
def visit(lab_url: str, chromium: str, browser_flags: list[str]) -> Iterator[Visit]:
    """The start notebook in a browser, all cells run, the explorer on the screen."""
    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=browser_flags)
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.set_default_timeout(PATIENCE * 1000)
        seen = Visit(page)
        page.on("console", lambda m: seen.errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: seen.errors.append(e.stack or str(e)))
        page.on("request", lambda r: None if r.url.startswith(HERE) else seen.outside.append(r.url))
        page.on("websocket", lambda w: None if w.url.startswith(HERE) else seen.outside.append(w.url))
        page.goto(lab_url)
        page.wait_for_function(IDLE)
        seen.do("application:toggle-left-area")
        seen.do("notebook:run-all-cells")
        page.locator(".memkit").first.scroll_into_view_if_needed()
        expect(page.locator(".memkit .mk-view svg").first).to_be_visible()
        page.wait_for_function(IDLE)
        yield seen
        browser.close()
