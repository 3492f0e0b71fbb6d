"""Pasted monitor text made readable: line ends, prompts and echoed commands taken off.

People copy from terminals, ``virsh qemu-monitor-command --hmp``, logs and bug reports.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from memkit.errors import MemkitError

__all__ = ["COMMANDS", "by_command", "normal_command", "numbered", "unreadable"]

# What memkit reads; -o (owners) and -D (disabled regions, too) only add to a tree.
COMMANDS = (
    "info ramblock", "info mtree", "info mtree -f", "info memdev", "info memory-devices", "info numa",
)
MAX_LENGTH = 64 << 20

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_PROMPT = re.compile(r"^\s*\(qemu\)\s?(?P<rest>.*)$")
_COMMAND = re.compile(r"^\s*(?P<command>info\s+[a-z]+[a-z -]*?(?:\s+-[a-zA-Z])*)\s*$")
# How the first line of each answer looks, for text that was pasted without prompts.
_OPENINGS = (
    ("info ramblock", re.compile(r"^\s*Block Name\s+PSize\b")),
    ("info mtree -f", re.compile(r"^FlatView #\d+")),
    ("info mtree", re.compile(r"^(address-space|memory-region): ")),
    ("info memdev", re.compile(r"^memory backend: ")),
    ("info memory-devices", re.compile(r"^Memory device \[")),
    ("info numa", re.compile(r"^\d+ nodes?\s*$")),
)


def numbered(text: str) -> Iterator[tuple[int, str]]:
    """The lines that say something, with their numbers from 1; no line end, prompt or echo is left.

    >>> list(numbered("(qemu) info numa\\r\\n1 nodes\\r\\n\\r\\n"))
    [(2, '1 nodes')]
    """
    for number, line in enumerate(_clean(text).split("\n"), 1):
        if line.strip() and not _PROMPT.match(line) and not _COMMAND.match(line):
            yield number, line.rstrip()


def normal_command(command: str) -> str:
    """``command`` with single blanks, and without the options that only add to ``info mtree``.

    >>> normal_command("info  mtree -o -D"), normal_command("info mtree -f -o")
    ('info mtree', 'info mtree -f')
    """
    words = [w for w in command.split() if w not in ("-o", "-D", "-d")]
    return " ".join(words)


def by_command(text: str) -> dict[str, str]:
    """Command → its answer, for a transcript with or without prompts; raises MemkitError.

    >>> by_command("(qemu) info numa\\n1 nodes\\nmemory backend: m\\n  size:  4096\\n")
    {'info numa': '1 nodes\\n', 'info memdev': 'memory backend: m\\n  size:  4096\\n'}
    """
    if len(text) > MAX_LENGTH:
        raise MemkitError(f"the text has {len(text)} characters; monitor text has at most {MAX_LENGTH}")
    found: dict[str, list[str]] = {}
    current: str | None = None
    for line in _clean(text).split("\n"):
        prompt = _PROMPT.match(line)
        command = _COMMAND.match(prompt["rest"] if prompt else line)
        if prompt or command:
            current = normal_command(command["command"]) if command else None
            continue
        opening = next((name for name, pattern in _OPENINGS if pattern.match(line)), None)
        if opening is not None:
            current = opening
        if current is not None:
            found.setdefault(current, []).append(line)
    answers = {
        name: "\n".join(lines).strip("\n") + "\n" for name, lines in found.items() if name in COMMANDS
    }
    if not any(t.strip() for t in answers.values()):
        raise MemkitError(
            f"this is not the text of a QEMU monitor: no answer to {', '.join(COMMANDS)} was found; "
            "paste the answers whole, with their first line"
        )
    return answers


def unreadable(command: str, number: int, line: str, wanted: str) -> MemkitError:
    """A MemkitError that names the line that cannot be read and what should stand there."""
    shown = line.strip()
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return MemkitError(f"line {number} of {command!r} cannot be read: {shown!r}; {wanted}")


def _clean(text: str) -> str:
    return _ESCAPE.sub("", text).replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
