"""The address map as a static SVG: what remains where no script runs, and in exported pages."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from memkit.draw import marking, svg
from memkit.draw import text as words
from memkit.units import hex_address

__all__ = ["WIDTH", "Lanes", "axis_points", "fitting", "lanes_of", "legend_picture", "render"]

# Fits beside JupyterLab's margins on a projector of 1280 pixels.
WIDTH = 1046
HEAD, FOOT = 86, 66


@dataclass(frozen=True, slots=True)
class Lanes:
    """Where columns stand, in pixels: ``spans`` are left edge and width, ``labels`` where addresses stand
    and at which of their ends, ``axes`` the places of the two axes."""

    spans: dict[str, tuple[int, int]]
    labels: dict[str, tuple[int, str]]
    axes: tuple[int, int]

    @property
    def between(self) -> tuple[int, int]:
        """The left and right edge of the ribbons."""
        left, width = self.spans["ram"]
        return left + width, self.spans["guest"][0]


_ONE = Lanes(
    {"host": (8, 200), "ram": (330, 248), "guest": (668, 258)},
    {"ram": (320, "end"), "guest": (936, "start")}, (324, 932),
)
_TWO = Lanes(
    {"ram-was": (128, 124), "ram": (258, 214), "guest": (574, 214), "guest-was": (794, 124)},
    {"ram-was": (118, "end"), "ram": (118, "end"), "guest": (928, "start"), "guest-was": (928, "start")},
    (122, 924),
)


# What a letter of an address takes, and how many letters fit between the guest and the edge.
_LETTER, _ROOM = 7.25, 14


def lanes_of(data: dict[str, Any]) -> Lanes:
    """The places of the columns of a map: of one guest, or of two that differ.

    Addresses of more than 44 bits take room from the ribbons: the guest moves to the left.
    """
    lanes = _ONE if data["marks"] is None else _TWO
    longest = max((len(hex_address(i["start"])) for i in data["items"]
                   if i["column"].startswith("guest") and i["kind"] != "nobody"), default=0)
    shift = math.ceil(max(longest - _ROOM, 0) * _LETTER)
    spans = {name: (left - shift * name.startswith("guest"), width)
             for name, (left, width) in lanes.spans.items()}
    labels = {name: (x - shift * name.startswith("guest"), end) for name, (x, end) in lanes.labels.items()}
    return Lanes(spans, labels, (lanes.axes[0], lanes.axes[1] - shift))


def fitting(item: dict[str, Any], width: float) -> tuple[str, str]:
    """An item's name and note, shortened to stand side by side in ``width`` pixels."""
    note = "" if item["past"] else item["note"]
    room = int((width - 24 - svg.text_width(note) - marking.badge_width(item["mark"])) / 7.25)
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
        for left in lanes_of(data).axes
    ]


def _ribbon(link: dict[str, Any], lanes: Lanes, flip: float) -> str:
    left, right = lanes.between
    middle = (left + right) / 2
    (a0, a1), (b0, b1) = link["ram_y"], link["gpa_y"]
    a0, a1, b0, b1 = (flip - v for v in (a0, a1, b0, b1))
    return (
        f"M{left} {a0:.1f}C{middle} {a0:.1f} {middle} {b0:.1f} {right} {b0:.1f}"
        f"V{b1:.1f}C{middle} {b1:.1f} {middle} {a1:.1f} {left} {a1:.1f}Z"
    )


def _item(item: dict[str, Any], lanes: Lanes, flip: float) -> str:
    left, width = lanes.spans[item["column"]]
    top, bottom = flip - item["y1"], flip - item["y0"]
    height = bottom - top
    nobody, mark = item["kind"] == "nobody", item["mark"]
    out = [f"<title>{svg.escape(item['tip'])}</title>"]
    if item["past"]:
        # The page's colour under it hides the lines that lead past it to addresses.
        out.append(svg.box(left, top + 0.5, width, height - 1, "page"))
        out.append(marking.hollow(left, top + 0.5, width, height - 1, item["kind"], 1.5))
    elif not nobody:
        over = f"{svg.NAME}-{item['backing']}" if item["backing"] != "private" else ""
        look = f"a-{item['kind']}"
        out.append(svg.box(left, top + 0.5, width, height - 1, look, radius=1.5, hatch=over))
        out.append(marking.outline(left, top + 1, width, height - 2, mark, 1.5))
    if height >= 14:
        name, note = fitting(item, width)
        y = (top + bottom) / 2 + 4
        out.append(marking.badge(left + 5, y - 11, mark))
        cls = "c m" if nobody or item["past"] else "c"
        out.append(svg.text(left + 8 + marking.badge_width(mark), y, name, cls))
        out.append(svg.text(left + width - 8, y, note, "s m" if nobody else "s", "end"))
    cls = "x" + "".join(f" k{b}" for b in item["blocks"][:1])
    return f'<g class="{cls}">{"".join(out)}</g>'


