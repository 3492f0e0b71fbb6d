"""Widgets that take the answer to a question: buttons, a box to type into, or boxes to tick.

Answers are buttons and no radio buttons: in JupyterLab the arrow keys, which these need, move between cells.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from memkit.lab import live
from memkit.lab.questions import Question

__all__ = ["AnswerBox"]

# Seconds after Enter in which a page sends what was typed.
_LATE = 0.5
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
                continuous_update=False, description=name, placeholder="such as 0x1_0000_0000 or 3G",
                style={"description_width": "initial"}, layout=Layout(width="360px"),
            )
            text.add_class("mk-exact")
            self.parts = [text, pressed]
            typed = self._safely(pressed, lambda: str(text.value))
            pressed.on_click(typed)
            _on_enter(text, typed)
        else:
            self.parts = [Button(description=choice.text, layout=wide) for choice in question.choices]
            for button, choice in zip(self.parts, question.choices, strict=True):
                button.on_click(self._safely(button, lambda choice=choice: choice.value))  # type: ignore[misc]

    def _safely(self, pressed: Any, answer: Callable[[], Any]) -> Callable[..., None]:
        return live.safely(self._shown, lambda: self._act(pressed, answer()))

    def close(self, pressed: Any) -> None:
        """Take no more answers.  The part with the focus stays, so that the keyboard goes on from there."""
        for part in self.parts:
            part.disabled = part is not pressed
        pressed.add_class("mk-chosen")


def _on_enter(text: Any, act: Callable[[], None]) -> None:
    """Act when Enter is pressed, on all that was typed.

    A page says that Enter was pressed before it sends what was typed, and sends nothing if this is not new.
    """
    waiting: list[asyncio.TimerHandle | None] = []

    def go() -> None:
        if waiting:
            if timer := waiting.pop():
                timer.cancel()
            act()

    def pressed(_: Any, content: dict[str, Any], buffers: Any) -> None:
        if content.get("event") == "submit" and not waiting:
            try:
                waiting.append(asyncio.get_running_loop().call_later(_LATE, go))
            except RuntimeError:  # no page, no loop: nothing else will come
                waiting.append(None)
                go()

    text.on_msg(pressed)
    text.observe(lambda _: go(), "value")
