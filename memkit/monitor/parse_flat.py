"""FlatViews as ``info mtree -f`` prints them, still as text records.

Source: mtree_print_flatview in memory.c (QEMU 2.12), softmmu/memory.c (7.2), system/memory.c (11.1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from memkit.monitor.parse_text import Lines, numbered, unreadable

__all__ = ["FlatLine", "FlatText", "read_flat"]

MAX_RANGES = 25_000
MAX_VIEWS = 2_000

_RANGE = re.compile(
    r"(?P<start>[0-9a-f]{8,16})-(?P<end>[0-9a-f]{8,16}) \(prio (?P<prio>-?[0-9]{1,10}), "
    r"(?P<nv>nv-)?(?P<type>ramd|ram|romd|rom|i/o|container|RW|R-|-W|--)\): (?P<rest>.*)$"
)
# Behind the name: the offset, then with -o the owner, then the accelerator that has the range as memory.
_OWNER = re.compile(r" (?:owner:\{|parent:\{|orphan(?: |$))")
_ACCELERATOR = re.compile(r"(?: KVM| kvm| HAX| NVMM| WHPX| HVF)+$")
_ACCELERATORS = ("KVM", "kvm", "HAX", "NVMM", "WHPX", "HVF")
_OFFSET = re.compile(r" @(?P<offset>[0-9a-f]{8,16})$")
_SPACE = re.compile(r' *AS "(?P<name>[^"]*)", root: (?P<root>.*)$')


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
    """One FlatView: the (address space, root) pairs that share it, and its ranges.

    ``empty`` if QEMU says that nothing is rendered; ``complete`` is False if its beginning is missing.
    """

    spaces: list[tuple[str, str]] = field(default_factory=list)
    root: str | None = None
    lines: list[FlatLine] = field(default_factory=list)
    empty: bool = False
    complete: bool = True


def read_flat(text: str | Lines) -> list[FlatText]:
    """The FlatViews of ``info mtree -f``; raises MemkitError.

    A bare list of ranges counts as the FlatView of "memory".

    >>> read_flat("  0000000000000000-0000000000000fff (prio 0, ram): pc.ram")[0].spaces
    [('memory', '')]
    """
    views: list[FlatText] = []
    count = 0
    dispatch = False  # -d adds QEMU's dispatch tables behind each FlatView, which are of no use here
    for number, line in numbered(text):
        said = line.strip()
        if said.startswith("FlatView #") and said[10:].isdecimal():
            views.append(FlatText())
            dispatch = False
            if len(views) > MAX_VIEWS:
                raise unreadable(
                    "info mtree -f", number, line, f"up to {MAX_VIEWS:,} FlatViews are read"
                )
            continue
        if not views:
            views.append(FlatText([("memory", "")], complete=False))
        view = views[-1]
        if match := _RANGE.match(said):
            count += 1
            if count > MAX_RANGES:
                raise unreadable(
                    "info mtree -f", number, line, f"up to {MAX_RANGES:,} ranges are read"
                )
            view.lines.append(_range(match, number, line, view.lines[-1] if view.lines else None))
        elif match := _SPACE.match(said):
            view.spaces.append((match["name"], match["root"].partition(", alias ")[0]))
        elif said.startswith("Root memory region:"):
            root = said.partition(":")[2].strip()
            view.root = None if root == "(none)" else root
        elif "No rendered FlatView" in said:
            view.empty = True
        elif said == "Dispatch":
            dispatch = True
        elif not dispatch:
            raise unreadable(
                "info mtree -f", number, line,
                "a line is a FlatView, an AS, a root, or START-END (prio N, TYPE): NAME",
            )
    return views


def _range(match: re.Match[str], number: int, line: str, last: FlatLine | None) -> FlatLine:
    rest = match["rest"].rstrip()
    if (owner := _OWNER.search(rest)) is not None:
        rest = rest[:owner.start()]
    if rest.endswith(_ACCELERATORS):
        rest = _ACCELERATOR.sub("", rest)
    offset = _OFFSET.search(rest, max(len(rest) - 18, 0))
    start, end = int(match["start"], 16), int(match["end"], 16)
    if end < start or (last is not None and start < last.start + last.size):
        raise unreadable(
            "info mtree -f", number, line, "the ranges of a FlatView rise and do not overlap"
        )
    return FlatLine(
        start, end - start + 1, int(match["prio"]), match["type"], match["nv"] is not None,
        rest[:offset.start()] if offset is not None else rest, int(offset["offset"], 16) if offset else 0,
    )
