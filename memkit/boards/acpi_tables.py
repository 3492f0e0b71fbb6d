"""How many bytes the ACPI tables of a guest fill, table by table.

A table is a list of records, so most sizes are a head and a product.  Two of them, DSDT and SSDT, hold byte
code: QEMU writes a piece of it for each CPU, memory slot, PCI slot and port.  How long such a piece is was
measured in every release; how many there are follows from the command line.  What depends on the place of a
piece, a byte here and there, is left out for PCI devices, not for CPUs and slots.

Source: data/acpi/x86_64-VERSION.json; acpi_build in hw/i386/acpi-build.c, build_srat_memory and build_slit in
hw/acpi/aml-build.c, nvdimm_build_acpi in hw/acpi/nvdimm.c, hw/acpi/hmat.c, hw/acpi/cxl.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memkit.boards.bridges import EXPANDERS, is_bridge
from memkit.boards.build import Build
from memkit.boards.pci import PciBus
from memkit.boards.ports import default_features, features_of, parallel_ports, serial_ports
from memkit.boards.recorded import load

__all__ = ["TABLE_DEVICES", "acpi_tables"]

FACS, FACP = 64, {"pc": 116, "q35": 244}
APIC, HPET, WAET, VMGENID = 112, 56, 40, 202
RSDT, POINTER = 36, 4
# CPUs that an eight-bit APIC id cannot name have longer records.
SHORT_IDS = 255
SRAT, AFFINITY, SRAT_CPU, SRAT_LONG_CPU = 48, 40, 16, 24
SLIT, HMAT, HMAT_NODE, HMAT_LIST, HMAT_CACHE = 44, 40, 40, 32, 32
NFIT, NFIT_DEVICE = 40, 184
CEDT, CEDT_BRIDGE, CEDT_WINDOW = 36, 32, 40
NVDIMM, PROXIMITY = 20, 6
_POWER = {"pc": "PIIX4_PM", "q35": "ICH9-LPC"}
_SLEEP = {"disable_s3": 12, "disable_s4": 14}
_TABLES = {"acpi-erst": "ERST", "amd-iommu": "IVRS", "intel-iommu": "DMAR", "virtio-iommu-pci": "VIOT"}
# Devices with a table of their own.
TABLE_DEVICES = frozenset((*_TABLES, "vmgenid"))
# Ports have one slot behind them, conventional bridges 32.
_PORTS = frozenset(("cxl-downstream", "cxl-rp", "cxl-upstream", "ioh3420", "pcie-root-port", "x3130-upstream",
                    "xio3130-downstream"))
# What the board itself always has is part of its own byte code.
_OWN = frozenset((
    ("i440FX", 0), ("PIIX3", 8), ("piix4-isa", 8), ("piix3-ide", 9), ("piix4-ide", 9), ("PIIX4_PM", 11),
    ("mch", 0), ("ICH9-LPC", 0xF8), ("ich9-ahci", 0xFA), ("ICH9-SMB", 0xFB), ("ICH9 SMB", 0xFB),
))


def acpi_tables(build: Build) -> dict[str, int]:
    """The tables of a pc or q35 by name, with their bytes; the sum is what the firmware gets.

    >>> from memkit.boards.boot_x86 import build_x86
    >>> from memkit.config import parse
    >>> from memkit.host import Host
    >>> build, _ = build_x86(parse("-M pc -nodefaults"), Host())
    >>> acpi_tables(build)
    {'FACS': 64, 'DSDT': 6333, 'FACP': 116, 'APIC': 120, 'HPET': 56, 'WAET': 40, 'RSDT': 52}
    """
    machine, cpus = build.machine, build.machine.max_cpus
    pieces = load("acpi", machine.qemu.version)
    long_ids = max(cpus - SHORT_IDS, 0)
    drivers = [spec.driver for spec in build.config.devices]
    found = {
        "FACS": FACS, "DSDT": _dsdt(build, pieces, drivers), "FACP": FACP[machine.family],
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
        found |= {_TABLES[d]: size for d, size in pieces["tables"].items() if d in drivers}
    if machine.flag("cxl", False):
        windows = sum(key.endswith(".size") for key in build.config.machine if key.startswith("cxl-fmw."))
        found["CEDT"] = CEDT + CEDT_BRIDGE * drivers.count("pxb-cxl") + CEDT_WINDOW * windows
    found["WAET"] = WAET
    # It points at all others but FACS and DSDT.
    found["RSDT"] = RSDT + POINTER * (len(found) - 2)
    return found


def _add_numa(build: Build, found: dict[str, int], long_ids: int, nvdimms: int) -> None:
    """Which node CPUs and memory belong to, how far nodes are apart, how fast their memory is."""
    nodes, cpus = build.numa_count, build.machine.max_cpus
    # Two holes, below 1 MiB and below 4 GiB, split the memory of a node; unused records are left in.
    memory = nodes + 2 + (build.device_memory is not None)
    if nvdimms:
        above = any(region.name == "ram-above-4g" for region in build.system.subregions)
        memory += nvdimms - 1 + above
    found["SRAT"] = SRAT + SRAT_CPU * (cpus - long_ids) + SRAT_LONG_CPU * long_ids + AFFINITY * memory
    given = [option.value or "" for option in build.config.all("numa")]
    if not given:
        return
    if any(text.startswith("dist") for text in given):
        found["SLIT"] = SLIT + nodes * nodes
    if build.machine.flag("hmat", False):
        lists = {_kind(text) for text in given if text.startswith("hmat-lb")}
        caches = sum(text.startswith("hmat-cache") for text in given)
        # One initiator: with more, the lists are longer.
        each = HMAT_LIST + 4 + 6 * nodes
        found["HMAT"] = HMAT + HMAT_NODE * nodes + each * len(lists) + HMAT_CACHE * caches


def _kind(text: str) -> tuple[str, ...]:
    """What a list of latencies or bandwidths is of: only one list of a kind is written."""
    return tuple(sorted(w for w in text.split(",") if w.startswith(("hierarchy=", "data-type="))))


def _dsdt(build: Build, pieces: Mapping[str, Any], drivers: list[str]) -> int:
    machine = build.machine
    sizes = pieces["dsdt"][machine.family]
    size: int = next(n for since, n in sizes if machine.version >= tuple(since))
    # Before 2.7 CPUs are plugged in another way (legacy_cpu_hotplug in hw/i386/pc.c).
    modern = machine.version >= (2, 7)
    if machine.max_cpus > 1:
        size += _cpus(machine.max_cpus) if modern else _legacy_cpus(machine.max_cpus)
    if build.numa_count and modern:
        size += PROXIMITY * machine.max_cpus
    size += _slots(machine.slots) + (NVDIMM if machine.flag("nvdimm", False) else 0)
    if machine.flags:
        switches = pieces["switches"][machine.family]
        size -= sum(n for name, n in switches.items() if not machine.flag(name, True))
    size += _ports(pieces["serial"], serial_ports(build), drivers.count("isa-serial"))
    size += _ports(pieces["parallel"], parallel_ports(build), drivers.count("isa-parallel"))
    size += _floppies(build, pieces["isa"]) + sum(pieces["isa"].get(driver, 0) for driver in drivers)
    for driver, name, value in build.config.globals:
        if driver == _POWER[machine.family] and value in ("1", "on"):
            size -= _SLEEP.get(name, 0)
    return size + _pci(build, pieces)


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
    drives = config.flag("fda") + config.flag("fdb") + [d.interface for d in config.drives].count("floppy")
    if build.machine.family == "pc":
        return pieces["floppy"] * (drives or not config.flag("nodefaults"))
    return pieces["floppy"] * drives + (pieces["isa-fdc"] if drives else 0)


def _cpus(count: int) -> int:
    """The bytes that CPUs add to those of one; some counts make the length of a package longer."""
    size = 83 + 86 * (min(count, SHORT_IDS) - 2) + sum(count >= n for n in (5, 37, 39, 342))
    return size + (111 + 115 * (count - 256) if count > SHORT_IDS else 0)


def _legacy_cpus(count: int) -> int:
    """The same for the way of plugging CPUs before 2.7."""
    return 66 + 71 * (count - 2) + (count >= 5) + 2 * (count >= 58)


def _slots(count: int) -> int:
    """The bytes for slots of memory devices, and the controller that plugs them."""
    return 1107 + 123 * (count - 1) + sum(count >= n for n in (5, 27, 256)) if count else 0


def _pci(build: Build, pieces: Mapping[str, Any]) -> int:
    machine = build.machine
    slots = pieces["slots"][machine.family]
    if build.config.globals:
        features = features_of(build)
    else:
        features = default_features(machine.qemu.version, machine.family, machine.version)
    size = 0
    if "pci-hotplug" not in features:
        # Nothing can be plugged: a slot is described only where something is in it.
        size -= pieces["no_hotplug"][machine.family]
        slots = dict.fromkeys(slots, 17) | {"function": 0, "first_bridge": 0}
    # Where a bridge is no more than a device, what is behind it is not described.
    behind = dict.fromkeys(slots, 0) if slots["bridge"] == 17 else pieces["slots"]["pc"]
    bridges = 0
    for driver, bus, devfn in build.pci_functions:
        if (driver, devfn) in _OWN and bus.above is None:
            continue
        piece = _piece(build, driver, bus, devfn)
        if not piece:
            continue
        if piece == "expander":
            size += pieces["expanders"][driver]
            continue
        bridges += piece in ("port", "bridge")
        # Behind a bridge all boards describe slots as pc does.
        here = slots if bus.is_root else behind
        size += here[piece]
        if driver in pieces["fixed"]:
            size += here["fixed"] - here["device"]
        if driver in pieces["methods"]["drivers"]:
            size += pieces["methods"]["bytes"]
    return size + (slots["first_bridge"] if bridges else 0)


def _piece(build: Build, driver: str, bus: PciBus, devfn: int) -> str:
    """What a function counts as; "" for those that are not described."""
    if _behind_expander(bus):
        return ""
    if driver in EXPANDERS:
        return "expander"
    if is_bridge(build.qemu.version, driver):
        return "port" if driver in _PORTS else "bridge"
    return "function" if devfn & 7 else "device"


def _behind_expander(bus: PciBus) -> bool:
    above: PciBus | None = bus
    while above is not None and not above.bridges_only:
        above = above.above[0] if above.above else None
    return above is not None
