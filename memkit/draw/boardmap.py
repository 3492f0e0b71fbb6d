"""Guests on several boards as one address map: a column each, all on one broken scale of gpa.

Equal addresses lie at equal heights: one sees where each board begins its RAM, and what lies around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from memkit.draw import svg, theme
from memkit.draw.scale import Fact, finished
from memkit.draw.text import wrap_words
from memkit.guest import Guest
from memkit.joined import join
from memkit.units import hex_address, human

__all__ = ["BoardColumn", "BoardMap"]

BOX, LEAST, HEAD = 120.0, 212.0, 92.0
# Devices that lie closer together than this are one box.
NEAR = 256 << 20


@dataclass(frozen=True)
class BoardColumn:
    """One board: its name, what it is, and its guest, or why there is none.

    ``window`` is (first gpa, bytes) of the room for memory devices, or None.
    """

    name: str
    title: str
    guest: Guest | None = None
    window: tuple[int, int] | None = None
    refusal: str = ""


@dataclass(frozen=True)
class BoardMap:
    """The address maps of some boards side by side: ``svg()`` draws them, ``text()`` tells them."""

    title: str
    columns: tuple[BoardColumn, ...]

    def data(self) -> Fact:
        """The plain facts: boxes with addresses (gpa), and their heights in pixels from address 0 on."""
        items = [item for column in self.columns for item in _items(column)]
        starts = [[item["start"] for item in items if item["column"] == column.name]
                  for column in self.columns]
        heads = [(column.name, column.name, column.title) for column in self.columns]
        return finished(self.title, heads, [], [], [], items, starts)

    def svg(self, theme_name: str = "auto") -> str:
        """The picture as SVG text; raises MemkitError for an unknown theme."""
        return _render(self, theme_name)

    def text(self) -> str:
        """The same in words, board by board, from address 0 on."""
        lines = [f"{self.title}."]
        for column in self.columns:
            lines += ["", f"{column.name}: {column.title}"]
            lines += [f"  QEMU refuses: {column.refusal}"] if column.refusal else []
            lines += [f"  {hex_address(item['start'])}: {item['name']}, {human(item['size'])}"
                      for item in _items(column)]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        picture = self.svg()
        html = (f'<div class="memkit" style="overflow-x:auto" tabindex="0" role="region" '
                f'aria-label="{svg.escape(self.title)}">{picture}</div>')
        return {"text/plain": self.text(), "text/html": html, "image/svg+xml": picture}


def _items(column: BoardColumn) -> list[Fact]:
    """The boxes of a column in order of address."""
    if column.guest is None:
        return []
    joined = join(column.guest)
    found = [_item(column, r.start, r.size, row.block.label, row.kind, row.backing)
             for row in joined.rows for r in row.ranges]
    found += _devices(column, [(r.start, r.end, r.region.name) for r in joined.io_ranges])
    if column.window:
        found.append(_item(column, *column.window, "room for memory devices", "window", "private"))
    return sorted(found, key=lambda item: (item["start"], -item["size"]))


def _item(
    column: BoardColumn, start: int, size: int, name: str, kind: str, backing: str, tip: str = "",
) -> Fact:
    said = f"{name}\ngpa {hex_address(start)} to {hex_address(start + size - 1)}\n{human(size)}"
    return {"column": column.name, "start": start, "size": size, "name": name, "kind": kind,
            "backing": backing, "tip": f"{column.name}: {said}{tip}"}


def _devices(column: BoardColumn, ranges: Sequence[tuple[int, int, str]]) -> Iterator[Fact]:
    """Registers of devices, those that lie near each other as one box."""
    group: list[tuple[int, int, str]] = []
    for each in [*ranges, None]:
        if group and (each is None or each[0] - group[-1][1] > NEAR):
            start, end = group[0][0], group[-1][1]
            names = list(dict.fromkeys(name for _, _, name in group))
            name = names[0] if len(names) == 1 else "devices"
            tip = f"\n{', '.join(names)}" if len(names) > 1 else ""
            yield _item(column, start, end - start, name, "io", "private", tip)
            group = []
        if each is not None:
            group.append(each)


def _render(boards: BoardMap, theme_name: str) -> str:
    data = boards.data()
    mine = {c.name: [item for item in data["items"] if item["column"] == c.name] for c in boards.columns}
    pitches = [_pitch(mine[column.name]) for column in boards.columns]
    width = max(16 + sum(pitches), 700)
    bottom = HEAD + data["height"]
    out = [svg.text(8, 26, svg.fitted(boards.title, width - 16, 14, bold=True), "h")]
    right = 8.0
    for column, pitch in zip(boards.columns, pitches, strict=True):
        left, right = right, right + pitch
        edge = right - BOX - 8
        for y, words, cls in ((HEAD - 34, column.name, "t"), (HEAD - 17, column.title, "s m")):
            said = svg.fitted(words, pitch - 16, 13.5 if cls == "t" else 12, bold=cls == "t")
            out.append(svg.text(right - 8, y, said, cls, "end"))
        if column.refusal:
            out += _refused(column.refusal, left + 16, pitch - 24)
        out += [_box(item, edge, bottom) for item in mine[column.name]]
        for start, y in {item["start"]: bottom - item["y0"] for item in mine[column.name]}.items():
            out.append(f'<path d="M{left + 8:.1f} {y:.1f}H{edge:.1f}" class="rule"/>')
            out.append(svg.text(edge - 4, y - 4, hex_address(start), "c", "end"))
    backings = data["backings"] or ["private"]
    kinds = {item["kind"] for item in data["items"]}
    notes = ["heights grow with the logarithm of sizes"]
    notes += ["dashed: room for memory devices"] if "window" in kinds else []
    shown = [kind for kind in theme.KINDS if kind in kinds]
    out.append(svg.legend(8, bottom + 26, shown, backings, notes))
    return svg.document(width, bottom + 80, boards.title, boards.text(), "".join(out), theme_name=theme_name)


def _pitch(items: Sequence[Fact]) -> float:
    """The width of a column: that of its boxes, and of the longest address beside them."""
    return max(BOX + 24 + max((7.3 * len(hex_address(item["start"])) for item in items), default=0), LEAST)


def _refused(words: str, left: float, room: float) -> list[str]:
    lines = wrap_words(f"QEMU refuses: {words}", max(int(room / 7.4), 12))
    return [svg.text(left, HEAD + 22 + 17 * number, line, "s") for number, line in enumerate(lines[:14])]


def _box(item: Fact, x: float, bottom: float) -> str:
    """A box with its name, and its size where there is room."""
    wide, top, height = BOX, bottom - item["y1"], item["y1"] - item["y0"]
    size, name, middle = human(item["size"]), item["name"], top + height / 2
    if item["kind"] == "window":
        shape = (f'<rect x="{x:.1f}" y="{top + 0.5:.1f}" width="{wide:.1f}" height="{height - 1:.1f}" rx="2" '
                 f'class="thin" stroke-dasharray="4 3"/>')
        # Modules lie at its lower end.
        name, middle = "device memory", top + 18
    else:
        hatch = f"{svg.NAME}-{item['backing']}" if item["backing"] != "private" else ""
        shape = svg.box(x, top + 0.5, wide, height - 1, f"a-{item['kind']}", radius=1.5, hatch=hatch)
    said = svg.fitted(name, wide - 12)
    if svg.text_width(said) + svg.text_width(size) <= wide - 18:
        words = svg.text(x + 6, middle + 4, said, "s")
        words += svg.text(x + wide - 6, middle + 4, size, "s m", "end")
    elif height >= 34:
        words = svg.text(x + 6, middle - 3, said, "s") + svg.text(x + 6, middle + 13, size, "s m")
    else:
        words = svg.text(x + 6, middle + 4, said, "s")
    return f"<g><title>{svg.escape(item['tip'])}</title>{shape}{words}</g>"
