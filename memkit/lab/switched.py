"""States of an instrument as pictures that a page switches by itself: no kernel, no script.

Each state has a radio button; the style shows the one that is chosen.  Tab and the arrow keys reach them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from memkit.draw.svg import escape

__all__ = ["View", "switched"]


class View(NamedTuple):
    """One state: what its button says, what a screen reader says, and its HTML."""

    button: str
    title: str
    html: str


def switched(states: Sequence[View], title: str, intro: str = "", after: str = "") -> str:
    """A section that shows one of ``states`` at a time, the first to begin with.

    ``title`` names it for screen readers; ``intro`` and ``after`` are HTML around it.
    """
    name = "mk" + sha256("".join([title, *(state.html for state in states)]).encode()).hexdigest()[:10]
    inputs, labels, shown, chosen, focused = [], [], [], [], []
    for number, state in enumerate(states):
        id, said = f"{name}-{number}", escape(state.title)
        first = " checked" if not number else ""
        inputs.append(f'<input type="radio" name="{name}" id="{id}"{first} aria-label="{said}">')
        labels.append(f'<label for="{id}" title="{said}">{escape(state.button)}</label>')
        shown.append(f"#{name}-{number}:checked~.mk-states>:nth-child({number + 1})")
        chosen.append(f"#{name}-{number}:checked~nav>label:nth-child({number + 1})")
        focused.append(f"#{name}-{number}:focus-visible~nav>label:nth-child({number + 1})")
    scope = f"#{name}"
    style = (
        f"{scope}>input{{position:absolute;opacity:0}}{scope}>.mk-states>div{{display:none}}"
        f"{','.join(shown)}{{display:block!important}}"
        f"{scope}>nav>label{{display:inline-block;min-width:1.6em;text-align:center;padding:1px 5px;"
        "margin:1px;border:1px solid #8888;border-radius:3px;cursor:pointer;font-size:12px}"
        f"{','.join(chosen)}{{font-weight:700;outline:2px solid currentColor}}"
        f"{','.join(focused)}{{outline-offset:2px;outline:3px solid #0b57d0}}"
    )
    parts = "".join(f"<div>{state.html}</div>" for state in states)
    return (f'<section id="{name}" aria-label="{escape(title)}"><style>{style}</style>{intro}'
            f'{"".join(inputs)}<nav>{"".join(labels)}</nav><div class="mk-states">{parts}</div>{after}'
            "</section>")
