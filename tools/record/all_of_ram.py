"""What "all of RAM" is to a real QEMU: each of its subsystems is asked, or watched, about the same guests.

Every line is started paused and asked for its sizes, a dump, a migration stream and the flags of its
mappings; once more with a vhost-user device, whose process keeps the table of memory; and, where this
machine has KVM, with that, whose memslots QEMU traces.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from memkit.errors import MemkitError
from memkit.qemu.process import Process

from .all_of_ram_lines import HALTED, HALTING, LINES
from .all_of_ram_reading import read_dump, read_maps, read_stream
from .ask import Binary
from .captures import backing_files, flat_view, hide_addresses, stand_ins
from .files import provenance, write
from .vhost_user import vhost_user

__all__ = ["record_all_of_ram"]

SECONDS = 60.0
_HVA = re.compile(r" is (0x[0-9a-f]+)")
_BLOCK = re.compile(
    r"\s*(?P<name>\S*)\s+\d+ [KMG]iB(?:\s+0x[0-9a-f]+){2}\s+(?P<total>0x[0-9a-f]+)"
    r"(?:\s+(?P<hva>0x[0-9a-f]+))?"
)
# A slot that no line uses.  Legacy virtio: BAR 0 is i/o, its byte 18 the status.
_SLOT, _PORTS = 0x1E, 0xC000
_MEMSLOT = re.compile(
    r"kvm_set_user_memory (?:AddrSpace#(?P<space>\d+) )?Slot#(?P<slot>\d+) flags=(?P<flags>0x[0-9a-f]+) "
    r"gpa=(?P<gpa>0x[0-9a-f]+) size=(?P<size>0x[0-9a-f]+)"
)
_BACKEND_FILES = re.compile(r"mem-path=(/[^, ]+)")


class Talk:
    """QMP with one QEMU: commands, and the monitor's."""

    def __init__(self, ours: socket.socket) -> None:
        self.stream = ours.makefile("rw", encoding="utf-8", newline="\n")
        self._reply()
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments: Any) -> Any:
        """The answer, or {"error": words}; raises MemkitError if QEMU goes away."""
        self.stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.stream.flush()
        while True:
            reply = self._reply()
            if "return" in reply:
                return reply["return"]
            if "error" in reply:
                return {"error": reply["error"]["desc"]}

    def monitor(self, line: str) -> str:
        """The text that the monitor prints."""
        text = self.execute("human-monitor-command", **{"command-line": line})
        return str(text).replace("\r", "")

    def _reply(self) -> dict[str, Any]:
        line = self.stream.readline()
        if not line:
            raise MemkitError("QEMU went away")
        reply: dict[str, Any] = json.loads(line)
        return reply


@contextmanager
def started(
    binary: Binary, argv: Sequence[str], accelerator: str = "tcg"
) -> Iterator[tuple[Talk, Process]]:
    """A paused QEMU and its process; raises MemkitError with its first words if it refuses."""
    ours, theirs = socket.socketpair()
    quiet = ["-audio", "none"] if binary.release >= (8, 2) else []
    command = binary.command(
        binary.program, "-S", "-display", "none", "-accel", accelerator, *quiet,
        "-chardev", f"socket,id=record-qmp,fd={theirs.fileno()}", "-qmp", "chardev:record-qmp", *argv,
    )
    try:
        with Process(command, theirs.fileno()) as process:
            theirs.close()
            ours.settimeout(SECONDS)
            try:
                yield Talk(ours), process
            except (MemkitError, TimeoutError, ConnectionError) as e:
                process.wait(5)
                said = [w for w in process.output("stderr").splitlines() if "warning: " not in w]
                raise MemkitError(said[0] if said else str(e)) from None
    finally:
        ours.close()
        theirs.close()


