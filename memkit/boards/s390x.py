"""The board ``s390-ccw-virtio``: a mainframe of the family Z, whose devices hang on channels.

RAM begins at 0 and is all that there is in the address space: channel devices and PCI devices are reached by
instructions.  Since 10.0 memory devices can lie behind RAM, from the next whole GiB on.

Source: ccw_init, s390_memory_init, s390_fixup_ram_size, s390_init_cpus and s390_machine_device_plug in
hw/s390x/s390-virtio-ccw.c, s390_ipl_realize in hw/s390x/ipl.c, virtual_css_bus_get_dev_path in
hw/s390x/css-bridge.c, s390_pcihost_realize in hw/s390x/s390-pci-bus.c (QEMU 5.2, 7.2, 10.0, 11.1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from memkit.boards import plain_cpus
from memkit.boards.board import GIB, MIB, Board, refuse_here
from memkit.boards.device_refusals import refuse_device
from memkit.boards.firmware import found_size
from memkit.boards.nics import wanted_nics
from memkit.boards.pci import PciBus
from memkit.errors import Refused
from memkit.memory.flatview import AddressSpace
from memkit.memory.region import MemoryRegion
from memkit.versions import MachineFacts, Version, holds, machine_facts, plain_facts

if TYPE_CHECKING:
    from memkit.boards.build import Build
    from memkit.boards.devices import DeviceBuilder
    from memkit.boards.machine import Machine
    from memkit.config import DeviceSpec, Option

__all__ = ["S390Ccw"]

BIOS = "s390-ccw.img"
# What is kept at the end of RAM for the BIOS.
BIOS_ROOM = 3 * MIB
# Old types describe RAM in at most so many equal increments.
INCREMENTS = 1020
CHANNELS = "virtual-css-bus"
# Under this name the numbers of channel devices are counted.
_NUMBERS = "devno"
# Consoles that -serial makes, in that order.
_CONSOLES = {"sclpconsole": "VT220", "sclplmconsole": "line-mode"}
_PROGRAM = "hw/s390x/s390-virtio-ccw.c, QEMU 7.2"


class S390Ccw(Board):
    """``s390-ccw-virtio`` and its versioned types.

    >>> import memkit
    >>> print(memkit.boot("-m 2G", target="s390x").flat_view("memory"))
    0000000000000000-000000007fffffff (prio 0, ram): s390.ram
    """

    family = "s390-ccw-virtio"
    targets = ("s390x",)
    prefix = "s390-ccw-virtio-"
    observed_as = "s390-ccw-virtio"
    recorded_bus = ("system", "io")
    makes_nics = True
    nic_names: ClassVar[Mapping[str, str]] = {"virtio": "virtio-net-ccw", "virtio-net-ccw": "virtio-net-ccw"}
    drive_interface = "virtio"
    takes_dimms = True
    buses = (
        ("virtual-css", CHANNELS), ("s390-pcibus.0", "s390-pcibus"),
        ("s390-sclp-events-bus.0", "s390-sclp-events-bus"),
    )

    def ram_id(self, machine: Machine) -> str:
        return "s390.ram"

    def facts(self, version: Version) -> MachineFacts:
        pc = machine_facts("q35", version)
        return plain_facts(
            default_nic="virtio-net-ccw", numa_mem=False, prefer_sockets=version <= (6, 1),
            virtio_modern=pc.virtio_modern, virtio_page_per_queue=pc.virtio_page_per_queue,
        )

    def levels(self, machine: Machine) -> tuple[str, ...]:
        return ("drawers", "books") if machine.version >= (8, 2) else ()

    def check_property(self, machine: Machine, option: Option | None, name: str, value: Any) -> None:
        if name != "loadparm":
            return
        wrong = re.search(r"[^A-Za-z0-9. ]", str(value)[:8])
        if wrong:
            old = holds(machine.qemu.version, "<9.2")
            said = "LOADPARM: invalid character" if old else "invalid character in 'loadparm':"
            raise refuse_here(
                f"{said} '{wrong[0]}' (ASCII 0x{ord(wrong[0]):02x})", "It is a word for the boot loader.",
                "use letters, digits, blanks and dots", f"machine_set_loadparm, {_PROGRAM}", option,
            )

    def check_cpu(self, build: Build) -> None:
        plain_cpus.check_name(build)

    def fix_ram_size(self, build: Build) -> None:
        """Types up to 4.2 round RAM down to whole increments, and say so (s390_fixup_ram_size)."""
        machine = build.machine
        if machine.version > (4, 2):
            return
        shift = 20
        while machine.ram_size >> shift > INCREMENTS:
            shift += 1
        size = machine.ram_size >> shift << shift
        if size != machine.ram_size:
            build.warnings.append(
                f"Ram size {machine.ram_size >> 20}MB was fixed up to {size >> 20}MB to match machine "
                "restrictions. Consider updating the guest definition."
            )
            if machine.maxram_size == machine.ram_size:
                machine.maxram_size = size
            machine.ram_size = size

    def build_memory(self, build: Build, ram: MemoryRegion) -> None:
        """RAM and the device-memory window; then what QEMU checks before it makes devices."""
        machine = build.machine
        if ram.size % MIB and holds(build.qemu.version, "7.2"):
            raise _refuse(build, "ram size must be multiples of 1 MiB",
                          "The guest is told of RAM in increments of 1 MiB.",
                          f"use -m {machine.ram_size // MIB or 1}M", "m", f"s390_memory_init, {_PROGRAM}")
        build.system.add(ram, 0)
        if machine.maxram_size > machine.ram_size and holds(build.qemu.version, "10.0"):
            _add_device_memory(build)
        if machine.topology.threads > 1 and machine.version >= (7, 2):
            raise _refuse(build, "S390 does not support more than 1 threads.",
                          "Cores of this board have one thread.", "leave out threads=", "smp",
                          f"s390_init_cpus, {_PROGRAM}")
        plain_cpus.check_start(build)
        _check_boot(build)
        bus = PciBus("pci.0", root="pci.0", memory=build.system)
        build.buses[bus.name] = build.default_bus = bus

    def add_default_devices(self, build: Build, devices: DeviceBuilder) -> None:
        """The NICs take the first device numbers; raises Refused for one of another model."""
        for _ in wanted_nics(build):
            self.path(build, CHANNELS, {})

    def path(self, build: Build, bus: str, props: Mapping[str, Any]) -> str:
        """The path of a device on a channel: channel subsystem, image and device number."""
        if bus != CHANNELS:
            return ""
        given = props.get("devno")
        number = f"{build.bus_numbers[_NUMBERS]:04x}"
        build.bus_numbers[_NUMBERS] += 1
        return f"/{given}" if given else f"/fe.0.{number}"

    def automatic_id(self, path: str) -> str | None:
        """A PCI device is named by its address, for zpci finds it by id (s390_pcihost_plug)."""
        bus, _, function = path.rpartition(":")
        return f"auto_00:{function}" if bus.startswith("pci.") else None

    def plug_own(self, build: Build, spec: DeviceSpec, driver: str, props: Mapping[str, Any]) -> bool:
        """Raise Refused for a zpci device or a console that there is already."""
        target = str(props.get("target", ""))
        if driver == "zpci" and target in build.device_ids:
            raise refuse_device(
                spec, f"target {target} already has an associated zpci device",
                "A PCI device that comes first gets its zpci device by itself.",
                f"put zpci in front of {target}", "s390_pci_device_plug, hw/s390x/s390-pci-bus.c",
            )
        if driver in _CONSOLES and _has_port(build, list(_CONSOLES).index(driver)):
            raise refuse_device(
                spec, f"Multiple {_CONSOLES[driver]} operator consoles are not supported",
                "The first -serial is an operator console, and is there by default.",
                "add -nodefaults, or leave the device out", "console_init, hw/char/sclpconsole.c",
            )
        return False

    def pre_plug(self, build: Build, spec: DeviceSpec) -> None:
        """Raise Refused for a memory device with larger pages than RAM."""
        memdev = build.memdevs.get(str(spec.props.get("memdev", "")))
        largest = max((m.backend.page_size for m in build.memdevs.values() if m.mapped), default=0)
        if memdev is not None and not memdev.mapped and memdev.backend.page_size > largest > 0:
            raise refuse_device(
                spec, "Memory device uses a bigger page size than initial memory",
                "The largest page that KVM has to map is settled before devices come.",
                "give main RAM the same pages",
                "s390_machine_device_plug, hw/s390x/s390-virtio-ccw.c, QEMU 10.0",
            )

    def check_function(
        self, build: Build, spec: DeviceSpec, driver: str, bus: PciBus, devfn: int | None
    ) -> None:
        """Raise Refused for a PCI device whose interrupts are no messages (MSI-X)."""
        default = 0 if driver.startswith("virtio-rng-pci") and build.machine.version < (7, 2) else 1
        if str(spec.props.get("vectors", default)) == "0":
            raise refuse_device(
                spec, "MSI-X support is mandatory in the S390 architecture",
                "Channels have no lines for the interrupts of PCI.", "add vectors=2",
                "s390_pcihost_plug, hw/s390x/s390-pci-bus.c",
            )


def _has_port(build: Build, number: int) -> bool:
    """True if serial port ``number`` (0 or 1) is there."""
    given = [option.value for option in build.config.all("serial")]
    if not given:
        return number == 0 and not build.config.flag("nodefaults")
    if not build.qemu.serial_none_keeps_place:
        given = [value for value in given if value != "none"]
    return number < len(given) and given[number] != "none"


def _add_device_memory(build: Build) -> None:
    """The window for memory devices, from the next whole GiB behind RAM on."""
    machine = build.machine
    build.device_memory_base = -(-machine.ram_size // GIB) * GIB
    build.device_memory = MemoryRegion("device-memory", machine.maxram_size - machine.ram_size)
    build.system.add(build.device_memory, build.device_memory_base)
    if build.qemu.device_memory_space:
        build.address_spaces.append(AddressSpace("device-memory", build.device_memory))


def _check_boot(build: Build) -> None:
    """Raise Refused for a BIOS, kernel or initrd that is not there (s390_ipl_realize)."""
    words, host = build.machine.words, build.host
    source = "s390_ipl_realize, hw/s390x/ipl.c, QEMU 7.2"
    if holds(build.qemu.version, "9.2") and build.machine.ram_size < BIOS_ROOM:
        raise _refuse(build, "not enough RAM to load the BIOS file", "The BIOS takes the last 3 MiB of RAM.",
                      "use -m 4M or more", "m", source)
    name = words.get("firmware")
    if name and name != BIOS and found_size(build, name) is None:
        raise _refuse(build, "could not find stage1 bootloader", "There is no such file.",
                      "leave out -bios", "bios", source)
    kernel, initrd = words.get("kernel"), words.get("initrd")
    if kernel and host.file_size(kernel) is None:
        raise _refuse(build, f"{kernel}: No such file or directory", "There is no such file.",
                      "give the path of a kernel", "kernel", source)
    if kernel and initrd and host.file_size(initrd) is None:
        raise _refuse(build, f"could not load initrd '{initrd}'", "There is no such file.",
                      "give the path of an initrd", "initrd", source)


def _refuse(build: Build, message: str, why: str, hint: str, option: str, source: str) -> Refused:
    return refuse_here(message, why, hint, source, build.config.last(option) or build.config.last("machine"))
