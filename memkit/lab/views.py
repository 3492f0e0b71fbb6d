"""What the explorer writes into its page: each view of a State as HTML, and what it says about the line.

Everything here is text made from a State; nothing here knows a widget.
"""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Iterable
from typing import Any

from memkit.diff import Difference
from memkit.draw.svg import escape
from memkit.draw.text import plural
from memkit.errors import MemkitError, Refused
from memkit.explain.story import listed
from memkit.guest import Guest
from memkit.lab.architecture import board_of
from memkit.lab.questions.places import main_ram
from memkit.lab.session import Problem, State
from memkit.units import hex_address, human, parse_address
from memkit.versions import known_qemu

__all__ = ["TWINS", "addresses", "blocks", "broken", "changes", "graph", "map_", "monitor", "status",
           "tables", "twin", "way_back"]

MOST = 300
TWINS = {"address": "the story of one address", "graph": "the graph", "map": "the map",
         "tables": "the tables"}


def status(state: State, note: str = "") -> str:
    """Whether the line boots and into what, or why it does not; warnings; what is not exact; a ``note``."""
    said = _problem(state.problem, state) if state.problem else _boots(state)
    warnings = "".join(
        f'<p class="mk-warn"><b>QEMU warns:</b> <code>{escape(w)}</code></p>' for w in state.warnings
    )
    exact = f'<p class="mk-warn"><b>Note:</b> {escape(state.note)}</p>' if state.note else ""
    about = f'<p class="mk-note">{escape(note)}</p>' if note else ""
    return f"{said}{warnings}{exact}{_left_out(state)}{about}"


def _left_out(state: State) -> str:
    """What the board cannot have of the line that was taken over to it."""
    carried = state.carried
    if carried is None or not carried.left:
        return ""
    if state.config is not None and board_of(state.config) != carried.board:
        return ""  # another line was written since
    said = [(_short(out.words), _short(out.why.removeprefix(f"{out.words}: ")),
             f" ({_short(out.hint)})" if out.hint else "") for out in carried.left]
    items = "".join(f"<li><code>{escape(words)}</code>: {escape(why)}{escape(hint)}</li>"
                    for words, why, hint in said)
    return (f'<div class="mk-warn" role="status"><b>Left out on {escape(carried.board.machine)}</b>, until '
            "the line goes to a board that takes it, with QEMU's reason:"
            f'<ul style="margin:0;padding-left:22px;line-height:1.45">{items}</ul></div>')


def _boots(state: State) -> str:
    guest, controls = state.guest, state.controls
    if guest is None or controls is None:
        return ""
    facts = [guest.machine_type, f"{human(_ram_of(guest) or controls.ram)} of RAM"]
    if guest.memory_devices:
        total = human(sum(d.size for d in guest.memory_devices))
        facts.append(f"{plural(len(guest.memory_devices), 'memory device')} with {total}")
    facts.append(plural(len(guest.ram_blocks), "RAMBlock"))
    return (f'<p class="mk-good" role="status"><b>Boots</b> in QEMU {escape(guest.qemu)}: '
            f"{escape(', '.join(facts))}.</p>")


def _ram_of(guest: Guest) -> int:
    """The bytes of main RAM, 0 if it is not known: boards have defaults of their own."""
    try:
        return sum(block.used_length for block in main_ram(guest))
    except MemkitError:
        return 0


def _problem(problem: Problem, state: State) -> str:
    head = f"<b>QEMU {state.version} refuses</b>" if problem.by_qemu else "<b>This cannot be read</b>"
    if problem.word:
        at = f", {problem.place} of the line" if problem.place and problem.in_line else ""
        head += f" at <code>{escape(_short(problem.word))}</code>{at}"
    out = [f'<p>{head}</p><pre class="mk-said">{escape(problem.message)}</pre>']
    if problem.explanation:
        out.append(f"<p><b>Why:</b> {escape(problem.explanation)}</p>")
    if problem.hint:
        out.append(f"<p><b>Try:</b> {escape(problem.hint)}</p>")
    notes = [] if problem.in_line else ["The command line was left as it is."]
    if state.guest is not None:
        other = "" if state.guest.qemu == state.version else f", in QEMU {state.guest.qemu}"
        notes.append(f"Greyed below: the last line that booted{other}.")
    out.append(f'<p class="mk-note">{" ".join(notes)}</p>' if notes else "")
    return f'<div class="mk-bad" role="alert">{"".join(out)}</div>'


def _short(word: str) -> str:
    return word if len(word) <= 160 else f"{word[:157]}…"


def way_back(state: State) -> str:
    """What a button says that leads back to the last guest."""
    if state.good_text == state.text and state.good_qemu != state.qemu:
        return f"Back to QEMU {known_qemu(state.good_qemu or state.qemu)}"
    return "Back to the last line that boots"


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


