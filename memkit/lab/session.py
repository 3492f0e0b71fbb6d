"""The state of an explorer and its transitions: frozen objects and pure functions, no widget in sight.

Text leads: a State is made from the command line, and a control makes a new line first.  A line that
does not boot keeps the last guest that did, so that its pictures can stay.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from memkit.architectures import BoardMemory
from memkit.boot import boot
from memkit.config import Config, parse
from memkit.config.words import split
from memkit.diff import Difference, diff
from memkit.errors import CommandLineError, MemkitError, Refused
from memkit.guest import Guest
from memkit.host import Host, host_or_usual
from memkit.lab.architecture import Carried, carried_to, host_for
from memkit.lab.controls import Controls, read_controls, with_ram
from memkit.lab.patch import rewritten
from memkit.lab.wishes import Wish, granted
from memkit.versions import DEFAULT_QEMU, known_qemu, nearest_qemu

__all__ = ["Problem", "State", "added", "back", "chosen", "edited", "removed", "start", "typed", "uncompared",
           "with_board", "with_host", "with_machine", "with_maxmem", "with_qemu", "with_size", "with_slots"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why nothing boots: ``message`` in QEMU's words or ours, ``word`` the one that is wrong.

    ``by_qemu`` says whose words they are; ``in_line`` is False when a control was refused and the
    command line was left as it is.
    """

    message: str
    explanation: str = ""
    hint: str = ""
    word: str = ""
    place: str = ""
    by_qemu: bool = False
    in_line: bool = True


@dataclass(frozen=True)
class State:
    """What the explorer shows: the line, how it reads, the last guest that booted, the problem.

    ``config`` is None if the text cannot be read at all.  ``guest`` is that of ``good_text`` in
    ``good_qemu``; it is the guest of ``text`` only if there is no problem.  ``answer`` is what the QEMU of
    version ``qemu`` (as asked for) makes of the text, None if that is no command line; ``before`` is the
    version that was switched away from, whose answer is compared, or "".  ``host`` is the one that was given
    and ``other_host`` another that was chosen since; ``carried`` tells how the line came to its board.
    """

    text: str
    host: Host
    qemu: str = DEFAULT_QEMU
    config: Config | None = None
    answer: Guest | Refused | None = None
    guest: Guest | None = None
    good_text: str = ""
    good_qemu: str = ""
    problem: Problem | None = None
    before: str = ""
    other_host: Host | None = None
    carried: Carried | None = None

    @property
    def stands_on(self) -> Host:
        """The host underneath: the chosen one, or the one that was given."""
        return self.other_host or self.host

    @property
    def stale(self) -> bool:
        """True if the guest is not that of the line."""
        return self.problem is not None

    @property
    def controls(self) -> Controls | None:
        """What the controls show, or None if the line cannot be read."""
        return read_controls(self.config) if self.config is not None else None

    @property
    def warnings(self) -> tuple[str, ...]:
        """QEMU's warnings about the line."""
        if self.guest is not None and not self.stale:
            return self.guest.warnings
        return self.config.warnings if self.config is not None else ()

    @property
    def version(self) -> str:
        """The QEMU that answers: one of those that the model knows."""
        return known_qemu(self.qemu)

    @property
    def note(self) -> str:
        """What is not exact about the QEMU that answers, or ""."""
        if isinstance(self.answer, Guest):
            return " ".join(self.answer.notes)
        return nearest_qemu(self.qemu)[1]

    @cached_property
    def difference(self) -> Difference | None:
        """From the QEMU before the switch to this one, with this very line; None if nothing is compared."""
        if not self.before or self.answer is None:
            return None
        try:
            before: Guest | Refused = boot(self.text, qemu=self.before, host=self.stands_on)
        except Refused as refused:
            before = _kept(refused)
        except MemkitError:
            return None  # what the model does not build cannot be compared
        return diff(before, self.answer, (f"QEMU {known_qemu(self.before)}", f"QEMU {self.version}"))

    @property
    def drawable(self) -> Difference | None:
        """The difference if pictures can mark it: if both QEMUs boot the line."""
        found = self.difference
        both = found is not None and isinstance(found.before, Guest) and isinstance(found.after, Guest)
        return found if both else None


def start(
    line: str | Sequence[str] | Config, host: Host | None = None, qemu: str | None = None
) -> State:
    """The State of a first command line: text, argv list or Config, and of the ``qemu`` that answers.

    Raises CommandLineError for what is no line, MemkitError for a version that the model does not know,
    HostError for what is no host; a text that cannot be read is the State's problem.

    >>> start("-m 4G").guest.ram_blocks[0].idstr
    'pc.ram'
    """
    if isinstance(line, str):
        text = line
    elif isinstance(line, Config):
        text = line.text()
    else:
        split(line)  # complains about whatever is no list of words
        text = shlex.join(line)
    given = line.qemu if isinstance(line, Config) else DEFAULT_QEMU
    asked = str(given if qemu is None else qemu)
    known_qemu(asked)  # complains about whatever is no version
    return typed(State(text="", host=host_or_usual(host), qemu=asked), text)


