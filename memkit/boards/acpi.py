"""The ACPI tables that QEMU writes for the guest: three resizeable RAMBlocks behind the others.

The guest's firmware fetches them as files from QEMU.  Their blocks have room to grow:
*used* is what the tables fill, *total* what is reserved.

Source: acpi_setup and acpi_build in hw/i386/acpi-build.c, hw/i386/acpi-microvm.c,
acpi_add_rom_blob in hw/acpi/utils.c (QEMU 7.2).  The coefficients below were measured on QEMU
7.2 by its own warning "ACPI table size N exceeds 65536 bytes".
"""

from __future__ import annotations

from memkit.boards.bridges import is_bridge
from memkit.boards.build import Build
from memkit.boards.graphics import VGA_DEVICES
from memkit.boards.pci import PciBus
from memkit.boards.ports import default_features, parallel_ports, serial_ports
from memkit.memory.device import Frontend

__all__ = ["add_acpi_tables", "table_size"]

TABLES_MAX, RSDP_MAX = 0x200000, 0x1000
TABLE_UNIT = 0x20000
LOADER_UNIT = 0x1000
# Measured bytes: what a board's own tables take, and what each CPU, slot and device adds.
BASE = {"pc": 5673, "q35": 10525}
PER_CPU, PER_NVDIMM_SLOT, PER_HOTPLUG_SLOT, PER_NVDIMM, PER_NODE = 116, 517, 120, 228, 40
# A PCI device in front of all bridges, a graphics card, a bridge, a device behind one.
PER_DEVICE, PER_CARD, PER_BRIDGE, PER_DEVICE_BEHIND = 17, 44, 34, 13
HPET, PORT, I8042, PCI_HOTPLUG = 202, 52, 92, 498
# Before 2.7 CPUs are plugged in another way (legacy_cpu_hotplug in hw/i386/pc.c).
PER_LEGACY_CPU = 73
OTHERS = {"vmgenid": 206, "pvpanic": 101, "isa-fdc": 80, "acpi-erst": 916, "pxb": 195, "pxb-pcie": 347,
          "intel-iommu": 108}
# What the oldest machine types say that their byte code takes, so that the size never changes
# (legacy_acpi_table_size in hw/i386/pc_piix.c), and what surrounds it; measured where it crosses a page.
LEGACY_CODE: dict[tuple[int, ...], int] = {(1, 7): 6414, (2, 0): 6652}
LEGACY_REST, LEGACY_PER_CPU, LEGACY_HPET = 336, 105, 60
LEGACY_NUMA, LEGACY_PER_NODE, LEGACY_PER_NUMA_CPU = 132, 40, 16
LEGACY_UNIT = 0x1000
OWN = frozenset(("i440FX", "PIIX3", "mch", "ICH9-LPC"))


def table_size(build: Build) -> int:
    """The bytes that the tables fill, to within some dozens (before rounding up)."""
    machine = build.machine
    per_slot = PER_NVDIMM_SLOT if machine.flag("nvdimm", False) else PER_HOTPLUG_SLOT
    nvdimms = sum(d.kind == "nvdimm" for d in build.memory_devices)
    ports = len(serial_ports(build)) + len(parallel_ports(build))
    per_cpu = PER_CPU if machine.version >= (2, 7) else PER_LEGACY_CPU
    functions = build.pci_functions
    if "pci-hotplug" not in default_features(machine.qemu.version, machine.family, machine.version):
        functions = []
    return (
        BASE[machine.family] + per_cpu * (machine.max_cpus - 1) + per_slot * machine.slots
        + PER_NVDIMM * nvdimms + PER_NODE * max(build.numa_count - 1, 0) + PORT * ports
        - (0 if machine.flag("hpet", True) else HPET) - (0 if machine.flag("i8042", True) else I8042)
        + sum(OTHERS.get(spec.driver, 0) for spec in build.config.devices)
        + sum(_device_size(build, driver, bus) for driver, bus, devfn in functions if devfn & 7 == 0)
        - (0 if functions else PCI_HOTPLUG)
    )


def _device_size(build: Build, driver: str, bus: PciBus) -> int:
    """The bytes that describe a PCI device; those of the board itself count as part of it."""
    if driver in OWN:
        return 0
    if not bus.is_root:
        return PER_DEVICE_BEHIND
    if is_bridge(build.qemu.version, driver):
        return PER_BRIDGE
    return PER_CARD if driver in VGA_DEVICES else PER_DEVICE


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
            used = -(-_legacy_size(build) // LEGACY_UNIT) * LEGACY_UNIT
        elif size > TABLE_UNIT // 2:
            build.warnings.append(
                f"warning: ACPI table size {size} (estimated) exceeds {TABLE_UNIT // 2} bytes, "
                "migration may not work"
            )
        loader = -(-128 * _loader_commands(build) // LOADER_UNIT) * LOADER_UNIT
    names = [("etc/acpi/tables", used, TABLES_MAX), ("etc/table-loader", loader, max(build.qemu.table_loader_max, loader))]
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


def _legacy_size(build: Build) -> int:
    """The bytes that machine types before 2.1 reserve for the tables."""
    machine, nodes = build.machine, build.numa_count
    size = LEGACY_CODE[machine.version] + LEGACY_REST + LEGACY_PER_CPU * machine.max_cpus
    size -= 0 if machine.flag("hpet", True) else LEGACY_HPET
    if nodes:
        size += LEGACY_NUMA + LEGACY_PER_NODE * nodes + LEGACY_PER_NUMA_CPU * machine.max_cpus
    return size


def _loader_commands(build: Build) -> int:
    """How many commands of 128 bytes the table loader holds: a pointer and a checksum a table."""
    machine = build.machine
    tables = 5 + (machine.family == "q35") + machine.flag("hpet", True)
    tables += 2 * bool(build.numa_count) + 2 * machine.flag("nvdimm", False) + machine.flag("hmat", False)
    return 8 + 2 * tables
