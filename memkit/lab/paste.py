"""The explorer's box for monitor text: a person pastes what QEMU printed, and the views show that guest.

The command line rests meanwhile, and is there again when the box is closed; what was pasted is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ipywidgets import HTML, Layout, Textarea, ToggleButton, VBox

from memkit.draw.svg import escape
from memkit.draw.text import plural
from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.lab.session import Problem, State
from memkit.monitor.parse_text import COMMANDS
from memkit.monitor.parser import read_monitor

__all__ = ["PasteBox", "Reading", "read_again"]

OPEN, BACK = "Monitor text …", "Back to the line"
RESTS = (
    "The command line and its boxes rest: the views show monitor text, which has no command line to change. "
    "Write into the line, or press “Back to the line”."
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was pasted: the text, the last guest that could be read, and why this text cannot, or ""."""

    text: str = ""
    guest: Guest | None = None
    problem: str = ""


def read_again(last: Reading, text: str) -> Reading:
    """The Reading of another text; the last guest stays where nothing can be read.

    >>> read_again(Reading(), "hello").problem[:42]
    'this is not the text of a QEMU monitor: no'
    """
    if not text.strip():
        return Reading()
    try:
        return Reading(text, read_monitor(text))
    except MemkitError as error:
        return replace(last, text=text, problem=str(error))


class PasteBox(VBox):
    """The box; ``toggle`` opens and closes it, and is shown elsewhere.

    ``safely`` does what a person wants, ``show`` shows what follows from it.  ``guest`` is shown at once,
    if it was read from text before.
    """

    def __init__(
        self, safely: Callable[[Callable[[], None]], None], show: Callable[[], None],
        guest: Guest | None = None,
    ) -> None:
        asked = guest.raw_monitor if guest is not None else {}
        text = "".join(f"(qemu) {command}\n{answer}" for command, answer in asked.items())
        self.reading = Reading(text, guest)
        self.toggle = ToggleButton(
            value=guest is not None, layout=Layout(width="auto"),
            tooltip="Show the guest whose monitor text you have, in place of a command line",
        )
        self.text = Textarea(
            value=text, description="Monitor text", rows=5, style={"description_width": "initial"},
            layout=Layout(width="auto"), placeholder=f"(qemu) {COMMANDS[1]}\naddress-space: memory\n  …",
        )
        self.text.add_class("mk-line")
        self.text.add_class("mk-paste")
        self.said = HTML()
        self.said.add_class("mk-told")
        self._show = show
        self.toggle.observe(lambda _: safely(self._switched), "value")
        self.text.observe(lambda change: safely(lambda: self._read(change["new"])), "value")
        super().__init__([self.text, self.said])
        self.arrange()

    @property
    def active(self) -> bool:
        """True if the views are to show what was pasted: the box is open, and something is in it."""
        return bool(self.toggle.value and self.reading.text)

    def leave(self) -> None:
        """Show the command line's guest again."""
        self.toggle.value = False
        self.arrange()

    def arrange(self) -> None:
        """Bring what is seen of the box up to date."""
        self.toggle.description = BACK if self.toggle.value else OPEN
        self.layout.display = None if self.toggle.value else "none"
        said = _said(self.reading)
        if self.said.value != said:
            self.said.value = said

    def _switched(self) -> None:
        self.arrange()
        self._show()

    def _read(self, text: str) -> None:
        self.reading = read_again(self.reading, text)
        self._switched()

    def viewed(self, state: State) -> State:
        """The State that the views show: that of the line, or one without a line, for the guest of the text.

        While nothing can be read, the picture before stays, and is greyed.
        """
        if not self.active:
            return state
        problem = Problem(self.reading.problem) if self.reading.problem else None
        guest = self.reading.guest or state.guest
        return replace(state, config=None, answer=None, guest=guest, problem=problem, before="")

    def status(self, said: str) -> str:
        """What stands where ``said`` tells about the line."""
        return f'<p class="mk-note">{RESTS}</p>' if self.active else said

    def source(self, line: str) -> str:
        """What the guest in the views comes from, in words, for places without widgets."""
        if not self.active or self.reading.guest is None:
            return line
        return f"Monitor text: {self.reading.guest}"

    def words(self, state: State) -> str:
        """What is shown, as a line, what is wrong with it, and the graph in words."""
        viewed = self.viewed(state)
        said = f"\n{viewed.problem.message}" if viewed.problem else ""
        twin = viewed.guest.graph().text() if viewed.guest else ""
        return f"{self.source(state.text)}{said}\n\n{twin}".rstrip()


def _said(reading: Reading) -> str:
    """What was read and what is not known of it, or why nothing can be read."""
    if reading.problem:
        stays = "" if reading.guest is None else " Greyed below: the last text that could be read."
        return (f'<div class="mk-bad" role="alert"><p><b>This cannot be read</b></p><pre class="mk-said">'
                f'{escape(reading.problem)}</pre><p class="mk-note">Your text was left as it is.{stays}</p>'
                "</div>")
    guest = reading.guest
    if guest is None:
        return ('<p class="mk-note">Paste what QEMU’s monitor answers to one or more of '
                f"{', '.join(f'<code>{command}</code>' for command in COMMANDS)}: of any board and release, "
                "with or without prompts. It stays on this machine.</p>")
    kind = "a guest" if guest.machine_type == "unknown" else f"a {guest.machine_type} guest"
    counted = (
        (guest.ram_blocks, "RAMBlock"), (guest.backends, "backend"), (guest.numa, "NUMA node"),
        (guest.memory_devices, "memory device"), (guest.address_spaces, "address space"),
    )
    facts = [plural(len(things), noun) for things, noun in counted if things]
    told = f"{kind} with {', '.join(facts)}"
    notes = "".join(f"<li>{escape(note[:1].upper() + note[1:])}.</li>" for note in guest.notes)
    # Whoever scrolls with keys needs a place for the focus.
    region = '<div class="mk-changes" role="region" tabindex="0" aria-label="What the text does not tell">'
    return (f'<p class="mk-good" role="status"><b>Read</b> {escape(told)}.</p>'
            f"{region}<ul>{notes}</ul></div>")
