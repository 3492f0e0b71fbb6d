"""Hazards, tried on a real QEMU: for each rule its bad line, an innocent one, and what was seen of both.

Whether a rule is confirmed is decided by what is seen: the bad line shows the hazard and the innocent one
does not.  A rule that is not one of this release is tried, too: its line should show nothing.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from memkit.errors import MemkitError
from memkit.hazards import RULES, Rule
from memkit.qemu.host import observe_host
from memkit.versions import parse_version

from .ask import Binary
from .files import provenance, write
from .hazards_lab import Lab, Probe, Seen, Try, Unsuited
from .hazards_machine import Ended, Refusal
from .hazards_probes import PROBES

__all__ = ["read_record", "record_hazards", "try_rule", "write_record"]

LONGEST, MOST = 300, 8


def try_rule(lab: Lab, rule: Rule, probe: Probe) -> dict[str, Any]:
    """What was seen of one rule: ``shows`` if its line shows it, ``innocent_shows`` if the innocent one does.

    The innocent line is tried only where the rule is one of this release; ``unsuited`` says what this machine
    lacks for the trial.
    """
    bad = probe.bad or Try(rule.example, rule.operations)
    innocent = rule.operations if rule.innocent_operations is None else rule.innocent_operations
    good = probe.good or Try(rule.innocent, innocent)
    row: dict[str, Any] = {"did": probe.did, "line": bad.line, "operations": list(bad.operations)}
    try:
        seen = _look(lab, probe, bad)
        shows = seen.shows and any(re.search(probe.tells, words) for words in seen.words)
        row |= {"shows": shows, "seen": _words(seen)}
        if not rule.holds_for(parse_version(lab.binary.short), lab.binary.target):
            return row
        other = _look(lab, probe, good)
    except Unsuited as e:
        return row | {"unsuited": str(e)}
    row |= {"innocent": good.line, "innocent_operations": list(good.operations),
            "innocent_shows": other.shows, "innocent_seen": _words(other)}
    looks = {"the line": seen, "the innocent line": other}
    still = " and ".join(name for name, look in looks.items() if not look.ran)
    return row | {"unsuited": f"{still} did not run"} if still else row


def _look(lab: Lab, probe: Probe, what: Try) -> Seen:
    """What a probe saw; that QEMU does not start, or ends, shows nothing by itself."""
    with lab.room():
        try:
            return probe.look(lab, what)
        except Ended as e:
            return Seen(False, (f"QEMU does not start or ends: {e}",), ran=False)
        except Refusal as e:
            return Seen(False, (str(e),), ran=False)
        except (LookupError, OSError, StopIteration) as e:
            return Seen(False, (f"not seen: {lab.told(str(e))}",), ran=False)


def _words(seen: Seen) -> list[str]:
    """What was seen, without the lines that QEMU repeats for page after page."""
    words = [words[:LONGEST] for words in seen.words if words]
    more = len(words) - MOST
    return words if more <= 0 else [*words[:MOST], f"and {more} lines more"]


def record_hazards(binary: Binary, only: Sequence[str] = ()) -> dict[str, Any]:
    """The rules that can be tried, each with what was seen; raises MemkitError for ids that are no rules."""
    wrong = [id for id in only if id not in PROBES]
    if wrong:
        raise MemkitError(f"no probe is called {', '.join(wrong)}; there are: {', '.join(sorted(PROBES))}")
    lab = Lab(binary)
    rows: dict[str, Any] = {}
    for id, rule in RULES.items():
        if id in PROBES and (not only or id in only):
            rows[id] = try_rule(lab, rule, PROBES[id])
            print(f"{id}: {_short(rows[id])}", file=sys.stderr)
    host = observe_host()
    return {
        "about": provenance(binary, "qemu-system-x86"),
        "host": {
            "kernel": platform.release(), "processors": os.cpu_count(), "page_size": host.page_size,
            "numa_nodes": host.numa_nodes, "kvm": os.path.exists("/dev/kvm"),
            "shmem_enabled": _setting("/sys/kernel/mm/transparent_hugepage/shmem_enabled"),
            "thp_enabled": _setting("/sys/kernel/mm/transparent_hugepage/enabled"),
        },
        "rules": rows,
    }


def _short(row: dict[str, Any]) -> str:
    """A trial in a word or two, for who waits."""
    if "unsuited" in row:
        return "unsuited"
    if "innocent_shows" not in row:
        return "not of this release" + (", but shown" if row["shows"] else "")
    return "confirmed" if row["shows"] and not row["innocent_shows"] else "contradicted"


def _setting(path: str) -> str:
    """The chosen word of a kernel setting, "" if there is none."""
    try:
        text = Path(path).read_text()
    except OSError:
        return ""
    return text.partition("[")[2].partition("]")[0]


def write_record(path: Path, record: dict[str, Any], only: Iterable[str] = ()) -> None:
    """Write the record; with ``only``, put its rules into the file that is there."""
    if only and path.exists():
        old = read_record(path)
        rows = old["rules"] | record["rules"]
        record = {**old, "rules": {id: rows[id] for id in RULES if id in rows}}
    write(path, record)


def read_record(path: Path) -> dict[str, Any]:
    """A record as it lies in the file."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
