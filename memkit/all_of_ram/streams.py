"""What migration and its relatives take for all of RAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memkit.all_of_ram.definition import Definition
from memkit.all_of_ram.members import Member, out, unknown, whole

if TYPE_CHECKING:
    from memkit.all_of_ram.look import Look
    from memkit.joined import JoinedRow

__all__ = ["DEFINITIONS"]

NAMELESS = "it has no name: no device has put it into the stream"
SMALLEST_SAMPLED = 128 << 10
"""The bytes below which dirty rates pass over a block (MIN_RAMBLOCK_SIZE)."""


def _migratable(look: Look, row: JoinedRow) -> Member:
    if not row.block.migratable:
        return out(row.block, NAMELESS)
    return whole(row.block, "a device has registered its name")


def _not_shared(look: Look, row: JoinedRow) -> Member:
    if not row.block.migratable:
        return out(row.block, NAMELESS)
    shared = look.shared(row)
    if shared and look.version >= (8, 1):
        named = look.named_file(row)
        if named is None:
            return unknown(row.block, "no text tells whether its memory has a file")
        if named:
            return out(row.block, "it is shared, in a file that the other side can open")
        return whole(row.block, "it is shared, but in no file that the other side could open")
    if shared is None:
        return unknown(row.block, "no text tells whether it is shared")
    if shared and look.version < (6, 1) and look.has_file(row) is False:
        return whole(row.block, "it is shared, but QEMU did not remember that of anonymous memory")
    return out(row.block, "it is shared") if shared else whole(row.block, "it is private")


def _snapshot(look: Look, row: JoinedRow) -> Member:
    if not row.block.migratable:
        return out(row.block, NAMELESS)
    if look.flash(row):
        return out(row.block, "it is flash, whose writes QEMU sees anyway")
    if look.read_only(row):
        return out(row.block, "it is ROM: saved, but nobody writes to it")
    return whole(row.block, "it is protected from writes while it is saved", row.block.max_length)


def _lives_on(look: Look, row: JoinedRow) -> Member:
    shared, file = look.shared(row), look.has_file(row)
    if look.flash(row):
        return out(row.block, "QEMU lets flash pass, and the new QEMU reads its image again")
    if shared is None or file is None:
        return unknown(row.block, "no text tells whether it is shared and has a descriptor")
    if shared and file:
        return whole(row.block, "it is shared and has a descriptor, which the new QEMU maps",
                     row.block.max_length)
    if not row.block.migratable:
        return out(row.block, "it is private, and has no name by which it could object")
    how = "it is private" if not shared else "it has no descriptor"
    return out(row.block, f"{how}, so that it blocks the migration")


def _sampled(look: Look, row: JoinedRow) -> Member:
    if not row.block.migratable:
        return out(row.block, "it has no name")
    if row.block.used_length < SMALLEST_SAMPLED:
        return out(row.block, "it is smaller than 128 KiB")
    return whole(row.block, "pages of it are sampled")


def _ask_shared(look: Look) -> str:
    found = not look.told or any(look.shared(row) for row in look.rows)
    return "" if found else "No block is shared, so that x-ignore-shared changes nothing."


_IGNORED = "migration/ram.c: ramblock_is_ignored, 7.2"

DEFINITIONS = (
    Definition(
        "migration", "stream", "What a migration stream announces: every block with a name.", "blocks",
        "each migratable block with its used length; a block becomes migratable when a device registers its "
        "name", ("migration/ram.c: ram_save_setup, 7.2", "migration/savevm.c: vmstate_register_ram, 7.2"),
        _migratable,
        surprise="ROMs, video RAM, flash and tables travel, though the destination loaded its own; a backend "
                 "that no device uses does not.",
    ),
    Definition(
        "x-ignore-shared", "stream", "What migration sends with x-ignore-shared.", "blocks",
        "migratable, and not shared; since 8.1: not shared in a named file",
        (_IGNORED, "migration/ram.c: migrate_ram_is_ignored, 8.2",
         "softmmu/physmem.c: qemu_ram_alloc_internal, 6.1"), _not_shared,
        changed="Before 6.1 QEMU did not remember that shared anonymous memory is shared, and sent it. Since "
                "8.1 only shared memory in a named file stays behind. Before, shared memory that no "
                "other process could find was left behind, too, and lost.",
        surprise="The stream announces all blocks, with their addresses; only contents are left out.",
        remark=_ask_shared,
    ),
    Definition(
        "postcopy", "stream", "What a destination registers with userfaultfd.", "blocks",
        "each migratable block with its used length",
        ("migration/postcopy-ram.c: postcopy_ram_incoming_setup, ram_block_enable_notify, 7.2",),
        _migratable,
        surprise="Each block needs a kernel that can register its kind of memory, and one block that cannot "
                 "be registered spoils it for all.",
        changed="Since 8.1 all blocks, nameless ones too, are tested when the capability is set.",
    ),
    Definition(
        "rdma", "stream", "What RDMA migration registers with the network card.", "blocks",
        "each migratable block with its used length: whole with rdma-pin-all, else 1 MiB at a time",
        ("migration/rdma.c: qemu_rdma_init_ram_blocks, qemu_rdma_reg_whole_ram_blocks, 7.2",), _migratable,
        surprise="The blocks of both sides must have the same lengths in the same order.",
    ),
    Definition(
        "background-snapshot", "stream", "What background-snapshot protects from writes.", "blocks",
        "migratable, and neither ROM nor flash, with its greatest length",
        ("migration/ram.c: ram_write_tracking_start, 7.2",), _snapshot, since="6.0",
        surprise="The kernel must be able to protect every one of these blocks; shared ones need a newer "
                 "kernel than private ones.",
    ),
    Definition(
        "cpr-transfer", "stream", "What lives on in the new QEMU of an update by cpr-transfer.", "blocks",
        "shared, and with a file descriptor; no other migratable RAM may be there, or QEMU refuses",
        ("system/physmem.c: ram_is_cpr_compatible, ram_block_add_cpr_blocker, 10.0",), _lives_on,
        since="10.0",
        surprise="Video RAM and ROMs are private by default, so that even a guest whose RAM is shared is "
                 "refused until aux-ram-share=on.",
    ),
    Definition(
        "calc-dirty-rate", "stream", "The blocks from which calc-dirty-rate samples pages.", "blocks",
        "migratable, and at least 128 KiB in use (mode page-sampling)",
        ("migration/dirtyrate.c: skip_sample_ramblock, 7.2",), _sampled, since="5.2",
        surprise="ROMs count as RAM that could be dirtied.",
    ),
)
