"""What a hazard is: a rule with its sources, and the rule found in one guest with the culprits' names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from memkit.errors import MemkitError
from memkit.versions import Version, parse_version

if TYPE_CHECKING:
    from memkit.config import Config, Option
    from memkit.hazards.scene import Scene
    from memkit.host import Host

__all__ = ["SEVERITIES", "Culprit", "Hazard", "Rule", "rank"]

# Worst first.
SEVERITIES = (
    "refuses-to-start", "refuses-operation", "data-loss", "security", "silent-misbehaviour", "performance",
    "surprise",
)


def rank(severity: str) -> int:
    """The place of ``severity`` among SEVERITIES, 0 for the worst; raises MemkitError for other words.

    >>> rank("data-loss") < rank("surprise")
    True
    """
    if severity not in SEVERITIES:
        raise MemkitError(f"{severity!r:.60} is no severity; worst first they are: {', '.join(SEVERITIES)}")
    return SEVERITIES.index(severity)


class Culprit(NamedTuple):
    """What one rule found: a sentence that names the things, and the options that made them.

    ``names`` are ids of backends and devices, or names of RAMBlocks.
    """

    sentence: str
    names: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()


Finder = Callable[["Scene"], Iterable[Culprit]]
Mender = Callable[["Config", Culprit], "Config"]


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that can go wrong, and when.

    ``features`` (names of FEATURES) must all be there before ``find`` looks closer.  ``since`` is the first
    release that has it and ``until`` the first that has it no more; "" is no limit.  ``architectures`` are
    targets as in qemu-system-NAME; none stands for all.  ``why`` tells the mechanism, ``instead`` what to do.
    ``example`` is a short line that has it (under ``operations``), ``innocent`` a similar one that has not;
    both run on ``host``, None for the common one.
    """

    id: str
    title: str
    severity: str
    features: tuple[str, ...]
    why: str
    instead: str
    sources: tuple[str, ...]
    find: Finder
    example: str
    innocent: str
    operations: tuple[str, ...] = ()
    host: Host | None = None
    mend: Mender | None = None
    since: str = ""
    until: str = ""
    architectures: tuple[str, ...] = ()

    def holds_for(self, qemu: Version, target: str) -> bool:
        """True if the rule is one of this release and target."""
        if self.architectures and target not in self.architectures:
            return False
        if self.since and qemu < parse_version(self.since):
            return False
        return not self.until or qemu < parse_version(self.until)


@dataclass(frozen=True, slots=True)
class Hazard:
    """A rule that holds for one guest: ``culprits`` say for what.  The other fields are the rule's."""

    id: str
    severity: str
    title: str
    why: str
    instead: str
    features: tuple[str, ...]
    since: str
    until: str
    sources: tuple[str, ...]
    culprits: tuple[Culprit, ...]
    mend: Mender | None = field(default=None, repr=False, compare=False)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is wrong here, a sentence for each culprit."""
        return tuple(culprit.sentence for culprit in self.culprits)

    @property
    def names(self) -> tuple[str, ...]:
        """The ids and names of everything that takes part."""
        return tuple(dict.fromkeys(name for culprit in self.culprits for name in culprit.names))

    @property
    def mendable(self) -> bool:
        """True if ``fix`` knows a change of the command line."""
        return self.mend is not None

    def fix(self, config: Config) -> Config:
        """``config`` with the smallest change that mends this; raises MemkitError where none is known."""
        if self.mend is None:
            raise MemkitError(f"no change of the command line mends {self.id}: {self.instead}")
        for culprit in self.culprits:
            config = self.mend(config, culprit)
        return config

    def __str__(self) -> str:
        lines = [f"{self.severity}: {self.title} [{self.id}]", *(f"  {s}" for s in self.sentences),
                 f"  Why: {self.why}", f"  Instead: {self.instead}"]
        return "\n".join(lines)
