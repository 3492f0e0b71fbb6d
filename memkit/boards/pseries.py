"""The board pseries of ppc64: a logical partition, as a hypervisor shows it to a guest.

RAM lies at 0 in blocks of 256 MiB, each of which a guest can give back; the device-memory window begins at
the next whole GiB.  The PCI host bridges lie at 32 TiB, far above.  There is always one NUMA node at least.

Source: spapr_machine_init, spapr_memory_pre_plug, spapr_core_pre_plug and spapr_machine_*_class_options in
hw/ppc/spapr.c, spapr_nvdimm_validate in hw/ppc/spapr_nvdimm.c (QEMU 5.2, 7.2, 10.0, 11.1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from memkit.boards import catalog, power_cpus
from memkit.boards.board import GIB, MIB, Board
from memkit.boards.device_refusals import refuse_device
from memkit.boards.fixed_windows import add_fixed_windows
from memkit.boards.global_properties import read_globals
from memkit.boards.graphics import default_vga
from memkit.boards.nics import wanted_nics
from memkit.boards.pseries_caps import PROPERTY_KINDS, apply_capabilities, check_property
from memkit.boards.pseries_checks import (
    BLOCK,
    check_blocks,
    check_cores,
    check_firmware,
    check_kernel,
    check_nodes,
    check_nvram,
    check_real_mode_area,
    check_threads,
    checked_cpu,
    interrupt_mode,
    refuse_part,
)
from memkit.boards.pseries_pci import (
    HOST_BRIDGE,
    add_device_views,
    add_host_bridge,
    check_function,
    plug_host_bridge,
)
from memkit.boards.pseries_vio import add_virtual_devices
from memkit.boards.refusals import refuse
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

__all__ = ["Pseries"]

MAX_SLOTS = 32


class Pseries(Board):
    """pseries and its versioned types.

    >>> import memkit
    >>> guest = memkit.boot("-M pseries -nodefaults -m 1G -device VGA", target="ppc64")
    >>> [block.idstr for block in guest.ram_blocks][:2]
    ['ppc_spapr.ram', 'pci@800000020000000:00.0/vga.vram']
    """

    family = "pseries"
    targets = ("ppc64",)
    prefix = "pseries-"
    observed_as = "pseries"
    recorded_bus = ("pci@800000020000000.mmio", "pci@800000020000000.io")
    default_ram = 512 * MIB
    vga_used = True
    default_vga = "std"
    makes_nics = True
    default_nic = "spapr-vlan"
    nic_names: ClassVar[Mapping[str, str]] = {"spapr-vlan": "spapr-vlan", "ibmveth": "spapr-vlan"}
    numa = True
    auto_numa = True
    buses = (("spapr-vio", "spapr-vio-bus"),)
    drive_interface = "scsi"
    # As many SCSI adapters as there are drives for them; the flash chip holds the NVRAM.
    places: ClassVar[Mapping[str, int]] = {"scsi": 7, "pflash": 1}
    takes_dimms = True
    property_kinds = PROPERTY_KINDS

    def ram_id(self, machine: Machine) -> str:
        """The id of the backend for ``-m``."""
        return "ppc_spapr.ram"

    def facts(self, version: Version) -> MachineFacts:
        """What a type of ``version`` promises; what all boards promise is that of the PC of this version."""
        pc = machine_facts("pc", version)
        return plain_facts(
            default_vga=self.default_vga, default_nic=self.default_nic, canonical_names=pc.canonical_names,
            vga_global_names=pc.vga_global_names, virtio_modern=pc.virtio_modern, numa_mem=version <= (5, 0),
            virtio_page_per_queue=pc.virtio_page_per_queue, prefer_sockets=version <= (6, 1),
        )

    def check_property(self, machine: Machine, option: Option | None, name: str, value: object) -> None:
        """Raise Refused for a value of ``-machine`` that pseries does not take."""
        check_property(machine, option, name, value)

    def check_cpu(self, build: Build) -> None:
        """Raise Refused for a ``-cpu`` of a name that no CPU has."""
        power_cpus.check_name(build)

    def before_ram(self, build: Build) -> None:
        """Raise Refused for a CPU of another board, which QEMU finds as soon as it counts cores."""
        if power_cpus.model(build) is None:
            raise refuse_part(
                build, "Unable to find sPAPR CPU Core definition",
                "A partition is made of cores, from POWER5 on, and this CPU is for other boards.",
                "use -cpu power9, or leave out -cpu", "cpu",
            )

    def build_memory(self, build: Build, ram: MemoryRegion) -> None:
        """RAM, the device-memory window, interrupt controller and host bridge, in QEMU's order."""
        machine, cpu = build.machine, checked_cpu(build)
        early = holds(build.qemu.version, "6.0")
        if early:
            check_firmware(build)
        check_real_mode_area(build)
        check_threads(build, cpu)
        interrupts = interrupt_mode(build, cpu)
        if machine.version > (2, 4):
            check_blocks(build)
        check_cores(build)
        power_cpus.check_properties(build, cpu)
        check_nodes(build)
        build.system.add(ram, 0)
        build.ram_below_4g = min(machine.ram_size, 4 * GIB)
        build.ram_above_4g = machine.ram_size - build.ram_below_4g
        if machine.maxram_size > machine.ram_size:
            _add_device_memory(build)
        features = frozenset({"xive"} if interrupts != "xics" else ())
        regions = add_fixed_windows(build.program, "pseries", features, build.system)
        if interrupts == "xive":
            # In use from the start, it keeps its event queues to itself (spapr_xive_mmio_set_enabled).
            regions["xive.end"].enabled = False
        check_nvram(build)
        facts = catalog.device(build.program, HOST_BRIDGE)
        props = read_globals(build, facts, None) if facts is not None else {}
        build.default_bus = add_host_bridge(build, 0, props)

    def add_default_devices(self, build: Build, devices: DeviceBuilder) -> None:
        """NICs, graphics card and USB controller; then the kernel is loaded."""
        for nic in wanted_nics(build):
            devices.add_default(nic.driver, f"NIC {nic.driver}", nic.option_index, nic.props)
        add_virtual_devices(build)
        option = build.config.last("vga")
        vga = default_vga(build)
        if vga not in (None, "VGA", "virtio-vga", "cirrus-vga"):
            raise refuse_part(
                build, "Unsupported VGA mode, only -vga std or -vga virtio is supported",
                "The firmware of pseries drives these cards only.", "use -vga std, or -device", "vga",
            )
        if vga:
            devices.add_default(vga, f"graphics card {vga}", build.option_index(option))
        shown = option is None or option.value != "none"
        if build.machine.flag("usb", shown and not build.config.flag("nodefaults")):
            driver = "nec-usb-xhci" if build.machine.version > (2, 5) else "pci-ohci"
            devices.add_default(driver, "USB controller", None)
        check_kernel(build)
        if holds(build.qemu.version, "<6.0"):
            check_firmware(build)

    def plug_own(self, build: Build, spec: DeviceSpec, driver: str, props: Mapping[str, Any]) -> bool:
        """True if ``driver`` is a host bridge or a core, now plugged; raises Refused."""
        if driver == HOST_BRIDGE:
            plug_host_bridge(build, spec, props)
        elif driver.endswith("-spapr-cpu-core"):
            _plug_core(build, spec, driver, props)
        else:
            return False
        return True

    def check_function(
        self, build: Build, spec: DeviceSpec, driver: str, bus: PciBus, devfn: int | None
    ) -> None:
        """Raise Refused for a function that is taken, and for a bridge without a number of its own."""
        check_function(build, spec, driver, bus, devfn)

    def finish(self, build: Build) -> None:
        """Apply the capabilities, as the first reset does; raises Refused."""
        if build.qemu.dumpdtb_checked and "dumpdtb" in build.machine.words:
            # It is made anew at each reset, and not there yet.
            raise refuse("no-device-tree", build.config.last("machine"))
        apply_capabilities(build, checked_cpu(build))

    def add_address_spaces(self, build: Build) -> None:
        """"memory" and "I/O", those of the CPUs, and what devices see through the IOMMU."""
        spaces = build.address_spaces
        spaces.insert(0, AddressSpace("memory", build.system))
        spaces.insert(1, AddressSpace("I/O", MemoryRegion("io", 0x10000, "i/o")))
        cpus = (*range(build.machine.cpus), *build.more_cpus)
        spaces[2:2] = [AddressSpace(f"cpu-memory-{cpu}", build.system) for cpu in cpus]
        add_device_views(build)

    def cpu_ids(self, topology: Topology, cpu: int) -> dict[str, int]:
        """The id of the core that CPU number ``cpu`` is part of: the number of its first CPU."""
        return {"core-id": cpu // topology.threads * topology.threads}

    def cpus_of_slot(self, topology: Topology, cpu: int) -> range:
        """All CPUs of the core."""
        first = cpu // topology.threads * topology.threads
        return range(first, first + topology.threads)

    def default_node(self, topology: Topology, cpu: int, nodes: int) -> int:
        """The node of a CPU: as many cores as a socket has go to each in turn."""
        return cpu // topology.threads // topology.cores % nodes

    def check_region(
        self, build: Build, spec: DeviceSpec, region: Callable[[], MemoryRegion], props: Mapping[str, Any]
    ) -> None:
        """Raise Refused for a DIMM that is no whole blocks, and for an NVDIMM that lacks label or UUID."""
        version = build.machine.version
        whole = version > (2, 4) and region().size % BLOCK == 0
        message = hint = ""
        if version <= (2, 4):
            message, hint = "Memory hotplug not supported for this machine", "use a newer machine type"
        elif not spec.driver.endswith("nvdimm"):
            if not whole:
                message = "Hotplugged memory size must be a multiple of 256 MB"
                hint = "use a backend of size=256M, 512M ..."
        elif version <= (4, 2):
            message, hint = "NVDIMM hotplug not supported for this machine", "use a newer machine type"
        elif not build.machine.flag("nvdimm", True):
            message, hint = "nvdimm device found but 'nvdimm=off' was set", "leave out nvdimm=off"
        elif not props.get("label-size"):
            message, hint = "PAPR requires NVDIMM devices to have label-size set", "add label-size=128K"
        elif not whole:
            message = "PAPR requires NVDIMM memory size (excluding label) to be a multiple of 256MB"
            hint = "make the backend as much larger as the label is"
        elif not str(props.get("uuid", "")).strip("0-"):
            message, hint = "NVDIMM device requires the uuid to be set", "add uuid="
        elif spec.driver == "spapr-nvdimm" and not _has_file(build, props):
            name = str(props.get("memdev")).removeprefix("/objects/")
            message = f"spapr-nvdimm device requires the memdev {name} to be of memory-backend-file type"
            hint = "use memory-backend-file"
        if message:
            raise refuse_device(
                spec, message, "The guest gets and gives back memory in blocks of 256 MiB.", hint,
                "spapr_memory_pre_plug, hw/ppc/spapr.c",
            )


def _add_device_memory(build: Build) -> None:
    """The window for DIMMs, from the next whole GiB on; raises Refused for too many slots."""
    machine = build.machine
    if machine.slots > MAX_SLOTS:
        raise refuse_part(
            build, f"Specified number of memory slots {machine.slots} exceeds max supported {MAX_SLOTS}",
            "Under TCG, pseries has room for 32 DIMMs.", "use slots=32 or less", "m",
        )
    build.device_memory_base = -(-machine.ram_size // GIB) * GIB
    build.device_memory = MemoryRegion("device-memory", machine.maxram_size - machine.ram_size)
    build.system.add(build.device_memory, build.device_memory_base)
    if build.qemu.device_memory_space:
        build.address_spaces.append(AddressSpace("device-memory", build.device_memory))


def _plug_core(build: Build, spec: DeviceSpec, driver: str, props: Mapping[str, Any]) -> None:
    """Add the CPUs of one core; raises Refused for a place that is none, or taken."""
    machine, number = build.machine, props.get("core-id", 0)
    threads, expected = machine.topology.threads, f"{checked_cpu(build).name}-spapr-cpu-core"
    message = ""
    if driver != expected:
        message = f"CPU core type should be {expected}"
    elif number % threads:
        message = f"invalid core id {number}"
    elif props.get("nr-threads", threads) != threads:
        message = f"invalid nr-threads {props['nr-threads']}, must be {threads}"
    elif not 0 <= number < machine.max_cpus:
        message = f"core id {number} out of range"
    elif number < machine.cpus or number in build.more_cpus:
        message = f"core {number} already populated"
    if message:
        raise refuse_device(
            spec, message, "A further core is like the others, in a place that -smp maxcpus= leaves free.",
            f"use -device {expected},core-id={machine.cpus}", "spapr_core_pre_plug, hw/ppc/spapr.c",
        )
    build.more_cpus += range(number, number + threads)


def _has_file(build: Build, props: Mapping[str, Any]) -> bool:
    """True if the backend of the device has a file descriptor."""
    memdev = build.memdevs.get(str(props.get("memdev")).removeprefix("/objects/"))
    return memdev is not None and memdev.backend.type != "memory-backend-ram"
