"""Streams, dumps and snapshots, read: which RAMBlocks a migration sends, which addresses a dump has."""

from __future__ import annotations

import re
import struct
from pathlib import Path

from .hazards_machine import Machine, until

__all__ = ["add_disk", "blocks_of", "dumped", "sent"]

# The first section of a stream is that of RAM: START, its number, its name (docs/devel/migration of QEMU).
_RAM = re.compile(rb"\x01.{4}\x03ram\x00{4}\x00{3}\x04", re.S)
_SIZES = 0x04


def blocks_of(machine: Machine) -> list[tuple[str, int]]:
    """(name, total bytes) of all RAMBlocks, as the monitor lists them."""
    rows = re.findall(r"^ *(.*?) +\d+ [KMG]iB +0x\w+ 0x\w+ 0x(\w+)", machine.hmp("info ramblock"), re.M)
    return [(name.strip(), int(total, 16)) for name, total in rows]


def sent(path: Path) -> dict[str, int]:
    """Name → bytes in use of the RAMBlocks that a stream in a file announces; {} if there is none."""
    content = path.read_bytes() if path.exists() else b""
    found = _RAM.search(content)
    if found is None:
        return {}
    place = found.end()
    (total,) = struct.unpack_from(">Q", content, place)
    left, place = total & -4096, place + 8
    blocks: dict[str, int] = {}
    while left > 0:
        length = content[place]
        name = content[place + 1 : place + 1 + length].decode()
        place += 1 + length
        (size,) = struct.unpack_from(">Q", content, place)
        place += 8
        blocks[name] = size
        left -= size
    return blocks


def dumped(path: Path) -> list[tuple[int, int]]:
    """(guest-physical address, bytes) of what a dump in ELF form has."""
    with open(path, "rb") as file:
        head = file.read(64)
        (offset,) = struct.unpack_from("<Q", head, 32)
        size, count = struct.unpack_from("<HH", head, 54)
        file.seek(offset)
        table = file.read(size * count)
    rows = [struct.unpack_from("<IIQQQQ", table, size * n) for n in range(count)]
    return [(row[4], row[5]) for row in rows if row[0] == 1]


def add_disk(machine: Machine, path: str) -> None:
    """Make a qcow2 image of an empty file, and give it to the guest: snapshots can go there."""
    machine.do("blockdev-add", driver="file", filename=path, node_name="bare")
    machine.do(
        "blockdev-create", job_id="make", options={"driver": "qcow2", "file": "bare", "size": 1 << 20},
    )
    _wait(machine)
    machine.do("job-dismiss", id="make")
    machine.do("blockdev-add", driver="qcow2", file="bare", node_name="disk")


def _wait(machine: Machine) -> None:
    until(lambda: all(job["status"] == "concluded" for job in machine.do("query-jobs")))
