"""The microvm board: RAM, a BIOS in RAM, virtio-mmio transports, and little else.

Source: hw/i386/microvm.c and include/hw/i386/microvm.h (QEMU 7.2).
"""

from __future__ import annotations

from memkit.boards import cpus
from memkit.boards.build import Build
from memkit.boards.firmware import add_bios, firmware_size
from memkit.boards.pci import PciBus
from memkit.memory.region import MemoryRegion

__all__ = ["build_memory", "root_bus"]

THREE_GIB = 0xC000_0000
VIRTIO_MMIO, TRANSPORT_SIZE = 0xFEB0_0000, 512


def build_memory(build: Build, ram: MemoryRegion) -> None:
    """Put RAM, the fixed windows and the BIOS into ``system``; raises Refused for a bad BIOS."""
    machine, system = build.machine, build.system
    below = min(machine.ram_size, THREE_GIB)
    system.add(MemoryRegion.window("ram-below-4g", ram, 0, below), 0)
    if machine.ram_size > below:
        above = machine.ram_size - below
        system.add(MemoryRegion.window("ram-above-4g", ram, below, above), 1 << 32)
    acpi = machine.flag("acpi", True)
    second_ioapic = acpi and machine.flag("ioapic2", True)
    if cpus.model(build).apic:
        system.add(MemoryRegion("apic-msi", 0x10_0000, "i/o"), 0xFEE0_0000, 4096)
    system.add(MemoryRegion("ioapic", 0x1000, "i/o"), 0xFEC0_0000)
    if second_ioapic:
        system.add(MemoryRegion("ioapic", 0x1000, "i/o"), 0xFEC1_0000)
    for number in range(24 if second_ioapic else 8):
        system.add(
            MemoryRegion("virtio-mmio", TRANSPORT_SIZE, "i/o"), VIRTIO_MMIO + number * TRANSPORT_SIZE
        )
    if acpi:
        system.add(MemoryRegion("acpi-ged", 4, "i/o"), 0xFEA0_0000)
        system.add(MemoryRegion("acpi-ged-regs", 3, "i/o"), 0xFEA0_0200)
    default = "bios-microvm.bin" if acpi else "qboot.rom"
    add_bios(build, system, firmware_size(build, default), writable=True)


def root_bus(build: Build) -> PciBus | None:
    """The PCIe bus of ``-machine microvm,pcie=on``, or None: by default there is none."""
    if not (build.machine.flag("pcie", False) and build.machine.flag("acpi", True)):
        return None
    bus = PciBus("pcie.0", express=True)
    bus.claim("gpex-root", 0)
    return bus
