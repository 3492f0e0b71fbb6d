"""The recorder of "all of RAM" reads dumps, streams and maps, and serves vhost-user, as their formats say."""

from __future__ import annotations

import os
import socket
import struct
import threading
from pathlib import Path

import pytest

from tools.record import all_of_ram_reading as reading
from tools.record.all_of_ram import _MEMSLOT
from tools.record.all_of_ram_reading import read_dump, read_maps, read_stream
from tools.record.vhost_user import vhost_user


@pytest.mark.parametrize("wide", [True, False])
def test_a_dump_tells_its_segments(tmp_path: Path, wide: bool) -> None:
    """An ELF header, a note segment and two of memory."""
    segments = [(4, 0, 100), (1, 0, 0xA0000), (1, 0x100000, 0x300000)]
    head = bytearray(64 if wide else 52)
    head[:5] = b"\x7fELF" + bytes([2 if wide else 1])
    if wide:
        struct.pack_into("<Q", head, 32, 64)
        struct.pack_into("<HH", head, 54, 56, 3)
        body = b"".join(struct.pack("<IIQQQQQQ", k, 0, 0, 0, gpa, size, size, 0) for k, gpa, size in segments)
    else:
        struct.pack_into("<I", head, 28, 52)
        struct.pack_into("<HH", head, 42, 32, 3)
        body = b"".join(struct.pack("<IIIIIIII", k, 0, 0, gpa, size, size, 0, 0) for k, gpa, size in segments)
    path = tmp_path / "dump"
    path.write_bytes(bytes(head) + body)
    assert [[0, 0xA0000], [0x100000, 0x300000]] == read_dump(path)


def stream(*blocks: tuple[str, int], name: bytes = b"ram") -> bytes:
    machine = b"pc-i440fx-7.2"
    total = sum(size for _, size in blocks) | 4
    head = b"QEVM" + struct.pack(">I", 3) + b"\x07" + struct.pack(">I", len(machine)) + machine
    section = b"\x01" + struct.pack(">I", 2) + bytes([len(name)]) + name + struct.pack(">II", 0, 4)
    listed = b"".join(bytes([len(n)]) + n.encode() + struct.pack(">Q", size) for n, size in blocks)
    return head + section + struct.pack(">Q", total) + listed + bytes(64)


def test_a_stream_tells_its_blocks_and_their_sum(tmp_path: Path) -> None:
    path = tmp_path / "stream"
    path.write_bytes(stream(("pc.ram", 1 << 20), ("vga.vram", 1 << 16)))
    assert ((1 << 20) + (1 << 16), [["pc.ram", 1 << 20], ["vga.vram", 1 << 16]]) == read_stream(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"nothing of the kind", "no migration stream"), (stream(("a", 4096), name=b"gpu"), "is gpu, not ram")],
)
def test_what_is_no_stream_of_ram_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "stream"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words):
        read_stream(path)


def test_maps_are_found_by_address_or_by_a_size_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "10000-20000 rw-p 00000000 00:00 0\nRss:  60 kB\nVmFlags: rd wr mr mg hg \n"
        "20000-24000 rw-s 00000000 00:00 0\nRss:   0 kB\nShared_Hugetlb: 16 kB\nVmFlags: rd wr sh dd \n"
        "30000-34000 rw-p 00000000 00:00 0\nVmFlags: rd lo \n"
    )
    monkeypatch.setattr(reading.Path, "read_text", lambda *_, **__: text)
    found = read_maps(1, [("ram", 0x10000, None), ("a", 0x4000, 0x20000), ("b", 0x4000, None)])
    assert {"ram": "mg hg", "a": "sh dd"} == found
    full = read_maps(1, [("ram", 0x10000, None), ("a", 0x4000, 0x20000)], held=True)
    assert {"ram": "mg hg", "a": "sh dd full"} == full


def test_memslots_are_read_from_traces_of_old_and_new_releases() -> None:
    old = "kvm_set_user_memory Slot#65537 flags=0x2 gpa=0xe0000 size=0x20000 ua=0x7f ret=0"
    new = "kvm_set_user_memory AddrSpace#1 Slot#3 flags=0x0 gpa=0x0 size=0x1000 ua=0x7f guest_memfd=-1 ret=0"
    found = [_MEMSLOT.search(line) for line in (old, new)]
    assert [(None, "65537", "0x2", "0xe0000", "0x20000"), ("1", "3", "0x0", "0x0", "0x1000")] == [
        m.groups() for m in found if m
    ]


def message(request: int, body: bytes = b"", flags: int = 1) -> bytes:
    return struct.pack("<III", request, flags, len(body)) + body


def region(gpa: int, size: int, offset: int) -> bytes:
    return struct.pack("<QQQQ", gpa, size, 0, offset)


def test_the_vhost_user_process_answers_and_keeps_the_table(tmp_path: Path) -> None:
    memory = os.memfd_create("memory")
    try:
        with vhost_user(tmp_path / "socket") as offered, socket.socket(socket.AF_UNIX) as qemu:
            qemu.settimeout(10)
            qemu.connect(str(tmp_path / "socket"))
            qemu.sendall(message(1))
            head, features = struct.unpack("<III", qemu.recv(12)), struct.unpack("<Q", qemu.recv(8))[0]
            assert ((1, 5, 8), 1 << 30) == (head, features & 1 << 30)
            table = struct.pack("<II", 1, 0) + region(0, 0xA0000, 0)
            socket.send_fds(qemu, [message(5, table)], [memory])
            socket.send_fds(qemu, [message(37, bytes(8) + region(1 << 32, 4096, 8192), 1 | 8)], [memory])
            qemu.recv(12 + 8)
            assert offered.told.is_set()
            assert [[0, 0xA0000, 0], [1 << 32, 4096, 8192]] == offered.regions
        assert [] == list(tmp_path.iterdir())
    finally:
        os.close(memory)


def test_nothing_is_left_of_a_vhost_user_process_that_nobody_called(tmp_path: Path) -> None:
    before = threading.active_count()
    with vhost_user(tmp_path / "socket") as offered:
        pass
    assert ([], before, []) == (offered.regions, threading.active_count(), list(tmp_path.iterdir()))
