"""One list of dependencies: pyproject.toml leads, the lock and the conda environment follow."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# Where conda-forge's name differs from the Python package index's.
CONDA_NAMES = {"graphviz": "python-graphviz", "jupyter-bokeh": "jupyter_bokeh", "qemu.qmp": "python-qemu-qmp"}
# Where conda-forge's bound differs, and why.
CONDA_BOUNDS = {"pygraphviz": ">=1.14"}  # the wheel brings Graphviz from 2.0 on, conda's always did
CONDA_OWN = {"python", "pip"}


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, object]:
    """The [project] table."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def extras(project: dict[str, object]) -> dict[str, list[Requirement]]:
    """The extras: name → requirements."""
    declared: dict[str, list[str]] = project["optional-dependencies"]  # type: ignore[assignment]
    return {extra: [Requirement(line) for line in lines] for extra, lines in declared.items()}


@pytest.fixture(scope="module")
def lock(root: Path) -> dict[str, list[str]]:
    """The lock: package → pinned versions (two where Python's version decides)."""
    pins: dict[str, list[str]] = {}
    for line in (root / "requirements-lock.txt").read_text(encoding="utf-8").splitlines():
        if found := re.match(r"([A-Za-z0-9._-]+)==(\S+)", line):
            pins.setdefault(canonicalize_name(found[1]), []).append(found[2])
    return pins


@pytest.fixture(scope="module")
def conda(root: Path) -> dict[str, str]:
    """conda's environment: package → version bound."""
    listed = yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    return {re.split(r"[=<>]", line)[0]: line[len(re.split(r"[=<>]", line)[0]):] for line in listed}


def test_the_package_itself_depends_on_nothing(project: dict[str, object]) -> None:
    assert [] == project["dependencies"]


def test_the_lock_pins_a_fitting_version_of_every_dependency(
    extras: dict[str, list[Requirement]], lock: dict[str, list[str]]
) -> None:
    wrong = [
        str(wanted) for wanted in (*extras["lab"], *extras["test"])
        if not any(wanted.specifier.contains(v) for v in lock.get(canonicalize_name(wanted.name), []))
    ]
    assert [] == wrong, "renew the lock: make lock ARGS=--keep"


def test_every_pin_has_a_hash(root: Path) -> None:
    text = (root / "requirements-lock.txt").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-z0-9])", text)
    assert [] == [block.split()[0] for block in blocks if "--hash=sha256:" not in block]


def test_the_lock_names_no_host(root: Path) -> None:
    text = (root / "requirements-lock.txt").read_text(encoding="utf-8")
    assert [] == re.findall(r"\S+://\S+|--(?:extra-)?index-url.*|--find-links.*", text)


def test_the_conda_environment_has_the_packages_of_the_lab_and_no_others(
    extras: dict[str, list[Requirement]], conda: dict[str, str]
) -> None:
    wanted = {CONDA_NAMES.get(r.name, r.name): str(r.specifier) for r in extras["lab"]}
    found = {name: bound for name, bound in conda.items() if name not in CONDA_OWN}
    assert {**wanted, **CONDA_BOUNDS} == found


def test_the_conda_environment_pins_a_python_that_the_package_supports(
    project: dict[str, object], conda: dict[str, str]
) -> None:
    python = Requirement(f"python{project['requires-python']}")
    assert python.specifier.contains(conda["python"].lstrip("=") + ".0")


def test_binder_and_conda_read_one_file(root: Path) -> None:
    assert (root / "binder" / "environment.yml").resolve() == (root / "environment.yml").resolve()


def test_the_version_stands_once(project: dict[str, object]) -> None:
    import memkit

    assert project["version"] == memkit.__version__
