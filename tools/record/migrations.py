"""Migrations: what a QEMU did when two guests, or a guest and a file, were migrated.

Each case runs with directories of its own, so that two hosts can be told apart.  Marks are put into the
source's memory; what counts is whether the destination has them, not what it reports.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from .ask import Binary, ivshmem_server
from .migration_case import Case, Question
from .migration_guest import Ended, Marks, Refusal, Running, mark
from .migration_places import BELL, HOST, LINK, file_sums, open_places

__all__ = ["SECONDS", "record_migrations", "run_case"]

SECONDS = 20.0
# So slow that RAM is not through before migrate-start-postcopy is heard.
CRAWL = {"max-bandwidth": 65536}
ENDS = {"completed", "failed", "cancelled", "postcopy-paused"}
WORSE = ("refused", "completes", "fails", "hangs", "corrupts")
COUNTERS = ("normal", "duplicate", "total", "postcopy-requests", "postcopy-bytes")


class _Stop(Exception):
    """The case is decided: where, and QEMU's words."""

    def __init__(self, outcome: str, where: str, message: str) -> None:
        super().__init__(message)
        self.result = {"outcome": outcome, "where": where, "message": message}


class _Trial:
    """One case being run."""

    def __init__(self, case: Case, source: Binary, destination: Binary, seconds: float) -> None:
        self.case, self.binaries, self.seconds = case, (source, destination), seconds
        self.stack = contextlib.ExitStack()
        self.facts: dict[str, Any] = {}
        self.said: dict[str, list[str]] = {}
        self.source: Running | None = None
        self.target: Running | None = None
        self.silent: Running | None = None

    def run(self) -> dict[str, Any]:
        case = self.case
        with self.stack:
            tag = hashlib.sha256(f"{case.id} {os.getpid()}".encode()).hexdigest()[:12]
            link = self.stack.enter_context(tempfile.TemporaryDirectory(prefix="memkit-", dir="/var/tmp"))
            if any(BELL in word for word in case.source):
                os.symlink(ivshmem_server(first=True), link + BELL.removeprefix(LINK))
            here = there = self.stack.enter_context(open_places(f"memkit-{tag}-s", case.files, link))
            if case.two_hosts:
                there = self.stack.enter_context(open_places(f"memkit-{tag}-d", case.files, link))
            before = file_sums([here, there], case.files)
            try:
                result = self._go(here, there)
            except _Stop as e:
                result = e.result
            for side, guest in (("source", self.source), ("destination", self.target)):
                if guest is not None:
                    self.said.setdefault(side, []).extend(guest.said())
            for side in [s for s, lines in self.said.items() if not lines]:
                del self.said[side]
            changed = [
                f"{side} {path}"
                for (side, path), checksum in file_sums([here, there], case.files).items()
                if checksum != before[side, path] and (case.two_hosts or side == "source")
            ]
        facts = self.facts | ({"files_changed": changed} if changed else {})
        return {**result, "said": self.said, **facts}

    # -- the steps

    def _go(self, here: Mapping[str, str], there: Mapping[str, str]) -> dict[str, Any]:
        case = self.case
        source = self.source = self._start("source", 0, case.source, here, case.prepare)
        if case.mode == "background-snapshot":
            # A guest that has never run ends QEMU: prelaunch cannot become paused.
            for command in ("cont", "stop"):
                self._ask(f"source {command}", source, {"execute": command})
        marks = self._heard("source", source.fill)
        if case.destination is not None:
            self._start_destination(there)
        else:
            self._ask("source capabilities", source, _capabilities(case.capabilities))
            self._ask("source parameters", source, _parameters(self._parameters(case.parameters)))
        name, uri = self._uri(here)
        if case.destination is not None and case.transport == "unix":
            self._ask("incoming", self._there(), {"execute": "migrate-incoming", "arguments": {"uri": uri}})
        self._ask("migrate", source, {"execute": "migrate", "arguments": {"uri": uri}})
        if case.mode == "postcopy":
            self._ask("start-postcopy", source, {"execute": "migrate-start-postcopy"})
        status = self._wait(source)
        self._read_counters(source)
        if case.transport != "unix" and status == "completed":
            self._restore(source, there, name)
        return self._judge(source, status, marks)

    def _start_destination(self, there: Mapping[str, str]) -> None:
        case = self.case
        assert case.destination is not None
        assert self.source is not None
        target = self.target = self._start(
            "destination", 1, [*case.destination, "-incoming", "defer"], there, case.prepare_destination
        )
        for kind, mine, other in (
            ("capabilities", case.capabilities, case.destination_capabilities),
            ("parameters", self._parameters(case.parameters), case.destination_parameters),
        ):
            make = _capabilities if kind == "capabilities" else _parameters
            self._ask(f"source {kind}", self.source, make(mine))
            self._ask(f"destination {kind}", target, make(mine if other is None else other))

    def _restore(self, source: Running, there: Mapping[str, str], name: str) -> None:
        """A guest that reads the file, when the source is gone."""
        case = self.case
        self.said["source"] = source.said()
        source.quit()
        self.source = None
        if self.target is None:
            argv = [*(case.destination or case.source), "-incoming", "defer"]
            target = self.target = self._start("destination", 1, argv, there, case.prepare_destination)
            wanted = (
                case.capabilities if case.destination_capabilities is None else case.destination_capabilities
            )
            self._ask("destination capabilities", target, _capabilities(_for_restore(wanted)))
            given = case.parameters if case.destination_parameters is None else case.destination_parameters
            self._ask("destination parameters", target, _parameters(given))
        target = self._there()
        uri = f"file:{name}" if case.transport == "file" else f"exec:cat {name}"
        self._ask("incoming", target, {"execute": "migrate-incoming", "arguments": {"uri": uri}})

    def _judge(self, source: Running, status: str, marks: Marks) -> dict[str, Any]:
        target, final = self.target, ""
        if target is not None:
            final = self._wait(target, None if status == "completed" else 2.0)
        self.facts["status"] = {"source": status} | ({"destination": final} if target else {})
        if self.silent is not None and final not in ("failed", "ended"):
            raise _Stop("hangs", "source" if self.silent is source else "destination", "")
        if status != "completed" or final not in ("completed", ""):
            raise _Stop("fails", *self._reason(final))
        assert target is not None
        content = self._heard("destination", lambda: target.compare(marks))
        self.facts["content"] = content
        if self.source is not None:
            kept = self._heard("source", lambda: source.compare(marks))
            if any(word != "copied" for word in kept.values()):
                self.facts["source_content"] = kept
            shared = self._heard("destination", lambda: _shared(source, target, marks))
            if shared:
                self.facts["same_memory"] = shared
        if any(word != "copied" for word in content.values()):
            raise _Stop("corrupts", "memory", "")
        return {"outcome": "completes"}

    # -- helpers

    def _there(self) -> Running:
        assert self.target is not None
        return self.target

    def _parameters(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**CRAWL, **given} if self.case.mode == "postcopy" else given

    def _uri(self, here: Mapping[str, str]) -> tuple[str, str]:
        """The file's name as the case has it, and the address to migrate to."""
        if self.case.transport == "unix":
            return "", f"unix:{LINK}/socket"
        name = f"{LINK}/file"
        return name, f"file:{name}" if self.case.transport == "file" else f"exec:cat > {name}"

    def _start(
        self,
        side: str,
        number: int,
        argv: Sequence[str],
        real: Mapping[str, str],
        prepare: Sequence[Question],
    ) -> Running:
        guest = self.stack.enter_context(Running(self.binaries[number], argv, real, self.seconds))
        try:
            guest.greet()
        except Ended as e:
            guest.exit_code(1.0)
            said = self.said[side] = guest.said()
            raise _Stop("hangs" if e.silent else "refused", f"{side} start", _first(said)) from None
        if side == "source":
            self.source = guest
        else:
            self.target = guest
        for question in prepare:
            answer = self._ask(f"{side} prepare", guest, question)
            # HMP tells what is wrong in the text that it returns.
            if isinstance(question, str) and isinstance(answer, str) and answer.strip():
                raise _Stop("refused", f"{side} prepare", guest.told(answer.strip()))
        return guest

    def _ask(self, where: str, guest: Running, question: Question) -> Any:
        try:
            return guest.ask(question)
        except Refusal as e:
            raise _Stop("refused", where, str(e)) from None
        except Ended as e:
            raise self._ended(e, where, guest) from None

    def _heard(self, side: str, function: Any) -> Any:
        try:
            return function()
        except Ended as e:
            raise self._ended(e, side, self.target if side == "destination" else self.source) from None

    def _ended(self, e: Ended, where: str, guest: Running | None) -> _Stop:
        if guest is not None:
            guest.exit_code(1.0)
        return _Stop("hangs" if e.silent else "fails", where, _first(guest.said() if guest else []))

    def _wait(self, guest: Running, seconds: float | None = None) -> str:
        """The status in which the migration ended; ``ended`` if QEMU did.

        Where nothing happens for too long the guest is remembered as silent, and its last status is told.
        With ``seconds`` to wait that is no surprise.
        """
        patience = time.monotonic() + (self.seconds if seconds is None else seconds)
        dead, status = False, "none"
        while True:
            try:
                status = str(guest.do("query-migrate").get("status", "none"))
            except Ended as e:
                guest.exit_code(1.0)
                if e.silent:
                    self.silent = guest
                return status if e.silent else "ended"
            if status in ENDS:
                return status
            if (
                guest is self.source
                and not dead
                and self.target is not None
                and self.target.exit_code() is not None
            ):
                # Whether the source notices is a fact, too.
                patience, dead = min(patience, time.monotonic() + 5.0), True
            if time.monotonic() > patience:
                if not dead and seconds is None:
                    self.silent = guest
                return status
            time.sleep(0.01)

    def _read_counters(self, source: Running) -> None:
        with contextlib.suppress(Ended, Refusal):
            told = source.do("query-migrate")
            ram = told.get("ram", {})
            if self.case.mode != "background-snapshot":
                self.facts["ram"] = {name: ram[name] for name in COUNTERS if ram.get(name)}
            if told.get("error-desc"):
                self.said.setdefault("source", []).append("error-desc: " + source.told(told["error-desc"]))
            if told.get("blocked-reasons"):
                self.facts["blocked"] = told["blocked-reasons"]

    def _reason(self, final: str) -> tuple[str, str]:
        """Which side failed, and its first words about it."""
        target = self.target
        killed = self.source is not None and (self.source.exit_code() or 0) < 0
        if target is not None and not killed:
            words = _first(target.said())
            with contextlib.suppress(Ended, Refusal):
                told = target.do("query-migrate")
                words = words or target.told(told.get("error-desc", ""))
            if words or final in ("failed", "ended"):
                return "destination", words
        lines = [*self.said.get("source", []), *(self.source.said() if self.source else [])]
        return "source", _first(lines).removeprefix("error-desc: ")


