"""The address map as a Bokeh figure: zoom, hover, select; updated in place by its sources.

One unit is one pixel on both axes, so the figure looks like the static picture until a person
zooms.  All that changes with the guest lives in four data sources and the y range.
"""

from __future__ import annotations

from typing import Any

from memkit.draw import bokehjs, mapsvg, marking
from memkit.draw.theme import HATCH_ALPHA, MONO, SANS, Theme, hatch
from memkit.units import hex_address

__all__ = ["MapFigure", "sources"]

Table = dict[str, Any]
PAD = 10
STEPS = 20
# The size of a pattern's tile in pixels, near that of the static picture.
TILES = {"shared": 22, "huge": 14, "pmem": 10, "file": 8, "unknown": 16}
TIP = (
    '<div style="white-space:pre-line;max-width:520px;font:12px/1.45 '
    + MONO.replace("'", "") + '">@tip</div>'
)
# A tap selects one box; everything that shows the same block is selected with it.
FOLLOW = """
const chosen = new Set(boxes.selected.indices.map(i => boxes.data.path[i]).filter(p => p >= 0));
const same = (source) => source.data.path.flatMap((p, i) => chosen.has(p) ? [i] : []);
const all = same(boxes);
if (chosen.size && all.length !== boxes.selected.indices.length) boxes.selected.indices = all;
ribbons.selected.indices = chosen.size ? same(ribbons) : [];
"""


def sources(data: dict[str, Any], theme: Theme) -> dict[str, Table]:
    """The contents of the figure's four sources: boxes, labels, ribbons and lines."""
    boxes: Table = {k: [] for k in ("left", "right", "bottom", "top", "fill", "line", "hatch",
                                    "tile", "tip", "path", "dash", "weight")}
    labels: Table = {k: [] for k in ("x", "y", "text", "align", "font", "colour")}
    lines: Table = {"xs": [], "ys": [], "colour": []}

    def label(x: float, y: float, text: str, align: str, font: str, colour: str) -> None:
        for key, value in zip(labels, (x, y, text, align, font, colour), strict=True):
            labels[key].append(value)

    lanes = mapsvg.lanes_of(data)
    breaks = {b["start"] for b in data["breaks"]}
    addressed = set()
    for item in sorted(data["items"], key=lambda i: i["past"]):
        left, width = lanes.spans[item["column"]]
        mark, past = item["mark"], item["past"]
        nobody = item["kind"] == "nobody"
        ink = theme.kinds[item["kind"]]
        bottom, top = item["y0"], item["y1"]
        fill, edge = (theme.page, theme.rule) if nobody else (ink.fill, ink.line)
        if nobody and item["start"] in breaks:
            edge = theme.page
        if past:
            fill = theme.page
        elif mark:
            edge = theme.text
        # Half a pixel of air keeps neighbours apart.
        row = (left, left + width, bottom + 0.5, top - 0.5, fill, edge,
               hatch("private" if past else item["backing"]), TILES.get(item["backing"], 12),
               item["tip"], _path(item), marking.dash([marking.PAST] if past else mark) or "solid",
               2 if mark and not past else 1)
        for key, value in zip(boxes, row, strict=True):
            boxes[key].append(value)
        if top - bottom >= 14:
            name, note = mapsvg.fitting(item, width)
            name = f"{marking.signs(mark)} {name}".lstrip()
            colour = theme.muted if nobody or past else theme.text
            label(left + 8, (bottom + top) / 2, name, "left", MONO, colour)
            label(left + width - 8, (bottom + top) / 2, note, "right", SANS, colour)
        x, anchor = lanes.labels.get(item["column"], (0, ""))
        if anchor and not nobody and (x, item["start"]) not in addressed:
            addressed.add((x, item["start"]))
            end = anchor == "end"
            lines["xs"].append([left if end else left + width, x])
            lines["ys"].append([bottom, bottom])
            lines["colour"].append(theme.rule)
            label(x + (-2 if end else 2), bottom + 8, hex_address(item["start"]),
                  "right" if end else "left", MONO, theme.muted if past else theme.text)
    if data["items"]:
        for x in lanes.axes:
            points = mapsvg.axis_points(data, x)
            lines["xs"].append([p[0] for p in points])
            lines["ys"].append([p[1] for p in points])
            lines["colour"].append(theme.muted)
    return {"boxes": boxes, "labels": labels, "ribbons": _ribbons(data, theme), "lines": lines}


def _ribbons(data: dict[str, Any], theme: Theme) -> Table:
    left, right = mapsvg.lanes_of(data).between
    steps = [n / STEPS for n in range(STEPS + 1)]
    xs = [left + (right - left) * t for t in steps]
    ease = [t * t * (3 - 2 * t) for t in steps]
    table: Table = {"xs": [], "ys": [], "colour": [], "tip": [], "path": []}
    for link in data["links"]:
        (a0, a1), (b0, b1) = link["ram_y"], link["gpa_y"]
        low = [a0 + (b0 - a0) * e for e in ease]
        high = [a1 + (b1 - a1) * e for e in ease]
        table["xs"].append(xs + xs[::-1])
        table["ys"].append(low + high[::-1])
        table["colour"].append(theme.kinds[link["kind"]].line)
        table["tip"].append(
            f"ram_addr_t {hex_address(link['ram'])} shows up at gpa {hex_address(link['gpa'])}"
        )
        table["path"].append(_path(link))
    return table


