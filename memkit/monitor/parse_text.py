"""Lines of monitor text, cleaned of what terminals, mails and consoles add, and the errors that name a line.

People copy from terminals, ``virsh qemu-monitor-command --hmp``, QMP, logs, mails and bug reports.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from memkit.errors import MemkitError

__all__ = [
    "COMMANDS", "ECHO", "MAX_LENGTH", "MAX_LINES", "MAX_WIDTH", "PROMPT", "Lines", "cleaned",
    "normal_command", "numbered", "quoted", "unreadable",
]

# What memkit reads; -o (owners) and -D (disabled regions, too) only add to a tree.
COMMANDS = (
    "info ramblock", "info mtree", "info mtree -f", "info memdev", "info memory-devices", "info numa",
)
# A guest with 255 CPUs and 64 network cards, which makes QEMU 5.2 repeat its tree most often, has 2.5 million
# characters in 25,000 lines.
MAX_LENGTH = 6_000_000
MAX_LINES = 80_000
# QEMU's own lines have at most some 300 characters, owners and all.
MAX_WIDTH = 1000

# Numbered lines; numbers count from 1 in what was pasted.
Lines = Iterable[tuple[int, str]]

PROMPT = re.compile(r"\s*\(qemu\)(?P<rest>.*)$")
ECHO = re.compile(r"\s*(?P<command>info +[a-z]+(?:[a-z-]*)(?: +-[a-zA-Z]+)*)\s*$")
_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]{0,40}[ -/]{0,4}[@-~]|\][^\x07\x1b\n]{0,400}(?:\x07|\x1b\\)?|[@-Z^_])")
_QUOTES = re.compile(r"^ ?(?:> ?){1,20}", re.M)
# What no text has: of the control characters, terminals send the others.
_CONTROLS = re.compile("[\x01-\x06\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f]")
# What word processors and web pages put in place of a blank.
_BLANKS = str.maketrans({"\u00a0": " ", "\u2007": " ", "\u202f": " ", "\x00": None, "\ufeff": None})


def cleaned(text: object) -> str:
    """Monitor text with plain line ends and blanks, without escapes of terminals and marks of quoted mail.

    An answer in QMP's form is unpacked.  Raises MemkitError for what is no text, and for far too much.

    >>> cleaned("> 1 nodes\\r\\n> \\x1b[Knode 0 cpus: 0\\r\\n")
    '1 nodes\\nnode 0 cpus: 0\\n'
    """
    if not isinstance(text, str):
        raise MemkitError(
            f"monitor text is a str, not {type(text).__name__}: read a file with open(name).read(), "
            "and decode bytes"
        )
    if len(text) > MAX_LENGTH:
        raise MemkitError(
            f"the text has {len(text):,} characters; up to {MAX_LENGTH:,} are read: paste only the answers "
            f"to {', '.join(COMMANDS)}"
        )
    if "\x1b" in text:
        text = _ESCAPE.sub("", text)
    if len(_CONTROLS.findall(text[:20_000])) > 200 + len(text[:20_000]) // 50:
        raise MemkitError(
            "this is no text, but the content of some other file: paste what the monitor prints to "
            f"{', '.join(COMMANDS)}"
        )
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text or not text.isascii():
        text = text.translate(_BLANKS)
    lines = text.count("\n")
    if '"return"' in text and lines <= MAX_LINES:
        text = _unpacked(text)
        lines = text.count("\n")
    if lines > MAX_LINES:
        raise MemkitError(
            f"the text has {lines:,} lines; up to {MAX_LINES:,} are read: paste only the answers to "
            f"{', '.join(COMMANDS)}"
        )
    if 2 * (text.count("\n>") + text.startswith(">")) > lines:
        text = _QUOTES.sub("", text)
    return text


def _unpacked(text: str) -> str:
    """The same with each answer of QMP's human-monitor-command as the monitor itself would print it."""
    out = []
    for line in text.split("\n"):
        if line.startswith("{"):
            try:
                answer = json.loads(line).get("return")
            except (ValueError, RecursionError):
                answer = None
            if isinstance(answer, str):
                line = answer.replace("\r\n", "\n")
        out.append(line)
    return "\n".join(out)


def numbered(text: str | Lines) -> Iterator[tuple[int, str]]:
    """The lines that say something, with their numbers from 1; no line end, prompt or echo is left.

    Lines that have numbers already come out as they are.

    >>> list(numbered("(qemu) info numa\\r\\n1 nodes\\r\\n\\r\\n"))
    [(2, '1 nodes')]
    """
    if not isinstance(text, str):
        yield from text
        return
    for number, line in enumerate(cleaned(text).split("\n"), 1):
        plain = line.strip()
        if plain and not plain.startswith("(qemu)") and not (plain.startswith("info ") and ECHO.match(plain)):
            yield number, line.rstrip()


def normal_command(command: str) -> str:
    """``command`` with single blanks, and without the options that only add to ``info mtree``.

    >>> normal_command("info  mtree -o -D"), normal_command("info mtree -f -o")
    ('info mtree', 'info mtree -f')
    """
    words = [w for w in command.split() if w not in ("-o", "-D", "-d")]
    return " ".join(words)


def quoted(line: str) -> str:
    """``line`` between quotes, short enough for a message.

    >>> quoted("  node zero  "), len(quoted("x" * 100))
    ("'node zero'", 62)
    """
    shown = line.strip()
    return repr(shown if len(shown) <= 60 else shown[:57] + "...")[:140]


def unreadable(command: str, number: int, line: str, wanted: str) -> MemkitError:
    """A MemkitError that names the line that cannot be read and what should stand there."""
    return MemkitError(f"line {number} of {command!r} cannot be read: {quoted(line)}; {wanted}")
