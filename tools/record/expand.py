"""Recorded facts without their short forms, as nested dicts of plain values; and back again.

A recording keeps what many types share once: groups of properties, lists, "like pc", differences between
neighbours.  Two recordings can be compared only when that is undone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from .cpus import cpu_table
from .devices import POOLED, boards_in_short, pool_lists
from .machines import chain, order, ranges
from .props import share
from .targets import Target, target

__all__ = ["COMPACT", "EXPAND", "woven"]

Facts = dict[str, Any]
# Sections whose members are machine types, outcome by outcome.
BY_TYPE = ("devices", "outcomes", "vga")


def woven(old: Iterable[str], new: Iterable[str]) -> list[str]:
    """The members of both, in the order of ``new``; those of ``old`` alone behind what stands before them.

    >>> woven("abx", "acb")
    ['a', 'c', 'b', 'x']
    """
    newer = list(new)
    behind: dict[str | None, list[str]] = {None: []} | {member: [] for member in newer}
    last: str | None = None
    for member in old:
        if member in behind:
            last = member
        else:
            behind[last].append(member)
    return [*behind[None], *(each for member in newer for each in (member, *behind[member]))]


def _named(words: Iterable[str]) -> dict[str, str]:
    """``name=rest`` words as name → rest."""
    return {name: rest for name, _, rest in (word.partition("=") for word in words)}


def _words(named: dict[str, str]) -> list[str]:
    return [f"{name}={rest}" for name, rest in named.items()]


def _groups(numbers: Iterable[int], groups: list[Any]) -> dict[str, str]:
    words: list[str] = []
    for number in numbers:
        group = groups[number]
        words += group.split() if isinstance(group, str) else group
    return dict(sorted(_named(words).items()))


# -- devices


def _full_board(facts: Any, pc: Facts, lists: list[list[str]]) -> Facts:
    if facts == "pc":
        return dict(pc)
    if isinstance(facts, str):
        return {"refusal": facts}
    full = dict(facts)
    if full.pop("like", None):
        full = {k: v for k, v in (pc | full).items() if v is not None}
    for part in (full, full.get("then", {})):
        for key in POOLED:
            if isinstance(part.get(key), int):
                part[key] = lists[part[key]]
        if isinstance(part.get("spaces"), list):
            part["spaces"] = {
                name: rows for entry in part["spaces"]
                for name, rows in (entry.items() if isinstance(entry, dict) else [(entry, None)])
            }
    return full


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _target(facts: Facts) -> Target:
    return target(facts["about"].get("target", "x86_64"))


def expand_devices(facts: Facts) -> Facts:
    """data/devices with property groups, shared lists and boards like pc written out."""
    facts = _copy(facts)
    groups, lists = facts.pop("property_groups"), facts.pop("lists")
    facts["not_pluggable"] = {text: dict.fromkeys(names) for text, names in facts["not_pluggable"].items()}
    boards = _target(facts).boards
    for row in facts["devices"].values():
        row["props"] = _groups(row["props"], groups)
        for board in boards:
            if board in row:
                # A copy, since boards share lists, and each is changed by itself.
                row[board] = _copy(_full_board(row[board], row[boards[0]], lists))
    return facts


def compact_devices(facts: Facts) -> Facts:
    """The opposite of ``expand_devices``."""
    facts = _copy(facts)
    facts["not_pluggable"] = {text: list(names) for text, names in facts["not_pluggable"].items() if names}
    wanted = _target(facts)
    rows = facts.pop("devices")
    groups, numbers = share([sorted(_words(row["props"])) for row in rows.values()])
    for row, number in zip(rows.values(), numbers, strict=True):
        row["props"] = number
        boards = {board: row[board] for board in wanted.boards if board in row}
        for name, board in boards.items():
            for part in (board, board.get("then", {})):
                for function in part.get("pci", [])[:1]:
                    function.setdefault("devfn", wanted.first_slots[name])
                if "spaces" in part:
                    part["spaces"] = [
                        name if lines is None else {name: lines} for name, lines in part["spaces"].items()
                    ]
        row |= boards_in_short(boards, wanted) if boards else {}
    facts["property_groups"] = [" ".join(group) for group in groups]
    facts["lists"] = pool_lists(rows, wanted.boards)
    return facts | {"devices": rows}


# -- machine types and CPU models


# Lines that have an address stand in its order.
_PLACES: dict[str, Callable[[str], int]] = {
    "blocks": lambda line: int(line.rsplit(" ", 4)[1], 16),
    "flat memory": lambda line: int(line.partition("-")[0], 16),
}


def _full_starts(found: Facts, names: list[str]) -> Facts:
    """Each machine type's own state: key → lines."""
    result: Facts = {}
    state: dict[str, list[str]] = {}
    family = ""
    for name in names:
        if order(name)[0] != family:
            state = {}
        family = order(name)[0]
        change = found.get(name)
        if change is not None and "unlike" not in change:
            state = change
        elif change is not None:
            state = dict(state)
            for key, lines in change.items():
                if key != "unlike":
                    left = list(state.get(key, []))
                    for line in lines:
                        if line.startswith("- "):
                            left.remove(line[2:])
                    state[key] = left + [line[2:] for line in lines if line.startswith("+ ")]
            state = {k: v for k, v in state.items() if v}
            for key, place in _PLACES.items():
                if key in state:
                    state[key] = sorted(state[key], key=place)
        if state:
            result[name] = {k: list(v) for k, v in state.items()}
    return result


