"""All of RAM: which blocks one of QEMU's subsystems means by it.

Source: the definitions of memkit.all_of_ram, each with sources of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from memkit.all_of_ram import RAMSet, all_of_ram
from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.lab.questions.question import About, Asker, Mistake, Question, make_set

__all__ = ["ASKED", "QUESTIONS"]

# The definitions that are asked about, each with words that ask.
ASKED = {
    "visible": "Which RAMBlocks does the guest see now, at least in part?",
    "migration": "Which RAMBlocks does a migration announce?",
    "x-ignore-shared": "Which RAMBlocks does a migration send with x-ignore-shared?",
    "background-snapshot": "Which RAMBlocks does background-snapshot protect from writes?",
    "dump-guest-memory": "Of which RAMBlocks does dump-guest-memory write something?",
    "vhost-user": "Of which RAMBlocks does a vhost-user process get something?",
    "vfio": "Of which RAMBlocks does VFIO map something?",
    "kvm": "Which RAMBlocks have a memslot of KVM?",
    "balloon-pages": "In which RAMBlocks may a page lie that the guest gives to the balloon?",
    "query-memory-size-summary": "Which RAMBlocks does query-memory-size-summary count?",
    "ksm": "Which RAMBlocks may the host merge with equal pages (KSM)?",
}
_NEIGHBOURS = ("ram-blocks", "visible", "migration", "main-ram", "query-memory-size-summary", "vhost",
               "dump-guest-memory")


def _names(found: RAMSet) -> frozenset[str]:
    return frozenset(m.block.label for m in found.members if m.state in ("in", "part"))


def _all_of_ram(guest: Guest, about: About) -> Question:
    if about.of and about.of not in ASKED:
        raise MemkitError(f"{about.of!r:.60} is no definition that is asked about; there are: "
                          f"{', '.join(ASKED)}")
    name = about.of or about.pick.choice(tuple(ASKED))
    return _question("all-of-ram", guest, name)


def _vhost_user(guest: Guest, about: About) -> Question:
    return _question("vhost-user-sees", guest, "vhost-user")


def _question(kind: str, guest: Guest, name: str) -> Question:
    found = all_of_ram(guest, name)
    if any(m.state == "unknown" for m in found.members):
        raise MemkitError(f"what {name} takes in is not known of this guest")
    reasons = {
        m.block.label: (m.state in ("in", "part"), f"{m.block.label}: {m.reason}.") for m in found.members
    }

    def mistakes() -> Iterator[Mistake]:
        for other in _NEIGHBOURS:
            if other != name:
                yield Mistake("other-definition", _names(all_of_ram(guest, other)), (
                    f"what {other} means by all of RAM. Each of QEMU's subsystems has a rule of its own."))
        yield Mistake("everything", frozenset(reasons), "every RAMBlock. This subsystem is more choosy.")
        yield Mistake("memory-is-private", frozenset(), "none. But some fulfil its rule.")

    return make_set(
        kind, guest, ASKED[name], reasons, mistakes(), why=_why(found),
        hints=(found.definition.meaning, f"The rule: {found.definition.rule}."),
    )


def _why(found: RAMSet) -> str:
    """The reasons of all blocks, those of equal reason together."""
    groups: dict[str, list[str]] = {}
    for member in found.members:
        inside = "in" if member.state in ("in", "part") else "not in"
        groups.setdefault(f"({inside}): {member.reason}.", []).append(member.block.label)
    return " ".join(f"{', '.join(names)} {reason}" for reason, names in groups.items())


QUESTIONS: dict[str, Asker] = {"all-of-ram": _all_of_ram, "vhost-user-sees": _vhost_user}