def _path(fact: dict[str, Any]) -> int:
    """The number of the first block that a box or ribbon shows; -1: of no block."""
    return fact["blocks"][0] if fact["blocks"] else -1


class MapFigure:
    """A Bokeh figure of an address map, and the means to change it in place."""

    def __init__(self, data: dict[str, Any], theme: Theme) -> None:
        bokehjs.require()
        from bokeh.models import ColumnDataSource

        self.theme = theme
        self.sources = {
            name: ColumnDataSource(data=table) for name, table in sources(data, theme).items()
        }
        self.figure: Any = self._build(data)

    def update(self, data: dict[str, Any]) -> None:
        """Show other facts in the same figure; a page that displays it follows."""
        for name, table in sources(data, self.theme).items():
            source = self.sources[name]
            if source.data != table:
                source.selected.indices = []
                source.data = table
        self._fit(data)

    def _fit(self, data: dict[str, Any]) -> None:
        figure, height = self.figure, max(data["height"], 60)
        wanted = int(height + 2 * PAD)
        if figure.frame_height != wanted:
            figure.frame_height = wanted
            figure.y_range.update(
                start=-PAD, end=height + PAD, reset_start=-PAD, reset_end=height + PAD
            )
        if figure.title.text != data["title"]:
            figure.title.text = data["title"]

    def _build(self, data: dict[str, Any]) -> Any:
        from bokeh.models import CustomJS, FixedTicker, HoverTool, Range1d
        from bokeh.plotting import figure

        theme = self.theme
        height = max(data["height"], 60)
        plot: Any = figure(
            frame_width=mapsvg.WIDTH, frame_height=int(height + 2 * PAD), min_border=0,
            x_range=Range1d(start=0, end=mapsvg.WIDTH),
            y_range=Range1d(start=-PAD, end=height + PAD),
            x_axis_location="above", title=data["title"], toolbar_location="right",
            tools="ypan,ywheel_zoom,tap,reset,save", active_scroll=None,
            background_fill_color=theme.page, border_fill_color=theme.page, outline_line_color=None,
        )
        plot.toolbar.logo = None
        plot.title.text_color, plot.title.text_font = theme.text, SANS
        plot.title.text_font_size, plot.title.offset = "14px", 8
        plot.ygrid.visible = plot.xgrid.visible = plot.yaxis.visible = False
        self._headings(plot, data, FixedTicker)
        s = self.sources
        ribbons = plot.patches(
            "xs", "ys", source=s["ribbons"], fill_color="colour", fill_alpha=0.2, line_color=None,
            nonselection_fill_alpha=0.05, selection_fill_alpha=0.45,
        )
        plot.multi_line("xs", "ys", source=s["lines"], line_color="colour", line_width=1)
        boxes = plot.quad(
            left="left", right="right", bottom="bottom", top="top", source=s["boxes"],
            fill_color="fill", line_color="line", hatch_pattern="hatch", hatch_color=theme.text,
            hatch_alpha=HATCH_ALPHA, hatch_scale="tile", hatch_weight=1.4, line_width="weight",
            line_dash="dash",
            nonselection_fill_alpha=0.3, nonselection_line_alpha=0.3, selection_line_alpha=1.0,
        )
        plot.text(
            x="x", y="y", text="text", source=s["labels"], text_align="align", text_font="font",
            text_color="colour", text_font_size="12px", text_baseline="middle",
        )
        boxes.selection_glyph.line_width = 2.5
        plot.add_tools(
            HoverTool(renderers=[boxes, ribbons], tooltips=TIP, point_policy="follow_mouse")
        )
        s["boxes"].selected.js_on_change(
            "indices", CustomJS(args={"boxes": s["boxes"], "ribbons": s["ribbons"]}, code=FOLLOW)
        )
        return plot

    def _headings(self, plot: Any, data: dict[str, Any], ticker: Any) -> None:
        """Column titles on an axis, so that they stay when a person zooms."""
        spans = mapsvg.lanes_of(data).spans
        middles = {float(spans[c["key"]][0] + spans[c["key"]][1] / 2): c for c in data["columns"]}
        axis = plot.xaxis[0]
        axis.ticker = ticker(ticks=list(middles))
        axis.major_label_overrides = {x: f"{c['title']}: {c['note']}" for x, c in middles.items()}
        axis.axis_line_color = axis.major_tick_line_color = axis.minor_tick_line_color = None
        axis.major_label_text_color, axis.major_label_text_font = self.theme.text, SANS
        axis.major_label_text_font_size = "13px"
