"""Migrations of a guest that writes its memory by a known pattern, as a time series of QEMU's counters.

Each workload migrates a running guest to a second QEMU over a socket, at a bandwidth so small that the limit
and not the processor sets the pace.  While it runs, query-migrate and the guest's own count of written pages
are read again and again; QEMU's trace says when it synchronised the dirty bitmap and what it measured.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from memkit.errors import MemkitError
from memkit.qemu.process import Process

from .ask import Binary
from .files import provenance
from .workloads_guest import STATE, Program, image

__all__ = ["COLUMNS", "WORKLOADS", "Workload", "read_trace", "record_workloads"]

MIB = 1 << 20
POLL = 0.2
LONGEST = 90.0
# Milliseconds that are no disturbance.
CALM = 1.0
TRACED = (
    "migrate_transferred", "migration_bitmap_sync_end", "cpu_throttle_set", "migration_throttle",
    "migration_completion_vm_stop", "postcopy_start",
)
# What a sample holds: milliseconds since "migrate", the status, what the guest wrote; then members of "ram".
COLUMNS = (
    "ms", "status", "written", "transferred", "remaining", "duplicate", "normal", "dirty-sync-count",
    "dirty-pages-rate", "mbps", "pages-per-second", "cpu-throttle-percentage", "expected-downtime",
)


@dataclass(frozen=True)
class Workload:
    """What a guest does and how it is migrated.

    ``rate`` is pages a second, 0 for a guest that sleeps.  ``memory`` bytes; ``huge``: of 2 MiB pages.
    ``end`` says when the recorder interferes: it stops after so many synchronisations, or starts postcopy
    after so many seconds.
    """

    id: str
    why: str
    program: Program
    rate: int = 0
    memory: int = 96 * MIB
    huge: bool = False
    parameters: Mapping[str, int] = field(default_factory=lambda: {"max-bandwidth": 16 * MIB})
    capabilities: Sequence[str] = ()
    cancel_after: int = 0
    postcopy_at: float = 0.0


FULL = 16384  # pages that are filled before the start: 64 MiB
LIMITED = {"max-bandwidth": 16 * MIB, "max-postcopy-bandwidth": 16 * MIB}
WORKLOADS = (
    Workload("idle", "a guest that writes nothing", Program(fill=FULL)),
    Workload(
        "sequential-slow", "whole pages, one after the other, at an eighth of the bandwidth",
        Program(pages=FULL, fill=FULL, words=1024), rate=500,
    ),
    Workload(
        "one-byte-a-page", "four bytes in each page cost as much as whole pages",
        Program(pages=FULL, fill=FULL), rate=500,
    ),
    Workload(
        "sequential-fast", "faster than the bandwidth: it does not converge",
        Program(pages=FULL // 2, fill=FULL), rate=6000, cancel_after=7,
    ),
    Workload(
        "random", "pages by chance: some are written twice in a round and sent once",
        Program("random", pages=FULL, fill=FULL, seed=7), rate=1500,
    ),
    Workload(
        "hot-set", "nine of ten writes hit 512 pages, which fit the downtime limit",
        Program("random", pages=FULL // 2, fill=FULL, hot_pages=512, hot_share=230, seed=7), rate=4000,
    ),
    Workload(
        "hot-set-tight", "2048 hot pages, more than fit the downtime limit: it does not converge",
        Program("random", pages=FULL // 2, fill=FULL, hot_pages=2048, hot_share=230, seed=7), rate=12000,
        cancel_after=10,
    ),
    Workload(
        "zero", "pages of zeros, written with zeros: nine bytes each in the stream",
        Program(pages=FULL, value=0), rate=4000, memory=256 * MIB,
    ),
    Workload(
        "half-zero", "half of the written pages become zero again",
        Program(pages=FULL // 2, fill=FULL, value=0, words=1024), rate=500,
    ),
    Workload(
        "auto-converge", "QEMU slows the guest down until it converges",
        Program(pages=FULL // 2, fill=FULL), rate=8000, capabilities=("auto-converge",),
    ),
    Workload(
        "postcopy", "it would not converge; postcopy starts after 6.5 seconds",
        Program("random", pages=FULL, fill=FULL, seed=7), rate=5000, capabilities=("postcopy-ram",),
        postcopy_at=6.5, parameters=LIMITED,
    ),
    Workload(
        "huge", "host pages of 2 MiB: precopy still sends 4 KiB for one write",
        Program(pages=FULL, fill=FULL), rate=500, huge=True,
    ),
    Workload(
        "postcopy-huge", "host pages of 2 MiB: postcopy sends each that is not whole once more",
        Program("random", pages=FULL, fill=FULL, seed=7), rate=3000, huge=True,
        capabilities=("postcopy-ram",), postcopy_at=4.5, parameters=LIMITED,
    ),
)


class _Guest:
    """A running QEMU that answers QMP commands; use it in a ``with`` statement."""

    def __init__(self, binary: Binary, argv: Sequence[str]) -> None:
        self.ours, theirs = socket.socketpair()
        self.ours.settimeout(30)
        self.theirs = theirs
        self.process = Process(binary.command(
            binary.program, "-nodefaults", "-display", "none", "-accel", "tcg",
            "-chardev", f"socket,id=qmp,fd={theirs.fileno()}", "-qmp", "chardev:qmp", *argv,
        ), theirs.fileno())

    def __enter__(self) -> Self:
        self.process.__enter__()
        self.theirs.close()
        self.talk = self.ours.makefile("rw", encoding="utf-8", newline="\n")
        if not self.talk.readline():
            said = self.process.output("stderr")
            self.__exit__()
            raise MemkitError(f"QEMU did not start: {said.strip()}")
        self.ask("qmp_capabilities")
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.end()
        self.ours.close()

    def ask(self, command: str, **arguments: Any) -> Any:
        """What QEMU returns; raises MemkitError with its words if it refuses."""
        self.talk.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.talk.flush()
        while line := self.talk.readline():
            reply = json.loads(line)
            if "error" in reply:
                raise MemkitError(f"{command}: {reply['error']['desc']}")
            if "return" in reply:
                return reply["return"]
        raise MemkitError(f"QEMU went away at {command}: {self.process.output('stderr').strip()}")

    def state(self) -> tuple[int, int, int]:
        """What the guest wrote, whether its region is filled, and its counter."""
        text = self.ask("human-monitor-command", **{"command-line": f"xp /3xw {STATE:#x}"})
        written, ready, ticks = (int(word, 16) for word in text.partition(":")[2].split())
        return written, ready, ticks


def record_workloads(binary: Binary, only: str = "") -> dict[str, Any]:
    """The sections of a file of workloads; ``only`` is a regular expression for their ids.

    Raises MemkitError with QEMU's words if it refuses.
    """
    chosen = [w for w in WORKLOADS if re.fullmatch(only or ".*", w.id)]
    if not chosen:
        raise MemkitError(f"no workload is called {only!r}; there are: {', '.join(w.id for w in WORKLOADS)}")
    package = f"qemu-system-{'x86' if binary.target in ('x86_64', 'i386') else 'misc'}"
    with tempfile.TemporaryDirectory(prefix="workloads-", dir="/var/tmp") as scratch:
        hertz = _hertz(binary, Path(scratch))
        runs = {}
        for workload in chosen:
            runs[workload.id] = _calmest(binary, workload, hertz, Path(scratch))
            last = runs[workload.id]["final"]
            print(f"{workload.id}: {last['status']}, {last.get('total-time')} ms", file=sys.stderr)
    return {"about": provenance(binary, package), "columns": list(COLUMNS), "workloads": runs}


def _argv(workload: Workload, rom: Path) -> list[str]:
    words = ["-M", "pc", "-m", f"{workload.memory // MIB}M", "-bios", str(rom)]
    if workload.huge:
        backend = f"memory-backend-memfd,id=ram,size={workload.memory // MIB}M,hugetlb=on,hugetlbsize=2M"
        words += ["-object", backend, "-machine", "memory-backend=ram"]
    return words


def _hertz(binary: Binary, scratch: Path) -> float:
    """How fast the guest's counter runs (in units of 256 ticks): it is the host's."""
    rom = scratch / "calibrate.bin"
    rom.write_bytes(image(Program()))
    with _Guest(binary, ["-M", "pc", "-m", "64M", "-bios", str(rom)]) as guest:
        time.sleep(0.5)
        before, first = time.monotonic(), guest.state()[2]
        time.sleep(2)
        after, second = time.monotonic(), guest.state()[2]
    return ((second - first) % (1 << 32)) / (after - before)


def _calmest(binary: Binary, workload: Workload, hertz: float, scratch: Path) -> dict[str, Any]:
    """The run that the rest of the machine disturbed least, of up to three."""
    best: dict[str, Any] = {}
    for _ in range(3):
        run = _run(binary, workload, hertz, scratch)
        run["disturbed"] = _disturbance(run)
        if not best or run["disturbed"] < best["disturbed"]:
            best = run
        if best["disturbed"] <= CALM:
            break
    return best


def _disturbance(run: Mapping[str, Any]) -> float:
    """Milliseconds by which QEMU's windows of 100 ms came late, in the mean."""
    spent = [window[2] for window in run["windows"]]
    idle = run["samples"][-1][0] / max(len(spent), 1) if len(spent) > 5 else 100
    return round(max(sum(spent) / max(len(spent), 1), idle - 10) - 100, 2)


