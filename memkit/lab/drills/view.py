"""A drill on the page: the problem, its answers, hints, the working, and the next problem in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from memkit.draw.svg import escape
from memkit.errors import MemkitError
from memkit.lab import live, page, quiz
from memkit.lab.answer_box import AnswerBox
from memkit.lab.drills.problem import LEVELS, Drill
from memkit.lab.place import place
from memkit.lab.progress import record_drill
from memkit.lab.questions import read_answer

__all__ = ["bundle", "widget"]

HOW = "Try as often as you like: a wrong answer is told what is wrong with it."
LABEL = "Drill"


def bundle(drill: Drill, **kwargs: Any) -> dict[str, Any]:
    """The drill for a notebook: a widget, and where none runs, the problem with its answer folded away."""
    html = quiz.folded(drill.question, LABEL, _title(drill))
    return live.beside({"text/plain": str(drill), "text/html": html}, lambda: widget(drill), **kwargs)


def _title(drill: Drill) -> str:
    return f"Drill {drill.kind}, number {drill.seed}, level {drill.level} of {LEVELS[-1]}."


def widget(drill: Drill) -> Any:
    """The drill as a widget; raises ImportError where ipywidgets is missing."""
    from ipywidgets import HTML, VBox

    head = HTML(page.style() + quiz.STYLE)
    shown = VBox([head, *_parts(drill, lambda later: _show(shown, head, later))])
    shown.add_class("memkit")
    return shown


def _show(shown: Any, head: Any, drill: Drill) -> None:
    shown.children = (head, *_parts(drill, lambda later: _show(shown, head, later)))


def _at(drill: Drill, given: Any) -> str:
    """Where a wrong address lies, as a picture; "" for answers that are no addresses."""
    drawn = place(drill.question, read_answer(drill.question, given))
    return f'<div class="mk-picture">{drawn}</div>' if drawn else ""


def _parts(drill: Drill, go_on: Callable[[Drill], None]) -> list[Any]:
    """The widgets of one problem; ``go_on`` shows another in their place."""
    from ipywidgets import HTML, Button, HBox, Layout, VBox

    asked = HTML(quiz.prompt(drill.question, _title(drill), HOW))
    verdict, hints, picture = HTML(), HTML(), HTML()
    wide = Layout(width="max-content")
    hint, answer, later = (Button(description=said, layout=wide)
                           for said in ("Hint", "Show the answer", "Next problem"))
    said_hints: list[str] = []

    def act(pressed: Any, given: Any) -> None:
        try:
            said = drill.check(given)
        except MemkitError as error:
            verdict.value = quiz.mistake(str(error))
            return
        verdict.value = quiz.verdict(said)
        if said.right:
            record_drill(drill.kind, drill.level)
            picture.value = quiz.reasons(drill.question)
            later.button_style = "primary"
        else:
            picture.value = _at(drill, given)

    def help_on() -> None:
        said_hints.append(drill.hint())
        items = "".join(f"<li>{escape(said)}</li>" for said in said_hints)
        hints.value = f'<ol class="mk-ask" role="status">{items}</ol>'

    def tell() -> None:
        drill.answer()
        right = drill.question.answer
        told = f"{escape(right.text)}. {escape(right.why)}".replace(".. ", ". ")
        verdict.value = f'<div class="mk-right" role="alert"><p>{told}</p></div>'
        picture.value = quiz.reasons(drill.question)

    hint.on_click(live.safely(verdict, help_on))
    answer.on_click(live.safely(verdict, tell))
    later.on_click(live.safely(verdict, lambda: go_on(drill.next())))
    box = AnswerBox(drill.question, act, verdict, "Your answer", "Check")
    answers = VBox(box.parts)
    answers.add_class("mk-answers")
    helps = HBox([hint, answer, later])
    helps.add_class("mk-helps")
    return [asked, answers, helps, hints, verdict, picture]
