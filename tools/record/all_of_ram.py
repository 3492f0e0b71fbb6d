"""What "all of RAM" is to a real QEMU: each of its subsystems is asked, or watched, about the same guests.

Every line is started paused and asked for its sizes, a dump, a migration stream and the flags of its
mappings; once more with a vhost-user device, whose process keeps the table of memory; with a background
snapshot and with postcopy, whose marks the mappings bear; and, where this machine has KVM, with that, whose
memslots QEMU traces.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from memkit.errors import MemkitError
from memkit.qemu.process import backing_files

from .all_of_ram_lines import LINES
from .all_of_ram_reading import read_dump, read_maps, read_stream
from .all_of_ram_running import cpr_refusal, offered, protected, registered
from .all_of_ram_talk import SECONDS, Talk, places, started
from .ask import Binary
from .captures import flat_view, hide_addresses, stand_ins
from .files import provenance, write

__all__ = ["record_all_of_ram"]

_MEMSLOT = re.compile(
    r"kvm_set_user_memory (?:AddrSpace#(?P<space>\d+) )?Slot#(?P<slot>\d+) flags=(?P<flags>0x[0-9a-f]+) "
    r"gpa=(?P<gpa>0x[0-9a-f]+) size=(?P<size>0x[0-9a-f]+)"
)
_BACKEND_FILES = re.compile(r"mem-path=(/[^, ]+)")


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
            row["vhost-user"] = offered(binary, argv, scratch)
        if "migration" not in row:
            row["postcopy"] = registered(binary, argv, scratch)
            if binary.release >= (6, 0):
                row["background-snapshot"] = protected(binary, argv, scratch)
            if binary.release >= (10, 0):
                row["cpr-transfer"] = cpr_refusal(binary, argv, scratch)
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
        "maps": read_maps(pid, places(talk), held=True),
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
