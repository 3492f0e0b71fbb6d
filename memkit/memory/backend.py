"""Host memory backends: where guest RAM comes from (``-object memory-backend-*``).

Source: backends/hostmem*.c, include/sysemu/hostmem.h (QEMU 7.2).
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Backend"]


@dataclass(eq=False, slots=True)
class Backend:
    """A HostMemoryBackend object.

    ``size`` and ``align`` are bytes, ``page_size`` the host page size of what it maps (bytes).
    ``filesystem`` is the kind of host memory: anonymous, memfd, tmpfs, hugetlbfs, ext4 ... or unknown.
    ``share`` is None where a text does not tell it.
    ``implicit`` is True for the one that the machine makes for ``-m``.
    ``option_index`` is the index of its option in ``config.options``, or None.
    ``path`` is its place in QEMU's object tree (``/objects/m1``).
    """

    id: str
    type: str
    size: int
    page_size: int = 4096
    share: bool | None = False
    merge: bool = True
    dump: bool = True
    prealloc: bool = False
    reserve: bool = True
    policy: str = "default"
    host_nodes: tuple[int, ...] = ()
    mem_path: str | None = None
    align: int = 0
    readonly: bool = False
    pmem: bool = False
    hugetlb: bool = False
    seal: bool = False
    discard_data: bool = False
    filesystem: str = "anonymous"
    implicit: bool = False
    canonical_path: bool = False
    option_index: int | None = None
    path: str = ""

    @property
    def huge(self) -> bool:
        """True if the host backs it with hugetlb pages."""
        return self.filesystem == "hugetlbfs" or self.hugetlb
