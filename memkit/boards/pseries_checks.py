"""What pseries checks while it is built: firmware, memory in blocks, threads, nodes, NVRAM, kernel.

Source: spapr_machine_init, spapr_validate_node_memory, spapr_rma_size, spapr_set_vsmt_mode and
spapr_init_cpus in hw/ppc/spapr.c, spapr_irq_check in hw/ppc/spapr_irq.c, spapr_nvram_realize in
hw/nvram/spapr_nvram.c (QEMU 7.2); spapr_numa_associativity_init in hw/ppc/spapr_numa.c (QEMU 5.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memkit.boards import power_cpus
from memkit.boards.board import MIB, refuse_here
from memkit.boards.firmware import found_size
from memkit.boards.power_cpus import POWER8, POWER9, PowerCpu
from memkit.boards.pseries_caps import effective_level
from memkit.errors import Refused
from memkit.versions import holds

if TYPE_CHECKING:
    from memkit.boards.build import Build

__all__ = [
    "BLOCK", "check_blocks", "check_cores", "check_firmware", "check_kernel", "check_nodes", "check_nvram",
    "check_real_mode_area", "check_threads", "checked_cpu", "interrupt_mode", "refuse_part",
]

# A logical memory block: what a guest gets or gives back at a time.
BLOCK = 256 * MIB
# What the firmware needs without translation of addresses (MIN_RMA_SLOF).
MIN_RMA, MAX_RMA = 128 * MIB, 1 << 40
MAX_FIRMWARE = 4 * MIB
MAX_THREADS = 8
NVRAM_LIMITS = (8 << 10, 1 * MIB)
_SOURCE = "hw/ppc/spapr.c, QEMU 7.2"


def refuse_part(
    build: Build, message: str, why: str, hint: str, option: str, source: str = _SOURCE
) -> Refused:
    """A Refused that the last ``option`` of that name caused."""
    return refuse_here(message, why, hint, source, build.config.last(option))


def checked_cpu(build: Build) -> PowerCpu:
    """The CPU model, once it is known to be one of pseries."""
    found = power_cpus.model(build)
    assert found is not None
    return found


def check_firmware(build: Build) -> None:
    """Raise Refused unless the firmware is there and fits; it becomes no region, but lies in RAM."""
    default = "vof.bin" if build.machine.flag("x-vof", False) else "slof.bin"
    name = build.machine.words.get("firmware") or default
    size = found_size(build, name)
    if size is None:
        message = f"Could not find LPAR firmware '{name}'"
    elif 0 < size <= MAX_FIRMWARE:
        return
    elif holds(build.qemu.version, "<11.0"):
        message = f"Could not load LPAR firmware '{name}'"
    else:
        message = f"{name} exceeds maximum image size (4 MiB)" if size else f"empty file: {name}"
    raise refuse_part(build, message, "QEMU loads the firmware into RAM.", "leave out -bios", "bios")


def check_real_mode_area(build: Build) -> None:
    machine, first = build.machine, next((size for size in build.node_sizes if size), 0)
    area = min(machine.ram_size, MAX_RMA, 1 << (first.bit_length() - 1) if first else machine.ram_size)
    if area < MIN_RMA:
        raise refuse_part(
            build, "pSeries SLOF firmware requires >= 80ldMiB guest RMA (Real Mode Area memory)",
            "The firmware runs without translation in the memory of the first node, and needs 128 MiB (QEMU "
            "prints it as a hexadecimal number).", "use -m 256M or more", "m", f"spapr_rma_size, {_SOURCE}",
        )


def check_threads(build: Build, cpu: PowerCpu) -> None:
    """Raise Refused for threads that TCG, or the architecture, does not have."""
    machine, threads, message = build.machine, build.machine.topology.threads, ""
    vsmt = int(machine.words.get("vsmt", "0"))
    if machine.accelerator == "tcg" and holds(build.qemu.version, "<9.0"):
        if threads > 1:
            message = "TCG cannot support more than 1 thread/core on a pseries machine"
    elif machine.accelerator == "tcg" and threads > 1 and effective_level(machine, cpu) < POWER8:
        message = "TCG only supports SMT on POWER8 or newer CPUs"
    elif machine.accelerator == "tcg" and threads > MAX_THREADS:
        message = f"TCG cannot support more than {MAX_THREADS} threads/core on a pseries machine"
    if not message and threads & (threads - 1):
        message = (
            f"Cannot support {threads} threads/core on a pseries machine because it must be a power of 2"
        )
    if not message and 0 < vsmt < threads:
        message = f"Cannot support VSMT mode {vsmt} because it must be >= threads/core ({threads})"
    if message:
        raise refuse_part(build, message, "Threads of a core share its memory and numbers.",
                      "use -smp cores= instead of threads=", "smp", f"spapr_set_vsmt_mode, {_SOURCE}")


def interrupt_mode(build: Build, cpu: PowerCpu) -> str:
    """xics, xive or dual; raises Refused for one that the CPU does not have."""
    machine = build.machine
    mode = machine.words.get("ic-mode", "dual" if machine.version > (4, 0) else "xics")
    if effective_level(machine, cpu) >= POWER9 or mode == "xics":
        return mode
    if mode == "xive":
        raise refuse_part(build, "XIVE-only machines require a POWER9 CPU", "Older CPUs know XICS only.",
                      "use ic-mode=dual", "machine", "spapr_irq_check, hw/ppc/spapr_irq.c, QEMU 7.2")
    return "xics"


def check_blocks(build: Build) -> None:
    """Raise Refused unless RAM, its limit and every node are whole blocks."""
    machine, message = build.machine, ""
    if machine.ram_size % BLOCK:
        message = f"Memory size 0x{machine.ram_size:x} is not aligned to 256 MiB"
    elif machine.maxram_size % BLOCK:
        # QEMU prints the size of RAM here, too.
        message = f"Maximum memory size 0x{machine.ram_size:x} is not aligned to 256 MiB"
    for node, size in enumerate(build.node_sizes):
        if not message and size % BLOCK:
            message = f"Node {node} memory size 0x{size:x} is not aligned to 256 MiB"
    if message:
        raise refuse_part(build, message, "The guest gets and gives back memory in blocks of 256 MiB.",
                      "use multiples of 256M", "m", f"spapr_validate_node_memory, {_SOURCE}")


def check_cores(build: Build) -> None:
    """Raise Refused for a core that is there in part."""
    machine, threads, message = build.machine, build.machine.topology.threads, ""
    if machine.version <= (2, 6):
        if machine.max_cpus != machine.cpus:
            message = "This machine version does not support CPU hotplug"
    elif machine.cpus % threads:
        message = f"smp_cpus ({machine.cpus}) must be multiple of threads ({threads})"
    elif machine.max_cpus % threads:
        message = f"max_cpus ({machine.max_cpus}) must be multiple of threads ({threads})"
    if message:
        raise refuse_part(build, message, "Cores are whole.", "use whole cores", "smp",
                          f"spapr_init_cpus, {_SOURCE}")


def check_nodes(build: Build) -> None:
    """Raise Refused, before 6.2, for a node with neither memory nor CPUs, and for lopsided distances."""
    if holds(build.qemu.version, "6.0"):
        return
    machine = build.machine
    with_cpu = {build.cpu_nodes.get(cpu, 0) for cpu in range(machine.cpus)}
    for node, size in enumerate(build.node_sizes):
        if not size and node not in with_cpu:
            raise refuse_part(
                build, f"Memory-less/cpu-less nodes are not supported (node {node})",
                "The firmware tells nodes by their memory and CPUs.", "give it memory or CPUs", "numa",
            )
    given = {(spec.props["src"], spec.props["dst"]): spec.props["val"]
             for spec in build.config.iter_numa() if spec.type == "dist"}
    lopsided = any(given.get((b, a), value) != value for (a, b), value in given.items())
    if lopsided and len(build.node_sizes) > 1 and machine.version >= (5, 2):
        raise refuse_part(
            build, "Asymmetrical NUMA topologies aren't supported in the pSeries machine",
            "Distances are told as levels of a tree, which are equal both ways.",
            "give the same val= for both directions", "numa",
        )


def check_nvram(build: Build) -> None:
    """Raise Refused for a flash drive that is too small or too large for the NVRAM."""
    drive = next((d for d in build.config.drives if d.interface == "pflash"), None)
    size = build.host.file_size(drive.file) if drive is not None and drive.file else None
    least, most = NVRAM_LIMITS
    if size is not None and not least <= size <= most:
        raise refuse_part(
            build, f"spapr-nvram must be between {least} and {most} bytes in size",
            "The flash drive of pseries holds its NVRAM.", "use a file of 64 KiB", "drive",
            "spapr_nvram_realize, hw/nvram/spapr_nvram.c, QEMU 7.2",
        )


def check_kernel(build: Build) -> None:
    """Raise Refused for a kernel that is not there; what is in a file, the model does not know."""
    name = build.machine.words.get("kernel")
    size = build.host.file_size(name) if name else 1
    if not size:
        missing = "" if size == 0 else f"{name}: No such file or directory\n"
        raise refuse_part(
            build, f"{missing}error loading {name}: Failed to load ELF", "QEMU loads the kernel itself.",
            "check the path of -kernel", "kernel",
        )
