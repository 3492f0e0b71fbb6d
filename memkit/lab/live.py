"""What all instruments do with their widgets: tell an error in its place, and stand beside a static form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from memkit.lab.views import broken

__all__ = ["beside", "safely"]


def safely(shown: Any, do: Callable[[], object]) -> Callable[..., None]:
    """A callback that does ``do``; an exception that nobody expected is told in the widget ``shown``."""
    def acted(*_: Any) -> None:
        try:
            do()
        except Exception as error:
            shown.value = broken(error)  # the page lives on

    return acted


def beside(plain: dict[str, Any], widget: Callable[[], Any], **kwargs: Any) -> dict[str, Any]:
    """A mimebundle of a widget with ``plain`` beside it; ``plain`` alone where ipywidgets is missing."""
    try:
        shown = widget()
    except ImportError:
        return plain
    return {**shown._repr_mimebundle_(**kwargs), **plain}
