"""The board powernv9 of ppc64: a POWER9 server without a hypervisor.

RAM lies at 0 and is shared out among the chips, one for each socket.  Each chip brings windows at fixed
places, far above RAM, and since QEMU 10.0 a RAMBlock: the HOMER, memory in which the firmware talks to the
chip's own controllers.  Without ``-nodefaults`` (5.2: always) each chip has six PCI host bridges, each with a
port; none of their windows is open at power-on.

Source: pnv_init and pnv_chip_power9_realize in hw/ppc/pnv.c, hw/ppc/pnv_homer.c, pnv_phb_realize in
hw/pci-host/pnv_phb.c (QEMU 5.2, 7.2, 10.0, 11.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from memkit.boards import power_cpus
from memkit.boards.board import GIB, MIB, Board, refuse_here
from memkit.boards.device_refusals import refuse_device
from memkit.boards.firmware import found_size
from memkit.boards.fixed_windows import add_fixed_windows
from memkit.boards.pci import PciBus
from memkit.boards.power_cpus import POWER9
from memkit.memory.region import MemoryRegion
from memkit.versions import holds

if TYPE_CHECKING:
    from memkit.boards.build import Build
    from memkit.boards.machine import Machine
    from memkit.config import DeviceSpec
    from memkit.errors import Refused

__all__ = ["OldPowernv9", "Powernv9"]

MAX_CHIPS = 16
HOST_BRIDGES = 6
ROOT_BUS = "pnv-phb4-root"
HOMER_BASE, HOMER_SIZE = 0x203F_FD80_0000, 4 * MIB
MAX_FIRMWARE, MAX_IMAGE = 16 * MIB, 128 * MIB
MAX_THREADS = 4
_TITLE = "IBM PowerNV (Non-Virtualized) POWER9"
# Models of which there are chips (pnv_chip_types), with their releases.
_CHIPS = {"power9_v2.0": "<8.1", "power9_v2.2": "8.1"}
_SOURCE = "pnv_init, hw/ppc/pnv.c, QEMU 7.2"


class Powernv9(Board):
    """powernv9.

    >>> import memkit
    >>> guest = memkit.boot("-M powernv9 -m 2G -smp 2,sockets=2", target="ppc64")
    >>> [hex(r.start) for r in guest.flat_view("memory").ranges if r.region.name == "lpcm"]
    ['0x6030000000000', '0x6070000000000']
    """

    family = "powernv9"
    targets = ("ppc64",)
    observed_as = "powernv9"
    recorded_bus = ("pci@800000020000000.mmio", "pci@800000020000000.io")
    releases = "6.0"
    default_ram = GIB
    buses = (("isa.0", "ISA"),)
    drive_interface = "ide"
    # The flash chip with the firmware's own data.
    places: ClassVar[Mapping[str, int]] = {"mtd": 1}

    def ram_id(self, machine: Machine) -> str:
        """The id of the backend for ``-m``."""
        return "pnv.ram"

    def check_cpu(self, build: Build) -> None:
        """Raise Refused for a ``-cpu`` of a name that no CPU has."""
        power_cpus.check_name(build)

    def build_memory(self, build: Build, ram: MemoryRegion) -> None:
        """RAM, and what the chips bring; raises Refused."""
        if build.machine.accelerator == "kvm" and holds(build.qemu.version, "7.0"):
            message = "machine powernv9 does not support the KVM accelerator"
            if holds(build.qemu.version, "<8.1"):
                message = "The powernv machine does not work with KVM acceleration"
            raise _refuse(build, message, "A guest under KVM is a partition, which has no chips of its own.",
                          "use -M pseries, or -accel tcg", "accel")
        _check_ram(build)
        build.system.add(ram, 0)
        build.ram_below_4g = min(build.machine.ram_size, 4 * GIB)
        build.ram_above_4g = build.machine.ram_size - build.ram_below_4g
        _check_images(build)
        _check_model(build)
        chips = _count_chips(build)
        _add_chips(build, chips)
        if not build.config.flag("nodefaults") or holds(build.qemu.version, "<7.0"):
            for chip in range(chips):
                _add_host_bridges(build, chip if holds(build.qemu.version, "6.2") else _old_id(chip))

    def check_function(
        self, build: Build, spec: DeviceSpec, driver: str, bus: PciBus, devfn: int | None
    ) -> None:
        """Raise Refused for a second device on the bus of a host bridge, where only its port has a place."""
        if bus.kind == ROOT_BUS and bus.taken:
            raise refuse_device(
                spec, f"Bus '{bus.name}' is full", "A host bridge of POWER9 has one port.",
                f"use the port's bus: {build.default_bus.name if build.default_bus else 'pcie.0'}",
                "qdev_device_add_from_qdict, softmmu/qdev-monitor.c",
            )

    def finish(self, build: Build) -> None:
        """Warn, as the first reset does, if nobody made a BMC, the server's own little controller."""
        given = any(spec.driver.startswith("ipmi-bmc-") for spec in build.config.devices)
        if build.config.flag("nodefaults") and not given:
            build.warnings.append(
                "warning: machine has no BMC device. Use '-device ipmi-bmc-sim,id=bmc0 "
                "-device isa-ipmi-bt,bmc=bmc0,irq=10' to define one"
            )


