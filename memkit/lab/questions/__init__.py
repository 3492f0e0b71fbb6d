"""Questions about one guest's memory: the answer and the tempting wrong answers, all computed."""

from __future__ import annotations

from random import Random

from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.lab.questions import (
    answers,
    boots,
    dangers,
    layout,
    naming,
    outcomes,
    pages,
    sharing,
    whole,
)
from memkit.lab.questions.mistakes import MISTAKES
from memkit.lab.questions.question import About, Asker, Choice, Question, Value, Verdict, grade, read_answer

__all__ = ["MISTAKES", "QUESTIONS", "Choice", "Question", "Value", "Verdict", "ask", "grade", "read_answer"]

QUESTIONS: dict[str, Asker] = {
    name: asker
    for room in (layout, answers, pages, sharing, naming, boots, whole, outcomes, dangers)
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
    if name not in QUESTIONS:
        raise MemkitError(f"no question is called {name!r:.60}; there are: {', '.join(QUESTIONS)}")
    question = QUESTIONS[name](guest, About(str(of), Random(seed)))
    if len(question.choices) < 2:
        raise MemkitError(f"on this guest, {name!r} has only one possible answer; ask about a larger guest")
    return question
