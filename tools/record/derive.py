"""Facts about a QEMU that nobody could start, from two recordings around it and a table of decisions.

usage: python -m tools.record.derive [TABLE.json] [--data DIR] [--check]

Where the two neighbours say the same, the release between them is taken to say it, too.  Where they differ,
the table (data/derived/VERSION.json) decides, and names the place in QEMU's source that was read.  A
difference without a decision ends the run.  data/README.md explains the table, docs/versions.md what is
uncertain.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from memkit.errors import MemkitError

from .expand import COMPACT, EXPAND, Facts, woven
from .files import write
from .windows import dump

__all__ = ["ABSENT", "Decisions", "derive", "main", "pattern"]

DATA = Path(__file__).resolve().parents[2] / "data"
ABSENT: Any = object()


def pattern(path: str, names: str = "") -> re.Pattern[str]:
    """What a path of the table means: ``*`` is anything, ``{}`` one of ``names``.

    >>> bool(pattern("machines/*/pc-i440fx-{}", "2.0 2.1").fullmatch("machines/vga/std/pc-i440fx-2.1"))
    True
    """
    any_name = "(?:" + "|".join(map(re.escape, names.split())) + ")"
    parts = re.split(r"(\*|\{\})", path)
    return re.compile("".join({"*": ".*", "{}": any_name}.get(part, re.escape(part)) for part in parts))


class Decisions:
    """The table: which neighbour to follow where they differ, and what must be edited before or after.

    ``undecided`` are the differences without a rule so far.  Raises KeyError for a table that lacks a part.
    """

    def __init__(self, table: dict[str, Any]) -> None:
        self.version, (self.old, self.new) = table["version"], table["between"]
        self.about = table["about"]
        self._rules = [
            (pattern(path, rule.get("names", "")), number, str(rule["take"]))
            for number, rule in enumerate(table["rules"]) for path in rule["paths"]
        ]
        self._sources = [rule["source"] for rule in table["rules"]]
        self._edits = [
            (re.split(r"[*{]", path)[0], pattern(path, edit.get("names", "")), edit)
            for edit in table["edits"] for path in edit["paths"]
        ]
        self._used: set[int] = set()
        self.undecided: list[str] = []

    @property
    def idle(self) -> list[str]:
        """The sources of the rules that have decided nothing so far."""
        return [source for number, source in enumerate(self._sources) if number not in self._used]

    def side(self, path: str) -> str | None:
        """The neighbour that the first fitting rule follows; None if no rule fits."""
        for regex, number, take in self._rules:
            if regex.fullmatch(path):
                self._used.add(number)
                return take
        return None

    def merge(self, path: str, old: Any, new: Any, outer: str | None = None) -> Any:
        """What the release has where the neighbours have ``old`` and ``new``; ABSENT if it has nothing.

        ``outer`` is the neighbour that is followed unless a rule says otherwise.
        """
        if old == new:
            return old
        if all(part is ABSENT or part == [] for part in (old, new)):
            return ABSENT
        if isinstance(old, dict) and isinstance(new, dict):
            return self._members(path, old, new, outer)
        side = self.side(path) or outer
        if side is None:
            self.undecided.append(f"{path}: {self.old} {_short(old)}, {self.new} {_short(new)}")
            return ABSENT
        taken = old if side == self.old else new
        if isinstance(taken, dict) and ABSENT in (old, new):
            # What only one has is looked through, too: parts of it may be of another time.
            return self._members(path, {} if old is ABSENT else old, {} if new is ABSENT else new, side)
        return taken

    def _members(self, path: str, old: Facts, new: Facts, outer: str | None) -> Facts:
        found = {
            key: self.merge(f"{path}/{key}", old.get(key, ABSENT), new.get(key, ABSENT), outer)
            for key in woven(old, new)
        }
        return {key: value for key, value in found.items() if value is not ABSENT}

    def edit(self, version: str, room: str, facts: Facts) -> Facts:
        """``facts`` with the edits of the table that are for ``version``, in their order."""
        edited: Facts = _edited(facts, room, [edit for edit in self._edits if edit[2]["in"] == version])
        return edited


def _short(value: Any) -> str:
    text = "nothing" if value is ABSENT else json.dumps(value)
    return text if len(text) < 70 else text[:67] + "..."


def _edited(value: Any, path: str, edits: list[tuple[str, re.Pattern[str], dict[str, Any]]]) -> Any:
    below = []
    for start, where, edit in edits:
        if where.fullmatch(path):
            value = _changed(value, edit)
        elif path.startswith(start) or start.startswith(path):
            below.append((start, where, edit))
    if isinstance(value, dict) and below:
        return {key: _edited(part, f"{path}/{key}", below) for key, part in value.items()}
    return value


def _changed(value: Any, edit: dict[str, Any]) -> Any:
    """One value after one edit: see data/README.md for the kinds."""
    if "value" in edit:
        return edit["value"]
    if "sub" in edit:
        return _replaced(value, edit["sub"])
    if "put" in edit:
        return {**value, **edit["put"]}
    if "drop" in edit:
        return {name: part for name, part in value.items() if name not in edit["drop"]}
    if "insert" in edit:
        members = list(value)
        members.insert(max(members.index(n) + 1 for n in edit["behind"]), edit["insert"])
        return {name: value.get(name) for name in members}
    return {**value, **{key: [*lines, *value.get(key, [])] for key, lines in edit["lines"].items()}}


def _replaced(value: Any, pairs: Sequence[Sequence[str]]) -> Any:
    """``value`` with regular expressions replaced in every text of it; a line that becomes "" goes."""
    if isinstance(value, str):
        for regex, text in pairs:
            value = re.sub(regex, text, value)
        return value
    if isinstance(value, dict):
        return {_replaced(key, pairs): _replaced(part, pairs) for key, part in value.items()}
    if isinstance(value, list):
        return [part for part in (_replaced(p, pairs) for p in value) if part != ""]
    return value


def derive(decisions: Decisions, room: str, old: Facts, new: Facts) -> Facts:
    """The facts of one room (devices, machines, windows) for the release between, as they lie in a file.

    Differences without a decision are left out, and stand in ``decisions.undecided``.
    """
    before, after = (
        decisions.edit(version, room, {k: v for k, v in EXPAND[room](facts).items() if k != "about"})
        for version, facts in ((decisions.old, old), (decisions.new, new))
    )
    found = decisions.edit(decisions.version, room, decisions.merge(room, before, after))
    return COMPACT[room]({"about": decisions.about, **found})


def _load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _table(path: Path) -> Decisions:
    try:
        return Decisions(_load(path))
    except (OSError, ValueError) as e:
        raise MemkitError(f"{path}: {e}") from None
    except (KeyError, TypeError) as e:
        parts = "version, between, about, edits and rules"
        raise MemkitError(f"{path}: a table has {parts}; wrong is {e!r}") from None


def main(argv: Sequence[str] | None = None) -> int:
    """Write the derived files, or compare them with --check; 1 if something is undecided or differs."""
    about = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m tools.record.derive", description=about)
    parser.add_argument("table", type=Path, nargs="?", default=DATA / "derived" / "8.2.json")
    parser.add_argument("--data", type=Path, default=DATA, help="where devices, machines and windows lie")
    parser.add_argument("--check", action="store_true", help="write nothing; say which files differ")
    words = parser.parse_args(argv)
    try:
        said = _run(_table(words.table), words.data, words.check)
    except (MemkitError, OSError) as e:
        said = [f"derive: {e}"]
    print(*said, sep="\n", end="\n" if said else "", file=sys.stderr)
    return 1 if said else 0


def _run(decisions: Decisions, data: Path, check: bool) -> list[str]:
    """What is to be complained of; without anything, the files are written."""
    found = {}
    for room in EXPAND:
        old, new = (data / room / f"x86_64-{v}.json" for v in (decisions.old, decisions.new))
        found[room] = derive(decisions, room, _load(old), _load(new))
    said = [f"undecided: {text}" for text in decisions.undecided]
    said += [f"a rule decides nothing: {source}" for source in decisions.idle]
    for room, facts in found.items() if not said else ():
        path = data / room / f"x86_64-{decisions.version}.json"
        if check:
            said += [] if path.exists() and _load(path) == facts else [f"{path} is not what the table says"]
        elif room == "windows":
            path.write_text(dump(facts) + "\n", encoding="utf-8")
        else:
            write(path, facts)
    return said


if __name__ == "__main__":
    sys.exit(main())