class OldPowernv9(Powernv9):
    """powernv9 before 6.0, where more RAM was the default, for a ramdisk behind the kernel."""

    releases = "<6.0"
    default_ram = 1792 * MIB

    def plug_own(self, build: Build, spec: DeviceSpec, driver: str, props: Mapping[str, Any]) -> bool:
        """Raise Refused for a DIMM, of which this release dies: it looks for NUMA nodes on every board."""
        if driver in ("pc-dimm", "nvdimm"):
            raise refuse_device(
                spec, "Segmentation fault", "The board knows no NUMA nodes, and QEMU 5.2 crashes looking for "
                "that of a DIMM.", "leave out the DIMM, or use a newer QEMU",
                "pc_dimm_realize, hw/mem/pc-dimm.c",
            )
        return False


def _refuse(build: Build, message: str, why: str, hint: str, option: str) -> Refused:
    return refuse_here(message, why, hint, _SOURCE, build.config.last(option))


def _check_ram(build: Build) -> None:
    if build.machine.ram_size >= GIB:
        return
    if holds(build.qemu.version, "<6.0"):
        build.warnings.append("warning: skiboot may not work with < 1GB of RAM")
    else:
        raise _refuse(build, "Invalid RAM size, should be bigger than 1 GiB",
                      "The firmware, skiboot, does not start with less.", "use -m 1G or more", "m")


def _check_images(build: Build) -> None:
    """Raise Refused for firmware, kernel or initrd that is not there, or too large; warn of missing flash."""
    config, words, qemu = build.config, build.machine.words, build.qemu.version
    flash = any(drive.interface == "mtd" for drive in config.drives)
    wanted = holds(qemu, "10.0") and not flash and not config.flag("nodefaults")
    if wanted and found_size(build, "pnv-pnor.bin") is None:
        build.warnings.append("warning: Could not find PNOR 'pnv-pnor.bin'")
    firmware = words.get("firmware") or "skiboot.lid"
    if found_size(build, firmware) is None:
        raise _refuse(build, f"Could not find OPAL firmware '{firmware}'",
                      "QEMU loads the firmware into RAM.", "leave out -bios", "bios")
    most = 2 * MAX_IMAGE if holds(qemu, "<6.0") else MAX_IMAGE
    for name, what, limit, option in (
        (firmware, "OPAL firmware", MAX_FIRMWARE, "bios"), (words.get("kernel"), "kernel", most, "kernel"),
        (words.get("initrd"), "initial ram disk", most, "initrd"),
    ):
        size = found_size(build, name) if option == "bios" and name else build.host.file_size(name or "")
        message = ""
        if name and (size is None or size > limit):
            message = f"Could not load {what} '{name}'"
        if name and holds(qemu, "11.0") and (message or not size):
            message = f"{name} exceeds maximum image size ({limit >> 20} MiB)" if size else (
                f"empty file: {name}" if size == 0 else f"Could not open '{name}': No such file or directory"
            )
        if message:
            raise _refuse(build, message, "QEMU loads it into RAM.", f"check the path of -{option}", option)


