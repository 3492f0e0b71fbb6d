"""Questions about QEMU's releases: which start a line, and whether a statement of 2018 still held in one.

Source: memkit.boot for each release, compared with real QEMUs (docs/versions.md); statements and their dates:
memkit.talk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from memkit.boot import boot
from memkit.config import Config
from memkit.errors import MemkitError, Refused
from memkit.guest import Guest
from memkit.history import Statement, talk
from memkit.history.facts import changes
from memkit.host import Host
from memkit.lab.questions.question import About, Asker, Mistake, Question, make, make_set
from memkit.versions import KNOWN_QEMU, parse_version

__all__ = ["EVERYWHERE", "QUESTIONS", "held", "started"]

# Questions about a line in all QEMUs.
EVERYWHERE = frozenset({"which-qemus"})


def started(line: str | Sequence[str] | Config, host: Host | None = None) -> Guest:
    """The Guest of the newest QEMU that starts a line; raises the default QEMU's Refused where none does."""
    for qemu in reversed(KNOWN_QEMU):
        try:
            return boot(line, qemu=qemu, host=host)
        except Refused:
            continue
    return boot(line, host=host)


def _which_qemus(guest: Guest, about: About) -> Question:
    if guest.config is None:
        raise MemkitError("this guest was read from text; there is no command line to give to other QEMUs")
    said = {qemu: _refusal(guest.config.text(), guest.target, qemu, guest.host) for qemu in KNOWN_QEMU}
    reasons = {
        qemu: (not words, _ended(f"it says: {words}" if words else "it starts"))
        for qemu, words in said.items()
    }
    inside = frozenset(qemu for qemu, words in said.items() if not words)

    def mistakes() -> Iterator[Mistake]:
        yield Mistake("nobody-starts", frozenset(), "none. But at least one of them knows all these words.")
        yield Mistake("old-line-stays", frozenset(KNOWN_QEMU), (
            "all. But options, names and machine types come and go, and checks are added."))
        yield Mistake("newer-takes-more", frozenset(KNOWN_QEMU) - inside, (
            "just the others, the wrong way round."))
        yield Mistake("newer-takes-more", frozenset(KNOWN_QEMU[-1:]), (
            "the newest alone. But most words are older than it, and none became valid in it alone."))
        for edge, qemu in enumerate(KNOWN_QEMU[1:]):
            if (qemu in inside) != (KNOWN_QEMU[edge] in inside):
                late, early = inside ^ {qemu}, inside ^ {KNOWN_QEMU[edge]}
                yield Mistake("a-release-off", late, (
                    f"what would be so if {qemu} were like the one before it."))
                yield Mistake("a-release-off", early, (
                    f"what would be so if {KNOWN_QEMU[edge]} were like the one after it."))

    question = make_set(
        "which-qemus", guest, "Which of these QEMUs start this line?", reasons, mistakes(), why=_told(said),
        view="reasons",
        hints=("Ask of each word: when did it come, when did it go? And of each size: who checks it?",
               f"{len(inside)} of them {'starts' if len(inside) == 1 else 'start'} it."),
    )
    return replace(question, everywhere=True)


def _ended(words: str) -> str:
    return words if words.endswith(".") else f"{words}."


def _refusal(line: str, target: str, qemu: str, host: Host) -> str:
    """The first line of what this QEMU says to the line, "" where it starts."""
    try:
        boot(line, target, qemu, host)
    except Refused as refused:
        return refused.message.splitlines()[0]
    return ""


def _told(said: dict[str, str]) -> str:
    """What all releases do, those that say the same together."""
    groups: dict[str, list[str]] = {}
    for qemu, words in said.items():
        groups.setdefault(words, []).append(qemu)
    return " ".join(
        _ended(f"{', '.join(each)} {_verb(each)}: {words}") if words else
        f"{', '.join(each)} {'starts' if len(each) == 1 else 'start'} it."
        for words, each in groups.items()
    )


def _verb(names: list[str]) -> str:
    return "says" if len(names) == 1 else "say"


# -- statements

_HELD = {"yes": "still so", "partly": "so in part", "no": "no longer so"}


def _still_holds(guest: Guest, about: About) -> Question:
    """``of`` is a part of what the talk said; the guest's QEMU is the one that is asked about."""
    known = [s for s in talk() if about.of.casefold() in s.said.casefold()]
    if not known:
        raise MemkitError(f"no statement of the talk contains {about.of!r:.60}; memkit.talk() shows them all")
    said = known[0] if about.of else about.pick.choice(known)
    now = held(said, guest.qemu)
    later = f"Since QEMU {said.since} it is otherwise. " if said.since and now == "yes" else ""

    def mistakes() -> Iterator[Mistake]:
        if now != said.holds:
            yield Mistake("newer-release", _HELD[said.holds], (
                "that is how it is in a later release. This one still does as the talk said."))
        elif now != "yes":
            yield Mistake("old-statement", _HELD["yes"], (
                "as in 2018. But some release up to this one changed it."))
        yield Mistake("change-that-is-none", _HELD["partly"], (
            "then some of it would be left, just as it was said. Nothing is." if now == "no" else
            "then something of it would be otherwise in this release. Nothing is."))
        yield Mistake("change-that-is-none", _HELD["no"], "then nothing of it would be left. Something is.")

    question = make(
        "still-holds", guest,
        f"In 2018, a talk said: {_quoted(said.said)} How is it in QEMU {guest.qemu}?", "word", _HELD[now],
        f"{later}{said.today}", mistakes(), view="reasons",
        hints=(f"It stood on the slide {_quoted(said.slide)}, when QEMU was at 3.0.",
               f"What has changed there: {_dates(said)}."),
    )
    reasons = {
        "QEMU 3.0": said.said, f"QEMU {guest.qemu}": f"{_HELD[now].capitalize()}.",
        f"QEMU {talk().newest}": f"{said.verdict[:1].upper()}{said.verdict[1:]}. {said.today}",
        "Changes": f"{_dates(said)}.", "Source": "; ".join(map(str, said.sources)),
    }
    return replace(question, reasons=reasons)


def held(said: Statement, qemu: str) -> str:
    """Whether a statement holds in a release, one of HOLDS: yes before the first where it does not fully.

    >>> fallback = next(s for s in talk() if "falls back" in s.said)
    >>> held(fallback, "4.2"), held(fallback, "5.2")
    ('yes', 'no')
    """
    before = said.since is not None and parse_version(qemu) < parse_version(said.since)
    return "yes" if before else said.holds


def _quoted(words: str) -> str:
    return f"\N{LEFT DOUBLE QUOTATION MARK}{words}\N{RIGHT DOUBLE QUOTATION MARK}"


def _dates(said: Statement) -> str:
    known = [f"{c.title} ({c.since})" for c in changes() if c.id in said.see]
    return "; ".join(known) or "nothing that is listed"


QUESTIONS: dict[str, Asker] = {"which-qemus": _which_qemus, "still-holds": _still_holds}
