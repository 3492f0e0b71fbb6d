"""How many bytes the ACPI tables of a guest fill, table by table.

A table is a list of records, so most sizes are a head and a product.  Two of them, DSDT and SSDT, hold byte
code: QEMU writes a piece of it for each CPU, memory slot, PCI slot and port.  How long such a piece is was
measured in every release; how many there are follows from the command line.

Source: data/acpi/x86_64-VERSION.json; acpi_build in hw/i386/acpi-build.c, build_srat_memory and build_slit in
hw/acpi/aml-build.c, nvdimm_build_acpi in hw/acpi/nvdimm.c, hw/acpi/hmat.c, hw/acpi/cxl.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from memkit.boards import catalog
from memkit.boards.acpi_pci import DECLARED, number, packed, pci_bytes
from memkit.boards.apic_ids import apic_id
from memkit.boards.bridges import EXPANDERS
from memkit.boards.build import Build
from memkit.boards.ports import parallel_ports, serial_ports
from memkit.boards.recorded import load

__all__ = ["TABLE_DEVICES", "acpi_tables", "microvm_bytes"]

FACS, FACP = 64, {"pc": 116, "q35": 244}
APIC, HPET, WAET, VMGENID = 112, 56, 40, 202
RSDT, POINTER = 36, 4
# CPUs that an eight-bit APIC id cannot name have longer records.
SHORT_IDS = 255
SRAT, AFFINITY, SRAT_CPU, SRAT_LONG_CPU = 48, 40, 16, 24
SLIT, HMAT, HMAT_NODE, HMAT_LIST, HMAT_CACHE = 44, 40, 40, 32, 32
NFIT, NFIT_DEVICE = 40, 184
VIOT_HOST, ATS = 24, 8
CEDT, CEDT_BRIDGE, CEDT_WINDOW = 36, 32, 40
NVDIMM = 20
# The method that tells which CPU has come or is to go, with one CPU; the scope around it before 2.7.
CPU_METHOD, LEGACY_SCOPE = 16, 387
LONG_DEVICE = 24
_POWER = {"pc": "PIIX4_PM", "q35": "ICH9-LPC"}
_ON = ("on", "yes", "true", "y", True)
_SLEEP = {"disable_s3": 12, "disable_s4": 14}
_TABLES = {"acpi-erst": "ERST", "amd-iommu": "IVRS", "intel-iommu": "DMAR", "virtio-iommu-pci": "VIOT"}
# Devices with a table of their own.
TABLE_DEVICES = frozenset((*_TABLES, "vmgenid"))


def acpi_tables(build: Build) -> dict[str, int]:
    """The tables of a pc or q35 by name, with their bytes; the sum is what the firmware gets.

    >>> from memkit.boards.boot_x86 import build_x86
    >>> from memkit.config import parse
    >>> from memkit.host import Host
    >>> build, _ = build_x86(parse("-M pc -nodefaults"), Host())
    >>> acpi_tables(build)
    {'FACS': 64, 'DSDT': 3346, 'FACP': 116, 'APIC': 120, 'HPET': 56, 'WAET': 40, 'RSDT': 52}
    """
    machine, cpus = build.machine, build.machine.max_cpus
    pieces = load("acpi", machine.qemu.version)
    long_ids = _long_ids(build)
    drivers = [spec.driver for spec in build.config.devices]
    found = {
        "FACS": FACS, "DSDT": _dsdt(build, pieces, drivers, long_ids), "FACP": FACP[machine.family],
        "APIC": APIC + 8 * (cpus + long_ids) + (6 if long_ids else 0),
    }
    if "vmgenid" in drivers:
        found["SSDT VMGENID"] = VMGENID
    if machine.flag("nvdimm", False) and machine.slots:
        first, each, last = pieces["nvdimm_ssdt"]
        code: int = first + each * (machine.slots - 1)
        found["SSDT NVDIMM"] = code + (2 if code > 4095 else 0) + (last if machine.slots > 255 else 0)
    if machine.flag("hpet", True):
        found["HPET"] = HPET
    nvdimms = [d.kind for d in build.memory_devices].count("nvdimm")
    if build.numa_count:
        _add_numa(build, found, long_ids, nvdimms)
    if nvdimms:
        found["NFIT"] = NFIT + NFIT_DEVICE * nvdimms
    if drivers:
        found |= {_TABLES[d]: size + _entries(build, d, pieces)
                  for d, size in pieces["tables"].items() if d in drivers}
    if machine.flag("cxl", False):
        windows = sum(key.endswith(".size") for key in build.config.machine if key.startswith("cxl-fmw."))
        found["CEDT"] = CEDT + CEDT_BRIDGE * drivers.count("pxb-cxl") + CEDT_WINDOW * windows
    found["WAET"] = WAET
    # It points at all others but FACS and DSDT.
    found["RSDT"] = RSDT + POINTER * (len(found) - 2)
    return found


def microvm_bytes(build: Build) -> int:
    """The bytes of a microvm's tables: few devices are described, of PCI no more than the host bridge.

    >>> from memkit.boards.boot_x86 import build_x86
    >>> from memkit.config import parse
    >>> from memkit.host import Host
    >>> build, _ = build_x86(parse("-M microvm"), Host())
    >>> microvm_bytes(build)
    738
    """
    machine = build.machine
    pieces = load("acpi", machine.qemu.version)["microvm"]
    long_ids = _long_ids(build)
    size: int = pieces["board"] + 8 * (machine.max_cpus + long_ids) + (6 if long_ids else 0)
    for name, default in (("rtc", True), ("ioapic2", True), ("usb", False), ("pcie", False)):
        size += pieces.get(name, 0) if machine.flag(name, default) else 0
    drivers = [spec.driver for spec in build.config.devices]
    size += sum(pieces.get(driver, 0) for driver in ("pvpanic", "acpi-erst") if driver in drivers)
    if "isa-serial" in drivers or (serial_ports(build) and machine.flag("isa-serial", True)):
        size += pieces["serial"]
    # The first two transports, which are taken last, have numbers that take a byte less.
    taken = sum(driver.startswith("virtio-") and driver.endswith("-device") for driver in drivers)
    return size + int(pieces["transport"]) * taken - max(taken - int(pieces["transports"]) + 2, 0)


def _entries(build: Build, driver: str, pieces: Mapping[str, Any]) -> int:
    """What the table of an IOMMU says of the devices in front of bridges, and of bridges."""
    found, sizes = build.config.devices, pieces["entries"]
    if driver not in sizes:
        hosts = 1 + sum(spec.driver in EXPANDERS for spec in found)
        return VIOT_HOST * hosts if driver == "virtio-iommu-pci" else 0
    count, each = 0, int(sizes[driver])
    for name, bus, _ in build.pci_functions:
        if bus.is_root:
            # What is behind a bridge is a range: two ends, and an alias of conventional devices.
            behind = catalog.secondary_bus(build.program, name) if driver == "amd-iommu" else None
            count += 1 if behind is None or name in EXPANDERS else 3 if behind.express else 4
            count += pieces["pci"]["virtual_functions"].get(name, 0)
    iotlb = driver == "intel-iommu" and any(spec.props.get("device-iotlb") in _ON for spec in found)
    return each * count + (ATS if iotlb else 0)


def _add_numa(build: Build, found: dict[str, int], long_ids: int, nvdimms: int) -> None:
    """Which node CPUs and memory belong to, how far nodes are apart, how fast their memory is."""
    nodes, cpus = build.numa_count, build.machine.max_cpus
    # The hole below 1 MiB splits the first node, that below 4 GiB perhaps another; then QEMU fills up.
    used = sum(size > 0 for size in build.node_sizes) + 1 + _across_hole(build)
    memory = max(used + nvdimms, nodes + 2) + (build.device_memory is not None)
    found["SRAT"] = SRAT + SRAT_CPU * (cpus - long_ids) + SRAT_LONG_CPU * long_ids + AFFINITY * memory
    given = [option.value or "" for option in build.config.all("numa")]
    if not given:
        return
    if any(text.startswith("dist") for text in given):
        found["SLIT"] = SLIT + nodes * nodes
    if build.machine.flag("hmat", False):
        lists = {_kind(text) for text in given if text.startswith("hmat-lb")}
        caches = sum(text.startswith("hmat-cache") for text in given)
        # Who asks, a node with CPUs, and who is asked.
        asking = len(set(build.cpu_nodes.values()))
        each = HMAT_LIST + 4 * (asking + nodes) + 2 * asking * nodes
        found["HMAT"] = HMAT + HMAT_NODE * nodes + each * len(lists) + HMAT_CACHE * caches


def _across_hole(build: Build) -> bool:
    """True if a node has memory on both sides of the hole below 4 GiB."""
    below = build.ram_below_4g
    return below < build.machine.ram_size and below not in accumulate(build.node_sizes)


def _kind(text: str) -> tuple[str, ...]:
    """What a list of latencies or bandwidths is of: only one list of a kind is written."""
    return tuple(sorted(w for w in text.split(",") if w.startswith(("hierarchy=", "data-type="))))


def _dsdt(build: Build, pieces: Mapping[str, Any], drivers: list[str], long_ids: int) -> int:
    machine = build.machine
    sizes = pieces["dsdt"][machine.family]
    size: int = next(n for since, n in sizes if machine.version >= tuple(since))
    # Before 2.7 CPUs are plugged in another way (legacy_cpu_hotplug in hw/i386/pc.c).
    modern = machine.version >= (2, 7)
    if modern:
        told = sum(DECLARED + number(node) for node in build.cpu_nodes.values())
        size += _cpus(machine.max_cpus, told + LONG_DEVICE * long_ids, *pieces["cpus"])
    else:
        size += _legacy_cpus(machine.max_cpus, apic_id(machine.topology, machine.max_cpus - 1) + 1)
    size += _slots(machine.slots) + (NVDIMM if machine.flag("nvdimm", False) else 0)
    isa = _ports(pieces["serial"], serial_ports(build), drivers.count("isa-serial"))
    isa += _ports(pieces["parallel"], parallel_ports(build), drivers.count("isa-parallel"))
    isa += _floppies(build, pieces["isa"]) + sum(pieces["isa"].get(driver, 0) for driver in drivers)
    for name, lost in pieces["switches"][machine.family].items() if machine.flags else ():
        if not machine.flag(name, True):
            # The keyboard controller is a device of the ISA bridge.
            isa, size = (isa - lost, size) if name == "i8042" else (isa, size - lost)
    for driver, name, value in build.config.globals:
        if driver == _POWER[machine.family] and value in ("1", "on"):
            size -= _SLEEP.get(name, 0)
    return size + pci_bytes(build, pieces, isa)


def _ports(pieces: list[int], names: list[str], more: int) -> int:
    """The bytes for ports of one kind; the first one's number takes a byte less than the others'."""
    if not more and len(names) < 2 and not (names and names[0][-1].isdigit()):
        return pieces[0] if names else 0
    used = {int(name[-1]) - 1 if name[-1].isdigit() else 0 for name in names}
    free = [number for number in range(len(pieces)) if number not in used]
    return sum(pieces[number] for number in (*used, *free[:more]))


def _floppies(build: Build, pieces: Mapping[str, int]) -> int:
    """The bytes for floppy drives: pc has one unless it is taken away, q35 a controller where it has one."""
    config = build.config
    drives = [drive.interface for drive in config.drives].count("floppy")
    if build.machine.family == "pc":
        return pieces["floppy"] * (drives or not config.flag("nodefaults"))
    return pieces["floppy"] * drives + (pieces["isa-fdc"] if drives else 0)


def _cpus(count: int, more: int, device: int, scope: int) -> int:
    """The bytes that CPUs add to those of one; ``more`` is what their devices have beside the usual.

    With one CPU, all of them are in a device of ``device`` bytes, in a scope of ``scope``.
    """
    # Numbers from 256 on are longer, 0 and 1 are shorter.
    high, low = max(count - 256, 0), min(count - 1, 1)
    method = CPU_METHOD + 12 * (count - 1) - low + high
    inside = device + packed(method) - packed(CPU_METHOD) + 74 * (count - 1) - 2 * low + more
    inside += max(count - 255, 0) + 3 * high
    return packed(scope + packed(inside) - packed(device)) - packed(scope)


def _legacy_cpus(count: int, ids: int) -> int:
    """The same for the way of plugging CPUs before 2.7, which lists all APIC ids up to the last one."""
    low = min(count - 1, 1)
    method = packed(CPU_METHOD + 12 * (count - 1) - low) - packed(CPU_METHOD)
    inside = method + 58 * (count - 1) - 4 * low + packed(ids + 1) - packed(2)
    return packed(LEGACY_SCOPE + inside) - packed(LEGACY_SCOPE)


def _long_ids(build: Build) -> int:
    """How many CPUs have an APIC id that takes more than eight bits, or all of them."""
    topology, count = build.machine.topology, build.machine.max_cpus
    if apic_id(topology, count - 1) < SHORT_IDS:
        return 0
    return sum(apic_id(topology, cpu) >= SHORT_IDS for cpu in range(count))


def _slots(count: int) -> int:
    """The bytes for slots of memory devices, and the controller that plugs them."""
    return 1107 + 123 * (count - 1) + sum(count >= n for n in (5, 27, 256)) if count else 0
