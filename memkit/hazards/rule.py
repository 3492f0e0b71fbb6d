"""What a hazard is: a rule with its sources, and the rule found in one guest with the culprits' names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from memkit.errors import MemkitError
from memkit.versions import Version, within

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
    both run on ``host``, None for the common one.  ``innocent_operations`` replace ``operations`` there where
    these alone are the culprits.
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
    innocent_operations: tuple[str, ...] | None = None
    host: Host | None = None
    mend: Mender | None = None
    since: str = ""
    until: str = ""
    architectures: tuple[str, ...] = ()

    def holds_for(self, qemu: Version, target: str) -> bool:
        """True if the rule is one of this release and target."""
        if self.architectures and target not in self.architectures:
            return False
        return within(qemu, self.since, self.until)


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

    @property
    def versions(self) -> str:
        """The releases of QEMU that have it, in words; "" for all that the kit knows."""
        limits = [f"since {self.since}"] if self.since else []
        return ", ".join(limits + ([f"gone in {self.until}"] if self.until else []))

    @property
    def confirmed(self) -> str:
        """On which real QEMUs it was seen, and when, in words; "" if on none."""
        # Read only for who looks: most guests are asked for their hazards and never printed.
        from memkit.hazards.confirmed import confirmed_words

        return confirmed_words(self.id)

    def data(self) -> dict[str, Any]:
        """The same as plain data, ready for JSON."""
        return {
            "id": self.id, "severity": self.severity, "title": self.title,
            "culprits": [
                {"sentence": c.sentence, "names": list(c.names), "options": [o.text for o in c.options]}
                for c in self.culprits
            ],
            "why": self.why, "instead": self.instead, "features": list(self.features), "since": self.since,
            "until": self.until, "sources": list(self.sources), "mendable": self.mendable,
            "confirmed": self.confirmed,
        }

    def _facts(self) -> list[tuple[str, str]]:
        """Label and words of what is told below the sentences."""
        facts = [("Why", self.why), ("Instead", self.instead), ("QEMU", self.versions),
                 ("Confirmed", self.confirmed), ("Sources", "; ".join(self.sources))]
        return [(label, words) for label, words in facts if words]

    def html(self) -> str:
        """The same as HTML."""
        sentences = "".join(f"<li>{escape(s)}</li>" for s in self.sentences)
        facts = "".join(f"<dt>{label}</dt><dd>{escape(words)}</dd>" for label, words in self._facts())
        return (f"<p><strong>{escape(self.severity)}</strong>: {escape(self.title)} "
                f"<code>{escape(self.id)}</code></p><ul>{sentences}</ul><dl>{facts}</dl>")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        html = f'<section aria-label="Hazard {escape(self.id)}">{self.html()}</section>'
        return {"text/plain": str(self), "text/html": html}

    def __str__(self) -> str:
        lines = [f"{self.severity}: {self.title} [{self.id}]", *(f"  {s}" for s in self.sentences),
                 *(f"  {label}: {words}" for label, words in self._facts())]
        return "\n".join(lines)
