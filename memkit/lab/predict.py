"""Predict, then reveal: a question about a guest that shows its picture only after an answer.

This module only binds; ``questions`` knows what to ask and what an answer is worth.
Where no widgets run, the question stands there with its answer folded away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memkit.config import Config
from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.host import Host
from memkit.lab import live, page, quiz
from memkit.lab.answer_box import AnswerBox
from memkit.lab.progress import record_prediction
from memkit.lab.questions import Question, Value, Verdict, ask, asked, grade, read_answer

__all__ = ["Prediction", "predict"]

HOW_CHOSEN = "Decide before you press: the first answer counts, and then the picture appears."
HOW_TYPED = "Write a number and press Enter: the first answer counts, and then the picture appears."
HOW_TICKED = "Tick all that belong to it, then commit: the first answer counts, and then the picture appears."
LABEL, TITLE = "Predict, then reveal", "Predict."


def predict(
    question: str, line: str | Sequence[str] | Config | Guest, host: Host | None = None,
    qemu: str | None = None, of: str = "",
) -> Prediction:
    """The Prediction of a named question about a guest, to show as a cell's last line.

    ``line`` is a command line (text, argv or Config), for which ``host`` and ``qemu`` say what
    memkit.boot takes, or a Guest.  The questions are those of ``memkit.lab.questions.QUESTIONS``, such as
    gpa-of-dimm, ram-above-4g, offset-at-4g, ram-blocks; ``of`` is the block or address that one is about.
    Raises MemkitError for others, Refused where QEMU would.

    >>> import memkit
    >>> print(memkit.predict("ram-above-4g", "-M q35 -m 4G"))
    The guest has 4 GiB of main RAM. How much of it does it see above 4 GiB?
      - 0 bytes
      - 1 GiB
      - 2 GiB
      - 4 GiB
    """
    if not isinstance(line, Guest):
        return Prediction(asked(question, line, qemu, host, of))
    if host is not None or qemu is not None:
        raise MemkitError("a Guest has its host and its QEMU already; give them to memkit.boot instead")
    return Prediction(ask(question, line, of))


class Prediction:
    """A question that a notebook shows: commit() takes the answer, ``verdict`` is what it earned."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.verdict: Verdict | None = None

    def commit(self, answer: Value) -> Verdict:
        """The Verdict on an answer, a value or text as a learner types it; raises MemkitError.

        >>> predict("offset-at-4g", "-M q35 -m 4G").commit("2G").right
        True
        """
        value = read_answer(self.question, answer)
        self.verdict = grade(self.question, value)
        return self.verdict

    def reveal(self) -> str:
        """The right answer and the model's reasoning, in words."""
        right = self.question.answer
        said = f"{right.text}. {right.why}".replace(".. ", ". ")
        return f"{said}\n\n{quiz.story(self.question)}".rstrip()

    def __str__(self) -> str:
        question = self.question
        choices = () if question.typed else question.pool or [choice.text for choice in question.choices]
        return "\n".join([question.prompt, *(f"  - {said}" for said in choices)])

    def html(self) -> str:
        """The question as static HTML, with everything else folded away."""
        return quiz.folded(self.question, LABEL, TITLE)

    def widget(self) -> Any:
        """The question as a widget; raises ImportError where ipywidgets is missing."""
        from ipywidgets import HTML, VBox

        question = self.question
        verdict, picture = HTML(), HTML()

        def act(pressed: Any, answer: Value) -> None:
            if self.verdict is not None:
                return
            try:
                said = self.commit(answer)
            except MemkitError as error:
                verdict.value = quiz.mistake(str(error))
                return
            box.close(pressed)
            record_prediction(question.name)
            verdict.value, picture.value = quiz.verdict(said), quiz.reasons(question)

        box = AnswerBox(question, act, verdict, "Your prediction", "Commit and reveal")
        how = HOW_TICKED if question.kind == "blocks" else HOW_TYPED if question.typed else HOW_CHOSEN
        head = HTML(page.style() + quiz.STYLE + quiz.prompt(question, TITLE, how))
        answers = VBox(box.parts)
        answers.add_class("mk-answers")
        shown = VBox([head, answers, verdict, picture])
        shown.add_class("memkit")
        return shown

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return live.beside({"text/plain": str(self), "text/html": self.html()}, self.widget, **kwargs)
