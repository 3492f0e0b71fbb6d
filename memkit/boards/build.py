"""The state of a start-up: what QEMU has built so far, phase by phase.

QEMU makes its objects in a fixed order, and that order shows: in ram_addr_t offsets, in PCI
slots, in which of two mistakes is reported.  A Build is passed through the phases.

``names`` is what the devices of the line can name.  ``buses`` are the PCI buses by name, ``other_buses`` the
types of all others; ``default_bus`` takes the PCI devices that name none.  ``ports`` are functions that map
windows into the I/O space, in their order: nobody may ever look at it, so it is built late.  ``object_types``
are the types of the objects by id.  ``pci_functions`` are (type, bus, devfn), oldest first.
``ram_below_4g`` and ``ram_above_4g`` are bytes.  ``program`` is the key of the recorded facts (see catalog).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from memkit.architectures import anonymous_align, target_page
from memkit.boards.names import Names
from memkit.config import Config, Option
from memkit.host import Host
from memkit.memory.backend import Backend
from memkit.memory.device import Frontend, MemoryDevice
from memkit.memory.flatview import AddressSpace
from memkit.memory.late import LateContainer
from memkit.memory.ramblock import RAMBlock, RAMList
from memkit.memory.region import MemoryRegion
from memkit.versions import QemuFacts

if TYPE_CHECKING:
    from memkit.boards.machine import Machine
    from memkit.boards.pci import PciBus

__all__ = ["Build", "Memdev"]

# The address bits of a process on a host that the kit does not know.
USUAL_ADDRESS_BITS = 47


@dataclass(eq=False, slots=True)
class Memdev:
    """A backend with what it allocated; ``mapped`` once a frontend has taken it.

    ``align`` is the alignment of its mapping in bytes (memory_region_get_alignment).
    """

    backend: Backend
    block: RAMBlock
    region: MemoryRegion
    align: int
    option: Option | None
    mapped: bool = False


@dataclass(eq=False)
class Build:
    """Everything that exists so far, in the order in which QEMU made it."""

    config: Config
    host: Host
    machine: Machine
    target: str = "x86_64"
    ram: RAMList = field(init=False)
    memdevs: dict[str, Memdev] = field(default_factory=dict)
    object_types: dict[str, str] = field(default_factory=dict)
    frontends: list[Frontend] = field(default_factory=list)
    memory_devices: list[MemoryDevice] = field(default_factory=list)
    address_spaces: list[AddressSpace] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    created_files: dict[str, int] = field(default_factory=dict)
    huge_pages_left: dict[int, int] = field(default_factory=dict)
    buses: dict[str, PciBus] = field(default_factory=dict)
    default_bus: PciBus | None = None
    other_buses: dict[str, str] = field(default_factory=dict)
    bus_numbers: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    chassis: set[tuple[int, int]] = field(default_factory=set)
    device_ids: set[str] = field(default_factory=set)
    system: LateContainer = field(default_factory=lambda: LateContainer("system", 1 << 64))
    ram_below_4g: int = 0
    ram_above_4g: int = 0
    device_memory: MemoryRegion | None = None
    device_memory_base: int = 0
    cxl_registers: MemoryRegion | None = None
    iommu: str = ""
    smram: MemoryRegion | None = None
    secure_memory: MemoryRegion | None = None
    tag_memory: list[MemoryRegion] = field(default_factory=list)
    numa_count: int = 0
    node_sizes: list[int] = field(default_factory=list)
    cpu_nodes: dict[int, int] = field(default_factory=dict)
    more_cpus: list[int] = field(default_factory=list)
    ports: list[Callable[[MemoryRegion], object]] = field(default_factory=list)
    pci_functions: list[tuple[str, PciBus, int]] = field(default_factory=list)
    qemu: QemuFacts = field(init=False)
    program: str = field(init=False)

    def __post_init__(self) -> None:
        """Keep what every part asks for at hand."""
        self.qemu = self.machine.qemu
        self.program = self.machine.program
        self.ram = RAMList(self.host.page_size, target_page(self.target, self.machine.type))
        self.names = Names(self.config)
        # By identity: two options with the same words are still two.
        self._indexes = {id(option): index for index, option in enumerate(self.config.options)}

    @cached_property
    def anonymous_align(self) -> int:
        """The alignment of anonymous memory in bytes, for all backends of this host."""
        return anonymous_align(self.host.arch, self.host.page_size, self.config.qemu)

    @cached_property
    def address_limit(self) -> int:
        """The bytes that a mapping must stay below: what a process can address on this host."""
        known = self.host.pages
        return (1 << (known.address_bits if known else USUAL_ADDRESS_BITS)) - self.anonymous_align

    def automatic_bus_name(self, kind: str) -> str:
        """The name of a bus whose device has no id: its type in small letters, and a number."""
        number = self.bus_numbers[kind]
        self.bus_numbers[kind] += 1
        return f"{kind.lower()}.{number}"

    def option_index(self, option: Option | None) -> int | None:
        """Where ``option`` stands in ``config.options``, or None."""
        return self._indexes.get(id(option))

    def rom(self, name: str, size: int, *, idstr: str | None = None, **fields: Any) -> MemoryRegion:
        """A ROM region of ``size`` bytes with a RAMBlock of its own, named ``idstr`` (or ``name``)."""
        block = self.ram.allocate(
            size, idstr=name if idstr is None else idstr, region_name=name, purpose="rom",
            readonly=True, **fields,
        )
        return MemoryRegion(name, size, "rom", block=block, readonly=True)

    def vram(self, name: str, size: int, idstr: str, owner: str) -> MemoryRegion:
        """A RAM region of ``size`` bytes inside a device, with its RAMBlock."""
        block = self.ram.allocate(size, idstr=idstr, region_name=name, purpose="vram", owner=owner)
        return MemoryRegion(name, size, "ram", block=block, owner=owner)
