"""PCI host bridges of pseries: where their windows lie, and what their devices see by DMA.

A bridge has a window for ports, one of 2 GiB for 32-bit memory, and one of 1 TiB for 64-bit memory, all far
above RAM.  Up to 31 bridges fit; the board makes number 0, ``-device spapr-pci-host-bridge`` makes more.
Devices do not see RAM by DMA, but translation windows: an IOMMU is part of the architecture.

Source: spapr_phb_placement and phb_placement_2_7 in hw/ppc/spapr.c, spapr_phb_realize in
hw/ppc/spapr_pci.c, spapr_tce_table_realize in hw/ppc/spapr_iommu.c (QEMU 5.2 to 11.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from memkit.boards.bridges import is_bridge
from memkit.boards.build import Build
from memkit.boards.device_refusals import refuse_device
from memkit.boards.pci import PciBus
from memkit.boards.windows import WHOLE, LateAddressSpace, bus_master_space
from memkit.config import DeviceSpec
from memkit.config.numbers import c_integer
from memkit.memory.flatview import AddressSpace
from memkit.memory.region import MemoryRegion
from memkit.versions import holds

__all__ = [
    "HOST_BRIDGE", "add_device_views", "add_host_bridge", "check_function", "dma_view", "plug_host_bridge",
]

HOST_BRIDGE = "spapr-pci-host-bridge"
TIB = 1 << 40
UNIT_ID = 0x800_0000_2000_0000
BASE = 32 * TIB
PORTS_SIZE = 0x10000
# Where the 32-bit window begins on the bus, and how large it is.
BUS_OFFSET, MEM32_SIZE, MEM64_SIZE = 0x8000_0000, 0x8000_0000, TIB
LAST_INDEX = 30
# Types up to pseries-2.7 stack the bridges 64 GiB apart, from the first whole TiB above all memory on.
OLD_LAST_INDEX, OLD_SPACING, OLD_PORTS, OLD_MEM = 255, 64 << 30, 0x8000_0000, 0xA000_0000
OLD_WINDOW, OLDEST_WINDOW = 0xF_8000_0000, 0x2000_0000
DMA_WINDOW, MSI_WINDOW, MSI_SIZE = 1 << 30, 0x400_0000_0000, 0x1000
_NOT_GIVEN = 0xFFFF_FFFF


def add_host_bridge(build: Build, index: int, props: Mapping[str, Any], id: str | None = None) -> PciBus:
    """The bus of bridge ``index``, with its windows now in ``build.system``; ``props`` are its properties."""
    name, system = f"pci@{UNIT_ID + index:x}", build.system
    ports_at, mem32_at, mem32, mem64_at, mem64, offset = _placement(build, index, props)
    memory = MemoryRegion(f"{name}.mmio", WHOLE)
    ports = MemoryRegion(f"{name}.io", PORTS_SIZE)
    system.add(MemoryRegion.window(f"{name}.mmio32-alias", memory, BUS_OFFSET, mem32), mem32_at)
    if mem64:
        system.add(MemoryRegion.window(f"{name}.mmio64-alias", memory, offset, mem64), mem64_at)
    system.add(MemoryRegion.window(f"{name}.io-alias", ports, 0, PORTS_SIZE), ports_at)
    bus = PciBus(f"{id}.0" if id else build.automatic_bus_name("PCI"), "PCI", name, memory=memory, io=ports)
    build.buses[bus.name] = bus
    build.address_spaces.append(LateAddressSpace(name, partial(dma_view, name, 0x8000_0000 | index << 8)))
    return bus


def _placement(build: Build, index: int, props: Mapping[str, Any]) -> tuple[int, int, int, int, int, int]:
    """Gpa of the ports; gpa and size of the 32-bit window; gpa, size and bus address of the 64-bit window."""
    version = build.machine.version
    if version > (2, 7):
        mem32 = props.get("mem_win_size", MEM32_SIZE)
        mem64 = props.get("mem64_win_size", MEM64_SIZE)
        at = BASE + (index + 1) * TIB
        return BASE + index * PORTS_SIZE, BASE + (index + 1) * MEM32_SIZE, mem32, at, mem64, at
    top = build.machine.ram_size
    if build.device_memory is not None:
        top = build.device_memory_base + build.device_memory.size
    start = -(-top // TIB) * TIB + index * OLD_SPACING
    window = props.get("mem_win_size", OLD_WINDOW if version > (2, 2) else OLDEST_WINDOW)
    # What is beyond 2 GiB of a large window serves 64-bit memory.
    low, high = min(window, MEM32_SIZE), max(window - MEM32_SIZE, 0)
    return start + OLD_PORTS, start + OLD_MEM, low, start + OLD_MEM + low, high, BUS_OFFSET + low


def plug_host_bridge(build: Build, spec: DeviceSpec, props: Mapping[str, Any]) -> None:
    """Add the bridge of ``-device spapr-pci-host-bridge``; raises Refused."""
    index = props.get("index", _NOT_GIVEN)
    taken = [int(bus.root[len("pci@"):], 16) - UNIT_ID for bus in build.buses.values() if bus.above is None]
    last = LAST_INDEX if build.machine.version > (2, 7) else OLD_LAST_INDEX
    message = ""
    if index == _NOT_GIVEN:
        message = '"index" for PAPR PHB is mandatory'
    elif index in taken and holds(build.qemu.version, "6.0") and build.machine.version > (3, 1):
        message = f"PHB {index} already attached"
    elif index > last:
        message = f'"index" for PAPR PHB is too large (max {last})'
    elif props.get("mem64_win_size", MEM64_SIZE) and props.get("mem_win_size", 0) > MEM32_SIZE:
        message = f"32-bit memory window of size 0x{props['mem_win_size']:x} (max 2 GiB)"
    elif index in taken:
        message = "PCI host bridges must have unique indexes\nThe following indexes are already in use: " + (
            " ".join(map(str, reversed(taken))) + "\nTry another value for the index property"
        )
    elif props.get("numa_node", _NOT_GIVEN) not in (_NOT_GIVEN, *range(build.numa_count)):
        message = "Invalid NUMA node ID for PCI host bridge"
    if message:
        raise refuse_device(
            spec, message, "Each host bridge has a number, which says where its windows lie.",
            f"use index=1, or another free number up to {last}", "spapr_phb_pre_plug, hw/ppc/spapr.c",
        )
    # Devices without bus= go to the newest bridge.
    build.default_bus = add_host_bridge(build, index, props, spec.id)


def check_function(build: Build, spec: DeviceSpec, driver: str, bus: PciBus, devfn: int | None) -> None:
    """Raise Refused for a function that is taken, and for a bridge without a number of its own.

    Each function has a connector, by which the guest gives it back (spapr_pci_pre_plug).
    """
    if is_bridge(build.program, driver):
        number = c_integer(str(spec.props.get("chassis_nr", "0")))
        message = ""
        if not number and (driver != "pci-bridge" or holds(build.qemu.version, "6.0")):
            message = 'PCI Bridge lacks a "chassis_nr" property\nTry -device pci-bridge instead.'
        elif (number, 0) in build.chassis:
            message = f"Bridge chassis {number} already in use"
        if message:
            raise refuse_device(
                spec, message, "The guest tells bridges by their numbers.",
                "use pci-bridge with a chassis_nr= of its own", "hw/ppc/spapr_pci.c",
            )
        build.chassis.add((number, 0))
    taken = bus.taken.get(devfn) if devfn is not None else None
    if devfn is not None and taken is not None and holds(build.qemu.version, "6.0"):
        first = bus.taken.get(devfn & ~7, taken)
        raise refuse_device(
            spec, f"PCI: slot {devfn >> 3} already occupied by {first.driver}",
            "Another device has this function.", "leave out addr=, or use another slot",
            "spapr_pci_pre_plug, hw/ppc/spapr_pci.c",
        )


def dma_view(name: str, number: int) -> MemoryRegion:
    """What devices behind bridge ``name`` see: a translation window of 1 GiB, and a page for interrupts.

    ``number`` is the logical bus number of the window.

    >>> root = dma_view("pci@800000020000000", 0x80000000)
    >>> sorted(region.name for region in root.subregions)
    ['msi', 'tce-root-80000000', 'tce-root-80000001']
    """
    root = MemoryRegion(f"{name}.iommu-root", WHOLE)
    root.add(MemoryRegion("msi", MSI_SIZE, "i/o"), MSI_WINDOW)
    first = root.add(MemoryRegion(f"tce-root-{number:x}", WHOLE), 0)
    first.add(MemoryRegion(f"tce-iommu-{number:x}", DMA_WINDOW, "i/o"), 0)
    # The guest can ask for a second window, which is empty until then.
    root.add(MemoryRegion(f"tce-root-{number + 1:x}", WHOLE), 0)
    return root


def add_device_views(build: Build) -> None:
    """Add what each PCI device sees by DMA: that of its host bridge."""
    views = {space.name: space for space in build.address_spaces}
    for name, bus, _devfn in build.pci_functions:
        root = bus
        while root.above is not None:
            root = root.above[0]
        build.address_spaces.append(bus_master_space(name, partial(_root, views[root.root])))


def _root(space: AddressSpace) -> MemoryRegion:
    return space.root
