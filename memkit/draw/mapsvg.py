"""The address map as a static SVG: what remains where no script runs, and in exported pages."""

from __future__ import annotations

from typing import Any

from memkit.draw import svg
from memkit.draw import text as words
from memkit.units import hex_address

__all__ = ["AXES", "LABELS", "SPANS", "WIDTH", "axis_points", "fitting", "legend_picture", "render"]

# Fits beside JupyterLab's margins on a projector of 1280 pixels.
WIDTH = 1046
# The left edge and the width of each column, in pixels; addresses stand beside a column.
SPANS = {"host": (8, 200), "ram": (330, 248), "guest": (668, 258)}
LABELS = {"ram": (320, "end"), "guest": (936, "start")}
AXES = (SPANS["ram"][0] - 6, SPANS["guest"][0] + SPANS["guest"][1] + 6)
HEAD, FOOT = 86, 66


def fitting(item: dict[str, Any], width: float) -> tuple[str, str]:
    """An item's name and note, shortened to stand side by side in ``width`` pixels."""
    note = item["note"]
    room = int((width - 24 - svg.text_width(note)) / 7.25)
    return words.shorten(item["name"], max(room, 6)), note


def axis_points(data: dict[str, Any], left: float) -> list[tuple[float, float]]:
    """The corners of a column's axis at x = ``left``: straight, with a zigzag in every break.

    Heights are in pixels from address 0 upwards.
    """
    points = [(left, 0.0)]
    for gap in data["breaks"]:
        middle = (gap["y0"] + gap["y1"]) / 2
        points += [
            (left + swing, middle + 2.5 * n)
            for n, swing in enumerate((0, 4, -4, 4, -4, 0), -2)
        ]
    return [*points, (left, data["height"])]


def axes(data: dict[str, Any], flip: float) -> list[str]:
    """The axes of the columns that have addresses, as the points of SVG polylines."""
    if not data["items"]:
        return []
    return [
        " ".join(f"{x:.1f},{flip - y:.1f}" for x, y in axis_points(data, left))
        for left in AXES
    ]


def _ribbon(link: dict[str, Any], flip: float) -> str:
    left = SPANS["ram"][0] + SPANS["ram"][1]
    right = SPANS["guest"][0]
    middle = (left + right) / 2
    (a0, a1), (b0, b1) = link["ram_y"], link["gpa_y"]
    a0, a1, b0, b1 = (flip - v for v in (a0, a1, b0, b1))
    return (
        f"M{left} {a0:.1f}C{middle} {a0:.1f} {middle} {b0:.1f} {right} {b0:.1f}"
        f"V{b1:.1f}C{middle} {b1:.1f} {middle} {a1:.1f} {left} {a1:.1f}Z"
    )


def _item(item: dict[str, Any], flip: float) -> str:
    left, width = SPANS[item["column"]]
    top, bottom = flip - item["y1"], flip - item["y0"]
    height = bottom - top
    nobody = item["kind"] == "nobody"
    over = f"{svg.NAME}-{item['backing']}" if item["backing"] != "private" else ""
    out = [f"<title>{svg.escape(item['tip'])}</title>"]
    if not nobody:
        look = f"a-{item['kind']}"
        out.append(svg.box(left, top + 0.5, width, height - 1, look, radius=1.5, hatch=over))
    if height >= 14:
        name, note = fitting(item, width)
        y = (top + bottom) / 2 + 4
        cls = "c m" if nobody else "c"
        out.append(svg.text(left + 8, y, name, cls))
        out.append(svg.text(left + width - 8, y, note, "s m" if nobody else "s", "end"))
    if item["column"] in LABELS and not nobody:
        x, anchor = LABELS[item["column"]]
        edge = left if anchor == "end" else left + width
        out.append(f'<path d="M{edge} {bottom:.1f}H{x}" class="rule"/>')
        x += 2 if anchor == "start" else -2
        out.append(svg.text(x, bottom - 4, hex_address(item["start"]), "c", anchor))
    cls = "x" + "".join(f" k{b}" for b in item["blocks"][:1])
    return f'<g class="{cls}">{"".join(out)}</g>'


def render(data: dict[str, Any], theme_name: str) -> str:
    """The whole picture as SVG text."""
    flip = HEAD + data["height"]
    out = [svg.text(8, 26, data["title"], "h")]
    for column in data["columns"]:
        left, _ = SPANS[column["key"]]
        out.append(svg.text(left, 56, column["title"], "t"))
        out.append(svg.text(left, 72, column["note"], "s m"))
    if not data["items"]:
        out.append(svg.text(8, 110, "Nothing is known of this guest's memory.", "m"))
        flip = 130
    for link in data["links"]:
        cls = "x" + "".join(f" k{b}" for b in link["blocks"][:1])
        look = f'class="{cls} f-{link["kind"]}" fill-opacity=".2"'
        out.append(f'<path d="{_ribbon(link, flip)}" {look}/>')
    breaks = {b["start"] for b in data["breaks"]}
    for item in data["items"]:
        if item["kind"] == "nobody" and item["start"] not in breaks:
            left, width = SPANS["guest"]
            place = f'y="{flip - item["y1"]:.1f}" height="{item["y1"] - item["y0"]:.1f}"'
            look = 'class="rule" stroke-dasharray="2 4"'
            out.append(f'<rect x="{left}" width="{width}" {place} {look}/>')
        out.append(_item(item, flip))
    out.append("".join(f'<polyline points="{p}" class="thin"/>' for p in axes(data, flip)))
    style = f"#{svg.NAME} .x{{transition:opacity .12s}}"
    numbers = dict.fromkeys(b for i in data["items"] for b in i["blocks"][:1])
    style += "".join(
        f"#{svg.NAME}:has(.k{n}:hover) .x:not(.k{n}){{opacity:.25}}" for n in numbers
    )
    backings = data["backings"] or ["private"]
    out.append(svg.legend(8, flip + 26, data["kinds"], backings, _notes(data)))
    said = "; ".join(
        f"{i['name']} {i['note']} at gpa {hex_address(i['start'])}"
        for i in data["items"] if i["column"] == "guest" and i["kind"] != "nobody"
    )
    return svg.document(
        WIDTH, flip + FOOT + 14, data["title"], said, "".join(out),
        theme_name=theme_name, style=style,
    )


def legend_picture(data: dict[str, Any], theme_name: str) -> str:
    """The legend alone, as an SVG picture."""
    body = svg.legend(8, 8, data["kinds"], data["backings"] or ["private"], _notes(data))
    return svg.document(WIDTH, 54, "Legend", "Colours and patterns", body, theme_name=theme_name)


def _notes(data: dict[str, Any]) -> list[str]:
    notes = ["heights grow with the logarithm of the size"]
    return [*notes, "zigzag: a break, nothing lies there"] if data["breaks"] else notes