def _each(found: Facts, names: list[str]) -> dict[str, str]:
    """Machine type → outcome, from outcome → runs of machine types."""
    each = {}
    for text, runs in found.items():
        for run in runs if text != "options" else ():
            first, _, last = run.partition("..")
            for name in names[names.index(first) : names.index(last or first) + 1]:
                each[name] = text
    return {name: each[name] for name in names if name in each}


def expand_machines(facts: Facts) -> Facts:
    """data/machines with everything written out for every machine type and CPU model."""
    facts = _copy(facts)
    names = list(facts["machines"])
    groups, value_groups = facts.pop("property_groups"), facts.pop("value_groups")
    for row in facts["machines"].values():
        for key, known in (("props", groups), ("instance", groups), ("values", value_groups)):
            if key in row:
                row[key] = _groups(row[key], known)
    facts["starts"] = {
        title: {"options": found.pop("options")} | _full_starts(found, names)
        for title, found in facts["starts"].items()
    }
    for section in BY_TYPE:
        for title, found in facts[section].items():
            options = {"options": found["options"]} if "options" in found else {}
            facts[section][title] = options | _each(found, names)
    facts["nic_models"] = dict.fromkeys(facts["nic_models"])
    facts["cpu_flags"] = dict.fromkeys(facts["cpu_flags"].split())
    common, more = facts["cpu_properties"]
    facts["cpu_properties"] = {"all": _named(common.split()), "max": _named(more.split())}
    bits = facts.pop("cpuid_bits")
    usual = facts["cpus"].pop("")
    for name, row in facts["cpus"].items():
        if "refusal" not in row:
            row = {k: v for k, v in (usual | row).items() if v is not None}
            if "tcg_lacks" in row:
                row["tcg_lacks"] = {bits[number]: None for number in row["tcg_lacks"]}
            facts["cpus"][name] = row
    return facts


def compact_machines(facts: Facts) -> Facts:
    """The opposite of ``expand_machines``; machine types are put in their order."""
    facts = _copy(facts)
    rows = {name: facts["machines"][name] for name in sorted(facts["machines"], key=order)}
    names = [name for name, row in rows.items() if "props" in row]
    groups, numbers = share([_words(rows[n][k]) for k in ("props", "instance") for n in names])
    value_groups, values = share([_words(rows[n]["values"]) for n in names])
    for index, name in enumerate(names):
        rows[name] |= {"props": numbers[index], "instance": numbers[index + len(names)],
                       "values": values[index]}
    facts["starts"] = {
        title: {"options": found.pop("options")} | chain([n for n in names if n in found], found)
        for title, found in facts["starts"].items()
    }
    for section in BY_TYPE:
        for title, found in facts[section].items():
            options = {"options": found.pop("options")} if "options" in found else {}
            facts[section][title] = options | ranges(names, found)
    bits = sorted({bit for row in facts["cpus"].values() for bit in row.get("tcg_lacks", ())})
    for row in facts["cpus"].values():
        if row.get("tcg_lacks"):
            row["tcg_lacks"] = [bits.index(bit) for bit in row["tcg_lacks"]]
        else:
            row.pop("tcg_lacks", None)
    properties = facts["cpu_properties"]
    result = {
        "about": facts["about"], "aliases": facts["aliases"], "machines": rows,
        "property_groups": [" ".join(group) for group in groups], "value_groups": value_groups,
        **{key: facts[key] for key in ("starts", *BY_TYPE)},
        "nic_models": list(facts["nic_models"]), "cpus": cpu_table(facts["cpus"]), "cpuid_bits": bits,
        "cpu_properties": [" ".join(sorted(_words(properties[key]))) for key in ("all", "max")],
        "cpu_flags": " ".join(facts["cpu_flags"]),
    }
    return {key: result[key] for key in facts if key in result} | result


# -- windows of boards, which are written out already


def expand_windows(facts: Facts) -> Facts:
    """data/windows as it is."""
    return dict(facts)


Change = Callable[[Facts], Facts]
EXPAND: dict[str, Change] = {
    "devices": expand_devices, "machines": expand_machines, "windows": expand_windows,
}
COMPACT: dict[str, Change] = {
    "devices": compact_devices, "machines": compact_machines, "windows": expand_windows,
}
