"""The address spaces of a machine: memory, I/O, what each CPU and each PCI device sees.

QEMU gives every CPU a view of memory, one more for system-management mode, and every PCI device its
own, empty until the guest makes the device a bus master.

Source: memory_map_init in softmmu/physmem.c, tcg_cpu_machine_done in target/i386/tcg/sysemu/tcg-cpu.c,
pci_init_bus_master in hw/pci/pci.c (QEMU 7.2).
"""

from __future__ import annotations

from functools import partial

from memkit.boards import cpus, ports
from memkit.boards.build import Build
from memkit.boards.iommu import Views
from memkit.boards.pci import PciBus
from memkit.boards.windows import LateAddressSpace, bus_master_space
from memkit.memory.flatview import AddressSpace
from memkit.memory.region import MemoryRegion

__all__ = ["add_address_spaces"]

FOUR_GIB = 1 << 32


def add_address_spaces(build: Build, card: str | None) -> None:
    """Add all address spaces of the machine, ``memory`` first; ``card`` is the default graphics card."""
    spaces = build.address_spaces
    # Devices may have added spaces of their own by now.
    spaces.insert(0, AddressSpace("memory", build.system))
    io = LateAddressSpace("I/O", lambda: _io(build, card))
    spaces.append(io)
    for cpu in (*range(build.machine.cpus), *build.more_cpus):
        spaces.append(AddressSpace(f"cpu-memory-{cpu}", build.system))
        spaces.append(LateAddressSpace(f"cpu-smm-{cpu}", lambda: _management_mode(build)))
    views = Views(build) if build.iommu else None
    for name, bus, devfn in build.pci_functions:
        target = partial(views.view, bus, devfn) if views else (lambda: build.system)
        spaces.append(bus_master_space(name, target))
        if name.startswith("lsi53c"):
            # Its scripts can use ports, too (lsi_scsi_realize, hw/scsi/lsi53c895a.c).
            spaces.append(LateAddressSpace("lsi-pci-io", partial(_ports_of, bus, io)))
        elif views and name == "AMDVI-PCI":
            # AMD's makes the view of the IOAPIC at once, the others when the machine is complete.
            spaces.append(views.spaces.pop(0))
    if views:
        spaces.extend(views.spaces)


def _ports_of(bus: PciBus, io: AddressSpace) -> MemoryRegion:
    return io.root if bus.io is None else bus.io


def _io(build: Build, card: str | None) -> MemoryRegion:
    machine = build.machine
    features = ports.features_of(build, card)
    if machine.ram_size < cpus.VAPIC_MIN_RAM:
        # The I/O window of the APIC needs room for its ROM (apic_common_realize, hw/intc/apic_common.c).
        features -= {"apic"}
    root = ports.io_space(machine.qemu.version, machine.family, machine.version, features)
    for add in build.ports:
        add(root)
    return root


def _management_mode(build: Build) -> MemoryRegion:
    inside = MemoryRegion("memory", 1 << 64)
    if build.smram is not None:
        inside.add(MemoryRegion.window("smram", build.smram, 0, FOUR_GIB), 0, 1)
    inside.add(MemoryRegion.window("memory", build.system, 0, 1 << 64), 0)
    return inside
