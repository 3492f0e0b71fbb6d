"""The facts of the address map: what lies where, and one broken scale for all columns.

Sizes in a guest run from a few bytes to terabytes.  One scale serves all columns, so that
equal numbers lie at equal heights: each stretch between two boundaries gets a height that grows
with the logarithm of its size, small things stay tall enough to carry their name, and a stretch
in which no column has anything is a *break* of fixed height.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from memkit.draw import marking, text
from memkit.draw.theme import BACKINGS, KIND_NAMES, KINDS
from memkit.joined import kind_of_range
from memkit.units import hex_address, human

if TYPE_CHECKING:
    from memkit.guest import Guest
    from memkit.joined import Joined, JoinedRow
    from memkit.memory.flatview import FlatRange

__all__ = ["COLUMNS", "Fact", "Scale", "block_item", "finished", "fitted", "map_data", "range_item"]

COLUMNS = (
    ("host", "Host", "pages behind each block"),
    ("ram", "RAMBlocks", "ram_addr_t"),
    ("guest", "Guest", "gpa, FlatView of memory"),
)
ROW, BREAK, SLIVER = 21.0, 18.0, 4.0
LABEL = 15.0  # pixels between two addresses that stand beside each other's columns
PER_DOUBLING = 2.2  # pixels, above 1 MiB
TIMES = "\N{MULTIPLICATION SIGN}"
RUN = 5  # so many neighbours alike are drawn as one
KEPT = 2

Fact = dict[str, Any]


class Scale:
    """Addresses to heights in pixels, straight between knots and never falling.

    >>> scale = Scale([(0, 0.0), (100, 10.0), (1000, 20.0)])
    >>> scale(50), scale(550)
    (5.0, 15.0)
    """

    def __init__(self, knots: list[tuple[int, float]]) -> None:
        self.knots = knots
        self._starts = [k[0] for k in knots]

    def __call__(self, address: int) -> float:
        if not self.knots:
            return 0.0
        at = min(max(bisect_right(self._starts, address) - 1, 0), max(len(self.knots) - 2, 0))
        low, bottom = self.knots[at]
        high, top = self.knots[min(at + 1, len(self.knots) - 1)]
        if high == low:
            return bottom
        return bottom + (top - bottom) * (min(address, high) - low) / (high - low)

    @property
    def height(self) -> float:
        """The height of the last knot."""
        return self.knots[-1][1] if self.knots else 0.0


def _who(row: JoinedRow) -> str:
    """What must be equal in blocks that are drawn as one, besides their looks."""
    backend = row.backend.type if row.backend else ""
    return " ".join([backend, str(row.block.page_size), *(f.kind for f in row.frontends)])


def block_item(number: int, row: JoinedRow) -> Fact:
    """The box of a RAMBlock (ram_addr_t); ``number`` is the block's place among the names."""
    block = row.block
    fs = row.backend.filesystem if row.backend else "unknown" if block.shared is None else "anonymous"
    path = row.backend.mem_path if row.backend and row.backend.mem_path else ""
    pages = -(-block.max_length // block.page_size)
    who = ", ".join(text.frontend_name(f) for f in row.frontends)
    facts = [
        f"RAMBlock {block.label}",
        f"{text.size_text(block.used_length, block.max_length)} of {KIND_NAMES[row.kind]}",
        f"ram_addr_t {text.span(block.offset, block.max_length)}",
        f"backend {row.backend.id} ({text.backend_word(row.backend.type)})" if row.backend else "",
        f"host: {text.page_text(row)}, {fs} {path}".rstrip(),
        f"shown by {who}" if who else "",
        "guest: " + (", ".join(hex_address(r.start) for r in row.ranges) or "not mapped"),
    ]
    return {
        "column": "ram", "start": block.offset, "size": block.max_length, "name": block.label,
        "note": human(block.max_length), "kind": row.kind, "backing": row.backing,
        "blocks": [number], "count": 1, "tip": "\n".join(f for f in facts if f),
        "pages": pages, "page_size": block.page_size, "filesystem": fs, "who": _who(row),
        "mark": [], "was": [], "past": False,
    }


def range_item(r: FlatRange, number: int | None, row: JoinedRow | None) -> Fact:
    """The box of a FlatRange (gpa), of the RAMBlock ``number`` or of a device."""
    kind = row.kind if row else kind_of_range(r)
    facts = [
        r.region.name, f"gpa {text.span(r.start, r.size)}", f"{human(r.size)}, {r.type}",
        f"priority {r.region.priority}",
    ]
    if row:
        through = row.shown_by[row.ranges.index(r)]
        if through is not r.region:
            facts.append(f"seen through {through.name}")
        facts.append(f"RAMBlock {row.block.label} from offset {hex_address(r.offset_in_region)}")
    elif kind != "io":
        facts.append("its RAMBlock is not known")
    return {
        "column": "guest", "start": r.start, "size": r.size, "name": r.region.name,
        "note": f"{human(r.size)} {r.type}", "kind": kind,
        "backing": row.backing if row else "private" if kind == "io" else "unknown",
        "blocks": [] if number is None else [number], "count": 1, "tip": "\n".join(facts),
        "ram": row.block.offset + r.offset_in_region if row else None,
        "who": _who(row) if row else "", "mark": [], "was": [], "past": False,
    }


def _gap_item(start: int, size: int) -> Fact:
    tip = f"nobody answers\ngpa {text.span(start, size)}\n{human(size)}"
    return {
        "column": "guest", "start": start, "size": size, "name": "nobody", "note": human(size),
        "kind": "nobody", "backing": "private", "blocks": [], "count": 1, "tip": tip, "ram": None,
        "who": "", "mark": [], "was": [], "past": False,
    }


def _runs(items: list[Fact], key: Callable[[Fact], Hashable], least: int, kept: int) -> list[Fact]:
    """Items in order of address, runs of alike ones drawn together behind the first few."""
    def alike(one: Fact, other: Fact) -> bool:
        return one["mark"] == other["mark"] and key(one) == key(other)

    out: list[Fact] = []
    at = 0
    while at < len(items):
        stop = at + 1
        while stop < len(items) and alike(items[stop], items[at]):
            stop += 1
        if stop - at < least:
            out += items[at:stop]
        else:
            out += items[at : at + kept]
            out.append(_merged(items[at + kept : stop]))
        at = stop
    return out


def _merged(members: list[Fact]) -> Fact:
    first, last = members[0], members[-1]
    size = last["start"] + last["size"] - first["start"]
    total = human(sum(m["size"] for m in members))
    same = first["name"] == last["name"]
    name = f"{first['name']} … {last['name']}"
    if same:
        name = f"{len(members)} {TIMES} {first['name']}"
    note = total if same else f"{len(members)} of them, {total}"
    space = "gpa" if first["column"] in ("guest", "guest-was") else "ram_addr_t"
    was = first["was"] if all(m["was"] == first["was"] for m in members) else []
    change = marking.said(first["mark"], was)
    return {
        **first, "size": size, "name": name, "note": note, "count": len(members),
        "blocks": [b for m in members for b in m["blocks"]],
        "pages": sum(m.get("pages", 0) for m in members),
        "was": was,
        "tip": f"{name}: {len(members)} alike\n{space} {text.span(first['start'], size)}\n"
        f"{total} together" + (f"\n{change}" if change else ""),
    }


def _alike(item: Fact) -> Hashable:
    if item["kind"] == "io":
        return ("io", item["name"])
    if item["kind"] == "nobody":
        return ("nobody", item["start"])
    return (item["kind"], item["backing"], item["size"], item["who"])


def fitted(items: Iterable[Fact]) -> list[Fact]:
    """Items that fit on a page, by address: alike neighbours together, if need be all of a kind."""
    items = sorted(items, key=lambda i: i["start"])
    items = _runs(items, lambda i: ("io", i["name"]) if i["kind"] == "io" else i["start"], 3, 0)
    items = _runs(items, _alike, RUN, KEPT)
    if len(items) > 60:
        items = _runs(items, lambda i: (i["kind"], i["backing"]), 3, 1)
    if len(items) > 60:
        items = _runs(items, lambda i: i["start"] // (1 << 30), 3, 0)
    return items


def _gaps(ranges: Iterable[Fact]) -> list[Fact]:
    """A box for each run of guest addresses that nobody answers, below the last range."""
    gaps, end = [], 0
    for item in ranges:
        if item["start"] > end:
            gaps.append(_gap_item(end, item["start"] - end))
        end = max(end, item["start"] + item["size"])
    return gaps


def _build_scale(
    items: Iterable[Fact], labels: Iterable[Iterable[int]] = ()
) -> tuple[Scale, list[Fact]]:
    """The scale through all boundaries of ``items``, and the breaks in it.

    Each of ``labels`` are addresses that stand in one column, so that they need room.
    """
    items = list(items)
    solid = [i for i in items if i["kind"] != "nobody"]
    points = sorted({0, *(i["start"] for i in items), *(i["start"] + i["size"] for i in items)})
    heights = [SLIVER] * (len(points) - 1)
    index = {p: n for n, p in enumerate(points)}
    empty = [True] * len(heights)
    for i in solid:
        for n in range(index[i["start"]], index[i["start"] + i["size"]]):
            empty[n] = False
    for n, (low, high) in enumerate(pairwise(points)):
        if empty[n]:
            heights[n] = BREAK
        else:
            heights[n] += PER_DOUBLING * max(0.0, math.log2((high - low) / (1 << 20)))

    def stretch(low: int, high: int, least: float) -> None:
        inside = range(index[low], index[high])
        lacking = least - sum(heights[n] for n in inside)
        if lacking > 0:
            largest = max(inside, key=lambda n: points[n + 1] - points[n])
            heights[largest] += lacking

    for i in sorted(solid, key=lambda i: i["size"]):
        stretch(i["start"], i["start"] + i["size"], ROW)
    for starts in labels:
        for low, high in pairwise(sorted(set(starts))):
            stretch(low, high, LABEL)
    knots, y = [(points[0], 0.0)], 0.0
    for point, height in zip(points[1:], heights, strict=True):
        y += height
        knots.append((point, round(y, 2)))
    breaks = [
        {"start": low, "size": high - low, "y0": bottom, "y1": top}
        for nothing, ((low, bottom), (high, top)) in zip(empty, pairwise(knots), strict=True)
        if nothing
    ]
    return Scale(knots), breaks


def _links(blocks: list[Fact], ranges: list[Fact], scale: Scale) -> list[Fact]:
    """Which stretch of which block shows up in which stretch of guest addresses."""
    home = {b: item for item in blocks for b in item["blocks"]}
    links: list[Fact] = []
    for item in ranges:
        seen: set[str] = set()
        for number in item["blocks"]:
            block = home[number]
            if block["id"] in seen:
                continue
            seen.add(block["id"])
            # A run of several has no single offset: it is linked as a whole.
            whole = item["count"] > 1 or block["count"] > 1
            start = block["start"] if whole else item["ram"]
            size = block["size"] if whole else item["size"]
            shared = sorted({*item["blocks"]} & {*block["blocks"]})
            links.append({
                "from": block["id"], "to": item["id"], "kind": item["kind"],
                "backing": item["backing"], "blocks": shared,
                "ram": start, "ram_size": size, "gpa": item["start"], "gpa_size": item["size"],
                "ram_y": [scale(start), scale(start + size)], "gpa_y": [item["y0"], item["y1"]],
            })
    return links


def map_data(guest: Guest, joined: Joined) -> Fact:
    """The plain facts of the address map: items, links, breaks and the scale, ready for JSON.

    ``start`` and ``size`` are bytes: a ram_addr_t in the columns "host" and "ram", a gpa in
    "guest".  ``y0`` and ``y1`` are heights in pixels, from address 0 upwards.
    """
    ranges = [range_item(r, n, row) for n, row in enumerate(joined.rows) for r in row.ranges]
    ranges += [range_item(r, None, None) for r in joined.io_ranges]
    blocks = fitted(block_item(n, row) for n, row in enumerate(joined.rows))
    hosts = [
        {**item, "column": "host", "name": item["filesystem"],
         "note": f"{item['pages']:,} {TIMES} {human(item['page_size'])}"}
        for item in blocks
    ]
    title = f"Where the memory of {text.guest_name(guest)} lies"
    names = [row.block.label for row in joined.rows]
    return finished(title, COLUMNS, names, blocks, fitted(ranges), hosts)


def finished(
    title: str, columns: Iterable[tuple[str, str, str]], names: list[str], blocks: list[Fact],
    ranges: list[Fact], beside: list[Fact], labels: Iterable[Iterable[int]] = (),
) -> Fact:
    """The facts of a map, from its boxes: all on one scale, with gaps and links.

    ``beside`` are the boxes of further columns, ``labels`` as in _build_scale.
    """
    ranges = sorted([*ranges, *_gaps(ranges)], key=lambda i: i["start"])
    items = [*beside, *blocks, *ranges]
    scale, breaks = _build_scale(items, labels)
    for number, item in enumerate(items):
        item["id"] = f"i{number}"
        item["y0"], item["y1"] = scale(item["start"]), scale(item["start"] + item["size"])
    kinds = {i["kind"] for i in items}
    backings = {i["backing"] for i in (*blocks, *(r for r in ranges if r["backing"] == "unknown"))}
    return {
        "title": title,
        "columns": [{"key": k, "title": t, "note": n} for k, t, n in columns],
        "items": items, "links": _links(blocks, ranges, scale), "breaks": breaks,
        "scale": [list(k) for k in scale.knots], "height": scale.height,
        "kinds": [k for k in KINDS if k in kinds],
        "backings": [b for b in BACKINGS if b in backings],
        "names": names, "marks": None, "besides": [],
    }
