"""``make lab`` serves the start notebook, asks nothing about news, and leaves the user's files alone."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from labserver import PATIENCE, serving

pytestmark = pytest.mark.xdist_group("make-lab")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's home with nothing in it."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def start_url(root: Path, home: Path) -> Iterator[str]:
    """The address that a lab server, started as ``make lab`` does, prints; the server ends after."""
    argv = [sys.executable, str(root / "tools" / "lab.py"), "--no-browser", "--port", "0"]
    with serving(argv, home, r"http://127\.0\.0\.1:\d+/\S+") as url:
        yield url


def get(url: str, path: str) -> str:
    """The body of a page of the server."""
    base, token = re.fullmatch(r"(http://[^/]+)/.*token=(\w+)", url).groups()  # type: ignore[union-attr]
    request = urllib.request.Request(base + path, headers={"Authorization": f"token {token}"})
    # The server names its address a moment before it listens there.
    for _ in range(PATIENCE * 10):
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                text: str = answer.read().decode()
            return text
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError):
                raise
            time.sleep(0.1)
    raise TimeoutError(f"nobody listens at {base}")


def test_the_lab_opens_on_the_start_notebook(start_url: str) -> None:
    assert "/lab/tree/notebooks/00-start-here.ipynb?" in start_url
    assert "<title>JupyterLab</title>" in get(start_url, "/lab")


def test_the_question_about_news_is_answered(start_url: str) -> None:
    answer = json.loads(get(start_url, "/lab/api/settings/@jupyterlab/apputils-extension:notification"))
    defaults = answer["schema"]["properties"]
    assert ("false", False) == (defaults["fetchNews"]["default"], defaults["checkForUpdates"]["default"])


def test_the_users_own_settings_are_untouched(start_url: str, home: Path) -> None:
    get(start_url, "/lab")
    written = {str(p.relative_to(home)) for p in home.rglob("*") if p.is_file()}
    # Jupyter keeps its run-time files there; no setting, no workspace.
    assert set() == {name for name in written if "settings" in name or "workspaces" in name}


def test_the_first_start_has_its_sidebar_closed_so_that_pictures_fit(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.spec_from_file_location("lab", root / "tools" / "lab.py")
    assert spec
    assert spec.loader
    lab = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(lab)
    monkeypatch.setattr(lab, "KEPT", tmp_path / "workspaces")
    lab.lay_out()
    [kept] = (tmp_path / "workspaces").iterdir()
    assert json.loads(kept.read_text())["data"]["layout-restorer:data"]["left"]["collapsed"] is True
    kept.write_text("what the user made of it")
    lab.lay_out()
    assert "what the user made of it" == kept.read_text()
