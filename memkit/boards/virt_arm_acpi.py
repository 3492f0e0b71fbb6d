"""The ACPI tables of Arm's ``virt``: three RAMBlocks that firmware fetches as files.

Tables are there unless ``acpi=off``, with firmware or without.

Source: virt_acpi_setup and virt_acpi_build in hw/arm/virt-acpi-build.c (QEMU 7.2).
"""

from __future__ import annotations

from memkit.boards.acpi import TABLE_UNIT, add_table_blocks
from memkit.boards.build import Build

__all__ = ["add_acpi"]

PAGE = 0x1000


def add_acpi(build: Build) -> None:
    """Allocate the blocks of the tables, the table loader and the RSDP, if the machine has ACPI."""
    if build.machine.flag("acpi", True):
        add_table_blocks(build, TABLE_UNIT, PAGE)
