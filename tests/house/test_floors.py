"""Imports point down only: a room never knows the rooms above it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

# The floors of the package, from the ground up.  The longest name that fits wins.
FLOORS: list[tuple[str, ...]] = [
    ("memkit.units", "memkit.errors"),
    ("memkit.architectures", "memkit.config", "memkit.host", "memkit.versions"),
    ("memkit.memory",),
    ("memkit.boards",),
    ("memkit.guest", "memkit.boot", "memkit.monitor", "memkit.qemu"),
    ("memkit.explain", "memkit.joined", "memkit.diff", "memkit.history", "memkit.hazards",
     "memkit.migration", "memkit.all_of_ram", "memkit.atlas"),
    ("memkit.draw",),
    ("memkit.lab", "memkit.cli"),
    ("memkit.__main__", "memkit"),
]
STOREYS = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def floor_of(module: str) -> int:
    """The floor of a module; the package itself, its shop window, is above them all."""
    room = module
    while room not in STOREYS or (room == "memkit" and module != "memkit"):
        room, _, last = room.rpartition(".")
        assert room, f"{module} stands on no floor: give {last} a place in FLOORS"
    return STOREYS[room]


def is_type_checking(node: ast.If) -> bool:
    """True for ``if TYPE_CHECKING:``, whose imports never run."""
    return ast.unparse(node.test).rpartition(".")[2] == "TYPE_CHECKING"


def imports_at_load(nodes: list[ast.stmt], package: str) -> Iterator[tuple[int, str]]:
    """(line, module) of every import of memkit's own that runs when the module is loaded."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and is_type_checking(node):
            yield from imports_at_load(node.orelse, package)
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, a.name) for a in node.names if a.name.startswith("memkit"))
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, *filter(None, [base])])
            if base == "memkit":
                yield from ((node.lineno, f"memkit.{alias.name}") for alias in node.names)
            elif base.startswith("memkit."):
                yield node.lineno, base
        for inner in ("body", "orelse", "finalbody"):
            yield from imports_at_load(getattr(node, inner, []), package)
        for handler in getattr(node, "handlers", []):
            yield from imports_at_load(handler.body, package)


def name_of(path: Path, root: Path) -> str:
    """The dotted name of a module of the package."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def upward(path: Path, root: Path) -> list[str]:
    """The imports of a module that point up, as sentences."""
    module = name_of(path, root)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    here = floor_of(module)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        f"{path.relative_to(root)}:{line}: {module} (floor {here}) imports {used} (floor {floor_of(used)})"
        for line, used in imports_at_load(tree.body, package)
        if floor_of(used) > here
    ]


def test_imports_point_down_only(modules: list[Path], root: Path) -> None:
    assert [] == [line for path in modules for line in upward(path, root)]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from memkit.draw import graph", ["memkit.draw"]),
        ("from memkit import lab", ["memkit.lab"]),
        ("from ..draw import graph", ["memkit.draw"]),
        ("try:\n    import memkit.cli\nexcept ImportError:\n    pass", ["memkit.cli"]),
        ("def f():\n    import memkit.cli", []),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import memkit.cli", []),
        ("import json", []),
    ],
)
def test_the_check_sees_the_imports_that_run_at_load(source: str, found: list[str]) -> None:
    assert found == [name for _, name in imports_at_load(ast.parse(source).body, "memkit.memory")]
