"""What QEMU asks the host's kernel to do with memory, and who pins whole RAMBlocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memkit.all_of_ram.definition import Definition
from memkit.all_of_ram.members import Member, out, unknown, whole

if TYPE_CHECKING:
    from memkit.all_of_ram.look import Look
    from memkit.joined import JoinedRow

__all__ = ["DEFINITIONS"]

NO_LINE = "the command line is not known"


def _core(look: Look, row: JoinedRow) -> Member:
    if look.switched_off("dump-guest-core"):
        return out(row.block, "dump-guest-core=off leaves all blocks out")
    if row.backend is not None and not row.backend.dump:
        return out(row.block, f"its backend {row.backend.id} says dump=off")
    if not look.told:
        return unknown(row.block, NO_LINE)
    return whole(row.block, "nothing says that it should be left out", row.block.max_length)


def _ksm(look: Look, row: JoinedRow) -> Member:
    shared, off, file = look.shared(row), look.switched_off("mem-merge"), look.has_file(row)
    if off is False and row.backend is None and look.scene.confidential:
        return out(row.block, "QEMU turns mem-merge off for a confidential guest before it makes this block")
    wanted = row.backend is not None and row.backend.merge
    # What has a descriptor is mapped elsewhere, where the machine's wish is not asked.
    anonymous = None if file is None or off is None else not file and not off
    if shared:
        return out(row.block, "KSM passes over shared pages")
    if look.pooled(row):
        return out(row.block, "KSM passes over huge pages of a pool")
    if wanted is False and anonymous is None:
        return unknown(row.block, NO_LINE)
    if not wanted and not anonymous:
        by_backend = row.backend is not None and not off
        return out(row.block, "its backend says merge=off" if by_backend else "mem-merge is off")
    if shared is None:
        return unknown(row.block, "no text tells whether it is shared")
    if wanted and not anonymous:
        return _whole(row, "its backend offers it")
    if row.backend is not None and not wanted:
        return _whole(row, "the machine offers it, in spite of its backend's merge=off")
    return _whole(row, "anonymous memory, and mem-merge is on")


def _thp(look: Look, row: JoinedRow) -> Member:
    if look.pooled(row):
        return _whole(row, "asked, in vain: its pages are huge already")
    if look.shared(row):
        return _whole(row, "asked; for shared memory shmem_enabled or the mount decides")
    return _whole(row, "asked, for whole huge pages within it")


def _locked(look: Look, row: JoinedRow) -> Member:
    if look.locked is None:
        return unknown(row.block, NO_LINE)
    if not look.locked:
        return out(row.block, "mem-lock is off")
    if look.pooled(row):
        return out(row.block, "huge pages of a pool are never swapped, and mlockall passes over them")
    return _whole(row, "mlockall holds the whole process")


def _filled(look: Look, row: JoinedRow) -> Member:
    if row.backend is not None and row.backend.prealloc:
        return _whole(row, f"its backend {row.backend.id} has prealloc=on")
    return out(row.block, "no backend fills it at start")


def _sev(look: Look, row: JoinedRow) -> Member:
    if "guest-memfd" in look.scene.features:
        return out(row.block, "private pages come from a guest_memfd, which needs no registration")
    return _whole(row, "every RAMBlock is registered")


def _nvme(look: Look, row: JoinedRow) -> Member:
    return _whole(row, "every RAMBlock is mapped for the disk")


def _whole(row: JoinedRow, reason: str) -> Member:
    return whole(row.block, reason, row.block.max_length)


def _no_sev(look: Look) -> str:
    if look.guest.target not in ("x86_64", "i386", "unknown"):
        return "SEV is of x86 alone."
    found = not look.told or "sev" in look.scene.features
    return "" if found else "The guest is not encrypted: this is what SEV would register."


def _no_nvme(look: Look) -> str:
    found = not look.told or "userspace-nvme" in look.scene.features
    return "" if found else "No disk is driven by QEMU's own NVMe driver: this is what it would map."


def _unlocked(look: Look) -> str:
    return "-overcommit mem-lock=on is not given." if look.locked is False else ""


_ADD = "softmmu/physmem.c: ram_block_add, 7.2"
_COMPLETE = "backends/hostmem.c: host_memory_backend_memory_complete, 7.2"

DEFINITIONS = (
    Definition(
        "core-dump", "dump", "What QEMU leaves for the kernel to write if QEMU crashes.", "blocks",
        "each block without MADV_DONTDUMP, which dump-guest-core=off sets for all blocks and dump=off for a "
        "backend's",
        ("softmmu/physmem.c: qemu_ram_setup_dump, 7.2", _COMPLETE), _core,
        surprise="dump=on does not beat dump-guest-core=off. The kernel leaves out more by itself: with its "
                 "default coredump_filter shared huge pages and shared files that have a name.",
    ),
    Definition(
        "ksm", "host", "What the host may merge with equal pages: KSM.", "blocks",
        "anonymous memory unless mem-merge=off, and the block of each backend with merge=on; the kernel "
        "takes private pages that are not huge",
        (_ADD, "softmmu/physmem.c: memory_try_enable_merging, 7.2", _COMPLETE,
         "Linux: mm/ksm.c, ksm_madvise, 6.1"), _ksm,
        surprise="Video RAM, ROMs and flash are offered, too. merge=off does not keep a memory-backend-ram "
                 "out of it, and merge=on beats mem-merge=off.",
    ),
    Definition(
        "thp", "host", "What QEMU asks transparent huge pages for.", "blocks",
        "every block (MADV_HUGEPAGE)", (_ADD,), _thp,
        surprise="Everything is asked for, even ROMs of 64 KiB that cannot hold a huge page.",
    ),
    Definition(
        "mem-lock", "host", "What -overcommit mem-lock=on keeps from being swapped.", "blocks",
        "all mappings of the process, now and later; the kernel passes over huge pages of a pool",
        ("softmmu/vl.c: realtime_init, 7.2", "os-posix.c: os_mlock, 7.2"), _locked, remark=_unlocked,
        surprise="It locks QEMU itself, too, and fills memory that nobody used yet. Postcopy lets go of the "
                 "locks while it runs.",
        changed="10.0 adds on-fault, which locks pages when they are first touched.",
    ),
    Definition(
        "prealloc", "host", "What is filled with pages at start.", "blocks",
        "the block of each backend with prealloc=on", (_COMPLETE,), _filled,
        surprise="Video RAM and ROMs are never in it.",
    ),
    Definition(
        "sev", "other", "What SEV and SEV-ES register as encrypted, and the kernel therefore pins.", "blocks",
        "every block with its greatest length, but for BARs of VFIO devices",
        ("target/i386/sev.c: sev_ram_block_added, 7.2", "target/i386/sev.c: sev_kvm_init, 9.1"), _sev,
        remark=_no_sev,
        surprise="Blocks that no device shows are pinned as well, and so are video RAM and flash, whatever "
                 "the guest encrypts.",
        changed="9.1 adds SEV-SNP, which registers none.",
    ),
    Definition(
        "userspace-nvme", "other", "What QEMU's own NVMe driver (nvme://) maps for its disk.", "blocks",
        "every block with its greatest length",
        ("util/vfio-helpers.c: qemu_vfio_ram_block_added, 7.2",), _nvme, remark=_no_nvme,
        surprise="It maps and pins RAMBlocks, not the guest's view: memory without an address is in it.",
    ),
)
