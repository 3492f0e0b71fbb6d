"""What a migration comes to: it completes, is refused, fails, or leaves memory behind.

Source: memkit.migrate, which was compared with recorded migrations; see docs/migration.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.lab.questions.question import About, Asker, Mistake, Question, make
from memkit.migration import Outlook, migrate

__all__ = ["QUESTIONS", "TRIES", "Try"]

_OUTCOMES = {
    "completes": "It completes, and the memory is there.",
    "refused": "QEMU refuses to begin.",
    "fails": "It begins, and fails on the way.",
    "corrupts": "It completes, and memory is missing or wrong.",
}


class Try(NamedTuple):
    """A migration to try: how it is said in words, and what memkit.migrate takes."""

    words: str
    mode: str
    capabilities: tuple[str, ...]


TRIES: dict[str, Try] = {
    "precopy": Try("precopy", "precopy", ()),
    "postcopy": Try("postcopy", "postcopy", ("postcopy-ram",)),
    "multifd": Try("precopy with multifd", "precopy", ("multifd",)),
    "x-ignore-shared": Try("precopy with x-ignore-shared", "precopy", ("x-ignore-shared",)),
    "postcopy-x-ignore-shared": Try(
        "postcopy with x-ignore-shared", "postcopy", ("postcopy-ram", "x-ignore-shared")),
    "postcopy-multifd": Try("postcopy with multifd", "postcopy", ("postcopy-ram", "multifd")),
}


def _outcome(guest: Guest, about: About) -> Question:
    """The guest goes to an equal one on the same machine."""
    if about.of and about.of not in TRIES:
        raise MemkitError(f"{about.of!r:.60} is no migration that is asked about; there are: "
                          f"{', '.join(TRIES)}")
    tried = TRIES[about.of or about.pick.choice(tuple(TRIES))]
    return _question("migration-outcome", guest, tried)


def _postcopy(guest: Guest, about: About) -> Question:
    return _question("postcopy-works", guest, TRIES["postcopy"])


def _question(kind: str, guest: Guest, tried: Try) -> Question:
    def look(other: Try) -> Outlook:
        return migrate(guest, guest, mode=other.mode, capabilities=other.capabilities)

    found = look(tried)
    said = f" QEMU says: {found.message}" if found.message else ""

    def mistakes() -> Iterator[Mistake]:
        for outcome, words in _OUTCOMES.items():
            if outcome != found.outcome:
                why = next((f"so it is with {other.words}." for other in TRIES.values()
                            if other != tried and look(other).outcome == outcome), _NEVER[outcome])
                yield Mistake(f"expected-{outcome}", words, why)

    return make(
        kind, guest,
        f"This guest is migrated to an equal one on the same machine, by {tried.words}. What happens?",
        "word",
        _OUTCOMES[found.outcome], f"{found.explanation}{said}", mistakes(), view="tables",
        hints=("Ask of each block: where is its memory, who shares it, and does the kernel support this?",
               "QEMU checks capabilities first, then blockers, then the blocks of the stream."),
    )


_NEVER = {
    "completes": "then QEMU would have to find nothing wrong with it.",
    "refused": "then some capability or device would have to forbid it; none does.",
    "fails": "then the two sides would have to differ, or the kernel lack something; neither is so.",
    "corrupts": "then some block would have to be left out though the destination does not have it.",
}

QUESTIONS: dict[str, Asker] = {"migration-outcome": _outcome, "postcopy-works": _postcopy}