def typed(state: State, text: str) -> State:
    """The State after a person wrote ``text`` into the box of the command line."""
    try:
        config = parse(text, state.version)
    except MemkitError as error:
        return _refused(state, text, None, error)
    return _booted(state, text, config)


def edited(state: State, edit: Callable[[Config], Config]) -> State:
    """The State after ``edit`` of the Config: only the words that it concerns change in the text.

    An edit that is refused leaves the line alone and says why.
    """
    if state.config is None:
        return state
    try:
        config = edit(state.config)
        text = state.text if config == state.config else rewritten(state.text, state.config, config)
        # A box can hold what no line can, such as a control character.
        config = parse(text, state.version)
    except MemkitError as error:
        return replace(state, problem=replace(problem_of(error), in_line=False))
    return _booted(state, text, config)


def _booted(state: State, text: str, config: Config) -> State:
    try:
        guest = boot(config, qemu=state.qemu, host=state.stands_on)
    except MemkitError as error:
        return _refused(state, text, config, error)
    return replace(state, text=text, config=config, answer=guest, guest=guest, good_text=text,
                   good_qemu=state.qemu, problem=None)


def _refused(state: State, text: str, config: Config | None, error: MemkitError) -> State:
    answer = _kept(error) if isinstance(error, Refused) else None
    return replace(state, text=text, config=config, answer=answer, problem=problem_of(error))


def _kept(refused: Refused) -> Refused:
    """``refused`` without the frames that it passed, which would live as long as it does."""
    refused.__context__ = None
    return refused.with_traceback(None)


def problem_of(error: MemkitError) -> Problem:
    """An error as a Problem: what to show of it.

    >>> problem_of(Refused("no", option="-m 4Gx", position=2)).place
    'word 3'
    """
    if isinstance(error, Refused):
        place = f"word {error.position + 1}" if error.position is not None else ""
        return Problem(error.message, error.explanation, error.hint, error.option, place, by_qemu=True)
    if isinstance(error, CommandLineError):
        place = f"character {error.position + 1}" if error.position is not None else ""
        return Problem(str(error), word=error.word, place=place)
    return Problem(str(error))


# -- what each control does


def with_qemu(state: State, qemu: str) -> State:
    """The State in which another QEMU reads the same line; the one before stays to be compared.

    >>> state = with_qemu(start("-m 4G"), "10.0")
    >>> state.guest.machine_type, state.before
    ('pc-i440fx-10.0', '7.2')
    """
    if known_qemu(qemu) == state.version:
        return state
    return typed(replace(state, qemu=qemu, before=state.qemu), state.text)


def uncompared(state: State) -> State:
    """The State that compares with no other QEMU."""
    return replace(state, before="")


def chosen(state: State, text: str) -> State:
    """The State of an example, which brings its own board and stands on the host that was given."""
    return typed(replace(state, other_host=None, carried=None), text)


def with_board(state: State, board: BoardMemory | None) -> State:
    """The State with the line taken over to another board (None is none), on a host of its architecture.

    >>> from memkit.architectures import board_memory
    >>> moved = with_board(start("-M q35,vmport=off -m 4G"), board_memory("microvm"))
    >>> moved.text, moved.carried.left[0].words
    ('-M microvm -m 4G', 'vmport=off of -machine')
    """
    if state.config is None or board is None:
        return state
    host = host_for(board, state.host, state.stands_on)
    try:
        carried = carried_to(board, state.config, state.text, state.qemu, host, last=state.carried,
                             boots=not state.stale)
    except MemkitError as error:
        return replace(state, problem=replace(problem_of(error), in_line=False))
    other = None if host == state.host else host
    return typed(replace(state, other_host=other, carried=carried, before=""), carried.text)


def with_host(state: State, host: Host) -> State:
    """The State with the same line on another host."""
    return typed(replace(state, other_host=None if host == state.host else host), state.text)


def with_machine(state: State, machine: str) -> State:
    """The State with another machine type."""
    return edited(state, lambda config: config.with_machine(machine))


def with_size(state: State, size: int | str) -> State:
    """The State with another RAM size: bytes, or text; without text, that of ``-m`` is removed."""
    if isinstance(size, str):
        size = size.strip()
        if not size:
            return edited(state, lambda config: config.with_memory(size=None))
    return edited(state, lambda config: with_ram(config, size))


def with_slots(state: State, slots: int) -> State:
    """The State with so many slots for memory devices; 0 removes the word."""
    return edited(state, lambda config: config.with_memory(slots=slots or None))


def with_maxmem(state: State, size: str) -> State:
    """The State with another limit of memory; an empty text removes the word."""
    return edited(state, lambda config: config.with_memory(maxmem=size.strip() or None))


def added(state: State, wish: Wish) -> State:
    """The State with one more backend and what shows it."""
    return edited(state, lambda config: granted(config, wish))


def removed(state: State, backend: str) -> State:
    """The State without a backend and without what shows it."""
    return edited(state, lambda config: config.without_object(backend))


def back(state: State) -> State:
    """The State of the last line that booted, in the QEMU that booted it."""
    same = state.good_qemu == state.qemu
    asked = replace(state, qemu=state.good_qemu or state.qemu, before=state.before if same else "")
    return typed(asked, state.good_text)
