"""The device-memory window: DIMMs, NVDIMMs, virtio-mem and virtio-pmem get slot and address.

Source: hw/mem/memory-device.c, hw/mem/pc-dimm.c, hw/mem/nvdimm.c, hw/virtio/virtio-mem.c,
hw/virtio/virtio-pmem.c (QEMU 7.2).
"""

from __future__ import annotations

from typing import Any

from memkit.boards import catalog
from memkit.boards.board import refuse_here
from memkit.boards.build import Build, Memdev
from memkit.boards.device_refusals import refuse_device
from memkit.boards.device_window import DeviceWindow, Plugged
from memkit.boards.refusals import refuse
from memkit.config import DeviceSpec
from memkit.errors import Refused
from memkit.host import Host
from memkit.memory.device import Frontend, MemoryDevice
from memkit.memory.region import MemoryRegion

__all__ = ["no_window", "place", "plug_dimm", "virtio_mem_realize"]

TARGET_PAGE = 4096
VIRTIO_MEM_MIN_BLOCK = 1 << 20
NVDIMMS = ("nvdimm", "spapr-nvdimm")
# Of hosts that the kit does not know.
THP_SIZE = 2 << 20


def no_window(build: Build, spec: DeviceSpec) -> Refused:
    """The refusal of a memory device for which there is no device-memory window."""
    if build.machine.board is None or build.qemu.window_first:
        return refuse("no-device-memory", spec.option, located=True)
    # A PC had a window even without maxmem=, other boards had none then.
    return refuse_here(
        "memory devices (e.g. for memory hotplug) are not supported by the machine",
        "Memory devices live in the device-memory window, which maxmem= opens.", "add maxmem= to -m",
        "memory_device_get_free_addr, hw/mem/memory-device.c, QEMU 7.2", spec.option, located=True,
    )


def place(
    build: Build, spec: DeviceSpec, size: int, align: int, multiple: int, wanted: int, window: DeviceWindow
) -> int:
    """The gpa for a memory device of ``size`` bytes; ``wanted`` is addr= or 0 (memory_device_get_free_addr).

    ``window`` holds the devices that are plugged already; ``align`` is what the address needs, ``multiple``
    what the size does.
    """
    machine, facts = build.machine, build.qemu
    if build.device_memory is None:
        raise no_window(build, spec)
    base, room = build.device_memory_base, build.device_memory.size
    total = machine.maxram_size - machine.ram_size
    full = window.used + size > total
    if full and facts.space_first:
        raise refuse("no-space", spec.option, located=True, used=window.used, total=total)
    if facts.size_before_address and size % multiple:
        raise refuse("size-align", spec.option, located=True, align=multiple)
    if base % align:
        build.warnings.append(
            f"{spec.option.text}: warning: the alignment (0x{align:x}) exceeds the expected maximum "
            "alignment, memory will get fragmented and not all 'maxmem' might be usable for memory devices."
        )
    if full:
        raise refuse("no-space", spec.option, located=True, used=window.used, total=total)
    if wanted % align:
        raise refuse("addr-align", spec.option, located=True, align=align)
    if facts.size_after_address and size % align:
        raise refuse("size-align", spec.option, located=True, align=align)
    if wanted:
        if wanted < base or wanted + size > base + room:
            raise refuse("addr-outside", spec.option, located=True, addr=wanted, size=size,
                         base=base, room=room)
        other = window.conflict(wanted, size)
        if other is not None:
            raise refuse("addr-conflict", spec.option, located=True, other=other.id or "(unnamed)")
        return wanted
    addr = window.free_address(base, size, align)
    if addr + size > base + room:
        raise refuse("fragmented", spec.option, located=True)
    return addr


class Dimms:
    """The slots and the window of one machine, filled one device at a time."""

    def __init__(self, build: Build) -> None:
        self.build = build
        self.window = DeviceWindow()
        self.slots: set[int] = set()
        self._first_free = 0

    def take_slot(self, spec: DeviceSpec, wanted: int | None) -> int:
        """A slot number for a DIMM (pc_dimm_pre_plug); raises Refused."""
        slots = self.build.machine.slots
        if wanted is not None and not 0 <= wanted < slots:
            raise refuse("slot-range", spec.option, located=True, slot=wanted,
                         last=(slots - 1) % (1 << 64))
        if slots <= 0:
            raise refuse("no-slots", spec.option, located=True)
        if wanted is not None:
            if wanted in self.slots:
                raise refuse("slot-busy", spec.option, located=True, slot=wanted)
            return wanted
        while self._first_free in self.slots:
            self._first_free += 1
        if self._first_free >= slots:
            raise refuse("slots-full", spec.option, located=True)
        return self._first_free


