"""What a question is: its answer, the tempting wrong ones, hints, and the verdict on what a learner says.

A wrong answer is a mistake that people make, carried out: who forgets the PCI hole gets this number,
who reckons in decimal gigabytes that one.  So the words that go with it name the mistake.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Literal, NamedTuple

from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.lab.questions.mistakes import MISTAKES
from memkit.units import hex_address, human, parse_address

__all__ = [
    "About",
    "Asker",
    "Choice",
    "Kind",
    "Mistake",
    "Question",
    "Space",
    "Value",
    "Verdict",
    "grade",
    "make",
    "make_set",
    "read_answer",
    "shown",
]

Kind = Literal["address", "size", "count", "word", "blocks"]
Value = int | str | frozenset[str]
Space = Literal["", "gpa", "ram_addr_t", "offset"]
NOTHING = "none of them"


class Mistake(NamedTuple):
    """A wrong answer: the name of the mistake (see MISTAKES), where it leads, and what is wrong with it."""

    name: str
    value: Value
    why: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One possible answer: ``value`` as ``text``, and ``why`` it is right or tempting.

    ``mistake`` is the name of the wrong idea that leads there, "" for the right answer.
    """

    value: Value
    text: str
    why: str
    mistake: str = ""

    @property
    def title(self) -> str:
        """The wrong idea in a few words, "" for the right answer."""
        return MISTAKES.get(self.mistake, "")


