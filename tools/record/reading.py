"""Reading monitor text: region trees, FlatViews, RAMBlocks, buses."""

from __future__ import annotations

import re
from typing import Any

LINE = re.compile(r"^(\s*)([0-9a-f]{16})-([0-9a-f]{16}) \(prio (-?\d+), ([^)]+)\): (.*)$")


def short(match: re.Match[str]) -> str:
    """One region line, numbers without leading zeros."""
    _, start, end, priority, kind, name = match.groups()
    name = re.sub(r"\b0{1,15}([0-9a-f]+)-0{0,15}([0-9a-f]+)(?= |$)", r"\1-\2", name)
    name = re.sub(r" @0*([0-9a-f]+)$", r" @\1", name)
    return f"{int(start, 16):x}-{int(end, 16):x} {priority} {kind} {name}"


def read_tree(text: str) -> tuple[dict[str, list[str]], list[str]]:
    """Address spaces by name (their lines), and all region lines with their container."""
    spaces: dict[str, list[str]] = {}
    rows: list[str] = []
    # QEMU walks a hash table here: sorted, the same guest always reads the same.
    for stanza in sorted(text.split("\n\n")):
        names: list[str] = []
        stack: list[tuple[int, str]] = []
        lines: list[tuple[str, str]] = []
        for line in stanza.splitlines():
            if line.startswith("address-space: "):
                names.append(line.removeprefix("address-space: "))
                continue
            match = LINE.match(line)
            if match is None:
                continue
            depth = len(match[1])
            while stack and stack[-1][0] >= depth:
                stack.pop()
            container = stack[-1][1] if stack else ""
            row = short(match)
            lines.append((container, row))
            stack.append(
                (depth, match[6].removesuffix(" [disabled]").removeprefix("alias ").partition(" @")[0])
            )
            if container:
                rows.append(f"{container}: {row}")
        for name in names:
            key = name
            while key in spaces:
                key += "'"
            spaces[key] = [f"{c}: {r}" if c else r for c, r in lines]
    return spaces, list(dict.fromkeys(rows))


def read_flat(text: str) -> dict[str, list[str]]:
    """FlatView lines by address space."""
    views: dict[str, list[str]] = {}
    for part in text.split("FlatView #")[1:]:
        lines = [short(m) for line in part.splitlines() if (m := LINE.match(line))]
        for name in re.findall(r'AS "([^"]*)"', part):
            views.setdefault(name, lines)
    return views


def read_blocks(text: str) -> list[list[Any]]:
    """RAMBlocks in ram_addr_t order: [name, total, used, page size, offset]."""
    found = []
    for line in text.splitlines()[1:]:
        match = re.match(r"^\s*(.*?)\s*(\d+) ([KMG])iB((?:\s+0x[0-9a-f]+){3})", line)
        if match is None:
            continue
        offset, used, total = (int(word, 16) for word in match[4].split()[:3])
        page = int(match[2]) << {"K": 10, "M": 20, "G": 30}[match[3]]
        found.append([match[1], total, used, page, offset])
    return sorted(found, key=lambda row: row[4])


def rom_of(qtree: str, driver: str) -> str:
    """The option-ROM file of the first ``driver`` in ``info qtree``, or ""."""
    block = re.search(rf"^( *)dev: {re.escape(driver)}, id .*\n((?:\1 .*\n)*)", qtree, re.M)
    found = re.search(r'^\s*romfile = "(.*)"', block[2], re.M) if block else None
    return found[1] if found else ""


def read_buses(text: str) -> list[tuple[str, str]]:
    """(name, type) of every bus of ``info qtree``, outermost and newest first."""
    return re.findall(r"^\s*bus: (.*)\n\s*type (.*)$", text, re.M)


def pci_devices(buses: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every PCI device of query-pci, those behind bridges too, each with its bus's root number."""
    found = []

    def visit(devices: list[dict[str, Any]], depth: int, root: int) -> None:
        for device in devices:
            found.append({**device, "depth": depth, "root": root})
            visit(device.get("pci_bridge", {}).get("devices", []), depth + 1, root)

    for number, bus in enumerate(buses):
        visit(bus["devices"], 0, number)
    return found