def plug_dimm(
    dimms: Dimms, spec: DeviceSpec, memdev: Memdev | None, props: dict[str, Any], nodes: int
) -> None:
    """Plug a pc-dimm or nvdimm: slot, address, then the checks of realize; raises Refused."""
    build, nvdimm = dimms.build, spec.driver in NVDIMMS
    # microvm has nobody who plugs a DIMM: QEMU 7.2 makes the device, which no address shows.
    board = build.machine.board
    plugged = build.machine.family != "microvm" if board is None else board.takes_dimms
    slot, addr, region = props.get("slot", -1), props.get("addr", 0), None
    if plugged:
        slot, addr, region = _pre_plug(dimms, spec, memdev, props)
    node = props.get("node", 0)
    lost = (nodes and node >= nodes) or (not nodes and node)
    if lost and build.qemu.dimm_node_first:
        if board is not None and not board.numa:
            raise refuse_device(
                spec, "machine doesn't support NUMA", "The board has no place for NUMA nodes.",
                "leave out node=", "pc_dimm_realize, hw/mem/pc-dimm.c",
            )
        raise refuse("dimm-node", spec.option, located=True, node=node, nodes=nodes or 1)
    if memdev is None:
        raise refuse("dimm-memdev-not-set", spec.option, located=True)
    if memdev.mapped:
        raise refuse("memdev-busy", spec.option, located=True, name=memdev.backend.id)
    if lost:
        raise refuse("dimm-node", spec.option, located=True, node=node, nodes=nodes or 1)
    region = region or _region(spec, memdev, props)
    memdev.mapped = True
    if plugged:
        assert build.device_memory is not None
        memdev.block.idstr = memdev.region.name
        dimms.slots.add(slot)
        dimms.window.insert(Plugged(addr, region.size, spec.id))
        build.device_memory.add(region, addr - build.device_memory_base)
    index = build.option_index(spec.option)
    build.memory_devices.append(MemoryDevice(
        "nvdimm" if nvdimm else "dimm", spec.id, addr, region.size, memdev.backend.path, node, slot, False,
        True, None, None, None, index,
    ))
    build.frontends.append(Frontend(
        spec.driver, spec.id, spec.id or f"{spec.driver} in slot {slot}", memdev.backend,
        (memdev.block,), (region,), index,
    ))


def _pre_plug(
    dimms: Dimms, spec: DeviceSpec, memdev: Memdev | None, props: dict[str, Any]
) -> tuple[int, int, MemoryRegion]:
    """Slot number, gpa and region of a DIMM (pc_memory_pre_plug, pc_dimm_pre_plug); raises Refused."""
    machine, option = dimms.build.machine, spec.option
    if machine.board is not None:
        machine.board.pre_plug(dimms.build, spec)
        machine.board.check_region(dimms.build, spec, lambda: _checked_region(spec, memdev, props), props)
    elif not machine.flag("acpi", True) or machine.family == "isapc":
        raise refuse("hotplug-acpi", option, located=True)
    elif spec.driver == "nvdimm" and not machine.flag("nvdimm", False):
        raise refuse("nvdimm-off", option, located=True)
    elif not machine.facts.device_memory:
        name = "PIIX4_PM" if machine.family == "pc" else "ICH9-LPC"
        raise refuse("memhp-off", option, located=True, name=name)
    given = props.get("slot", -1)
    slot = dimms.take_slot(spec, None if given == -1 else given)
    if dimms.build.device_memory is None and dimms.build.qemu.window_first:
        raise no_window(dimms.build, spec)
    region = _checked_region(spec, memdev, props)
    assert memdev is not None
    align = memdev.align if machine.facts.aligned_dimm else TARGET_PAGE
    addr = place(dimms.build, spec, region.size, align, memdev.align, props.get("addr", 0), dimms.window)
    return slot, addr, region


def _checked_region(spec: DeviceSpec, memdev: Memdev | None, props: dict[str, Any]) -> MemoryRegion:
    if memdev is None:
        raise refuse("dimm-memdev-unset", spec.option, located=True)
    return _region(spec, memdev, props)


def _region(spec: DeviceSpec, memdev: Memdev, props: dict[str, Any]) -> MemoryRegion:
    if spec.driver in NVDIMMS:
        return _nvdimm_region(spec, memdev, props.get("label-size", 0), bool(props.get("unarmed", False)))
    return memdev.region


def _nvdimm_region(spec: DeviceSpec, memdev: Memdev, label: int, unarmed: bool) -> MemoryRegion:
    size = memdev.region.size
    usable = (size - label) // memdev.align * memdev.align
    if size <= label or not usable:
        raise refuse("label-fit", spec.option, located=True, name=memdev.backend.id, size=size,
                     label=label, align=memdev.align)
    if memdev.backend.readonly and not unarmed:
        raise refuse("unarmed", spec.option, located=True, name=memdev.backend.id)
    region = MemoryRegion.window("nvdimm-memory", memdev.region, 0, usable, owner=spec.id or "nvdimm")
    region.nonvolatile = True
    return region


