"""Start-up of the x86 boards: every phase of QEMU's, in its order.

Source: qemu_init, qemu_create_late_backends, qmp_x_exit_preconfig in softmmu/vl.c,
machine_run_board_init in hw/core/machine.c, pc_init1, pc_q35_init, microvm (QEMU 7.2).
"""

from __future__ import annotations

from memkit.boards import cpus, microvm, pc, ports
from memkit.boards.acpi import add_acpi_tables
from memkit.boards.backends import create_backends, create_default_backend
from memkit.boards.build import Build, Memdev
from memkit.boards.devices import DeviceBuilder, default_vga
from memkit.boards.machine import apply_properties, select_machine
from memkit.boards.nics import wanted_nics
from memkit.boards.numa import NumaState, complete_numa, consume, numa_nodes, parse_numa
from memkit.boards.pci import PciBus
from memkit.boards.refusals import refuse
from memkit.config import Config
from memkit.host import Host
from memkit.memory.device import Frontend, NumaNode
from memkit.memory.flatview import AddressSpace
from memkit.memory.region import MemoryRegion

__all__ = ["build_x86"]

# Fixed devices: (address-space name, devfn).
FIXED = {
    "pc": (("i440FX", 0x00), ("PIIX3", 0x08)),
    "q35": (("mch", 0x00),),
}
PIIX3_IDE, PIIX3_USB, PIIX4_PM = ("piix3-ide", 0x09), ("piix3-usb-uhci", 0x0A), ("PIIX4_PM", 0x0B)
ICH9 = (("ICH9-LPC", 0xF8), ("ich9-ahci", 0xFA), ("ICH9-SMB", 0xFB))
ICH9_USB = (("ich9-usb-ehci1", 0xEF), ("ich9-usb-uhci1", 0xE8), ("ich9-usb-uhci2", 0xE9),
            ("ich9-usb-uhci3", 0xEA))


def build_x86(config: Config, qemu: str, host: Host) -> tuple[Build, tuple[NumaNode, ...]]:
    """Everything that QEMU builds for ``config`` on an x86 machine; raises Refused."""
    config.memory_options()
    machine = select_machine(config, qemu)
    build = Build(config, host, machine)
    build.warnings.extend(config.warnings)
    apply_properties(machine, config)
    backend_name = machine.words.get("memory-backend")
    mem_path = config.last("mem-path")
    if backend_name and mem_path:
        raise refuse("mem-path-and-backend", mem_path)
    create_backends(build)
    cpus.model(build)
    main = _machine_backend(build, backend_name)
    numa = parse_numa(build)
    main = _check_main_ram(build, main, numa, mem_path.value if mem_path else None)
    ram = complete_numa(build, numa, main)
    build.numa_count = len(numa.nodes)
    if ram is None:
        assert main is not None
        consume(build, main)
        ram = main.region
        build.frontends.append(Frontend(
            "machine", None, f"main RAM of {machine.type}", main.backend, (main.block,), (main.region,),
            main.backend.option_index if main.option else build.option_index(config.last("m")),
        ))
    _board(build, ram, len(numa.nodes))
    return build, numa_nodes(build, numa)


def _machine_backend(build: Build, name: str | None) -> Memdev | None:
    if not name:
        return None
    memdev = build.memdevs.get(name)
    if memdev is None:
        raise refuse("no-memory-backend", build.config.last("machine"), name=name)
    if build.config.memory_options().size is None:
        build.machine.ram_size = memdev.backend.size
    return memdev


def _check_main_ram(
    build: Build, main: Memdev | None, numa: NumaState, mem_path: str | None
) -> Memdev | None:
    machine = build.machine
    if main is not None:
        if main.backend.size != machine.ram_size:
            raise refuse("ram-size-mismatch", build.config.last("m"), ram=hex(machine.ram_size),
                         name=main.backend.id, size=hex(main.backend.size))
        return main
    if not numa.legacy_mem:
        return None
    if machine.ram_id in build.object_ids:
        raise refuse("reserved-id", None, name=machine.ram_id)
    return create_default_backend(build, machine.ram_id, machine.ram_size, mem_path)


def _board(build: Build, ram: MemoryRegion, nodes: int) -> None:
    machine = build.machine
    if machine.family == "microvm":
        microvm.build_memory(build, ram)
        root, pci = microvm.root_bus(build), None
        build.address_spaces.extend(pc.system_address_spaces(build))
    else:
        pci = pc.build_memory(build, ram)
        pc.add_chipset(build, ram, pci)
        build.address_spaces.extend(pc.system_address_spaces(build))
        root = PciBus("pcie.0" if machine.family == "q35" else "pci.0", express=machine.family == "q35")
        _fixed(build, root, FIXED[machine.family])
        if machine.family == "q35":
            _fixed(build, root, ICH9[:1])
    if root is not None:
        build.buses[root.name] = root
    devices = DeviceBuilder(build, root, pci, nodes)
    if root is not None and machine.family != "microvm":
        _default_devices(build, root, devices)
    for spec in build.config.devices:
        devices.plug(spec)
    _check_orphans(build)
    add_acpi_tables(build)
    features = ports.features_of(build, default_vga(build) if root is not None else None)
    io = ports.io_space(machine.family, machine.version, features)
    build.address_spaces.append(AddressSpace("I/O", io))


def _default_devices(build: Build, root: PciBus, devices: DeviceBuilder) -> None:
    """VGA, NICs and the board's own functions, in the order of pc_init1 and pc_q35_init."""
    machine = build.machine
    q35 = machine.family == "q35"
    if q35:
        # pc_q35_init adds AHCI, USB and SMBus after VGA and NICs, but at fixed addresses.
        if machine.flag("sata", True):
            root.claim(*ICH9[1])
        if machine.flag("usb", False):
            for name, devfn in ICH9_USB:
                root.claim(name, devfn)
        if machine.flag("smbus", True):
            root.claim(*ICH9[2])
    vga = default_vga(build)
    if vga:
        devices.add_vga(vga)
    devices.add_default_nics(wanted_nics(build))
    fixed = list(ICH9[1:]) if q35 else [PIIX3_IDE]
    if q35:
        fixed = [f for f, on in zip(fixed, (machine.flag("sata", True), machine.flag("smbus", True)),
                                    strict=True) if on]
        if machine.flag("usb", False):
            fixed += ICH9_USB
    else:
        if machine.flag("usb", False):
            fixed.append(PIIX3_USB)
        if machine.flag("acpi", True):
            fixed.append(PIIX4_PM)
    _fixed(build, root, fixed)


def _fixed(build: Build, root: PciBus, devices: list[tuple[str, int]] | tuple[tuple[str, int], ...]) -> None:
    for name, devfn in devices:
        root.claim(name, devfn)
        build.address_spaces.append(AddressSpace(name, MemoryRegion("bus master container", 1 << 64)))


def _check_orphans(build: Build) -> None:
    for drive in build.config.drives:
        if drive.interface == "pflash" and build.machine.family == "microvm":
            raise refuse("drive-orphan", drive.option, located=True, interface="pflash",
                         unit=drive.unit or 0)
