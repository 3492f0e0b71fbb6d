"""Options that were read before without a mistake or a warning.

An explorer reads a line again at each step of a slider, with one option changed and hundreds as they were.
What is remembered depends on the text and the release alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from memkit.config.specs import Option

__all__ = ["REMEMBERED", "Read", "remember", "remember_option"]

_MOST, _LONGEST = 4096, 300
# Options that a line may have by the hundred, with ids of their own.
_MANY = frozenset(("object", "device"))
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Read(NamedTuple):
    """What an option says: its pairs and its id ("" for none).

    ``typed`` are type, id and typed properties of an object, which nobody changes.
    """

    pairs: tuple[tuple[str, str], ...]
    id: str
    typed: tuple[str, str, Mapping[str, Any]] | None = None


# (option's name, argument, release) → what it says.
REMEMBERED: dict[tuple[str, str | None, str], Read] = {}


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


def remember_option(option: Option, qemu: str, typed: tuple[str, str, Mapping[str, Any]] | None) -> None:
    """Keep what ``option`` says, if there may be many like it; JSON has rules of its own."""
    name, _, value, pairs, _ = option
    if name in _MANY and value is not None and value[:1] != "{":
        own = next((text for key, text in pairs if key == "id"), "")
        remember(REMEMBERED, (name, value, qemu), Read(pairs, own, typed), len(value))
