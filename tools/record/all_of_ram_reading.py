"""Readers of what QEMU hands out: a dump's program headers, a migration stream's blocks, a process's maps."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["read_dump", "read_maps", "read_stream"]

_PT_LOAD = 1
_STREAM_MAGIC = b"QEVM"
_SECTION_START, _SECTION_FULL, _CONFIGURATION = 1, 4, 7
_MEM_SIZE = 0x04
_PAGE_BITS = 0xFFF
_MAP = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) ")
# Of the flags of a mapping, those that QEMU asks for: shared, mergeable, left out of core files, locked,
# huge pages advised, pages from a pool, missing pages and writes that userfaultfd tells.
_FLAGS = ("sh", "mg", "dd", "lo", "hg", "ht", "um", "uw")
_HELD = ("Rss:", "Shared_Hugetlb:", "Private_Hugetlb:")


def read_dump(path: Path) -> list[list[int]]:
    """[gpa, bytes] of each PT_LOAD segment of an ELF file that dump-guest-memory wrote.

    The file is of 32 bits where the CPU runs in no more and no dumped byte lies above 4 GiB
    (cpu_get_dump_info, target/i386/arch_dump.c, 7.2).  Layout: /usr/include/elf.h.
    """
    with path.open("rb") as file:
        head = file.read(64)
        wide = head[4] == 2
        (table,) = struct.unpack_from("<Q" if wide else "<I", head, 32 if wide else 28)
        size, count = struct.unpack_from("<HH", head, 54 if wide else 42)
        file.seek(table)
        headers = [struct.unpack("<IIQQQQQQ" if wide else "<IIIIIIII", file.read(size)) for _ in range(count)]
    address, length = (4, 6) if wide else (3, 5)
    return [[h[address], h[length]] for h in headers if h[0] == _PT_LOAD]


def read_stream(path: Path) -> tuple[int, list[list[Any]]]:
    """The total of a stream's RAM section, and [idstr, bytes] of each block that it announces.

    The layout is that of scripts/analyze-migration.py and migration/ram.c: ram_save_setup (7.2), without
    capabilities that add to it.
    """
    with path.open("rb") as file:
        head = file.read(1 << 16)
    if head[:4] != _STREAM_MAGIC:
        raise ValueError(f"{path} is no migration stream")
    at = 8
    if head[at] == _CONFIGURATION:
        (length,) = struct.unpack_from(">I", head, at + 1)
        at += 5 + length
        at = _skip_subsections(head, at)
    while head[at] == _SECTION_START:
        length = head[at + 5]
        name = head[at + 6: at + 6 + length].decode()
        at += 6 + length + 8
        if name == "ram":
            return _blocks(head, at)
        raise ValueError(f"the first section of {path} is {name}, not ram")
    raise ValueError(f"{path} has no section where the first one should start")


def _skip_subsections(head: bytes, at: int) -> int:
    """Behind the configuration's subsections, whose length only their contents tell: find the RAM section."""
    found = head.find(b"\x03ram", at)
    return found - 5 if found >= 5 else at


def _blocks(head: bytes, at: int) -> tuple[int, list[list[Any]]]:
    (word,) = struct.unpack_from(">Q", head, at)
    if word & _PAGE_BITS != _MEM_SIZE:
        raise ValueError("the RAM section does not start with the sizes of its blocks")
    total = left = word & ~_PAGE_BITS
    at += 8
    found: list[list[Any]] = []
    while left > 0:
        length = head[at]
        name = head[at + 1: at + 1 + length].decode()
        (size,) = struct.unpack_from(">Q", head, at + 1 + length)
        at += 9 + length
        left -= size
        found.append([name, size])
    return total, found


def read_maps(
    pid: int, blocks: Sequence[tuple[str, int, int | None]], held: bool = False
) -> dict[str, str]:
    """Name to flags of the mapping of each block; ``blocks`` are (name, bytes, host address or None).

    Without an address a block is found by its size, if it is the only block and the only mapping of
    that size.  With ``held`` the word ``full`` is added where the host has given all pages.
    """
    maps = list(_maps(Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8")))
    sizes = [size for _, size, _ in blocks]
    found: dict[str, str] = {}
    for name, size, address in blocks:
        if address is not None:
            fit = [m for m in maps if m.start <= address and address + size <= m.end]
        elif sizes.count(size) == 1:
            fit = [m for m in maps if m.end - m.start == size]
        else:
            continue
        if len(fit) == 1:
            words = [flag for flag in _FLAGS if flag in fit[0].flags]
            full = held and fit[0].held >= fit[0].end - fit[0].start
            found[name] = " ".join([*words, *(["full"] if full else [])])
    return found


@dataclass
class _Map:
    """A mapping of a process: host addresses, the bytes that the host has given, flags."""

    start: int
    end: int
    held: int = 0
    flags: tuple[str, ...] = ()


def _maps(text: str) -> Iterator[_Map]:
    """Each mapping that /proc/PID/smaps tells."""
    found = _Map(0, 0)
    for line in text.splitlines():
        words = line.split()
        if m := _MAP.match(line):
            found = _Map(int(m[1], 16), int(m[2], 16))
        elif words and words[0] in _HELD:
            found.held += int(words[1]) << 10
        elif line.startswith("VmFlags:"):
            found.flags = tuple(words[1:])
            yield found
