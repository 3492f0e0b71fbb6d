"""What a migration does that no parameter says: constants, and what changed between releases of QEMU.

Sources: migration/migration.c, ram.c, migration-stats.c (before 8.1 qemu-file.c), cpu-throttle.c, options.c
(before 8.1 migration.c) and qapi/migration.json, each as of the release that a field names.
"""

from __future__ import annotations

from dataclasses import dataclass

from memkit.errors import MemkitError
from memkit.host import Host
from memkit.versions import holds, nearest_qemu

__all__ = [
    "CHUNK", "GRANULES", "HEADER", "MAX_WAIT", "THROTTLE_SYNC", "WINDOW", "ZERO_PAGE", "Rules",
    "granule_of", "rules",
]

PAGE = 4096
# Milliseconds over which bandwidth is limited and measured: BUFFER_DELAY, migration.c (7.2).
WINDOW = 100
# Milliseconds after which the thread looks up while it sends: MAX_WAIT, ram.c (7.2).
MAX_WAIT = 50
# Milliseconds between looks at the bitmap while a guest is slowed down: cpu-throttle.c (since 9.2).
THROTTLE_SYNC = 5000
# A page in the stream has its offset and flags in front: save_page_header, ram.c (7.2).
HEADER = 8
# A zero page is that and the byte 0: save_zero_page_to_file, ram.c (7.2).
ZERO_PAGE = HEADER + 1
# Bytes that leave together when 32 pages with their headers are in the buffer: MAX_IOV_SIZE, qemu-file.c
# (10.0).
FLUSH = 32 * (PAGE + HEADER)
# KVM's log starts anew in pieces of 1 GiB, each when its first page is sent: CLEAR_BITMAP_SHIFT_MAX and _MIN
# in include/exec/ram_addr.h, x-clear-bitmap-shift in migration.c (7.2).
CHUNK = 1 << 30

# What one write marks as dirty, in bytes, where the host backs the guest with a huge page of that size.
GRANULES: dict[str, tuple[str, str]] = {
    "x86_64": ("page", "kvm_mmu_hugepage_adjust, arch/x86/kvm/mmu/mmu.c (Linux 6.1): small pages"),
    "aarch64": ("host", "user_mem_abort, arch/arm64/kvm/mmu.c (Linux 6.1): host pages, which may be 64 KiB"),
    # The page of the guest's hash table, at most the block's. With a radix table (POWER9 and newer) it is a
    # host page: kvmppc_book3s_instantiate_page, book3s_64_mmu_radix.c. No line tells which table.
    "ppc64": ("huge", "kvm_test_clear_dirty_npages, arch/powerpc/kvm/book3s_64_mmu_hv.c (Linux 6.1)"),
    "s390x": ("huge", "gmap_sync_dirty_log_pmd, arch/s390/mm/gmap.c (Linux 6.1): a segment of 1 MiB"),
}


@dataclass(frozen=True)
class Rules:
    """What one release does.

    >>> rules("7.2").whole_stream, rules("11.1").at_limit
    (False, True)
    """

    qemu: str
    # "transferred" counts the whole stream, not RAM alone (since 8.2).
    whole_stream: bool
    # What counts for the limit is what has left the buffer (since 8.1).
    flushed: bool
    # query-migrate has "skipped", always 0 (until 9.1).
    skipped: bool
    # While a guest is slowed down, the bitmap is looked at every 5 s (since 9.2).
    periodic: bool
    # Done when what is left equals the limit, too, and never without a look at the bitmap (since 11.1).
    at_limit: bool


def rules(qemu: str) -> Rules:
    """The rules of a release; raises MemkitError for what is none that the model knows."""
    known, _ = nearest_qemu(qemu)
    number = known if known == "11.1" else qemu.partition("+")[0]
    return Rules(
        qemu=known, whole_stream=holds(number, "8.2"), flushed=holds(number, "8.1"),
        skipped=holds(number, "<9.1"), periodic=holds(number, "9.2"),
        at_limit=holds(number, "11.1"),
    )


def granule_of(target: str, page_size: int, host: Host | None) -> int:
    """Bytes that a write marks as dirty in a block of ``page_size``; MemkitError for an unknown target.

    >>> granule_of("x86_64", 2 << 20, None), granule_of("s390x", 1 << 20, None)
    (4096, 1048576)
    """
    if target not in GRANULES:
        known = ", ".join(GRANULES)
        raise MemkitError(f"what {target!r} logs is not known; give dirty_granularity=, or one of {known}")
    how = GRANULES[target][0]
    if how == "huge":
        return max(page_size, PAGE)
    base = getattr(host, "page_size", PAGE) if how == "host" else PAGE
    return int(base)
