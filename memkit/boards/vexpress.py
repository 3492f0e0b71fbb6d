"""The board ``vexpress-a15``: Arm's Versatile Express with a daughterboard for Cortex-A15.

RAM begins at 2 GiB, and there is at most 30 GiB of it.  Below lie two flash chips of 64 MiB, the first of
which shows a second time at 0, static RAM, video RAM, and the devices at fixed places.

Source: vexpress_common_init, a15_daughterboard_init and motherboard_aseries_map in hw/arm/vexpress.c
(QEMU 5.2, 7.2, 10.0, 11.1); a15mp_priv_realize in hw/cpu/a15mpcore.c.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from memkit.boards.arm_cpus import check_cpu, check_features, check_model, cpu_spaces
from memkit.boards.board import GIB, MIB, Board, refuse_here
from memkit.boards.firmware import flash_by_unit
from memkit.boards.fixed_windows import add_fixed_windows
from memkit.boards.flash_chips import add_chip, check_bios, check_image
from memkit.boards.nics import has_own_nic
from memkit.memory.device import Frontend
from memkit.memory.region import MemoryRegion
from memkit.versions import holds

if TYPE_CHECKING:
    from memkit.boards.build import Build
    from memkit.boards.machine import Machine

__all__ = ["VexpressA15"]

RAM_BASE, MOST_RAM = 0x8000_0000, 30 * GIB
FLASH_SIZE, FLASHES, FLASH_ALIAS = 64 * MIB, (0x0800_0000, 0x0C00_0000), 0
SRAM, SRAM_SIZE = 0x1400_0000, 32 * MIB
VRAM, VRAM_SIZE = 0x1800_0000, 8 * MIB
CHIP_SRAM, CHIP_SRAM_SIZE = 0x2E00_0000, 0x10000
# What the GIC shows of the interrupts of CPU 0's guests, and of each further CPU's.
GUEST_VIEW, GUEST_VIEW_SIZE = 0x5000, 0x200
FIRST_FLASH = 18


class VexpressA15(Board):
    """``vexpress-a15`` for arm and aarch64, with up to four CPUs."""

    family = "vexpress-a15"
    targets = ("arm", "aarch64")
    places: ClassVar[Mapping[str, int]] = {"pflash": 2, "sd": 1}
    own_nic = "lan9118"
    takes_system = False
    buses = (("sd-bus", "sd-bus"), ("i2c", "i2c-bus"),
             *((f"virtio-mmio-bus.{n}", "virtio-mmio-bus") for n in range(4)))

    def ram_id(self, machine: Machine) -> str:
        return "vexpress.highmem"

    def check_cpu(self, build: Build) -> None:
        check_cpu(build)

    def build_memory(self, build: Build, ram: MemoryRegion) -> None:
        """RAM and the memory of the daughterboard, flash, and the memory of the motherboard."""
        if holds(build.qemu.version, "9.0"):
            check_model(build, check_cpu(build), ("cortex-a15",), self.family)
        if build.machine.ram_size > MOST_RAM:
            raise refuse_here(
                "vexpress-a15: cannot model more than 30GB RAM", "RAM ends where addresses of 35 bits do.",
                "use -m 30G or less", "a15_daughterboard_init, hw/arm/vexpress.c, QEMU 7.2",
                build.config.last("m"),
            )
        check_features(build, check_cpu(build))
        system, images = build.system, flash_by_unit(build)
        system.add(ram, RAM_BASE)
        _add_ram(build, "vexpress.a15sram", CHIP_SRAM_SIZE, CHIP_SRAM, "static RAM of the chip")
        check_bios(build, images.get(0), FLASH_SIZE, "vexpress_common_init, hw/arm/vexpress.c, QEMU 7.2")
        for unit, at in enumerate(FLASHES):
            name, image = f"vexpress.flash{unit}", images.get(unit)
            if image is not None:
                # The chips have no name, but a number behind those of the CPUs and other devices.
                number = FIRST_FLASH + build.machine.cpus + unit
                check_image(build, image, unit, f"unattached/device[{number}]", FLASH_SIZE)
            flash = add_chip(build, name, FLASH_SIZE, image, system, at)
            if unit == 0:
                alias = MemoryRegion.window("vexpress.flashalias", flash, 0, FLASH_SIZE)
                system.add(alias, FLASH_ALIAS)
        _add_ram(build, "vexpress.sram", SRAM_SIZE, SRAM, "static RAM")
        _add_ram(build, "vexpress.vram", VRAM_SIZE, VRAM, "video RAM")
        _add_windows(build)

    def add_address_spaces(self, build: Build) -> None:
        super().add_address_spaces(build)
        if build.machine.flag("secure", True):
            # Secure code sees what all see.
            build.address_spaces += cpu_spaces("cpu-secure-memory", build, build.system)


def _add_ram(build: Build, name: str, size: int, at: int, what: str) -> None:
    block = build.ram.allocate(size, idstr=name, region_name=name, owner="/machine")
    region = MemoryRegion(name, size, "ram", block=block)
    build.system.add(region, at)
    build.frontends.append(Frontend("machine", None, what, None, (block,), (region,)))


def _add_windows(build: Build) -> None:
    """The fixed windows; the GIC has one more for each CPU that may run guests."""
    machine, wanted = build.machine, set()
    guests = machine.flag("virtualization", True) and check_cpu(build).guests
    if guests:
        wanted.add("virtualization")
    if has_own_nic(build):
        wanted.add("nic")
    # Both programs have the same board.
    regions = add_fixed_windows(f"arm-{build.qemu.version}", "vexpress-a15", frozenset(wanted), build.system)
    if guests:
        gic = regions["a15mp-priv-container"]
        for cpu in range(1, machine.cpus):
            view = MemoryRegion("gic_viface", GUEST_VIEW_SIZE, "i/o")
            gic.add(view, GUEST_VIEW + cpu * GUEST_VIEW_SIZE)
