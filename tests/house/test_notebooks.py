"""Notebooks are stored clean: no outputs, no counters, one kernel, no helper code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").rglob("*.ipynb"))
NOTEBOOKS = [path for path in NOTEBOOKS if ".ipynb_checkpoints" not in path.parts]
EVERY = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(path: Path) -> list[dict[str, object]]:
    """The code cells of a notebook."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_the_start_notebook_exists() -> None:
    assert "00-start-here" in [path.stem for path in NOTEBOOKS]


@EVERY
def test_notebooks_are_stored_without_outputs(path: Path) -> None:
    ran = [c for c in code_cells(path) if c.get("outputs") or c.get("execution_count") is not None]
    assert [] == ran


@EVERY
def test_notebooks_name_the_plain_python_kernel(path: Path) -> None:
    metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"]
    assert "python3" == metadata["kernelspec"]["name"]


@EVERY
def test_notebooks_hold_no_helper_code(path: Path) -> None:
    """A cell that defines a function says that the package lacks one (exercises ask for one)."""
    helpers = [
        "".join(cell["source"]) for cell in code_cells(path)  # type: ignore[arg-type]
        if any(line.startswith(("def ", "class ")) for line in "".join(cell["source"]).splitlines())  # type: ignore[arg-type]
        and "exercise" not in json.dumps(cell.get("metadata", {}))
    ]
    assert [] == helpers
