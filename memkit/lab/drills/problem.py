"""One drill: a question about a line made from a seed, taken again and again until it is answered."""

from __future__ import annotations

from functools import lru_cache
from random import Random
from typing import Any

from memkit.errors import MemkitError
from memkit.lab.drills.boards import MAKERS as BOARDS
from memkit.lab.drills.lines import MAKERS as LINES
from memkit.lab.drills.releases import MAKERS as RELEASES
from memkit.lab.questions import Question, Value, Verdict, asked, grade, read_answer
from memkit.versions import known_qemu

__all__ = ["KINDS", "LEVELS", "Drill", "drill"]

MAKERS = {**LINES, **RELEASES, **BOARDS}
KINDS = tuple(MAKERS)
LEVELS = (1, 2, 3)
# A line that leaves nothing to ask is made again, with the next seed of its own.
_TRIES = 60


def drill(kind: str, seed: int = 1, level: int = 1, qemu: str | None = None) -> Drill:
    """The Drill of a kind: the problem number ``seed`` of a level from 1 to 3, the same on each machine.

    Raises MemkitError for kinds, seeds and levels that there are not, with what there is.

    >>> import memkit
    >>> problem = memkit.drill("ram-above-4g", seed=7)
    >>> print(problem)
    Drill ram-above-4g, number 7, level 1
    -M pc -m 6G
    The guest has 6 GiB of main RAM. How much of it does it see above 4 GiB?
      1. 2 GiB
      2. 3 GiB
      3. 4 GiB
      4. 6 GiB
    >>> print(problem.check("2G").said)
    Not yet. You said 2 GiB: this is what is left of RAM above 4 GiB if it lay in one piece. But the place
    below 4 GiB is not all RAM: devices need addresses there, too.
    >>> problem.check("3G").right
    True
    """
    if not isinstance(kind, str) or kind not in MAKERS:
        raise MemkitError(f"no drill is called {kind!r:.60}; there are: {', '.join(KINDS)}")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise MemkitError(f"seed is the number of a problem, such as 7, not {seed!r:.60}")
    if level not in LEVELS:
        raise MemkitError(f"level is one of {', '.join(map(str, LEVELS))}, not {level!r:.60}")
    return Drill(kind, seed, level, _question(kind, seed, level, known_qemu(qemu) if qemu else None))


@lru_cache(maxsize=64)
def _question(kind: str, seed: int, level: int, qemu: str | None) -> Question:
    pick = Random(f"{kind} {seed} {level}")
    for _ in range(_TRIES):
        made = MAKERS[kind](pick, level)
        try:
            return asked(kind, made.line, qemu or made.qemu, made.host, made.of, pick.randrange(1 << 30))
        except MemkitError:
            continue
    raise MemkitError(f"no line for {kind} came up with seed {seed}; take another seed")


class Drill:
    """A problem with its checking: ``check`` takes answers, ``hint`` helps, ``answer`` tells it all.

    ``tries`` counts the answers, ``solved`` says whether the right one was among them, and ``helped`` how
    many hints were taken; ``told`` is True once the answer was shown.
    """

    def __init__(self, kind: str, seed: int, level: int, question: Question) -> None:
        self.kind = kind
        self.seed = seed
        self.level = level
        self.question = question
        self.tries = 0
        self.helped = 0
        self.solved = False
        self.told = False

    def check(self, answer: Value) -> Verdict:
        """The Verdict on an answer, as text or a value; a wrong one gets its mistake named, not the answer.

        Raises MemkitError for text that is no answer.
        """
        value = read_answer(self.question, answer)
        verdict = grade(self.question, value, reveal=False)
        self.tries += 1
        self.solved = self.solved or verdict.right
        return verdict

    def hint(self) -> str:
        """The next hint; after the last one, that there are no more."""
        if self.helped < len(self.question.hints):
            self.helped += 1
            return self.question.hints[self.helped - 1]
        return "There are no more hints. Take your best guess: a wrong answer is told what is wrong with it."

    def answer(self) -> str:
        """The right answer with its working."""
        self.told = True
        right = self.question.answer
        story = "" if self.question.gpa is None else f"\n\n{self.question.guest.explain(self.question.gpa)}"
        return f"{right.text}. {right.why}".replace(".. ", ". ") + story

    def next(self) -> Drill:
        """The next problem: harder after one that was solved at once, easier after one that was told."""
        at_once = self.solved and self.tries == 1 and not self.helped
        level = self.level + (at_once and self.level < LEVELS[-1]) - (self.told and self.level > LEVELS[0])
        return drill(self.kind, self.seed + 1, level, self.question.guest.qemu)

    def __str__(self) -> str:
        question = self.question
        lines = [f"Drill {self.kind}, number {self.seed}, level {self.level}", question.text, question.prompt]
        if question.kind == "blocks":
            lines += [f"  - {name}" for name in question.pool]
        elif not question.typed:
            lines += [f"  {number}. {choice.text}" for number, choice in enumerate(question.choices, 1)]
        return "\n".join(lines)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        from memkit.lab.drills.view import bundle

        return bundle(self, **kwargs)