def _addresses(data: dict[str, Any], lanes: Lanes, flip: float) -> list[str]:
    """Where each box begins, beside its column, and a line that leads there; each address once."""
    out, seen = [], set()
    for item in sorted(data["items"], key=lambda i: i["past"]):
        if item["column"] not in lanes.labels or item["kind"] == "nobody":
            continue
        x, anchor = lanes.labels[item["column"]]
        if (x, item["start"]) in seen:
            continue
        seen.add((x, item["start"]))
        left, width = lanes.spans[item["column"]]
        edge, bottom = left if anchor == "end" else left + width, flip - item["y0"]
        out.append(f'<path d="M{edge} {bottom:.1f}H{x}" class="rule"/>')
        x += 2 if anchor == "start" else -2
        cls = "c m" if item["past"] else "c"
        number = "".join(f" k{b}" for b in item["blocks"][:1])
        out.append(f'<g class="x{number}">'
                   f'{svg.text(x, bottom - 4, hex_address(item["start"]), cls, anchor)}</g>')
    return out


def render(data: dict[str, Any], theme_name: str) -> str:
    """The whole picture as SVG text."""
    lanes, head = lanes_of(data), HEAD
    out = [svg.text(8, 26, data["title"], "h")]
    if data["marks"] is not None:
        out.append(marking.legend_row(8, 40, data["marks"]))
        head += marking.LEGEND_ROW
    flip = head + data["height"]
    for column in data["columns"]:
        left, _ = lanes.spans[column["key"]]
        out.append(svg.text(left, head - 30, column["title"], "t"))
        out.append(svg.text(left, head - 14, column["note"], "s m"))
    if not data["items"]:
        out.append(svg.text(8, head + 24, "Nothing is known of this guest's memory.", "m"))
        flip = head + 44
    for link in data["links"]:
        cls = "x" + "".join(f" k{b}" for b in link["blocks"][:1])
        look = f'class="{cls} f-{link["kind"]}" fill-opacity=".2"'
        out.append(f'<path d="{_ribbon(link, lanes, flip)}" {look}/>')
    out += _addresses(data, lanes, flip)
    breaks = {b["start"] for b in data["breaks"]}
    for item in data["items"]:
        if item["kind"] == "nobody" and item["start"] not in breaks:
            left, width = lanes.spans["guest"]
            place = f'y="{flip - item["y1"]:.1f}" height="{item["y1"] - item["y0"]:.1f}"'
            look = 'class="rule" stroke-dasharray="2 4"'
            out.append(f'<rect x="{left}" width="{width}" {place} {look}/>')
        out.append(_item(item, lanes, flip))
    out.append("".join(f'<polyline points="{p}" class="thin"/>' for p in axes(data, flip)))
    style = f"#{svg.NAME} .x{{transition:opacity .12s}}"
    numbers = dict.fromkeys(b for i in data["items"] for b in i["blocks"][:1])
    style += "".join(
        f"#{svg.NAME}:has(.k{n}:hover) .x:not(.k{n}){{opacity:.25}}" for n in numbers
    )
    backings = data["backings"] or ["private"]
    out.append(svg.legend(8, flip + 26, data["kinds"], backings, _notes(data)))
    bottom = flip + FOOT + 14
    if data["besides"]:
        out.append(marking.besides_line(8, bottom + 3, WIDTH - 16, data["besides"]))
        bottom += marking.BESIDES_ROW
    said = "; ".join(
        f"{i['name']} {i['note']} at gpa {hex_address(i['start'])}" + "".join(f", {w}" for w in i["mark"])
        for i in data["items"] if i["column"] == "guest" and i["kind"] != "nobody"
    )
    return svg.document(
        WIDTH, bottom, data["title"], said, "".join(out),
        theme_name=theme_name, style=style,
    )


def legend_picture(data: dict[str, Any], theme_name: str) -> str:
    """The legend alone, as an SVG picture."""
    body, top, what = "", 8, "Colours and patterns"
    if data["marks"] is not None:
        body, top, what = marking.legend_row(8, 8, data["marks"]), 29, "Changes, colours and patterns"
    body += svg.legend(8, top, data["kinds"], data["backings"] or ["private"], _notes(data))
    if data["besides"]:
        body += marking.besides_line(8, top + 56, WIDTH - 16, data["besides"])
        top += marking.BESIDES_ROW
    return svg.document(WIDTH, top + 46, "Legend", what, body, theme_name=theme_name)


def _notes(data: dict[str, Any]) -> list[str]:
    notes = ["heights grow with the logarithm of the size"]
    return [*notes, "zigzag: a break, nothing lies there"] if data["breaks"] else notes
