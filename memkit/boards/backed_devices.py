"""PCI devices that show a backend's memory to the guest: in the device-memory window, or in a BAR.

virtio-mem and virtio-pmem are memory devices with an address from the start.  The memory of ivshmem,
acpi-erst and nvme's persistent region lies in a BAR, which the firmware maps later.

Source: hw/virtio/virtio-mem-pci.c, hw/virtio/virtio-pmem-pci.c, hw/misc/ivshmem.c, hw/acpi/erst.c,
nvme_init_pmr in hw/nvme/ctrl.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memkit.boards.build import Build, Memdev
from memkit.boards.cxl import add_cxl_memory
from memkit.boards.device_refusals import refuse_device
from memkit.boards.device_window import Plugged
from memkit.boards.memory_devices import (
    VIRTIO_MEM_MIN_BLOCK,
    Dimms,
    no_window,
    place,
    virtio_mem_block_size,
    virtio_mem_realize,
)
from memkit.boards.refusals import refuse
from memkit.boards.unmigratable import check_peer
from memkit.config import DeviceSpec
from memkit.memory.device import Frontend, MemoryDevice
from memkit.memory.region import MemoryRegion

__all__ = ["BackedDevices"]

ERST_EXCHANGE = 8192
CXL_BACKENDS = ("memdev", "persistent-memdev", "volatile-memdev", "volatile-dc-memdev", "lsa")


class BackedDevices:
    """Plugs the devices of one machine that take a backend; each method has the device's checks.

    ``before_slot`` runs when QEMU places the device, before it has a PCI slot; ``realize`` afterwards,
    with the device's path.
    """

    def __init__(self, build: Build, dimms: Dimms, nodes: int) -> None:
        self.build = build
        self.dimms = dimms
        self.nodes = nodes

    def memdev(self, spec: DeviceSpec, props: Mapping[str, Any], key: str = "memdev") -> Memdev | None:
        """The backend that ``memdev=`` names; raises Refused if there is none of that name."""
        name = props.get(key)
        if name is None:
            return None
        memdev = self.build.memdevs.get(str(name).removeprefix("/objects/"))
        if memdev is None:
            raise refuse("memdev-missing", spec.option, located=True, name=name)
        return memdev

    def before_slot(self, kind: str, spec: DeviceSpec, props: Mapping[str, Any]) -> int:
        """The gpa of a virtio memory device, 0 for other devices; raises Refused."""
        if kind not in ("virtio-mem", "virtio-pmem"):
            return 0
        memdev = self.memdev(spec, props)
        multiple = align = memdev.align if memdev else 0
        if kind == "virtio-mem":
            block_size = props.get("block-size", 0)
            if "block-size" in props:
                if block_size < VIRTIO_MEM_MIN_BLOCK:
                    raise refuse("virtio-mem-block-min", spec.option, located=True)
                if block_size & (block_size - 1):
                    raise refuse("virtio-mem-block-power", spec.option, located=True)
            align = max(align, virtio_mem_block_size(self.build.host, memdev, block_size)) if memdev else 0
        board = self.build.machine.board
        if board is not None:
            board.pre_plug(self.build, spec)
        if self.build.machine.family == "microvm" or (board is not None and not board.takes_dimms):
            # microvm has no device-memory window: QEMU 7.2 starts and leaves the address at 0.
            return 0
        if self.build.device_memory is None and self.build.qemu.window_first:
            raise no_window(self.build, spec)
        if memdev is None:
            raise refuse("dimm-memdev-unset", spec.option, located=True)
        return place(
            self.build, spec, memdev.region.size, align, multiple, props.get("memaddr", 0), self.dimms.window
        )

    def realize(self, kind: str, spec: DeviceSpec, props: Mapping[str, Any], path: str, addr: int) -> None:
        """Show the backend to the guest; raises Refused."""
        if kind == "virtio-mem":
            self._virtio_mem(spec, props, path, addr)
        elif kind == "virtio-pmem":
            self._virtio_pmem(spec, props, path, addr)
        elif kind == "ivshmem-plain":
            self._ivshmem(spec, props, path)
        elif kind == "acpi-erst":
            self._erst(spec, props, path)
        elif kind == "nvme":
            self._nvme(spec, props)
        elif kind == "cxl-type3":
            found = ((name, self.memdev(spec, props, name)) for name in CXL_BACKENDS)
            add_cxl_memory(self.build, spec, props, {name: memdev for name, memdev in found if memdev})

    def _map(self, spec: DeviceSpec, memdev: Memdev, addr: int, region: MemoryRegion | None = None) -> None:
        if self.build.device_memory is not None and addr:
            self.dimms.window.insert(Plugged(addr, memdev.region.size, spec.id))
            self.build.device_memory.add(region or memdev.region, addr - self.build.device_memory_base)

    def _name(self, spec: DeviceSpec, path: str) -> str | None:
        """The id of a device on PCI, which some boards give to one that has none."""
        board = self.build.machine.board
        return spec.id or (board.automatic_id(path) if board is not None else None)

    def _virtio_mem(self, spec: DeviceSpec, props: Mapping[str, Any], path: str, addr: int) -> None:
        build, memdev = self.build, self.memdev(spec, props)
        if memdev is None:
            raise refuse("virtio-mem-unset", spec.option, located=True)
        block_size = virtio_mem_realize(build, spec, memdev, dict(props), self.nodes)
        memdev.mapped = True
        memdev.block.idstr = f"{path}/{memdev.region.name}"
        # With dynamic memslots it shows pieces of the backend, none before the guest plugs a block.
        empty = MemoryRegion("virtio-mem", memdev.region.size) if props.get("dynamic-memslots") else None
        self._map(spec, memdev, addr, empty)
        build.memory_devices.append(MemoryDevice(
            "virtio-mem", self._name(spec, path), addr, 0, memdev.backend.path, props.get("node", 0),
            requested_size=props.get("requested-size", 0), max_size=memdev.region.size,
            block_size=block_size, option_index=build.option_index(spec.option),
        ))
        self._frontend(spec, memdev)

    def _virtio_pmem(self, spec: DeviceSpec, props: Mapping[str, Any], path: str, addr: int) -> None:
        if self.memdev(spec, props) is None:
            raise refuse("virtio-pmem-unset", spec.option, located=True)
        memdev = self._take(spec, props)
        self._map(spec, memdev, addr)
        self.build.memory_devices.append(MemoryDevice(
            "virtio-pmem", self._name(spec, path), addr, memdev.region.size, memdev.backend.path,
            option_index=self.build.option_index(spec.option),
        ))
        self._frontend(spec, memdev)

    def _take(self, spec: DeviceSpec, props: Mapping[str, Any], key: str = "memdev") -> Memdev:
        memdev = self.memdev(spec, props, key)
        assert memdev is not None
        if memdev.mapped:
            raise refuse("memdev-busy", spec.option, located=True, name=memdev.backend.id)
        memdev.mapped = True
        return memdev

    def _ivshmem(self, spec: DeviceSpec, props: Mapping[str, Any], path: str) -> None:
        if self.memdev(spec, props) is None:
            raise refuse("ivshmem-unset", spec.option, located=True)
        memdev = self._take(spec, props)
        check_peer(self.build, spec, props)
        memdev.block.idstr = f"{path}/{memdev.region.name}"
        if memdev.region.size & (memdev.region.size - 1):
            raise refuse("bar-power", spec.option)
        self._frontend(spec, memdev)

    def _erst(self, spec: DeviceSpec, props: Mapping[str, Any], path: str) -> None:
        if self.memdev(spec, props) is None:
            raise refuse_device(
                spec, "'memdev' property is not set", "The records are kept in a backend.",
                "add memdev=ID of a -object memory-backend-*", "erst_realizefn, hw/acpi/erst.c",
            )
        memdev = self._take(spec, props)
        exchange = self.build.vram("erst.exchange", ERST_EXCHANGE, f"{path}/erst.exchange", path)
        memdev.block.idstr = memdev.region.name
        assert exchange.block is not None
        self._frontend(spec, memdev, exchange.block)

    def _nvme(self, spec: DeviceSpec, props: Mapping[str, Any]) -> None:
        if self.memdev(spec, props, "pmrdev") is None:
            return
        memdev = self._take(spec, props, "pmrdev")
        if memdev.region.size & (memdev.region.size - 1):
            raise refuse_device(
                spec, "pmr backend size needs to be power of 2 in size", "A BAR's size is a power of two.",
                "use a size such as 16M", "nvme_check_constraints, hw/nvme/ctrl.c",
            )
        # The region is in a BAR; its block never gets a name.
        self._frontend(spec, memdev)

    def _frontend(self, spec: DeviceSpec, memdev: Memdev, *more: Any) -> None:
        self.build.frontends.append(Frontend(
            spec.driver, spec.id, spec.id or spec.driver, memdev.backend, (memdev.block, *more),
            (memdev.region,), self.build.option_index(spec.option),
        ))
