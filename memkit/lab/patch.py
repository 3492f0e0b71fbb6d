"""A command line changed in place: only the words that an edit concerns, all else as the user wrote it.

A Config prints itself as one line with the quotes that a shell needs.  A person's line has its own
breaks, quotes and blanks, and keeps them here.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from difflib import SequenceMatcher

from memkit.config import Config
from memkit.config.words import split
from memkit.errors import MemkitError

__all__ = ["rewritten"]

# A word with its quotes; a backslash before the end of a line belongs to the gap, as for a shell.
_RAW = re.compile(
    r"(?:\\(?![ \t]*\r?\n).|'[^']*'|\"[^\"\\]*(?:\\.[^\"\\]*)*\"|[^ \t\r\n'\"\\])+", re.S
)
_BREAK = re.compile(r"[ \t]*\\?[ \t]*\r?\n[ \t]*(?=-)")

Place = tuple[int, int]


def rewritten(text: str, old: Config, new: Config) -> str:
    """``text``, which reads as ``old``, changed where it must be to read as ``new``.

    Falls back on ``new.text()`` where the words of the text cannot be told apart.

    >>> from memkit.config import parse
    >>> line = "-M q35 \\\\\\n  -m 4G"
    >>> print(rewritten(line, parse(line), parse("-M q35 -m 8G")))
    -M q35 \\
      -m 8G
    """
    places = _places(text, old.argv())
    if places is None:
        return new.text()
    patched = _patched(text, *places, old.argv(), new.argv())
    try:
        same = split(patched) == (new.target, new.program, new.argv())
    except MemkitError:
        same = False
    return patched if same else new.text()


def _places(text: str, argv: Sequence[str]) -> tuple[int, list[Place]] | None:
    """Where the first word may stand, and where each word of ``argv`` stands; None if that is unclear."""
    found = list(_RAW.finditer(text))
    for first in range(len(found) - len(argv), -1, -1):
        raw = found[first:first + len(argv)]
        if all(_plain(m[0]) == word for m, word in zip(raw, argv, strict=True)):
            return found[first - 1].end() if first else 0, [m.span() for m in raw]
    return None


def _plain(raw: str) -> str | None:
    """A word without its quotes."""
    if not {"'", '"', "\\"} & set(raw):
        return raw
    try:
        return "".join(shlex.split(raw))
    except ValueError:
        return None


def _patched(
    text: str, start: int, places: Sequence[Place], old: Sequence[str], new: Sequence[str]
) -> str:
    breaks = _BREAK.findall(text)
    gap = breaks[-1] if breaks else " "
    pieces: list[str] = []
    cursor = 0
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        both = min(i2 - i1, j2 - j1)
        for (begin, end), word in zip(places[i1:i1 + both], new[j1:j1 + both], strict=True):
            pieces += (text[cursor:begin], shlex.quote(word))
            cursor = end
        i1, j1 = i1 + both, j1 + both
        before = places[i1 - 1][1] if i1 else start
        if i1 < i2:
            # The gap before the words goes with them; in front of everything, the one behind them.
            pieces.append(text[cursor:before])
            cursor = places[i2][0] if before == 0 and i2 < len(places) else places[i2 - 1][1]
        elif j1 < j2:
            pieces.append(text[cursor:before])
            cursor = before
            for word in new[j1:j2]:
                blank = gap if word[:1] == "-" else " "
                pieces += (blank if "".join(pieces) else "", shlex.quote(word))
            if before == 0 and places:
                pieces.append(" ")
    return "".join([*pieces, text[cursor:]])
