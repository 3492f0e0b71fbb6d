"""Laying out the joined graph: sizes of nodes, DOT, and Graphviz inside this process.

Graphviz decides order and curves; every box has its size before, so Graphviz never measures
text.  That keeps its font library asleep (which would look for system fonts and complain on
stderr) and makes the layout the same on every machine.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from memkit.draw.text import wrap_words
from memkit.errors import Unavailable

__all__ = ["WIDTHS", "Layout", "Place", "dot_source", "layout", "node_height", "word_lines"]

# RAMBlocks: as wide as a name behind a PCI address, such as 0000:00:02.0/e1000e.rom.
WIDTHS = (220, 174, 216, 210, 236)
TITLE, LINE, ROW, PAD, TAIL = 18, 15, 21, 5, 4
WORD_CHARS = 28
BLOCKS = 2  # the number of their column
MOST_KNOWN = 32
_MISSING = (
    "the joined graph is laid out by Graphviz through pygraphviz, which is not installed; "
    "install it with: pip install 'memkit[lab]' (or: pip install pygraphviz)"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A node's rectangle in pixels: ``x`` and ``y`` are its upper left corner."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is, in pixels: node id to Place, and an SVG path for each edge."""

    width: float
    height: float
    places: dict[str, Place]
    curves: dict[tuple[str, str, str, str], list[str]] = field(default_factory=dict)


# Layouts by the shape of the graph: all that dot_source() says when it leaves out the words.
_KNOWN: dict[Hashable, Layout] = {}


def word_lines(node: dict[str, Any]) -> list[str]:
    """The lines of a node in the first column: an option, wrapped, or a group's summary; then its past."""
    was = [line for past in node["was"] for line in wrap_words(past, WORD_CHARS, 2)]
    if node["lines"]:
        return [node["title"], *(wrap_words(node["lines"][0], WORD_CHARS, 1)), *node["lines"][1:], *was]
    return [*wrap_words(node["title"], WORD_CHARS, 5), *was]


def node_height(node: dict[str, Any]) -> int:
    """A node's height in pixels, from its number of lines and rows."""
    if node["column"] == 0:
        return LINE * len(word_lines(node)) + 2 * PAD
    head = TITLE + LINE * len(node["lines"]) + 2 * PAD
    return head + (ROW * len(node["rows"]) + TAIL - PAD if node["rows"] else 0)


def _label(node: dict[str, Any], words: bool) -> str:
    """An HTML-like label with a cell for each row, so that edges can end at it."""
    import graphviz

    width, rows = WIDTHS[node["column"]], node["rows"]
    tail = TAIL if rows else 0
    head = node_height(node) - ROW * len(rows) - tail

    def cell(height: int, port: str, said: list[str]) -> str:
        # graphviz.escape keeps backslashes; the rest is HTML's own escaping.
        safe = [graphviz.escape(s) for s in said] if words else []
        html = "<BR/>".join(
            s.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for s in safe
        )
        size = f'FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="{height}"'
        return f'<TR><TD {size} PORT="{port}">{html}</TD></TR>'

    title = word_lines(node) if node["column"] == 0 else [node["title"], *node["lines"]]
    cells = cell(head, "h", title)
    cells += "".join(cell(ROW, r["port"], [f"{r['text']} {r['note']}".strip()]) for r in rows)
    if tail:
        cells += cell(tail, "t", [])
    frame = f'BORDER="0" CELLBORDER="{int(words)}" CELLSPACING="0" CELLPADDING="0"'
    return f"<<TABLE {frame}>{cells}</TABLE>>"


