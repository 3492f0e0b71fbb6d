"""The memory map of Arm's ``virt``: RAM from 1 GiB up, device memory behind it, then what floats above.

Below 1 GiB everything has a fixed place.  Behind RAM and device memory, but never below 256 GiB, follow the
*high* regions, each aligned to its size: more GIC redistributors, the configuration space of 256 PCI buses,
and the 64-bit window of PCI.  What does not fit into the address bits of the CPU is left out.

Source: virt_set_memmap in hw/arm/virt.c (QEMU 5.2, 7.2), virt_set_high_memmap (since 8.0).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memkit.boards.arm_cpus import ArmCpu
from memkit.boards.board import GIB, MIB, refuse_here
from memkit.boards.build import Build
from memkit.boards.cxl import window_sizes
from memkit.versions import holds

if TYPE_CHECKING:
    from memkit.errors import Refused

__all__ = ["RAM_BASE", "MemoryMap", "lay_out", "redistributors"]

RAM_BASE = GIB
# RAM of machine types before 4.0 ended here; the high regions never begin below.
LEGACY_END = 256 * GIB
MAX_SLOTS = 256
# What one CPU's redistributor takes in a GICv3, and in a GICv4.
REDISTRIBUTOR = {3: 0x20000, 4: 0x40000}
LOW_REDISTRIBUTORS, HIGH_REDISTRIBUTORS = 0xF6_0000, 64 * MIB
ECAM, HIGH_MMIO = 256 * MIB, 512 * GIB
CXL_HOST, CXL_ALIGN = 16 * 64 * 1024, 256 * MIB


@dataclass
class MemoryMap:
    """Places in guest-physical bytes: device memory (no size: none) and the high regions that there are.

    ``high`` maps redistributors, cxl (registers), ecam and mmio to (address, size), ``cxl_windows`` are those
    for memory; ``highest`` is the last address in use.
    """

    device_base: int
    device_size: int
    high: dict[str, tuple[int, int]] = field(default_factory=dict)
    cxl_windows: list[tuple[int, int]] = field(default_factory=list)
    highest: int = 0


def lay_out(build: Build, cpu: ArmCpu) -> MemoryMap:
    """The map for ``-m`` and a CPU model; raises Refused for what its addresses cannot hold."""
    machine, version = build.machine, build.qemu.version
    if machine.slots > MAX_SLOTS:
        raise _too_much(build, f"unsupported number of memory slots: {machine.slots}",
                        "ACPI describes at most 256 slots for memory.", "use slots=256 or less")
    base = _up(RAM_BASE + machine.ram_size, GIB)
    # Room to align every slot to a huge page of 1 GiB.
    size = machine.maxram_size - machine.ram_size + machine.slots * GIB
    top = (base + _up(size, GIB)) % (1 << 64)
    # Without high memory, the CPU is treated as if it had 32 address bits.
    bits = cpu.bits if machine.flag("highmem", True) else 32
    if holds(version, "7.0") and top > 1 << bits:
        raise _too_much(
            build, f"Addressing limited to {bits} bits, but memory exceeds it by {top - (1 << bits)} bytes",
            "RAM begins at 1 GiB, and RAM with device memory must end where the CPU's addresses do. "
            f"{cpu.name} has {bits} bits here.",
            "use less memory, or a CPU with more address bits: -cpu max",
        )
    if top < base:
        raise _too_much(build, "maxmem/slots too huge", "Device memory would end behind 2^64.",
                        "lower maxmem= or slots=")
    found = MemoryMap(base, size, highest=top - 1)
    _add_high(build, found, max(top, LEGACY_END), bits)
    if machine.flag("cxl", False):
        _add_cxl_windows(found, window_sizes(build), bits)
    return found


def _add_cxl_windows(found: MemoryMap, sizes: list[int], bits: int) -> None:
    """Place the fixed memory windows behind all else; one that does not fit stays at 0.

    Source: cxl_fmws_set_memmap in hw/cxl/cxl-host.c (QEMU 11.1).
    """
    base = _up(found.highest + 1, CXL_ALIGN)
    for size in sizes:
        fits = base + size <= 1 << bits
        found.cxl_windows.append((base if fits else 0, size))
        base += size if fits else 0
    found.highest = base - 1


def _add_high(build: Build, found: MemoryMap, base: int, bits: int) -> None:
    """Place the high regions from ``base`` on."""
    limited = holds(build.qemu.version, "7.0")
    for name, size, enabled in _high_regions(build):
        at = _up(base, size)
        fits = not limited or at + size <= 1 << bits
        enabled &= fits
        if enabled or name == "cxl":
            # The registers of CXL host bridges have a container even without CXL.
            found.high[name] = (at, size)
        if not enabled and _compact(build):
            # Nothing is kept free for what is not there.
            continue
        base = at + size
        if fits:
            found.highest = base - 1


def _high_regions(build: Build) -> Iterator[tuple[str, int, bool]]:
    """Name, size and whether it is wanted, of each high region in its order."""
    machine, version = build.machine, build.qemu.version
    yield "redistributors", HIGH_REDISTRIBUTORS, machine.flag("highmem-redists", True)
    if holds(version, "10.1"):
        yield "cxl", CXL_HOST, machine.flag("cxl", False)
    # Until 7.0 places did not depend on highmem=.
    usual = holds(version, "7.0") or machine.flag("highmem", True)
    # Before 3.0, configuration space was below RAM.
    yield "ecam", ECAM, machine.flag("highmem-ecam", usual and machine.version >= (3, 0))
    window = int(machine.words.get("highmem-mmio-size", HIGH_MMIO))
    yield "mmio", window, machine.flag("highmem-mmio", usual)


def _compact(build: Build) -> bool:
    usual = build.machine.version >= (7, 2)
    return holds(build.qemu.version, "8.0") and build.machine.flag("compact-highmem", usual)


def redistributors(version: int, high: bool) -> tuple[int, int]:
    """How many CPUs the redistributors of a GIC ``version`` (3 or 4) are for, low and ``high`` ones.

    >>> redistributors(3, True)
    (123, 512)
    """
    each = REDISTRIBUTOR[version]
    return LOW_REDISTRIBUTORS // each, HIGH_REDISTRIBUTORS // each if high else 0


def _up(value: int, align: int) -> int:
    return -(-value // align) * align


def _too_much(build: Build, message: str, why: str, hint: str) -> Refused:
    return refuse_here(message, why, hint, "virt_set_memmap, hw/arm/virt.c, QEMU 7.2",
                       build.config.last("m"))
