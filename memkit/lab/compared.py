"""The explorer's box on what a switch of QEMU's version changed: sentences, and whether pictures mark it."""

from __future__ import annotations

from collections.abc import Callable

from ipywidgets import HTML, Button, Checkbox, HBox, Layout, VBox

from memkit.lab import views
from memkit.lab.session import State

__all__ = ["Compared"]


class Compared(VBox):
    """What changed, with ``marks``, a box to tick, and a button that ends the comparison."""

    def __init__(self, close: Callable[[], None]) -> None:
        self.title, self.said = HTML(), HTML()
        self.marks = Checkbox(
            description="mark it in the pictures", indent=False, layout=Layout(width="auto"),
        )
        self.button = Button(
            description="Stop comparing", layout=Layout(width="auto"), tooltip="Hide what changed",
        )
        self.button.on_click(lambda _: close())
        head = HBox(
            [self.title, self.marks, self.button],
            layout=Layout(flex_flow="row wrap", grid_gap="2px 14px", align_items="center"),
        )
        super().__init__([head, self.said], layout=Layout(display="none"))
        self.add_class("mk-compared")

    @property
    def marked(self) -> bool:
        """True if the pictures are to mark what changed."""
        return bool(self.marks.value)

    def show(self, state: State) -> None:
        """Show what changed for this State; nothing if it compares nothing."""
        for box, text in zip((self.title, self.said), views.changes(state), strict=True):
            if box.value != text:
                box.value = text
        self.layout.display = None if self.said.value else "none"
        self.marks.disabled = state.drawable is None
