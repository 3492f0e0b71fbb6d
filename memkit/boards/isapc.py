"""The board ``isapc``: an ISA-only PC, with no PCI, no ACPI and nothing that could take memory later.

Without a chipset between CPU and RAM nothing is shadowed: the ISA bus is ``system`` itself, the BIOS and the
option-ROM area are RAM that the guest may write to, and no PAM or SMRAM window lies in front of them.

Source: pc_init1, isapc_machine_options in hw/i386/pc_piix.c, pc_memory_init in hw/i386/pc.c,
pc_system_firmware_init in hw/i386/pc_sysfw.c (QEMU 7.2); pc_init_isa in hw/i386/isapc.c since 10.2.
"""

from __future__ import annotations

from memkit.boards import cpus, pc
from memkit.boards.build import Build
from memkit.boards.cxl import add_cxl_windows
from memkit.boards.devices import DeviceBuilder
from memkit.boards.firmware import add_bios, add_option_rom_area, firmware_size
from memkit.boards.graphics import default_vga
from memkit.boards.nics import wanted_nics
from memkit.boards.ports import features_of, memory_windows
from memkit.errors import Refused
from memkit.memory.region import MemoryRegion

__all__ = ["add_default_devices", "build_memory", "check"]

MIB = 1 << 20
# A PC keeps the last half GiB below 4 GiB for devices, be there PCI or not.
MOST = 3584 * MIB
# The CPUs that a PC without PCI could have had (valid_cpu_types, hw/i386/isapc.c).
OF_THE_TIME = frozenset(("486", "athlon", "kvm32", "pentium", "pentium2", "pentium3", "qemu32"))


def check(build: Build) -> None:
    """Warn of a CPU that is too new, and raise Refused for more RAM than the board takes (since 10.2)."""
    if not build.qemu.isapc_limits:
        return
    cpu, size, option = cpus.model(build).name, build.machine.ram_size, build.config.last("m")
    if cpu not in OF_THE_TIME:
        build.warnings.append(f"warning: cpu type {cpu}-{build.target}-cpu is deprecated for isapc machine")
    if size > MOST:
        raise Refused(
            f"Too much memory for this machine: {size // MIB} MiB, maximum {MOST // MIB} MiB",
            explanation="An ISA-only PC keeps the last half GiB below 4 GiB free, and has no RAM above.",
            hint=f"use -m {MOST // MIB}M or less, or -M pc", option=option.text if option else "",
            position=option.index if option else None, source="pc_init_isa, hw/i386/isapc.c, QEMU 11.1",
        )


def build_memory(build: Build, ram: MemoryRegion) -> None:
    """Put RAM, the BIOS and the option-ROM area into ``system``; raises Refused.

    >>> import memkit
    >>> guest = memkit.boot("-M isapc -m 16M")
    >>> [f"{r.start:x} {r.region.name}" for r in guest.flat_view("memory").ranges][-2:]
    ['100000 pc.ram', 'fffe0000 pc.bios']
    """
    machine, system = build.machine, build.system
    below, above = (machine.ram_size, 0) if build.qemu.isapc_limits else pc.split_ram(build)
    add_cxl_windows(build, pc.map_ram(build, ram, below, above, 0))
    add_bios(build, system, firmware_size(build, "bios.bin"), writable=True)
    add_option_rom_area(build, system, writable=True)
    for window in memory_windows(build.qemu.version, "isapc", machine.version, features_of(build)):
        system.add(MemoryRegion(window.name, window.size, window.kind), window.addr, window.priority)


def add_default_devices(build: Build, devices: DeviceBuilder) -> None:
    """The graphics card and the NICs, all of them ISA devices; the rest of the board has ports only."""
    vga = default_vga(build)
    if vga:
        devices.add_default(vga, f"graphics card {vga}", build.option_index(build.config.last("vga")))
    for nic in wanted_nics(build):
        devices.add_default(nic.driver, f"NIC {nic.driver}", nic.option_index, nic.props)
