"""Firmware: the BIOS as a ROM, or two flash chips, and the option-ROM area below 1 MiB.

Source: x86_bios_rom_init in hw/i386/x86.c, hw/i386/pc_sysfw.c, pc_memory_init in hw/i386/pc.c
(QEMU 7.2).
"""

from __future__ import annotations

from memkit.boards import catalog
from memkit.boards.build import Build
from memkit.boards.refusals import refuse
from memkit.config import Option
from memkit.memory.device import Frontend
from memkit.memory.region import MemoryRegion

__all__ = [
    "FlashImage", "add_bios", "add_flash", "add_option_rom_area", "add_option_rom_file", "firmware_size",
    "flash_by_unit", "found_size", "pflash_images",
]

FOUR_GIB = 1 << 32
ISA_BIOS = 128 << 10
SECTOR = 4096
DEFAULT_MAX_FLASH = 8 << 20
OPTION_ROM_BASE, OPTION_ROM_SIZE = 0xC0000, 0x20000
FlashImage = tuple[str, str, int, Option | None]


def firmware_size(build: Build, default: str) -> int:
    """The size in bytes of the BIOS image that ``-bios`` names, or of ``default``; raises Refused."""
    name = build.machine.words.get("firmware") or default
    size = found_size(build, name)
    if not size or size % 0x10000:
        raise refuse("bios", build.config.last("bios"), name=name)
    return size


def found_size(build: Build, name: str) -> int | None:
    """The size in bytes of a firmware file, or None if QEMU does not find it (qemu_find_file)."""
    size = build.host.file_size(name)
    if size is None and "/" not in name:
        # What QEMU finds by name in its own data directory comes from its package.
        size = build.host.firmware.get(name, catalog.rom_file_size(build.program, name))
    return size


def add_bios(build: Build, container: MemoryRegion, size: int, *, writable: bool) -> None:
    """Map the BIOS below 4 GiB and show its last 128 KiB below 1 MiB; microvm's is writable."""
    block = build.ram.allocate(
        size, idstr="pc.bios", region_name="pc.bios", purpose="rom", readonly=not writable
    )
    bios = MemoryRegion("pc.bios", size, "ram", block=block, readonly=not writable)
    isa_size = min(size, ISA_BIOS)
    isa = MemoryRegion.window("isa-bios", bios, size - isa_size, isa_size, readonly=not writable)
    container.add(isa, (1 << 20) - isa_size, 1)
    container.add(bios, FOUR_GIB - size)
    option = build.config.last("bios")
    build.frontends.append(
        Frontend("firmware", None, "BIOS", None, (block,), (bios,), build.option_index(option))
    )


def pflash_images(build: Build) -> list[FlashImage]:
    """The flash images of a PC, whose second chip needs the first; raises Refused."""
    images = flash_by_unit(build)
    if 1 in images and 0 not in images:
        raise refuse("flash-gap", images[1][3])
    return [images[u] for u in sorted(images) if u < 2]


def flash_by_unit(build: Build) -> dict[int, FlashImage]:
    """Unit → (drive name, path, bytes, option) of each flash image; raises Refused for a missing file."""
    images: dict[int, FlashImage] = {}
    nodes = {b.node_name: b for b in build.config.blockdevs if b.node_name}
    for drive in build.config.drives:
        if drive.interface == "pflash":
            unit = drive.unit if drive.unit is not None else len(images)
            name = drive.id or f"pflash{unit}"
            images[unit] = (name, drive.file or "", _file_size(build, drive.file, drive.option),
                            drive.option)
    for unit in (0, 1):
        node = build.machine.words.get(f"pflash{unit}")
        named = next((d for d in build.config.drives if node and d.id == node), None)
        if node and named is not None:
            images[unit] = (node, named.file or "", _file_size(build, named.file, named.option), named.option)
        elif node:
            file_node = nodes.get(node)
            while file_node is not None and file_node.filename is None and file_node.file in nodes:
                file_node = nodes[file_node.file]
            option = file_node.option if file_node else None
            path = file_node.filename if file_node else None
            images[unit] = (node, path or "", _file_size(build, path, option), option)
    return images


def _file_size(build: Build, path: str | None, option: Option | None) -> int:
    size = build.host.file_size(path or "")
    if size is None:
        raise refuse("drive-open", option, located=True, path=path or "")
    # The block layer counts in sectors of 512 bytes.
    return -(-size // 512) * 512


def add_flash(
    build: Build, system: MemoryRegion, pci: MemoryRegion, images: list[FlashImage],
) -> None:
    """Map the flash chips downward from 4 GiB; the first one's end also shows below 1 MiB.

    Machine types before 9.1 have a copy there, in a RAMBlock of its own (pc_isa_bios_init).
    """
    total = 0
    for unit, (name, _path, size, option) in enumerate(images):
        if size == 0 or size % SECTOR:
            raise refuse("flash-size", option, name=name, size=size)
        limit = int(build.machine.words.get("max-fw-size", DEFAULT_MAX_FLASH))
        if total + size > limit:
            raise refuse("flash-total", option, limit=limit)
        total += size
        label = f"system.flash{unit}"
        block = build.ram.allocate(
            size, idstr=label, region_name=label, purpose="flash", owner=f"/machine/{label}"
        )
        flash = MemoryRegion(label, size, "romd", block=block)
        system.add(flash, FOUR_GIB - total)
        blocks, regions = [block], [flash]
        if unit == 0:
            isa_size = min(size, ISA_BIOS)
            if build.machine.facts.isa_bios_alias:
                isa = MemoryRegion.window("isa-bios", flash, size - isa_size, isa_size, readonly=True)
            else:
                isa = build.rom("isa-bios", isa_size)
                assert isa.block is not None
                blocks.append(isa.block)
                regions.append(isa)
            pci.add(isa, (1 << 20) - isa_size, 1)
        build.frontends.append(Frontend(
            "pflash", name, f"flash chip {unit}", None, tuple(blocks), tuple(regions),
            build.option_index(option),
        ))


def add_option_rom_area(build: Build, container: MemoryRegion, *, writable: bool = False) -> None:
    """Map ``pc.rom``, the memory into which the BIOS copies option ROMs (0xc0000, 128 KiB)."""
    block = build.ram.allocate(
        OPTION_ROM_SIZE, idstr="pc.rom", region_name="pc.rom", purpose="rom", readonly=not writable
    )
    rom = MemoryRegion("pc.rom", OPTION_ROM_SIZE, "ram" if writable else "rom", block=block,
                       readonly=not writable)
    container.add(rom, OPTION_ROM_BASE, 1)
    build.frontends.append(Frontend("firmware", None, "option-ROM area", None, (block,), (rom,)))


def add_option_rom_file(build: Build, name: str) -> None:
    """Keep a block for an option ROM that the firmware gets as a file: pc-i440fx-1.7 only.

    Older types keep none, newer ones give the file without a block (option_rom_has_mr and
    rom_file_has_mr in hw/core/loader.c).
    """
    if build.machine.version != (1, 7):
        return
    size = catalog.rom_file_size(build.program, name) or 0
    block = build.ram.allocate(
        -(-size // SECTOR) * SECTOR, idstr=f"/rom@genroms/{name}", region_name=f"/rom@genroms/{name}",
        purpose="rom", owner="fw_cfg", readonly=True,
    )
    build.frontends.append(Frontend("fw_cfg", None, f"option ROM {name}", None, (block,)))
