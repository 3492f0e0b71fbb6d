"""A paste taken apart: which of its lines answer which monitor command, and which answer nothing.

Prompts and echoed commands lead; where they are missing, the first line of each answer tells it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from memkit.errors import MemkitError
from memkit.monitor.parse_text import (
    COMMANDS,
    ECHO,
    MAX_WIDTH,
    PROMPT,
    cleaned,
    normal_command,
    quoted,
    unreadable,
)

__all__ = ["Answer", "Paste", "take_apart"]

DISABLED = "info mtree -D"
_READ = (*COMMANDS, DISABLED)
# How the first line of each answer looks, by its first word.
_OPENINGS = {
    "Block": ("info ramblock", re.compile(r"Block Name +PSize\b")),
    "FlatView": ("info mtree -f", re.compile(r"FlatView #[0-9]+$")),
    "address-space:": ("info mtree", re.compile("address-space: ")),
    "memory-region:": ("info mtree", re.compile("memory-region: ")),
    "memory": ("info memdev", re.compile("memory backend: ")),
    "Memory": ("info memory-devices", re.compile(r"Memory device \[")),
}
_NODES = re.compile(r"[0-9]{1,4} nodes?$")
# What starts the answer anew where it was given before.
_FIRST = re.compile(r"Block Name |FlatView #0$|[0-9]+ nodes?$")
_RANGE = re.compile(r"(?:\[DETECTED OVERFLOW!\] *)?[0-9a-f]{8,16}-[0-9a-f]{8,16} \(prio ")
_PART = re.compile(
    r"address-space: |memory-region: |FlatView #|AS \"|Root memory region:|No rendered FlatView|Dispatch$|"
    r"#[0-9]+ |Nodes|Physical sections|\[[0-9]|memory backend: |Memory device \[|[a-z][a-z -]{0,30}:|"
    r"node [0-9]+ |Block Name |.*0x[0-9a-f]{16}"
)
_REFUSED = re.compile(r"(?:unknown command|Error:|Command .* not (?:found|available))")
_WINDOW = re.compile(r" [0-9a-f]{8,16}-[0-9a-f]{8,16}(?: \[disabled\])?(?: (?:owner|parent):\{.*| orphan)?$")


@dataclass(slots=True)
class Answer:
    """The numbered lines that answer one command; ``cut`` if the text ends before the answer must."""

    lines: list[tuple[int, str]] = field(default_factory=list)
    cut: bool = False

    @property
    def text(self) -> str:
        """The answer as the monitor prints it, without blank lines."""
        return "".join(f"{line}\n" for _, line in self.lines)


@dataclass(slots=True)
class Paste:
    """Command → Answer, and sentences about what was not read; ``ended`` is False for an unfinished line."""

    answers: dict[str, Answer] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    ended: bool = True


def take_apart(text: object) -> Paste:
    """The answers that a transcript holds, with or without prompts; raises MemkitError if it holds none.

    >>> take_apart("(qemu) info numa\\n1 nodes\\nmemory backend: m\\n  size:  4096\\n").answers["info memdev"]
    Answer(lines=[(3, 'memory backend: m'), (4, '  size:  4096')], cut=False)
    """
    plain = cleaned(text)
    reader = _Reader()
    for number, line in enumerate(plain.split("\n"), 1):
        reader.take(number, line)
    reader.finish(ended=plain.endswith("\n") or not plain.strip())
    return reader.paste


class _Reader:
    def __init__(self) -> None:
        self.paste = Paste()
        self.current: str | None = None  # the command that is being answered
        self.echoed = False
        self.blank = False
        self.headless: list[tuple[int, str]] = []  # ranges before any first line of an answer
        self.outside: list[tuple[int, str]] = []

    def take(self, number: int, line: str) -> None:
        said = line.strip()
        if not said:
            self.blank = True
            return
        blank, self.blank = self.blank, False
        if len(line) > MAX_WIDTH:
            if self.current in _READ and not blank:
                raise unreadable(
                    str(self.current), number, line, f"no line of an answer is longer than {MAX_WIDTH:,} "
                                                     "characters"
                )
            self.current = None
            self.outside.append((number, line))
            return
        prompt = PROMPT.match(line) if said.startswith("(qemu)") else None
        echo = ECHO.match(prompt["rest"] if prompt else line) if "info " in said else None
        if prompt or echo:
            self._asked(normal(echo["command"]) if echo else None)
            return
        name = self._opening(said)
        if name is not None:
            self._opened(name, said)
        elif self.current is None and _RANGE.match(said) and not self.echoed:
            self.headless.append((number, line.rstrip()))
            return
        elif blank and self.current is not None and not _RANGE.match(said) and not _PART.match(said):
            self.current = None
        if self.current is None:
            self.outside.append((number, line))
        elif self.current in _READ:
            self.paste.answers[self.current].lines.append((number, line.rstrip()))

    def _asked(self, command: str | None) -> None:
        self._settle_headless(None)
        self.current, self.echoed = command, command is not None
        if command in _READ:
            self._start(str(command))

    def _opening(self, said: str) -> str | None:
        found = _OPENINGS.get(said.split(" ", 1)[0])
        if found is not None:
            return found[0] if found[1].match(said) else None
        return "info numa" if said[0].isdigit() and _NODES.match(said) else None

    def _opened(self, name: str, said: str) -> None:
        self._settle_headless(name)
        same = self.current is not None and self.current.removesuffix(" -D") == name
        answered = self.paste.answers.get(name)
        if same and not (_FIRST.match(said) and answered is not None and answered.lines):
            return
        if not same and name in ("info memdev", "info memory-devices", "info mtree") and answered is not None:
            self.current = name  # its lines go on behind something that was in between
            return
        self.current = name
        self._start(name)

    def _start(self, command: str) -> None:
        old = self.paste.answers.get(command)
        if old is not None and old.lines:
            self.paste.notes.append(f"{command!r} is answered twice; the later answer is the one that is "
                                    "read")
        self.paste.answers[command] = Answer()

    def _settle_headless(self, following: str | None) -> None:
        """Ranges whose first line was cut off: FlatView or tree, as what follows or their indents tell."""
        lines, self.headless = self.headless, []
        if not lines:
            return
        indents = {len(line) - len(line.lstrip()) for _, line in lines}
        tree = following == "info mtree" or (following != "info mtree -f" and (
            len(indents) > 1 or any("): alias " in line for _, line in lines)
        ))
        name = "info mtree" if tree else "info mtree -f"
        self.paste.answers.setdefault(name, Answer()).lines += lines
        what = "address space" if tree else "FlatView"
        self.paste.notes.append(
            f"line {lines[0][0]} begins within {name!r}: what stands before its first heading is taken for "
            "the "
            f'{what} "memory"'
        )
        self.current = name

    def finish(self, *, ended: bool) -> None:
        paste = self.paste
        if self.current in _READ and not paste.answers[str(self.current)].lines:
            del paste.answers[str(self.current)]  # echoed, and cut off before the answer
        self._settle_headless(None)
        if self.current in paste.answers:
            paste.answers[str(self.current)].cut = not ended
        self._unanswered()
        if not paste.answers:
            raise MemkitError(
                f"this is not the text of a QEMU monitor: no answer to {', '.join(COMMANDS)} was found; "
                "paste the answers whole, with their first line"
            )
        for name, answer in paste.answers.items():
            answer.lines = _unwrapped(name, answer.lines)
        if self.outside:
            number, line = self.outside[0]
            count = len(self.outside)
            others = (" is", " and one more are")[count - 1] if count < 3 else f" and {count - 1:,} more are"
            paste.notes.append(f"line {number}{others} no answer that is read here: {quoted(line)}")

    def _unanswered(self) -> None:
        """Take out commands that this QEMU did not know; raise MemkitError if it answered nothing else."""
        for name, answer in [*self.paste.answers.items()]:
            if answer.lines and _REFUSED.match(answer.lines[0][1].strip()):
                number, line = answer.lines[0]
                said = f"line {number}: the monitor did not answer {name!r}; it said: {line.strip()[:80]}"
                del self.paste.answers[name]
                if not self.paste.answers:
                    raise MemkitError(said)
                self.paste.notes.append(said)


def normal(command: str) -> str:
    """``command`` as answers are kept: ``info mtree -D`` is another answer than ``info mtree``.

    >>> normal("info  mtree -o -D"), normal("info mtree -f -o")
    ('info mtree -D', 'info mtree -f')
    """
    name = normal_command(command)
    return DISABLED if name == "info mtree" and "-D" in command.split() else name


def _unwrapped(name: str, lines: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """The lines, with those joined again that a mail program broke in two or three."""
    if name not in (DISABLED, "info mtree", "info mtree -f", "info ramblock"):
        return [*lines]
    out: list[tuple[int, str]] = []
    joins = 0
    for number, line in lines:
        said = line.strip()
        whole = not out or _RANGE.match(said) or _PART.match(said) or joins > 2
        if not whole and _incomplete(name, out[-1][1]):
            out[-1] = (out[-1][0], f"{out[-1][1]} {said}")
            joins += 1
        else:
            out.append((number, line))
            joins = 0
    return out


def _incomplete(name: str, line: str) -> bool:
    if name == "info ramblock":
        return "Block Name" not in line and line.count(" 0x") < 3
    if not _RANGE.match(line.strip()):
        return False
    return line.endswith("):") or ("): alias" in line and _WINDOW.search(line) is None)
