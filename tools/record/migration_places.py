"""The hosts of a migration: directories that exist for one case, and are told by other names.

A case names paths below /mem (a disk), /dev/shm (tmpfs) and /dev/hugepages (hugetlbfs); what both hosts
see lies below /link.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from memkit.errors import MemkitError

from .migration_guest import mark

__all__ = ["BELL", "HOST", "LINK", "file_sums", "open_places"]

PLACES = {"/mem": "/var/tmp", "/dev/shm": "/dev/shm", "/dev/hugepages": "/dev/hugepages"}
LINK = "/link"
BELL = f"{LINK}/ivshmem"
# The host as ``Host.from_dict`` takes it.
HOST: dict[str, Any] = {
    "arch": "x86_64",
    "accelerator": "tcg",
    "page_size": 4096,
    "mounts": {
        "/": {"fs": "ext4"},
        "/dev/shm": {"fs": "tmpfs"},
        "/dev/hugepages": {"fs": "hugetlbfs", "page_size": 2 << 20, "free_pages": 1024},
    },
    "directories": ["/mem", "/tmp", "/var/tmp", "/dev"],
    "files": {},
    "overcommit": "heuristic",
    "numa_nodes": 1,
}


@contextlib.contextmanager
def open_places(name: str, files: Mapping[str, int], link: str) -> Iterator[dict[str, str]]:
    """Directories of a host for a short time, with files that hold something at every 2 MiB.

    ``link`` is a directory that both hosts see.
    """
    real = {place: f"{above}/{name}" for place, above in PLACES.items() if os.access(above, os.W_OK)}
    try:
        for path in real.values():
            os.mkdir(path)
        for path, size in files.items():
            _make_file(_real(path, real), size)
        yield {**real, LINK: link}
    finally:
        for path in real.values():
            shutil.rmtree(path, ignore_errors=True)


def _real(path: str, real: Mapping[str, str]) -> str:
    place = next((p for p in real if path.startswith(p + "/")), None)
    if place is None:
        raise MemkitError(f"a file of a case lies below {', '.join(real)}; not {path}")
    return real[place] + path.removeprefix(place)


def _make_file(path: str, size: int) -> None:
    with open(path, "w+b") as file:
        file.truncate(size)
        if path.startswith("/dev/hugepages/"):
            # hugetlbfs has no write().
            with mmap.mmap(file.fileno(), size) as memory:
                for start in range(0, size, 2 << 20):
                    memory[start : start + 4096] = mark("file", start)
            return
        for start in range(0, size, 2 << 20):
            file.seek(start)
            file.write(mark("file", start)[: size - start])


def file_sums(hosts: Sequence[Mapping[str, str]], files: Mapping[str, int]) -> dict[tuple[str, str], str]:
    found = {}
    for side, real in zip(("source", "destination"), hosts, strict=True):
        for path in files:
            try:
                found[side, path] = _sum(_real(path, real))
            except OSError:
                found[side, path] = ""
    return found


def _sum(path: str) -> str:
    total = hashlib.blake2b(digest_size=8)
    if path.startswith("/dev/hugepages/"):
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as memory:
            total.update(memory)
    else:
        total.update(Path(path).read_bytes())
    return total.hexdigest()
