"""Then and now: what QEMU changed for guest RAM since 3.0, and what a talk of that time still gets right.

``since`` lists the changes, ``talk`` the statements; both choose among records of ``data/since/``.
"""

from __future__ import annotations

from collections.abc import Iterable

from memkit.errors import MemkitError
from memkit.history import facts
from memkit.history.facts import HOLDS, KINDS, Source, Statement, VersionChange
from memkit.history.results import History, Talk

__all__ = ["HOLDS", "KINDS", "History", "Source", "Statement", "Talk", "VersionChange", "since", "talk"]


def since(
    version: str | float, until: str | float | None = None, *,
    kind: str | Iterable[str] | None = None, target: str | None = None, word: str | None = None,
) -> History:
    """The History of what changed for guest RAM after QEMU ``version``, up to and with ``until``.

    Without ``until`` it goes to the newest release that is known.  ``kind`` is one of KINDS, or
    several; ``target`` is a name as in qemu-system-NAME; ``word`` is looked for in the text.
    Raises MemkitError for versions, kinds and targets that are not known.

    >>> history = since("3.0", until="7.2", kind="option-removed", word="numa")
    >>> [f"{change.since}: {change.title}" for change in history]
    ['5.1: -numa node,mem= is refused by machine types of 5.1 and newer',
     '5.2: -numa node without memory gets none']
    """
    known = facts.releases()
    first, last = facts.release(version), facts.release(known[-1] if until is None else until)
    start, end = known.index(first), known.index(last)
    if start > end:
        raise MemkitError(f"since {first} is newer than until {last}: the older version comes first")
    kinds = None if kind is None else _kinds(kind)
    if target is not None and target not in facts.targets():
        raise MemkitError(f"no change names target {target!r}; there are: {', '.join(facts.targets())}")
    if word is not None and not isinstance(word, str):
        raise MemkitError(f"word is a text to look for, not {word!r}")
    wanted = {name: place for place, name in enumerate(known)}
    chosen = tuple(
        change for change in facts.changes()
        if start < wanted[change.since] <= end
        and (kinds is None or change.kind in kinds)
        and (target is None or change.concerns(target))
        and (word is None or change.mentions(word))
    )
    asked = [
        f"kind {', '.join(kinds)}" if kinds is not None else "", f"target {target}" if target else "",
        f"with {word!r}" if word else "",
    ]
    return History(first, last, chosen, "; ".join(filter(None, asked)))


def talk(slide: str | None = None, *, holds: str | None = None) -> Talk:
    """The Talk "RAM is getting more complex" (2018), statement by statement, seen from today's QEMU.

    ``slide`` is a slide's heading or a part of it; ``holds`` is yes, partly or no.  Raises
    MemkitError if no slide has such a heading.

    >>> for statement in talk("command lines", holds="no"): print(statement.since, statement.said)
    5.0 -mem-path falls back to normal memory, unless -mem-prealloc is given, too.
    6.1 -M ...,nvdimm with a file backend and -device nvdimm make an NVDIMM.
    """
    headings = [
        heading for heading in facts.slides()
        if slide is None or str(slide).casefold() in heading.casefold()
    ]
    if not headings:
        raise MemkitError(f"no slide is called {slide!r}; there are: {', '.join(facts.slides())}")
    if holds is not None and holds not in HOLDS:
        raise MemkitError(f"holds is {', '.join(HOLDS)}, not {holds!r}")
    chosen = tuple(
        statement for statement in facts.statements()
        if statement.slide in headings and (holds is None or statement.holds == holds)
    )
    asked = [
        f"slide {', '.join(headings)}" if slide is not None else "", HOLDS[holds] if holds else "",
    ]
    return Talk(chosen, facts.releases()[-1], "; ".join(filter(None, asked)))


def _kinds(names: str | Iterable[str]) -> tuple[str, ...]:
    """Some of KINDS, also if written with blanks."""
    several = names if isinstance(names, Iterable) and not isinstance(names, str) else [names]
    chosen = []
    for name in several:
        known = str(name).strip().replace(" ", "-")
        if known not in KINDS:
            raise MemkitError(f"no kind of change is called {name!r}; there are: {', '.join(KINDS)}")
        chosen.append(known)
    return tuple(chosen)
