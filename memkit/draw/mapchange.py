"""The facts of the address map of a difference: the second guest, and beside it where things were.

Host pages make room for two *lanes*: old places of what moved, vanished, was resized or renamed.
One scale serves all of them, so a move can be seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memkit.draw import marking
from memkit.draw.scale import Fact, block_item, finished, fitted, range_item
from memkit.joined import join

if TYPE_CHECKING:
    from memkit.diff import Change, Difference
    from memkit.diff.marks import Mark
    from memkit.joined import Joined, JoinedRow
    from memkit.memory.flatview import FlatRange

__all__ = ["COLUMNS", "LANES", "changed_data"]

COLUMNS = (
    ("ram-was", "Before", "ram_addr_t"),
    ("ram", "RAMBlocks", "ram_addr_t"),
    ("guest", "Guest", "gpa, FlatView of memory"),
    ("guest-was", "Before", "gpa"),
)
# The columns of the first guest.
LANES = ("ram-was", "guest-was")
_ELSEWHERE = {"vanished", "renamed", "moved", "resized"}


def changed_data(difference: Difference) -> Fact:
    """The plain facts of the map of a difference, in the form of map_data().

    ``mark`` says what happened to a thing, ``was`` tells its past, and ``past`` is true for the
    boxes of the first guest.
    """
    marks = difference.marks
    now, then = join(marks.after), join(marks.before)
    numbers = {id(row.block): n for n, row in enumerate(now.rows)}
    old_rows = {id(row.block): row for row in then.rows}
    names = [row.block.label for row in now.rows]
    # A block that vanished gets a number of its own; others share that of what they became.
    for row in now.rows:
        old = marks.of(row.block).old
        if old is not None:
            numbers[id(old)] = numbers[id(row.block)]
    for row in then.rows:
        if marks.gone(row.block):
            numbers[id(row.block)] = len(names)
            names.append(row.block.label)

    blocks = [_marked(block_item(numbers[id(row.block)], row), marks.of(row.block)) for row in now.rows]
    was_blocks = [
        _past("ram-was", block_item(numbers[id(old)], old_rows[id(old)]), mark)
        for old, mark in _pasts(difference, [r.block for r in now.rows], [r.block for r in then.rows])
    ]
    new, old_ranges = _ranges(now), _ranges(then)
    ranges = [
        _marked(range_item(r, numbers[id(row.block)] if row else None, row), marks.of(r)) for r, row in new
    ]
    owners = {id(r): row for r, row in old_ranges}
    was_ranges = []
    for r, mark in _pasts(difference, [r for r, _ in new], [r for r, _ in old_ranges]):
        owner = owners[id(r)]
        number = numbers.get(id(owner.block)) if owner else None
        was_ranges.append(_past("guest-was", range_item(r, number, owner), mark))
    boxes = [fitted(part) for part in (was_blocks, blocks, ranges, was_ranges)]
    data = finished(
        marking.title(difference, "what changed in where memory lies"), COLUMNS, names, boxes[1], boxes[2],
        boxes[0] + boxes[3],
        [[i["start"] for i in boxes[0] + boxes[1]], [i["start"] for i in boxes[2] + boxes[3]]],
    )
    data["marks"] = marking.used(data["items"])
    data["besides"] = marking.besides(difference, _drawn)
    return data


def _drawn(change: Change) -> bool:
    """Has the map a place for a change?  It shows RAMBlocks and ranges, and devices by their ranges."""
    what, _, how = change.kind.partition(" ")
    return what in ("block", "range") or (what == "device" and how in ("appeared", "vanished", "moved"))


def _ranges(joined: Joined) -> list[tuple[FlatRange, JoinedRow | None]]:
    found: list[tuple[FlatRange, JoinedRow | None]] = [(r, row) for row in joined.rows for r in row.ranges]
    return found + [(r, None) for r in joined.io_ranges]


def _pasts(difference: Difference, new: list[Any], old: list[Any]) -> list[tuple[Any, Mark]]:
    """The things of the first guest that are drawn, each with the Mark that it or its partner has."""
    marks = difference.marks
    found = [(thing, marks.of(thing)) for thing in old if marks.gone(thing)]
    for thing in new:
        mark = marks.of(thing)
        if mark.old is not None and _ELSEWHERE & set(mark.words):
            found.append((mark.old, mark))
    return found


def _marked(item: Fact, mark: Mark) -> Fact:
    if not mark:
        return item
    tip = f"{item['tip']}\n{marking.said(mark.words, mark.was)}"
    return {**item, "mark": list(mark.words), "was": list(mark.was), "tip": tip}


def _past(column: str, item: Fact, mark: Mark) -> Fact:
    gone = "vanished" in mark.words
    how = marking.said(mark.words, ()) if gone else "before; now " + ", ".join(mark.words)
    return {
        **item, "column": column, "past": True, "mark": ["vanished"] if gone else [], "was": [],
        "tip": f"{item['tip']}\n{how}",
    }
