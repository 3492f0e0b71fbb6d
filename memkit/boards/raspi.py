"""The board ``raspi3b``: a Raspberry Pi 3B, whose RAM is 1 GiB and nothing else.

RAM begins at 0, and the last 16 MiB of it lie behind the devices of the system on a chip.

Source: raspi_machine_init and raspi_machine_class_common_init in hw/arm/raspi.c, bcm2836_realize in
hw/arm/bcm2836.c, hw/arm/bcm2835_peripherals.c (QEMU 5.2, 7.2, 10.0, 11.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from memkit.boards.arm_cpus import check_cpu, cpu_spaces
from memkit.boards.board import GIB, Board, refuse_here
from memkit.boards.fixed_windows import add_fixed_windows
from memkit.memory.flatview import AddressSpace
from memkit.memory.region import MemoryRegion

if TYPE_CHECKING:
    from memkit.boards.build import Build
    from memkit.boards.machine import Machine

__all__ = ["OldRaspi3b", "Raspi3b"]

PERIPHERALS, MAILBOX_SIZE = 0x7E00_0000, 0x90


class Raspi3b(Board):
    """``raspi3b`` for aarch64, with the four CPUs of its chip."""

    family = "raspi3b"
    targets = ("aarch64",)
    default_ram = GIB
    default_cpus = 4
    min_cpus = 4
    takes_system = False
    drive_interface = "sd"
    places: ClassVar[Mapping[str, int]] = {"sd": 1}
    releases = "9.0"
    buses = (("sd-bus", "sd-bus"), ("usb-bus.0", "usb-bus"), ("spi", "SSI"),
             *((f"i2c-bus.{n}", "i2c-bus") for n in range(3)))

    def ram_id(self, machine: Machine) -> str:
        return "ram"

    def check_cpu(self, build: Build) -> None:
        # The chip has its own CPUs, whatever -cpu says; but the word must be a model.
        if build.config.flag("cpu"):
            check_cpu(build)

    def build_memory(self, build: Build, ram: MemoryRegion) -> None:
        """RAM, and the devices in front of its end; raises Refused for another size of RAM."""
        if build.machine.ram_size != GIB:
            raise refuse_here(
                "Invalid RAM size, should be 1 GiB", "RAM is soldered onto this board.",
                "use -m 1G, or leave out -m", "raspi_machine_init, hw/arm/raspi.c, QEMU 7.2",
                build.config.last("m"),
            )
        build.system.add(ram, 0)
        regions = add_fixed_windows(build.program, self.family, frozenset(), build.system)
        build.address_spaces += _chip_spaces(ram, regions["bcm2835-peripherals"])

    def add_address_spaces(self, build: Build) -> None:
        super().add_address_spaces(build)
        build.address_spaces += cpu_spaces("cpu-secure-memory", build, build.system)


def _chip_spaces(ram: MemoryRegion, peripherals: MemoryRegion) -> list[AddressSpace]:
    """What the graphics processor and the devices of the chip see: RAM four times, and the peripherals."""
    gpu = MemoryRegion("bcm2835-gpu", 4 * GIB)
    for number in range(4):
        alias = MemoryRegion.window("bcm2835-gpu-ram-alias[*]", ram, 0, ram.size)
        gpu.add(alias, number * GIB)
    gpu.add(MemoryRegion.window(peripherals.name, peripherals, 0, peripherals.size), PERIPHERALS, 1)
    mailbox = MemoryRegion("bcm2835-mbox", MAILBOX_SIZE)
    for name, at in (("bcm2835-fb", 0x10), ("bcm2835-property", 0x80)):
        mailbox.add(MemoryRegion(name, 0x10, "i/o"), at)
    names = ("bcm2835-dma-memory", "bcm2835-fb-memory", "bcm2835-property-memory", "dwc2")
    return [*(AddressSpace(name, gpu) for name in names), AddressSpace("bcm2835-mbox-memory", mailbox)]


class OldRaspi3b(Raspi3b):
    """``raspi3b`` of releases that have no model of the chip's I2C and SPI."""

    releases = "<9.0"
    buses = (("sd-bus", "sd-bus"), ("usb-bus.0", "usb-bus"))
