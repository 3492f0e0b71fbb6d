"""The ACPI tables of Arm's ``virt``: three RAMBlocks that firmware fetches as files.

Tables are there unless ``acpi=off``, with firmware or without.  Since 6.0 their block is used in units of
128 KiB, which one unit nearly always is enough for; before, it was used up to the page where the tables end.
Sizes and commands were read off the memory of paused QEMUs.

Source: virt_acpi_setup and virt_acpi_build in hw/arm/virt-acpi-build.c (QEMU 5.2, 7.2, 10.0, 11.1).
"""

from __future__ import annotations

from memkit.boards.acpi import TABLE_UNIT, add_table_blocks
from memkit.boards.board import refuse_here
from memkit.boards.build import Build
from memkit.boards.topology import Topology
from memkit.versions import holds

__all__ = ["add_acpi"]

PAGE = 0x1000
COMMAND = 128
# Where the program ends itself for want of the device that tells of events, by release.
_ASSERTED = {"5.2": "../../hw/arm/virt-acpi-build.c:834", "7.2": "../../hw/arm/virt-acpi-build.c:1144",
             "10.0": "hw/arm/virt-acpi-build.c:1115"}


def add_acpi(build: Build, *, events: bool) -> None:
    """Allocate the blocks of the tables, the table loader and the RSDP, if the machine has ACPI.

    ``events``: a device tells the guest of them (acpi-ged).  Raises Refused.
    """
    machine = build.machine
    if not machine.flag("acpi", True):
        return
    if machine.flag("ras", False) and not events:
        where = _ASSERTED.get(build.qemu.version)
        raise refuse_here(
            f"{where}: virt_acpi_setup: Assertion `vms->acpi_dev' failed." if where else "Segmentation fault",
            "Errors are told through the device for ACPI events, which takes firmware. QEMU aborts instead "
            "of refusing.", "add -bios FILE and a 64-bit CPU, or leave out ras=on",
            "virt_acpi_setup, hw/arm/virt-acpi-build.c, QEMU 7.2", build.config.last("machine"),
        )
    size = _size(build, events=events)
    unit = TABLE_UNIT if holds(build.qemu.version, "6.0") else PAGE
    loader = -(-COMMAND * _commands(build) // PAGE) * PAGE
    add_table_blocks(build, -(-size // unit) * unit, loader)


def _plugged_nvdimms(build: Build) -> int:
    return sum(device.kind == "nvdimm" for device in build.memory_devices)


def _size(build: Build, *, events: bool) -> int:
    """The bytes of all tables as 5.2 and 7.2 write them; others write up to a hundred less or more."""
    machine, version = build.machine, build.machine.version
    cpus, slots, nvdimm = machine.cpus, machine.slots, machine.flag("nvdimm", False)
    # A name and a number for each CPU, and its interrupts.
    size = 5840 + (28 + 76) * cpus + max(cpus - 2, 0)
    size += 102 if version < (5, 1) else 0  # flash
    if machine.words.get("gic-version", "2") != "2":
        # No frame for message interrupts, but an ITS since 6.2.
        size += 12 if holds(build.qemu.version, "6.2") else -8
    size -= 0 if machine.flag("highmem", True) else 50
    if events and slots:
        size += 968 + 123 * slots
    if build.numa_count:
        # Affinity of CPUs, nodes and device memory; a pointer.
        size += 56 + 18 * cpus + 40 * (build.numa_count + (build.device_memory is not None))
    if _distances(build):
        size += 52 + build.numa_count ** 2
    if nvdimm:
        size += 24 if events else 0
        plugged = _plugged_nvdimms(build)
        # Since 7.2 each slot has methods for its label.
        size += 648 + (394 if holds(build.qemu.version, "7.2") else 32) * slots if slots else 0
        size += 48 + 224 * plugged if plugged else 0
    if holds(build.qemu.version, "6.0"):
        size += 247 + 4 * cpus
        size += _topology_size(machine.topology) if version >= (6, 2) else 0
    return size


def _topology_size(topology: Topology) -> int:
    """The bytes that tell of sockets, clusters, cores and threads (build_pptt, hw/acpi/aml-build.c)."""
    clusters = topology.sockets * topology.clusters
    cores = clusters * topology.cores
    nodes = topology.sockets + clusters + cores * (1 + topology.threads if topology.threads > 1 else 1)
    return 36 + 20 * nodes


def _commands(build: Build) -> int:
    """How many commands the table loader holds: for most tables a pointer and a checksum."""
    machine, version, qemu = build.machine, build.machine.version, build.qemu.version
    if not holds(qemu, "6.0"):
        # They fit into a page whatever there is.
        return 1
    found = 21 if holds(qemu, "11.0") else 20
    found += 2 * (version >= (2, 8)) + 2 * (version >= (6, 2))
    found += 2 * bool(build.numa_count) + 2 * _distances(build) + 2 * machine.flag("hmat", False)
    found += 2 * machine.flag("cxl", False)
    if machine.flag("nvdimm", False):
        found += 4 * bool(machine.slots) + 2 * bool(_plugged_nvdimms(build))
    found += 2 * any(spec.driver.startswith("virtio-iommu") for spec in build.config.devices)
    if machine.flag("ras", False):
        found += 10 if holds(qemu, "10.1") else 7
    return found


def _distances(build: Build) -> bool:
    """True if ``-numa dist`` says how far nodes are from each other."""
    return any(spec.type == "dist" for spec in build.config.iter_numa())
