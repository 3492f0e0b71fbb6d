"""Lanes: stretches of addresses side by side on one broken scale, one step of a story at a time.

All frames of a story share their scale, so that nothing jumps from step to step: what appears is new.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from memkit.draw import svg
from memkit.draw.scale import Scale
from memkit.draw.theme import KIND_NAMES, KINDS
from memkit.units import hex_address, human

__all__ = ["STATES", "Box", "Frame", "Lane", "picture", "scale_of", "words"]

# What a box is in one step, and how the legend and the words say it.
STATES = {"kept": "placed before", "new": "placed now", "asked": "looked at now", "hidden": "hidden"}
WIDTH, LEFT, RIGHT, TOP, LANE, BAR = 1120.0, 150.0, 24.0, 40.0, 74.0, 34.0
LEAST, BREAK, LABEL = 10.0, 20.0, 96.0


@dataclass(frozen=True, slots=True)
class Box:
    """A stretch of a lane: ``start`` and ``size`` in the lane's unit, a kind of memory, and its state."""

    start: int
    size: int
    label: str
    kind: str = "ram"
    state: str = "kept"

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.start + self.size


@dataclass(frozen=True, slots=True)
class Lane:
    """Boxes of one address space: ``unit`` says whose addresses these are, such as gpa."""

    title: str
    unit: str
    boxes: tuple[Box, ...]
    marker: int | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """One step of a story: what is decided, in a sentence, and the lanes after the decision.

    ``kind`` names the sort of decision; ``title`` is short, ``sentence`` complete.  ``names`` says what the
    colours mean where that is not the kind of memory.
    """

    kind: str
    title: str
    sentence: str
    lanes: tuple[Lane, ...]
    names: Mapping[str, str] = field(default_factory=lambda: KIND_NAMES, hash=False)


def scale_of(frames: Iterable[Frame]) -> Scale:
    """The scale that all frames share: addresses to pixels from the left, with breaks where nothing lies.

    >>> boxes = Box(0, 4096, "a"), Box(1 << 40, 4096, "b")
    >>> scale = scale_of([Frame("x", "", "", (Lane("", "gpa", boxes),))])
    >>> scale(0), scale((1 << 40) + 4096) <= WIDTH
    (150.0, True)
    """
    spans: set[tuple[int, int]] = set()
    for frame in frames:
        for lane in frame.lanes:
            spans |= {(box.start, box.end) for box in lane.boxes if box.size}
            if lane.marker is not None:
                spans.add((lane.marker, lane.marker + 1))
    points = sorted({0, *(point for span in spans for point in span)})
    if len(points) < 2:
        return Scale([(0, LEFT), (1, WIDTH - RIGHT)])
    weights = []
    for low, high in pairwise(points):
        covered = any(start <= low and high <= end for start, end in spans)
        weights.append(LEAST + 4 * math.log2(high - low) if covered else BREAK)
    factor = (WIDTH - LEFT - RIGHT) / sum(weights)
    knots, x = [(points[0], LEFT)], LEFT
    for point, weight in zip(points[1:], weights, strict=True):
        x += weight * factor
        knots.append((point, round(x, 2)))
    return Scale(knots)