def record_all_of_ram(binary: Binary, path: Path) -> None:
    """Write the answers of ``binary`` about all lines to ``path``."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="memkit-", dir="/tmp") as scratch:
        for number, (text, files) in enumerate(LINES, 1):
            rows.append(_row(binary, text, files, Path(scratch)))
            print(f"{number} of {len(LINES)}: {rows[-1].get('refusal', text)}", file=sys.stderr)
    write(path, {"about": provenance(binary, f"qemu-system-{binary.target}"), "rows": rows})


def _row(binary: Binary, text: str, files: dict[str, int], scratch: Path) -> dict[str, Any]:
    argv = text.split()
    row: dict[str, Any] = {"line": text, "files": files}
    outside = {binary.outside(name): size for name, size in files.items()}
    with stand_ins(outside), backing_files([binary.outside(p) for p in _BACKEND_FILES.findall(text)]):
        try:
            with started(binary, argv) as (talk, process):
                row |= _paused(talk, process.pid, scratch)
        except MemkitError as e:
            return row | {"refusal": str(e).partition(": ")[2] or str(e)}
        if "share=on" in text:
            with started(binary, argv) as (talk, _):
                row |= _migrated(talk, scratch, ignore_shared=True)
        if "microvm" not in text and "isapc" not in text:
            row["vhost-user"] = _offered(binary, argv, scratch)
        if os.access("/dev/kvm", os.R_OK | os.W_OK):
            row["kvm"] = _memslots(binary, argv)
    return row


def _paused(talk: Talk, pid: int, scratch: Path) -> dict[str, Any]:
    """What a paused guest tells by itself."""
    blocks = talk.monitor("info ramblock")
    flat = flat_view(talk.monitor("info mtree -f"))
    found: dict[str, Any] = {
        "summary": talk.execute("query-memory-size-summary"),
        "numa": [int(m) << 20 for m in re.findall(r"node \d+ size: (\d+)", talk.monitor("info numa"))],
        "blocks": hide_addresses(blocks), "flat": flat,
        "maps": read_maps(pid, _places(talk, blocks, flat)),
    }
    balloon = talk.execute("query-balloon")
    if "actual" in balloon:
        found["balloon"] = balloon["actual"]
    dump = scratch / "dump"
    said = talk.execute("dump-guest-memory", paging=False, protocol=f"file:{dump}")
    found["dump"] = read_dump(dump) if said == {} else said["error"]
    dump.unlink(missing_ok=True)
    found |= _migrated(talk, scratch)
    return found


def _places(talk: Talk, blocks: str, flat: str) -> list[tuple[str, int, int | None]]:
    """(name, bytes, host address) of each block, a nameless one by its size.

    Older releases tell the addresses of mapped blocks only.
    """
    known: dict[str, int] = {}
    for line in flat.splitlines():
        m = re.match(r"\s*([0-9a-f]+)-\S+ \(prio [-\d]+, (?:nv-)?(?:ram|rom|romd)\): (\S+)$", line)
        if m and m[2] not in known:
            told = _HVA.search(talk.monitor(f"gpa2hva 0x{m[1]}"))
            if told:
                known[m[2]] = int(told[1], 16)
    places: list[tuple[str, int, int | None]] = []
    for line in blocks.splitlines():
        if row := _BLOCK.match(line):
            size = int(row["total"], 16)
            address = int(row["hva"], 16) if row["hva"] else known.get(row["name"].rpartition("/")[2])
            places.append((row["name"] or f"({size} bytes)", size, address))
    return places


def _migrated(talk: Talk, scratch: Path, ignore_shared: bool = False) -> dict[str, Any]:
    """The blocks that a migration stream announces, and the bytes that QEMU means to send."""
    stream = scratch / "stream"
    if ignore_shared:
        talk.execute("migrate-set-capabilities",
                     capabilities=[{"capability": "x-ignore-shared", "state": True}])
    said = talk.execute("migrate", uri=f"exec:cat > {stream}")
    if "error" in said:
        return {"migration": said["error"]}
    deadline = time.monotonic() + SECONDS
    while True:
        status = talk.execute("query-migrate")
        if status.get("status") in ("completed", "failed") or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    total = status.get("ram", {}).get("total", status.get("status"))
    found: dict[str, Any] = {"total x-ignore-shared" if ignore_shared else "total": total}
    if not ignore_shared:
        found["stream total"], found["stream"] = read_stream(stream)
    stream.unlink(missing_ok=True)
    return found


def _memslots(binary: Binary, argv: Sequence[str]) -> list[list[int]] | str:
    """[gpa, bytes, 1 if read-only] of KVM's memslots for address space "memory", or QEMU's refusal."""
    try:
        with started(binary, [*argv, "-trace", "kvm_set_user_memory"], "kvm") as (talk, process):
            talk.execute("quit")
            process.wait(SECONDS)
            traced = process.output("stderr")
    except MemkitError as e:
        return str(e)
    slots: dict[int, list[int]] = {}
    for m in _MEMSLOT.finditer(traced):
        space, slot = int(m["space"] or 0), int(m["slot"])
        # Older releases put the address space into the slot's number.
        if space or slot >> 16:
            continue
        gpa, size = int(m["gpa"], 16), int(m["size"], 16)
        slots[slot] = [gpa, size, int(m["flags"], 16) >> 1 & 1]
    return sorted(slot for slot in slots.values() if slot[1])


def _offered(binary: Binary, argv: Sequence[str], scratch: Path) -> list[list[int]] | str:
    """The table of memory that a vhost-user process gets when its device's driver starts, or QEMU's refusal.

    The guest runs a firmware that only halts, and the monitor writes to the device's ports as a driver would.
    """
    firmware = scratch / "halting.bin"
    firmware.write_bytes(b"\xf4" * HALTING)
    path = scratch / "vhost"
    device = ["-chardev", f"socket,id=record-vu,path={path}",
              "-device", f"vhost-user-blk-pci,chardev=record-vu,addr={_SLOT:#x}",
              *HALTED, str(firmware)]
    base = 0x80000000 | _SLOT << 11
    with vhost_user(path) as offered:
        try:
            with started(binary, [*argv, *device]) as (talk, _):
                talk.execute("cont")
                for register, value in ((0x10, _PORTS), (4, 5)):
                    talk.monitor(f"o /w 0xcf8 {base | register:#x}")
                    talk.monitor(f"o /w 0xcfc {value:#x}")
                for status in (1, 3, 7):
                    talk.monitor(f"o /b {_PORTS + 18:#x} {status}")
                offered.told.wait(2)
                # What follows the table comes at once; an answer shows that QEMU has sent it.
                talk.execute("query-status")
        except MemkitError as e:
            return str(e)
    return offered.regions
