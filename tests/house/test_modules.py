"""A module is one concept: it says what it is, what it offers, and stays short enough to read."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import memkit

LONGEST = 400


def has_all(tree: ast.Module) -> bool:
    """True if the module names what it offers, or offers nothing."""
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets):
            return True
    rest = [node for node in tree.body if not ast.unparse(node).startswith("from __future__")]
    return all(isinstance(node, ast.Expr) for node in rest)


def test_every_module_has_a_docstring(modules: list[Path], root: Path) -> None:
    bare = [
        str(path.relative_to(root)) for path in modules
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert [] == bare


def test_every_module_names_what_it_offers(modules: list[Path], root: Path) -> None:
    silent = [
        str(path.relative_to(root)) for path in modules
        if path.name != "__main__.py" and not has_all(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert [] == silent


def test_no_module_is_longer_than_400_lines(modules: list[Path], root: Path) -> None:
    lengths = {str(p.relative_to(root)): len(p.read_text(encoding="utf-8").splitlines()) for p in modules}
    assert {} == {name: lines for name, lines in lengths.items() if lines > LONGEST}


def test_names_in_all_exist_once(modules: list[Path], root: Path) -> None:
    wrong = []
    for path in modules:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                names = ast.literal_eval(node.value)
                if len(names) != len(set(names)):
                    wrong.append(f"{path.relative_to(root)}: a name stands twice in __all__")
    assert [] == wrong


def test_every_name_on_the_face_of_the_package_can_be_had() -> None:
    assert [] == [name for name in memkit.__all__ if not hasattr(memkit, name)]


@pytest.mark.parametrize("first", ["memkit.boot", "memkit.diff", "memkit.cli", "memkit.explain"])
def test_loading_a_module_first_hides_no_function_on_the_face(first: str, root: Path) -> None:
    program = f"import {first}, memkit; print(*map(callable, (memkit.boot, memkit.diff, memkit.launch)))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert ("True True True\n", "") == (done.stdout, done.stderr)


def test_the_face_of_the_package_is_complete() -> None:
    assert sorted({*memkit._FACE, "__version__"}) == sorted(memkit.__all__)
