"""The files of ``data/``: where they lie, and each of them read once, not before somebody asks.

``tools/record`` asks a QEMU program and writes them; ``data/README.md`` explains what is in them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from memkit.versions import KNOWN_QEMU

__all__ = ["data_file", "load", "program_name", "recorded_releases", "unpack"]

_X86 = ("x86_64", "i386")


def data_file(*parts: str) -> Path:
    """The path of a file of ``data/``: inside the installed package, or beside it in a checkout.

    >>> data_file("devices", "x86_64-7.2.json").name
    'x86_64-7.2.json'
    """
    package = Path(__file__).resolve().parents[1]
    installed = package / "data" / Path(*parts)
    return installed if installed.exists() else package.parent / "data" / Path(*parts)


def program_name(target: str, version: str) -> str:
    """The key of what was recorded of qemu-system-TARGET (see ``load``); i386 has that of x86_64.

    >>> program_name("aarch64", "7.2"), program_name("i386", "7.2")
    ('aarch64-7.2', '7.2')
    """
    return version if target in _X86 else f"{target}-{version}"


@lru_cache(maxsize=16)
def recorded_releases(target: str) -> tuple[str, ...]:
    """The releases whose machine types and devices are in ``data/`` for ``target``, oldest first.

    >>> recorded_releases("riscv64")
    ('5.2', '7.2', '10.0', '11.1')
    """
    return tuple(
        version for version in KNOWN_QEMU
        if all(_file(room, program_name(target, version)).exists() for room in ("machines", "devices"))
    )


def _file(room: str, program: str) -> Path:
    return data_file(room, f"{program if '-' in program else f'x86_64-{program}'}.json")


@lru_cache(maxsize=64)
def load(room: str, program: str) -> dict[str, Any]:
    """The facts of ``data/ROOM/`` about a QEMU program, as they lie in the file.

    A program is TARGET-VERSION ("aarch64-7.2"), or just the version for that of x86_64.
    """
    loaded: dict[str, Any] = json.loads(_file(room, program).read_text(encoding="utf-8"))
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
