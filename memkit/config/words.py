"""From one pasted line to words: quotes, continuations, and a program name in front.

People paste from terminals, scripts, ``ps`` and libvirt's logs.  The text is only split, never run,
and nothing in it is expanded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from memkit.errors import CommandLineError

__all__ = ["MAX_LENGTH", "split"]

MAX_LENGTH = 1 << 20
# Linux hands no longer word to a program (MAX_ARG_STRLEN, which counts the byte behind the last).
MAX_WORD = (1 << 17) - 1
# Far more than anybody needs, and few enough to be read at once.
MAX_WORDS = 1 << 16
_PROGRAM = re.compile(r"(?:.*/)?(?:qemu-system-(?P<target>[a-z0-9_]+)(?:-[a-z]+)?|qemu-kvm|kvm|qemu)\Z", re.S)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_PROMPT = re.compile(r"\S*[$#%>]\Z|[A-Za-z_][A-Za-z0-9_]*=")
# One step of a shell's reader.  A backslash before the end of a line continues it, also with
# blanks behind the backslash, which is how lines arrive from web pages.
_STEP = re.compile(
    r"(?P<gap>(?:[ \t\r\n]|\\[ \t]*\r?\n)+)|(?P<plain>[^ \t\r\n'\"\\]+)|'(?P<single>[^']*)'"
    r"|\"(?P<double>[^\"\\]*(?:\\.[^\"\\]*)*)\"|\\(?P<escaped>.)",
    re.S,
)
_IN_DOUBLE = re.compile(r"\\([$`\"\\])|\\\n")
_JSON_STEP = re.compile(r"\"[^\"\\]*(?:\\.[^\"\\]*)*\"|[{}]", re.S)
# A shell's "run it in the background", which is no word of the command.
_BACKGROUND = re.compile(r"(?:^|[ \t\r\n])&[ \t\r\n]*\Z")
# How far in front of the program's name a log or a prompt can reach.
_LEAD = 64


def split(line: str | Sequence[str]) -> tuple[str | None, str, list[str]]:
    """The target, the program's name and the words of ``line`` (text or argv list).

    The target is None and the program "" where the line has none.  A prompt, variables, ``sudo`` and
    a log's heading in front of the program are dropped.  Raises CommandLineError that names the word and
    its position (characters in text, words in a list).

    >>> split("$ qemu-system-x86_64 -m 4G")
    ('x86_64', 'qemu-system-x86_64', ['-m', '4G'])
    """
    words = _split_text(line) if isinstance(line, str) else _check_list(line)
    if isinstance(line, str) and len(line) > MAX_WORD:
        for word in words:
            if len(word) > MAX_WORD:
                raise _too_long(word, max(line.find(word[:40]), 0))
    if len(words) > MAX_WORDS:
        raise CommandLineError(
            f"the command line has {len(words)} words; at most {MAX_WORDS} are read, and "
            f"{words[MAX_WORDS]!r:.40} is one more",
            word=words[MAX_WORDS][:40], position=MAX_WORDS,
        )
    if not words or words[0][:1] == "-":
        return None, "", words
    found = _find_program(words)
    if found is not None:
        index, target = found
        return target, words[index], words[index + 1:]
    start = 0
    # Only what was pasted can have a prompt in front.
    while isinstance(line, str) and start < len(words) and _PROMPT.match(words[start]):
        start += 1
    return None, "", words[start:]


def _find_program(words: list[str]) -> tuple[int, str] | None:
    """The place of the program's name among ``words``, and its target; None if there is none."""
    named = [(i, m) for i, word in enumerate(words[:_LEAD]) if (m := _PROGRAM.match(word))]
    for index, match in named:
        # A log's heading says "qemu version: 7.2.0" first; options behind it or a path tell them apart.
        short = match["target"] is None and "/" not in words[index]
        if not short or index == 0 or words[index + 1:index + 2] == [] or words[index + 1][:1] == "-":
            return index, match["target"] or "x86_64"
    return (named[0][0], named[0][1]["target"] or "x86_64") if named else None


