"""A running guest that is looked at from outside: its mappings, its files, its guest-physical memory.

Guest-physical memory is read and written over ``-qtest``, which goes the way of a CPU's access: a write to
ROM is dropped.  Mappings are those that the kernel shows in ``/proc/PID/smaps``.
"""

from __future__ import annotations

import re
import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TextIO

from memkit.qemu.process import Process

from .ask import Binary
from .migration_guest import Ended, Refusal, Running

__all__ = ["Ended", "Machine", "Mapping", "Refusal", "until"]

SECONDS = 20.0
KIB = 1 << 10


def until(true: Callable[[], bool], seconds: float = SECONDS) -> bool:
    """True as soon as ``true()`` is; False if it is not within ``seconds``."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@dataclass(frozen=True)
class Mapping:
    """One mapping of a process: host-virtual addresses, its file, and what the kernel counts, in bytes."""

    start: int
    end: int
    file: str
    counts: dict[str, int]
    flags: frozenset[str]
    policy: str = ""

    @property
    def size(self) -> int:
        """The length in bytes."""
        return self.end - self.start

    @property
    def resident(self) -> int:
        """How many bytes have pages, huge ones of a pool included."""
        return sum(self.counts.get(name, 0) for name in ("Rss", "Shared_Hugetlb", "Private_Hugetlb"))


class Machine(Running):
    """A QEMU that can be asked and looked at; use it in a ``with`` statement.

    It is paused, under TCG unless the line names an accelerator; ``driven`` lets it run.  ``around`` are
    words that run it inside something.
    """

    def __init__(
        self, binary: Binary, argv: Sequence[str], real: dict[str, str], *, driven: bool = False,
        around: Sequence[str] = (), socket_path: Path,
    ) -> None:
        self._binary, self._real, self._seconds, self._files = binary, real, SECONDS, ()
        self._door = socket_path
        self._qtest: TextIO | None = None
        quiet = ["-audio", "none"] if binary.release >= (8, 2) else []
        named = any("accel" in word or word == "-enable-kvm" for word in argv)
        accel = [] if named else ["-accel", "tcg"]
        self._ours, self._theirs = socket.socketpair()
        self._process = Process(
            [*around, *binary.command(
                binary.program, *([] if driven else ["-S"]), "-display", "none", *accel, *quiet,
                "-chardev", f"socket,id=record-qmp,fd={self._theirs.fileno()}",
                "-qmp", "chardev:record-qmp",
                "-qtest", f"unix:{socket_path},server=on,wait=off", "-qtest-log", "/dev/null",
                *[self.real(word) for word in argv],
            )],
            self._theirs.fileno(),
        )

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    def __exit__(self, *exc: Any) -> None:
        super().__exit__(*exc)
        if self._qtest is not None:
            self._qtest.close()
        self._door.unlink(missing_ok=True)

    # -- asking

    def words(self, command: str, **arguments: Any) -> str:
        """QEMU's words that refuse a QMP command, "" if it does it."""
        try:
            self.do(command, **arguments)
        except Refusal as e:
            return str(e)
        return ""

    def hmp(self, text: str) -> str:
        """What the monitor prints for ``text``."""
        return str(self.ask(text)).replace("\r", "").strip()

    def said(self) -> list[str]:
        """The lines that it wrote to stderr, without its name and without what -qtest adds."""
        return [line for line in super().said() if not line.startswith(("GLib: g_timer", "(killed by"))]

    def fate(self, seconds: float = SECONDS) -> str:
        """How the process ended, in words; "" if it still runs after ``seconds``."""
        code = self.exit_code(seconds)
        if code is None:
            return ""
        return f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    @property
    def release(self) -> tuple[int, ...]:
        """The release of QEMU."""
        return self._binary.release

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    # -- guest-physical memory and ports

    def qtest(self, words: str) -> str:
        """What QEMU answers to a line of the qtest protocol, without OK; raises Ended."""
        if self._qtest is None:
            door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            door.settimeout(SECONDS)
            door.connect(str(self._door))
            self._qtest = door.makefile("rw", encoding="ascii")
            door.close()
        try:
            self._qtest.write(words + "\n")
            self._qtest.flush()
            answer = self._qtest.readline()
        except OSError:
            raise Ended from None
        if not answer:
            raise Ended
        return answer.strip().removeprefix("OK").strip()

    def poke(self, gpa: int, content: bytes) -> None:
        """Write at a guest-physical address, as a CPU would."""
        self.qtest(f"write {gpa:#x} {len(content):#x} 0x{content.hex()}")

    def memset(self, gpa: int, size: int) -> None:
        """Write ``size`` bytes that are not zero, as a CPU would."""
        self.qtest(f"memset {gpa:#x} {size:#x} 0x78")

    def peek(self, gpa: int, size: int) -> bytes:
        """Read at a guest-physical address, as a CPU would."""
        return bytes.fromhex(self.qtest(f"read {gpa:#x} {size:#x}")[2:])

    # -- what the kernel shows

    def hva(self, gpa: int) -> int:
        """The host-virtual address behind a guest-physical one; 0 where there is no memory."""
        found = re.search(r" is (0x[0-9a-f]+)", self.hmp(f"gpa2hva {gpa:#x}"))
        return int(found[1], 16) if found else 0

    def mappings(self) -> list[Mapping]:
        """All mappings of the process; a QEMU in a root directory calls files as it sees them."""
        found: list[Mapping] = []
        inside = str(self._binary.root.path.resolve()) if self._binary.root else ""
        text = Path(f"/proc/{self.pid}/smaps").read_text()
        for part in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", text):
            head, *rest = part.splitlines()
            start, end = (int(word, 16) for word in head.split()[0].split("-"))
            file = head[73:].strip() if len(head) > 73 else ""
            counts = {m[1]: int(m[2]) * KIB for line in rest if (m := re.match(r"(\w+):\s+(\d+) kB", line))}
            flags = next((line.split()[1:] for line in rest if line.startswith("VmFlags:")), [])
            found.append(Mapping(start, end, self.told(file.removeprefix(inside)), counts, frozenset(flags)))
        return found

    def mapping(self, gpa: int = 1 << 20, size: int = 0) -> Mapping:
        """The mapping behind a guest-physical address, or the only one of ``size`` bytes."""
        if size:
            return next(m for m in self.mappings() if m.size == size)
        hva = self.hva(gpa)
        return next(m for m in self.mappings() if m.start <= hva < m.end)

    def policy(self, mapping: Mapping) -> str:
        """The NUMA policy that the kernel shows for a mapping, such as ``bind:0``."""
        for line in Path(f"/proc/{self.pid}/numa_maps").read_text().splitlines():
            address, policy, *_ = line.split(" ")
            if int(address, 16) == mapping.start:
                return line.split(" file=")[0].split(" anon=")[0].partition(" ")[2].strip() or policy
        return ""

    def status(self, name: str) -> int:
        """A field of ``/proc/PID/status``, in bytes."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(rf"^{name}:\s+(\d+) kB", text, re.M)
        return int(found[1]) * KIB if found else 0

    # -- migration

    def stream(self, path: str, seconds: float = SECONDS) -> str:
        """Migrate into a file; QEMU's words if that is refused or fails, "" if it completes."""
        return self.words("migrate", uri=f"exec:cat > {path}") or self.migrated(seconds)

    def migrated(self, seconds: float = SECONDS) -> str:
        """Wait for the end of a migration; QEMU's words if it failed, "" if it completed."""
        info: dict[str, Any] = {}

        def over() -> bool:
            info.update(self.do("query-migrate"))
            return info.get("status") in ("completed", "failed", "cancelled", "postcopy-paused")

        until(over, seconds)
        if info.get("status") == "completed":
            return ""
        return f"{info.get('status')}: {info.get('error-desc', '')}".rstrip(": ")
