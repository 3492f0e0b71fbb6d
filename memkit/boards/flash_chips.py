"""Flash chips of boards that are no PC, and the firmware in the first; those of Arm's ``virt`` have 64 MiB.

Firmware comes as an image of exactly that size (pflash), or of any smaller size with ``-bios``.

Source: virt_firmware_init and virt_flash_map in hw/arm/virt.c, blk_check_size_and_read_all in
hw/block/block.c (QEMU 7.2; 10.0 for its wording).
"""

from __future__ import annotations

from memkit.boards.board import MIB, refuse_here
from memkit.boards.build import Build
from memkit.boards.firmware import FlashImage, flash_by_unit, found_size
from memkit.memory.device import Frontend
from memkit.memory.region import MemoryRegion
from memkit.versions import holds

__all__ = ["FLASH_SIZE", "add_chip", "add_flash", "check_bios", "check_image", "firmware_loaded"]

FLASH_SIZE = 64 * MIB


def firmware_loaded(build: Build) -> bool:
    """True if the guest starts with firmware, so that ACPI can tell it of events."""
    return bool(build.machine.words.get("firmware")) or 0 in flash_by_unit(build)


def add_flash(build: Build, system: MemoryRegion, first: MemoryRegion) -> bool:
    """Map the chips at 0: the first one into ``first``, the other into ``system``; True with firmware.

    Raises Refused for an image of the wrong size.
    """
    images = flash_by_unit(build)
    for unit, container in enumerate((first, system)):
        image = images.get(unit)
        if image is not None:
            check_image(build, image, unit, f"virt.flash{unit}", FLASH_SIZE)
        add_chip(build, f"virt.flash{unit}", FLASH_SIZE, image, container, unit * FLASH_SIZE)
    check_bios(build, images.get(0), FLASH_SIZE)
    return firmware_loaded(build)


def add_chip(
    build: Build, name: str, size: int, image: FlashImage | None, container: MemoryRegion, at: int
) -> MemoryRegion:
    """The region of a flash chip of ``size`` bytes with its RAMBlock, mapped at the gpa ``at``."""
    block = build.ram.allocate(size, idstr=name, region_name=name, purpose="flash", owner=f"/machine/{name}")
    flash = MemoryRegion(name, size, "romd", block=block)
    container.add(flash, at)
    option = image[3] if image is not None else None
    label = image[0] if image is not None else None
    build.frontends.append(Frontend(
        "pflash", label, f"flash chip {name}", None, (block,), (flash,), build.option_index(option),
    ))
    return flash


def check_image(build: Build, image: FlashImage, unit: int, name: str, size: int) -> None:
    """Raise Refused unless the flash image of a ``unit`` has the size of its chip.

    ``name`` is the path of the chip in the composition tree, below /machine.
    """
    drive, _path, length, option = image
    if length == size:
        return
    if holds(build.qemu.version, "9.0"):
        # What -machine pflash0=NODE attaches has no name of its own.
        known = "" if f"pflash{unit}" in build.machine.words else drive
        message = (f"cfi.pflash01 device '/machine/{name}' requires {size} bytes, {known} block backend "
                   f"provides {length} bytes")
    else:
        message = f"device requires {size} bytes, block backend provides {length} bytes"
    raise refuse_here(
        message, "The chip has a fixed size, and the image must fill it.", f"truncate -s {size >> 20}M IMAGE",
        "blk_check_size_and_read_all, hw/block/block.c, QEMU 7.2", option,
    )


def check_bios(
    build: Build, first: FlashImage | None, size: int,
    source: str = "virt_firmware_init, hw/arm/virt.c, QEMU 7.2",
) -> None:
    """Raise Refused for a ``-bios`` that is not there, is too large, or is one too many."""
    name, option = build.machine.words.get("firmware"), build.config.last("bios")
    if not name:
        return
    if first is not None:
        raise refuse_here(
            "The contents of the first flash device may be specified with -bios or with -drive if=pflash... "
            "but you cannot use both options at once", "Both would fill the same chip.",
            "leave out one of them", source, option,
        )
    found = found_size(build, name)
    if found is None:
        raise refuse_here(f"Could not find ROM image '{name}'", "There is no such file.",
                          "give the path of the firmware", source, option)
    if found > size:
        raise refuse_here(f"Could not load ROM image '{name}'",
                          f"The first flash chip has {size >> 20} MiB.", "use a smaller image", source,
                          option)
