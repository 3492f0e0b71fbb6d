"""``-device`` and the devices that a machine has by default, in QEMU's order.

A device may take a PCI slot, bring RAMBlocks of its own, or show a backend's memory to the
guest.  Devices that do neither are accepted; they still take their slot.

Source: qemu_create_cli_devices and default_list in softmmu/vl.c, softmmu/qdev-monitor.c,
hw/misc/ivshmem.c (QEMU 7.2).
"""

from __future__ import annotations

from typing import Any

from memkit.boards import catalog
from memkit.boards.build import Build, Memdev
from memkit.boards.device_memory import VGA_WINDOW, add_device_memory, lowmem_region
from memkit.boards.memory_devices import (
    VIRTIO_MEM_MIN_BLOCK,
    Dimms,
    Plugged,
    insert,
    place,
    plug_dimm,
    virtio_mem_block_size,
    virtio_mem_realize,
)
from memkit.boards.pci import PciBus, parse_devfn
from memkit.boards.properties import read_properties
from memkit.boards.refusals import refuse
from memkit.config import DeviceSpec
from memkit.memory.device import Frontend, MemoryDevice
from memkit.memory.flatview import AddressSpace
from memkit.memory.region import MemoryRegion

__all__ = ["DeviceBuilder", "default_vga"]

# A -device of these types replaces the default graphics card (default_list, softmmu/vl.c).
VGA_DEVICES = frozenset(
    "VGA isa-vga cirrus-vga isa-cirrus-vga vmware-svga qxl-vga virtio-vga ati-vga vhost-user-vga "
    "virtio-vga-gl".split()
)
VGA_MODELS = {
    "std": "VGA", "cirrus": "cirrus-vga", "vmware": "vmware-svga", "qxl": "qxl-vga", "virtio": "virtio-vga",
}
NIC_MODELS = {"virtio": "virtio-net-pci", "e1000": "e1000"}


def default_vga(build: Build) -> str | None:
    """The driver of the default graphics card, or None: ``-vga``, ``-nodefaults``, ``-device``."""
    choice = build.config.last("vga")
    if choice is not None:
        return VGA_MODELS.get(choice.value or "")
    if build.config.flag("nodefaults") or build.machine.facts.default_vga is None:
        return None
    if any(spec.driver in VGA_DEVICES for spec in build.config.devices):
        return None
    return VGA_MODELS[build.machine.facts.default_vga]


