"""Questions about one guest's memory: the answer and the tempting wrong answers, all computed."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from memkit.boot import boot
from memkit.config import Config
from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.host import Host
from memkit.lab.questions import (
    answers,
    boards,
    boots,
    dangers,
    layout,
    naming,
    outcomes,
    pages,
    releases,
    sharing,
    whole,
)
from memkit.lab.questions.mistakes import MISTAKES
from memkit.lab.questions.question import About, Asker, Choice, Question, Value, Verdict, grade, read_answer

__all__ = ["MISTAKES", "QUESTIONS", "Choice", "Question", "Value", "Verdict", "ask", "asked", "grade",
           "read_answer"]

# A command line: text, argv, or what either was read into.
Line = str | Sequence[str] | Config

QUESTIONS: dict[str, Asker] = {
    name: asker
    for room in (layout, answers, pages, sharing, naming, boots, whole, outcomes, dangers,
                 releases, boards)
    for name, asker in room.QUESTIONS.items()
}


def ask(name: str, guest: Guest, of: str = "", seed: int = 0) -> Question:
    """The question called ``name`` about ``guest``.

    ``of`` is the name of a block or an address (gpa or offset, as text) where the question is about one;
    without it, ``seed`` chooses.  Raises MemkitError with the names there are, or if this guest leaves
    nothing to ask.

    >>> import memkit
    >>> question = ask("ram-above-4g", memkit.boot("-M q35 -m 4G"))
    >>> question.answer.text, [choice.text for choice in question.choices]
    ('2 GiB', ['0 bytes', '1 GiB', '2 GiB', '4 GiB'])
    """
    _check_name(name)
    question = QUESTIONS[name](guest, About(str(of), Random(seed)))
    if len(question.choices) < 2:
        raise MemkitError(f"on this guest, {name!r} has only one possible answer; ask about a larger guest")
    return question


def asked(name: str, line: Line, qemu: str | None = None, host: Host | None = None, of: str = "",
          seed: int = 0) -> Question:
    """The question called ``name`` about a command line, as QEMU ``qemu`` reads it on ``host``.

    A question about the line on all boards is asked of one that starts it; one about all QEMUs, too, if
    there is no ``qemu``.  Raises MemkitError as ``ask`` does, Refused where QEMU would.

    >>> asked("which-qemus", "-M pc,nvdimm -m 1G").answer.text
    '5.2'
    """
    _check_name(name)
    if name in boards.ON_BOARDS:
        guest = boards.started_on(line, qemu, host)
    elif qemu is None and name in releases.EVERYWHERE:
        guest = releases.started(line, host)
    else:
        guest = boot(line, qemu=qemu, host=host)
    return ask(name, guest, of, seed)


def _check_name(name: object) -> None:
    if not isinstance(name, str) or name not in QUESTIONS:
        raise MemkitError(f"no question is called {name!r:.60}; there are: {', '.join(QUESTIONS)}")
