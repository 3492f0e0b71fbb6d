"""A shorter recording of one more release: how properties set sizes is taken from one recorded in full.

Sweeps over values of properties, and starts of each machine type with each device, are three in four
starts, and they hardly ever tell releases apart.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from memkit.errors import MemkitError

from .targets import TARGETS, Target

__all__ = ["shorter", "take_rules", "use_shorter"]

_SECTIONS = ("rules", "no_effect", "sweep")


def shorter(wanted: Target) -> Target:
    """``wanted`` without sweeps, and with the plainest starts of each machine type only.

    >>> from tools.record.targets import target
    >>> list(shorter(target("riscv64")).scenarios)
    ['default', 'nodefaults']
    """
    plain = {name: wanted.scenarios[name] for name in ("default", "nodefaults")}
    return replace(wanted, sweep={}, rom_sizes=(), zoo=(), outcomes={}, scenarios=plain)


def use_shorter(name: str, like: Path) -> dict[str, Any]:
    """The recording ``like``, after the target ``name`` is set to be asked in short.

    Raises MemkitError for a file that is no recording of that target's devices, OSError for none at all.
    """
    try:
        known: dict[str, Any] = json.loads(like.read_text(encoding="utf-8"))
        fits = bool(known["devices"]) and known["about"].get("target", "x86_64") == name
    except (ValueError, TypeError, KeyError, AttributeError):
        fits = False
    if not fits:
        example = f"data/devices/{name}-7.2.json"
        raise MemkitError(f"{like} has no devices of {name}; give a file such as {example}")
    TARGETS[name] = shorter(TARGETS[name])
    return known


def take_rules(found: dict[str, Any], known: dict[str, Any], boards: tuple[str, ...]) -> int:
    """Give each device of ``found`` the rules that it has in ``known``, if it makes the same blocks in both.

    Returns how many got some; ``about.rules_of`` says where they come from.
    """
    count = 0
    for name, row in found["devices"].items():
        other = known["devices"].get(name, {})
        if any(_blocks(row, board) != _blocks(other, board) for board in boards):
            continue
        taken = {section: other[section] for section in _SECTIONS if section in other}
        row |= taken
        count += bool(taken)
    found["about"]["rules_of"] = known["about"]["qemu"]
    return count


def _blocks(row: dict[str, Any], board: str) -> Any:
    seen = row.get(board)
    if not isinstance(seen, dict):
        return None
    return seen.get("then", seen).get("blocks")