def virtio_mem_block_size(host: Host, memdev: Memdev, given: int) -> int:
    """The block size in bytes: block-size=, or the larger of page and transparent huge page."""
    if given:
        return given
    page, kind = memdev.backend.page_size, host.pages
    transparent = kind.transparent if kind and kind.transparent else THP_SIZE
    return max(page, transparent if page == host.page_size else VIRTIO_MEM_MIN_BLOCK)


def virtio_mem_realize(
    build: Build, spec: DeviceSpec, memdev: Memdev, props: dict[str, Any], nodes: int
) -> int:
    """The block size of a virtio-mem device, after all its checks; raises Refused."""
    option, node = spec.option, props.get("node", 0)
    if memdev.mapped:
        raise refuse("virtio-mem-busy", option, located=True, name=memdev.backend.id)
    if memdev.backend.readonly:
        raise refuse("virtio-mem-memdev", option, located=True)
    if memdev.backend.prealloc and build.qemu.virtio_mem_own_prealloc:
        raise refuse_device(
            spec, "'memdev' property specifies a memdev with preallocation enabled: "
            f"{memdev.backend.id}. Instead, specify 'prealloc=on' for the virtio-mem device.",
            "Preallocation would take memory that virtio-mem has not plugged yet.",
            "move prealloc=on from the backend to the device",
            "virtio_mem_device_realize, hw/virtio/virtio-mem.c, QEMU 8.0",
        )
    if (nodes and node >= nodes) or (not nodes and node):
        raise refuse("virtio-mem-node", option, located=True, node=node, nodes=nodes or 1)
    if build.config.merged("overcommit").get("mem-lock") in ("on", "yes", "true", "y", "on-fault"):
        raise refuse_device(
            spec, "Incompatible with mlock",
            "-overcommit mem-lock=on takes all memory at once; virtio-mem takes it as the guest asks.",
            "leave out mem-lock=on, or use a pc-dimm", "virtio_mem_device_realize, hw/virtio/virtio-mem.c",
        )
    backend = memdev.backend
    zero_page = not backend.share and backend.type == "memory-backend-ram"
    facts, known = build.machine.facts, catalog.device(build.program, spec.driver)
    usual = "off" if facts.virtio_mem_accessible else "on" if facts.virtio_mem_inaccessible else "auto"
    inaccessible = props.get("unplugged-inaccessible", usual)
    if inaccessible == "off" and not zero_page and known and "unplugged-inaccessible" in known.properties:
        build.warnings.append(
            f"{option.text}: warning: 'unplugged-inaccessible' property set to 'off' with a memdev that does "
            "not support the shared zeropage."
        )
    if props.get("dynamic-memslots") and (inaccessible == "off" or (inaccessible == "auto" and zero_page)):
        raise refuse_device(
            spec, "'dynamic-memslots' property set to 'on' requires 'unplugged-inaccessible' to be 'on'",
            "Memory slots that are not there cannot be read.", "add unplugged-inaccessible=on",
            "virtio_mem_device_realize, hw/virtio/virtio-mem.c, QEMU 8.2",
        )
    block = virtio_mem_block_size(build.host, memdev, props.get("block-size", 0))
    if block < memdev.backend.page_size:
        raise refuse("virtio-mem-block-page", option, located=True, page=memdev.backend.page_size)
    default = virtio_mem_block_size(build.host, memdev, 0)
    if block < default:
        build.warnings.append(
            f"{option.text}: warning: 'block-size' property is smaller than the default block size "
            f"({default >> 20} MiB)"
        )
        if not build.qemu.virtio_mem_checks_all:
            return block
    if props.get("requested-size", 0) % block:
        raise refuse("virtio-mem-requested", option, located=True, block=block)
    if props.get("memaddr", 0) % block:
        raise refuse("virtio-mem-addr", option, located=True, block=block)
    if memdev.region.size % block:
        raise refuse("virtio-mem-size", option, located=True, block=block)
    _warn_of_discarding(build, spec, memdev)
    return block


def _warn_of_discarding(build: Build, spec: DeviceSpec, memdev: Memdev) -> None:
    """Warn, once, that the device starts with punching a hole into a file that others may map."""
    backend, config = memdev.backend, build.config
    private_file = backend.type != "memory-backend-ram" and not backend.share
    if not private_file or not build.qemu.private_discard_warned or config.flag("incoming"):
        return
    name = "ram_block_discard_shared_range" if build.qemu.discard_ranges_split else "ram_block_discard_range"
    text = (
        f"{name}: Discarding RAM in private file mappings is possibly dangerous, because it will modify the "
        "underlying file and will affect other users of the file"
    )
    if not any(warning.endswith(text) for warning in build.warnings):
        build.warnings.append(f"{spec.option.text}: warning: {text}")
