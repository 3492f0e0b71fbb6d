"""memkit lab opens JupyterLab on a chapter, in place of itself; what is missing is told."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from memkit.cli import course, main

ROOT = Path(__file__).resolve().parents[1]


class Started(Exception):
    """What would have been started instead of this process."""


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is started: the argv is raised."""

    def execv(path: str, argv: Sequence[str]) -> None:
        raise Started(path, list(argv))

    monkeypatch.setattr(os, "execv", execv)


@pytest.mark.parametrize(("words", "further"), [
    ([], []),
    (["10-migration"], ["notebooks/10-migration.ipynb"]),
    (["10"], ["notebooks/10-migration.ipynb"]),
    (["sharing"], ["notebooks/08-sharing.ipynb"]),
    (["notebooks/00-start-here.ipynb"], ["notebooks/00-start-here.ipynb"]),
    (["7", "--", "--no-browser", "--port", "8899"],
     ["notebooks/07-huge-pages.ipynb", "--no-browser", "--port", "8899"]),
])
def test_a_chapter_is_opened_by_name_or_number_and_the_rest_goes_to_jupyterlab(
    words: list[str], further: list[str]
) -> None:
    with pytest.raises(Started) as seen:
        main(["lab", *words])
    assert (sys.executable, [sys.executable, str(ROOT / "tools" / "lab.py"), *further]) == seen.value.args


def test_a_chapter_that_there_is_not_is_told_with_those_that_there_are(
    capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == main(["lab", "numa"])
    assert "'numa' is no chapter; there are: 00-start-here, 01-" in capsys.readouterr().err


def test_an_installed_package_says_where_the_notebooks_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(course, "KIT", tmp_path)
    assert 3 == main(["lab"])
    assert "the notebooks are not part of the installed package" in capsys.readouterr().err


def test_a_missing_jupyterlab_is_told_with_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(course, "find_spec", lambda name: None)
    assert 3 == main(["lab"])
    assert "install it with: make -C " in capsys.readouterr().err
