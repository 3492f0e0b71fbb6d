"""A progress bar: an element of the page in a notebook, a line on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

__all__ = ["bar", "nothing"]

WIDTH = 40


def nothing(done: int, of: int) -> None:
    """No bar."""


def bar(title: str) -> Callable[[int, int], object]:
    """A function that shows how much is done, of how much; it draws only when something changes."""
    element = _element(title)
    if element is not None:
        return element
    return _line(title) if sys.stderr.isatty() else nothing


def _line(title: str) -> Callable[[int, int], object]:
    last = -1

    def show(done: int, of: int) -> None:
        nonlocal last
        part = 100 * done // max(of, 1)
        if part != last:
            last = part
            full = WIDTH * part // 100
            end = "\n" if part >= 100 else ""
            sys.stderr.write(f"\r{title}: [{'#' * full}{'.' * (WIDTH - full)}] {part:3} %{end}")
            sys.stderr.flush()

    return show


def _element(title: str) -> Callable[[int, int], object] | None:
    """A progress element in the page; None outside a notebook."""
    shell: Any = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
    if shell is None or getattr(shell, "kernel", None) is None:
        return None
    handle: Any = None
    last = -1

    def show(done: int, of: int) -> None:
        nonlocal handle, last
        part = 100 * done // max(of, 1)
        if part == last:
            return
        last = part
        words = {
            "text/plain": f"{title}: {part} %",
            "text/html": f'<label>{title}: <progress value="{part}" max="100"></progress> {part} %</label>',
        }
        display = sys.modules["IPython"].display.display
        if handle is None:
            handle = display(words, raw=True, display_id=True)
        else:
            handle.update(words, raw=True)

    return show
