"""Frames of how a FlatView is rendered: one region at a time wants its window and gets what is free."""

from __future__ import annotations

from memkit.draw.lanes import Box, Frame, Lane
from memkit.explain.rendering import Decision, rendering
from memkit.guest import Guest
from memkit.memory.flatview import FlatRange
from memkit.memory.region import MemoryRegion

__all__ = ["rendered"]

_TITLES = {
    "root": "Begin at {}", "container": "Look into {}", "disabled": "Skip {}", "outside": "Leave out {}",
    "alias": "Follow {}", "placed": "Place {}", "hidden": "{} stays hidden", "merged": "Join neighbours",
}


# What a first look can do without: who is looked into, and who lies outside anyway.
_DETAILS = ("container", "outside")


def rendered(guest: Guest, space: str = "memory", brief: bool = True) -> tuple[Frame, ...]:
    """The frames from an empty FlatView of ``space`` to the whole; raises MemkitError for an unknown space.

    A ``brief`` story leaves out containers, and regions that lie outside the window that leads to them.
    """
    every = rendering(guest.address_space(space).root)
    return tuple(
        Frame(d.kind, _TITLES[d.kind].format(d.region.name), d.sentence, _lanes(d))
        for d in every if not brief or d.kind not in _DETAILS
    )


def _lanes(decision: Decision) -> tuple[Lane, ...]:
    region = decision.region
    size = decision.high - decision.low
    wanted: tuple[Box, ...] = ()
    # Whoever spans all addresses would squeeze the rest of the picture.
    if size and size < 1 << 63:
        state = "hidden" if decision.kind == "hidden" else "asked"
        wanted = (Box(decision.low, size, region.name, kind_of(region), state),)
    view = tuple(
        Box(r.start, r.size, r.region.name, range_kind(r), "new" if r in decision.placed else "kept")
        for r in decision.view
    )
    return Lane("Looked at", "gpa", wanted), Lane("FlatView so far", "gpa", view)


def kind_of(region: MemoryRegion) -> str:
    """The kind of memory as the palette has it."""
    return _KINDS.get(region.type, "io")


def range_kind(r: FlatRange) -> str:
    """The kind of memory of a range as the palette has it."""
    return _KINDS.get(r.type, "io")


_KINDS = {"ram": "ram", "rom": "rom", "romd": "rom", "ramd": "device", "nv-ram": "pmem", "nv-rom": "pmem"}
