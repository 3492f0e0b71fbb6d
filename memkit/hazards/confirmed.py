"""What real QEMUs showed when the rules were tried on them; read when somebody asks, not before.

``python -m tools.record hazards`` writes ``data/hazards/``; data/README.md explains it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache

from memkit.boards.recorded import data_file
from memkit.versions import KNOWN_QEMU, parse_version

__all__ = ["OUTCOMES", "Trial", "confirmed", "confirmed_words", "trials"]

OUTCOMES = {
    "confirmed": "the line shows the hazard, and the innocent line does not",
    "contradicted": "one of the two lines does not show what the rule says",
    "absent": "the rule is none of this release, and the line shows nothing",
    "present, not claimed": "the rule is none of this release, and the line shows the hazard",
    "unsuited": "the machine lacked what the trial needs",
}


@dataclass(frozen=True, slots=True)
class Trial:
    """One rule tried on one QEMU.

    ``line`` with ``operations`` was to show the hazard, ``innocent`` not; ``did`` says what was done,
    ``seen`` and ``innocent_seen`` what QEMU said and what was measured; ``shows`` and ``innocent_shows`` are
    the verdict on them (None: not tried).  ``unsuited`` says what the machine lacked; ``date`` is YYYY-MM-DD.
    """

    rule: str
    qemu: str
    date: str
    did: str
    line: str
    operations: tuple[str, ...]
    shows: bool
    seen: tuple[str, ...]
    innocent: str = ""
    innocent_operations: tuple[str, ...] = ()
    innocent_shows: bool | None = None
    innocent_seen: tuple[str, ...] = ()
    unsuited: str = ""

    @property
    def outcome(self) -> str:
        """One of OUTCOMES: what was seen, held against what the rule says of this release."""
        from memkit.hazards.rules import RULES

        if self.unsuited:
            return "unsuited"
        if not RULES[self.rule].holds_for(parse_version(self.qemu), "x86_64"):
            return "present, not claimed" if self.shows else "absent"
        return "confirmed" if self.shows and self.innocent_shows is False else "contradicted"


@lru_cache(maxsize=1)
def _all() -> dict[str, tuple[Trial, ...]]:
    found: dict[str, list[Trial]] = {}
    for release in KNOWN_QEMU:
        path = data_file("hazards", f"confirmed-{release}.json")
        if not path.exists():
            continue
        record = json.loads(path.read_text(encoding="utf-8"))
        about = record["about"]
        version = re.search(r"version (\S+)", about["qemu"])
        qemu = version[1] if version else release
        for rule, row in record["rules"].items():
            row = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
            found.setdefault(rule, []).append(Trial(rule, qemu, about["date"], **row))
    return {rule: tuple(rows) for rule, rows in found.items()}


def trials(rule: str = "") -> tuple[Trial, ...]:
    """Every trial of a rule, by its id, oldest release first; without an id, those of all rules.

    >>> trials("background-snapshot-vs-xbzrle")[0].operations
    ('background-snapshot', 'xbzrle')
    """
    return _all().get(rule, ()) if rule else tuple(trial for rows in _all().values() for trial in rows)


def confirmed(rule: str) -> tuple[Trial, ...]:
    """The trials of a rule that showed what it says; () if there are none.

    >>> [trial.qemu for trial in confirmed("readonly-missing-file-created")]
    ['7.2.22']
    """
    return tuple(trial for trial in trials(rule) if trial.outcome == "confirmed")


def confirmed_words(rule: str) -> str:
    """On which QEMUs a rule was confirmed, and when, in words; "" if on none.

    >>> confirmed_words("vfio-pins-all-ram")
    ''
    """
    rows = confirmed(rule)
    if not rows:
        return ""
    releases = list(dict.fromkeys(row.qemu for row in rows))
    last = releases.pop()
    names = f"{', '.join(releases)} and {last}" if releases else last
    return f"on QEMU {names}, {max(row.date for row in rows)}"
