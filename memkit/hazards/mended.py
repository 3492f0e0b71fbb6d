"""A whole command line mended: every fix that helps, one after the other, each one checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memkit.boot import boot
from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.hazards.ask import hazards
from memkit.hazards.found import Hazards
from memkit.hazards.rule import SEVERITIES, Hazard, rank

if TYPE_CHECKING:
    from memkit.config import Config

__all__ = ["Mended", "mend"]


@dataclass(frozen=True, slots=True)
class Mended:
    """A command line after all fixes that help.

    ``applied`` are the hazards that were mended, in the order of the fixes; ``left`` those that the
    guest of ``config`` still has.
    """

    config: Config
    applied: tuple[Hazard, ...]
    left: Hazards

    def __str__(self) -> str:
        return self.config.text()


def mend(
    guest: Guest | Config | str | Sequence[str], migration: str | Sequence[str] | None = None,
    down_to: str = "performance",
) -> Mended:
    """The command line of ``guest`` with its hazards mended, worst first, as far as fixes are known.

    ``down_to`` is the mildest severity that is mended; a surprise is nothing wrong, so that it is left alone.
    After each fix the line is booted and asked again.  A fix that QEMU would refuse, that does not help,
    that brings anything worse, or one as bad for each that it mends, is left out.  A command line is read
    as QEMU 7.2 reads it; boot a guest to choose another.  Raises MemkitError for a guest without a command
    line or another word for a severity, and Refused for a line that QEMU refuses.

    >>> line = ("-m 1G -object memory-backend-memfd,id=m,size=1G,share=off -machine memory-backend=m "
    ...         "-chardev socket,id=c,path=/tmp/c -device vhost-user-blk-pci,chardev=c")
    >>> print(mend(line).config.objects[0].option.text)
    -object memory-backend-memfd,id=m,size=1G
    """
    mildest = rank(down_to)
    guest = guest if isinstance(guest, Guest) else boot(guest)
    if guest.config is None:
        raise MemkitError("this guest was read from text; there is no command line to mend")
    config, found = guest.config, hazards(guest, migration)
    applied: list[Hazard] = []
    declined: set[str] = set()
    while hazard := next(
        (h for h in found if h.mendable and h.id not in declined and rank(h.severity) <= mildest), None
    ):
        better = _try(hazard, config, guest, migration)
        if better is None or not _helps(hazard, found, better[1]):
            declined.add(hazard.id)
            continue
        config, found = better
        applied.append(hazard)
        declined.clear()  # what did not fit before may fit now
    return Mended(config, tuple(applied), found)


def _try(
    hazard: Hazard, config: Config, guest: Guest, migration: str | Sequence[str] | None
) -> tuple[Config, Hazards] | None:
    """The line after the fix and its hazards; None where no fix is known or QEMU refuses the line."""
    try:
        after = hazard.fix(config)
        return after, hazards(boot(after, guest.target, guest.qemu, guest.host), migration)
    except MemkitError:
        return None


def _helps(hazard: Hazard, before: Hazards, after: Hazards) -> bool:
    """True if there is less of ``hazard``, no more of anything worse, and less harm in all.

    The harm shrinks with each fix that is taken, so that mending ends.
    """
    had, has = (Counter({h.id: len(h.culprits) for h in found}) for found in (before, after))
    limit = rank(hazard.severity)
    return (
        has[hazard.id] < had[hazard.id]
        and all(has[h.id] <= had[h.id] for h in after if rank(h.severity) < limit)
        and _harm(after) < _harm(before)
    )


def _harm(found: Hazards) -> list[int]:
    """The number of culprits of each severity, worst first: lists that compare as harm does."""
    harm = [0] * len(SEVERITIES)
    for hazard in found:
        harm[rank(hazard.severity)] += len(hazard.culprits)
    return harm