def _first(lines: Sequence[str]) -> str:
    """The first line that is no warning."""
    for line in lines:
        if "warning: " not in line and not line.endswith("; ignoring"):
            return line
    return ""


def _capabilities(names: Sequence[str]) -> Question:
    listed = [{"capability": name, "state": True} for name in names]
    return {"execute": "migrate-set-capabilities", "arguments": {"capabilities": listed}}


def _for_restore(names: Sequence[str]) -> list[str]:
    """A snapshot that was taken in the background is read as any other file."""
    return [name for name in names if name != "background-snapshot"]


def _parameters(values: Mapping[str, Any]) -> Question:
    return {"execute": "migrate-set-parameters", "arguments": dict(values)}


def _shared(source: Running, target: Running, marks: Marks) -> list[str]:
    """The regions in which the source sees what is written at the destination."""
    seen = []
    for gpa, (name, page) in marks.items():
        new = mark(f"destination {name}", gpa)
        if name not in seen and target.write(gpa, new):
            if source.read(gpa) == new:
                seen.append(name)
            target.write(gpa, page)
    return sorted(seen)


def run_case(
    case: Case, source: Binary, destination: Binary | None = None, seconds: float = SECONDS
) -> dict[str, Any]:
    """The row of one case: what was asked, then ``outcome`` and what else was seen.

    Where tries ended in different ways the worst is told, and ``varies`` has them all.
    """
    tries = [_Trial(case, source, destination or source, seconds).run() for _ in range(case.tries)]
    worst = max(tries, key=lambda one: WORSE.index(one["outcome"]))
    ways = sorted({one["outcome"] for one in tries})
    row = case.row() | ({"qemu_destination": destination.short} if destination else {})
    return row | worst | ({"varies": ways} if len(ways) > 1 else {})


