"""Where boards put RAM: the rules, in words.  The numbers are those of a guest: see ``memkit.layouts``."""

from __future__ import annotations

from dataclasses import dataclass

from memkit.architectures.fact import Fact
from memkit.errors import MemkitError

__all__ = ["BOARDS", "BoardMemory", "board_memory"]


@dataclass(frozen=True, slots=True)
class BoardMemory:
    """How one board lays out memory; ``machine`` is a word for -M, ``target`` as in qemu-system-TARGET.

    ``memory`` is a size that fits it, as -m takes it; ``devices`` says whether it has a device-memory window
    ("" is never; else the first QEMU that has one).  ``facts`` are named base, hole, high memory, device
    memory, smallest or largest.
    """

    machine: str
    target: str
    facts: tuple[Fact, ...]
    memory: str = "4G"
    devices: str = ""
    title: str = ""


def _fact(name: str, words: str, *sources: str, since: str = "", until: str = "") -> Fact:
    return Fact(name, words, sources, since, until)


_PC_DEVICES = _fact(
    "device memory", "From the next GiB behind all RAM on; maxmem less RAM long, and 1 GiB more for each "
    "slot, so that modules of any alignment fit.", "hw/i386/pc.c: pc_get_device_memory_range, 7.2")
_PC_LARGEST = _fact(
    "largest", "What the CPU's address bits reach, the 64-bit PCI hole behind RAM and device memory "
    "included.",
    "hw/i386/pc.c: pc_max_used_gpa, 7.2", since="7.1")
_NO_DEVICES = _fact("device memory", "None: slots and maxmem make no window, and modules are refused.",
                    "include/hw/boards.h: device_memory of MachineState, 7.2")

