"""The other process of vhost-user, played here: it takes the descriptors of guest memory and looks into them.

It speaks as much of the protocol as QEMU needs for a disk or a shared directory (QEMU's
docs/interop/vhost-user.rst).
"""

from __future__ import annotations

import contextlib
import mmap
import os
import socket
import struct
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

__all__ = ["LOG", "PAGEFAULT", "SLOTS", "Region", "VhostUser"]

# Protocol features that a process may have.
LOG, PAGEFAULT, CONFIG, SLOTS = 1 << 1, 1 << 8, 1 << 9, 1 << 15
_VERSION_1, _PROTOCOL, _LOG_ALL = 1 << 32, 1 << 30, 1 << 26
_HEADER = struct.Struct("<III")
_REPLY = 1 | 4


class Region(NamedTuple):
    """A piece of guest memory: guest-physical address, bytes, and how far into the descriptor it starts."""

    gpa: int
    size: int
    offset: int
    fd: int


@dataclass
class VhostUser:
    """A process that serves ``path``; ``regions`` is the memory table that it got last."""

    path: Path
    features: int = 0
    regions: list[Region] = field(default_factory=list)
    tables: int = 0

    def __enter__(self) -> Self:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, e: BaseException | None, t: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._forget()
        self.path.unlink(missing_ok=True)

    def peek(self, gpa: int, size: int) -> bytes | None:
        """What this process sees at a guest-physical address; None if no region has it."""
        for region in self.regions:
            if region.gpa <= gpa < region.gpa + region.size:
                with mmap.mmap(region.fd, region.offset + region.size, prot=mmap.PROT_READ) as memory:
                    start = region.offset + gpa - region.gpa
                    return memory[start : start + size]
        return None

    def poke(self, gpa: int, content: bytes) -> None:
        """Write at a guest-physical address, by a mapping of this process's own."""
        region = next(r for r in self.regions if r.gpa <= gpa < r.gpa + r.size)
        with mmap.mmap(region.fd, region.offset + region.size) as memory:
            start = region.offset + gpa - region.gpa
            memory[start : start + len(content)] = content

    # -- the protocol

    def _forget(self) -> None:
        for region in self.regions:
            with contextlib.suppress(OSError):
                os.close(region.fd)
        self.regions = []

    def _serve(self) -> None:
        while True:
            try:
                talk, _ = self._listener.accept()
            except OSError:
                return
            with talk, contextlib.suppress(OSError, struct.error):
                while self._answer(talk):
                    pass

    def _answer(self, talk: socket.socket) -> bool:
        head, fds, _, _ = socket.recv_fds(talk, _HEADER.size, 64)
        if len(head) < _HEADER.size:
            return False
        request, _, size = _HEADER.unpack(head)
        body = talk.recv(size, socket.MSG_WAITALL) if size else b""
        answer = self._reply(request, body, list(fds))
        if answer is not None:
            talk.sendall(_HEADER.pack(request, _REPLY, len(answer)) + answer)
        return True

    def _reply(self, request: int, body: bytes, fds: list[int]) -> bytes | None:
        """The answer to one request, None where none is due; keeps or closes the descriptors."""
        if request == 5:  # SET_MEM_TABLE
            self._forget()
            count = struct.unpack_from("<I", body)[0]
            rows = [struct.unpack_from("<4Q", body, 8 + 32 * n) for n in range(count)]
            self.regions = [Region(gpa, size, offset, fd)
                            for (gpa, size, _, offset), fd in zip(rows, fds, strict=False)]
            self.tables += 1
            return None
        if request == 37:  # ADD_MEM_REG
            gpa, size, _, offset = struct.unpack_from("<4Q", body, 8)
            self.regions.append(Region(gpa, size, offset, fds[0]))
            return None
        for fd in fds:
            os.close(fd)
        number = {
            1: _VERSION_1 | _PROTOCOL | _LOG_ALL, 15: self.features | CONFIG, 17: 1, 36: 32, 6: 0,
        }.get(request)
        # GET_FEATURES, GET_PROTOCOL_FEATURES, GET_QUEUE_NUM, GET_MAX_MEM_SLOTS, SET_LOG_BASE
        if number is not None:
            return struct.pack("<Q", number)
        if request == 11:  # GET_VRING_BASE
            return struct.pack("<II", struct.unpack_from("<I", body)[0], 0)
        if request == 24:  # GET_CONFIG: a disk of 2048 sectors of 512 bytes, with one queue
            disk = struct.pack("<Q", 2048).ljust(20, b"\0") + struct.pack("<I", 512)
            disk = disk.ljust(34, b"\0") + struct.pack("<H", 1)
            offset, size, flags = struct.unpack_from("<III", body)
            return struct.pack("<III", offset, size, flags) + disk.ljust(4096, b"\0")[offset : offset + size]
        return None
