"""Which hazard a guest has, and which one change of its line mends it.

Source: the rules of memkit.hazards, each with sources of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.hazards import OPERATIONS, RULES, Hazard, hazards
from memkit.lab.questions.question import About, Asker, Mistake, Question, make

if TYPE_CHECKING:
    from memkit.config import Config, Option

__all__ = ["QUESTIONS"]

WRONG_ANSWERS = 3


def _found(guest: Guest, about: About) -> tuple[Hazard, tuple[str, ...]]:
    """The hazard that is asked about, and the operations under which the guest has it."""
    rule = RULES.get(about.of)
    if about.of and rule is None:
        raise MemkitError(f"{about.of!r:.60} is no hazard; memkit.hazards.RULES has all of them")
    operations = rule.operations if rule else ()
    found = [h for h in hazards(guest, operations) if not about.of or h.id == about.of]
    if not found:
        raise MemkitError("this guest has no hazard to ask about"
                          + (f" that is called {about.of}" if about.of else ""))
    return found[0], operations


def _which_hazard(guest: Guest, about: About) -> Question:
    hazard, operations = _found(guest, about)
    # What can go wrong while something else is done would be a right answer, too.
    has = {h.id for h in hazards(guest, tuple(OPERATIONS))}

    def mistakes() -> Iterator[Mistake]:
        near = [rule for rule in RULES.values() if rule.id not in has and rule.id != hazard.id
                and set(rule.features) & set(hazard.features) and rule.title != hazard.title]
        far = [rule for rule in RULES.values() if rule.id not in has and rule not in near]
        about.pick.shuffle(near)
        about.pick.shuffle(far)
        for rule in (near + far)[:WRONG_ANSWERS]:
            yield Mistake("hazard-of-another", rule.title, (
                f"that is for guests with {_listed(rule.features)}. {rule.why}"))

    doing = [name for name in operations if name in OPERATIONS]
    what = f" when you do this: {_listed(doing)}" if doing else ""
    return make(
        "which-hazard", guest, f"Which of these can go wrong with this guest{what}?", "word", hazard.title,
        f"{' '.join(hazard.sentences)} {hazard.why}", mistakes(), view="graph",
        hints=(f"What comes together here: {_listed(hazard.features)}.",
               f"It is about {hazard.names[0] if hazard.names else 'the machine'}."),
    )


def _mend(guest: Guest, about: About) -> Question:
    from memkit.boot import boot

    if guest.config is None:
        raise MemkitError("this guest was read from text; there is no command line to mend")
    hazard, operations = _found(guest, about)
    if not hazard.mendable:
        raise MemkitError(f"no change of the command line mends {hazard.id}: {hazard.instead}")
    mended = hazard.fix(guest.config)
    answer = _change(guest.config, mended)

    def mistakes() -> Iterator[Mistake]:
        given = 0
        others = list(_other_changes(guest.config))  # type: ignore[arg-type]
        about.pick.shuffle(others)
        for config in others:
            if given == WRONG_ANSWERS:
                return
            said = _change(guest.config, config)  # type: ignore[arg-type]
            try:
                still = hazards(boot(config, guest.target, guest.qemu, guest.host), operations)
            except MemkitError as refused:
                given += 1
                yield Mistake("does-not-mend", said, f"with this, QEMU does not even start: {refused}")
                continue
            left = next((h for h in still if h.id == hazard.id), None)
            if left is not None and said != answer:
                given += 1
                yield Mistake("does-not-mend", said, f"the hazard stays. {' '.join(left.sentences)}")

    what = f" when you do this: {_listed(operations)}" if operations else ""
    return make(
        "mend", guest, f"This guest has a hazard{what}: {hazard.title}. Which one change mends it?", "word",
        answer,
        f"{hazard.why} {hazard.instead}", mistakes(), view="graph",
        hints=(" ".join(hazard.sentences), hazard.why),
    )


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(names)


def _other_changes(config: Config) -> Iterator[Config]:
    """Changes that people try: for each backend and for the whole machine."""
    for spec in config.objects:
        if spec.qom_type.startswith("memory-backend"):
            for changes in ({"prealloc": "on"}, {"share": "on"}, {"share": "off"}, {"merge": "off"},
                            {"dump": "off"}, {"reserve": "off"}):
                if spec.props.get(next(iter(changes))) is None:
                    yield config.with_properties(spec.option, dict(changes))
    for word, value in (("-overcommit", "mem-lock=on"), ("-mem-prealloc", None), ("-mem-path", "/dev/shm"),
                        ("-m", "2G")):
        if config.last(word.removeprefix("-")) is None:
            yield config.with_option(word, value)
    for name, value in (("mem-merge", "off"), ("dump-guest-core", "off")):
        if name not in config.machine:
            yield config.with_machine(None, **{name.replace("-", "_"): value})


def _change(before: Config, after: Config) -> str:
    """What differs between two lines, in words."""
    gone, come = _difference(before.options, after.options)
    if gone and come:
        return f"Write {' '.join(come)} instead of {' '.join(gone)}"
    return f"Add {' '.join(come)}" if come else f"Leave out {' '.join(gone)}"


def _difference(before: tuple[Option, ...], after: tuple[Option, ...]) -> tuple[list[str], list[str]]:
    old, new = [o.text for o in before], [o.text for o in after]
    return [text for text in old if text not in new], [text for text in new if text not in old]


QUESTIONS: dict[str, Asker] = {"which-hazard": _which_hazard, "mend": _mend}
