"""What the explorer writes into its page: each view of a State as HTML, and what it says about the line.

Everything here is text made from a State; nothing here knows a widget.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from memkit.draw.svg import escape
from memkit.draw.text import plural
from memkit.errors import MemkitError
from memkit.lab.session import Problem, State
from memkit.units import hex_address, human, parse_size

if TYPE_CHECKING:
    from memkit.guest import Guest

__all__ = ["TWINS", "addresses", "broken", "graph", "map_", "monitor", "parse_gpa", "status", "tables",
           "twin"]

TWINS = {"address": "the story of one address", "graph": "the graph", "map": "the map",
         "tables": "the tables"}


def status(state: State, note: str = "") -> str:
    """Whether the line boots and into what, or why it does not; QEMU's warnings; a preset's ``note``."""
    said = _problem(state.problem, state) if state.problem else _boots(state.guest)
    warnings = "".join(
        f'<p class="mk-warn"><b>QEMU warns:</b> <code>{escape(w)}</code></p>' for w in state.warnings
    )
    about = f'<p class="mk-note">{escape(note)}</p>' if note else ""
    return f"{said}{warnings}{about}"


def _boots(guest: Guest | None) -> str:
    if guest is None:
        return ""
    ram = sum(b.used_length for b in guest.ram_blocks if b.purpose == "ram")
    facts = [guest.machine_type, f"{human(ram)} of RAM", plural(len(guest.ram_blocks), "RAMBlock")]
    if guest.memory_devices:
        facts.append(plural(len(guest.memory_devices), "memory device"))
    return (f'<p class="mk-good" role="status"><b>Boots</b> in QEMU {escape(guest.qemu)}: '
            f"{escape(', '.join(facts))}.</p>")


def _problem(problem: Problem, state: State) -> str:
    who = "QEMU refuses" if problem.by_qemu else "This cannot be read"
    out = [f'<p><b>{who}</b></p><pre class="mk-said">{escape(problem.message)}</pre>']
    if problem.word:
        at = f", {problem.place} of the line" if problem.place and problem.in_line else ""
        out.append(f"<p><b>Where:</b> <code>{escape(_short(problem.word))}</code>{at}</p>")
    if problem.explanation:
        out.append(f"<p><b>Why:</b> {escape(problem.explanation)}</p>")
    if problem.hint:
        out.append(f"<p><b>Try:</b> {escape(problem.hint)}</p>")
    if not problem.in_line:
        out.append("<p>The command line was left as it is.</p>")
    if state.guest is not None:
        out.append('<p class="mk-note">Below, greyed: the last line that booted.</p>')
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


def graph(state: State) -> str:
    """The joined graph as SVG; it names itself for screen readers."""
    if state.guest is None:
        return _nothing()
    try:
        return f'<div class="mk-picture">{state.guest.graph().svg()}</div>'
    except MemkitError as error:
        words = escape(state.guest.graph().text())
        return f"<p>{escape(error)} Here is the same in words:</p><pre>{words}</pre>"


def map_(state: State) -> str:
    """The address map as SVG."""
    return _nothing() if state.guest is None else f'<div class="mk-picture">{state.guest.map().svg()}</div>'


def tables(state: State) -> str:
    """All tables as HTML."""
    return _nothing() if state.guest is None else state.guest.tables().html()


def monitor(state: State, command: str) -> str:
    """What QEMU's monitor answers to ``command``."""
    if state.guest is None:
        return _nothing()
    answer = state.guest.monitor(command) or "(QEMU prints nothing here.)\n"
    return f'<pre class="mk-term"><b>(qemu) {escape(command)}</b>\n{escape(answer)}</pre>'


def parse_gpa(text: str) -> int:
    """A guest-physical address in bytes: hexadecimal with 0x, decimal, or a size such as 4G.

    Underscores group digits.  Raises MemkitError that says what is allowed.

    >>> parse_gpa("0x1_8000_0000") == parse_gpa("6G")
    True
    """
    word = text.strip().replace("_", "")
    try:
        return int(word, 16) if word[:2] in ("0x", "0X") else parse_size(word)
    except (ValueError, OverflowError):
        raise MemkitError(
            f"{text.strip()[:40]!r} is no address; write 0x1_8000_0000, 6442450944 or 6G"
        ) from None


def twin(state: State, which: str, gpa: str) -> str:
    """The words of a view, or the story of the address ``gpa`` (text from a box)."""
    if state.guest is None:
        return _nothing()
    if which == "address":
        try:
            story = state.guest.explain(parse_gpa(gpa))
        except MemkitError as error:
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
    return tuple(hex_address(r.start) for r in state.guest.main_flat_view.ranges)
