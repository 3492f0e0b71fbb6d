"""The room in which hazards are tried: directories of its own, and what a probe says that it saw.

A line's ``/dev/shm``, ``/var/tmp``, ``/dev/hugepages`` and ``/tmp`` stand for directories that are made for
one try and taken away after it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from memkit.config.words import split

from .ask import Binary
from .hazards_machine import Ended, Machine

__all__ = ["MARK", "MIB", "Lab", "Probe", "Seen", "Try", "Unsuited", "start", "yes"]

MIB = 1 << 20
MARK = b"memkit looks here again " * 2
# Firmware for a CPU that shall do nothing: at the reset vector, cli, hlt, and back to hlt.
HALT = bytes(0xFFF0) + b"\xfa\xf4\xeb\xfd".ljust(16, b"\0")
# Operations of memkit.hazards that are migration capabilities of another name, or none.
_NOT_CAPABILITIES = {
    "migrate-precopy", "rdma", "cpr-reboot", "cpr-transfer", "cpr-exec", "calc-dirty-rate-bitmap",
    "calc-dirty-rate-ring", "savevm", "dump-guest-memory", "object-add", "object-del", "memory-failure",
    "hot-plug", "device-del", "set-balloon",
}
_CAPABILITIES = {"migrate-postcopy": "postcopy-ram"}


def yes(true: object) -> str:
    """The word ``yes`` or ``no``."""
    return "yes" if true else "no"


class Unsuited(Exception):
    """This machine cannot run a probe; says what it lacks."""


@dataclass(frozen=True)
class Seen:
    """What one try showed: ``shows`` is True if that is the hazard; ``words`` are QEMU's or numbers.

    ``ran`` is False where QEMU refused what comes before the hazard.
    """

    shows: bool
    words: tuple[str, ...]
    ran: bool = True


@dataclass(frozen=True)
class Try:
    """A command line and what is done with the guest."""

    line: str
    operations: tuple[str, ...] = ()

    @property
    def capabilities(self) -> tuple[str, ...]:
        """The migration capabilities among the operations, by QEMU's names."""
        return tuple(_CAPABILITIES.get(o, o) for o in self.operations if o not in _NOT_CAPABILITIES)


@dataclass(frozen=True)
class Probe:
    """How one rule is tried: ``did`` tells it in words, ``look`` does it.

    ``bad`` and ``good`` replace the rule's example and innocent line where those need hardware that few
    have, or where another pair shows more.  ``tells`` are words of QEMU that must be among what is seen.
    """

    did: str
    look: Callable[[Lab, Try], Seen]
    bad: Try | None = None
    good: Try | None = None
    tells: str = ""


@dataclass
class Lab:
    """Makes machines of one QEMU program; ``places`` are the directories of the current try."""

    binary: Binary
    places: dict[str, str] = field(default_factory=dict)
    _started: int = 0

    @contextlib.contextmanager
    def room(self) -> Iterator[None]:
        """Directories for one try, gone afterwards."""
        with contextlib.ExitStack() as stack:
            for place in ("/dev/shm", "/var/tmp", "/dev/hugepages", "/tmp"):
                if not os.path.isdir(place):
                    continue
                path = tempfile.mkdtemp(prefix="memkit-", dir=place)
                stack.callback(shutil.rmtree, path, ignore_errors=True)
                self.places[place] = path
            yield
        self.places.clear()

    def real(self, path: str) -> Path:
        """Where a path of a command line lies here."""
        place = next(place for place in self.places if path == place or path.startswith(place + "/"))
        return Path(self.places[place] + path.removeprefix(place))

    def told(self, text: str) -> str:
        """The reverse of ``real``, in any text."""
        for place, path in self.places.items():
            text = text.replace(path, place)
        return text

    def file(self, path: str, size: int, content: bytes = b"", at: int = 0) -> Path:
        """A file of ``size`` bytes for a line's ``path``, holes but for ``content`` at ``at``.

        Where ``at`` is negative, its first 32 MiB are full of it.
        """
        real = self.real(path)
        with open(real, "wb") as file:
            file.truncate(size)
            if at < 0:
                for _ in range(min(size // MIB, 32)):
                    file.write((content * (MIB // len(content) + 1))[:MIB])
            elif content:
                file.seek(at)
                file.write(content)
        return real

    def machine(
        self, line: str, *, driven: bool = False, around: tuple[str, ...] = (), extra: str = ""
    ) -> Machine:
        """A machine of ``line``, not yet started."""
        self._started += 1
        if driven:
            self.file("/tmp/halt.bin", len(HALT), HALT)
            extra += " -bios /tmp/halt.bin"
        argv = split(f"{line} {extra}".strip())[2]
        door = Path(self.places["/tmp"]) / f"door-{self._started}"
        return Machine(
            self.binary, argv, self.places, driven=driven, around=around, socket_path=door,
        )

    @contextlib.contextmanager
    def running(
        self, line: str, *, driven: bool = False, around: tuple[str, ...] = (), extra: str = ""
    ) -> Iterator[Machine]:
        """A machine that has started; raises Ended with QEMU's words where it does not."""
        with self.machine(line, driven=driven, around=around, extra=extra) as machine:
            start(machine)
            yield machine

    def refusal(self, line: str, around: tuple[str, ...] = ()) -> tuple[bool, tuple[str, ...]]:
        """True and the warnings of a line that starts; False, QEMU's words and its fate of another."""
        with self.machine(line, around=around) as machine:
            try:
                machine.greet()
            except Ended:
                fate = machine.fate()
                return False, (*machine.said(), fate)
            machine.quit()
            return True, tuple(machine.said())


def start(machine: Machine) -> None:
    """Wait for the greeting; raises Ended, with QEMU's words as its text."""
    try:
        machine.greet()
    except Ended as e:
        machine.fate()
        e.args = ("; ".join(machine.said()) or "QEMU ended",)
        raise
