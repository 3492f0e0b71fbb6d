"""Start-up of the x86 boards: every phase of QEMU's, in its order.

Source: qemu_init, qemu_create_late_backends, qmp_x_exit_preconfig in softmmu/vl.c,
machine_run_board_init in hw/core/machine.c, pc_init1, pc_q35_init, microvm (QEMU 7.2).
"""

from __future__ import annotations

from memkit.boards import cpus, isapc, microvm, pc
from memkit.boards.acpi import add_acpi_tables
from memkit.boards.address_spaces import add_address_spaces
from memkit.boards.apic_ids import check_interrupt_mode
from memkit.boards.bare import build_bare, is_bare
from memkit.boards.build import Build
from memkit.boards.buses import add_board_buses
from memkit.boards.cxl import add_host_registers
from memkit.boards.devices import DeviceBuilder
from memkit.boards.global_properties import check_board_globals, check_nic_globals
from memkit.boards.graphics import default_vga, unused_vga
from memkit.boards.machine import select_machine
from memkit.boards.main_ram import check_main_ram, main_ram
from memkit.boards.nics import wanted_nics
from memkit.boards.numa import numa_nodes, parse_numa
from memkit.boards.plugging import plug_devices
from memkit.boards.refusals import refuse
from memkit.boards.startup import check_device_tree, start
from memkit.config import Config
from memkit.host import Host
from memkit.memory.device import NumaNode
from memkit.memory.region import MemoryRegion

__all__ = ["build_x86"]


def build_x86(
    config: Config, host: Host, target: str = "x86_64"
) -> tuple[Build, tuple[NumaNode, ...]]:
    """Everything that QEMU builds for ``config`` on an x86 machine; raises Refused.

    ``target`` is x86_64 or i386: the program without 64-bit CPUs.
    """
    config.check_memory()
    if is_bare(config):
        return build_bare(config, host, target), ()
    build, main = start(select_machine(config), config, host, target)
    numa = parse_numa(build)
    main = check_main_ram(build, main, numa)
    ram = main_ram(build, numa, main)
    _board(build, ram, len(numa.nodes))
    return build, numa_nodes(build, numa)


def _board(build: Build, ram: MemoryRegion, nodes: int) -> None:
    """Memory, chipset, devices and tables of the board, in the order of its init function."""
    machine, pci = build.machine, None
    if machine.family == "isapc":
        isapc.check(build)
    cpus.realize(build)
    add_board_buses(build)
    if machine.family == "microvm":
        microvm.build_memory(build, ram)
    elif machine.family == "isapc":
        isapc.build_memory(build, ram)
    else:
        pci = pc.build_memory(build, ram)
        pc.add_chipset(build, ram, pci)
        pc.add_root_bus(build, pci)
    devices = DeviceBuilder(build, pci, nodes)
    if build.qemu.vmport_needs_i8042 and machine.flag("vmport", False) and not machine.flag("i8042", True):
        raise refuse("vmport-alone", build.config.last("machine"))
    if machine.family == "isapc":
        isapc.add_default_devices(build, devices)
    elif machine.family != "microvm":
        _default_devices(build, devices)
    plug_devices(build, devices)
    add_host_registers(build)
    check_interrupt_mode(build)
    check_board_globals(build, late=True)
    add_acpi_tables(build)
    pc.check_smbios(build)
    add_address_spaces(build, default_vga(build))
    build.warnings += unused_vga(build)
    check_device_tree(build)


def _default_devices(build: Build, devices: DeviceBuilder) -> None:
    """VGA, NICs and the board's own functions, in the order of pc_init1 and pc_q35_init."""
    check_board_globals(build, late=False)
    q35 = build.machine.family == "q35"
    if q35:
        pc.add_late_functions(build)
    vga = default_vga(build)
    if vga:
        devices.add_default(vga, f"graphics card {vga}", build.option_index(build.config.last("vga")))
    check_nic_globals(build)
    for nic in wanted_nics(build):
        devices.add_default(nic.driver, f"NIC {nic.driver}", nic.option_index, nic.props)
    if not q35:
        pc.add_late_functions(build)