def _check_model(build: Build) -> None:
    """Raise Refused for a CPU that is no POWER9, or of which there is no chip."""
    cpu, qemu = power_cpus.model(build), build.qemu.version
    if cpu is None or cpu.level != POWER9:
        name = power_cpus.full_name(build)
        raise _refuse(build, f"invalid CPU model '{name}-powerpc64-cpu' for powernv9 machine",
                      "The chips of this board are POWER9.", "leave out -cpu, or use another machine",
                      "cpu")
    if cpu.name not in _CHIPS or not holds(qemu, _CHIPS[cpu.name]):
        raise _refuse(build, f"invalid chip model '{cpu.name}' for powernv9 machine",
                      "QEMU has no chip with this model.", "leave out -cpu", "cpu")
    power_cpus.check_properties(build, cpu)


def _count_chips(build: Build) -> int:
    """One chip for each socket that ``-smp`` can have; raises Refused."""
    topology, qemu, big = build.machine.topology, build.qemu.version, build.machine.flag("big-core", False)
    threads, message = topology.threads, ""
    most = 2 * MAX_THREADS if big else MAX_THREADS
    if holds(qemu, "9.2") and big and threads % 2:
        message = f"Cannot support {threads} threads with big-core option because it must be an even number"
    elif holds(qemu, "9.1") and threads > most:
        message = f"Cannot support more than {most} threads/core on {_TITLE} machine"
        message += "\n(use big-core=on for 8 threads per core)" if holds(qemu, "9.2") else ""
    elif holds(qemu, "9.1") and threads & (threads - 1):
        message = (
            f"Cannot support {threads} threads/core on a powernv machine because it must be a power of 2"
        )
    chips = topology.max_cpus // (topology.cores * threads)
    old = holds(qemu, "<6.2")
    if not message and (chips & (chips - 1) or not 0 < chips <= (4 if old else MAX_CHIPS)):
        message = f"invalid number of chips: '{chips}'\nTry '-smp sockets=N'. Valid values are : " + (
            "1, 2 or 4." if old else "1, 2, 4, 8 and 16."
        )
    if message:
        raise _refuse(build, message, "Each socket holds one chip, and chips come in powers of two.",
                      "use -smp sockets=2,cores=..., for example", "smp")
    return chips


def _old_id(chip: int) -> int:
    """The number of a chip before 6.2: two of them form a module (PNV_CHIP_HWID)."""
    return (chip & 0x3E) << 3 | chip & 1


def _add_chips(build: Build, chips: int) -> None:
    """The windows of the chips; what a chip has lies in front of what those with lower numbers have there."""
    features = frozenset(f"sockets{count}" for count in (2, 4, 8, 16) if count <= chips)
    own = MemoryRegion("chips", 1 << 64)
    add_fixed_windows(build.program, "powernv9", features, own)
    by_name: dict[str, list[MemoryRegion]] = {"occ-common-area": [], "homer-main-memory": []}
    for window in sorted(own.subregions, key=lambda w: w.addr):
        by_name.setdefault(window.name, []).append(window)
    sensors, homers = by_name.pop("occ-common-area"), by_name.pop("homer-main-memory")
    for window in (w for windows in by_name.values() for w in windows):
        build.system.add(window, window.addr, window.priority)
    for chip, window in enumerate(sensors):
        if not homers:
            # Since 10.0 it is RAM, and comes first.
            name = f"homer-chip{chip}-memory"
            build.system.add(build.vram(name, HOMER_SIZE, name, "chip"), HOMER_BASE + chip * HOMER_SIZE)
        build.system.add(window, window.addr)
        if homers:
            build.system.add(homers[chip], homers[chip].addr)


def _add_host_bridges(build: Build, chip: int) -> None:
    """The PCI host bridges of a chip, each with its port; the last one takes the devices without bus=."""
    for number in range(HOST_BRIDGES):
        old = holds(build.qemu.version, "<7.1")
        root = PciBus("root-bus" if old else f"pnv-phb4-root.{chip * HOST_BRIDGES + number}", ROOT_BUS,
                      f"{chip:04x}:{number:02x}")
        port = "pnv-phb4-root-port" if old else "pnv-phb-root-port"
        root.claim(port, 0, multifunction=False)
        build.pci_functions.append((port, root, 0))
        build.buses.setdefault(root.name, root)
        build.chassis.add((chip, number))
        build.default_bus = bus = PciBus(
            build.automatic_bus_name("PCIE"), "PCIE", root.root, ":00.0",
            memory=MemoryRegion("pci_bridge_pci", 1 << 64), io=MemoryRegion("pci_bridge_io", 4 << 30),
            above=(root, 0, port),
        )
        build.buses[bus.name] = bus
