"""The board ``sbsa-ref``: a server as Arm's base system architecture wants it, for firmware people.

RAM begins at 1 TiB.  The first flash chip and 512 MiB of RAM are only for secure code; the other chip, the
devices and two PCI windows lie below RAM at fixed places.  It has no ACPI of its own, and no place for memory
that is plugged.

Source: sbsa_ref_init, sbsa_flash_map, create_secure_ram and create_pcie in hw/arm/sbsa-ref.c (QEMU 5.2, 7.2,
10.0, 11.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from memkit.boards.arm_cpus import check_cpu, check_features, check_model, cpu_spaces, smmu_spaces
from memkit.boards.arm_messages import check_messages, no_iommu_handler
from memkit.boards.board import GIB, MIB, Board, refuse_here
from memkit.boards.firmware import flash_by_unit
from memkit.boards.fixed_windows import add_fixed_windows
from memkit.boards.flash_chips import add_chip, check_bios, check_image
from memkit.boards.nics import wanted_nics
from memkit.boards.pci import PciBus
from memkit.memory.device import Frontend
from memkit.memory.flatview import AddressSpace
from memkit.memory.region import MemoryRegion
from memkit.versions import holds

if TYPE_CHECKING:
    from memkit.boards.build import Build
    from memkit.boards.devices import DeviceBuilder
    from memkit.boards.machine import Machine
    from memkit.boards.topology import Topology
    from memkit.config import DeviceSpec

__all__ = ["SbsaRef"]

FLASH_SIZE = 256 * MIB
SECURE_RAM, SECURE_RAM_SIZE = 0x2000_0000, 512 * MIB
SECURE_UARTS = (0x6003_0000, 0x6004_0000)
SECURE_CONTROLLER = 0x5000_0000
RAM_BASE, MOST_RAM = 1 << 40, 8192 * GIB
REDISTRIBUTOR = 0x20000
# CPU models in QEMU's order, and the releases that take them.
_MODELS = {
    "cortex-a57": "", "cortex-a72": "6.0", "cortex-a76": "7.1<8.0", "neoverse-n1": "7.1",
    "neoverse-v1": "8.1", "neoverse-n2": "8.2", "max": "7.0",
}


class SbsaRef(Board):
    """``sbsa-ref`` for aarch64, with four CPUs."""

    family = "sbsa-ref"
    targets = ("aarch64",)
    default_ram = GIB
    default_cpus = 4
    makes_nics = True
    takes_system = False
    numa = True
    drive_interface = "ide"
    places: ClassVar[Mapping[str, int]] = {"ide": 6, "pflash": 2}
    default_nic = "e1000e"
    # Devices were recorded on virt, whose ports are at 0x3eff0000.
    ports_moved = 0x7FFF_0000 - 0x3EFF_0000
    buses = (*((f"ide.{n}", "IDE") for n in range(6)), ("usb-bus.0", "usb-bus"))

    def ram_id(self, machine: Machine) -> str:
        return "sbsa-ref.ram"

    def levels(self, machine: Machine) -> tuple[str, ...]:
        return ("clusters",) if holds(machine.qemu.version, "9.1") else ()

    def check_cpu(self, build: Build) -> None:
        check_cpu(build)

    def build_memory(self, build: Build, ram: MemoryRegion) -> None:
        """Flash, RAM, secure RAM, PCI and the fixed windows."""
        machine, system = build.machine, build.system
        _check(build)
        secure = build.secure_memory = MemoryRegion("secure-memory", 1 << 64)
        images = flash_by_unit(build)
        for unit, container in enumerate((secure, system)):
            image = images.get(unit)
            if image is not None:
                check_image(build, image, unit, f"sbsa.flash{unit}", FLASH_SIZE)
            add_chip(build, f"sbsa.flash{unit}", FLASH_SIZE, image, container, unit * FLASH_SIZE)
        check_bios(build, images.get(0), FLASH_SIZE, "sbsa_firmware_init, hw/arm/sbsa-ref.c, QEMU 7.2")
        _check_ram(build)
        check_features(build, check_cpu(build))
        secure.add(system, 0, -1)
        system.add(ram, RAM_BASE)
        block = build.ram.allocate(SECURE_RAM_SIZE, idstr="sbsa-ref.secure-ram",
                                   region_name="sbsa-ref.secure-ram", owner="/machine")
        region = MemoryRegion("sbsa-ref.secure-ram", SECURE_RAM_SIZE, "ram", block=block)
        secure.add(region, SECURE_RAM)
        build.frontends.append(Frontend("machine", None, "RAM for secure code", None, (block,), (region,)))
        for at in SECURE_UARTS:
            secure.add(MemoryRegion("pl011", 0x1000, "i/o"), at)
        secure.add(MemoryRegion("sbsa-ec", 0x1000, "i/o"), SECURE_CONTROLLER)
        regions = add_fixed_windows(build.program, self.family, frozenset(), system)
        regions["gicv3_redist_region[0]"].size = machine.cpus * REDISTRIBUTOR
        bus = PciBus("pcie.0", "PCIE", memory=regions["gpex_mmio"], io=regions["gpex_ioport"])
        # What the default graphics card maps comes with the card.
        regions["gpex_mmio"].subregions.clear()
        regions["gpex_ioport"].subregions.clear()
        bus.claim("gpex-root", 0, multifunction=False)
        build.buses[bus.name] = build.default_bus = bus
        build.pci_functions.append(("gpex-root", bus, 0))
        build.iommu = "smmuv3"

    def add_default_devices(self, build: Build, devices: DeviceBuilder) -> None:
        for nic in wanted_nics(build):
            devices.add_default(nic.driver, f"NIC {nic.driver}", nic.option_index, nic.props)
        card = "bochs-display" if holds(build.qemu.version, "8.1") else "VGA"
        devices.add_default(card, f"graphics card {card}", None)

    def check_function(
        self, build: Build, spec: DeviceSpec, driver: str, bus: PciBus, devfn: int | None
    ) -> None:
        if not holds(build.qemu.version, "8.1"):
            check_messages(build.qemu.version, spec, driver)
        if driver == "virtio-iommu-pci":
            raise no_iommu_handler(build, spec)

    def add_address_spaces(self, build: Build) -> None:
        super().add_address_spaces(build)
        if build.secure_memory is not None:
            build.address_spaces += cpu_spaces("cpu-secure-memory", build, build.secure_memory)
        build.address_spaces += smmu_spaces(build)
        if holds(build.qemu.version, "8.1"):
            build.address_spaces.append(AddressSpace("gicv3-its-sysmem", build.system))

    def default_node(self, topology: Topology, cpu: int, nodes: int) -> int:
        return cpu % nodes


def _check(build: Build) -> None:
    """Raise Refused for a CPU model that the board does not take."""
    version, cpu = build.qemu.version, check_cpu(build)
    if not holds(version, "6.0") and cpu.name != "cortex-a57":
        option = build.config.last("cpu")
        raise refuse_here(
            "sbsa-ref: CPU type other than the built-in cortex-a57 not supported",
            "The board has one CPU model in this release.", "leave out -cpu",
            "sbsa_ref_init, hw/arm/sbsa-ref.c, QEMU 5.2", option,
        )
    known = tuple(name for name, span in _MODELS.items() if holds(version, span))
    check_model(build, cpu, known, "sbsa-ref")


def _check_ram(build: Build) -> None:
    if build.machine.ram_size > MOST_RAM:
        shown = "8 TiB of RAM" if holds(build.qemu.version, "11.0") else f"{MOST_RAM // GIB}GB RAM"
        raise refuse_here(
            f"sbsa-ref: cannot model more than {shown}", "The board reserves 8 TiB of addresses for RAM.",
            "use less memory", "sbsa_ref_init, hw/arm/sbsa-ref.c, QEMU 7.2", build.config.last("m"),
        )