def dot_source(data: dict[str, Any], words: bool = True) -> str:
    """The joined graph in Graphviz's language; without ``words`` the boxes are empty.

    Raises Unavailable if the package ``graphviz`` (it writes DOT, it runs nothing) is missing.
    """
    try:
        import graphviz
    except ImportError as error:
        raise Unavailable(_MISSING) from error
    dot = graphviz.Digraph(
        "memory",
        graph_attr={"rankdir": "LR", "nodesep": "0.09", "ranksep": "0.6", "splines": "true"},
        node_attr={"shape": "plain", "margin": "0"},
        edge_attr={"arrowhead": "none"},
    )
    for number, width in enumerate(WIDTHS):
        dot.node(f"c{number}", label="", shape="box", fixedsize="true", width=f"{width / 72:.4f}",
                 height="0.3", style="invis")
        if number:
            dot.edge(f"c{number - 1}", f"c{number}", style="invis", weight="0")
    # With rankdir=LR, Graphviz stacks what it meets first at the bottom; what hangs on one node
    # by edges alone keeps the order of its edges.
    words_last = [n for n in data["nodes"] if n["column"] == 0]
    for node in [*reversed([n for n in data["nodes"] if n["column"]]), *words_last]:
        dot.node(node["id"], label=_label(node, words))
    for number in range(len(WIDTHS)):
        same = [n["id"] for n in data["nodes"] if n["column"] == number]
        dot.body.append(f"\t{{ rank=same c{number} {' '.join(same)} }}\n")
        if number == BLOCKS and len(same) > 1:
            # RAMBlocks keep the order of their paths; the other columns arrange themselves to it.
            dot.body.append(f"\t{' -> '.join(same)} [style=invis]\n")
    for e in data["edges"]:
        ends = {"tailport": f"{e['from_port'] or 'h'}:e", "headport": f"{e['to_port'] or 'h'}:w"}
        dot.edge(e["from"], e["to"], weight="8" if e["size"] else "1", **ends)
    return str(dot.source)


def layout(data: dict[str, Any]) -> Layout:
    """The places and curves of the joined graph in pixels.

    Raises Unavailable, with the command that installs it, if pygraphviz is missing.
    """
    shape = (
        tuple((n["id"], n["column"], node_height(n), *(r["port"] for r in n["rows"])) for n in data["nodes"]),
        tuple((e["from"], e["from_port"], e["to"], e["to_port"], e["size"] > 0) for e in data["edges"]),
    )
    # A slider that changes numbers inside boxes asks for the same layout again and again.
    found = _KNOWN.get(shape)
    if found is None:
        if len(_KNOWN) >= MOST_KNOWN:
            _KNOWN.clear()
        found = _KNOWN[shape] = _place(dot_source(data, words=False))
    return found


def _place(source: str) -> Layout:
    try:
        import pygraphviz
    except ImportError as error:
        raise Unavailable(_MISSING) from error
    graph = pygraphviz.AGraph(string=source)
    try:
        plain = graph.draw(format="plain", prog="dot").decode()
    finally:
        graph.close()
    return _read_plain(plain)


def _read_plain(plain: str) -> Layout:
    """Read Graphviz's "plain" output: inches, from the lower left corner."""
    places: dict[str, Place] = {}
    curves: dict[tuple[str, str, str, str], list[str]] = {}
    width = height = 0.0
    for line in plain.splitlines():
        kind, *words = line.split(" ")
        if kind == "graph":
            width, height = float(words[1]) * 72, float(words[2]) * 72
        elif kind == "node":
            x, y, w, h = (float(v) * 72 for v in words[1:5])
            places[words[0]] = Place(x - w / 2, height - y - h / 2, w, h)
        elif kind == "edge":
            count = int(words[2])
            numbers = [float(v) * 72 for v in words[3 : 3 + 2 * count]]
            points = [
                f"{x:.1f} {height - y:.1f}"
                for x, y in zip(numbers[::2], numbers[1::2], strict=True)
            ]
            tail, head = words[0].split(":"), words[1].split(":")
            key = (tail[0], tail[1] if tail[1:] else "", head[0], head[1] if head[1:] else "")
            curves.setdefault(key, []).append(f"M{points[0]}C{' '.join(points[1:])}")
    return Layout(width, height, places, curves)
