"""The files of ``data/``: where they lie, and each of them read once, not before somebody asks.

``tools/record`` asks a QEMU program and writes them; ``data/README.md`` explains what is in them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

__all__ = ["data_file", "load", "unpack"]


def data_file(*parts: str) -> Path:
    """The path of a file of ``data/``: inside the installed package, or beside it in a checkout.

    >>> data_file("devices", "x86_64-7.2.json").name
    'x86_64-7.2.json'
    """
    package = Path(__file__).resolve().parents[1]
    installed = package / "data" / Path(*parts)
    return installed if installed.exists() else package.parent / "data" / Path(*parts)


@lru_cache(maxsize=64)
def load(room: str, program: str) -> dict[str, Any]:
    """The facts of ``data/ROOM/`` about a QEMU program, as they lie in the file.

    A program is TARGET-VERSION ("aarch64-7.2"), or just the version for that of x86_64.
    """
    name = program if "-" in program else f"x86_64-{program}"
    loaded: dict[str, Any] = json.loads(data_file(room, f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def unpack(groups: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Property groups (``name=type|default`` words) as name → type and name → default."""
    kinds, defaults = {}, {}
    for word in sorted(w for group in groups for w in group.split()):
        name, _, rest = word.partition("=")
        kinds[name], found, default = rest.partition("|")
        if found:
            defaults[name] = default
    return kinds, defaults