BOARDS: tuple[BoardMemory, ...] = (
    BoardMemory("pc", "x86_64", (
        _fact("base", "At 0, one block seen through two windows; the first MiB has holes for video and ROMs.",
              "hw/i386/pc.c: pc_memory_init, 7.2"),
        _fact("hole", "RAM below 4 GiB ends at 3.5 GiB, or at 3 GiB if there is that much or more; "
              "-M max-ram-below-4g= moves it.", "hw/i386/pc_piix.c: pc_init1, 7.2"),
        _fact("high memory", "The rest begins at 4 GiB.", "hw/i386/pc.c: pc_memory_init, 7.2"),
        _PC_DEVICES, _PC_LARGEST), devices="2.1", title="x86, i440FX"),
    BoardMemory("q35", "x86_64", (
        _fact("base", "At 0, as on pc.", "hw/i386/pc.c: pc_memory_init, 7.2"),
        _fact("hole", "RAM below 4 GiB ends at 2.75 GiB, or at 2 GiB if there is that much or more.",
              "hw/i386/pc_q35.c: pc_q35_init, 7.2"),
        _fact("high memory", "The rest begins at 4 GiB.", "hw/i386/pc.c: pc_memory_init, 7.2"),
        _PC_DEVICES, _PC_LARGEST), devices="2.1", title="x86, Q35"),
    BoardMemory("microvm", "x86_64", (
        _fact("base", "At 0; no video, hence no hole below 1 MiB but for the BIOS.",
              "hw/i386/microvm.c: microvm_memory_init, 7.2"),
        _fact("hole", "RAM below 4 GiB ends at 3 GiB.", "hw/i386/microvm.c: microvm_memory_init, 7.2"),
        _fact("high memory", "The rest begins at 4 GiB.", "hw/i386/microvm.c: microvm_memory_init, 7.2"),
        _NO_DEVICES), title="x86, without PCI"),
    BoardMemory("virt", "aarch64", (
        _fact("base", "At 1 GiB, in one piece; flash and devices lie below.",
              "hw/arm/virt.c: base_memmap, 7.2"),
        _fact("high memory", "Redistributors, ECAM and a second PCI window lie behind 256 GiB, or behind RAM "
              "and device memory if these reach farther; what does not fit the CPU's addresses is left out.",
              "hw/arm/virt.c: virt_set_memmap, 7.2"),
        _fact("device memory", "From the next GiB behind RAM on; maxmem less RAM long, and 1 GiB more for "
              "each slot.", "hw/arm/virt.c: virt_set_memmap, 7.2"),
        _fact("largest", "What the CPU's address bits reach.", "hw/arm/virt.c: virt_set_memmap, 7.2",
              since="7.0")), devices="4.2", title="Arm, made for guests"),
    BoardMemory("sbsa-ref", "aarch64", (
        _fact("base", "At 1 TiB, in one piece: below 4 GiB are devices, and from there to 1 TiB is the PCI "
              "window.", "hw/arm/sbsa-ref.c: sbsa_ref_memmap, 7.2"),
        _NO_DEVICES,
        _fact("largest", "8 TiB.", "hw/arm/sbsa-ref.c: RAMLIMIT_GB, 7.2")), title="Arm, like a server"),
    BoardMemory("raspi3b", "aarch64", (
        _fact("base", "At 0; the peripherals lie in its end, from 1008 MiB on, and RAM shows between them.",
              "hw/arm/raspi.c: raspi_machine_init, 7.2", "hw/arm/bcm2836.c: bcm2836_realize, 7.2"),
        _NO_DEVICES,
        _fact("largest", "1 GiB, no more and no less, because the real one has that.",
              "hw/arm/raspi.c: raspi_machine_init, 7.2")), memory="1G", title="Arm, Raspberry Pi 3"),
    BoardMemory("vexpress-a15", "arm", (
        _fact("base", "At 2 GiB, in one piece.", "hw/arm/vexpress.c: a15_daughterboard_init, 7.2"),
        _NO_DEVICES,
        _fact("largest", "30 GiB; a CPU without LPAE would see only 2 of them.",
              "hw/arm/vexpress.c: a15_daughterboard_init, 7.2")), memory="2G", title="Arm, a test board"),
    BoardMemory("pseries", "ppc64", (
        _fact("base", "At 0, in one piece; there are no devices in between.",
              "hw/ppc/spapr.c: spapr_machine_init, 7.2"),
        _fact("high memory", "PCI windows from 32 TiB on.",
              "include/hw/pci-host/spapr.h: SPAPR_PCI_BASE, 7.2"),
        _fact("device memory", "From the next GiB behind RAM on; maxmem less RAM long, nothing added. RAM, "
              "maxmem, each node and each module are multiples of 256 MiB.",
              "hw/ppc/spapr.c: spapr_machine_init, spapr_validate_node_memory, 7.2"),
        _fact("largest", "Nobody checks before the PCI windows at 32 TiB.",
              "hw/ppc/spapr.c: spapr_machine_init, 7.2")), devices="2.5", title="Power, made for guests"),
    BoardMemory("powernv9", "ppc64", (
        _fact("base", "At 0, in one piece, and shared out among the chips.",
              "hw/ppc/pnv.c: pnv_init, pnv_chip_get_ram_size, 7.2"),
        _NO_DEVICES,
        _fact("smallest", "1 GiB.", "hw/ppc/pnv.c: pnv_init, 7.2", since="6.0")), title="Power, bare metal"),
    BoardMemory("s390-ccw-virtio", "s390x", (
        _fact("base", "At 0, in one piece; devices are on channels, not among addresses.",
              "hw/s390x/s390-virtio-ccw.c: s390_memory_init, 7.2"),
        _fact("device memory", "None: slots and maxmem make no window.",
              "hw/s390x/s390-virtio-ccw.c: s390_memory_init, 7.2", until="10.0"),
        _fact("device memory", "From the next GiB behind RAM on, for virtio-mem and virtio-pmem; maxmem less "
              "RAM long.", "hw/s390x/s390-virtio-ccw.c: s390_memory_init, 10.0", since="10.0"),
        _fact("largest", "Under KVM what the host's kernel takes.",
              "hw/s390x/sclp.c: sclp_realize, 7.2")), devices="10.0", title="Z"),
    BoardMemory("virt", "riscv64", (
        _fact("base", "At 2 GiB, in one piece; devices lie below.", "hw/riscv/virt.c: virt_memmap, 7.2"),
        _fact("high memory", "A PCI window of 16 GiB begins behind RAM, at the next multiple of its size.",
              "hw/riscv/virt.c: virt_machine_init, 7.2"),
        _NO_DEVICES), title="RISC-V, made for guests"),
    BoardMemory("sifive_u", "riscv64", (
        _fact("base", "At 2 GiB, in one piece.", "hw/riscv/sifive_u.c: sifive_u_memmap, 7.2"),
        _NO_DEVICES), title="RISC-V, HiFive Unleashed"),
)


def board_memory(machine: str, target: str = "") -> BoardMemory:
    """The rules of a board; raises MemkitError, which lists the boards, for another.

    >>> board_memory("virt", "riscv64").title
    'RISC-V, made for guests'
    """
    for board in BOARDS:
        if board.machine == machine and target in ("", board.target):
            return board
    known = ", ".join(f"{board.machine} ({board.target})" for board in BOARDS)
    raise MemkitError(f"where {str(machine)!r:.60} puts RAM is not described; described: {known}")
