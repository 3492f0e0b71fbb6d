"""The exceptions that memkit raises.

::

    MemkitError                 anything memkit reports to its user
    ├── CommandLineError        the text is not a command line at all (also a ValueError)
    ├── HostError               a description of a host that cannot be read (also a ValueError)
    ├── Refused                 QEMU would refuse this command line
    └── Unavailable             a live feature lacks a program or a library

Every message names the wrong word, says what is allowed and what to try.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["CommandLineError", "HostError", "MemkitError", "Refused", "Unavailable"]


class MemkitError(Exception):
    """Base class: catch this to catch everything that memkit reports on purpose."""

    def _render_traceback_(self) -> list[str]:
        # IPython asks for this: a notebook shows the words, not the way through our code.
        return str(self).splitlines() or [type(self).__name__]


class CommandLineError(MemkitError, ValueError):
    """The text cannot be split into words, so no QEMU would ever see it.

    ``position`` counts characters from 0 in the text (or words in an argv list).
    """

    def __init__(self, message: str, *, word: str = "", position: int | None = None) -> None:
        super().__init__(message)
        self.word = word
        self.position = position


class HostError(MemkitError, ValueError):
    """A host description names something that memkit does not know."""


class Refused(MemkitError):
    """QEMU would print ``message`` and exit.

    ``message`` is QEMU's own text without the program's name; its first line is exact.
    ``explanation`` and ``hint`` are ours: why QEMU says so, and what to write instead.
    ``option`` is the offending option as written, and ``position`` the index of its
    dash word in argv, where that is known.  ``key`` names the kind of refusal and ``values`` fill in
    its text: other releases of QEMU may say it otherwise (memkit.versions.wordings).
    ``located`` is True if the option as written stands in front.

    >>> Refused("no free slots available", hint="raise slots=").hint
    'raise slots='
    """

    def __init__(
        self,
        message: str,
        *,
        explanation: str = "",
        hint: str = "",
        option: str = "",
        position: int | None = None,
        source: str = "",
        key: str = "",
        values: Mapping[str, object] | None = None,
        located: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.key = key
        self.values = dict(values or {})
        self.located = located
        self.explanation = explanation
        self.hint = hint
        self.option = option
        self.position = position
        self.source = source

    def __str__(self) -> str:
        parts = [self.message]
        if self.explanation:
            parts.append(f"Why: {self.explanation}")
        if self.hint:
            parts.append(f"Try: {self.hint}")
        return "\n".join(parts)


class Unavailable(MemkitError):
    """A program or library that a live feature needs is not installed."""
