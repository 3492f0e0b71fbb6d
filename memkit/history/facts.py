"""What is known about QEMU's releases: one record a change or statement, read when first asked for.

The records lie in ``data/since/``; data/README.md tells where they come from and how they were checked.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from memkit.boards.recorded import data_file
from memkit.errors import MemkitError
from memkit.versions import parse_version

__all__ = [
    "HOLDS", "KINDS", "Source", "Statement", "VersionChange", "changes", "release", "releases",
    "slides", "statements", "targets",
]

KINDS = (
    "option-added", "option-deprecated", "option-removed", "default-changed", "limit-lifted", "limit-added",
    "backend-added", "device-added", "machine-type", "behaviour-changed", "migration", "monitor-changed",
    "message-changed",
)
HOLDS = {"yes": "holds", "partly": "holds partly", "no": "no longer holds"}


class Source(NamedTuple):
    """A file of QEMU's source or documents as it is in a release, and the commit that changed it."""

    file: str
    version: str
    commit: str = ""

    def __str__(self) -> str:
        commit = f", commit {self.commit}" if self.commit else ""
        return f"{self.file} (QEMU {self.version}{commit})"


@dataclass(frozen=True, slots=True)
class VersionChange:
    """One thing that a QEMU release changed for guest RAM.

    ``since`` is the first release that has it; ``until``, where there is one, the first that has it
    no more.  ``targets`` are names as in qemu-system-NAME, or "any".  ``checked`` says how: history
    (the commit's first release), text (a string that older releases lack), run (a real QEMU was
    tried), recorded (recorded answers of two versions differ).
    """

    id: str
    title: str
    kind: str
    since: str
    until: str | None
    targets: tuple[str, ...]
    before: str
    now: str
    note: str
    sources: tuple[Source, ...]
    checked: tuple[str, ...]

    def concerns(self, target: str) -> bool:
        """True if guests of ``target`` can meet the change."""
        return target in self.targets or "any" in self.targets

    def mentions(self, word: str) -> bool:
        """True if ``word`` stands in the record's own text, in any case."""
        return word.casefold() in " ".join((self.id, self.title, self.before, self.now, self.note)).casefold()

    def data(self) -> dict[str, Any]:
        """The record as plain data, ready for JSON."""
        return {**asdict(self), "sources": [source._asdict() for source in self.sources]}


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that the talk of 2018 said, and what has become of it.

    ``holds`` is yes, partly or no; ``since`` the first release where it does not fully hold, None
    where there is none.  ``see`` are ids of VersionChanges.  ``checked`` as there; source: read.
    """

    slide: str
    said: str
    holds: str
    since: str | None
    today: str
    note: str
    see: tuple[str, ...]
    sources: tuple[Source, ...]
    checked: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """Whether the statement holds, in words."""
        return HOLDS[self.holds] + (f", since QEMU {self.since}" if self.since else "")

    def data(self) -> dict[str, Any]:
        """The record as plain data, ready for JSON."""
        return {**asdict(self), "sources": [source._asdict() for source in self.sources]}


@lru_cache(maxsize=2)
def _load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(data_file("since", name).read_text(encoding="utf-8"))
    return loaded


def _sources(entry: dict[str, Any]) -> tuple[Source, ...]:
    return tuple(Source(*source) for source in entry["sources"])


def releases() -> tuple[str, ...]:
    """The releases between which changes are known, oldest first.

    >>> releases()[0], releases()[-1]
    ('3.0', '11.1')
    """
    return tuple(_load("changes.json")["releases"])


@lru_cache(maxsize=1)
def changes() -> tuple[VersionChange, ...]:
    """Every change that is known, oldest release first."""
    return tuple(
        VersionChange(
            e["id"], e["title"], e["kind"], e["since"], e.get("until"), tuple(e["targets"]), e["before"],
            e["now"], e.get("note", ""), _sources(e), tuple(e["checked"]),
        )
        for e in _load("changes.json")["changes"]
    )


@lru_cache(maxsize=1)
def statements() -> tuple[Statement, ...]:
    """Every statement of the talk, slide by slide."""
    return tuple(
        Statement(
            e["slide"], e["said"], e["holds"], e.get("since"), e["today"], e.get("note", ""),
            tuple(e.get("see", ())), _sources(e), tuple(e["checked"]),
        )
        for e in _load("talk.json")["statements"]
    )


def slides() -> tuple[str, ...]:
    """The headings of the talk's slides, in their order."""
    return tuple(dict.fromkeys(s.slide for s in statements()))


def targets() -> tuple[str, ...]:
    """The targets that a change can be asked for, sorted; "any" are those without a limit."""
    return tuple(sorted({"any", "riscv64", *(t for c in changes() for t in c.targets)}))


def release(version: str | float, known: Sequence[str] = ()) -> str:
    """The release that ``version`` belongs to: "7.2.22" is a 7.2, and 3.0 may be a number.

    Raises MemkitError, with the range, for what is no release between the oldest and the newest known.

    >>> release("3.0.1"), release(4.2), release(11)
    ('3.0', '4.2', '11.0')
    """
    known = known or releases()
    said = repr(version) if isinstance(version, str) else str(version)
    text = str(version).strip().removeprefix("v")
    try:
        if isinstance(version, bool) or not isinstance(version, str | int | float):
            raise ValueError
        number = (*parse_version(text), 0)[:2]
    except ValueError:
        raise MemkitError(
            f"{said[:40]} is no version of QEMU; write one between {known[0]} and {known[-1]}, "
            f"like {known[-1]!r}"
        ) from None
    name = ".".join(map(str, number))
    if name in known:
        return name
    if number < parse_version(known[0]):
        why = f"changes are known from {known[0]} on"
    elif number > parse_version(known[-1]):
        why = f"changes are known up to {known[-1]}"
    else:
        why = f"there was no such release; there were {', '.join(known)}"
    raise MemkitError(f"QEMU {said[:40]}: {why}")
