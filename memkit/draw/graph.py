"""The joined graph: from a word on the command line to the addresses the guest sees."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any

from memkit.draw import marking, svg
from memkit.draw import text as words
from memkit.draw.layout import LINE, PAD, ROW, TAIL, TITLE, Layout, dot_source, layout, word_lines
from memkit.draw.paths import graph_data
from memkit.draw.theme import KIND_NAMES, resolve
from memkit.errors import MemkitError, Unavailable
from memkit.joined import join
from memkit.units import hex_address, human

if TYPE_CHECKING:
    from memkit.diff import Difference
    from memkit.guest import Guest

__all__ = ["Graph"]

MARGIN, HEAD, FOOT = 20, 70, 56


class Graph:
    """A picture of one Guest: options, backends, RAMBlocks, regions and frontends in columns.

    ``theme`` is light, dark or auto (follow the page).  ``focus`` names a block, backend,
    frontend or region whose path stands out; others fade.  With a ``difference`` of which
    ``guest`` is the second, what changed is marked.  Raises MemkitError if the theme or the name
    in focus is unknown.

    >>> import memkit
    >>> graph = Graph(memkit.boot("-m 1G -nodefaults"))
    >>> [c["key"] for c in graph.data()["columns"]]
    ['words', 'backends', 'blocks', 'regions', 'guest']
    """

    def __init__(
        self, guest: Guest, theme: str = "auto", focus: str | None = None,
        difference: Difference | None = None,
    ) -> None:
        resolve(theme)
        self.guest = guest
        self.theme = theme
        joined = join(guest)
        row = joined.find(focus) if focus else None
        if focus and row is None:
            known = ", ".join(dict.fromkeys(r.block.label for r in joined.rows)) or "none"
            raise MemkitError(f"no RAMBlock goes by the name {focus!r}; this guest has: {known}")
        self._data = graph_data(guest, joined, row, difference)

    def data(self) -> dict[str, Any]:
        """The facts that picture and text are made from, ready for JSON; sizes are bytes."""
        return self._data

    def dot(self) -> str:
        """The graph in Graphviz's own language, to use elsewhere; raises Unavailable."""
        return dot_source(self._data)

    @cached_property
    def _svg(self) -> str:
        return _render(self._data, layout(self._data), self.theme)

    def svg(self) -> str:
        """The picture as SVG text; raises Unavailable if pygraphviz is missing."""
        return self._svg

    def alt(self) -> str:
        """One sentence that says what the picture shows, for people who cannot see it."""
        paths = self._data["paths"]
        if self._data["marks"] is not None:
            said = marking.counted(paths, "RAMBlock") or "no RAMBlock changed"
            return f"{self._data['title']}. {said[0].upper()}{said[1:]}."
        blocks = sum(p["count"] for p in paths)
        biggest = ", ".join(
            f"{p['name']} {human(p['size'])}" for p in sorted(paths, key=lambda p: -p["size"])[:3]
        )
        return f"{self._data['title']}: {words.plural(blocks, 'RAMBlock')}" + (
            f", the largest are {biggest}." if biggest else "."
        )

    def text(self) -> str:
        """The same facts in words: the path of every block, in lines of at most 72 characters."""
        return "\n".join(_text(self._data))

    def __str__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        try:
            picture = self.svg()
        except Unavailable as error:
            said = svg.escape(f"{str(error)[0].upper()}{str(error)[1:]}.")
            html = f"<p>{said} Here is the same in words:</p><pre>{svg.escape(self.text())}</pre>"
            return {"text/plain": f"{error}\n\n{self.text()}", "text/html": html}
        return {
            "text/plain": self.text(),
            "text/html": f'<div style="overflow-x:auto">{picture}</div>',
            "image/svg+xml": picture,
        }


def _classes(numbers: list[int], focus: int | None) -> str:
    faded = " o" if focus is not None and focus not in numbers else ""
    return "x" + "".join(f" k{n}" for n in numbers) + faded


def _thickness(size: int) -> float:
    """A line's width in pixels: 1.2 for a page of 4 KiB, 5 for 64 GiB, even steps per doubling."""
    return 1.2 + 3.8 * min(1.0, math.log2(max(size, 4096) / 4096) / 24)


