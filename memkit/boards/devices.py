"""``-device`` and the devices that a machine has by default, in QEMU's order.

A device may take a PCI slot, bring RAMBlocks of its own, map legacy windows, or show a backend's
memory to the guest.  Devices that do none of this are accepted if they find a bus.

Source: qemu_create_cli_devices and default_list in softmmu/vl.c, qdev_device_add_from_qdict in
softmmu/qdev-monitor.c (QEMU 7.2).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from memkit.boards import catalog
from memkit.boards.backed_devices import BackedDevices
from memkit.boards.bridges import (
    EXPANDERS,
    add_bridge,
    add_expander,
    check_bridges,
    is_bridge,
    join_chassis,
    warn_of_slot,
)
from memkit.boards.build import Build
from memkit.boards.buses import add_buses, find_bus
from memkit.boards.device_checks import DeviceChecks
from memkit.boards.device_memory import add_device_memory, add_option_rom, seen_on
from memkit.boards.device_refusals import refuse_device, refuse_wrong_bus
from memkit.boards.device_spaces import add_device_spaces
from memkit.boards.global_properties import read_globals
from memkit.boards.iommu import IOMMUS, add_iommu
from memkit.boards.memory_devices import Dimms, plug_dimm
from memkit.boards.more_cpus import is_cpu, plug_cpu
from memkit.boards.pci import PciBus, parse_devfn
from memkit.boards.ports import parallel_ports, port_shift, serial_ports
from memkit.boards.properties import read_properties
from memkit.boards.refusals import refuse
from memkit.boards.windows import add_windows, windows
from memkit.config import DeviceSpec
from memkit.memory.device import Frontend
from memkit.memory.region import MemoryRegion

__all__ = ["DeviceBuilder"]

# Devices that show a backend, by what their names start with.
_BACKED = ("virtio-mem", "virtio-pmem", "ivshmem-plain", "acpi-erst", "nvme", "cxl-type3")


class DeviceBuilder:
    """Plugs devices into one machine, one after the other."""

    def __init__(self, build: Build, pci: MemoryRegion | None, nodes: int) -> None:
        self.build = build
        self.qemu = build.program
        self.pci = pci
        self.nodes = nodes
        self.dimms = Dimms(build)
        self.backed = BackedDevices(build, self.dimms, nodes)
        self.checks = DeviceChecks(build, nodes)
        self._numbers: dict[str, int] = defaultdict(int)
        board = build.machine.board
        # What the containers of the bus were called where the devices were recorded.
        self.bus_memory, self.bus_io = board.recorded_bus if board else ("pci", "io")

    def add_default(
        self, driver: str, label: str, option_index: int | None,
        props: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """Plug a device of the board (graphics card, NIC); without addr= into the first free slot."""
        bus = self.build.default_bus
        facts = catalog.device(self.qemu, driver)
        assert facts is not None
        if facts.bus == "PCI":
            assert bus is not None
            self._pci(driver, None, bus, props, option_index, label)
        else:
            props = {**read_globals(self.build, facts, None), **props}
            self._memory(driver, None, props, "", None, option_index, label)

    def plug(self, spec: DeviceSpec) -> None:
        """Plug one ``-device``; raises Refused."""
        build = self.build
        facts = catalog.device(self.qemu, spec.driver)
        if facts is None:
            raise self._unknown(spec)
        driver = facts.name
        bus = self._bus(spec, facts)
        props = read_properties(spec, facts, build)
        if spec.id is not None:
            if spec.id in build.device_ids:
                raise refuse("device-id", spec.option, located=True, id=spec.id)
            build.device_ids.add(spec.id)
        if driver in ("pc-dimm", "nvdimm", "spapr-nvdimm"):
            plug_dimm(self.dimms, spec, self.backed.memdev(spec, props), props, self.nodes)
            return
        board = build.machine.board
        if board is not None and board.plug_own(build, spec, driver, props):
            return
        if is_cpu(driver):
            plug_cpu(build, spec, driver, props)
            return
        index = build.option_index(spec.option)
        if bus is not None:
            self._pci(driver, spec, bus, props, index, spec.id or driver)
        else:
            self._other(driver, spec, props, index)
        if driver in IOMMUS:
            add_iommu(build, driver, spec)

    def _unknown(self, spec: DeviceSpec) -> Exception:
        if not spec.driver:
            return refuse("device-driver", spec.option, located=True)
        said = catalog.unpluggable(self.qemu, spec.driver)
        if said:
            return refuse_device(
                spec, said.partition(": ")[2], "This device is part of a board, or of another device.",
                "choose a machine type that has it", "qdev_get_device_class, softmmu/qdev-monitor.c",
            )
        return refuse("device-unknown", spec.option, located=True, driver=spec.driver,
                      near=catalog.near(spec.driver, catalog.device_names(self.qemu)))

    def _bus(self, spec: DeviceSpec, facts: catalog.DeviceFacts) -> PciBus | None:
        """The PCI bus of the device, None for a device that is not for PCI; raises Refused."""
        build = self.build
        if facts.bus != "PCI":
            find_bus(build, spec, facts)
            return None
        name = spec.props.get("bus")
        if name is not None:
            bus = build.buses.get(str(name))
            if bus is None:
                kind = build.other_buses.get(str(name))
                if kind is not None:
                    raise refuse_wrong_bus(spec, facts.name, kind)
                raise refuse("bus-missing", spec.option, located=True, bus=name)
            return bus
        if build.default_bus is None:
            raise refuse("no-bus", spec.option, located=True, bus_type="PCI", driver=facts.name)
        return build.default_bus

    def _pci(
        self, driver: str, spec: DeviceSpec | None, bus: PciBus, props: Mapping[str, Any],
        option_index: int | None, label: str,
    ) -> None:
        build = self.build
        facts = catalog.device(self.qemu, driver)
        if spec is None and facts is not None:
            props = {**read_globals(build, facts, None), **props}
        kind = next((k for k in _BACKED if driver.startswith(k)), "")
        addr = self.backed.before_slot(kind, spec, props) if kind and spec is not None else 0
        check_bridges(build, bus, driver, spec)
        given = spec.props.get("addr") if spec else props.get("addr")
        devfn = self._devfn(driver, given, spec, bus)
        if build.machine.board is not None and spec is not None:
            build.machine.board.check_function(build, spec, driver, bus, devfn)
        devfn = bus.plug(driver, devfn, spec, bool(props.get("multifunction")))
        # Most devices that show a backend have finer checks of their own.
        if spec is not None and kind in ("", "nvme"):
            self.checks.recorded(spec, driver, bus, props)
            self.checks.values(spec, driver, bus, props)
        if devfn >> 3 and spec is not None and build.qemu.port_slot_warned:
            warn_of_slot(build, spec, bus, devfn, driver)
        path = bus.path(devfn)
        build.pci_functions.append((catalog.address_space_name(driver), bus, devfn))
        add_device_spaces(build, driver, props)
        if kind and spec is not None:
            self.backed.realize(kind, spec, props, path, addr)
        self._memory(driver, spec, props, path, bus, option_index, label)
        if driver in EXPANDERS and spec is not None:
            root = add_expander(build, driver, spec, bus, devfn, props)
            if driver == "pxb":
                slot = root.plug("pci-bridge", None)
                build.pci_functions.append(("pci-bridge", root, slot))
                add_bridge(build, "pci-bridge", spec.id, root, slot, {"shpc": False})
        elif is_bridge(self.qemu, driver) and spec is not None:
            join_chassis(build, spec, driver, props)
            add_bridge(build, driver, spec.id, bus, devfn, props)

    def _devfn(self, driver: str, given: Any, spec: DeviceSpec | None, bus: PciBus) -> int | None:
        """addr= as a devfn, None for the first free slot; raises Refused."""
        if given is None:
            devfn = next((s << 3 for s in range(32) if s << 3 not in bus.taken), None)
        else:
            devfn = parse_devfn(given)
            if devfn is None:
                raise refuse("devfn", spec.option if spec else None, located=True, driver=driver, value=given)
        if bus.no_slot_0 and devfn is not None and devfn >> 3 == 0:
            raise refuse_device(
                spec, "Unsupported PCI slot 0 for standard hotplug controller. "
                "Valid slots are between 1 and 31.",
                "Behind this bridge slot 0 belongs to the hotplug controller.", "add addr=1",
                "shpc_device_plug_common, hw/pci/shpc.c",
            )
        return devfn

    def _other(self, driver: str, spec: DeviceSpec, props: Mapping[str, Any], index: int | None) -> None:
        """A device that is not for PCI: it may have memory and ports all the same."""
        board, facts, path = self.build.machine.board, catalog.device(self.qemu, driver), ""
        kind = "virtio-mem" if driver == "virtio-mem-ccw" else ""
        addr = self.backed.before_slot(kind, spec, props)
        self.checks.recorded(spec, driver, None, props)
        self.checks.values(spec, driver, None, props)
        if board is not None and facts is not None:
            path = board.path(self.build, facts.bus, props)
        if kind:
            self.backed.realize(kind, spec, props, path, addr)
        self._memory(driver, spec, props, path, None, index, spec.id or driver)

    def _memory(
        self, driver: str, spec: DeviceSpec | None, props: Mapping[str, Any], path: str,
        bus: PciBus | None, option_index: int | None, label: str,
    ) -> None:
        """The device's own RAMBlocks, and the windows that it has at power-on."""
        build = self.build
        family = build.machine.seen_as
        seen = seen_on(self.qemu, driver, family)
        add_buses(build, seen, spec.id if spec else None)
        backed = any(driver.startswith(kind) for kind in _BACKED)
        if backed:
            regions = tuple(add_option_rom(build, driver, path, props, spec))
            blocks = tuple(r.block for r in regions if r.block)
        else:
            blocks, regions = add_device_memory(build, driver, path, props, spec)
        self.checks.console(driver, spec)
        if blocks:
            build.frontends.append(Frontend(
                driver, spec.id if spec else None, label, None, blocks, regions, option_index
            ))
        mapped = windows(self.qemu, driver, "q35" if bus is not None and family == "microvm" else family)
        if not mapped or is_bridge(self.qemu, driver) or driver in EXPANDERS or backed:
            return
        memory = bus.memory if bus is not None and bus.memory is not None else self.pci
        containers: dict[str, MemoryRegion] = {"system": build.system}
        if memory is not None:
            # A device is said to map into the memory of its bus, whatever that is called here.
            containers |= {"pci": memory, memory.name: memory, self.bus_memory: memory}
        add_windows(mapped, containers, regions)
        # The ports of a PC's default graphics card are among those of the board.
        if spec is None and bus is not None and build.machine.board is None:
            return
        shift, size = port_shift(self.qemu, driver, props, self._count(driver)), props.get("iosize")
        if build.machine.board is not None:
            shift += build.machine.board.ports_moved

        def add_ports(io: MemoryRegion) -> None:
            add_windows(mapped, {"io": io, self.bus_io: io}, shift=shift, size=size)

        # The ports of an IDE controller are ISA's, wherever its bus is (ide_init_ioport).
        if bus is not None and bus.io is not None and mapped[0].name != "ide":
            add_ports(bus.io)
        else:
            build.ports.append(add_ports)

    def _count(self, driver: str) -> int:
        """How many devices of this type came before: the ports of the next one may depend on it."""
        board = {"isa-serial": serial_ports, "isa-parallel": parallel_ports}.get(driver)
        number = self._numbers[driver] + (len(board(self.build)) if board else 0)
        self._numbers[driver] += 1
        return number
