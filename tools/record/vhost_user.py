"""The smallest vhost-user process: it says yes to everything and keeps the memory that it is offered.

Source: docs/interop/vhost-user.rst (QEMU 7.2).
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

__all__ = ["Offered", "vhost_user"]

_GET_FEATURES, _SET_MEM_TABLE, _GET_VRING_BASE = 1, 5, 11
_GET_PROTOCOL_FEATURES, _GET_QUEUE_NUM, _GET_CONFIG = 15, 17, 24
_GET_MAX_MEM_SLOTS, _ADD_MEM_REG = 36, 37
_REPLY, _NEED_REPLY = 1 << 2, 1 << 3
# VHOST_USER_F_PROTOCOL_FEATURES and VIRTIO_F_VERSION_1; MQ, CONFIG and CONFIGURE_MEM_SLOTS.
_FEATURES = 1 << 30 | 1 << 32
_PROTOCOL = 1 << 0 | 1 << 9 | 1 << 15
_SLOTS, _QUEUES = 64, 64
_NUMBERS = {
    _GET_FEATURES: _FEATURES, _GET_PROTOCOL_FEATURES: _PROTOCOL, _GET_QUEUE_NUM: _QUEUES,
    _GET_MAX_MEM_SLOTS: _SLOTS,
}


class Offered:
    """What QEMU offered: ``regions`` are [gpa, bytes, offset in the file], in QEMU's order."""

    def __init__(self) -> None:
        self.regions: list[list[int]] = []
        self.told = threading.Event()


@contextlib.contextmanager
def vhost_user(path: Path) -> Iterator[Offered]:
    """Serve one QEMU at the socket ``path`` until the end of the block."""
    offered = Offered()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(60)
        server = threading.Thread(target=_serve, args=(listener, offered), daemon=True)
        server.start()
        try:
            yield offered
        finally:
            # Whoever still waits for a caller is called, and hears nothing.
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as last:
                last.connect(str(path))
            server.join(10)
            path.unlink(missing_ok=True)


def _serve(listener: socket.socket, offered: Offered) -> None:
    with contextlib.suppress(OSError):
        client, _ = listener.accept()
        with client:
            client.settimeout(60)
            while _answer(client, offered):
                pass


def _answer(client: socket.socket, offered: Offered) -> bool:
    """Take one message and answer it; False when QEMU has gone."""
    head, descriptors, _, _ = socket.recv_fds(client, 12, 64)
    for descriptor in descriptors:
        os.close(descriptor)
    if len(head) < 12:
        return False
    request, flags, size = struct.unpack("<III", head)
    body = b""
    while len(body) < size:
        body += client.recv(size - len(body))
    if request == _SET_MEM_TABLE:
        (count,) = struct.unpack_from("<I", body)
        offered.regions = [_region(body, 8 + 32 * at) for at in range(count)]
        offered.told.set()
    elif request == _ADD_MEM_REG:
        offered.regions.append(_region(body, 8))
        offered.told.set()
    reply = struct.pack("<Q", _NUMBERS[request]) if request in _NUMBERS else b""
    if request == _GET_CONFIG:
        reply = body[:12] + bytes(size - 12)
    elif request == _GET_VRING_BASE:
        reply = body
    elif not reply and flags & _NEED_REPLY:
        reply = bytes(8)
    if reply:
        client.sendall(struct.pack("<III", request, 1 | _REPLY, len(reply)) + reply)
    return True


def _region(body: bytes, at: int) -> list[int]:
    gpa, size, _, offset = struct.unpack_from("<QQQQ", body, at)
    return [gpa, size, offset]
