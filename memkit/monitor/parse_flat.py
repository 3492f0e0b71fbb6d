"""FlatViews as ``info mtree -f`` prints them, still as text records.

Source: mtree_print_flatview in softmmu/memory.c (QEMU 7.2).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from memkit.monitor.parse_text import numbered, unreadable

__all__ = ["FlatLine", "FlatText", "read_flat"]

_RANGE = re.compile(
    r"^\s*(?P<start>[0-9a-f]{8,16})-(?P<end>[0-9a-f]{8,16}) \(prio (?P<prio>-?\d+), "
    r"(?P<nv>nv-)?(?P<type>[a-z/-]+)\): (?P<rest>.*)$"
)
_OFFSET = re.compile(r"^(?P<name>.*?)(?: @(?P<offset>[0-9a-f]{8,16}))?(?: (?:KVM|HAX|NVMM|WHPX|HVF))?$")
_OWNER = re.compile(r"( owner:\{.*| parent:\{.*| orphan)$")
_SPACE = re.compile(r'^\s*AS "(?P<name>.*)", root: (?P<root>.*?)(?:, alias (?P<alias>.*))?$')


@dataclass(frozen=True, slots=True)
class FlatLine:
    """One range: gpa ``start``, ``size`` bytes, ``offset`` inside the region of that name."""

    start: int
    size: int
    priority: int
    type: str
    nonvolatile: bool
    name: str
    offset: int


@dataclass(slots=True)
class FlatText:
    """One FlatView: the (address space, root) pairs that share it, and its ranges."""

    spaces: list[tuple[str, str]] = field(default_factory=list)
    root: str | None = None
    lines: list[FlatLine] = field(default_factory=list)


def read_flat(text: str) -> list[FlatText]:
    """The FlatViews of ``info mtree -f``; raises MemkitError.

    A bare list of ranges counts as the FlatView of "memory".

    >>> read_flat("  0000000000000000-0000000000000fff (prio 0, ram): pc.ram")[0].spaces
    [('memory', '')]
    """
    views: list[FlatText] = []
    for number, line in numbered(text):
        if re.match(r"^FlatView #\d+", line):
            views.append(FlatText())
            continue
        if not views:
            views.append(FlatText([("memory", "")]))
        view = views[-1]
        if match := _SPACE.match(line):
            view.spaces.append((match["name"], match["root"]))
        elif line.strip().startswith("Root memory region:"):
            root = line.partition(":")[2].strip()
            view.root = None if root == "(none)" else root
        elif "No rendered FlatView" in line:
            continue
        elif match := _RANGE.match(line):
            view.lines.append(_range(match))
        elif line.strip().startswith("Dispatch"):
            break  # -d adds QEMU's dispatch tables, which are of no use here
        else:
            raise unreadable(
                "info mtree -f", number, line,
                "a line is a FlatView, an AS, a root, or START-END (prio N, TYPE): NAME",
            )
    return views


def _range(match: re.Match[str]) -> FlatLine:
    rest = _OFFSET.match(_OWNER.sub("", match["rest"]).rstrip())
    assert rest is not None  # every part of the pattern is optional
    start, end = int(match["start"], 16), int(match["end"], 16)
    return FlatLine(
        start, end - start + 1, int(match["prio"]), match["type"], match["nv"] is not None, rest["name"],
        int(rest["offset"] or "0", 16),
    )
