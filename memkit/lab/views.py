"""What the explorer writes into its page: each view of a State as HTML, and what it says about the line.

Everything here is text made from a State; nothing here knows a widget.
"""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Iterable
from typing import Any

from memkit.draw.svg import escape
from memkit.draw.text import plural
from memkit.errors import MemkitError
from memkit.lab.session import Problem, State
from memkit.units import hex_address, human, parse_address

__all__ = ["TWINS", "addresses", "blocks", "broken", "graph", "map_", "monitor", "status", "tables", "twin"]

MOST = 300
TWINS = {"address": "the story of one address", "graph": "the graph", "map": "the map",
         "tables": "the tables"}


def status(state: State, note: str = "") -> str:
    """Whether the line boots and into what, or why it does not; QEMU's warnings; a preset's ``note``."""
    said = _problem(state.problem, state) if state.problem else _boots(state)
    warnings = "".join(
        f'<p class="mk-warn"><b>QEMU warns:</b> <code>{escape(w)}</code></p>' for w in state.warnings
    )
    about = f'<p class="mk-note">{escape(note)}</p>' if note else ""
    return f"{said}{warnings}{about}"


def _boots(state: State) -> str:
    guest, controls = state.guest, state.controls
    if guest is None or controls is None:
        return ""
    facts = [guest.machine_type, f"{human(controls.ram)} of RAM"]
    if guest.memory_devices:
        total = human(sum(d.size for d in guest.memory_devices))
        facts.append(f"{plural(len(guest.memory_devices), 'memory device')} with {total}")
    facts.append(plural(len(guest.ram_blocks), "RAMBlock"))
    return (f'<p class="mk-good" role="status"><b>Boots</b> in QEMU {escape(guest.qemu)}: '
            f"{escape(', '.join(facts))}.</p>")


def _problem(problem: Problem, state: State) -> str:
    head = "<b>QEMU refuses</b>" if problem.by_qemu else "<b>This cannot be read</b>"
    if problem.word:
        at = f", {problem.place} of the line" if problem.place and problem.in_line else ""
        head += f" at <code>{escape(_short(problem.word))}</code>{at}"
    out = [f'<p>{head}</p><pre class="mk-said">{escape(problem.message)}</pre>']
    if problem.explanation:
        out.append(f"<p><b>Why:</b> {escape(problem.explanation)}</p>")
    if problem.hint:
        out.append(f"<p><b>Try:</b> {escape(problem.hint)}</p>")
    notes = [] if problem.in_line else ["The command line was left as it is."]
    notes += ["Greyed below: the last line that booted."] if state.guest is not None else []
    out.append(f'<p class="mk-note">{" ".join(notes)}</p>' if notes else "")
    return f'<div class="mk-bad" role="alert">{"".join(out)}</div>'


def _short(word: str) -> str:
    return word if len(word) <= 160 else f"{word[:157]}…"


def broken(error: BaseException) -> str:
    """An exception that nobody expected: what to do, and the details to report."""
    name = type(error).__name__
    details = "".join(traceback.format_exception(error)[-6:])
    return (
        '<div class="mk-bad" role="alert"><p><b>This is a mistake in memkit, not yours.</b> '
        "The page lives on: change the line, or run the cell again.</p>"
        f'<pre class="mk-said">{escape(name)}: {escape(_short(str(error)))}</pre>'
        f"<details><summary>For a report</summary><pre>{escape(details)}</pre></details></div>"
    )


def _nothing() -> str:
    return '<p class="mk-note">No line has booted yet, so there is nothing to show.</p>'


def blocks(state: State) -> tuple[str, ...]:
    """The RAMBlocks that a picture can follow, in order of creation; a list takes so many and no more."""
    if state.guest is None:
        return ()
    return tuple(dict.fromkeys(block.label for block in state.guest.ram_blocks[:MOST]))


def graph(state: State, follow: str = "") -> str:
    """The joined graph as SVG; the path of the RAMBlock to ``follow`` stands out."""
    if state.guest is None:
        return _nothing()
    picture = state.guest.graph(focus=follow or None)
    try:
        drawn = picture.svg()
    except MemkitError as error:
        return f"<p>{escape(error)} Here is the same in words:</p><pre>{escape(picture.text())}</pre>"
    return _picture(drawn, {p["number"]: p["members"][0] for p in picture.data()["paths"]})


def map_(state: State, follow: str = "") -> str:
    """The address map as SVG; the RAMBlock to ``follow`` stands out.

    A Bokeh figure was tried and left for ``guest.map()``: in a widget it brings a megabyte of script,
    draws in one theme, says nothing to a screen reader, and after a page is reloaded it shows the
    first guest, because changes go to the page and not into the widget's state.
    """
    if state.guest is None:
        return _nothing()
    picture = state.guest.map()
    drawn, names = picture.svg(), dict(enumerate(picture.data()["names"]))
    if follow:
        number = _drawn_as(picture.data()["items"], names, follow)
        drawn = re.sub(rf'class="(x[^"]* k{number})(?=[" ])', r'class="\1 mk-on', drawn)
    return _picture(drawn, names, "mk-map mk-followed" if follow else "mk-map")


def _drawn_as(items: Iterable[dict[str, Any]], names: dict[int, str], follow: str) -> int:
    """The number under which a block is drawn: its own, or that of the first of a group."""
    return next((i["blocks"][0] for i in items if follow in {names[b] for b in i["blocks"]}), -1)


def _picture(drawn: str, names: dict[int, str], cls: str = "") -> str:
    said = escape(json.dumps(names))
    return f'<div class="mk-picture {cls}" data-names="{said}">{drawn}</div>'


def tables(state: State) -> str:
    """All tables as HTML."""
    return _nothing() if state.guest is None else state.guest.tables().html()


def monitor(state: State, command: str) -> str:
    """What QEMU's monitor answers to ``command``."""
    if state.guest is None:
        return _nothing()
    answer = state.guest.monitor(command) or "(QEMU prints nothing here.)\n"
    return f'<pre class="mk-term"><b>(qemu) {escape(command)}</b>\n{escape(answer)}</pre>'


def twin(state: State, which: str, gpa: str) -> str:
    """The words of a view, or the story of the address ``gpa`` (text from a box)."""
    if state.guest is None:
        return _nothing()
    if which == "address":
        try:
            story = state.guest.explain(parse_address(gpa))
        except (MemkitError, ValueError) as error:
            return f'<div class="mk-bad" role="alert"><p>{escape(_sentence(str(error)))}</p></div>'
        return f'<div class="mk-story">{story._repr_mimebundle_()["text/html"]}</div>'
    guest = state.guest
    view = guest.graph() if which == "graph" else guest.map() if which == "map" else guest.tables()
    return f'<pre class="mk-words">{escape(str(view))}</pre>'


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def addresses(state: State) -> tuple[str, ...]:
    """Addresses worth asking about: where each range of the FlatView begins (gpa)."""
    if state.guest is None:
        return ()
    return tuple(hex_address(r.start) for r in state.guest.main_flat_view.ranges[:MOST])
