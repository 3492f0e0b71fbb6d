"""From a key on the size slider to changed pixels, in JupyterLab in a real browser."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

# The lab and the browser are those of the tests.
_TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path.insert(0, str(_TESTS))
_spec = importlib.util.spec_from_file_location("browser_fixtures", _TESTS / "browser" / "conftest.py")
assert _spec
assert _spec.loader
_fixtures: Any = importlib.util.module_from_spec(_spec)
sys.modules["browser_fixtures"] = _fixtures
_spec.loader.exec_module(_fixtures)
lab_url, visit = _fixtures.lab_url, _fixtures.visit

# A key goes down; time runs until the view has changed and a frame with it has been painted.
MEASURE = """
async () => {
  const handle = document.querySelector(".memkit .noUi-handle");
  handle.focus();
  const view = () => [...document.querySelectorAll(".memkit .mk-view")].find(e => e.offsetParent);
  const painted = (done) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => done(true);
    channel.port2.postMessage(0);
  });
  const times = [];
  for (let n = 0; n < 60; n++) {
    const begin = performance.now();
    const changed = new Promise((done) => {
      const watch = new MutationObserver(() => { watch.disconnect(); painted(done); });
      watch.observe(view(), {childList: true, subtree: true});
      setTimeout(() => { watch.disconnect(); done(false); }, 5000);
    });
    handle.dispatchEvent(new KeyboardEvent("keydown",
      {key: n % 16 < 8 ? "ArrowLeft" : "ArrowRight", bubbles: true, cancelable: true}));
    if (!await changed) throw new Error("the picture did not change");
    // The first keys warm up the page's compilers.
    if (n >= 10) times.push(performance.now() - begin);
    await new Promise(done => setTimeout(done, 60));
  }
  return times;
}
"""


@pytest.mark.needs_browser
@pytest.mark.parametrize("tab", ["Graph", "Map"])
def test_a_key_on_the_slider_soon_changes_the_picture(visit: Any, figures: Any, tab: str) -> None:
    root = visit.page.locator(".memkit").first
    root.get_by_role("tab", name=tab).click()
    visit.page.wait_for_function(
        "() => [...document.querySelectorAll('.memkit .mk-view svg')].some(e => e.checkVisibility())")
    visit.page.wait_for_timeout(1000)
    times = visit.page.evaluate(MEASURE)

    name = f"from a key to changed pixels, {tab.lower()}, 95th percentile"
    figures.at_most(name, figures.percentile(times), 150, "ms")
