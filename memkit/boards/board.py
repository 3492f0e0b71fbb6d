"""What start-up asks of a board that is no PC: where memory goes, and what is there by default.

Each board of Arm, Power, Z and RISC-V is one module with one class, readable beside QEMU's own file.  What
boards have in common stands here with its usual answer.

Source: the fields of MachineClass in include/hw/boards.h (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from memkit.errors import Refused
from memkit.memory.flatview import AddressSpace
from memkit.memory.region import MemoryRegion
from memkit.versions import MachineFacts, Version, plain_facts

if TYPE_CHECKING:
    from memkit.boards.build import Build
    from memkit.boards.devices import DeviceBuilder
    from memkit.boards.machine import Machine
    from memkit.boards.pci import PciBus
    from memkit.boards.topology import Topology
    from memkit.config import DeviceSpec, Option

__all__ = ["GIB", "MIB", "Board", "refuse_here"]

MIB, GIB = 1 << 20, 1 << 30


class Board:
    """A family of machine types of some targets; the class of each board overrides what is its own.

    ``prefix`` begins the names of its versioned types, "" where it has none.  ``observed_as`` is the family
    on which the devices of these targets were recorded, ``recorded_bus`` what the containers for memory and
    ports of its PCI bus are called there, ``ports_moved`` how many bytes further up the ports are on this
    board.  ``buses`` are (name, type) of those that are not PCI.
    ``vga_used`` is False where ``-vga`` makes no card, ``makes_nics`` where ``-nic`` makes no PCI card;
    ``own_nic`` is the model of the only NIC of a board without PCI.  ``takes_system`` is False where
    ``-device`` adds no system device, and none that needs fw_cfg.
    ``places`` says how many drives the board takes of each interface, ``drive_interface`` is that of a
    drive without ``if=``, ``units`` the drives on one bus.  ``nic_names`` are models of ``-nic`` that are no
    PCI cards: name → driver.  ``auto_numa`` means that there is always one node.  ``property_kinds`` says how
    the values of some machine properties are read (see memkit.config.visit).  ``releases`` are those of QEMU
    that the class is for (see ``memkit.versions.holds``), where there is more than one for a family.
    """

    family: ClassVar[str]
    targets: ClassVar[tuple[str, ...]]
    prefix: ClassVar[str] = ""
    observed_as: ClassVar[str] = "virt"
    recorded_bus: ClassVar[tuple[str, str]] = ("gpex_mmio", "gpex_ioport")
    ports_moved: ClassVar[int] = 0
    default_ram: ClassVar[int] = 128 * MIB
    default_cpus: ClassVar[int] = 1
    min_cpus: ClassVar[int] = 1
    vga_used: ClassVar[bool] = False
    default_vga: ClassVar[str | None] = None
    makes_nics: ClassVar[bool] = False
    default_nic: ClassVar[str | None] = None
    own_nic: ClassVar[str] = ""
    nic_names: ClassVar[Mapping[str, str]] = {}
    numa: ClassVar[bool] = False
    auto_numa_slots: ClassVar[bool] = False
    auto_numa_memdev: ClassVar[bool] = False
    auto_numa: ClassVar[bool] = False
    buses: ClassVar[tuple[tuple[str, str], ...]] = ()
    places: ClassVar[Mapping[str, int]] = {}
    drive_interface: ClassVar[str] = "none"
    units: ClassVar[Mapping[str, int]] = {}
    takes_dimms: ClassVar[bool] = False
    takes_system: ClassVar[bool] = True
    property_kinds: ClassVar[Mapping[str, str]] = {}
    releases: ClassVar[str] = ""

    def ram_id(self, machine: Machine) -> str:
        """The id of the backend that the machine makes for ``-m`` (default_ram_id); "" if it makes none."""
        raise NotImplementedError

    def facts(self, version: Version) -> MachineFacts:
        """What a machine type of this board and ``version`` promises to old guests."""
        return plain_facts(
            default_vga=self.default_vga, default_nic=self.default_nic, numa_mem=False,
            auto_numa_slots=self.auto_numa_slots, auto_numa_memdev=self.auto_numa_memdev,
        )

    def levels(self, machine: Machine) -> tuple[str, ...]:
        """The levels of the CPU topology, largest first, beside sockets, cores and threads."""
        return ()

    def max_cpus(self, machine: Machine) -> int | None:
        """The most CPUs where it is not what the catalog says of the type."""
        return None

    def check_property(self, machine: Machine, option: Option | None, name: str, value: Any) -> None:
        """Raise Refused for a value that the machine does not take, while its properties are set."""

    # -- the phases, in QEMU's order

    def check_cpu(self, build: Build) -> None:
        """Raise Refused for a ``-cpu`` that the board does not take (called with the other early checks)."""

    def fix_ram_size(self, build: Build) -> None:
        """Check or round the size of main RAM before it is allocated (fixup_ram_size); raises Refused."""

    def check_numa(self, build: Build) -> None:
        """Raise Refused for nodes that the board cannot have, once all are read."""

    def before_ram(self, build: Build) -> None:
        """Raise Refused for what the machine checks with NUMA complete, before it starts to build."""

    def build_memory(self, build: Build, ram: MemoryRegion) -> None:
        """Put RAM, ROM, flash and the fixed windows into ``build.system``; make the PCI buses.

        Raises Refused.  ``build.default_bus`` is the PCI bus for devices that name none.
        """
        raise NotImplementedError

    def add_default_devices(self, build: Build, devices: DeviceBuilder) -> None:
        """The graphics card and the NICs of the board, in its order; raises Refused."""

    def plug_own(self, build: Build, spec: DeviceSpec, driver: str, props: Mapping[str, Any]) -> bool:
        """True if ``driver`` is a device that only this board plugs, which is done now; raises Refused."""
        return False

    def path(self, build: Build, bus: str, props: Mapping[str, Any]) -> str:
        """The path of a device on a ``bus`` of that type that is not PCI, "" where such devices have none."""
        return ""

    def automatic_id(self, path: str) -> str | None:
        """The id of a device at ``path`` that the line gives none, or None."""
        return None

    def check_function(
        self, build: Build, spec: DeviceSpec, driver: str, bus: PciBus, devfn: int | None
    ) -> None:
        """Raise Refused for a PCI device at ``devfn`` of ``bus`` that the board's hotplug handler minds."""

    def finish(self, build: Build) -> None:
        """What the board does when all devices are there: tables, device tree, last checks."""

    def add_address_spaces(self, build: Build) -> None:
        """Add the address spaces of the board in QEMU's order, "memory" first."""
        from memkit.boards.iommu import Views
        from memkit.boards.windows import bus_master_space

        spaces = build.address_spaces
        spaces.insert(0, AddressSpace("memory", build.system))
        spaces.insert(1, AddressSpace("I/O", MemoryRegion("io", 0x10000, "i/o")))
        for cpu in range(build.machine.cpus):
            spaces.append(AddressSpace(f"cpu-memory-{cpu}", build.system))
        views = Views(build) if build.iommu else None
        for name, bus, devfn in build.pci_functions:
            target = partial(views.view, bus, devfn) if views else (lambda: build.system)
            spaces.append(bus_master_space(name, target))
        if views:
            spaces.extend(views.spaces)

    # -- NUMA

    def cpu_ids(self, topology: Topology, cpu: int) -> dict[str, int]:
        """The ids by which ``-numa cpu`` names CPU number ``cpu`` (possible_cpus)."""
        return {"thread-id": cpu}

    def cpus_of_slot(self, topology: Topology, cpu: int) -> range:
        """The CPUs that share a place with CPU number ``cpu``, where one is a whole core."""
        return range(cpu, cpu + 1)

    def default_node(self, topology: Topology, cpu: int, nodes: int) -> int:
        """The node of a CPU that no option puts anywhere (get_default_cpu_node_id)."""
        return 0

    # -- memory devices

    def pre_plug(self, build: Build, spec: DeviceSpec) -> None:
        """Raise Refused for a pc-dimm, nvdimm or virtio memory device before anything else is checked."""

    def check_region(
        self, build: Build, spec: DeviceSpec, region: Callable[[], MemoryRegion], props: Mapping[str, Any]
    ) -> None:
        """Raise Refused for a DIMM whose ``region`` (without its label) the board minds, first of all."""

    def plugged(self, build: Build, spec: DeviceSpec, props: Mapping[str, Any], addr: int) -> None:
        """Raise Refused for a DIMM that has its slot and address, if the board minds (plug handlers)."""


def refuse_here(
    message: str, why: str, hint: str, source: str, option: Any = None, *, located: bool = False
) -> Refused:
    """A Refused in QEMU's words that only one board says; ``option`` is what caused it.

    ``located`` puts the option in front, as QEMU does.
    """
    text = option.text if option is not None else ""
    return Refused(
        f"{text}: {message}" if located and text else message, explanation=why, hint=hint, option=text,
        position=option.index if option is not None else None, source=source,
    )
