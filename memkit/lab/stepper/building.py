"""Frames of how QEMU builds a guest: objects, RAMBlocks in ram_addr_t space, what the guest sees of each.

Source: qemu_create_early_backends and qemu_init in softmmu/vl.c for the order, ram_block_add and
find_ram_offset in softmmu/physmem.c for the places (QEMU 7.2).
"""

from __future__ import annotations

from memkit.draw.lanes import Box, Frame, Lane
from memkit.guest import Guest
from memkit.joined import Joined, JoinedRow, join
from memkit.memory.ramblock import OFFSET_ALIGN
from memkit.units import hex_address, human

__all__ = ["building"]


def building(guest: Guest) -> tuple[Frame, ...]:
    """The frames from an empty machine to the whole guest, a block and its places at a time."""
    joined = join(guest)
    rows = sorted(joined.rows, key=lambda row: row.block.offset)
    frames = [Frame("start", f"{guest.machine_type}, before anything is there", (
        "QEMU has read the command line. No RAMBlock exists, and the guest would see nothing."),
        _lanes(joined, [], None, ()))]
    told: list[JoinedRow] = []
    seen: list[JoinedRow] = []
    for row in rows:
        block = row.block
        if row.backend is not None:
            who = "The machine makes" if row.backend.implicit else "The line makes"
            frames.append(Frame("backend", f"Backend {row.backend.id}", (
                f"{who} the backend {row.backend.id}, a {row.backend.type} of {human(row.backend.size)}: "
                f"{_where(row)}."), _lanes(joined, told, None, seen)))
        frames.append(Frame("block", f"RAMBlock {block.label}", _placed(row, told),
                            _lanes(joined, [*told, row], row, seen)))
        told.append(row)
        if row.ranges:
            places = ", ".join(hex_address(r.start) for r in row.ranges[:4])
            more = " and elsewhere" if len(row.ranges) > 4 else ""
            frames.append(Frame("region", f"{block.label} as the guest sees it", (
                f"{_shows(row)} The guest sees it at gpa {places}{more}."),
                _lanes(joined, told, None, [*seen, row], row)))
            seen.append(row)
        else:
            frames.append(Frame("unseen", f"{block.label} as the guest sees it", (
                f"No region in the FlatView of memory shows {block.label}: the guest does not see it now."),
                _lanes(joined, told, None, seen)))
    frames.append(Frame("end", "The whole guest", (
        f"{len(rows)} RAMBlocks take {human(sum(row.block.max_length for row in rows))}. "
        f"{len({row.block.label for row in seen})} of them are seen by the guest."),
        _lanes(joined, told, None, seen)))
    return tuple(frames)


def _placed(row: JoinedRow, told: list[JoinedRow]) -> str:
    block = row.block
    said = (f"RAMBlock {block.label} of {human(block.max_length)} begins at ram_addr_t "
            f"{hex_address(block.offset)}")
    if not told:
        return f"{said}: it is the first one."
    before = told[-1].block
    if before.end == block.offset:
        return f"{said}, right behind {before.label}."
    gap = block.offset - before.end
    return (f"{said}. {before.label} ends at {hex_address(before.end)}; the next multiple of "
            f"{human(OFFSET_ALIGN)} is {human(gap)} further.")


def _where(row: JoinedRow) -> str:
    backend = row.backend
    assert backend is not None  # the caller asked
    place = f"{backend.mem_path} on {backend.filesystem}" if backend.mem_path else backend.filesystem
    return f"{place}, {'shared' if backend.share else 'private'}, in pages of {human(backend.page_size)}"


def _shows(row: JoinedRow) -> str:
    names = [region.name for region in row.windows]
    owner = row.owner.name if row.owner is not None else row.block.label
    if names:
        return f"The region {owner} is shown through {', '.join(names)}."
    return f"The region {owner} stands in the tree itself."


def _lanes(
    joined: Joined, blocks: list[JoinedRow], new: JoinedRow | None, seen: list[JoinedRow] | tuple[()],
    shown: JoinedRow | None = None,
) -> tuple[Lane, ...]:
    placed = tuple(
        Box(row.block.offset, row.block.max_length, row.block.label, row.kind,
            "new" if row is new else "kept")
        for row in blocks
    )
    ranges = tuple(
        Box(r.start, r.size, row.block.label, row.kind, "new" if row is shown else "kept")
        for row in seen for r in row.ranges
    )
    return (Lane("RAMBlocks", "ram_addr_t", placed), Lane("The guest sees", "gpa, FlatView", ranges))
