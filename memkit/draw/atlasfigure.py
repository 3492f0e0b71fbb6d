"""The matrix of the atlas as a Bokeh figure: half a square, names beside its edge, a letter in each cell.

One unit is one pixel on both axes until a person zooms.  The figure knows places only; what a cell says is
worked out in the page (memkit.draw.atlasscript), for it changes with a third feature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from memkit.atlas import AREAS, OUTCOMES, Feature
from memkit.draw import bokehjs
from memkit.draw.theme import MONO, SANS, Theme

__all__ = ["LOOKS", "Look", "Places", "build", "places_of"]

CELL, GAP, LABEL = 12, 7, 154


@dataclass(frozen=True, slots=True)
class Look:
    """How a cell looks: its letter, and roles of the palette for area, border and letter."""

    letter: str
    fill: str
    line: str
    ink: str
    words: str


_KINDS = ("", "io", "ram", "rom", "pmem", "table", "device")
_LETTERS = "RSODXMP"
LOOKS: dict[str, Look] = {
    OUTCOMES[0]: Look("R", "io-line", "io-line", "page", "QEMU refuses the line"),
    **{
        outcome: Look(letter, f"{kind}-fill", f"{kind}-line", "text", outcome.replace("-", " "))
        for outcome, letter, kind in zip(OUTCOMES[1:7], _LETTERS[1:], _KINDS[1:], strict=True)
    },
    OUTCOMES[7]: Look("i", "card", "muted", "text", "surprise: good to know"),
    "mended": Look("+", "page", "rule", "device-line", "one mends the other"),
    "inherited": Look("·", "page", "rule", "muted", "only what fewer of them have"),
    "exclusive": Look("/", "page", "rule", "muted", "no line says both"),
    "fine": Look("", "page", "rule", "muted", "nothing is known to go wrong"),
}


@dataclass(frozen=True, slots=True)
class Places:
    """Where cells lie, in pixels from the top left corner: ``at`` is where each feature's row begins."""

    at: tuple[int, ...]
    width: int
    height: int


def places_of(features: Sequence[Feature]) -> Places:
    """The places of the rows and columns: areas stand a little apart.

    >>> from memkit.atlas import FEATURES
    >>> places_of([FEATURES["hugetlb"], FEATURES["balloon"]]).at
    (0, 19)
    """
    areas = list(AREAS)
    at, offset = [], 0
    for number, feature in enumerate(features):
        if number and feature.area != features[number - 1].area:
            offset += GAP
        at.append(number * CELL + offset)
    assert all(f.area in areas for f in features) or not features
    side = (at[-1] + CELL) if at else CELL
    return Places(tuple(at), LABEL + side + LABEL, side)


def build(features: Sequence[Feature], theme: Theme, title: str) -> Any:
    """The figure; its sources are called ``cells`` and ``guide``.  Raises Unavailable without Bokeh."""
    bokehjs.require()
    from bokeh.models import ColumnDataSource, HoverTool, Range1d
    from bokeh.plotting import figure

    places = places_of(features)
    colour = theme.colours()
    pairs = [(row, column) for row in range(len(features)) for column in range(row + 1)]
    count = len(pairs)
    cells = ColumnDataSource(name="cells", data={
        "x": [LABEL + places.at[column] + CELL / 2 for _, column in pairs],
        "y": [places.at[row] + CELL / 2 for row, _ in pairs],
        "row": [row for row, _ in pairs], "column": [column for _, column in pairs],
        "letter": [""] * count, "tip": [""] * count, "fill": [colour["page"]] * count,
        "line": [colour["rule"]] * count, "ink": [colour["muted"]] * count,
    })
    guide = ColumnDataSource(name="guide", data={"x0": [], "y0": [], "x1": [], "y1": []})
    plot: Any = figure(
        frame_width=places.width, frame_height=places.height + 4, min_border=0, title=None,
        x_range=Range1d(start=0, end=places.width), y_range=Range1d(start=places.height + 2, end=-2),
        toolbar_location="left", tools="pan,wheel_zoom,tap,reset,save", active_scroll=None, active_drag=None,
        background_fill_color=theme.page, border_fill_color=theme.page, outline_line_color=None,
    )
    plot.toolbar.logo = None
    plot.xgrid.visible = plot.ygrid.visible = plot.xaxis.visible = plot.yaxis.visible = False
    boxes = plot.rect(
        "x", "y", width=CELL - 1, height=CELL - 1, source=cells, fill_color="fill", line_color="line",
        line_width=0.7, nonselection_fill_alpha=1.0, nonselection_line_alpha=1.0,
        selection_line_color=colour["focus"], selection_line_width=1.6,
    )
    plot.segment("x0", "y0", "x1", "y1", source=guide, line_color=colour["focus"], line_alpha=0.55)
    plot.text(
        "x", "y", text="letter", source=cells, text_align="center", text_baseline="middle",
        text_font={"value": SANS}, text_font_size="10px", text_font_style="bold", text_color="ink",
        nonselection_text_alpha=1.0,
    )
    names = [feature.name for feature in features]
    ys = [y + CELL / 2 for y in places.at]
    for x, align in ((LABEL - 6, "right"), (None, "left")):
        xs = [x if x is not None else LABEL + at + CELL + 5 for at in places.at]
        plot.text(x=xs, y=ys, text=names, text_align=align, text_baseline="middle", text_font={"value": MONO},
                  text_font_size="10.5px", text_color=colour["text"])
    tip = f'<div style="max-width:420px;white-space:pre-line;font:12px/1.4 {SANS}">@tip</div>'
    plot.add_tools(HoverTool(renderers=[boxes], tooltips=tip.replace("'", ""), point_policy="follow_mouse"))
    plot.tags = [title]
    return plot
