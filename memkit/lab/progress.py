"""What a learner has done, kept in one small file on this machine, and carried on as a short code.

Nothing leaves the machine.  The file lies in Jupyter's data folder; a code of letters and digits holds the
same, so that the next Binder session can go on where the last one ended.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from memkit.draw.svg import escape
from memkit.errors import MemkitError
from memkit.lab.course import CHAPTERS, PATHS
from memkit.lab.drills import KINDS, LEVELS

__all__ = ["Progress", "progress", "record_drill", "record_prediction", "store"]

FILE = "memkit-progress.json"
PREFIX = "MK1"
# Codes of older kits must be read by newer ones: names are only ever added, at the end.
PREDICTIONS = (
    "gpa-of-dimm", "ram-above-4g", "offset-at-4g", "offset-at", "gpa-of-offset", "ram-addr-of", "ram-blocks",
    "who-answers", "what-a-write-does", "page-size-of", "dirty-pages", "shared-blocks", "name-of-block",
    "migrated-blocks", "boots", "which-hazard", "mend", "all-of-ram", "vhost-user-sees",
    "migration-outcome", "postcopy-works", "which-qemus", "still-holds", "which-boards",
    "ram-end",
)
DRILLS = (
    "gpa-of-dimm", "ram-above-4g", "offset-at", "gpa-of-offset", "ram-addr-of", "ram-blocks", "who-answers",
    "what-a-write-does", "page-size-of", "dirty-pages", "shared-blocks", "name-of-block", "migrated-blocks",
    "boots", "which-hazard", "mend", "all-of-ram", "vhost-user-sees", "migration-outcome",
    "postcopy-works", "which-qemus", "still-holds", "which-boards",
    "ram-end",
)
# Bits in a code: one for a prediction, two and four for the level and the number of a drill.
_LEVEL_BITS, _COUNT_BITS = 2, 4
MOST = (1 << _COUNT_BITS) - 1


@dataclass(frozen=True)
class Progress:
    """What was done: ``predicted`` are names of questions, ``solved`` kind of drill → (level, how many).

    ``note`` says what happened to the file, "" if nothing did.
    """

    predicted: frozenset[str] = frozenset()
    solved: dict[str, tuple[int, int]] = field(default_factory=dict)
    note: str = ""

    @property
    def code(self) -> str:
        """All of it as a short code to write down: letters and digits, in groups of five.

        >>> Progress(frozenset({"ram-blocks"}), {"boots": (2, 3)}).code[:4]
        'MK1-'
        """
        bits = [name in self.predicted for name in PREDICTIONS]
        number = sum(1 << place for place, bit in enumerate(bits) if bit)
        at = len(PREDICTIONS)
        for kind in DRILLS:
            level, count = self.solved.get(kind, (0, 0))
            number |= (min(level, LEVELS[-1]) | min(count, MOST) << _LEVEL_BITS) << at
            at += _LEVEL_BITS + _COUNT_BITS
        body = number.to_bytes((at + 7) // 8, "little").rstrip(b"\0")
        whole = bytes([len(PREDICTIONS)]) + body
        text = base64.b32encode(whole + zlib.crc32(whole).to_bytes(4, "big")[2:]).decode().rstrip("=")
        return "-".join([PREFIX, *(text[i : i + 5] for i in range(0, len(text), 5))])

    @classmethod
    def from_code(cls, code: str) -> Progress:
        """The progress that a code holds; raises MemkitError for what is none, or was mistyped."""
        letters = "".join(code.upper().replace("-", " ").split())
        if not letters.startswith(PREFIX):
            raise MemkitError(f"{code!r:.60} is no code of this course; one begins with {PREFIX}-")
        text = letters[len(PREFIX):].replace("0", "O").replace("1", "I").replace("8", "B")
        try:
            whole = base64.b32decode(text + "=" * (-len(text) % 8))
        except ValueError:
            whole = b""
        exact = base64.b32encode(whole).decode().rstrip("=") == text
        if not exact or len(whole) < 3 or zlib.crc32(whole[:-2]).to_bytes(4, "big")[2:] != whole[-2:]:
            raise MemkitError(f"the code {code!r:.80} was cut short or mistyped; copy all of it once more")
        count, number = whole[0], int.from_bytes(whole[1:-2], "little")
        predicted = frozenset(name for place, name in enumerate(PREDICTIONS[:count]) if number >> place & 1)
        solved, at = {}, count
        for kind in DRILLS:
            level = number >> at & (1 << _LEVEL_BITS) - 1
            many = number >> at + _LEVEL_BITS & MOST
            if many:
                solved[kind] = (level, many)
            at += _LEVEL_BITS + _COUNT_BITS
        return cls(predicted, solved)

    def merged(self, other: Progress) -> Progress:
        """Both together: whatever was done in one of them is done."""
        solved = {kind: max(self.solved.get(kind, (0, 0)), other.solved.get(kind, (0, 0)))
                  for kind in {**self.solved, **other.solved}}
        return replace(self, predicted=self.predicted | other.predicted, solved=solved)

    def done(self, kinds: Iterable[str]) -> tuple[int, int]:
        """How many of some kinds of drill were solved at least once, and how many there are."""
        names = tuple(kinds)
        return sum(name in self.solved for name in names), len(names)

    def __str__(self) -> str:
        lines = [f"Your way through the course: {len(self.predicted)} kinds of prediction made, "
                 f"{len(self.solved)} of {len(KINDS)} kinds of drill solved."]
        for chapter in CHAPTERS:
            got, of = self.done(chapter.drills)
            said = f"drills {got} of {of}" if of else "no drills"
            lines.append(f"  {chapter.id}: {chapter.title} ({chapter.minutes} minutes), {said}")
        lines += [f"{path.title} ({path.minutes} minutes): {', '.join(path.chapters)}" for path in PATHS]
        lines.append(f"To go on elsewhere: memkit.progress({self.code!r})")
        return "\n".join(filter(None, [*lines, self.note]))

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        rows = []
        for chapter in CHAPTERS:
            got, of = self.done(chapter.drills)
            bar = f'<progress value="{got}" max="{of}" aria-label="drills">{got}</progress>' if of else ""
            kinds = ", ".join(
                f"{kind}{f' (level {self.solved[kind][0]})' if kind in self.solved else ''}"
                for kind in chapter.drills)
            rows.append(
                f'<tr><td><a href="{chapter.id}.ipynb">{escape(chapter.title)}</a></td>'
                f"<td>{chapter.minutes} minutes</td><td>{bar} {f'{got} of {of}' if of else ''}</td>"
                f"<td>{escape(kinds)}</td></tr>")
        paths = "".join(
            f"<li><b>{escape(path.title)}</b> ({path.minutes} minutes), for {escape(path.who)}: "
            + ", ".join(f'<a href="{name}.ipynb">{name}</a>' for name in path.chapters) + "</li>"
            for path in PATHS)
        note = f"<p>{escape(self.note)}</p>" if self.note else ""
        html = (
            '<section aria-label="Your way through the course">'
            "<style>.mk-way :is(td,th){text-align:left!important}</style>"
            '<table class="mk-way"><thead><tr><th>Chapter</th>'
            "<th>Takes</th><th>Drills solved</th><th>Kinds of drill</th></tr></thead>"
            f"<tbody>{''.join(rows)}</tbody></table><p>Three paths:</p><ul>{paths}</ul>"
            "<p>To go on elsewhere, copy this into a cell: "
            f"<code>memkit.progress({escape(repr(self.code))})</code>"
            f"</p>{note}</section>")
        return {"text/plain": str(self), "text/html": html}


def store() -> Path:
    """The file that keeps the progress; JUPYTER_DATA_DIR moves it."""
    try:
        from jupyter_core.paths import jupyter_data_dir
    except ImportError:
        return Path.home() / ".local" / "share" / "jupyter" / FILE
    return Path(jupyter_data_dir()) / FILE


def progress(code: str = "") -> Progress:
    """The Progress that this machine keeps; a ``code`` from elsewhere is added to it, and kept.

    Raises MemkitError for what is no code.
    """
    if not isinstance(code, str):
        raise MemkitError(f"a code is text that begins with {PREFIX}-, not {code!r:.60}")
    kept = _load()
    if not code:
        return kept
    merged = kept.merged(Progress.from_code(code))
    return replace(merged, note=_save(merged) or "Added, and kept on this machine.")


def record_prediction(name: str) -> None:
    """Keep that a question was answered; where the file cannot be written, nothing happens."""
    kept = _load()
    if name not in kept.predicted:
        _save(replace(kept, predicted=kept.predicted | {name}))


def record_drill(kind: str, level: int) -> None:
    """Keep that a drill was solved; where the file cannot be written, nothing happens."""
    kept = _load()
    best, count = kept.solved.get(kind, (0, 0))
    _save(replace(kept, solved={**kept.solved, kind: (max(best, level), count + 1)}))


def _load() -> Progress:
    path = store()
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        solved = {str(k): (int(level), int(count)) for k, (level, count) in dict(data["solved"]).items()}
        return Progress(frozenset(map(str, data["predicted"])), solved)
    except FileNotFoundError:
        return Progress()
    except OSError as error:
        return Progress(note=f"{path} cannot be read: {error.strerror}.")
    except (ValueError, TypeError, KeyError, AttributeError):
        aside = path.with_suffix(".unreadable.json")
        try:
            os.replace(path, aside)
        except OSError:
            return Progress(note=f"{path} cannot be understood, and not be put aside.")
        return Progress(note=f"What was kept could not be understood; it was put aside as {aside}.")


def _save(kept: Progress) -> str:
    """Keep it; what went wrong in a sentence, "" if nothing did."""
    path = store()
    solved = {kind: list(best) for kind, best in sorted(kept.solved.items())}
    data = {"predicted": sorted(kept.predicted), "solved": solved}
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_text(json.dumps(data, indent=1), encoding="utf-8")
        os.replace(scratch, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            scratch.unlink()
        return f"{path} cannot be written: {error.strerror}. Copy the code to keep what you did."
    return ""
