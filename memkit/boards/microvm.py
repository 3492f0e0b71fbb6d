"""The microvm board: RAM, a BIOS in RAM, virtio-mmio transports, and little else.

Source: hw/i386/microvm.c and include/hw/i386/microvm.h (QEMU 7.2).
"""

from __future__ import annotations

from memkit.boards import cpus
from memkit.boards.build import Build
from memkit.boards.firmware import add_bios, firmware_size
from memkit.boards.gpex import add_gpex
from memkit.boards.ports import features_of, memory_windows
from memkit.memory.region import MemoryRegion

__all__ = ["build_memory"]

THREE_GIB = 0xC000_0000
PCIE_MMIO, PCIE_MMIO_SIZE = 0xC000_0000, 0x2000_0000
PCIE_ECAM, PCIE_ECAM_SIZE = 0xE000_0000, 0x1000_0000
MINIMUM_FOR_MMIO64 = 0x100_0000


def build_memory(build: Build, ram: MemoryRegion) -> None:
    """Put RAM, the fixed windows and the BIOS into ``system``; raises Refused for a bad BIOS."""
    machine, system = build.machine, build.system
    below = min(machine.ram_size, THREE_GIB)
    system.add(MemoryRegion.window("ram-below-4g", ram, 0, below), 0)
    if machine.ram_size > below:
        above = machine.ram_size - below
        system.add(MemoryRegion.window("ram-above-4g", ram, below, above), 1 << 32)
    _add_windows(build)
    _add_pcie(build)
    default = "bios-microvm.bin" if machine.flag("acpi", True) else "qboot.rom"
    add_bios(build, system, firmware_size(build, default), writable=True)


def _add_windows(build: Build) -> None:
    """Map the board's devices: virtio-mmio transports, IOAPICs, ACPI events, USB."""
    machine = build.machine
    made: dict[str, MemoryRegion] = {"system": build.system}
    for window in memory_windows(build.qemu.version, "microvm", machine.version, features_of(build)):
        region = MemoryRegion(window.name, window.size, window.kind)
        made[window.container].add(region, window.addr, window.priority)
        made.setdefault(window.name, region)


def _add_pcie(build: Build) -> None:
    """The PCIe host of ``-machine microvm,pcie=on``; by default there is none.

    Its windows are shown at fixed places, but for the last: the topmost quarter of the CPU's addresses.
    """
    machine, system = build.machine, build.system
    if not (machine.flag("pcie", False) and machine.flag("acpi", True)):
        return
    window, configuration, _ = add_gpex(build)
    system.add(MemoryRegion.window("pcie-ecam", configuration, 0, PCIE_ECAM_SIZE), PCIE_ECAM)
    system.add(MemoryRegion.window("pcie-mmio32", window, PCIE_MMIO, PCIE_MMIO_SIZE), PCIE_MMIO)
    top = 1 << cpus.model(build).phys_bits
    if top > MINIMUM_FOR_MMIO64:
        system.add(MemoryRegion.window("pcie-mmio64", window, top - top // 4, top // 4), top - top // 4)
