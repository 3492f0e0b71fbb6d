"""Binder can build the kit: repo2docker understands ``binder/``, without building anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("binder")


@pytest.fixture(scope="module")
def dockerfile(root: Path) -> str:
    """What repo2docker would build, as a Dockerfile."""
    program = Path(sys.executable).parent / "jupyter-repo2docker"
    done = subprocess.run(
        [program, "--no-build", "--debug", "--user-id", "1000", "--user-name", "learner", str(root)],
        capture_output=True, text=True, check=False,
    )
    assert 0 == done.returncode, done.stderr
    assert "Building conda environment for python=3.12" in done.stderr
    return done.stdout


def test_binder_makes_the_conda_environment(dockerfile: str) -> None:
    assert 'env update -p ${NB_PYTHON_PREFIX} --file "binder/environment.yml"' in dockerfile


def test_binder_installs_qemu(dockerfile: str) -> None:
    assert "apt-get install --yes --no-install-recommends qemu-system-x86" in dockerfile


def test_binder_runs_the_post_build_script(root: Path, dockerfile: str) -> None:
    assert "./binder/postBuild" in dockerfile
    assert os.access(root / "binder" / "postBuild", os.X_OK)


def test_the_settings_answer_the_question_about_news_with_no(root: Path) -> None:
    settings = root / "binder" / "jupyter"
    overrides = json.loads((settings / "labconfig" / "default_setting_overrides.json").read_text())
    server = json.loads((settings / "jupyter_lab_config.json").read_text())
    assert "false" == overrides["@jupyterlab/apputils-extension:notification"]["fetchNews"]
    assert server["LabApp"]["news_url"] is None


def test_the_badge_opens_the_start_notebook(root: Path) -> None:
    readme = (root / "README.md").read_text(encoding="utf-8")
    assert "urlpath=lab/tree/notebooks/00-start-here.ipynb" in readme.replace("%2F", "/")
    assert (root / "notebooks" / "00-start-here.ipynb").exists()
