"""The ACPI tables that QEMU writes for the guest: three resizeable RAMBlocks behind the others.

The guest's firmware fetches them as files from QEMU.  Their blocks have room to grow:
*used* is what the tables fill, *total* what is reserved.

Source: acpi_setup and acpi_build in hw/i386/acpi-build.c, hw/i386/acpi-microvm.c,
acpi_add_rom_blob in hw/acpi/utils.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Mapping

from memkit.boards.acpi_tables import TABLE_DEVICES, acpi_tables, microvm_bytes
from memkit.boards.bridges import EXPANDERS
from memkit.boards.build import Build
from memkit.memory.device import Frontend

__all__ = ["TABLE_UNIT", "add_acpi_tables", "add_table_blocks"]

TABLES_MAX, RSDP_MAX = 0x200000, 0x1000
TABLE_UNIT = 0x20000
LOADER_UNIT = PAGE = 0x1000
# What the oldest machine types say that their byte code takes, so that the size never changes
# (legacy_acpi_table_size in hw/i386/pc_piix.c), and what surrounds it; measured where it crosses a page.
LEGACY_CODE: dict[tuple[int, ...], int] = {(1, 7): 6414, (2, 0): 6652}
LEGACY_REST, LEGACY_PER_CPU, LEGACY_HPET = 336, 105, 60
LEGACY_NUMA, LEGACY_PER_NODE, LEGACY_PER_NUMA_CPU = 132, 40, 16
LEGACY_UNIT = 0x1000


def add_acpi_tables(build: Build) -> None:
    """Allocate the blocks of the tables, the table loader and the RSDP, if the machine has ACPI."""
    machine, facts = build.machine, build.machine.facts
    if not machine.flag("acpi", True) or not facts.acpi_tables:
        return
    if machine.family == "microvm":
        used, loader = _microvm_pages(build), LOADER_UNIT
    elif _surely_small(build):
        used, loader = TABLE_UNIT, LOADER_UNIT
    else:
        tables = acpi_tables(build)
        size = sum(tables.values())
        used, limit = -(-size // TABLE_UNIT) * TABLE_UNIT, TABLE_UNIT // 2
        if facts.acpi_legacy_size:
            # However much there is, it is cut or filled to this length.
            used = limit = -(-_legacy_size(build) // LEGACY_UNIT) * LEGACY_UNIT
        if size > limit and _warns(build):
            build.warnings.append(
                f"warning: ACPI table size {size} exceeds {limit} bytes, migration may not work\n"
                "Try removing CPUs, NUMA nodes, memory slots or PCI bridges."
            )
        loader = -(-128 * _loader_commands(build, tables) // LOADER_UNIT) * LOADER_UNIT
    add_table_blocks(build, used, loader, rsdp=facts.rsdp_block)


def add_table_blocks(build: Build, used: int, loader: int, *, rsdp: bool = True) -> None:
    """Allocate the blocks of tables and table loader, of which that many bytes are used, and of the RSDP."""
    reserved = max(build.qemu.table_loader_max, loader)
    names = [("etc/acpi/tables", used, TABLES_MAX), ("etc/table-loader", loader, reserved)]
    if rsdp:
        names.append(("etc/acpi/rsdp", RSDP_MAX, RSDP_MAX))
    blocks = []
    for name, length, maximum in names:
        block = build.ram.allocate(
            maximum, idstr=f"/rom@{name}", region_name=f"/rom@{name}", purpose="table",
            owner="fw_cfg", readonly=True, resizeable=length < maximum,
        )
        block.used_length = build.ram.whole(length)
        blocks.append(block)
    build.frontends.append(Frontend("fw_cfg", None, "ACPI tables", None, tuple(blocks)))


def _microvm_pages(build: Build) -> int:
    """The bytes of the pages that a microvm's tables take: one, unless much is described."""
    machine = build.machine
    bound = 1000 + 16 * machine.max_cpus + 110 * len(build.config.devices)
    if bound <= PAGE and not machine.flag("pcie", False):
        return PAGE
    return -(-microvm_bytes(build) // PAGE) * PAGE


def _surely_small(build: Build) -> bool:
    """True if the tables are far from the first limit, so that nobody need count them.

    The bounds are generous: no CPU, slot or device takes as much.
    """
    machine = build.machine
    if machine.facts.acpi_legacy_size:
        return False
    bound = (
        12000 + 160 * machine.max_cpus + (560 if machine.flag("nvdimm", False) else 140) * machine.slots
        + 200 * len(build.pci_functions) + 200 * build.numa_count ** 2
    )
    for spec in build.config.devices:
        if spec.driver in TABLE_DEVICES:
            return False
        if spec.driver == "pc-dimm":
            # Its slot is described, whether it is empty or not.
            continue
        bound += 2500 if spec.driver in EXPANDERS else 400
    return bound <= TABLE_UNIT // 2


def _warns(build: Build) -> bool:
    """True if QEMU complains of large tables; types since 2.3 can migrate them all the same."""
    qemu = build.qemu
    return qemu.acpi_size_warning and (qemu.acpi_any_type_warned or build.machine.version < (2, 3))


def _legacy_size(build: Build) -> int:
    """The bytes that machine types before 2.1 reserve for the tables."""
    machine, nodes = build.machine, build.numa_count
    size = LEGACY_CODE[machine.version] + LEGACY_REST + LEGACY_PER_CPU * machine.max_cpus
    size -= 0 if machine.flag("hpet", True) else LEGACY_HPET
    if nodes:
        size += LEGACY_NUMA + LEGACY_PER_NODE * nodes + LEGACY_PER_NUMA_CPU * machine.max_cpus
    return size


def _loader_commands(build: Build, tables: Mapping[str, int]) -> int:
    """How many commands of 128 bytes the table loader holds: a pointer and a checksum for most tables."""
    found = 6 + 2 * (len(tables) - 2) + (build.machine.family == "q35")
    # These tell the firmware to reserve memory for them, too.
    if any(spec.driver == "vmgenid" for spec in build.config.devices):
        found += 3
    return found + 2 * (build.machine.flag("nvdimm", False) and build.machine.slots > 0)
