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

HOW_CHOSEN = "Decide before you press: the first answer counts, and then the picture appears."
HOW_TYPED = "Write a number and press Enter: the first answer counts, and then the picture appears."
_STYLE = (
    "<style>.memkit .mk-ask{font-size:14px;line-height:1.5;max-width:80ch}"
    ".memkit .mk-right{border-left:4px solid var(--jp-success-color0,#1b5e20);padding:6px 12px}"
    ".memkit .mk-wrong{border-left:4px solid var(--mk-warn);padding:6px 12px}"
    ".memkit .mk-chosen{font-weight:600;outline:2px solid var(--mk-ink);outline-offset:-2px}</style>"
)


def predict(
    question: str, line: str | Sequence[str] | Config | Guest, host: Host | None = None,
    qemu: str | None = None,
) -> Prediction:
    """The Prediction of a named question about a guest, to show as a cell's last line.

    ``line`` is a command line (text, argv or Config), for which ``host`` and ``qemu`` say what
    memkit.boot takes, or a Guest.  The questions: gpa-of-dimm, ram-above-4g, offset-at-4g, ram-blocks.
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
        return Prediction(ask(question, boot(line, qemu=qemu, host=host)))
    if host is not None or qemu is not None:
        raise MemkitError("a Guest has its host and its QEMU already; give them to memkit.boot instead")
    return Prediction(ask(question, line))


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
            f'<section aria-label="Predict, then reveal">{_prompt(question)}{listed}'
            f"<details><summary>Show the answer</summary><p><b>{right}</b></p>"
            f"<p>Other answers:</p><ul>{wrong}</ul>{_reasons(question)}</details></section>"
        )

    def widget(self) -> Any:
        """The question as a widget; raises ImportError where ipywidgets is missing.

        Answers are buttons: in JupyterLab the arrow keys, which radio buttons need, move between cells.
        """
        from ipywidgets import HTML, Button, Layout, Text, VBox

        question, wide = self.question, Layout(width="max-content")
        verdict, picture = HTML(), HTML()
        text = Text(
            description="Your prediction", placeholder="such as 0x1_0000_0000 or 3G",
            style={"description_width": "initial"}, layout=Layout(width="360px"),
        )
        text.add_class("mk-exact")
        commit = Button(description="Commit and reveal", layout=wide, button_style="primary")
        answers = [Button(description=choice.text, layout=wide) for choice in question.choices]
        parts = [text, commit] if question.typed else answers

        def act(pressed: Any, answer: int | str) -> None:
            if self.verdict is not None:
                return
            try:
                said = self.commit(answer)
            except MemkitError as error:
                verdict.value = _mistake(str(error))
                return
            for part in parts:
                # The one with the focus stays, so that the keyboard goes on from there.
                part.disabled = part is not pressed
            pressed.add_class("mk-chosen")
            verdict.value, picture.value = _verdict(said), _reasons(question)

        def safely(pressed: Any, answer: Callable[[], int | str]) -> Callable[..., None]:
            def acted(*_: Any) -> None:
                try:
                    act(pressed, answer())
                except Exception as error:
                    verdict.value = views.broken(error)  # the page lives on

            return acted

        for button, choice in zip(answers, question.choices, strict=True):
            button.on_click(safely(button, lambda choice=choice: choice.value))  # type: ignore[misc]
        typed = safely(commit, lambda: str(text.value))
        commit.on_click(typed)
        text.on_msg(lambda _, content, buffers: typed() if content.get("event") == "submit" else None)
        head = HTML(page.style() + _STYLE + _prompt(question, HOW_TYPED if question.typed else HOW_CHOSEN))
        shown = VBox([head, VBox(parts), verdict, picture])
        shown.add_class("memkit")
        return shown

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/plain": str(self), "text/html": self.html()}
        try:
            shown = self.widget()
        except ImportError:
            return bundle
        return {**shown._repr_mimebundle_(**kwargs), **bundle}


def _prompt(question: Question, how: str = "") -> str:
    config = question.guest.config
    line = f'<pre class="mk-said">{escape(config.text())}</pre>' if config else ""
    asked = [f"The guest of QEMU {question.guest.qemu}.", *question.guest.notes] if config else []
    said = " ".join(filter(None, [*asked, how]))
    note = f'<p class="mk-note">{escape(said)}</p>' if said else ""
    return f'<div class="mk-ask"><p><b>Predict.</b> {escape(question.prompt)}</p>{line}{note}</div>'


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
