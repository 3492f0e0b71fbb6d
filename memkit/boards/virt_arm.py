"""Arm's ``virt`` board: a machine that no hardware has, made for guests that read a device tree or ACPI.

Two flash chips lie at 0, devices below 1 GiB, RAM from 1 GiB up, device memory behind it (see
``virt_arm_memory``).  With ``secure=on`` the first flash chip and some RAM are in an address space that only
secure code sees.  Memory can be plugged only with ACPI, which needs firmware and a 64-bit CPU.

Source: machvirt_init, virt_flash_map, create_pcie and virt_memory_pre_plug in hw/arm/virt.c (QEMU 5.2, 7.2,
10.0, 11.1); cfi.pflash01 in hw/block/pflash_cfi01.c.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from memkit.boards import virt_arm_checks as checks
from memkit.boards.arm_cpus import ArmCpu, check_cpu, check_features, check_model, smmu_spaces
from memkit.boards.arm_messages import check_messages, no_iommu_handler
from memkit.boards.board import MIB, Board, refuse_here
from memkit.boards.cxl import add_host_registers
from memkit.boards.fixed_windows import add_fixed_windows
from memkit.boards.flash_chips import add_flash, firmware_loaded
from memkit.boards.gpex import add_gpex
from memkit.boards.nics import wanted_nics
from memkit.boards.virt_arm_acpi import add_acpi
from memkit.boards.virt_arm_memory import RAM_BASE, MemoryMap, lay_out, redistributors
from memkit.boards.virt_arm_secure import add_secure_memory, add_tags, secure_spaces
from memkit.memory.flatview import AddressSpace
from memkit.memory.region import MemoryRegion
from memkit.versions import MachineFacts, Version, holds, machine_facts, plain_facts

if TYPE_CHECKING:
    from memkit.boards.build import Build
    from memkit.boards.devices import DeviceBuilder
    from memkit.boards.machine import Machine
    from memkit.boards.pci import PciBus
    from memkit.boards.topology import Topology
    from memkit.config import DeviceSpec, Option

__all__ = ["OldVirtArm", "VirtArm"]

PCI_MMIO, PCI_MMIO_SIZE = 0x1000_0000, 0x2EFF_0000
PCI_PORTS = 0x3EFF_0000
# Configuration space of 16 buses, where there is none in high memory.
LOW_ECAM, LOW_ECAM_SIZE = 0x3F00_0000, 16 * MIB
HOTPLUG_REGISTERS = 0x18
TRANSPORT, TRANSPORT_SIZE = 0x0A00_0000, 0x200
# What older types keep of older defaults, as all boards do (hw_compat_X_Y, hw/core/machine.c).
_KEPT = ("canonical_names", "cirrus_vram_mib", "prefer_sockets", "vga_global_names", "virtio_modern",
         "virtio_page_per_queue")


class VirtArm(Board):
    """``virt`` for aarch64 and arm; CPUs have all ids of the topology.

    >>> import memkit
    >>> guest = memkit.boot("-M virt -cpu cortex-a57 -m 1G", target="aarch64")
    >>> hex(guest.flat_view("memory").ranges[-3].start)
    '0x40000000'
    """

    family = "virt"
    targets = ("aarch64", "arm")
    prefix = "virt-"
    releases = "7.1"
    makes_nics = True
    numa = True
    takes_dimms = True
    buses = tuple((f"virtio-mmio-bus.{n}", "virtio-mmio-bus") for n in range(32))
    drive_interface = "virtio"
    places: ClassVar[Mapping[str, int]] = {"pflash": 2}

    def ram_id(self, machine: Machine) -> str:
        return "mach-virt.ram"

    def facts(self, version: Version) -> MachineFacts:
        compat = machine_facts("q35", version)
        return plain_facts(
            default_nic="virtio-net-pci", numa_mem=version < (5, 1), auto_numa_slots=version >= (4, 2),
            auto_numa_memdev=version >= (5, 1), **{name: getattr(compat, name) for name in _KEPT},
        )

    def levels(self, machine: Machine) -> tuple[str, ...]:
        return ("clusters",) if holds(machine.qemu.version, "7.0") else ()

    def check_property(self, machine: Machine, option: Option | None, name: str, value: Any) -> None:
        checks.check_property(machine, option, name, value)

    def check_cpu(self, build: Build) -> None:
        check_cpu(build)

    def build_memory(self, build: Build, ram: MemoryRegion) -> None:
        """Flash, RAM, device memory, PCI and the fixed windows, in the order of machvirt_init."""
        version, cpu = build.qemu.version, check_cpu(build)
        if holds(version, "7.0"):
            check_model(build, cpu, checks.models(build), "mach-virt")
            check_features(build, cpu)
        layout = lay_out(build, cpu)
        gic = checks.gic_version(build)
        msi = checks.message_interrupts(build, gic)
        if not holds(version, "7.0"):
            check_model(build, cpu, checks.models(build), "mach-virt")
        secure = MemoryRegion("secure-memory", 1 << 64) if build.machine.flag("secure", False) else None
        loaded = add_flash(build, build.system, secure or build.system)
        if secure is not None:
            secure.add(build.system, 0, -1)
        checks.check_cpus(build, cpu, gic, layout)
        if not holds(version, "7.0"):
            check_features(build, cpu)
        build.system.add(ram, RAM_BASE)
        _add_cxl(build, layout)
        _add_device_memory(build, layout)
        checks.check_address_bits(build, cpu, layout)
        if secure is not None:
            add_secure_memory(build, secure)
        # KVM keeps the tags of its guests itself.
        if build.machine.flag("mte", False) and build.machine.accelerator != "kvm":
            add_tags(build)
        _add_pci(build, layout, low=loaded and not cpu.is_64)
        _add_windows(build, cpu, layout, gic, msi)

    def add_default_devices(self, build: Build, devices: DeviceBuilder) -> None:
        for nic in wanted_nics(build):
            devices.add_default(nic.driver, f"NIC {nic.driver}", nic.option_index, nic.props)

    def finish(self, build: Build) -> None:
        if holds(build.qemu.version, "10.1"):
            add_host_registers(build)
        add_acpi(build, events=has_events(build))

    def add_address_spaces(self, build: Build) -> None:
        super().add_address_spaces(build)
        build.address_spaces += [*secure_spaces(build), *smmu_spaces(build)]
        if checks.emulates_its(build) and checks.gic_version(build) > 2:
            build.address_spaces.append(AddressSpace("gicv3-its-sysmem", build.system))

    def cpu_ids(self, topology: Topology, cpu: int) -> dict[str, int]:
        core = cpu // topology.threads
        cluster = core // topology.cores
        return {
            "socket-id": cluster // topology.clusters, "cluster-id": cluster % topology.clusters,
            "core-id": core % topology.cores, "thread-id": cpu % topology.threads,
        }

    def default_node(self, topology: Topology, cpu: int, nodes: int) -> int:
        return self.cpu_ids(topology, cpu)["socket-id"] % nodes

    def pre_plug(self, build: Build, spec: DeviceSpec) -> None:
        if spec.driver not in ("pc-dimm", "nvdimm"):
            # A virtio device tells of its memory itself.
            return
        nvdimm = spec.driver == "nvdimm"
        # An nvdimm that is there at start needs no event: since 10.2.
        plain = nvdimm and holds(build.qemu.version, "10.2")
        if not (has_events(build) or plain):
            raise _no_hotplug(
                "memory hotplug is not enabled: missing acpi-ged device",
                "ACPI tells the guest of plugged memory: that takes firmware, a 64-bit CPU, acpi=on and a "
                "machine type from virt-4.2 on.",
                "add -bios FILE (or pflash) and -cpu max, or use virtio-mem", spec,
            )
        if build.machine.flag("mte", False):
            raise _no_hotplug("memory hotplug is not enabled: MTE is enabled",
                              "There are tags for the memory that is there at start only.",
                              "leave out mte=on", spec)
        if nvdimm and not build.machine.flag("nvdimm", False):
            raise _no_hotplug("nvdimm is not enabled: add 'nvdimm=on' to '-M'",
                              "Without nvdimm=on the guest could not find an nvdimm.", "add nvdimm=on", spec)

    def check_function(
        self, build: Build, spec: DeviceSpec, driver: str, bus: PciBus, devfn: int | None
    ) -> None:
        if not checks.message_interrupts(build, checks.gic_version(build)):
            check_messages(build.qemu.version, spec, driver)
        if driver != "virtio-iommu-pci":
            return
        by_acpi = firmware_loaded(build) and build.machine.flag("acpi", True)
        if by_acpi and not holds(build.qemu.version, "6.2"):
            # ACPI could not tell of it then.
            raise no_iommu_handler(build, spec)
        two = build.machine.words.get("iommu") == "smmuv3"
        if two and holds(build.qemu.version, "7.0"):
            raise refuse_here(
                "virt machine does not support multiple IOMMUs", "A PCI bus has one IOMMU.",
                "leave out iommu=smmuv3, or the device", "virt_machine_device_pre_plug_cb, hw/arm/virt.c, "
                "QEMU 7.2", spec.option, located=True,
            )


class OldVirtArm(VirtArm):
    """``virt`` of releases in which the topology of CPUs did not show (virt_possible_cpu_arch_ids)."""

    releases = "<7.1"

    def cpu_ids(self, topology: Topology, cpu: int) -> dict[str, int]:
        return {"thread-id": cpu}

    def default_node(self, topology: Topology, cpu: int, nodes: int) -> int:
        return cpu % nodes


def has_events(build: Build) -> bool:
    """True if the board has the device that tells a guest of ACPI events (acpi-ged)."""
    machine = build.machine
    return (
        machine.version >= (4, 2) and machine.flag("acpi", True) and firmware_loaded(build)
        and check_cpu(build).is_64
    )


def _add_device_memory(build: Build, layout: MemoryMap) -> None:
    if not layout.device_size:
        return
    build.device_memory = MemoryRegion("device-memory", layout.device_size)
    build.device_memory_base = layout.device_base
    build.system.add(build.device_memory, layout.device_base)
    if build.qemu.device_memory_space:
        build.address_spaces.append(AddressSpace("device-memory", build.device_memory))


def _add_cxl(build: Build, layout: MemoryMap) -> None:
    """Room for the registers of CXL host bridges, and the fixed memory windows."""
    if "cxl" not in layout.high:
        return
    at, size = layout.high["cxl"]
    registers = build.system.add(MemoryRegion("cxl_host_reg", size), at)
    if build.machine.flag("cxl", False):
        build.cxl_registers = registers
    for at, size in layout.cxl_windows:
        build.system.add(MemoryRegion("cxl-fixed-memory-region", size, "i/o"), at)


def _add_pci(build: Build, layout: MemoryMap, *, low: bool) -> None:
    """The windows of the PCI Express host; ``low``: 32-bit firmware finds configuration space below 4 GiB."""
    system, gpex = build.system, add_gpex(build)
    at, size = layout.high.get("ecam", (LOW_ECAM, LOW_ECAM_SIZE))
    if low:
        at, size = LOW_ECAM, LOW_ECAM_SIZE
    system.add(MemoryRegion.window("pcie-ecam", gpex.configuration, 0, size), at)
    system.add(MemoryRegion.window("pcie-mmio", gpex.memory, PCI_MMIO, PCI_MMIO_SIZE), PCI_MMIO)
    if "mmio" in layout.high:
        at, size = layout.high["mmio"]
        system.add(MemoryRegion.window("pcie-mmio-high", gpex.memory, at, size), at)
    system.add(gpex.ports, PCI_PORTS)


def _add_windows(build: Build, cpu: ArmCpu, layout: MemoryMap, gic: int, msi: str) -> None:
    """The fixed windows, and those whose number or size depends on CPUs and slots."""
    machine = build.machine
    serial = build.config.all("serial")
    wanted = {
        "ged": has_events(build), "gic3": gic > 2, "its": msi == "its", "msi": bool(msi),
        "nvdimm": machine.flag("nvdimm", False), "secure": machine.flag("secure", False),
        "smmuv3": machine.words.get("iommu") == "smmuv3",
        "uart2": len(serial) > 1 and serial[1].value != "none",
        "virtualization": machine.flag("virtualization", False),
    }
    if wanted["smmuv3"]:
        build.iommu = "smmuv3"
    features = frozenset(name for name, there in wanted.items() if there)
    regions = add_fixed_windows(build.program, "virt", features, build.system)
    if gic > 2:
        low, _high = redistributors(gic, True)
        each = 0x20000 if gic == 3 else 0x40000
        regions["gicv3_redist_region[0]"].size = min(machine.cpus, low) * each
        if machine.cpus > low:
            rest = MemoryRegion("gicv3_redist_region[1]", (machine.cpus - low) * each, "i/o")
            build.system.add(rest, layout.high["redistributors"][0])
    if wanted["ged"] and machine.slots:
        regions["memhp container"].add(MemoryRegion("acpi-mem-hotplug", HOTPLUG_REGISTERS, "i/o"), 0)
    transports = int(machine.words.get("virtio-mmio-transports", checks.TRANSPORTS))
    if transports < checks.TRANSPORTS:
        _drop_transports(build, transports)


def _drop_transports(build: Build, number: int) -> None:
    """Leave ``number`` of the virtio-mmio transports, those with the lowest addresses."""
    end = TRANSPORT + number * TRANSPORT_SIZE
    build.system.subregions = [
        r for r in build.system.subregions if r.name != "virtio-mmio" or r.addr < end
    ]
    for unit in range(number, checks.TRANSPORTS):
        del build.other_buses[f"virtio-mmio-bus.{unit}"]


def _no_hotplug(message: str, why: str, hint: str, spec: DeviceSpec) -> Any:
    return refuse_here(message, why, hint, "virt_memory_pre_plug, hw/arm/virt.c, QEMU 7.2", spec.option,
                       located=True)