def record_migrations(
    cases: Sequence[Case], source: Binary, destination: Binary | None = None, seconds: float = SECONDS
) -> list[dict[str, Any]]:
    """The rows of a file of migrations, the head first; after Ctrl-C those of what was done."""
    rows = []
    counts: Counter[str] = Counter()
    start = time.monotonic()
    for number, case in enumerate(cases, 1):
        try:
            row = run_case(case, source, destination, seconds)
        except KeyboardInterrupt:
            print(f"stopped after {len(rows)} of {len(cases)} migrations", file=sys.stderr)
            break
        rows.append(row)
        counts[row["outcome"]] += 1
        if number % 25 == 0 or number == len(cases):
            told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
            print(
                f"{number} of {len(cases)} migrations, {time.monotonic() - start:.0f} s: {told}",
                file=sys.stderr,
            )
    return [{"about": _about(source, destination), "host": HOST}, *rows]


def _about(source: Binary, destination: Binary | None) -> dict[str, str]:
    about = {
        "program": f"qemu-system-{source.target} {source.short}, under TCG, paused (-S)",
        "qemu": source.version,
        "date": date.today().isoformat(),
        "script": "tools/record migrations",
        "kernel": os.uname().release,
        "what": "migrations, and what became of them: outcome, where, QEMU's words, and whether the "
        "destination has the marks that were put into the source's memory",
        "licence": "CC0 1.0",
    }
    return about | ({"destination": destination.version} if destination else {})
