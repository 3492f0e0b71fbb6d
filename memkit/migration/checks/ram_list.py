"""The list of RAMBlocks at the head of the stream: names, lengths, page sizes, addresses.

Source: ram_load_precopy (7.2), parse_ramblocks and parse_ramblock (since 8.0) in migration/ram.c, and
qemu_ram_resize in softmmu/physmem.c (7.2), system/physmem.c (since 8.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from memkit.migration.attempt import Attempt, Side, Stop

if TYPE_CHECKING:
    from memkit.memory.ramblock import RAMBlock

__all__ = ["addr_of", "differing", "names_and_lengths", "unknown"]

def names_and_lengths(attempt: Attempt) -> Stop | None:
    """The failure of a destination that lacks a block of the stream, or has it otherwise."""
    source, destination = attempt.sides
    found = {block.idstr: block for block in reversed(destination.blocks)}
    blocks = list(source.named.values())
    for number, block in enumerate(blocks):
        here = found.get(block.idstr)
        if here is None:
            return unknown(attempt, block)
        stop = differing(attempt, blocks[number:], here)
        if stop is not None:
            return stop
    return None


def _stop(destination: Side, message: str, why: str, hazard: str, function: str = "parse_ramblock") -> Stop:
    name = function if destination.has("8.0") else "ram_load_precopy"
    return Stop("fails", "destination", message, why, (f"migration/ram.c: {name}, "
                                                       f"{destination.guest.qemu}",), hazard)


def unknown(attempt: Attempt, block: RAMBlock) -> Stop:
    """The failure of a destination that has no block of this name."""
    there = ", ".join(attempt.destination.named) or "none"
    return _stop(
        attempt.destination, f'Unknown ramblock "{block.idstr}", cannot accept migration',
        f"Blocks are matched by name, and the destination has no {block.idstr}; it has: {there}.",
        _hazard_of(attempt, block), "parse_ramblocks")


def _hazard_of(attempt: Attempt, block: RAMBlock) -> str:
    """The rule that tells more about a block that has no counterpart."""
    if block.idstr.endswith(".rom"):
        return "migrate-option-rom-missing-on-dst"
    if "/" in block.idstr.removeprefix("/") and block.purpose == "vram":
        return "migrate-device-address-in-block-name"
    devices = {device.memdev.rpartition("/")[2] for device in attempt.source.guest.memory_devices}
    if block.backend is not None and block.backend.id in devices:
        return "dimm-missing-on-destination"
    if any(node.memdev for side in attempt.sides for node in side.guest.numa):
        return "numa-layout-change-breaks-migration"
    return "migrate-ramblock-name-mismatch"


def differing(attempt: Attempt, rest: Sequence[RAMBlock], here: RAMBlock) -> Stop | None:
    """The failure at the first of ``rest``, which is called ``here`` at the destination."""
    block, destination = rest[0], attempt.destination
    if destination.on("mapped-ram"):
        # The pages follow at once, and neither length nor page size is compared.
        return _mapped(attempt, block, here)
    return (_length(destination, block, here) or _page_size(attempt, rest, here)
            or _address(attempt, block, here))


def _length(destination: Side, block: RAMBlock, here: RAMBlock) -> Stop | None:
    page = destination.guest.host.page_size
    theirs, ours = -(-block.used_length // page) * page, here.used_length
    if theirs == ours:
        return None
    if here.resizeable and theirs <= here.max_length:
        return None
    words, limit = ("Size too large", here.max_length) if here.resizeable else ("Size mismatch", ours)
    sign = ">" if here.resizeable else "!="
    why = (f"{block.idstr} can grow to {limit:#x} bytes and no further." if here.resizeable else
           f"{block.idstr} has {block.used_length:#x} bytes at the source and {ours:#x} at the destination, "
           "and only tables of the firmware can change their size.")
    return _stop(destination, f"{words}: {block.idstr}: 0x{theirs:x} {sign} 0x{limit:x}: Invalid "
                              "argument", why,
                 _length_hazard(block))


def _length_hazard(block: RAMBlock) -> str:
    if block.idstr == "pc.bios":
        return "migrate-bios-size"
    if block.purpose == "flash":
        return "migrate-pflash-size"
    if block.purpose == "vram":
        return "migrate-vram-size-mismatch"
    return "migrate-option-rom-size" if block.idstr.endswith(".rom") else "migrate-ram-size-mismatch"


def _page_size(attempt: Attempt, rest: Sequence[RAMBlock], here: RAMBlock) -> Stop | None:
    """The failure where both sides have pages of the same sizes, but this block not."""
    block, destination = rest[0], attempt.destination
    if not (attempt.source.on("postcopy-ram") and destination.on("postcopy-ram")):
        return None
    if here.page_size == destination.guest.host.page_size:
        return None
    if block.page_size == here.page_size:
        return None
    theirs = block.page_size
    if theirs == attempt.source.guest.host.page_size:
        # Pages of the usual size are not in the stream; what is read is what follows: the next block.
        following = b"".join([bytes([len(b.idstr)]) + b.idstr.encode() + b.used_length.to_bytes(8, "big")
                              for b in rest[1:2]]) + (0x10).to_bytes(8, "big")
        theirs = int.from_bytes(following[:8], "big", signed=True)
    return _stop(
        destination, f"Mismatched RAM page size {block.idstr} (local) {here.page_size} != {theirs}",
        f"RAMBlock {block.idstr} has pages of {block.page_size} bytes at the source, and postcopy puts whole "
        "pages into place.", "postcopy-page-size-mismatch")


def addr_of(side: Side, block: RAMBlock) -> int:
    """Where the block's MemoryRegion lies inside its container, in bytes; 0 for one that has none.

    Source: MemoryRegion.addr, which ram_save_setup sends with x-ignore-shared.
    """
    for frontend in side.guest.frontends:
        for region in frontend.regions:
            if region.block is block:
                return region.addr
    return 0


def _address(attempt: Attempt, block: RAMBlock, here: RAMBlock) -> Stop | None:
    source, destination = attempt.sides
    if not destination.on("x-ignore-shared") or not destination.ignores(here):
        return None
    theirs, ours = attempt.bars.get(block.idstr, addr_of(source, block)), addr_of(destination, here)
    if theirs == ours:
        return None
    return _stop(
        destination, f"Mismatched GPAs for block {block.idstr} {theirs}!= {ours}",
        f"With x-ignore-shared QEMU compares where a block lies in the region around it; {block.idstr} is at "
        f"{theirs:#x} at the source and at {ours:#x} at the destination.", "ignore-shared-gpa-mismatch")


def _mapped(attempt: Attempt, block: RAMBlock, here: RAMBlock) -> Stop | None:
    if block.used_length <= here.used_length:
        return None
    return _stop(
        attempt.destination, f"page outside of ramblock {block.idstr} range",
        f"{block.idstr} has {block.used_length:#x} bytes at the source and {here.used_length:#x} at the "
        "destination; with mapped-ram QEMU finds out when a page has no place.", _length_hazard(block),
        "read_ramblock_mapped_ram")
