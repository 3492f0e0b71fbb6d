"""Options that were read before without a mistake or a warning.

An explorer reads a line again at each step of a slider, with one option changed and hundreds as they were.
What is remembered depends on the text and the release alone.
"""

from __future__ import annotations

from typing import Any, TypeVar

__all__ = ["OBJECTS", "OPTIONS", "remember"]

_MOST, _LONGEST = 4096, 300
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

# (option's name, argument, release) → its pairs, and its id or "".
OPTIONS: dict[tuple[str, str, str], tuple[tuple[tuple[str, str], ...], str]] = {}
# (argument of -object, release) → its type, id and typed properties, which nobody changes.
OBJECTS: dict[tuple[str, str], tuple[str, str, dict[str, Any]]] = {}


def remember(memory: dict[_Key, _Value], key: _Key, value: _Value, length: int) -> None:
    """Keep ``value``, unless the text behind it is long; ``length`` counts its characters.

    >>> memory = {}
    >>> remember(memory, "k", 1, 10); remember(memory, "l", 2, 10_000); memory
    {'k': 1}
    """
    if length <= _LONGEST:
        if len(memory) >= _MOST:
            memory.clear()
        memory[key] = value
