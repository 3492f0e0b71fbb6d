"""The ACPI tables in the memory of a paused QEMU, and the pieces of their byte code (AML).

QEMU writes the tables when the machine is complete, and again when the firmware fetches them.  Only the first
writing decides how long their RAMBlock is.  No monitor shows it, so it is read from the process's memory:
the block begins a page, and its tables follow each other.

Source: acpi_setup in hw/i386/acpi-build.c (QEMU 7.2); ACPI Specification 6.4, chapters 5.2.6 and 20.2.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from memkit.errors import MemkitError

__all__ = ["Dsdt", "Tables", "read_memory", "read_tables"]

PAGE = 4096
# The block is 2 MiB; guest RAM and the like are larger than what is searched.
LONGEST, SEARCHED = 2 << 20, 64 << 20
HEADER, FIRST, LAST = 8, (b"FACS", b"DSDT"), (b"RSDT", b"XSDT")
SCOPE, METHOD, DEVICE = b"\x10", b"\x14", b"\x5b\x82"
NAME = 4


@dataclass(frozen=True)
class Tables:
    """The tables in their order: (signature, content)."""

    found: tuple[tuple[str, bytes], ...]

    @property
    def size(self) -> int:
        """The bytes of all tables."""
        return sum(len(table) for _, table in self.found)

    def length(self, name: str) -> int:
        """The bytes of all tables with this signature, 0 without any."""
        return sum(len(table) for found, table in self.found if found == name)

    @cached_property
    def dsdt(self) -> Dsdt:
        """The table with most of the byte code."""
        return Dsdt(next(table for name, table in self.found if name == "DSDT"))


def read_tables(block: bytes) -> Tables | None:
    """The tables that lie one after the other from the start of ``block``; None if it holds none.

    >>> read_tables(b"FACS" + bytes([8, 0, 0, 0]) + b"RSDT" + bytes([9, 0, 0, 0, 1])).size
    17
    >>> read_tables(bytes(64))
    """
    found: list[tuple[str, bytes]] = []
    place = 0
    if block[:NAME] not in FIRST:
        return None
    while re.fullmatch(rb"[A-Z0-9]{4}", name := block[place:place + NAME]) and place + HEADER <= len(block):
        (length,) = struct.unpack_from("<I", block, place + NAME)
        if length < HEADER or place + length > len(block):
            return None
        found.append((name.decode(), block[place:place + length]))
        place += length
        if name in LAST:
            return Tables(tuple(found))
    return None


def read_memory(pid: int) -> Tables | None:
    """The tables in the memory of a process, which must not run; None if there are none.

    Raises MemkitError if the memory cannot be read: it belongs to the process's own user, on Linux.
    """
    best: Tables | None = None
    try:
        maps = Path(f"/proc/{pid}/maps").read_text(encoding="ascii", errors="replace")
        memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    except OSError as e:
        raise MemkitError(f"the memory of QEMU cannot be read: {e.strerror}; this needs Linux") from None
    try:
        for block in _blocks(memory, maps):
            tables = read_tables(block)
            if tables is not None and (best is None or tables.size > best.size):
                best = tables
    finally:
        os.close(memory)
    return best


def _blocks(memory: int, maps: str) -> Iterator[bytes]:
    """What begins a page with the name of a first table."""
    for line in maps.splitlines():
        span, rights, _, _, file = line.split()[:5]
        start, end = (int(word, 16) for word in span.split("-"))
        if not rights.startswith("r") or file != "0" or end - start > SEARCHED:
            continue
        for place in range(start, end, PAGE):
            try:
                if os.pread(memory, NAME, place) in FIRST:
                    yield os.pread(memory, min(LONGEST, end - place), place)
            except OSError:
                break  # a page that cannot be read, as of [vvar]


@dataclass(frozen=True)
class Piece:
    """A scope, device or method: where it starts, how long its content is, and the content."""

    name: str
    start: int
    end: int
    content: bytes


@dataclass(frozen=True)
class Dsdt:
    """The byte code, and the pieces of it that are measured."""

    code: bytes

    @cached_property
    def pci(self) -> Piece:
        """The scope that tells what is in PCI slots, with the scope around it."""
        for found in re.finditer(b"PCI0", self.code):
            inner = _before(self.code, found.start(), SCOPE)
            outer = inner and _before(self.code, inner.start - 5, SCOPE)
            if inner and outer and outer.content.startswith(b"\\_SB_") and _slots(inner):
                return Piece("PCI0", outer.start, outer.end, inner.content)
        raise MemkitError("the byte code has no scope with PCI slots in a form that this recorder knows")

    @property
    def outside(self) -> int:
        """The bytes of all but PCI slots."""
        return len(self.code) - (self.pci.end - self.pci.start)

    @cached_property
    def slots(self) -> dict[str, Piece]:
        """What is in PCI slots, and methods: name (``S28_`` is devfn 0x28) → piece."""
        return {piece.name: piece for piece in _slots(self.pci)}

    def cpus(self) -> list[int]:
        """The content of the device with all CPUs, and of the scope around it (0: there is none)."""
        for found in re.finditer(b"CPUS", self.code):
            for back in range(1, 14):
                device = _at(self.code, found.start() - back, DEVICE)
                path = device.content[:10] if device else b""
                if device and re.match(rb"(\\?\._SB_|\\|\^)?CPUS", path):
                    return [len(device.content), self._around(device)]
        raise MemkitError("the byte code has no device with all CPUs")

    def _around(self, device: Piece) -> int:
        """The content of the smallest scope around a piece."""
        for place in range(device.start - 1, -1, -1):
            scope = _at(self.code, place, SCOPE)
            if scope and scope.end >= device.end and re.match(rb"\\?[._/]", scope.content):
                return len(scope.content)
        return 0


def _slots(scope: Piece) -> list[Piece]:
    """The devices and methods that ``scope`` starts with; [] unless one is a device in a slot."""
    code, place = scope.content, NAME
    found: list[Piece] = []
    while piece := _at(code, place, DEVICE) or _at(code, place, METHOD):
        found.append(piece)
        place = piece.end
    return found if any(re.fullmatch("S[0-9A-F]{2}_", piece.name) for piece in found) else []


def _before(code: bytes, name: int, kind: bytes) -> Piece | None:
    """The piece of a ``kind`` whose content starts at ``name``."""
    for width in (1, 2, 3):
        found = _at(code, name - width - len(kind), kind)
        if found and found.end - len(found.content) == name:
            return found
    return None


def _at(code: bytes, place: int, kind: bytes) -> Piece | None:
    """The piece of a ``kind`` at a place.  Its length counts itself and takes one byte to four."""
    start = place + len(kind)
    if place < 0 or code[place:start] != kind or start + NAME >= len(code):
        return None
    more = code[start] >> 6
    size = code[start] & 63
    if more:
        size = code[start] & 15 | int.from_bytes(code[start + 1:start + 1 + more], "little") << 4
    if size <= more or start + size > len(code):
        return None
    content = code[start + 1 + more:start + size]
    return Piece(content[:NAME].decode("latin-1"), place, start + size, content)
