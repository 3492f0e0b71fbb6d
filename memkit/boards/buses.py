"""Buses that are not PCI: which exist, and whether a device finds one.

A device without ``bus=`` takes the first bus of its type; with it, the bus of that name.  USB, SCSI and
other controllers bring buses along; the names were recorded with each controller.

Source: qdev_device_add_from_qdict and qbus_find in softmmu/qdev-monitor.c, qbus_init_internal in
hw/core/bus.c (QEMU 7.2).
"""

from __future__ import annotations

from functools import lru_cache

from memkit.boards import catalog
from memkit.boards.bridges import EXPANDERS
from memkit.boards.build import Build
from memkit.boards.device_refusals import refuse_device, refuse_wrong_bus
from memkit.boards.iommu import IOMMUS
from memkit.boards.refusals import refuse
from memkit.config import DeviceSpec

__all__ = ["add_board_buses", "add_buses", "find_bus"]

# (name, type, buses of that type that have an automatic number): what ``info qtree`` shows of each board.
_BOARDS = {
    "pc": (("isa.0", "ISA"), ("ide.0", "IDE"), ("ide.1", "IDE"), ("i2c", "i2c-bus"),
           ("floppy-bus.0", "floppy-bus")),
    "q35": (("isa.0", "ISA"), *((f"ide.{n}", "IDE") for n in range(6)), ("i2c", "i2c-bus")),
    "isapc": (("isa.0", "ISA"), ("ide.0", "IDE"), ("ide.1", "IDE"), ("floppy-bus.0", "floppy-bus")),
    "microvm": (("isa.0", "ISA"), *((f"virtio-mmio-bus.{n}", "virtio-mmio-bus") for n in range(24))),
}
# A virtio-mmio transport takes a virtio device; that of a PCI device has one already.
_TAKES = {"virtio-bus": ("virtio-mmio-bus",), "sd-bus": ("sd-bus", "sdhci-bus")}
_PCI_KINDS = frozenset(("PCI", "PCIE", "CXL", *EXPANDERS.values()))
_NOT_DYNAMIC = "Parameter 'driver' expects a dynamic sysbus device type for the machine"
# Always there, or no bus at all.
_EVERYWHERE = frozenset(("", "System"))


def add_board_buses(build: Build) -> None:
    """The buses that the board itself has."""
    machine = build.machine
    build.other_buses["main-system-bus"] = "System"
    for name, kind in machine.board.buses if machine.board else _BOARDS[machine.family]:
        build.other_buses[name] = kind
        build.bus_numbers[kind] += 1
    if machine.flag("usb", False) and machine.family != "isapc" and machine.board is None:
        build.other_buses[build.automatic_bus_name("usb-bus")] = "usb-bus"
    if machine.family == "pc":
        build.bus_numbers["PCI"] += 1


def add_buses(build: Build, seen: catalog.Observation, id: str | None) -> None:
    """The buses that a device brings; those of PCI bridges are made elsewhere."""
    for name, kind in seen.buses_with_id if id else seen.buses:
        if kind in _PCI_KINDS:
            continue
        base, dot, number = name.rpartition(".")
        if id and kind == "nvme-bus":
            name = id
        elif id and name.startswith("ID"):
            name = id + name[2:]
        elif dot and number.isdigit():
            count = build.bus_numbers[kind]
            build.bus_numbers[kind] += 1
            name = f"{base}.{count}"
        build.other_buses.setdefault(name, kind)


def find_bus(build: Build, spec: DeviceSpec, facts: catalog.DeviceFacts) -> None:
    """Raise Refused if a device that is not for PCI finds no bus."""
    machine = build.machine
    if not _takes(build.program, facts.name, facts.bus, machine.seen_as, machine.type):
        if build.machine.family == "isapc" and not build.qemu.sysbus_checked_early:
            raise _found_too_late(spec, facts.name)
        raise refuse_device(
            spec, _NOT_DYNAMIC, "This machine type takes no system device of that kind.", "use q35",
            "qdev_get_device_class, softmmu/qdev-monitor.c",
        )
    if machine.board is not None and not machine.board.takes_system:
        _check_system(build, spec, facts)
    kinds = _TAKES.get(facts.bus, (facts.bus,))
    name = spec.props.get("bus")
    if name is not None:
        bus = build.buses.get(str(name))
        kind = bus.kind if bus else build.other_buses.get(str(name))
        if kind is None:
            raise refuse("bus-missing", spec.option, located=True, bus=name)
        if kind not in kinds:
            raise refuse_wrong_bus(spec, facts.name, kind)
        return
    if facts.bus in _EVERYWHERE:
        return
    if not any(kind in kinds for kind in build.other_buses.values()):
        raise refuse("no-bus", spec.option, located=True, bus_type=facts.bus, driver=facts.name)


@lru_cache(maxsize=1024)
def _takes(qemu: str, driver: str, bus: str, family: str, machine_type: str) -> bool:
    """True unless the device goes to a system bus, where ``-device`` adds none to this machine."""
    seen = catalog.observed(qemu, driver, family)
    if seen is not None and _NOT_DYNAMIC in seen.refusal:
        return False
    return bus != "System" or machine_type not in ("none", "isapc")


def _check_system(build: Build, spec: DeviceSpec, facts: catalog.DeviceFacts) -> None:
    """Raise Refused for a system device, or one that needs fw_cfg, on a board that has neither."""
    early = build.qemu.sysbus_checked_early
    if facts.name == "vmcoreinfo" or (facts.name == "ramfb" and not early):
        message, where = f"{facts.name} device requires fw_cfg with DMA", "hw/misc/vmcoreinfo.c"
    elif facts.bus == "System" and early:
        message, where = _NOT_DYNAMIC, "qdev_get_device_class, softmmu/qdev-monitor.c"
    elif facts.bus == "System":
        raise refuse_device(
            None, f"Option '-device {facts.name}' cannot be handled by this machine",
            "The board takes no system device.", "use virt", "validate_sysbus_device, hw/core/machine.c",
        )
    else:
        return
    raise refuse_device(spec, message, "The board takes no device of that kind.", "use virt", where)


def _found_too_late(spec: DeviceSpec, driver: str) -> Exception:
    """What releases before 6.2 say on isapc, where they make such a device first."""
    why, hint = "isapc takes no system device.", "use q35"
    if driver in IOMMUS:
        return refuse_device(spec, "Machine-type 'isapc' not supported by IOMMU", why, hint,
                             "x86_iommu_realize, hw/i386/x86-iommu.c")
    return refuse_device(None, f"Option '-device {driver}' cannot be handled by this machine", why, hint,
                         "validate_sysbus_device, hw/core/machine.c")