@dataclass(frozen=True, slots=True)
class Question:
    """A question about ``guest`` with its choices; one of them is the answer.

    ``kind`` says what the values are: an address (gpa or an offset), a size in bytes, a count, a word, or
    a set of ``pool``'s names, where ``reasons`` tells for each name why it belongs to the answer or not.
    ``typed`` means that the learner writes the answer instead of choosing it. ``gpa`` is an address whose
    story tells the reason, or None; ``view`` is the picture that shows it: graph, map, tables, or
    reasons, which is a table of ``reasons``; ``follow`` is the block that stands out there. ``hints`` go
    from a nudge to nearly all of it. ``line`` is the command line where that is not the guest's.
    ``space`` says whose addresses the answers are, where they are addresses: gpa, ram_addr_t, or offset
    in the block ``follow``. ``everywhere`` means that the question is about the line in all QEMUs;
    ``guest`` is of one that starts it.
    """

    name: str
    guest: Guest
    prompt: str
    kind: Kind
    answer: Choice
    choices: tuple[Choice, ...]
    typed: bool = False
    gpa: int | None = None
    view: str = "map"
    hints: tuple[str, ...] = ()
    pool: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    follow: str = ""
    line: str = ""
    space: Space = ""
    everywhere: bool = False

    @property
    def text(self) -> str:
        """The command line that the question is about, "" for a guest that was read from text."""
        return self.line or (self.guest.config.text() if self.guest.config else "")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer earned: ``right`` or not, ``said`` in words, and the ``mistake`` if it is known."""

    right: bool
    said: str
    mistake: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """What is left open in a question: ``of`` names a block or an address, else ``pick`` chooses."""

    of: str = ""
    pick: Random = field(default_factory=lambda: Random(0))


Asker = Callable[[Guest, About], Question]


def make(
    name: str, guest: Guest, prompt: str, kind: Kind, answer: Value, why: str, mistakes: Iterable[Mistake], *,
    typed: bool = False, gpa: int | None = None, view: str = "map", hints: tuple[str, ...] = (),
    follow: str = "", space: Space = "",
) -> Question:
    """The Question with its choices in order of value; mistakes that lead to the answer are left out."""
    right = Choice(answer, shown(answer, kind), why)
    choices = {answer: right}
    for mistake, value, said in mistakes:
        if not isinstance(value, int) or value >= 0:
            choices.setdefault(value, Choice(value, shown(value, kind), said, mistake))
    ordered = tuple(sorted(choices.values(), key=_order))
    return Question(name, guest, prompt, kind, right, ordered, typed, gpa, view, hints, follow=follow,
                    space=space)


def make_set(
    name: str, guest: Guest, prompt: str, reasons: Mapping[str, tuple[bool, str]],
    mistakes: Iterable[Mistake], *, view: str = "tables", hints: tuple[str, ...] = (), why: str = "",
) -> Question:
    """The Question whose answer is a set of names: ``reasons`` says for each whether it is in, and why.

    ``why`` is the reason for the whole, by default all reasons of those that are in.
    """
    inside = frozenset(n for n, (belongs, _) in reasons.items() if belongs)
    told = why or " ".join(reasons[n][1] for n in reasons if n in inside) or "Nothing belongs to it."
    right = Choice(inside, shown(inside, "blocks"), told)
    choices: dict[Value, Choice] = {inside: right}
    for mistake, value, said in mistakes:
        choices.setdefault(value, Choice(value, shown(value, "blocks"), said, mistake))
    ordered = tuple(sorted(choices.values(), key=_order))
    return Question(name, guest, prompt, "blocks", right, ordered, view=view, hints=hints,
                    pool=tuple(reasons), reasons={n: said for n, (_, said) in reasons.items()})


def _order(choice: Choice) -> tuple[int, str]:
    return (choice.value, "") if isinstance(choice.value, int) else (0, choice.text)


def shown(value: Value, kind: Kind) -> str:
    """A value as text: addresses in hexadecimal with the size beside it where that is round.

    >>> shown(0xC0000000, "address"), shown(3 << 30, "size"), shown(frozenset(["b", "a"]), "blocks")
    ('0xc000_0000 (3 GiB)', '3 GiB', 'a, b')
    """
    if isinstance(value, frozenset):
        return ", ".join(sorted(value, key=_by_number)) or NOTHING
    if isinstance(value, str):
        return value
    if kind == "count":
        return str(value)
    if value < 0 or kind == "size":
        return human(value) if value >= 0 else str(value)
    round_number = value and value % (1 << 20) == 0
    return f"{hex_address(value)} ({human(value)})" if round_number else hex_address(value)


def _by_number(name: str) -> str:
    """Sorts names as people do: 7.2 in front of 10.0."""
    return re.sub(r"\d+", lambda number: number[0].zfill(20), name)


def read_answer(question: Question, text: object) -> Value:
    """What a learner typed as a value; raises MemkitError that says what to write.

    Numbers are read as sizes and addresses are; words are the texts of choices, or their numbers from 1;
    sets are names with commas between them.  What is a number or a set already is taken as it is.
    """
    if isinstance(text, frozenset) or (isinstance(text, int) and not isinstance(text, bool)):
        return text
    if not isinstance(text, str):
        raise MemkitError(f"an answer is text, a number or a frozenset of names, not {text!r:.60}")
    if question.kind == "blocks":
        return _read_names(question, text)
    if question.kind == "word":
        return _read_word(question, text)
    try:
        # Answers are shown with a size in brackets; who copies one means the number.
        return parse_address(text.partition(" (")[0])
    except ValueError as error:
        raise MemkitError(str(error)) from None


def _read_names(question: Question, text: str) -> frozenset[str]:
    if text.strip().lower() in ("", "none", NOTHING):
        return frozenset()
    names = [word.strip() for word in text.split(",")]
    for name in names:
        if name not in question.pool:
            raise MemkitError(f"{name!r:.60} is not one of them; write names with commas between them, or "
                              f"none: {', '.join(question.pool)}")
    return frozenset(names)


def _read_word(question: Question, text: str) -> Value:
    said = text.strip().lower()
    for number, choice in enumerate(question.choices, 1):
        if said in (choice.text.lower(), str(number)):
            return choice.value
    raise MemkitError(f"{text!r:.60} is not one of the answers; write a number from 1 to "
                      f"{len(question.choices)}, or the words of an answer")


def grade(question: Question, value: Value, reveal: bool = True) -> Verdict:
    """The Verdict on ``value``: the right answer and why, and which mistake it was if it is known.

    With ``reveal`` off, a wrong answer gets its mistake named and the right one stays hidden.

    >>> import memkit
    >>> from memkit.lab.questions import ask
    >>> print(grade(ask("ram-above-4g", memkit.boot("-M q35 -m 4G")), 0).said)
    Not quite: the answer is 2 GiB. Below 4 GiB, RAM ends at 0x8000_0000; the rest begins at
    0x1_0000_0000. You said 0 bytes: this is what is left of RAM above 4 GiB if it lay in one piece.
    But the place below 4 GiB is not all RAM: devices need addresses there, too.
    """
    right = question.answer
    if value == right.value:
        return Verdict(True, f"Right: {right.text}. {right.why}".replace(".. ", ". "))
    known = next((choice for choice in question.choices if choice.value == value), None)
    said = known.text if known else shown(value, question.kind)
    head = f"Not quite: the answer is {right.text}. {right.why}" if reveal else "Not yet."
    mistake = known.mistake if known else ""
    if known:
        why = f"You said {said}: {known.why}"
    elif isinstance(value, frozenset) and isinstance(right.value, frozenset):
        why = _differs(question, value, right.value)
    else:
        why = f"You said {said}."
    return Verdict(False, f"{head} {why}".replace(".. ", ". "), mistake)


def _differs(question: Question, value: frozenset[str], right: frozenset[str]) -> str:
    parts = [(f"You left out {name}: ", name) for name in question.pool if name in right - value]
    parts += [(f"You took in {name}: ", name) for name in question.pool if name in value - right]
    return " ".join(head + question.reasons[name] for head, name in parts)
