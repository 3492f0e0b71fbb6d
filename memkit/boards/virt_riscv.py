"""RISC-V's ``virt`` board: a machine that no hardware has, with a socket for each NUMA node.

RAM begins at 2 GiB and goes up without an end.  Below lie the reset vector's ROM, timers and interrupt
controllers, devices, two flash chips of 32 MiB each, and PCI Express; a second PCI window of 16 GiB lies
behind RAM.  Memory cannot be plugged.

Source: virt_machine_init, virt_memmap, virt_create_aia, gpex_pcie_init and virt_machine_done in
hw/riscv/virt.c, riscv_socket_check_hartids and riscv_numa_get_default_cpu_node_id in hw/riscv/numa.c
(QEMU 5.2, 7.2, 10.0, 11.1); sifive_plic_create in hw/intc/sifive_plic.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from memkit.boards import plain_cpus
from memkit.boards.acpi import TABLE_UNIT, add_table_blocks
from memkit.boards.board import GIB, MIB, Board, refuse_here
from memkit.boards.firmware import flash_by_unit
from memkit.boards.fixed_windows import add_fixed_windows
from memkit.boards.flash_chips import add_chip, check_image
from memkit.boards.gpex import add_gpex
from memkit.boards.riscv_boot import (
    RAM_BASE,
    check_overlaps,
    check_tree,
    load_firmware,
    load_kernel,
    load_tree,
)
from memkit.boards.riscv_sockets import add_controllers, check_sockets
from memkit.memory.device import Frontend
from memkit.memory.region import MemoryRegion
from memkit.versions import MachineFacts, Version, holds, machine_facts, plain_facts

if TYPE_CHECKING:
    from memkit.boards.build import Build
    from memkit.boards.machine import Machine
    from memkit.boards.topology import Topology
    from memkit.config import Option

__all__ = ["OldVirtRiscv", "PlainVirtRiscv", "VirtRiscv"]

ROM, ROM_SIZE = 0x1000, 0xF000
FLASH, FLASH_SIZE = 0x2000_0000, 32 * MIB
PCI_PORTS = 0x0300_0000
PCI_ECAM, PCI_ECAM_SIZE = 0x3000_0000, 256 * MIB
PCI_MMIO, PCI_MMIO_SIZE = 0x4000_0000, GIB
# The window behind RAM is as large as its alignment; for 32-bit CPUs it has a fixed place.
HIGH_MMIO_SIZE = 16 * GIB
HIGH_MMIO_32, HIGH_MMIO_32_SIZE, MOST_RAM_32 = 12 * GIB, 4 * GIB, 10 * GIB
# The program for 64 bits also has these models since 10.0.
_NARROW = frozenset("lowrisc-ibex max32 rv32 rv32e rv32i sifive-e31 sifive-e34 sifive-u34".split())
PAGE = 0x1000
MOST_GUESTS = 7
_SOURCE = "hw/riscv/virt.c, QEMU 7.2"


class VirtRiscv(Board):
    """``virt`` for riscv64; a CPU has all ids of the topology, and each node is a socket.

    >>> import memkit
    >>> guest = memkit.boot("-M virt -m 20G", target="riscv64")
    >>> hex(guest.flat_view("memory").ranges[-1].start)
    '0x800000000'
    """

    family = "virt"
    targets = ("riscv64",)
    releases = "11.1"
    numa = True
    drive_interface = "virtio"
    places: ClassVar[Mapping[str, int]] = {"pflash": 2}
    buses = tuple((f"virtio-mmio-bus.{n}", "virtio-mmio-bus") for n in range(8))

    def ram_id(self, machine: Machine) -> str:
        # Older releases made RAM without a backend.
        return "riscv_virt_board.ram" if holds(machine.qemu.version, "6.2") else ""

    def facts(self, version: Version) -> MachineFacts:
        return plain_facts(numa_mem=True, virtio_modern=machine_facts("q35", version).virtio_modern)

    def check_property(self, machine: Machine, option: Option | None, name: str, value: Any) -> None:
        if name == "aia" and value not in ("none", "aplic", "aplic-imsic"):
            raise refuse_here("Invalid AIA interrupt controller type", "The board has three kinds.",
                              "use aia=none, aplic or aplic-imsic", f"virt_set_aia, {_SOURCE}", option)
        if name == "aia-guests" and not 0 <= _number(value) <= MOST_GUESTS:
            raise refuse_here("Invalid number of AIA IMSIC guests", f"There are 0 to {MOST_GUESTS}.",
                              "use aia-guests=1", f"virt_set_aia_guests, {_SOURCE}", option)
        if name in ("pflash0", "pflash1") and holds(machine.qemu.version, "<8.1"):
            # The chips are made after the properties are set.
            raise refuse_here(f"Property 'virt-machine.{name}' not found", "It does not exist yet.",
                              "use -drive if=pflash", f"virt_flash_create, {_SOURCE}", option)

    def check_cpu(self, build: Build) -> None:
        plain_cpus.check_name(build)

    def build_memory(self, build: Build, ram: MemoryRegion) -> None:
        """Sockets, RAM, the reset vector's ROM, PCI, flash: in the order of virt_machine_init."""
        sockets = check_sockets(build)
        plain_cpus.check_start(build)
        system, words = build.system, build.machine.words
        aia, guests = words.get("aia", "none"), _number(words.get("aia-guests", 0))
        add_controllers(build, sockets, aia, build.machine.flag("aclint", False), guests)
        if not self.ram_id(build.machine):
            ram = _own_ram(build)
        system.add(ram, RAM_BASE)
        if holds(build.qemu.version, "<6.0"):
            check_tree(build)
        system.add(build.rom("riscv_virt_board.mrom", ROM_SIZE, owner="/machine"), ROM)
        if holds(build.qemu.version, "<6.0"):
            _check_boot(build)
        _add_pci(build)
        images = flash_by_unit(build)
        for unit in (0, 1):
            name, image = f"virt.flash{unit}", images.get(unit)
            if image is not None:
                check_image(build, image, unit, name, FLASH_SIZE)
            add_chip(build, name, FLASH_SIZE, image, system, FLASH + unit * FLASH_SIZE)
        if holds(build.qemu.version, "6.0"):
            check_tree(build)
        wanted = frozenset({"iommu-sys"} if build.machine.flag("iommu-sys", False) else ())
        add_fixed_windows(build.program, self.family, wanted, system)

    def finish(self, build: Build) -> None:
        """Load firmware and kernel, then write the tables; raises Refused."""
        if holds(build.qemu.version, "6.0"):
            _check_boot(build)
        if holds(build.qemu.version, "8.0") and build.machine.flag("acpi", True):
            add_table_blocks(build, TABLE_UNIT, PAGE)
        check_overlaps(build, _loaded(build))

    def cpu_ids(self, topology: Topology, cpu: int) -> dict[str, int]:
        core = cpu // topology.threads
        cluster = core // topology.cores
        return {
            "socket-id": cluster // topology.clusters, "cluster-id": cluster % topology.clusters,
            "core-id": core % topology.cores, "thread-id": cpu % topology.threads,
        }

    def default_node(self, topology: Topology, cpu: int, nodes: int) -> int:
        if nodes > topology.cpus:
            # Older releases divide by zero here.
            raise refuse_here(
                f"Number of NUMA nodes ({nodes}) cannot exceed the number of available CPUs "
                f"({topology.cpus}).",
                "Each node is a socket with CPUs of its own.", f"use -smp {nodes} or more",
                "riscv_numa_get_default_cpu_node_id, hw/riscv/numa.c, QEMU 8.1",
            )
        return min(cpu // (topology.cpus // nodes), nodes - 1)


class PlainVirtRiscv(VirtRiscv):
    """The same before 11.1, where a CPU has a core-id alone."""

    releases = "9.1<11.1"

    def cpu_ids(self, topology: Topology, cpu: int) -> dict[str, int]:
        return {"core-id": cpu}


class OldVirtRiscv(PlainVirtRiscv):
    """The same before 9.1, where a drive without ``if=`` is no device."""

    releases = "<9.1"
    drive_interface = "none"


def _number(text: Any) -> int:
    """A number as atoi reads it: 0 if it is none."""
    digits = str(text).strip()
    sign = digits[:1] in ("+", "-")
    length = next((n for n, char in enumerate(digits[sign:]) if not char.isdigit()), len(digits) - sign)
    return int(digits[:sign + length]) if length else 0


def _own_ram(build: Build) -> MemoryRegion:
    """RAM that the board makes without a backend."""
    name, size = "riscv_virt_board.ram", build.machine.ram_size
    block = build.ram.allocate(size, idstr=name, region_name=name, owner="/machine")
    region = MemoryRegion(name, size, "ram", block=block)
    build.frontends.append(Frontend(
        "machine", None, "main RAM of virt", None, (block,), (region,),
        build.option_index(build.config.last("m")),
    ))
    return region


def _add_pci(build: Build) -> None:
    """PCI Express: ports, configuration space, 1 GiB below RAM; since 6.0 also a window in high memory."""
    system, gpex = build.system, add_gpex(build)
    system.add(MemoryRegion.window("pcie-ecam", gpex.configuration, 0, PCI_ECAM_SIZE), PCI_ECAM)
    system.add(MemoryRegion.window("pcie-mmio", gpex.memory, PCI_MMIO, PCI_MMIO_SIZE), PCI_MMIO)
    if holds(build.qemu.version, "6.0"):
        size = HIGH_MMIO_SIZE
        high = -(-(RAM_BASE + build.machine.ram_size) // size) * size
        option = build.config.last("cpu")
        if option is not None and (option.value or "").partition(",")[0] in _NARROW:
            high, size = HIGH_MMIO_32, HIGH_MMIO_32_SIZE
            if build.machine.ram_size > MOST_RAM_32:
                build.warnings.append("Limiting RAM size to 10 GiB")
        system.add(MemoryRegion.window("pcie-mmio-high", gpex.memory, high, size), high)
    system.add(gpex.ports, PCI_PORTS)


def _check_boot(build: Build) -> None:
    """Raise Refused for firmware, kernel or initrd that cannot be loaded."""
    _loaded(build)


def _loaded(build: Build) -> list[Any]:
    firmware, images = load_firmware(build), flash_by_unit(build)
    if holds(build.qemu.version, "8.1"):
        fetches = 0 in images and build.machine.words.get("firmware") != "none"
    else:
        fetches = 1 in images and holds(build.qemu.version, "7.0")
    kernel = load_kernel(build, firmware, by_firmware=fetches)
    return [firmware, *kernel, load_tree(build, kernel)]
