"""What changed in which release as a picture: releases are columns, kinds of change rows, a cell is a count.

Picture and text are made from a History's changes alone; the number in a cell says what its colour says.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memkit.draw import svg
from memkit.history.facts import releases

if TYPE_CHECKING:
    from memkit.history.results import History

__all__ = ["FAMILIES", "ReleaseChart"]

# What a kind of change means for somebody's command line: name, colour, pattern, kinds.
FAMILIES = (
    ("came", "device", "", ("option-added", "backend-added", "device-added", "limit-lifted")),
    ("went, or is refused now", "rom", "shared", ("option-deprecated", "option-removed", "limit-added")),
    ("is otherwise", "io", "file", ("default-changed", "behaviour-changed", "machine-type", "migration",
                                    "monitor-changed", "message-changed")),
)
LEFT, CELL, ROW, TOP = 158, 31, 25, 106


@dataclass(frozen=True)
class ReleaseChart:
    """The picture of a History: ``svg()`` draws it, ``text()`` tells it.

    >>> from memkit.history import since
    >>> print(since("4.2", until="5.0", word="-mem-path").chart().text())
    3 changes for guest RAM after QEMU 4.2, up to 5.0 (with '-mem-path'), by release
    QEMU 5.0: 3 (limit added 1, behaviour changed 2)
    """

    history: History

    @property
    def title(self) -> str:
        """What is shown."""
        return f"{self.history.title}, by release"

    def svg(self, theme: str = "auto") -> str:
        """The picture as SVG text; raises MemkitError for an unknown theme."""
        return _render(self, theme)

    def text(self) -> str:
        """The same in words: for each release, how many changes there are of each kind."""
        counts = _counted(self.history)
        lines = [self.title]
        for name in _columns(self.history):
            each = [f"{kind.replace('-', ' ')} {counts[kind, name]}"
                    for *_, kinds in FAMILIES for kind in kinds if counts[kind, name]]
            total = sum(counts[kind, name] for *_, kinds in FAMILIES for kind in kinds)
            lines.append(f"QEMU {name}: {total} ({', '.join(each)})" if each else f"QEMU {name}: none")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        picture = self.svg()
        html = f'<div class="memkit" style="overflow-x:auto">{picture}</div>'
        return {"text/plain": self.text(), "text/html": html, "image/svg+xml": picture}


def _columns(history: History) -> list[str]:
    """The releases that can have changes, oldest first."""
    known = releases()
    return list(known[known.index(history.since) + 1 : known.index(history.until) + 1])


def _counted(history: History) -> Counter[tuple[str, str]]:
    return Counter((change.kind, change.since) for change in history)


def _render(chart: ReleaseChart, theme: str) -> str:
    history = chart.history
    columns, counts = _columns(history), _counted(history)
    edge = LEFT + CELL * len(columns)
    width = max(edge + 56, 640)
    out = [svg.text(8, 26, svg.fitted(chart.title, width - 16, 14, bold=True), "h"), _legend(8, 44)]
    out += [svg.text(_middle(place), TOP - 10, name, "s", "middle") for place, name in enumerate(columns)]
    out.append(svg.text(edge + 34, TOP - 10, "sum", "s m", "end"))
    y = TOP
    for _, colour, pattern, kinds in FAMILIES:
        for kind in kinds:
            out += [f'<path d="M8 {y}H{edge + 40}" class="rule"/>',
                    svg.text(8, y + 17, kind.replace("-", " "), "s")]
            for place, name in enumerate(columns):
                if counts[kind, name]:
                    out.append(_cell(history, place, y, (kind, name), colour, pattern))
            total = sum(counts[kind, name] for name in columns)
            out.append(svg.text(edge + 34, y + 17, str(total), "s m", "end"))
            y += ROW
    out += [f'<path d="M8 {y}H{edge + 40}" class="thin"/>', svg.text(8, y + 17, "sum", "s m")]
    for place, name in enumerate(columns):
        total = sum(1 for change in history if change.since == name)
        out.append(svg.text(_middle(place), y + 17, str(total), "s m", "middle"))
    out.append(svg.text(edge + 34, y + 17, str(len(history)), "s m", "end"))
    return svg.document(width, y + 30, chart.title, chart.text(), "".join(out), theme_name=theme)


def _middle(place: int) -> float:
    return LEFT + CELL * (place + 0.5)


def _cell(
    history: History, place: int, y: int, which: tuple[str, str], colour: str, pattern: str,
) -> str:
    """The count of a kind in a release; under the pointer, what is counted."""
    found = [change.title for change in history if (change.kind, change.since) == which]
    tip = f"{which[0].replace('-', ' ')} in QEMU {which[1]}: {'; '.join(found)}"
    hatch = f"{svg.NAME}-{pattern}" if pattern else ""
    box = svg.box(LEFT + CELL * place + 2, y + 2, CELL - 4, ROW - 4, f"a-{colour}", hatch=hatch)
    said = svg.text(_middle(place), y + 17, str(len(found)), "t", "middle")
    return f"<g><title>{svg.escape(tip)}</title>{box}{said}</g>"


def _legend(x: float, y: float) -> str:
    out = []
    for words, colour, pattern, _ in FAMILIES:
        out += [svg.swatch(x, y, colour, pattern), svg.text(x + 28, y + 11, words, "s")]
        x += 50 + svg.text_width(words)
    return "".join(out)
