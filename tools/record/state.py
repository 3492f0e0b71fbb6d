"""What a start showed, and how two starts differ."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .reading import pci_devices, read_blocks, read_buses, read_flat, read_tree

if TYPE_CHECKING:
    from .ask import Answer

QUESTIONS: list[str | dict[str, Any]] = [
    "info ramblock",
    "info mtree -D",
    "info mtree -f",
    "info qtree",
    {"execute": "query-pci"},
]


@dataclass
class State:
    """A started guest's memory, as the monitor shows it."""

    blocks: list[list[Any]]
    spaces: dict[str, list[str]]
    rows: list[str]
    flat: dict[str, list[str]]
    buses: list[tuple[str, str]]
    pci: list[dict[str, Any]]
    qtree: str

    @classmethod
    def of(cls, answer: Answer) -> State:
        """From the answers to QUESTIONS."""
        ramblock, mtree, flat, qtree, pci = answer.results
        spaces, rows = read_tree(mtree)
        return cls(
            read_blocks(ramblock),
            spaces,
            rows,
            read_flat(flat),
            read_buses(qtree),
            pci_devices(pci) if isinstance(pci, list) else [],
            qtree,
        )


def minus(left: Iterable[Any], right: Iterable[Any]) -> list[Any]:
    """What ``left`` has more of than ``right``, in order."""
    rest = list(right)
    more = []
    for item in left:
        if item in rest:
            rest.remove(item)
        else:
            more.append(item)
    return more


BAR_KINDS = {
    (True, True): "mem64p",
    (True, False): "mem64",
    (False, True): "mem32p",
    (False, False): "mem32",
}


def pci_function(device: dict[str, Any]) -> dict[str, Any]:
    """devfn, class and BARs ("number kind size") of a device of query-pci."""
    bars = []
    for bar in device["regions"]:
        kind = "io" if bar["type"] == "io" else BAR_KINDS[bar["mem_type_64"], bar["prefetch"]]
        bars.append(f"{bar['bar']} {kind} {bar['size']:#x}")
    facts: dict[str, Any] = {
        "devfn": f"{device['slot']:02x}.{device['function']}",
        "class": f"{device['class_info']['class']:04x}",
    }
    if bars:
        facts["bars"] = bars
    return facts


# Power's paths begin with the number of the host bridge, and those of Z with the root bus.
HOST_BRIDGE = r"pci@[0-9a-f]+:|pci\.0:"
SLOT = r"[0-9a-f]{2}\.[0-7]"
PATH = re.compile(rf"(?:0000:(?:[0-9a-f]{{2}}:)?|{HOST_BRIDGE})(?:{SLOT}:)*({SLOT})/")
# The path of a device in the first free slot of the root bus, or below a bridge there.
OWN_PATH = re.compile(rf"^(?:0000:00:|{HOST_BRIDGE})0[0-2]\.0(?::0[01]\.0)?/")


def short_path(name: str, functions: list[dict[str, Any]]) -> str:
    """A block's name with the device's own path (``0000:00:02.0``, or below a bridge) as ``%``."""
    match = PATH.match(name)
    if match and functions and match[1] == functions[0]["devfn"]:
        return "%/" + name[match.end() :]
    return name


BUS_MASTER = [
    "0-ffffffffffffffff 0 i/o bus master container",
    "bus master container: 0-ffffffffffffffff 0 i/o alias bus master @system 0-ffffffffffffffff [disabled]",
]


def space(name: str, lines: list[str]) -> Any:
    """An address space: its name if it is an ordinary bus master's, or {name: lines}.

    A root that "memory" or "I/O" shows already is cut.
    """
    if lines == BUS_MASTER:
        return name
    if lines and lines[0].rpartition(" ")[2] in ("io", "system"):
        lines = [lines[0], "..."]
    return {name: lines}


def difference(before: State, after: State) -> dict[str, Any]:
    """What ``after`` has and ``before`` has not; keys that are empty are left out."""
    facts: dict[str, Any] = {}

    def key(device: dict[str, Any]) -> tuple[Any, ...]:
        return (
            device["root"],
            device["depth"],
            device["bus"],
            device["slot"],
            device["function"],
            device["id"]["device"],
        )

    old = [key(d) for d in before.pci]
    new = [d for d in after.pci if key(d) not in old and not d["root"]]
    if new:
        facts["pci"] = [pci_function(d) for d in new]
    offsets = {row[0] for row in before.blocks}
    blocks = [row for row in after.blocks if row[0] not in offsets]
    if blocks:
        facts["blocks"] = []
        for name, total, used, page, _ in blocks:
            row: list[Any] = [short_path(name, facts.get("pci", [])), total]
            if used != total or page != 4096:
                row += [used, page]
            facts["blocks"].append(row)
    changed = [
        [name, total, used]
        for name, total, used, *_ in after.blocks
        if any(name == b[0] and (total, used) != (b[1], b[2]) for b in before.blocks)
    ]
    if changed:
        facts["blocks_changed"] = changed
    gone = [b[0] for b in before.blocks if b[0] not in {a[0] for a in after.blocks}]
    if gone:
        facts["blocks_gone"] = gone
    spaces = [space(n, after.spaces[n]) for n in after.spaces if n not in before.spaces]
    spaces += [
        space(n, after.spaces[n])
        for n in after.spaces
        if n in before.spaces
        and n not in ("memory", "I/O")
        and after.spaces[n] != before.spaces[n]
        and not n.startswith("cpu-")
    ]
    spaces.sort(key=lambda entry: entry if isinstance(entry, str) else next(iter(entry)))
    if spaces:
        facts["spaces"] = spaces
    lost = [n for n in before.spaces if n not in after.spaces]
    if lost:
        facts["spaces_gone"] = lost
    shown = {
        row
        for name in facts.get("spaces", [])
        if isinstance(name, dict)
        for rows in name.values()
        for row in rows
    }
    facts["tree"] = [f"- {r}" for r in minus(before.rows, after.rows)]
    facts["tree"] += [f"+ {r}" for r in minus(after.rows, before.rows) if r not in shown]
    for name in ("memory", "I/O"):
        was, now = before.flat.get(name, []), after.flat.get(name, [])
        facts[f"flat {name}"] = [f"- {r}" for r in minus(was, now)] + [
            f"+ {r}" for r in minus(now, was)
        ]
    buses = [list(b) for b in minus(after.buses, before.buses)][::-1]
    if buses:
        facts["buses"] = buses
    return {k: v for k, v in facts.items() if v}
