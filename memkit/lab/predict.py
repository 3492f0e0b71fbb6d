"""Predict, then reveal: a question about a guest that shows its picture only after an answer.

This module only binds and writes HTML; ``questions`` knows what to ask and what an answer is worth.
Where no widgets run, the question stands there with its answer folded away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from memkit.boot import boot
from memkit.config import Config
from memkit.draw.svg import escape
from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.host import Host
from memkit.lab import page, views
from memkit.lab.questions import Question, Verdict, ask, grade, read_answer

__all__ = ["Prediction", "predict"]

NOTHING_YET = "Choose an answer first; then the picture appears."
_STYLE = (
    "<style>.memkit .mk-ask{font-size:14px;line-height:1.5;max-width:80ch}"
    ".memkit .mk-right{border-left:4px solid var(--jp-success-color0,#1b5e20);padding:6px 12px}"
    ".memkit .mk-wrong{border-left:4px solid var(--mk-warn);padding:6px 12px}"
    ".memkit .mk-answers .widget-radio-box label{line-height:1.7;height:auto}"
    ".memkit .mk-answers .widget-radio-box{height:auto}</style>"
)


def predict(
    question: str, line: str | Sequence[str] | Config | Guest, host: Host | None = None
) -> Prediction:
    """The Prediction of a named question about a guest, to show as a cell's last line.

    ``line`` is a command line (text, argv or Config) or a Guest.  The questions: gpa-of-dimm,
    ram-above-4g, offset-at-4g, ram-blocks.  Raises MemkitError for others, Refused where QEMU would.

    >>> import memkit
    >>> print(memkit.predict("ram-above-4g", "-M q35 -m 4G"))
    The guest has 4 GiB of main RAM. How much of it does it see above 4 GiB?
      - 0 bytes
      - 1 GiB
      - 2 GiB
      - 4 GiB
    """
    guest = line if isinstance(line, Guest) else boot(line, host=host)
    return Prediction(ask(question, guest))


class Prediction:
    """A question that a notebook shows: commit() takes the answer, ``verdict`` is what it earned."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.verdict: Verdict | None = None

    def commit(self, answer: int | str) -> Verdict:
        """The Verdict on an answer, a number or text as a learner types it; raises MemkitError.

        >>> predict("offset-at-4g", "-M q35 -m 4G").commit("2G").right
        True
        """
        value = read_answer(self.question, answer) if isinstance(answer, str) else answer
        self.verdict = grade(self.question, value)
        return self.verdict

    def reveal(self) -> str:
        """The right answer and the model's reasoning, in words."""
        right = self.question.answer
        return f"{right.text}. {right.why}\n\n{_story(self.question)}".rstrip()

    def __str__(self) -> str:
        choices = () if self.question.typed else self.question.choices
        return "\n".join([self.question.prompt, *(f"  - {choice.text}" for choice in choices)])

    def html(self) -> str:
        """The question as static HTML, with everything else folded away."""
        question = self.question
        options = "".join(f"<li>{escape(choice.text)}</li>" for choice in question.choices)
        listed = "" if question.typed else f"<ul>{options}</ul>"
        wrong = "".join(
            f"<li>{escape(choice.text)}: {escape(choice.why)}</li>"
            for choice in question.choices if choice is not question.answer
        )
        right = f"{escape(question.answer.text)}. {escape(question.answer.why)}"
        return (
            f'<section aria-label="Predict, then reveal">{page.style()}{_STYLE}<div class="memkit">'
            f"{_prompt(question)}{listed}<details><summary>Show the answer</summary>"
            f"<p><b>{right}</b></p><p>Other answers:</p><ul>{wrong}</ul>{_reasons(question)}</details></div>"
            "</section>"
        )

    def widget(self) -> Any:
        """The question as a widget; raises ImportError where ipywidgets is missing."""
        from ipywidgets import HTML, Button, Layout, RadioButtons, Text, VBox

        question = self.question
        verdict, picture = HTML(), HTML()
        box: Any
        if question.typed:
            box = Text(
                description="Your prediction", placeholder="such as 0x1_0000_0000 or 3G",
                style={"description_width": "initial"}, layout=Layout(width="360px"),
            )
            box.add_class("mk-exact")
        else:
            box = RadioButtons(
                options=[(choice.text, choice.value) for choice in question.choices], value=None,
                layout=Layout(width="auto"),
            )
            box.add_class("mk-answers")
        button = Button(
            description="Commit and reveal", layout=Layout(width="auto"), button_style="primary",
            tooltip="Take this as your answer and show the picture",
        )

        def act() -> None:
            if box.value in (None, ""):
                verdict.value = _mistake(NOTHING_YET)
                return
            try:
                said = self.commit(box.value)
            except MemkitError as error:
                verdict.value = _mistake(str(error))
                return
            box.disabled = button.disabled = True
            verdict.value = _verdict(said)
            picture.value = _reasons(question)

        commit = _safely(act, verdict)
        button.on_click(lambda _: commit())
        if question.typed:
            box.on_msg(lambda _, content, buffers: commit() if content.get("event") == "submit" else None)
        shown = VBox([HTML(page.style() + _STYLE + _prompt(question)), box, button, verdict, picture])
        shown.add_class("memkit")
        return shown

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/plain": str(self), "text/html": self.html()}
        try:
            shown = self.widget()
        except ImportError:
            return bundle
        return {**shown._repr_mimebundle_(**kwargs), **bundle}


def _safely(act: Callable[[], None], place: Any) -> Callable[[], None]:
    """``act`` with an end for every exception: shown in ``place``, the page lives on."""
    def acted() -> None:
        try:
            act()
        except Exception as error:
            place.value = views.broken(error)

    return acted


def _prompt(question: Question) -> str:
    config = question.guest.config
    line = f'<pre class="mk-said">{escape(config.text())}</pre>' if config else ""
    return f'<div class="mk-ask"><p><b>Predict.</b> {escape(question.prompt)}</p>{line}</div>'


def _mistake(text: str) -> str:
    return f'<div class="mk-bad" role="alert"><p>{escape(text[:1].upper() + text[1:])}</p></div>'


def _verdict(verdict: Verdict) -> str:
    look = "mk-right" if verdict.right else "mk-wrong"
    sign = "\N{CHECK MARK}" if verdict.right else "\N{BALLOT X}"
    said = f'<p><span aria-hidden="true">{sign}</span> {escape(verdict.said)}</p>'
    return f'<div class="{look}" role="alert">{said}</div>'


def _reasons(question: Question) -> str:
    """The model's reasoning and the picture."""
    story = ""
    if question.gpa is not None:
        told = question.guest.explain(question.gpa)
        story = (
            f"<details><summary>{escape(told.title)}: the whole story</summary>"
            f'<div class="mk-story">{told._repr_mimebundle_()["text/html"]}</div></details>'
        )
    return f"{story}{_picture(question)}"


def _picture(question: Question) -> str:
    view = question.guest.graph() if question.view == "graph" else question.guest.map()
    try:
        return f'<div class="mk-picture">{view.svg()}</div>'
    except MemkitError as error:
        return f"<p>{escape(error)}. Here is the same in words:</p><pre>{escape(view.text())}</pre>"


def _story(question: Question) -> str:
    return "" if question.gpa is None else str(question.guest.explain(question.gpa))