def picture(frame: Frame, scale: Scale, theme: str = "auto") -> str:
    """The step as SVG text: a lane below the other, the new outlined, the hidden dashed."""
    body = []
    kinds: list[str] = []
    for number, lane in enumerate(frame.lanes):
        y = TOP + LANE * number
        body.append(svg.text(12, y + BAR / 2 + 1, lane.title, "t"))
        body.append(svg.text(12, y + BAR / 2 + 17, lane.unit, "s m"))
        body.append(f'<path d="M{LEFT:.0f} {y + BAR:.1f}H{WIDTH - RIGHT:.0f}" class="rule"/>')
        ends: list[float] = []
        for box in sorted(lane.boxes, key=lambda b: (b.state != "kept", b.start)):
            kinds.append(box.kind)
            body.append(_box(box, y, scale))
        for box in sorted(lane.boxes, key=lambda b: b.start):
            x = scale(box.start)
            if not ends or x - ends[-1] >= LABEL:
                last = x > WIDTH - LABEL
                at = WIDTH - 8 if last else x
                body.append(svg.text(at, y + BAR + 15, hex_address(box.start), "c m", "end" if last else ""))
                ends.append(x)
        if lane.marker is not None:
            x = scale(lane.marker)
            body.append(f'<path d="M{x:.1f} {y - 8:.1f}V{y + BAR + 6:.1f}" class="sel" stroke-width="2.5"/>')
            anchor = "end" if x > WIDTH - 160 else "start"
            body.append(svg.text(x + (-6 if anchor == "end" else 6), y - 3, hex_address(lane.marker), "c",
                                 anchor))
    height = TOP + LANE * len(frame.lanes) + 46
    body.append(_legend(height - 40, [kind for kind in KINDS if kind in kinds], frame.names))
    body.append(svg.text(12, 20, frame.title, "h"))
    return svg.document(WIDTH, height, frame.title, f"{frame.sentence} {words(frame)}", "".join(body),
                        theme_name=theme)


def _box(box: Box, y: float, scale: Scale) -> str:
    x, end = scale(box.start), scale(box.end)
    wide = max(end - x, 2.0)
    shape = svg.box(x, y, wide, BAR, f"a-{box.kind}")
    if box.state == "hidden":
        shape = f'<g stroke-dasharray="4 3" opacity=".55">{shape}</g>'
    elif box.state in ("new", "asked"):
        line = "3" if box.state == "new" else "2"
        dash = ' stroke-dasharray="7 3"' if box.state == "asked" else ""
        shape += (f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{BAR:.1f}" rx="3" class="sel" '
                  f'stroke-width="{line}"{dash}/>')
    name = svg.fitted(box.label, wide - 8, 12) if wide > 46 else ""
    tip = f"{box.label}: {hex_address(box.start)}, {human(box.size)}, {STATES[box.state]}"
    return (f"<g>{shape}{svg.text(x + wide / 2, y + BAR / 2 + 4, name, 's', 'middle') if name else ''}"
            f"<title>{svg.escape(tip)}</title></g>")


def _legend(y: float, kinds: Iterable[str], names: Mapping[str, str]) -> str:
    shown, x = list(kinds), 70.0
    out = [svg.text(12, y + 11, "Colour", "s m")] if shown else []
    for kind in shown:
        out += [svg.swatch(x, y, kind, ""), svg.text(x + 28, y + 11, names[kind], "s")]
        x += 50 + svg.text_width(names[kind])
    x = 70.0
    out.append(svg.text(12, y + 32, "Line", "s m"))
    for note in ("thick outline: now", "dashed: hidden", "addresses are not to scale"):
        out.append(svg.text(x, y + 32, note, "s m"))
        x += 22 + svg.text_width(note)
    return "".join(out)


def words(frame: Frame) -> str:
    """The same facts in words: each lane with its boxes, in order of address.

    >>> lane = Lane("RAMBlocks", "ram_addr_t", (Box(0, 4096, "pc.ram", state="new"),))
    >>> words(Frame("x", "t", "s", (lane,)))
    'RAMBlocks (ram_addr_t): pc.ram at 0x0, 4 KiB, placed now.'
    """
    said = []
    for lane in frame.lanes:
        boxes = "; ".join(
            f"{box.label} at {hex_address(box.start)}, {human(box.size)}, {STATES[box.state]}"
            for box in sorted(lane.boxes, key=lambda b: b.start)
        )
        mark = "" if lane.marker is None else f"; the address is {hex_address(lane.marker)}"
        said.append(f"{lane.title} ({lane.unit}): {boxes or 'nothing yet'}{mark}.")
    return " ".join(said)
