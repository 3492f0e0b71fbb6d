"""What a running QEMU shows of "all of RAM": whoever starts only with the guest, or watches its memory.

The guest runs a firmware that only halts, so that nothing but QEMU changes its memory.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from memkit.errors import MemkitError

from .all_of_ram_lines import HALTED, HALTING
from .all_of_ram_reading import read_maps
from .all_of_ram_talk import SECONDS, Talk, places, started
from .ask import Binary
from .vhost_user import vhost_user

__all__ = ["cpr_refusal", "offered", "protected", "registered"]

# A slot that no line uses.  Legacy virtio: BAR 0 is i/o, its byte 18 the status.
_SLOT, _PORTS = 0x1E, 0xC000
# Bytes a second: so few that a migration stays where it is while it is looked at.
_SLOW = 4096


def halting(scratch: Path) -> list[str]:
    """The options that give the guest a firmware which only halts."""
    firmware = scratch / "halting.bin"
    firmware.write_bytes(b"\xf4" * HALTING)
    return [*HALTED, str(firmware)]


def offered(binary: Binary, argv: Sequence[str], scratch: Path) -> list[list[int]] | str:
    """The table of memory that a vhost-user process gets when its device's driver starts, or QEMU's refusal.

    The monitor writes to the device's ports as a driver would.
    """
    path = scratch / "vhost"
    device = ["-chardev", f"socket,id=record-vu,path={path}",
              "-device", f"vhost-user-blk-pci,chardev=record-vu,addr={_SLOT:#x}"]
    base = 0x80000000 | _SLOT << 11
    with vhost_user(path) as told:
        try:
            with started(binary, [*argv, *device, *halting(scratch)]) as (talk, _):
                talk.execute("cont")
                for register, value in ((0x10, _PORTS), (4, 5)):
                    talk.monitor(f"o /w 0xcf8 {base | register:#x}")
                    talk.monitor(f"o /w 0xcfc {value:#x}")
                for status in (1, 3, 7):
                    talk.monitor(f"o /b {_PORTS + 18:#x} {status}")
                told.told.wait(2)
                # What follows the table comes at once; an answer shows that QEMU has sent it.
                talk.execute("query-status")
        except MemkitError as e:
            return str(e)
    return told.regions


def protected(binary: Binary, argv: Sequence[str], scratch: Path) -> dict[str, int] | str:
    """Block → 1 if a background snapshot protects it from writes, 0 if not; or QEMU's refusal."""
    try:
        with started(binary, [*argv, *halting(scratch)]) as (talk, process):
            blocks = places(talk)
            said = _set(talk, "background-snapshot")
            talk.execute("cont")
            # Nobody reads, so that the snapshot stays where it is: its pace cannot be limited.
            said = said or talk.execute("migrate", uri=f"exec:sleep {SECONDS:.0f}").get("error", "")
            return said or _marked(talk, process.pid, blocks, "uw", 10)
    except MemkitError as e:
        return str(e)


def registered(binary: Binary, argv: Sequence[str], scratch: Path) -> dict[str, int] | str:
    """Block → 1 if the destination of postcopy registers it with userfaultfd, 0 if not; or QEMU's refusal."""
    path = scratch / "postcopy"
    path.unlink(missing_ok=True)
    argv = [*argv, *halting(scratch)]
    try:
        with (
            started(binary, [*argv, "-incoming", "defer"]) as (target, process),
            started(binary, argv) as (source, _),
        ):
            blocks = places(target, whole=True)
            said = _set(target, "postcopy-ram") or _set(source, "postcopy-ram")
            said = said or target.execute("migrate-incoming", uri=f"unix:{path}").get("error", "")
            source.execute("cont")
            said = said or source.execute("migrate", uri=f"unix:{path}").get("error", "")
            if said:
                return said
            deadline = time.monotonic() + SECONDS / 6
            while source.execute("query-migrate").get("status") == "setup" and time.monotonic() < deadline:
                time.sleep(0.05)
            said = source.execute("migrate-start-postcopy").get("error", "")
            return said or _marked(source, process.pid, blocks, "um", 2)
    except MemkitError as e:
        return str(e)


def cpr_refusal(binary: Binary, argv: Sequence[str], scratch: Path) -> str:
    """What QEMU says to cpr-transfer to nowhere: which block forbids it, or that nobody is there."""
    with started(binary, argv) as (talk, _):
        said = talk.execute("migrate-set-parameters", mode="cpr-transfer").get("error", "")
        if said:
            return str(said)
        nowhere = {"transport": "socket", "type": "unix", "path": str(scratch / "nobody")}
        where = [{"channel-type": kind, "addr": nowhere} for kind in ("main", "cpr")]
        said = talk.execute("migrate", channels=where).get("error", "")
    return str(said).replace(f"{scratch}/", "")


def _set(talk: Talk, capability: str) -> str:
    """Set a capability and the slowest pace; what QEMU says against it."""
    said = talk.execute("migrate-set-capabilities", capabilities=[{"capability": capability, "state": True}])
    talk.execute("migrate-set-parameters", **{"max-bandwidth": _SLOW, "max-postcopy-bandwidth": _SLOW})
    return str(said.get("error", ""))


def _marked(
    talk: Talk, pid: int, blocks: Sequence[tuple[str, int, int | None]], flag: str, looks: int
) -> dict[str, int] | str:
    """Block → 1 if its mapping in the process ``pid`` had ``flag`` at any time, or the migration's end."""
    deadline = time.monotonic() + SECONDS / 6
    marks: dict[str, int] = {}
    still = 0
    while True:
        look = {name: int(flag in flags.split()) for name, flags in read_maps(pid, blocks).items()}
        before, marks = marks, {name: max(marks.get(name, 0), mark) for name, mark in look.items()}
        # QEMU marks one block after the other: it is done when some looks have shown nothing new.
        still = still + 1 if any(marks.values()) and marks == before else 0
        if still == looks:
            return marks
        status = talk.execute("query-migrate")
        over = status.get("status") in ("failed", "completed", "postcopy-paused")
        if over and any(marks.values()):
            return marks
        if over or time.monotonic() > deadline:
            return str(status.get("error-desc", status.get("status")))
        time.sleep(0.02)
