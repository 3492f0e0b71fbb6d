"""A migration's rounds as a picture: how many bytes are left after each, against what may be left.

One bar a round, on a scale by powers of ten, so that the last steps can be seen beside the first.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from memkit.draw.svg import NAME, box, document, fitted, swatch, text, text_width
from memkit.migration.dirty.rounds import Round, about

if TYPE_CHECKING:
    from memkit.migration.dirty.simulation import Simulation

__all__ = ["rounds_svg"]

WIDTH, LEFT, RIGHT = 860.0, 150.0, 250.0
ROW, TOP = 24.0, 92.0
SHOWN = 24
SLOWED = "the same, while the guest is slowed down"
PHASES = {"setup": "setup", "stop": "stopped", "switchover": "last step", "postcopy": "postcopy"}


def rounds_svg(run: Simulation, theme: str = "auto") -> str:
    """The picture of a simulated migration as SVG; raises MemkitError for an unknown theme.

    >>> from memkit.migration import dirty
    >>> "<desc>" in rounds_svg(dirty.simulate(64 << 20, dirty.Idle(), bandwidth="1GbE"))
    True
    """
    rounds = [*run.rounds]
    if len(rounds) > SHOWN:
        rounds = [*rounds[: SHOWN // 2], *rounds[-SHOWN // 2 :]]
    top = max(r.left for r in rounds)
    room = WIDTH - LEFT - RIGHT

    def across(size: float) -> float:
        """Pixels for so many bytes: from 4 KiB, a page, by powers of ten."""
        return room * max(math.log(max(size, 4096) / 4096), 0) / max(math.log(max(top, 8192) / 4096), 1)

    body = [
        text(16, 28, fitted("Left to send after each round", WIDTH - 40, 14, bold=True), "h"),
        text(16, 50, fitted(_outcome(run), WIDTH - 40), "s m"),
        swatch(16, 62, "ram", "private"), text(44, 73, "dirty RAM that is left", "s"),
    ]
    x = 60 + text_width("dirty RAM that is left")
    if any(r.throttle for r in run.rounds):
        body += [swatch(x, 62, "rom", "shared"), text(x + 28, 73, SLOWED, "s")]
        x += 44 + text_width(SLOWED)
    body += [_mark(x, 62, 14), text(x + 8, 73, "what may be left (bars grow with powers of ten)", "s")]
    for row, one in enumerate(rounds):
        y = TOP + row * ROW
        body.append(text(16, y + 14, fitted(_name(one), LEFT - 24), "s"))
        kind, hatch = ("rom", f"{NAME}-shared") if one.throttle else ("ram", "")
        if one.left:
            body.append(box(LEFT, y + 2, max(across(one.left), 2), ROW - 8, f"a-{kind}", hatch=hatch))
        if one.limit and one.phase == "round":
            mark = LEFT + across(one.limit)
            body.append(_mark(mark, y, ROW - 4))
        right = LEFT + across(max(one.left, one.limit)) + 10
        body.append(text(right, y + 14, fitted(_left(one), RIGHT - 20), "s"))
    height = TOP + ROW * len(rounds) + 16
    title = "Bytes left to send, round by round"
    return document(WIDTH, height, title, str(run), "".join(body), theme_name=theme)


def _mark(x: float, y: float, height: float) -> str:
    """A dashed line upright: what may be left."""
    return f'<path d="M{x:.1f} {y:.1f}v{height:.1f}" class="sel" stroke-width="2" stroke-dasharray="4 3"/>'


def _name(one: Round) -> str:
    seconds = f"{one.end / 1000:.1f} s"
    return f"{PHASES.get(one.phase, f'round {one.number}')}, {seconds}"


def _left(one: Round) -> str:
    slowed = f", slowed by {one.throttle} %" if one.throttle else ""
    return f"{about(one.left) if one.left else 'nothing'}{slowed}"


def _outcome(run: Simulation) -> str:
    return str(run).splitlines()[-1]
