"""The generic PCI Express host (GPEX): its root bus, and the regions that a board shows windows of.

A board maps aliases of them where its memory map says: part of the PCI memory at the same addresses, as
much of the configuration space (ECAM) as it has buses, and the ports.

Source: gpex_host_realize in hw/pci-host/gpex.c, pcie_host_mmcfg_init in hw/pci/pcie_host.c (QEMU 7.2); before
6.1 nothing answered where no device is.
"""

from __future__ import annotations

from typing import NamedTuple

from memkit.boards.build import Build
from memkit.boards.pci import PciBus
from memkit.memory.region import MemoryRegion

__all__ = ["Gpex", "add_gpex"]


class Gpex(NamedTuple):
    """What a board maps: PCI memory (2^64 bytes), the configuration space and the ports (64 KiB)."""

    memory: MemoryRegion
    configuration: MemoryRegion
    ports: MemoryRegion


def add_gpex(build: Build) -> Gpex:
    """The regions of the host; its bus ``pcie.0`` becomes the default bus of ``build``.

    >>> from memkit import Host
    >>> from memkit.boards.machine import select_machine
    >>> from memkit.config import parse
    >>> config = parse("-M microvm")
    >>> add_gpex(Build(config, Host(), select_machine(config))).memory.name
    'gpex_mmio_window'
    """
    memory = window = MemoryRegion("gpex_mmio", 1 << 64)
    ports = ports_window = MemoryRegion("gpex_ioport", 0x10000)
    # Older machine types have allow-unmapped-accesses=off (hw_compat_6_0, hw/core/machine.c).
    if build.qemu.gpex_window and build.machine.version >= (6, 1):
        window = MemoryRegion("gpex_mmio_window", 1 << 64, "i/o")
        window.add(memory, 0)
        ports_window = MemoryRegion("gpex_ioport_window", 0x10000, "i/o")
        ports_window.add(ports, 0)
    configuration = MemoryRegion("pcie-mmcfg-mmio", build.qemu.pcie_configuration_size, "i/o")
    bus = PciBus("pcie.0", "PCIE", memory=memory, io=ports)
    bus.claim("gpex-root", 0, multifunction=False)
    build.buses[bus.name] = build.default_bus = bus
    build.pci_functions.append(("gpex-root", bus, 0))
    return Gpex(window, configuration, ports_window)
