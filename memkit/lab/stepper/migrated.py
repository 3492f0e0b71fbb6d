"""Frames of a migration, a round at a time: which pages are dirty, what is sent, when the guest stops."""

from __future__ import annotations

from itertools import groupby

from memkit.draw.lanes import Box, Frame, Lane
from memkit.guest import Guest
from memkit.migration import dirty
from memkit.migration.dirty.blocks import PAGE
from memkit.migration.dirty.rounds import CELLS, Round

__all__ = ["migrated"]

WIDTH = 64
# How the cells of a bitmap are drawn: all dirty, in part, not at all.
NAMES = {"ram": "dirty", "table": "dirty in part", "nobody": "clean", "device": "block"}
_TITLES = {"setup": "Before the first round", "round": "Round {}", "switchover": "The last step",
           "stop": "The guest is stopped", "postcopy": "Postcopy"}


def migrated(guest: Guest, workload: dirty.Workload, bandwidth: float | str) -> tuple[Frame, ...]:
    """The frames of the simulated migration of ``guest`` while ``workload`` runs; raises MemkitError.

    A lane is one row of all pages that are sent, as memkit.migration.dirty counts them: block behind block.
    """
    run = dirty.simulate(guest, workload, bandwidth=bandwidth)
    blocks = tuple(
        Box(first * PAGE, (behind - first) * PAGE, block.name, "device")
        for block, first, behind in run.row.spans()
    )
    frames = [_frame(one, blocks) for one in run.rounds]
    frames.append(Frame("end", "What came of it", str(run).splitlines()[-1], frames[-1].lanes, NAMES))
    return tuple(frames)


def _frame(one: Round, blocks: tuple[Box, ...]) -> Frame:
    pages, at = one.row.pages, 0
    boxes = []
    for cell, run in groupby(one.bitmap(WIDTH)):
        count = len(list(run))
        start, end = at * pages // WIDTH, (at + count) * pages // WIDTH
        at += count
        kind = {CELLS[0]: "nobody", CELLS[-1]: "ram"}.get(cell, "table")
        state = "kept" if kind == "nobody" else "new"
        boxes.append(Box(start * PAGE, (end - start) * PAGE, NAMES[kind], kind, state))
    title = _TITLES.get(one.phase, one.phase).format(one.number)
    return Frame(one.phase, title, str(one),
                 (Lane("Blocks", "bytes, in the order of sending", blocks),
                  Lane("Dirty bitmap", "after this round", tuple(boxes))), NAMES)
