"""Frames of how one address is translated: from a gpa through aliases to a byte of a RAMBlock."""

from __future__ import annotations

from memkit.draw.lanes import Box, Frame, Lane
from memkit.explain import Explanation, Step
from memkit.guest import Guest
from memkit.lab.stepper.rendered import kind_of, range_kind
from memkit.memory.region import MemoryRegion

__all__ = ["translated"]

_TITLES = {
    "root": "The root", "container": "Inside {}", "alias": "Through the alias {}",
    "outside": "Behind the end of {}", "empty": "Nothing in {}", "disabled": "{} is off",
    "passed": "{} is not asked", "answer": "{} answers", "nobody": "Nobody answers",
    "unknown": "{} is not known",
}


def translated(guest: Guest, at: str | int, space: str = "memory") -> tuple[Frame, ...]:
    """The frames of the translation of the gpa ``at``; raises MemkitError for what is no address."""
    story = guest.explain(at, space)
    root = guest.address_space(space).root
    regions = {region.name: region for region in _all(root)}
    # An alias inside an alias counts from its own container, so each frame has its own lane.
    frames: list[Frame] = []
    for step in story.steps:
        frames.append(Frame(step.kind, _TITLES.get(step.kind, "{}").format(step.region), step.sentence,
                            (_view(guest, story, space, bool(frames)), *_lane(step, regions))))
    if story.block is not None and story.offset_in_block is not None:
        block = story.block
        whole = Box(0, block.max_length, block.label, "ram", "new")
        byte = Lane("RAMBlock", f"offset in {block.label}", (whole,), story.offset_in_block)
        said = next((f.sentence for f in story.facts if f.kind == "block"), story.summary)
        frames.append(Frame("block", f"A byte of {block.label}", said,
                            (_view(guest, story, space, True), byte)))
    return tuple(frames)


def _all(root: MemoryRegion) -> list[MemoryRegion]:
    """All regions below ``root``, targets of aliases included; the first of a name wins."""
    found: list[MemoryRegion] = []
    todo, known = [root], set()
    while todo:
        region = todo.pop(0)
        if id(region) in known:
            continue
        known.add(id(region))
        found.append(region)
        todo += region.subregions
        if region.alias is not None:
            todo.append(region.alias)
    return list(reversed(found))


def _view(guest: Guest, story: Explanation, space: str, ranged: bool) -> Lane:
    """The FlatView around the address."""
    ranges = guest.flat_view(space).ranges
    answer = story.range
    near = [r for r in ranges if answer is None or abs(ranges.index(r) - ranges.index(answer)) <= 2]
    boxes = tuple(Box(r.start, r.size, r.region.name, range_kind(r), "kept") for r in near[:40])
    return Lane("The guest asks", f"gpa, {space}", boxes, story.gpa)


def _lane(step: Step, regions: dict[str, MemoryRegion]) -> tuple[Lane, ...]:
    region = regions.get(step.region)
    if region is None:
        return ()
    offset = step.details.get("offset")
    if step.kind == "alias" and region.alias is not None:
        target = region.alias
        shown = Box(region.alias_offset, region.size, f"shown by {region.name}", kind_of(target), "asked")
        return (Lane("Target", f"offset in {target.name}", (shown,), step.details["offset_in_target"]),)
    if step.kind == "answer" and offset is not None and region.size < 1 << 63:
        return (Lane("Answer", f"offset in {region.name}",
                     (Box(0, region.size, region.name, kind_of(region), "new"),), offset),)
    if step.kind == "container" and offset is not None:
        held = [s for s in region.subregions if s.enabled and s.addr <= offset < s.addr + s.size]
        boxes = tuple(Box(s.addr, s.size, f"{s.name} (priority {s.priority})", kind_of(s),
                          "asked" if s is held[0] else "hidden") for s in held if s.size < 1 << 63)
        return (Lane("Candidates", f"offset in {region.name}", boxes, offset),)
    return ()