def _run(binary: Binary, workload: Workload, hertz: float, scratch: Path) -> dict[str, Any]:
    page_time = round(hertz / workload.rate) if workload.rate else 1 << 30
    # Where the guest may be slowed down, it must not catch up.
    burst = round(hertz / workload.program.hertz) if "auto-converge" in workload.capabilities else 0
    program = Program(**{**asdict(workload.program), "page_time": page_time, "burst": burst})
    rom, trace, path = scratch / "rom.bin", scratch / "trace.log", scratch / "migration"
    rom.write_bytes(image(program))
    for old in (trace, path):
        old.unlink(missing_ok=True)
    argv = _argv(workload, rom)
    known = binary.help("-trace", "help").split()
    traced = [word for event in TRACED if event in known for word in ("-trace", event)]
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(_Guest(
            binary, [*argv, *traced, "-msg", "timestamp=on", "-D", str(trace)]
        ))
        destination = stack.enter_context(_Guest(binary, [*argv, "-incoming", f"unix:{path}"]))
        return _migrate(source, destination, workload, program, hertz, path, trace)


def _migrate(
    source: _Guest, destination: _Guest, workload: Workload, program: Program, hertz: float, path: Path,
    trace: Path,
) -> dict[str, Any]:
    while not source.state()[1]:
        time.sleep(0.1)
    on = [{"capability": name, "state": True} for name in workload.capabilities]
    for guest in (source, destination):
        guest.ask("migrate-set-capabilities", capabilities=on)
    source.ask("migrate-set-parameters", **workload.parameters)
    written = source.state()[0]
    begin = time.time()
    source.ask("migrate", uri=f"unix:{path}")
    samples = list(_poll(source, workload, begin))
    final = source.ask("query-migrate")
    arrived = destination.ask("query-migrate").get("status", "")
    told = read_trace(trace.read_text(encoding="utf-8"), begin)
    return {
        "why": workload.why,
        "program": {k: v for k, v in asdict(program).items() if k not in ("page_time", "burst")},
        "rate": hertz / program.page_time if workload.rate else 0, "catches_up": not program.burst,
        "written": written,
        "memory": workload.memory, "huge": workload.huge,
        "parameters": dict(workload.parameters), "capabilities": list(workload.capabilities),
        "postcopy_at": workload.postcopy_at, "cancel_after": workload.cancel_after,
        "destination": arrived, "final": final, "samples": samples, **told,
    }


