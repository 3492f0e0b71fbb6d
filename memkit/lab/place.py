"""The place of an answer in a picture: where the address lies that a learner gave, and who is there."""

from __future__ import annotations

from memkit.draw import lanes
from memkit.draw.lanes import Box, Frame, Lane
from memkit.joined import join
from memkit.lab.questions import Question, Value
from memkit.units import hex_address

__all__ = ["place"]


def place(question: Question, value: Value) -> str:
    """A picture (SVG text) with the answer ``value`` marked, "" where answers are no addresses.

    It shows what lies around the address that was given, and so not where the right one is.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        return ""
    if question.space == "gpa":
        lane, there = _guest(question, value)
    elif question.space == "ram_addr_t":
        lane, there = _blocks(question, value)
    elif question.space == "offset":
        lane, there = _inside(question, value)
    else:
        return ""
    title = f"Where {hex_address(value)} lies"
    frame = Frame("place", title, f"At {hex_address(value)} lies {there}.", (lane,))
    return lanes.picture(frame, lanes.scale_of([frame]))


def _guest(question: Question, gpa: int) -> tuple[Lane, str]:
    joined = join(question.guest)
    boxes = [Box(r.start, r.size, row.block.label, row.kind) for row in joined.rows for r in row.ranges]
    boxes += [Box(r.start, r.size, r.region.name, "io") for r in joined.io_ranges]
    return _lane("The guest sees", "gpa", boxes, gpa)


def _blocks(question: Question, ram_addr: int) -> tuple[Lane, str]:
    boxes = [Box(row.block.offset, row.block.max_length, row.block.label, row.kind)
             for row in join(question.guest).rows]
    return _lane("RAMBlocks", "ram_addr_t", boxes, ram_addr)


def _inside(question: Question, offset: int) -> tuple[Lane, str]:
    rows = [row for row in join(question.guest).rows if row.block.label == question.follow]
    boxes = [Box(0, row.block.max_length, row.block.label, row.kind) for row in rows]
    lane, there = _lane("RAMBlock", f"offset in {question.follow}", boxes, offset)
    return lane, there if there != "nothing" else f"nothing: {question.follow} ends before"


def _lane(title: str, unit: str, boxes: list[Box], at: int) -> tuple[Lane, str]:
    there = next((box.label for box in boxes if box.start <= at < box.end), "nothing")
    return Lane(title, unit, tuple(boxes), at), there
