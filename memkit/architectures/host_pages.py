"""The pages of Linux hosts: the base page, the huge pages that go with it, what a process can address.

A host's kernel is built for one base page.  Which huge pages there are follows from it and, on Power, from
the kind of page table.  Sizes are bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from memkit.errors import HostError
from memkit.units import human
from memkit.versions import holds

__all__ = ["ARCH_NAMES", "HOST_PAGES", "HostPages", "anonymous_align", "host_pages", "huge_sizes", "kind_of"]

_K, _M, _G = 1 << 10, 1 << 20, 1 << 30


@dataclass(frozen=True, slots=True)
class HostPages:
    """What one kind of Linux host offers; ``arch`` as ``uname -m`` says it.

    ``base`` is the page of the kernel, ``huge`` the sizes of hugetlbfs, smallest first.  ``default`` is what
    is meant where nobody names a size, ``transparent`` what the kernel joins by itself (0: nothing).
    ``address_bits`` is what a process gets for its memory unless it asks for more.  ``mmu`` is the kind of
    page table where there are several.  All sizes are bytes.
    """

    arch: str
    base: int
    huge: tuple[int, ...]
    default: int
    transparent: int
    address_bits: int
    sources: tuple[str, ...]
    mmu: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """The kind of host in a few words.

        >>> host_pages("ppc64le").title
        'ppc64le, 64 KiB pages, radix page table'
        """
        return f"{self.arch}, {human(self.base)} pages" + (f", {self.mmu} page table" if self.mmu else "")


_ARM = ("Documentation/arm64/hugetlbpage.rst, Linux 6.1", "Documentation/arm64/memory.rst, Linux 6.1")
_ARM_NOTE = "Sizes beside those of a table's level are runs of entries with the contiguous bit."
_POWER = ("arch/powerpc/mm/hugetlbpage.c: add_huge_page_size, Linux 6.1",
          "arch/powerpc/include/asm/task_size_64.h, Linux 6.1")
_HASH_NOTE = "POWER8 and older have no other; newer ones can be told to."

# The usual one of each architecture comes first.
HOST_PAGES: tuple[HostPages, ...] = (
    HostPages(
        "x86_64", 4 * _K, (2 * _M, 1 * _G), 2 * _M, 2 * _M, 47,
        ("arch/x86/mm/hugetlbpage.c: arch_hugetlb_valid_size, Linux 6.1",
         "arch/x86/include/asm/page_64_types.h: DEFAULT_MAP_WINDOW, Linux 6.1"),
        note="Pages of 1 GiB need the CPU flag pdpe1gb.",
    ),
    HostPages("aarch64", 4 * _K, (64 * _K, 2 * _M, 32 * _M, 1 * _G), 2 * _M, 2 * _M, 48, _ARM,
              note=_ARM_NOTE),
    HostPages("aarch64", 16 * _K, (2 * _M, 32 * _M, 1 * _G), 32 * _M, 32 * _M, 48, _ARM, note=_ARM_NOTE),
    HostPages("aarch64", 64 * _K, (2 * _M, 512 * _M, 16 * _G), 512 * _M, 512 * _M, 48, _ARM,
              note=_ARM_NOTE),
    HostPages("ppc64le", 64 * _K, (2 * _M, 1 * _G), 2 * _M, 2 * _M, 47, _POWER, "radix",
              "POWER9 and newer, and the usual choice there."),
    HostPages("ppc64le", 64 * _K, (16 * _M, 16 * _G), 16 * _M, 16 * _M, 47,
              (*_POWER, "arch/powerpc/mm/book3s64/hash_pgtable.c: hash__has_transparent_hugepage, Linux 6.1"),
              "hash", _HASH_NOTE),
    HostPages("ppc64le", 4 * _K, (2 * _M, 1 * _G), 2 * _M, 2 * _M, 46, _POWER, "radix"),
    HostPages("ppc64le", 4 * _K, (16 * _M, 16 * _G), 16 * _M, 0, 46,
              (*_POWER, "arch/powerpc/mm/book3s64/hash_pgtable.c: hash__has_transparent_hugepage, Linux 6.1"),
              "hash", _HASH_NOTE),
    HostPages(
        "s390x", 4 * _K, (1 * _M, 2 * _G), 1 * _M, 1 * _M, 64,
        ("arch/s390/mm/hugetlbpage.c: arch_hugetlb_valid_size, Linux 6.1",
         "arch/s390/include/asm/processor.h: TASK_SIZE_MAX, Linux 6.1"),
        note="The sizes need the facilities EDAT-1 and EDAT-2.",
    ),
    HostPages(
        "riscv64", 4 * _K, (64 * _K, 2 * _M, 1 * _G), 2 * _M, 2 * _M, 47,
        ("arch/riscv/mm/hugetlbpage.c: arch_hugetlb_valid_size, Linux 6.1 (64 KiB: 6.4)",
         "Documentation/riscv/vm-layout.rst, Linux 6.1"),
        note="Pages of 64 KiB need Svnapot. The address bits are those of Sv48; Sv39 leaves 38, Sv57 may "
             "give more.",
    ),
)
# Other names of the same hosts; a big-endian Power host has the pages of a little-endian one.
ARCH_NAMES = {"amd64": "x86_64", "arm64": "aarch64", "power": "ppc64le", "ppc64": "ppc64le", "s390": "s390x",
              "x86": "x86_64", "riscv": "riscv64", "z": "s390x", "arm": "aarch64"}


def host_pages(arch: str, base: int | None = None, mmu: str = "") -> HostPages:
    """The pages of a kind of host; the usual one if ``base`` (bytes) or ``mmu`` are not given.

    Raises HostError, which lists what there is, for others.

    >>> [size >> 20 for size in host_pages("aarch64", 64 << 10).huge]
    [2, 512, 16384]
    """
    name = ARCH_NAMES.get(str(arch).lower(), str(arch).lower())
    known = [pages for pages in HOST_PAGES if pages.arch == name]
    if not known:
        names = ", ".join(dict.fromkeys(pages.arch for pages in HOST_PAGES))
        raise HostError(f"the pages of {arch!r:.60} hosts are not known; known: {names}")
    for pages in known:
        if base in (None, pages.base) and mmu in ("", pages.mmu):
            return pages
    given = ", ".join([*([f"a base page of {base} bytes"] if base is not None else []),
                       *([f"mmu {mmu!r:.20}"] if mmu else [])])
    raise HostError(f"no {name} host has {given}; there are: {'; '.join(p.title for p in known)}")


def kind_of(arch: str, base: int, pools: Sequence[int] = ()) -> HostPages | None:
    """The kind of host with that base page and pools of huge pages (bytes), or None if it is not known.

    >>> kind_of("ppc64le", 64 << 10, [16 << 20]).mmu, kind_of("ppc64le", 64 << 10).mmu
    ('hash', 'radix')
    """
    name = ARCH_NAMES.get(arch, arch)
    known = [pages for pages in HOST_PAGES if (pages.arch, pages.base) == (name, base)]
    return next((pages for pages in known if set(pools) & set(pages.huge)), known[0] if known else None)


def huge_sizes(arch: str, base: int) -> tuple[int, ...]:
    """The huge pages (bytes) that the kernel of such a host knows; none if the host is not known.

    >>> huge_sizes("s390x", 4096)
    (1048576, 2147483648)
    """
    name = ARCH_NAMES.get(arch, arch)
    return tuple(sorted({size for p in HOST_PAGES if (p.arch, p.base) == (name, base) for size in p.huge}))


# Hosts on which QEMU aligns anonymous memory to 2 MiB, whatever their transparent huge page, and since when.
_THP_ALIGNED = {"x86_64": "", "aarch64": "", "ppc64le": "", "riscv64": "10.2"}


@lru_cache(maxsize=64)
def anonymous_align(arch: str, base: int, qemu: str) -> int:
    """The alignment (bytes) of anonymous memory: QEMU_VMALLOC_ALIGN of a build for that host.

    Source: include/qemu/osdep.h (QEMU 5.2, 7.2, 10.0; riscv64: ec139c3dd0, 10.2).

    >>> anonymous_align("s390x", 4096, "7.2"), anonymous_align("riscv64", 4096, "7.2")
    (1048576, 4096)
    """
    name = ARCH_NAMES.get(arch, arch)
    if name == "s390x":
        # One segment of the host's page table.
        return 1 * _M
    since = _THP_ALIGNED.get(name)
    return 2 * _M if since is not None and holds(qemu, since) else base