def _split_text(text: str) -> list[str]:
    if len(text) > MAX_LENGTH:
        raise CommandLineError(
            f"the text has {len(text)} characters; a command line has at most {MAX_LENGTH}. "
            "Paste only the QEMU command line.",
            word=text[:40], position=MAX_LENGTH,
        )
    # Most text is printable, which is found out at once.
    bad = None if text.isprintable() else _CONTROL.search(text)
    if bad is not None:
        raise CommandLineError(
            f"the text holds the control character {bad[0]!r} at position {bad.start()}; it is "
            "binary, not a command line",
            word=bad[0], position=bad.start(),
        )
    text = _BACKGROUND.sub("", text) if "&" in text else text
    if "'" not in text and '"' not in text and "\\" not in text:
        # A shell's blanks are these four.  ASCII has no others but control characters, Unicode has.
        return text.split() if text.isascii() else [word for word in re.split("[ \t\r\n]+", text) if word]
    return _split_quoted(text)


def _split_quoted(text: str) -> list[str]:
    words: list[str] = []
    current: list[str] | None = None
    position = 0
    bare_json = True
    while position < len(text):
        if bare_json and current is None and text.startswith('{"', position):
            # ps and some logs show JSON without the quotes that a shell would need.
            end = _json_end(text, position)
            if end:
                words.append(text[position:end])
                position = end
                continue
            bare_json = False
        step = _STEP.match(text, position)
        if step is None:
            raise _unclosed(text, position)
        position = step.end()
        kind = step.lastgroup
        if kind == "gap":
            if current is not None:
                words.append("".join(current))
                current = None
            continue
        piece = step[kind or 0]
        if kind == "double":
            piece = _IN_DOUBLE.sub(lambda m: m[1] or "", piece)
        if current is None:
            current = [piece]
        else:
            current.append(piece)
    if current is not None:
        words.append("".join(current))
    return words


def _json_end(text: str, start: int) -> int:
    """Where the JSON object that starts at ``start`` ends, or 0 if it is not followed by a blank."""
    depth = 0
    for step in _JSON_STEP.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(step[0], 0)
        if depth == 0:
            return step.end() if text[step.end():step.end() + 1] in ("", " ", "\t", "\r", "\n") else 0
    return 0


def _unclosed(text: str, position: int) -> CommandLineError:
    word = text[position:position + 30]
    if text[position] == "\\":
        return CommandLineError(
            f"the text ends with a backslash at position {position}, which continues nothing. Remove it.",
            word=word, position=position,
        )
    quote = "a single quote" if text[position] == "'" else "a double quote"
    return CommandLineError(
        f"no closing quotation: {quote} opens at position {position}, at {word!r}, and never closes. "
        "Close it, or remove it.",
        word=word, position=position,
    )


def _too_long(word: str, position: int) -> CommandLineError:
    return CommandLineError(
        f"the word {word[:40]!r}... at position {position} has {len(word)} characters; Linux hands a program "
        f"at most {MAX_WORD}. Paste only the QEMU command line.",
        word=word[:40], position=position,
    )


def _check_list(line: Sequence[str]) -> list[str]:
    if not isinstance(line, Sequence) or isinstance(line, (bytes, bytearray, memoryview)):
        raise CommandLineError(
            f"a command line is text or a list of words, not {type(line).__name__}", word=repr(line)[:40],
            position=0,
        )
    total = 0
    for position, word in enumerate(line):
        if not isinstance(word, str):
            raise CommandLineError(
                f"word {position} is {word!r:.40}, which is not text; every word of argv is a string",
                word=repr(word)[:40], position=position,
            )
        bad = None if word.isprintable() else _CONTROL.search(word)
        if bad is not None:
            raise CommandLineError(
                f"word {position} holds the control character {bad[0]!r}; it is binary, not a command line",
                word=word[:40], position=position,
            )
        if len(word) > MAX_WORD:
            raise _too_long(word, position)
        total += len(word) + 1
        if total > MAX_LENGTH:
            raise CommandLineError(
                f"the words have more than {MAX_LENGTH} characters together (at word {position})",
                word=word[:40], position=position,
            )
    return list(line)
