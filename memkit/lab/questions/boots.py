"""Does the line start, and if not, why: a slip, or a harmless change, is put on the line and the model asked.

Source: memkit.boot, whose refusals were compared with real QEMUs; see docs/versions.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

from memkit.errors import MemkitError, Refused
from memkit.guest import Guest
from memkit.lab.questions.question import About, Asker, Mistake, Question, make

__all__ = ["QUESTIONS", "SLIPS", "Slip"]

STARTS = "Yes, it starts."
WRONG_ANSWERS = 3


class Slip(NamedTuple):
    """Something put at the end of a line: what it is in words, and the words."""

    title: str
    words: Callable[[Guest], str]


def _dimm(size: str, extra: str = "") -> str:
    return f"-object memory-backend-ram,id=extra,size={size}{extra} -device pc-dimm,id=dimmx,memdev=extra"


def _used(guest: Guest) -> str:
    used = next((d.memdev.rpartition("/")[2] for d in guest.memory_devices), "")
    return f"-device pc-dimm,id=again,memdev={used}" if used else ""


def _many(guest: Guest) -> str:
    slots = 1 + sum(1 for _ in guest.memory_devices)
    parts = []
    for number in range(slots, 9):
        parts.append(f"-object memory-backend-ram,id=x{number},size=128M -device pc-dimm,memdev=x{number}")
    return " ".join(parts)


def _same_id(guest: Guest) -> str:
    own = next((b.id for b in guest.backends if not b.implicit), "")
    return f"-object memory-backend-ram,id={own},size=256M" if own else ""


SLIPS: dict[str, Slip] = {
    "one-more-dimm": Slip("one more DIMM", lambda guest: _dimm("256M")),
    "huge-dimm": Slip("a DIMM larger than what maxmem leaves", lambda guest: _dimm("64T")),
    "odd-dimm": Slip("a DIMM that is no multiple of a page", lambda guest: _dimm("1000001")),
    "many-dimms": Slip("more DIMMs than slots", _many),
    "used-twice": Slip("one backend in two DIMMs", _used),
    "nobody": Slip("a DIMM whose backend nobody made",
                   lambda guest: "-device pc-dimm,id=dimmx,memdev=nobody"),
    "same-id": Slip("two objects of one id", _same_id),
    "nvdimm": Slip("an NVDIMM where the machine has none",
                   lambda guest: "-object memory-backend-ram,id=extra,size=256M "
                                 "-device nvdimm,id=nv,memdev=extra"),
    "unused": Slip("a backend that nobody uses",
                   lambda guest: "-object memory-backend-ram,id=extra,size=256M,share=on"),
    "far-node": Slip("a DIMM for a node that is not there",
                     lambda guest: f"{_dimm('256M')},node=7"),
    "low-address": Slip("a DIMM at an address in front of the window",
                        lambda guest: f"{_dimm('256M')},addr=0x40000000"),
    "no-size": Slip("a backend without a size", lambda guest: "-object memory-backend-ram,id=extra"),
}


def _boots(guest: Guest, about: About) -> Question:
    if guest.config is None:
        raise MemkitError("this guest was read from text; there is no command line to change")
    if about.of and about.of not in SLIPS:
        raise MemkitError(f"{about.of!r:.60} is no change of a line that is known here; there are: "
                          f"{', '.join(SLIPS)}")
    names = list(SLIPS)
    about.pick.shuffle(names)
    if about.of:
        names = [about.of, *(name for name in names if name != about.of)]
    tried = ((name, outcome) for name in names if (outcome := _try(guest, SLIPS[name])) is not None)
    chosen, (line, refused) = next(tried)
    if about.of not in ("", chosen):
        raise MemkitError(f"{about.of!r} cannot be put on this line; for one, {chosen!r} can")
    answer = _complaint(refused.message) if refused else STARTS

    def mistakes() -> Iterator[Mistake]:
        if refused is not None:
            yield Mistake("starts-anyway", STARTS, "it starts. But QEMU checks this before the guest runs.")
        heard = {answer, STARTS}
        for name, (_, other) in tried:
            said = _complaint(other.message) if other else STARTS
            if said not in heard:
                heard.add(said)
                yield Mistake("refused-for-another" if refused else "refused-though-fine", said, (
                    f"what QEMU says about {SLIPS[name].title}."))
            if len(heard) == 2 + WRONG_ANSWERS:
                return

    mend = f" To mend it: {refused.hint}." if refused and refused.hint else ""
    why = f"{refused.explanation}{mend}" if refused else (
        "Nothing in it breaks a rule of QEMU's.")
    question = make(
        "boots", guest, "Does QEMU start with this line? If not, what does it say?", "word", answer, why,
        mistakes(), view="tables",
        hints=(f"What is new at the end of the line: {SLIPS[chosen].title}.",
               "Compare sizes with maxmem, DIMMs with slots, and names with what the line makes."),
    )
    return replace(question, line=line)


def _complaint(message: str) -> str:
    """What QEMU says, without the option that it puts in front."""
    option, colon, rest = message.partition(": ")
    return rest if colon and option.startswith("-") else message


def _try(guest: Guest, slip: Slip) -> tuple[str, Refused | None] | None:
    """The line with the slip and QEMU's refusal of it, if there is one; None where it cannot be made."""
    from memkit.boot import boot

    assert guest.config is not None  # asked before
    words = slip.words(guest)
    if not words:
        return None
    line = f"{guest.config.text()} {words}"
    try:
        boot(line, guest.target, guest.qemu, guest.host)
    except Refused as refused:
        return line, refused
    except MemkitError:
        return None
    return line, None


QUESTIONS: dict[str, Asker] = {"boots": _boots}
