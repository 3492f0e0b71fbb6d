"""From one pasted line to words: quotes, continuations, and a program name in front.

People paste from terminals, scripts and logs.  The text is only split, never run.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from memkit.errors import CommandLineError

__all__ = ["MAX_LENGTH", "split"]

MAX_LENGTH = 1 << 20
_PROGRAM = re.compile(r"^(?:.*/)?(?:qemu-system-(?P<target>[a-z0-9_]+)|qemu-kvm|kvm)$")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def split(line: str | Sequence[str]) -> tuple[str | None, str, list[str]]:
    """The target, the program's name and the words of ``line`` (text or argv list).

    The target is None and the program "" where the line has none.  Raises CommandLineError that names
    the word and its position (characters in text, words in a list).

    >>> split("$ qemu-system-x86_64 -m 4G")
    ('x86_64', 'qemu-system-x86_64', ['-m', '4G'])
    """
    words = _split_text(line) if isinstance(line, str) else _check_list(line)
    if words and words[0] in ("$", "#"):
        words = words[1:]
    while words and re.fullmatch(r"[A-Z_][A-Z0-9_]*=.*|sudo|exec|env", words[0], re.S):
        words = words[1:]
    if words and (match := _PROGRAM.match(words[0])):
        return match["target"] or "x86_64", words[0], words[1:]
    return None, "", words


def _split_text(text: str) -> list[str]:
    if len(text) > MAX_LENGTH:
        raise CommandLineError(
            f"the text has {len(text)} characters; a command line has at most {MAX_LENGTH}. "
            "Paste only the QEMU command line.",
            position=MAX_LENGTH,
        )
    if bad := _CONTROL.search(text):
        raise CommandLineError(
            f"the text holds the control character {bad[0]!r} at position {bad.start()}; it is "
            "binary, not a command line",
            word=bad[0], position=bad.start(),
        )
    joined = re.sub(r"\\\r?\n", " ", text).replace("\r", " ")
    lexer = shlex.shlex(joined, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError as e:
        position, quote = _open_quote(joined)
        word = joined[position:position + 30]
        raise CommandLineError(
            f"{str(e).lower()}: {quote} opens at position {position}, before {word!r}, and never closes. "
            "Close it, or remove it.",
            word=word, position=position,
        ) from None


def _open_quote(text: str) -> tuple[int, str]:
    """Where the quote that never closes stands, and the quote itself."""
    quote, start, index = "", 0, 0
    while index < len(text):
        char = text[index]
        if quote:
            if char == quote:
                quote = ""
            elif char == "\\" and quote == '"':
                index += 1
        elif char in "'\"":
            quote, start = char, index
        elif char == "\\":
            index += 1
            if index >= len(text):
                return index - 1, "a backslash"
        index += 1
    return (start, "a single quote" if quote == "'" else "a double quote") if quote else (len(text), "an escape")


def _check_list(line: Sequence[str]) -> list[str]:
    if not isinstance(line, Sequence):
        raise CommandLineError(f"a command line is text or a list of words, not {type(line).__name__}")
    total = 0
    for position, word in enumerate(line):
        if not isinstance(word, str):
            raise CommandLineError(
                f"word {position} is {word!r:.40}, which is not text; every word of argv is a string",
                word=repr(word)[:40], position=position,
            )
        if "\x00" in word:
            raise CommandLineError(
                f"word {position} holds a NUL character, which no program can receive",
                word=word[:40], position=position,
            )
        total += len(word)
        if total > MAX_LENGTH:
            raise CommandLineError(
                f"the words have more than {MAX_LENGTH} characters together (at word {position})",
                word=word[:40], position=position,
            )
    return list(line)
