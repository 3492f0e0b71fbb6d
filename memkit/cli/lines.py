"""The QEMU command lines that a user gave: behind ``--``, as one quoted word, or on standard input."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from memkit.config.words import MAX_LENGTH
from memkit.errors import CommandLineError

__all__ = ["Line", "from_words", "read_stdin", "split_dashes"]

Line = str | list[str]
NOTHING = (
    "there is no QEMU command line. Write it behind --, as in: memkit {name} ... -- -M q35 -m 4G, "
    "or pass it on standard input. A bare -- stands for QEMU without any option."
)


def split_dashes(argv: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """The words for memkit itself, and those behind each ``--`` (QEMU has no option of that name).

    >>> split_dashes(["monitor", "info numa", "--", "-m", "4G"])
    (['monitor', 'info numa'], [['-m', '4G']])
    """
    parts: list[list[str]] = [[]]
    for word in argv:
        if word == "--":
            parts.append([])
        else:
            parts[-1].append(word)
    return parts[0], parts[1:]


def from_words(words: list[str]) -> Line:
    """The line that ``words`` are: argv, or text if it is one word that holds a whole line.

    >>> from_words(["-m 4G -M q35"]), from_words(["-m", "4G"])
    ('-m 4G -M q35', ['-m', '4G'])
    """
    if len(words) == 1 and len(words[0].split()) > 1 and (words[0].lstrip()[:1] == "-" or " -" in words[0]):
        return words[0]
    return words


def read_stdin(name: str) -> str:
    """The text on standard input; raises CommandLineError if it is empty or no UTF-8 text."""
    if sys.stdin is None:
        raise CommandLineError(NOTHING.format(name=name))
    if sys.stdin.isatty():
        print("Type or paste a QEMU command line, then press Enter and Ctrl-D:", file=sys.stderr, flush=True)
    # Enough for the parser to say that it is too long, and never more.
    limit = 4 * MAX_LENGTH + 4
    buffer = getattr(sys.stdin, "buffer", None)
    if buffer is None:
        text = sys.stdin.read(limit)
    else:
        data = buffer.read(limit)
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            if error.end == len(data) == limit:
                text = data[: error.start].decode("utf-8-sig")
            else:
                raise CommandLineError(
                    f"standard input is no UTF-8 text: byte {data[error.start]:#04x} at position "
                    f"{error.start}. Pass the QEMU command line as plain text.",
                    position=error.start,
                ) from None
    if not text.strip():
        raise CommandLineError(NOTHING.format(name=name))
    return text
