"""Which RAMBlocks a device brings along: video RAM, option ROMs, a fifo.

Recorded from QEMU 7.2 (Debian 12) with ``-nodefaults -device X`` and ``info ramblock``; how
video RAM follows from properties is in hw/display/vga.c, qxl.c, bochs-display.c, vmware_vga.c.
Option ROMs are files whose size is rounded up to a power of two (pci_add_option_rom).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from memkit.boards.build import Build
from memkit.memory.ramblock import RAMBlock
from memkit.memory.region import MemoryRegion

__all__ = ["DEVICES", "DeviceMemory", "add_device_memory", "lowmem_region"]

MIB = 1 << 20
ROM_256K, ROM_128K, ROM_64K, ROM_32K = 0x40000, 0x20000, 0x10000, 0x8000
VGA_WINDOW, VGA_WINDOW_SIZE = 0xA0000, 0x20000


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """RAM of a device model: ``rom`` is (region name, bytes); ``video`` how to size its RAM.

    ``vga`` is True if it answers the legacy window at 0xa0000.
    """

    rom: tuple[str, int] | None = None
    video: str = ""
    vga: bool = False
    vgamem_mb: int = 16


def _nic(name: str, size: int = ROM_256K) -> DeviceMemory:
    return DeviceMemory(rom=(f"{name}.rom", size))


DEVICES: dict[str, DeviceMemory] = {
    "VGA": DeviceMemory(("vga.rom", ROM_64K), "vga", vga=True),
    "secondary-vga": DeviceMemory(None, "vga"),
    "cirrus-vga": DeviceMemory(("cirrus_vga.rom", ROM_64K), "vga", vga=True, vgamem_mb=4),
    "virtio-vga": DeviceMemory(("virtio-vga.rom", ROM_64K), "vga", vga=True, vgamem_mb=8),
    "ati-vga": DeviceMemory(("ati-vga.rom", ROM_64K), "vga", vga=True),
    "vmware-svga": DeviceMemory(("vmware_vga.rom", ROM_64K), "vmware", vga=True),
    "bochs-display": DeviceMemory(("bochs-display.rom", ROM_32K), "bochs"),
    "qxl-vga": DeviceMemory(("qxl.rom", ROM_64K), "qxl", vga=True),
    "qxl": DeviceMemory(None, "qxl"),
    "e1000": _nic("e1000"),
    "e1000-82540em": _nic("e1000"),
    "e1000-82544gc": _nic("e1000"),
    "e1000-82545em": _nic("e1000"),
    "e1000e": _nic("e1000e"),
    "rtl8139": _nic("rtl8139"),
    "ne2k_pci": _nic("ne2000"),
    "pcnet": _nic("pcnet"),
    "vmxnet3": _nic("vmxnet3"),
    "virtio-net-pci": _nic("virtio-net-pci"),
    "virtio-net-pci-transitional": _nic("virtio-net-pci-transitional"),
    "virtio-net-pci-non-transitional": _nic("virtio-net-pci-non-transitional"),
    **{
        f"i825{chip}": _nic(f"i825{chip}", ROM_128K)
        for chip in ("50", "51", "57a", "57b", "57c", "58a", "58b", "59a", "59b", "59c", "59er", "62", "801")
    },
}


def add_device_memory(
    build: Build, driver: str, path: str, props: dict[str, Any]
) -> tuple[tuple[RAMBlock, ...], tuple[MemoryRegion, ...]]:
    """The RAMBlocks and regions of a PCI device at ``path``, in QEMU's order of creation."""
    facts = DEVICES.get(driver)
    if facts is None:
        return (), ()
    regions = _video(build, driver, path, facts, props)
    rom_wanted = props.get("romfile", None) != "" and props.get("rombar", 1)
    if facts.rom and rom_wanted:
        name, size = facts.rom
        custom = props.get("romfile")
        if custom:
            found = build.host.file_size(custom)
            size = 1 << (found - 1).bit_length() if found else size
        regions.append(build.rom(name, size, idstr=f"{path}/{name}", owner=path))
    if facts.vga:
        build.vga_present = driver
    return tuple(r.block for r in regions if r.block), tuple(regions)


def _video(
    build: Build, driver: str, path: str, facts: DeviceMemory, props: dict[str, Any]
) -> list[MemoryRegion]:
    if not facts.video:
        return []
    if facts.video == "bochs":
        size = _power_of_two(props.get("vgamem", 16 * MIB))
        return [build.vram("bochs-display-vram", size, f"{path}/bochs-display-vram", path)]
    if facts.video == "qxl":
        return _qxl(build, driver, path, props)
    default = build.machine.facts.cirrus_vram_mib if driver == "cirrus-vga" else facts.vgamem_mb
    size = _power_of_two(min(max(props.get("vgamem_mb", default), 1), 512)) * MIB
    # Old machine types give the first card a name without its PCI path (global-vmstate).
    global_name = build.machine.facts.vga_global_names and driver in (
        "VGA", "cirrus-vga", "vmware-svga", "qxl-vga"
    )
    name = "vga.vram" if global_name else f"{path}/vga.vram"
    regions = []
    if facts.video == "vmware":
        regions.append(build.vram("vmsvga.fifo", ROM_64K, "vmsvga.fifo", path))
    return [*regions, build.vram("vga.vram", size, name, path)]


def _qxl(build: Build, driver: str, path: str, props: dict[str, Any]) -> list[MemoryRegion]:
    """qxl has VGA memory, a small ROM with its modes, and video RAM (qxl_init_ramsize)."""
    vgamem = max(props.get("vgamem_mb", 16), 16 if driver == "qxl-vga" else 8)
    ram = props.get("ram_size_mb")
    ram_size = ram * MIB if ram is not None else props.get("ram_size", 64 * MIB)
    ram_size = max(ram_size, vgamem * 2 * MIB)
    vram = props.get("vram64_size_mb", -1)
    vram_mb = props.get("vram_size_mb", -1)
    vram32 = vram_mb * MIB if vram_mb not in (-1, None) else props.get("vram_size", 64 * MIB)
    vram64 = vram * MIB if vram not in (-1, None) else props.get("vram64_size", 0)
    size = max(_power_of_two(max(vram32, 4096)), _power_of_two(max(vram64, 1)))
    first = "vga.vram" if driver == "qxl-vga" else "qxl.vgavram"
    name = first if build.machine.facts.vga_global_names and first == "vga.vram" else f"{path}/{first}"
    return [
        build.vram(first, _power_of_two(ram_size), name, path),
        build.vram("qxl.vrom", 8192, f"{path}/qxl.vrom", path),
        build.vram("qxl.vram", size, f"{path}/qxl.vram", path),
    ]


def _power_of_two(value: int) -> int:
    return 1 << max(0, int(value) - 1).bit_length()


def lowmem_region(driver: str, vram: MemoryRegion | None) -> MemoryRegion:
    """What a VGA card shows at 0xa0000, the legacy window of 128 KiB."""
    if driver != "cirrus-vga":
        return MemoryRegion("vga-lowmem", VGA_WINDOW_SIZE, "i/o")
    container = MemoryRegion("cirrus-lowmem-container", VGA_WINDOW_SIZE)
    container.add(MemoryRegion("cirrus-low-memory", VGA_WINDOW_SIZE, "i/o"), 0)
    if vram is not None:
        for bank in (0, 1):
            window = MemoryRegion.window(f"vga.bank{bank}", vram, 0, 0x8000, enabled=False)
            container.add(window, bank * 0x8000, 1)
    return container
