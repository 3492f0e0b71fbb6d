"""Bridges: the bus behind each, the windows in front of it, and expander host bridges (pxb).

Behind a bridge lie two containers of its own, memory and i/o.  Three aliases show parts of them on the
bus in front; until the firmware opens them they are empty.

Source: pci_bridge_initfn and pci_bridge_region_init in hw/pci/pci_bridge.c, pxb_dev_realize_common in
hw/pci-bridge/pci_expander_bridge.c, pcie_chassis_add_slot in hw/pci/pcie_port.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from memkit.boards import catalog
from memkit.boards.build import Build
from memkit.boards.device_refusals import refuse_device
from memkit.boards.pci import PciBus
from memkit.config import DeviceSpec
from memkit.memory.flatview import AddressSpace
from memkit.memory.region import MemoryRegion

__all__ = [
    "EXPANDERS", "add_bridge", "add_expander", "check_bridges", "is_bridge", "join_chassis", "warn_of_slot",
]

EXPANDERS = {"pxb": "pxb-bus", "pxb-pcie": "pxb-pcie-bus", "pxb-cxl": "pxb-cxl-bus"}
_WINDOWS = (("pci_bridge_pref_mem", False), ("pci_bridge_mem", False), ("pci_bridge_io", True))
_IO_SPACE = 4 << 30
# What has a bus behind it, but is no port that leads down.
_NOT_PORTS = frozenset((*EXPANDERS, "x3130-upstream", "cxl-upstream", "pcie-pci-bridge", "pci-bridge",
                        "i82801b11-bridge", "dec-21154-p2p"))


def is_bridge(qemu: str, driver: str) -> bool:
    """True for a PCI-to-PCI bridge or a port; expanders are host bridges."""
    return driver not in EXPANDERS and catalog.secondary_bus(qemu, driver) is not None


def check_bridges(build: Build, bus: PciBus, driver: str, spec: DeviceSpec | None) -> None:
    """Raise Refused if ``bus`` takes bridges only and ``driver`` is none."""
    if bus.bridges_only and not is_bridge(build.program, driver):
        raise refuse_device(
            spec, f"PCI: Only PCI/PCIe bridges can be plugged into {bus.bridges_only}",
            "The bus of an expander host bridge takes bridges and ports; a device goes behind one of them. "
            "Without bus= a device goes to the newest host bridge.",
            "add a pcie-root-port or pci-bridge on that bus, or say bus=pcie.0 (pci.0)",
            "do_pci_register_device, hw/pci/pci.c",
        )


def warn_of_slot(build: Build, spec: DeviceSpec, bus: PciBus, devfn: int, driver: str) -> None:
    """Warn of a slot that a PCI Express port does not have: it leads to one device (pci_qdev_realize)."""
    facts = catalog.device(build.program, driver)
    express = facts is not None and "pcie" in facts.interfaces and driver != "igb"
    if express and bus.above and bus.above[2] not in _NOT_PORTS:
        build.warnings.append(
            f"{spec.option.text}: warning: PCI: slot {devfn >> 3} is not valid for {driver}, parent device "
            "only allows plugging into slot 0."
        )


def join_chassis(build: Build, spec: DeviceSpec, driver: str, props: Mapping[str, Any]) -> None:
    """Take the port's place in its chassis; raises Refused if another port has it."""
    facts = catalog.device(build.program, driver)
    if facts is None or not {"chassis", "slot"} <= facts.properties.keys():
        return
    place = (props.get("chassis", 0), props.get("slot", 0))
    if place in build.chassis:
        raise refuse_device(
            spec, "Can't add chassis slot, error -16",
            f"Another port has chassis {place[0]}, slot {place[1]}.", "give each port its own chassis=",
            "pcie_chassis_add_slot, hw/pci/pcie_port.c",
        )
    build.chassis.add(place)


def add_bridge(
    build: Build, driver: str, id: str | None, bus: PciBus, devfn: int, props: Mapping[str, Any]
) -> PciBus:
    """The bus behind the bridge at ``devfn``, with its windows mapped on the bus in front."""
    secondary = catalog.secondary_bus(build.program, driver)
    assert secondary is not None
    memory = MemoryRegion("pci_bridge_pci", 1 << 64)
    io = MemoryRegion("pci_bridge_io", _IO_SPACE)
    for name, in_io in _WINDOWS:
        window = MemoryRegion.window(name, io if in_io else memory, 0, 0)
        front = bus.io if in_io else bus.memory
        if front is not None:
            front.add(window, 0, 1)
        elif in_io:
            build.ports.append(partial(MemoryRegion.add, region=window, addr=0, priority=1))
    kind = "CXL" if secondary.cxl else "PCIE" if secondary.express else "PCI"
    if build.qemu.bridge_spaces:
        build.address_spaces.append(AddressSpace("pci_bridge_pci_mem", memory))
        build.address_spaces.append(AddressSpace("pci_bridge_pci_io", io))
    behind = PciBus(
        id or build.automatic_bus_name(kind), kind, bus.root, f"{bus.chain}:{devfn >> 3:02x}.{devfn & 7:x}",
        memory, io, (bus, devfn, driver), no_slot_0=_standard_hotplug(build, driver, props),
    )
    build.buses.setdefault(behind.name, behind)
    return behind


def _standard_hotplug(build: Build, driver: str, props: Mapping[str, Any]) -> bool:
    """True where the bridge's own hotplug controller is in use: it has no slot 0."""
    if driver not in ("pci-bridge", "pcie-pci-bridge") or props.get("shpc") is False:
        return False
    if build.machine.family == "microvm":
        return True
    said = catalog.outcome(build.program, f"below {driver}", build.machine.type)
    board = build.machine.board
    if said is None and board is not None:
        # Not tried on every type; below a generic host (GPEX) nobody else takes events.
        return board.recorded_bus[0].startswith("gpex")
    return "standard hotplug controller" in (said or "")


def add_expander(build: Build, driver: str, spec: DeviceSpec, bus: PciBus, devfn: int,
                 props: Mapping[str, Any]) -> PciBus:
    """The root bus of an expander host bridge; devices without bus= go there from now on."""
    number = props.get("bus_nr", 0)
    kind = EXPANDERS[driver]
    name = "pxb-internal" if driver == "pxb" else spec.id or build.automatic_bus_name(kind)
    root = PciBus(
        name, kind, f"0000:{number:02x}", f"{bus.chain}:{devfn >> 3:02x}.{devfn & 7:x}",
        bus.memory, bus.io, (bus, devfn, driver), bridges_only=driver,
    )
    build.buses.setdefault(name, root)
    build.default_bus = root
    return root