def _render(data: dict[str, Any], places: Layout, theme: str) -> str:
    name = svg.NAME
    focus = data["focus"]
    out = [svg.text(MARGIN, 26, data["title"], "h")]
    head_end = HEAD
    if data["marks"] is not None:
        # The signs come first: without them nothing below can be read.
        out.append(marking.legend_row(MARGIN, 40, data["marks"]))
        head_end += marking.LEGEND_ROW
    for number, column in enumerate(data["columns"]):
        head = places.places[f"c{number}"]
        out.append(svg.text(MARGIN + head.x, head_end - 19, column["title"], "t"))
        out.append(svg.text(MARGIN + head.x, head_end - 3, column["note"], "s m"))
    top = min((p.y for n, p in places.places.items() if not n.startswith("c")), default=0)
    out.append(f'<g transform="translate({MARGIN},{head_end - top + 6:.1f})">')
    curves = {key: list(found) for key, found in places.curves.items()}
    for edge in data["edges"]:
        key = (edge["from"], edge["from_port"] or "h", edge["to"], edge["to_port"] or "h")
        found = curves.get(key) or next(
            (c for k, c in curves.items() if c and (k[0], k[2]) == (key[0], key[2])), [])
        if not found:
            continue
        cls = _classes([edge["path"]], focus)
        thin = edge["size"] == 0 or edge["ghost"]
        look = 'class="thin" stroke-dasharray="2 3"' if thin else f'class="l-{edge["kind"]}"'
        width = 1.1 if thin else _thickness(edge["size"])
        out.append(f'<g class="{cls}"><path d="{found.pop(0)}" {look} stroke-width="{width:.1f}" '
                   f'stroke-opacity="{0.9 if thin else 0.6}"/></g>')
    for node in data["nodes"]:
        out.append(_node(node, places, name, focus))
    out.append("</g>")
    body = max((p.y + p.h for p in places.places.values()), default=0) - top
    height = head_end + body + FOOT
    notes = ["thicker line: larger", "point at a box to follow its path"]
    out.append(svg.legend(MARGIN, height - 42, data["kinds"], data["backings"], notes))
    width = max(places.width + 2 * MARGIN, 640)
    if data["besides"]:
        out.append(marking.besides_line(MARGIN, height + 11, width - 2 * MARGIN, data["besides"]))
        height += marking.BESIDES_ROW
    style = f"#{name} .x{{transition:opacity .12s}}#{name} .o{{opacity:.16}}"
    style += "".join(
        f"#{name}:has(.k{p['number']}:hover) .x.k{p['number']}{{opacity:1}}"
        f"#{name}:has(.k{p['number']}:hover) .x:not(.k{p['number']}){{opacity:.16}}"
        for p in data["paths"]
    )
    paths = "; ".join(
        f"{p['name']}: {human(p['size'])}, {p['pages']}" + "".join(f", {w}" for w in p["mark"])
        for p in data["paths"]
    )
    return svg.document(
        width, height, data["title"], paths,
        "".join(out), theme_name=theme, style=style,
    )


def _node(node: dict[str, Any], places: Layout, name: str, focus: int | None) -> str:
    at = places.places[node["id"]]
    kind, column = node["kind"], node["column"]
    tip = f"<title>{svg.escape(node['tip'])}</title>" if node["tip"] else ""
    mark = node["mark"]
    ghost = "vanished" in mark
    cls = _classes(node["paths"], focus)
    out = []
    y = at.y + PAD
    over = f"{name}-{node['backing']}" if node["backing"] != "private" and column < 4 else ""
    if ghost:
        out.append(marking.hollow(at.x, at.y, at.w, at.h, kind))
    else:
        out.append(svg.box(at.x, at.y, at.w, at.h, f"a-{kind}" if kind else "card", hatch=over))
    out.append(marking.outline(at.x, at.y, at.w, at.h, mark))
    # On the corner, so that it covers no word.
    out.append(marking.badge(at.x + at.w - marking.badge_width(mark) + 5, at.y - 7, mark))
    if column == 0:
        for line in word_lines(node):
            y += LINE
            out.append(svg.text(at.x + 9, y - 4, line, "c"))
        return f'<g class="{cls}">{tip}{"".join(out)}</g>'
    title = svg.fitted(node["title"], at.w - 14, 13.5, bold=True)
    out.append(svg.text(at.x + 9, y + 14, title, "t"))
    y += TITLE
    for number, line in enumerate(node["lines"]):
        mono = column == 2 and not number
        said = words.shorten(line, int((at.w - 12) / 7.2)) if mono else svg.fitted(line, at.w - 14)
        out.append(svg.text(at.x + 9, y + LINE - 4, said, "c" if mono else "s"))
        y += LINE
    head = f'<g class="{cls}">{tip}{"".join(out)}</g>'
    y = at.y + at.h - ROW * len(node["rows"]) - TAIL + 1.5
    rows = [_row(r, at.x + 6, y + ROW * n, at.w - 12, focus, column == 4)
            for n, r in enumerate(node["rows"])]
    return head + "".join(rows)


