"""A mistake in an option's argument, before it is known where the argument stands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from memkit.config.specs import Option
from memkit.errors import Refused

__all__ = ["HelpWanted", "Wrong", "near", "refuse"]


class Wrong(Exception):
    """``message`` is QEMU's, without the place; ``why`` and ``hint`` are ours.

    ``key`` and ``values`` are for other releases, which may say it otherwise (see Refused).
    """

    def __init__(self, message: str, why: str, hint: str, key: str = "", **values: object) -> None:
        super().__init__(message)
        self.message = message
        self.key = key
        self.values = values
        self.why = why
        self.hint = hint


class HelpWanted(Exception):
    """The argument asks QEMU to print help, after which it exits."""


def refuse(option: Option, wrong: Wrong, *, located: bool = True, source: str = "") -> NoReturn:
    """Raise Refused for ``wrong``; QEMU puts the option as written in front unless not ``located``."""
    why = wrong.why
    if "$" in (option.value or ""):
        why += " The argument holds a $, which a shell would expand; here it is read as it stands."
    raise Refused(
        f"{option.text}: {wrong.message}" if located else wrong.message, explanation=why, hint=wrong.hint,
        option=option.text, position=option.index, source=source,
        key=wrong.key, values=wrong.values, located=located,
    ) from None


def near(name: str, known: Iterable[str]) -> str:
    """A hint: the names close to ``name``, or all of them.

    >>> near("maxmen", ["size", "slots", "maxmem"])
    'did you mean maxmem?'
    """
    # Only mistakes pay for this import.
    from difflib import get_close_matches

    names = list(known)
    close = get_close_matches(name[:64], names, 3)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"known: {', '.join(sorted(names))}" if names else ""
