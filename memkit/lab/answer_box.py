"""Widgets that take the answer to a question: buttons, a box to type into, or boxes to tick.

Answers are buttons and no radio buttons: in JupyterLab the arrow keys, which these need, move between cells.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from memkit.lab import views
from memkit.lab.questions import Question

__all__ = ["AnswerBox"]

# What an answer leads to: the widget that was pressed, and the answer as text or a value.
Act = Callable[[Any, Any], None]


class AnswerBox:
    """``parts`` take the answer to ``question`` and give it to ``act``; ``shown`` says what went wrong.

    Raises ImportError where ipywidgets is missing.
    """

    def __init__(self, question: Question, act: Act, shown: Any, name: str, commit: str) -> None:
        from ipywidgets import Button, Checkbox, Layout, Text

        self._act = act
        self._shown = shown
        wide = Layout(width="max-content")
        pressed = Button(description=commit, layout=wide, button_style="primary")
        self.parts: list[Any]
        if question.kind == "blocks":
            boxes = [Checkbox(description=name, indent=False, layout=wide) for name in question.pool]
            self.parts = [*boxes, pressed]
            pressed.on_click(self._safely(
                pressed, lambda: frozenset(box.description for box in boxes if box.value)))
        elif question.typed:
            text = Text(
                description=name, placeholder="such as 0x1_0000_0000 or 3G",
                style={"description_width": "initial"}, layout=Layout(width="360px"),
            )
            text.add_class("mk-exact")
            self.parts = [text, pressed]
            typed = self._safely(pressed, lambda: str(text.value))
            pressed.on_click(typed)
            text.on_msg(lambda _, content, buffers: typed() if content.get("event") == "submit" else None)
        else:
            self.parts = [Button(description=choice.text, layout=wide) for choice in question.choices]
            for button, choice in zip(self.parts, question.choices, strict=True):
                button.on_click(self._safely(button, lambda choice=choice: choice.value))  # type: ignore[misc]

    def _safely(self, pressed: Any, answer: Callable[[], Any]) -> Callable[..., None]:
        def acted(*_: Any) -> None:
            try:
                self._act(pressed, answer())
            except Exception as error:
                self._shown.value = views.broken(error)  # the page lives on

        return acted

    def close(self, pressed: Any) -> None:
        """Take no more answers.  The part with the focus stays, so that the keyboard goes on from there."""
        for part in self.parts:
            part.disabled = part is not pressed
        pressed.add_class("mk-chosen")
