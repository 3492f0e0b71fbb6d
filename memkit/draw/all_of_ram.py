"""The matrix of "all of RAM": RAMBlocks are rows, definitions columns, and a cell says what is in.

A full square is in, half of one partly, a dash is out, a question mark unknown: shapes that need no
colour.  Picture, text and table are made from ``AllOfRam.data()`` alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memkit.draw import svg, theme
from memkit.draw import text as words
from memkit.errors import MemkitError, Unavailable
from memkit.units import human

if TYPE_CHECKING:
    import pandas

__all__ = ["STATES", "frame", "gathered", "render", "text"]

STATES = {"in": "in", "part": "partly in", "out": "out", "unknown": "unknown"}
SHOWS = ("bytes", "state", "reason")
# Beyond this many rows, blocks that fare alike share one.
MANY = 20
LEFT, CELL, ROW, GAP = 232, 24, 23, 9
HEAD, FOOT = 292, 92


def gathered(data: dict[str, Any]) -> list[list[int]]:
    """The rows of the picture, as indexes of blocks: of many, those that fare alike share one."""
    count = len(data["blocks"])
    if count <= MANY:
        return [[index] for index in range(count)]
    alike: dict[object, list[int]] = {}
    for index, block in enumerate(data["blocks"]):
        states = tuple(s["cells"][index]["state"] for s in data["sets"])
        alike.setdefault((block["kind"], block["backing"], states), []).append(index)
    return list(alike.values())


def _columns(data: dict[str, Any]) -> list[tuple[float, dict[str, Any]]]:
    """Each set with the left edge of its column; a gap stands between groups."""
    found, x, group = [], float(LEFT), ""
    for each in data["sets"]:
        x += GAP if group and each["group"] != group else 0
        group = each["group"]
        found.append((x, each))
        x += CELL
    return found


def render(data: dict[str, Any], theme_name: str) -> str:
    """The whole picture as SVG text; raises MemkitError for an unknown theme."""
    theme.resolve(theme_name)
    rows, columns = gathered(data), _columns(data)
    bottom = HEAD + ROW * len(rows)
    width = (columns[-1][0] + CELL if columns else LEFT) + 22
    out = [svg.text(8, 26, data["title"], "h"), svg.text(8, 47, data["summary"], "s m")]
    out += _groups(data, columns)
    for x, each in columns:
        empty = all(cell["state"] == "out" for cell in each["cells"])
        out.append(_turned(x + 16, HEAD - 10, each["name"], "c m" if empty else "c", each["meaning"]))
        amount = ("" if each["certain"] else "≥ ") + human(each["bytes"])
        out.append(_turned(x + 16, bottom + 10, amount, "c", each["remark"], "end"))
    out.append(svg.text(LEFT - 10, bottom + 22, "sum", "s m", "end"))
    for number, indexes in enumerate(rows):
        out.append(_row(data, indexes, HEAD + ROW * number, columns, width))
    out.append(f'<path d="M8 {bottom}H{width - 14:.0f}" class="rule"/>')
    out.append(_legend(data, bottom + FOOT + 16))
    said = "; ".join(f"{s['name']} {human(s['bytes'])}" for s in data["sets"])
    return svg.document(
        max(width, 700), bottom + FOOT + 84, data["title"], f"{data['summary']} {said}", "".join(out),
        theme_name=theme_name,
    )


def _groups(data: dict[str, Any], columns: list[tuple[float, dict[str, Any]]]) -> list[str]:
    """The names of the groups, over a line as wide as their columns."""
    out = []
    for key, title in data["groups"].items():
        edges = [x for x, each in columns if each["group"] == key]
        if edges:
            left, right = edges[0] + 2, edges[-1] + CELL - 2
            out.append(f'<path d="M{left:.0f} 82H{right:.0f}" class="thin"/>')
            out.append(svg.text((left + right) / 2, 75, title if right - left > 90 else title.split()[-1],
                                "s", "middle"))
    return out


def _turned(x: float, y: float, value: str, cls: str, tip: str, anchor: str = "") -> str:
    """A line of text that reads upwards; ``tip`` is shown under the pointer."""
    a = f' text-anchor="{anchor}"' if anchor else ""
    title = f"<title>{svg.escape(tip)}</title>" if tip else ""
    return (f'<text transform="translate({x:.1f} {y:.1f}) rotate(-90)" class="{cls}"{a}>{title}'
            f"{svg.escape(value)}</text>")


def _row(
    data: dict[str, Any], indexes: list[int], top: float, columns: list[tuple[float, dict[str, Any]]],
    width: float,
) -> str:
    blocks = [data["blocks"][index] for index in indexes]
    first, size = blocks[0], human(sum(b["bytes"] for b in blocks))
    name = first["label"] if len(blocks) == 1 else f"{first['label']} and {len(blocks) - 1:,} more"
    room = LEFT - 52 - svg.text_width(size)
    out = [
        f'<path d="M8 {top:.0f}H{width - 14:.0f}" class="rule"/>',
        svg.swatch(8, top + 5, first["kind"], first["backing"]),
        f"<g><title>{svg.escape(', '.join(b['label'] for b in blocks))}</title>"
        f"{svg.text(36, top + 16, words.shorten(name, max(int(room / 7.25), 6)), 'c')}</g>",
        svg.text(LEFT - 10, top + 16, size, "s m", "end"),
    ]
    for x, each in columns:
        cell = each["cells"][indexes[0]]
        tip = f"{each['name']}, {name}: {STATES[cell['state']]}. {cell['reason'].capitalize()}."
        out.append(f"<g><title>{svg.escape(tip)}</title>"
                   f"{_shape(x + 4, top + 4, cell['state'], first['kind'])}</g>")
    return "".join(out)


def _shape(x: float, y: float, state: str, kind: str) -> str:
    """One cell: 15 pixels square, and as large for the pointer where it is nearly empty."""
    frame = f'<rect x="{x:.1f}" y="{y:.1f}" width="15" height="15" class="page" stroke="none"/>'
    if state == "in":
        return f'<rect x="{x:.1f}" y="{y:.1f}" width="15" height="15" rx="2" class="f-{kind}"/>'
    if state == "part":
        half = f"M{x + 1:.1f} {y + 14:.1f}H{x + 14:.1f}V{y + 1:.1f}Z"
        whole = svg.box(x + 0.5, y + 0.5, 14, 14, f"a-{kind}", radius=2)
        return f'{whole}<path d="{half}" class="f-{kind}"/>'
    if state == "out":
        return f'{frame}<path d="M{x + 4:.1f} {y + 7.5:.1f}H{x + 11:.1f}" class="thin"/>'
    return frame + svg.text(x + 7.5, y + 12, "?", "t", "middle")


def _legend(data: dict[str, Any], top: float) -> str:
    """Shapes, then colours and patterns."""
    out, right = [svg.text(8, top + 11, "Cell", "s m")], 66.0
    for state, name in STATES.items():
        out.append(_shape(right + 4, top - 1, state, "ram"))
        out.append(svg.text(right + 28, top + 11, name, "s"))
        right += 50 + svg.text_width(name)
    kinds = [k for k in theme.KINDS if any(b["kind"] == k for b in data["blocks"])]
    backings = [k for k in theme.BACKINGS if any(b["backing"] == k for b in data["blocks"])]
    out.append(svg.legend(8, top + 21, kinds, backings or ["private"]))
    return "".join(out)


def text(data: dict[str, Any]) -> str:
    """The same facts in words, in lines of at most 72 characters."""
    lines = [*words.wrap_words(data["title"], words.WIDTH), *words.wrap_words(data["summary"], words.WIDTH)]
    group = ""
    for each in data["sets"]:
        if each["group"] != group:
            group = each["group"]
            lines += ["", data["groups"][group].upper()]
        least = "" if each["certain"] else "at least "
        lines += ["", f"{each['name']}: {least}{human(each['bytes'])}"]
        lines += words.wrap_words(each["meaning"], words.WIDTH)
        if each["remark"]:
            lines += words.wrap_words(each["remark"], words.WIDTH)
        for (state, reason), labels in _by_reason(data, each).items():
            lines += words.field(STATES[state], f"{', '.join(labels)}: {reason}", 2, 11)
    return "\n".join(lines)


def _by_reason(data: dict[str, Any], each: dict[str, Any]) -> dict[tuple[str, str], list[str]]:
    """(state, reason) to the labels of the blocks, what is in first."""
    found: dict[tuple[str, str], list[str]] = {}
    for block, cell in zip(data["blocks"], each["cells"], strict=True):
        found.setdefault((cell["state"], cell["reason"]), []).append(block["label"])
    order = list(STATES)
    return dict(sorted(found.items(), key=lambda item: order.index(item[0][0])))


def frame(data: dict[str, Any], show: str) -> pandas.DataFrame:
    """Blocks by definitions as a pandas DataFrame of bytes, states or reasons."""
    if show not in SHOWS:
        raise MemkitError(f"show= is one of {', '.join(SHOWS)}, not {show!r:.40}")
    try:
        import pandas
    except ImportError as error:
        raise Unavailable(
            "the table needs pandas, which is not installed; install it with: pip install 'memkit[lab]' "
            "(or: pip install pandas)"
        ) from error
    labels = [b["label"] for b in data["blocks"]]
    columns = {s["name"]: [c[show] for c in s["cells"]] for s in data["sets"]}
    return pandas.DataFrame(columns, index=pandas.Index(labels, name="RAMBlock"))