def _row(row: dict[str, Any], x: float, y: float, w: float, focus: int | None, filled: bool) -> str:
    """A line inside a box: a window onto the region, or a range of guest addresses."""
    mark = row["mark"]
    dash = f' stroke-dasharray="{marking.dash([marking.PAST]) if row["past"] else "5 3"}"'
    dash = dash if row["dashed"] or row["past"] else ""
    look = f"a-{row['kind']}" if filled and not row["past"] else f"l-{row['kind']}"
    left = x + 6 + (marking.badge_width(mark) + 2 if mark else 0)
    text = svg.fitted(row["text"], w - 12) if row["echo"] else words.shorten(row["text"], 20)
    return (
        f'<g class="{_classes([row["path"]], focus)}"><title>{svg.escape(row["tip"])}</title>'
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{ROW - 3}" rx="2" class="{look}"'
        f'{dash} pointer-events="all"/>{marking.outline(x, y, w, ROW - 3, mark, 2)}'
        f"{marking.badge(x + 3, y + 2, mark)}"
        f"{svg.text(left, y + 13.5, text, 's' if row['echo'] else 'c')}"
        f"{svg.text(x + w - 6, y + 13.5, row['note'], 's', 'end')}</g>"
    )


def _text(data: dict[str, Any]) -> list[str]:
    lines = words.wrap_words(data["title"], words.WIDTH)
    if data["marks"] is not None:
        lines += words.field("marks", marking.key(data["marks"]), 0, 7)
    for path in data["paths"]:
        mine = [n for n in data["nodes"] if path["number"] in n["paths"]]
        mine.sort(key=lambda n: (n["column"], len(n["id"]), n["id"]))
        count = "" if path["count"] == 1 else f" ({path['count']} alike)"
        kind = KIND_NAMES[path["kind"]]
        lines += ["", *words.wrap_words(f"{path['name']}{count}", words.WIDTH)]
        lines += words.field("is", f"{human(path['size'])} of {kind}, {path['pages']}")
        for node in mine:
            label = ("words", "backend", "block", "region", "shown by")[node["column"]]
            said = node["title"]
            facts = [line for line in node["lines"] if line not in node["was"]]
            if facts:
                said += " (" + ", ".join(facts) + ")"
            lines += words.field(label, said)
            if node["mark"]:
                lines += words.field("", marking.said(node["mark"], node["was"]))
            for row in node["rows"]:
                if row["path"] != path["number"] or row["echo"]:
                    continue
                if node["column"] == 4 and path["count"] > 1:
                    lines += words.field("at gpa", f"{row['text']} {row['note']}".strip())
                elif node["column"] == 4 and row["size"]:
                    lines += words.field("at gpa", f"{words.span(row['start'], row['size'])}")
                    lines += words.field("", row["note"])
                elif node["column"] == 3 and not row["size"]:
                    lines += words.field("window", f"{row['text']}, {row['note']}")
                elif node["column"] == 3:
                    said = f"{row['text']}: {row['note']} from offset {hex_address(row['start'])}"
                    lines += words.field("window", said)
                else:
                    lines += words.field("at gpa", row["text"])
                if row["mark"]:
                    lines += words.field("", marking.said(row["mark"], row["was"]))
        if path["number"] == data["focus"]:
            lines += words.field("focus", "this path stands out in the picture")
    return lines + marking.besides_words(data["besides"])
