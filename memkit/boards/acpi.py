"""The ACPI tables that QEMU writes for the guest: three resizeable RAMBlocks behind the others.

The guest's firmware fetches them as files from QEMU.  Their blocks have room to grow:
*used* is what the tables fill, *total* what is reserved.

Source: acpi_setup and acpi_build in hw/i386/acpi-build.c, hw/i386/acpi-microvm.c,
acpi_add_rom_blob in hw/acpi/utils.c (QEMU 7.2).  The coefficients below were measured on QEMU
7.2 by its own warning "ACPI table size N exceeds 65536 bytes".
"""

from __future__ import annotations

from memkit.boards.build import Build
from memkit.memory.device import Frontend

__all__ = ["add_acpi_tables", "table_size"]

TABLES_MAX, LOADER_MAX, RSDP_MAX = 0x200000, 0x10000, 0x1000
TABLE_UNIT = 0x20000
LOADER_UNIT = 0x1000
# Measured bytes: what a board's own tables take, and what each CPU, slot and device adds.
BASE = {"pc": 5672, "q35": 10524}
PER_CPU, PER_NVDIMM_SLOT, PER_HOTPLUG_SLOT, PER_NVDIMM = 116, 517, 130, 228
LEGACY_USED = 0x2000


def table_size(build: Build) -> int:
    """The bytes that the tables fill, to within a few hundred (before rounding up)."""
    machine = build.machine
    per_slot = PER_NVDIMM_SLOT if machine.flag("nvdimm", False) else PER_HOTPLUG_SLOT
    nvdimms = sum(d.kind == "nvdimm" for d in build.memory_devices)
    return (
        BASE[machine.family] + PER_CPU * (machine.max_cpus - 1) + per_slot * machine.slots
        + PER_NVDIMM * nvdimms
    )


def add_acpi_tables(build: Build) -> None:
    """Allocate the blocks of the tables, the table loader and the RSDP, if the machine has ACPI."""
    machine, facts = build.machine, build.machine.facts
    if not machine.flag("acpi", True) or not facts.acpi_tables:
        return
    if machine.family == "microvm":
        used, loader = 0x1000, LOADER_UNIT
    else:
        size = table_size(build)
        used = -(-size // TABLE_UNIT) * TABLE_UNIT
        if facts.acpi_legacy_size:
            used = LEGACY_USED
        elif size > TABLE_UNIT // 2:
            build.warnings.append(
                f"warning: ACPI table size {size} (estimated) exceeds {TABLE_UNIT // 2} bytes, "
                "migration may not work"
            )
        loader = -(-128 * _loader_commands(build) // LOADER_UNIT) * LOADER_UNIT
    names = [("etc/acpi/tables", used, TABLES_MAX), ("etc/table-loader", loader, LOADER_MAX)]
    if facts.rsdp_block:
        names.append(("etc/acpi/rsdp", RSDP_MAX, RSDP_MAX))
    blocks = []
    for name, length, maximum in names:
        block = build.ram.allocate(
            maximum, idstr=f"/rom@{name}", region_name=f"/rom@{name}", purpose="table",
            owner="fw_cfg", readonly=True, resizeable=length < maximum,
        )
        block.used_length = length
        blocks.append(block)
    build.frontends.append(Frontend("fw_cfg", None, "ACPI tables", None, tuple(blocks)))


def _loader_commands(build: Build) -> int:
    """How many commands of 128 bytes the table loader holds: a pointer and a checksum a table."""
    machine = build.machine
    tables = 5 + (machine.family == "q35") + machine.flag("hpet", True)
    tables += 2 * bool(build.numa_count) + 2 * machine.flag("nvdimm", False) + machine.flag("hmat", False)
    return 8 + 2 * tables
