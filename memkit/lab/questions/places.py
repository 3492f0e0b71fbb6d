"""What questions look up in a guest: main RAM and where it is seen, the window for memory devices, a twin."""

from __future__ import annotations

from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.memory.device import MemoryDevice
from memkit.memory.flatview import FlatRange
from memkit.memory.ramblock import RAMBlock
from memkit.units import parse_address

__all__ = [
    "FOUR_GIB", "GIB", "address_of", "block_of", "device_window", "main_ram", "name_of", "ranges_of", "twin",
]

GIB = 1 << 30
FOUR_GIB = 4 * GIB


def main_ram(guest: Guest) -> tuple[RAMBlock, ...]:
    """The blocks of main RAM: one, or one for each NUMA node; raises MemkitError if they are not known."""
    shown = [f for f in guest.frontends if f.kind in ("machine", "numa-node")]
    blocks = tuple(block for frontend in shown for block in frontend.blocks if block.purpose == "ram")
    if not blocks:
        raise MemkitError("this guest's main RAM is not known, so there is nothing to ask")
    return blocks


def ranges_of(guest: Guest, blocks: tuple[RAMBlock, ...]) -> list[FlatRange]:
    """The ranges (gpa) of "memory" that show one of ``blocks``."""
    return [r for r in guest.flat_view().ranges if any(r.region.block is b for b in blocks)]


def device_window(guest: Guest) -> tuple[int, int] | None:
    """First gpa and end of the device-memory window, or None if there is none."""
    for region in guest.address_space().root.subregions:
        if region.name == "device-memory":
            return region.addr, region.addr + region.size
    return None


def twin(guest: Guest, machine: str) -> Guest | None:
    """The same command line on another machine type, or None where that does not boot."""
    from memkit.boot import boot

    if guest.config is None:
        return None
    try:
        return boot(guest.config.with_machine(machine), guest.target, guest.qemu, guest.host)
    except MemkitError:
        return None


def block_of(guest: Guest, name: str) -> RAMBlock:
    """The RAMBlock that ``name`` means, a block or its backend; raises MemkitError with the names."""
    for block in guest.ram_blocks:
        if name in (block.label, block.idstr, block.region_name, block.backend.id if block.backend else None):
            return block
    known = ", ".join(block.label for block in guest.ram_blocks)
    raise MemkitError(f"{name!r:.60} is no RAMBlock of this guest; there are: {known}")


def address_of(text: str) -> int:
    """A gpa from what somebody wrote; raises MemkitError that says what to write."""
    try:
        return parse_address(text)
    except ValueError as error:
        raise MemkitError(str(error)) from None


def name_of(device: MemoryDevice) -> str:
    """A memory device as prose names it."""
    kind = {"dimm": "DIMM", "nvdimm": "NVDIMM"}.get(device.kind, device.kind)
    return f"the {kind} {device.id}" if device.id else f"the {kind}"
