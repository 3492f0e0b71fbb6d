"""Options that were read before without a mistake or a warning.

An explorer reads a line again at each step of a slider, with one option changed and hundreds as they were.
What is remembered depends on the text and the release alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from memkit.config.specs import Option, Written, new_option

__all__ = ["REMEMBERED", "Read", "recall", "remember", "remember_option"]

_MOST, _LONGEST = 4096, 300
# Options that a line may have by the hundred, with ids of their own.
_MANY = frozenset(("object", "device"))
# Type, id and typed properties of an object.
_Typed = tuple[str, str, Mapping[str, Any]]
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Read(NamedTuple):
    """What an option says: its pairs and its id ("" for none).

    ``typed`` is what it says of an object; nobody changes the properties.
    """

    pairs: tuple[tuple[str, str], ...]
    id: str
    typed: _Typed | None = None


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


def recall(
    option: Written, qemu: str, ids: dict[str, set[str]]
) -> tuple[Option, _Typed | None] | None:
    """The option completed and what it says of an object; None if it is new, or its id is taken.

    ``ids`` are those that each kind of option has; a new one is added.
    """
    name, word, value, args, index = option
    known = REMEMBERED.get((name, value, qemu))
    if known is None:
        return None
    pairs, own, typed = known
    if own:
        taken = ids.setdefault(name, set())
        if own in taken:
            return None
        taken.add(own)
    if args == pairs and isinstance(option, Option):
        return option, typed
    return new_option((name, word, value, pairs, index)), typed


def remember_option(option: Option, qemu: str, typed: _Typed | None) -> None:
    """Keep what ``option`` says, if there may be many like it; JSON has rules of its own."""
    name, _, value, pairs, _ = option
    if name in _MANY and value is not None and value[:1] != "{":
        own = next((text for key, text in pairs if key == "id"), "")
        remember(REMEMBERED, (name, value, qemu), Read(pairs, own, typed), len(value))
