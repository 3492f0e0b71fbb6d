"""The machine underneath, observed: what a real QEMU stands on, as a Host.

The model never looks at the machine it runs on.  This door does, so that the model can be
given the same host as the real QEMU that it is compared with.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from pathlib import Path

from memkit.host import Host, Mount

__all__ = ["observe_host"]

_OVERCOMMIT = {"0": "heuristic", "1": "always", "2": "never"}
_SCALE = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def observe_host(paths: Iterable[str] = ()) -> Host:
    """The Host that this machine is: page size, mounts, huge page pools (bytes), overcommit.

    Of its files only ``paths`` are looked at, and their directories.

    >>> observe_host().accelerator
    'tcg'
    """
    files: dict[str, int] = {}
    directories: set[str] = set()
    for path in paths:
        absolute = os.path.abspath(path)
        for parent in (absolute, os.path.dirname(absolute)):
            if os.path.isdir(parent):
                directories.add(parent)
        if os.path.isfile(absolute):
            files[path] = os.path.getsize(absolute)
    return Host(
        arch=platform.machine() or "x86_64", accelerator="tcg", page_size=os.sysconf("SC_PAGE_SIZE"),
        mounts=_mounts(), directories=tuple(sorted(directories)), files=files, overcommit=_overcommit(),
        numa_nodes=_numa_nodes(),
    )


def _mounts() -> dict[str, Mount]:
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {"/": Mount("unknown")}
    mounts: dict[str, Mount] = {}
    for line in lines:
        fields = line.split()
        if len(fields) < 4:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), fields[1])
        if fields[2] == "hugetlbfs":
            size = re.search(r"pagesize=(\d+)([KMG]?)", fields[3])
            page = int(size[1]) * _SCALE[size[2]] if size else 2 << 20
            mounts[point] = Mount("hugetlbfs", page, _free_pages(page))
        else:
            mounts[point] = Mount(fields[2])
    return mounts


def _free_pages(page: int) -> int | None:
    pool = Path(f"/sys/kernel/mm/hugepages/hugepages-{page >> 10}kB/free_hugepages")
    try:
        return int(pool.read_text())
    except (OSError, ValueError):
        return None


def _overcommit() -> str:
    try:
        return _OVERCOMMIT.get(Path("/proc/sys/vm/overcommit_memory").read_text().strip(), "heuristic")
    except OSError:
        return "heuristic"


def _numa_nodes() -> int:
    try:
        nodes = Path("/sys/devices/system/node").iterdir()
        return len([n for n in nodes if re.fullmatch(r"node\d+", n.name)]) or 1
    except OSError:
        return 1