def _poll(source: _Guest, workload: Workload, begin: float) -> Iterator[list[Any]]:
    asked = False
    while True:
        said = source.ask("query-migrate")
        moment = time.time() - begin
        written = source.state()[0]
        ram = said.get("ram", {})
        row = {"ms": round(moment * 1000), "written": written, **ram, **said}
        yield [row.get(name) for name in COLUMNS]
        if said.get("status") in ("completed", "failed", "cancelled") or moment > LONGEST:
            return
        syncs = ram.get("dirty-sync-count", 0)
        if workload.postcopy_at and moment >= workload.postcopy_at and not asked:
            source.ask("migrate-start-postcopy")
            asked = True
        if workload.cancel_after and syncs >= workload.cancel_after:
            return
        time.sleep(POLL)


# A line of the trace: "PID@SECONDS:event words" up to 10.0, "2026-01-31T12:00:00.000000Z event words" in
# 11.1.
STAMP = re.compile(r"(?:\d+@(\d+\.\d+):|(\S+T\S+Z) )(\w+) (.*)")


def read_trace(text: str, begin: float) -> dict[str, list[list[float]]]:
    """What a trace says: windows, looks at the log, throttles and the stop; milliseconds from ``begin``.

    ``windows`` are [ms, bytes, ms spent, threshold], ``syncs`` [ms, dirty pages], ``throttle`` [ms, percent],
    ``stopped`` [ms].  ``begin`` is a time of day in seconds.

    >>> read_trace("77@12.500000:migration_bitmap_sync_end dirty_pages 40", 12.0)["syncs"]
    [[500, 40]]
    """
    told: dict[str, list[list[float]]] = {"windows": [], "syncs": [], "throttle": [], "stopped": []}
    for line in text.splitlines():
        found = STAMP.match(line)
        if found is None:
            continue
        moment = float(found[1]) if found[1] else datetime.fromisoformat(found[2]).timestamp()
        ms = round((moment - begin) * 1000)
        numbers = [float(n) if "." in n else int(n) for n in re.findall(r"\d+(?:\.\d+)?", found[4])]
        match found[3]:
            case "migrate_transferred":
                told["windows"].append([ms, numbers[0], numbers[1], numbers[-1]])
            case "migration_bitmap_sync_end":
                told["syncs"].append([ms, numbers[0]])
            case "cpu_throttle_set":
                told["throttle"].append([ms, numbers[0]])
            case "migration_completion_vm_stop" | "postcopy_start":
                told["stopped"].append([ms])
    return told