class DeviceBuilder:
    """Plugs devices into one machine, one after the other."""

    def __init__(self, build: Build, root: PciBus | None, pci: MemoryRegion | None, nodes: int) -> None:
        self.build = build
        self.root = root
        self.pci = pci
        self.nodes = nodes
        self.dimms = Dimms(build)

    def add_default_nics(self, count_and_models: list[tuple[str, int | None]]) -> None:
        """The NICs of ``-nic`` and ``-net nic``, or the default one."""
        if self.root is not None:
            for model, option_index in count_and_models:
                driver = NIC_MODELS.get(model, model)
                self._pci_model(driver, None, None, {}, option_index, f"NIC {driver}")

    def add_vga(self, driver: str) -> None:
        """The graphics card of the machine or of ``-vga``."""
        if self.root is not None:
            option = self.build.config.last("vga")
            self._pci_model(driver, None, None, {}, self.build.option_index(option), f"graphics card {driver}")

    def plug(self, spec: DeviceSpec) -> None:
        """Plug one ``-device``; raises Refused."""
        facts = catalog.device(spec.driver)
        if facts is None:
            raise refuse("device-unknown", spec.option, located=True, driver=spec.driver,
                         near=catalog.near(spec.driver))
        driver = facts.name
        if spec.id is not None:
            if spec.id in self.build.device_ids:
                raise refuse("device-id", spec.option, located=True, id=spec.id)
        bus = self._bus(spec, facts)
        props = read_properties(spec, facts, self.build)
        if spec.id is not None:
            self.build.device_ids.add(spec.id)
        if driver in ("pc-dimm", "nvdimm"):
            plug_dimm(self.dimms, spec, self._memdev(spec, props), props, self.nodes)
        elif driver.startswith("virtio-mem-pci"):
            self._virtio_mem(spec, bus, props)
        elif driver.startswith("virtio-pmem-pci"):
            self._virtio_pmem(spec, bus, props)
        elif driver == "ivshmem-plain":
            self._ivshmem(spec, bus, props)
        elif bus is not None:
            self._pci_model(driver, spec, bus, props, self.build.option_index(spec.option), spec.id or driver)

    # -- one kind each

    def _bus(self, spec: DeviceSpec, facts: catalog.DeviceFacts) -> PciBus | None:
        if facts.bus != "PCI":
            return None
        name = spec.props.get("bus")
        if name is not None:
            bus = self.build.buses.get(str(name))
            if bus is None:
                raise refuse("bus-missing", spec.option, located=True, bus=name)
            return bus
        if self.root is None:
            raise refuse("no-bus", spec.option, located=True, bus_type="PCI", driver=facts.name)
        return self.root

    def _slot(self, driver: str, spec: DeviceSpec | None, bus: PciBus | None) -> str:
        target = bus or self.root
        assert target is not None
        given = spec.props.get("addr") if spec else None
        devfn = None
        if given is not None:
            devfn = parse_devfn(given)
            if devfn is None:
                raise refuse("devfn", spec.option if spec else None, located=True, driver=driver, value=given)
        _, path = target.plug(driver, devfn, spec)
        self.build.address_spaces.append(
            AddressSpace(catalog.address_space_name(driver), MemoryRegion("bus master container", 1 << 64))
        )
        return path

    def _pci_model(
        self, driver: str, spec: DeviceSpec | None, bus: PciBus | None, props: dict[str, Any],
        option_index: int | None, label: str,
    ) -> None:
        build = self.build
        path = self._slot(driver, spec, bus)
        props = {**build.config.globals_for(driver), **props}
        blocks, regions = add_device_memory(build, driver, path, props)
        if build.vga_present == driver and self.pci is not None and not any(
            s.addr == VGA_WINDOW and s.priority == 1 for s in self.pci.subregions
        ):
            vram = next((r for r in regions if r.name == "vga.vram"), None)
            self.pci.add(lowmem_region(driver, vram), VGA_WINDOW, 1)
        if blocks:
            build.frontends.append(Frontend(
                driver, spec.id if spec else None, label, None, blocks, regions, option_index
            ))
        secondary = catalog.secondary_bus(driver)
        if secondary is not None and spec is not None:
            name = spec.id or f"{(bus or self.root).name}.{len(build.buses)}"  # type: ignore[union-attr]
            build.buses[name] = PciBus(
                name, prefix=path, express=secondary.express, first_slot=secondary.first_slot,
                only_slot_0=secondary.only_slot_0,
            )

    def _memdev(self, spec: DeviceSpec, props: dict[str, Any]) -> Memdev | None:
        name = props.get("memdev")
        if name is None:
            return None
        memdev = self.build.memdevs.get(str(name).removeprefix("/objects/"))
        if memdev is None:
            raise refuse("memdev-missing", spec.option, located=True, name=name)
        return memdev

    def _place(self, spec: DeviceSpec, memdev: Memdev | None, align: int, wanted: int) -> int:
        """The gpa of a virtio memory device; it must have a backend by now."""
        if memdev is None:
            raise refuse("dimm-memdev-unset", spec.option, located=True)
        if self.build.machine.family == "microvm":
            # microvm has no device-memory window: QEMU 7.2 starts and leaves the address at 0.
            return 0
        return place(self.build, spec, memdev.region.size, align, wanted, self.dimms.window)

    def _map(self, spec: DeviceSpec, memdev: Memdev, addr: int) -> None:
        if self.build.device_memory is not None and addr:
            insert(self.dimms.window, Plugged(addr, memdev.region.size, spec.id))
            self.build.device_memory.add(memdev.region, addr - self.build.device_memory_base)

    def _virtio_mem(self, spec: DeviceSpec, bus: PciBus | None, props: dict[str, Any]) -> None:
        build = self.build
        block_size = props.get("block-size", 0)
        if "block-size" in props:
            if block_size < VIRTIO_MEM_MIN_BLOCK:
                raise refuse("virtio-mem-block-min", spec.option, located=True)
            if block_size & (block_size - 1):
                raise refuse("virtio-mem-block-power", spec.option, located=True)
        memdev = self._memdev(spec, props)
        align = max(memdev.align, virtio_mem_block_size(memdev, block_size)) if memdev else 0
        addr = self._place(spec, memdev, align, props.get("memaddr", 0))
        assert memdev is not None
        path = self._slot(spec.driver, spec, bus)
        block_size = virtio_mem_realize(build, spec, memdev, props, self.nodes)
        memdev.mapped = True
        memdev.block.idstr = f"{path}/{memdev.region.name}"
        self._map(spec, memdev, addr)
        index = build.option_index(spec.option)
        build.memory_devices.append(MemoryDevice(
            "virtio-mem", spec.id, addr, 0, memdev.backend.path, props.get("node", 0),
            requested_size=props.get("requested-size", 0), max_size=memdev.region.size,
            block_size=block_size, option_index=index,
        ))
        self._frontend(spec, memdev)

    def _virtio_pmem(self, spec: DeviceSpec, bus: PciBus | None, props: dict[str, Any]) -> None:
        memdev = self._memdev(spec, props)
        addr = self._place(spec, memdev, memdev.align if memdev else 0, props.get("memaddr", 0))
        assert memdev is not None
        self._slot(spec.driver, spec, bus)
        if memdev.mapped:
            raise refuse("memdev-busy", spec.option, located=True, name=memdev.backend.id)
        memdev.mapped = True
        self._map(spec, memdev, addr)
        self.build.memory_devices.append(MemoryDevice(
            "virtio-pmem", spec.id, addr, memdev.region.size, memdev.backend.path,
            option_index=self.build.option_index(spec.option),
        ))
        self._frontend(spec, memdev)

    def _ivshmem(self, spec: DeviceSpec, bus: PciBus | None, props: dict[str, Any]) -> None:
        path = self._slot(spec.driver, spec, bus)
        memdev = self._memdev(spec, props)
        if memdev is None:
            raise refuse("ivshmem-unset", spec.option, located=True)
        if memdev.mapped:
            raise refuse("memdev-busy", spec.option, located=True, name=memdev.backend.id)
        memdev.mapped = True
        memdev.block.idstr = f"{path}/{memdev.region.name}"
        if memdev.region.size & (memdev.region.size - 1):
            raise refuse("bar-power", spec.option)
        self._frontend(spec, memdev)

    def _frontend(self, spec: DeviceSpec, memdev: Memdev) -> None:
        self.build.frontends.append(Frontend(
            spec.driver, spec.id, spec.id or spec.driver, memdev.backend, (memdev.block,),
            (memdev.region,), self.build.option_index(spec.option),
        ))
