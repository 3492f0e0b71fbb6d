"""What a real QEMU says to the notebooks' cells "On a real QEMU": memkit.real shows it where there is none.

The calls are read from the notebooks, not run.
"""

from __future__ import annotations

import ast
import json
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import join
from typing import Any

from memkit.errors import MemkitError, Refused
from memkit.lab.real import COMMAND, key, target_of
from memkit.monitor.parse_text import COMMANDS
from memkit.qemu.launch import launch

from .ask import Binary
from .captures import hide_addresses
from .files import provenance, write

__all__ = ["NOTEBOOKS", "asked", "calls", "record_real"]

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def asked(folder: Path = NOTEBOOKS, target: str = "") -> list[tuple[str, str]]:
    """Line and command of each call of memkit.real in the notebooks of a folder, each once, in order.

    With ``target``, only those that its program answers.
    """
    found = [call for path in sorted(folder.glob("*.ipynb")) for call in calls(path)]
    return [call for call in dict.fromkeys(found) if target in ("", target_of(call[0]))]


def calls(path: Path) -> list[tuple[str, str]]:
    """Line and command of each call of memkit.real in a notebook.

    What it is given must be text, or a name for text in the same notebook; raises MemkitError for
    other things.
    """
    names: dict[str, str] = {}
    found: list[tuple[str, str]] = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        place = f"{path.name}, cell {cell.get('id')}"
        for statement in ast.parse("".join(cell["source"])).body:
            found += [_call(node, names, place) for node in ast.walk(statement) if _is_real(node)]
            if isinstance(statement, ast.Assign):
                text = _text(statement.value, names)
                targets = [target.id for target in statement.targets if isinstance(target, ast.Name)]
                for name in targets:
                    names.pop(name, None)
                    if text is not None:
                        names[name] = text
    return found


def _is_real(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "memkit.real"


def _call(node: ast.AST, names: dict[str, str], place: str) -> tuple[str, str]:
    assert isinstance(node, ast.Call)
    given = dict(zip(("line", "command"), node.args, strict=False))
    given |= {word.arg: word.value for word in node.keywords if word.arg}
    texts = {name: _text(value, names) for name, value in given.items()}
    line, command = texts.get("line"), texts.get("command", COMMAND)
    if line is None or command is None:
        raise MemkitError(f"{place}: memkit.real wants text, or a name for text, to be recorded: "
                          f"{ast.unparse(node)}")
    return " ".join(line.split()), command


def _text(node: ast.expr, names: dict[str, str]) -> str | None:
    """The text that an expression is, or None where only running it would tell."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _text(node.left, names), _text(node.right, names)
        return None if left is None or right is None else left + right
    if isinstance(node, ast.JoinedStr):
        parts = [_text(value, names) for value in node.values]
        return None if None in parts else "".join(part for part in parts if part)
    if isinstance(node, ast.FormattedValue) and node.conversion == -1 and node.format_spec is None:
        return _text(node.value, names)
    return None


def record_real(binary: Binary, path: Path, folder: Path = NOTEBOOKS) -> None:
    """Write the answers of ``binary`` to all calls in the notebooks of a folder that are for its target."""
    answers: dict[str, Any] = {}
    with _program(binary) as program:
        for line, command in asked(folder, binary.target):
            if command not in COMMANDS:
                raise MemkitError(f"{command!r:.60} is no command that memkit.real knows")
            answers[key(line, command)] = _answer(program, line, command)
            print(f"{len(answers)}: {key(line, command)}", file=sys.stderr)
    about = provenance(binary, f"qemu-system-{binary.target}")
    # "QEMU emulator version 7.2.22 (...)"
    write(path, {"about": {"version": binary.version.split()[3], **about}, "answers": answers})


def _answer(program: str, line: str, command: str) -> dict[str, Any]:
    try:
        text = launch(line, qemu=program).raw_monitor[command].replace("\r\n", "\n")
    except Refused as refused:
        return {"text": refused.message, "refused": True}
    return {"text": hide_addresses(text) if command == "info ramblock" else text}


@contextmanager
def _program(binary: Binary) -> Iterator[str]:
    """A program to start: QEMU itself, or a script that enters its root first."""
    if binary.root is None:
        yield binary.program
        return
    with tempfile.TemporaryDirectory(prefix="memkit-") as folder:
        script = Path(folder) / Path(binary.program).name
        script.write_text(f'#!/bin/sh\nexec {join(binary.command(binary.program))} "$@"\n', encoding="utf-8")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        yield str(script)