def changes(state: State) -> tuple[str, str]:
    """A title and sentences on what the switch of QEMU's version changed; empty if nothing is compared."""
    found = state.difference
    if found is None:
        return "", ""
    before, after = (escape(str(name)) for name in found.names or ("", ""))
    if isinstance(found.after, Refused) and not isinstance(found.before, Refused):
        # The status shows the refusal itself.
        said = [f"{before} boots this line, {after} refuses it."]
    elif isinstance(found.after, Refused) and not found:
        said = [f"{before} refuses it in the same words."]
    else:
        nothing = f"Nothing in {listed(found.compared)}."
        said = [escape(sentence) for sentence in found.sentences or (nothing,)]
    items = "".join(f"<li>{sentence}</li>" for sentence in said)
    # Whoever scrolls with keys needs a place for the focus.
    region = '<div class="mk-changes" role="region" tabindex="0" aria-label="What changed">'
    return f"<b>What changed from {before} to {after}</b>", f"{region}<ul>{items}</ul></div>"


def blocks(state: State) -> tuple[str, ...]:
    """The RAMBlocks that a picture can follow, in order of creation; a list takes so many and no more."""
    if state.guest is None:
        return ()
    return tuple(dict.fromkeys(block.label for block in state.guest.ram_blocks[:MOST]))


def _drawn(state: State, marked: bool) -> Guest | Difference | None:
    """What draws itself: the guest, or the difference, whose pictures mark what changed."""
    return (state.drawable if marked else None) or state.guest


def graph(state: State, follow: str = "", marked: bool = False) -> str:
    """The joined graph as SVG; the RAMBlock to ``follow`` stands out, ``marked`` shows what changed."""
    source = _drawn(state, marked)
    if source is None:
        return _nothing()
    picture = source.graph(focus=follow or None)
    try:
        drawn = picture.svg()
    except MemkitError as error:
        return f"<p>{escape(error)} Here is the same in words:</p><pre>{escape(picture.text())}</pre>"
    names = {p["number"]: p["members"][0] for p in picture.data()["paths"]}
    return ("" if names else _no_path(state)) + _picture(drawn, names)


def _no_path(state: State) -> str:
    """Why the graph is empty."""
    if state.guest is None or state.guest.door != "text":
        return '<p class="mk-note">This guest has no RAMBlock, so there is no path to draw.</p>'
    return ('<p class="mk-note">The text tells no RAMBlock, so there is no path to draw: add the answer to '
            "<code>info ramblock</code>. Map and Tables show what it tells.</p>")


def map_(state: State, follow: str = "", marked: bool = False) -> str:
    """The address map as SVG; the RAMBlock to ``follow`` stands out, ``marked`` shows what changed.

    A Bokeh figure was tried and left for ``guest.map()``: in a widget it brings a megabyte of script,
    draws in one theme, says nothing to a screen reader, and after a page is reloaded it shows the
    first guest, because changes go to the page and not into the widget's state.
    """
    source = _drawn(state, marked)
    if source is None:
        return _nothing()
    picture = source.map()
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


def tables(state: State, marked: bool = False) -> str:
    """All tables as HTML; ``marked`` shows what changed."""
    source = _drawn(state, marked)
    return _nothing() if source is None else source.tables().html()


def monitor(state: State, command: str) -> str:
    """What QEMU's monitor answers to ``command``."""
    if state.guest is None:
        return _nothing()
    try:
        answer = state.guest.monitor(command) or "(QEMU prints nothing here.)\n"
    except MemkitError as error:
        return f'<p class="mk-note">{escape(_sentence(str(error)))}</p>'
    return f'<pre class="mk-term"><b>(qemu) {escape(command)}</b>\n{escape(answer)}</pre>'


def twin(state: State, which: str, gpa: str, marked: bool = False) -> str:
    """The words of a view, or the story of the address ``gpa`` (text from a box)."""
    source = _drawn(state, marked)
    if state.guest is None or source is None:
        return _nothing()
    if which == "address":
        try:
            story = state.guest.explain(parse_address(gpa))
        except (MemkitError, ValueError) as error:
            return f'<div class="mk-bad" role="alert"><p>{escape(_sentence(str(error)))}</p></div>'
        return f'<div class="mk-story">{story._repr_mimebundle_()["text/html"]}</div>'
    view = source.graph() if which == "graph" else source.map() if which == "map" else source.tables()
    return f'<pre class="mk-words">{escape(str(view))}</pre>'


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def addresses(state: State) -> tuple[str, ...]:
    """Addresses worth asking about: where each range of the FlatView begins (gpa)."""
    if state.guest is None:
        return ()
    return tuple(hex_address(r.start) for r in state.guest.main_flat_view.ranges[:MOST])
