"""What RISC-V boards put into RAM before the guest starts: firmware, kernel, initrd and device tree.

The files only matter where they do not fit: QEMU refuses what is not there, or what overlaps.

Source: riscv_find_and_load_firmware, riscv_load_kernel and riscv_load_fdt (since 8.0 riscv_compute_fdt_addr)
in hw/riscv/boot.c, rom_check_and_register_reset in hw/core/loader.c (QEMU 5.2, 7.2, 10.0, 11.1).
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from memkit.boards.board import GIB, MIB, refuse_here
from memkit.boards.build import Build
from memkit.boards.firmware import found_size
from memkit.errors import Refused
from memkit.versions import holds

__all__ = ["Loaded", "check_overlaps", "check_tree", "load_firmware", "load_kernel", "load_tree"]

RAM_BASE = 0x8000_0000
DEFAULT_FIRMWARE = "opensbi-riscv64-generic-fw_dynamic.bin"
# How much of RAM that of 5.2 takes; newer ones take more, but end below the same 2 MiB.
DEFAULT_FIRMWARE_SIZE = 0x12558
ALIGN = 2 * MIB
# Room for the device tree: what was reserved before 8.0, and about what it takes since then.
OLD_TREE, NEW_TREE, TREE_PER_CPU = 1 * MIB, 0x1400, 0x180
_SOURCE = "hw/riscv/boot.c, QEMU 7.2"


class Loaded(NamedTuple):
    """A file in RAM: [start, end) in guest-physical bytes."""

    name: str
    start: int
    end: int


def load_firmware(build: Build, base: int = RAM_BASE) -> Loaded:
    """Where the firmware is, which is empty with ``-bios none``; raises Refused if there is no such file."""
    name = build.machine.words.get("firmware") or "default"
    if name == "none":
        return Loaded(name, base, base)
    if name == "default":
        return Loaded(name, base, base + (found_size(build, DEFAULT_FIRMWARE) or DEFAULT_FIRMWARE_SIZE))
    size = found_size(build, name)
    if size is None:
        said = "find the RISC-V BIOS" if holds(build.qemu.version, "8.0") else "load the RISC-V firmware"
        raise _refuse(build, f'Unable to {said} "{name}"', "There is no such file.",
                      "give the path of the firmware, or leave out -bios", "bios")
    if not 0 < size <= build.machine.ram_size:
        if holds(build.qemu.version, "<6.0"):
            # A length of -1, taken for a large one: it goes on without firmware.
            return Loaded(name, base, base)
        reason = ": Failed to load ELF" if holds(build.qemu.version, "11.0") else ""
        raise _refuse(build, f"could not load firmware '{name}'{reason}",
                      "RAM is smaller than the file, or it is empty.", "use a larger -m", "bios")
    return Loaded(name, base, base + size)


def load_kernel(build: Build, firmware: Loaded, *, by_firmware: bool = False) -> list[Loaded]:
    """Kernel and initrd, where there are such options, as plain images; raises Refused.

    ``by_firmware``: firmware in flash fetches them, and they are nowhere in RAM.
    """
    machine = build.machine
    kernel, initrd = machine.words.get("kernel"), machine.words.get("initrd")
    if not kernel:
        return []
    if by_firmware:
        for option, path in (("kernel", kernel), ("initrd", initrd)):
            if path and build.host.file_size(path) is None:
                raise _refuse(build, f'failed to load "{path}"', "There is no such file.",
                              "give the path of the file", option)
        return []
    size = build.host.file_size(kernel)
    if size is None:
        raise _refuse(build, f"{kernel}: No such file or directory", "There is no such file.",
                      "give the path of a kernel", "kernel")
    if not 0 < size <= machine.ram_size:
        raise _refuse(build, f"could not load kernel '{kernel}'",
                      "RAM is smaller than the file, or it is empty.", "use a larger -m", "kernel")
    start = -(-firmware.end // ALIGN) * ALIGN
    loaded = [Loaded(kernel, start, start + size)]
    if initrd:
        found = build.host.file_size(initrd)
        if found is None:
            raise _refuse(build, f"could not load ramdisk '{initrd}'", "There is no such file.",
                          "give the path of an initrd", "initrd")
        most = 512 * MIB if holds(build.qemu.version, "9.0") else 128 * MIB
        begin = start + min(machine.ram_size // 2, most)
        loaded.append(Loaded(initrd, begin, begin + found))
    return loaded


def load_tree(build: Build, before: list[Loaded]) -> Loaded:
    """The device tree, as near to the end of RAM as it goes; raises Refused.

    ``before`` are kernel and initrd, behind which it must lie since 10.0.
    """
    version, end = build.qemu.version, RAM_BASE + build.machine.ram_size
    if holds(version, "<8.0"):
        size, limit = OLD_TREE, 4 * GIB if holds(version, "<7.0") else 3 * GIB
        end = min(end, limit)
    else:
        size = NEW_TREE + TREE_PER_CPU * build.machine.cpus
    start = (end - size) // ALIGN * ALIGN
    if holds(version, "10.0") and before and start < before[-1].end:
        word = "Not" if holds(version, "11.0") else "No"
        raise _refuse(build, f"{word} enough memory to place DTB after kernel/initrd",
                      "The device tree belongs behind the kernel, and RAM ends before.",
                      "use a larger -m", "m")
    return Loaded("fdt", start, start + size)


def check_tree(build: Build) -> None:
    """Raise Refused for a ``-dtb`` that is not there."""
    path = build.machine.words.get("dtb")
    if path and build.host.file_size(path) is None:
        raise refuse_here(
            f"Unable to get size of device tree file '{path}'", "There is no such file.",
            "give the path of a device tree, or leave out -dtb",
            "load_device_tree, softmmu/device_tree.c, QEMU 7.2", build.config.last("dtb"),
        )


def check_overlaps(build: Build, loaded: list[Loaded]) -> None:
    """Raise Refused if two files overlap, which QEMU finds when the machine is complete."""
    placed = sorted((file for file in loaded if file.start < file.end), key=lambda file: file.start)
    for file, following in pairwise(placed):
        if following.start >= file.end:
            continue
        message = "Some ROM regions are overlapping"
        if holds(build.qemu.version, "<6.0"):
            message = (f"rom: requested regions overlap (rom {following.name}. free=0x{file.end:016x}, "
                       f"addr=0x{following.start:016x})")
        raise refuse_here(
            message, f"RAM is too small for {file.name} and {following.name}, of which one ends at "
            f"{file.end:#x} and the other begins at {following.start:#x}.", "use -m 4M or more",
            "rom_check_and_register_reset, hw/core/loader.c, QEMU 7.2", build.config.last("m"),
        )


def _refuse(build: Build, message: str, why: str, hint: str, option: str) -> Refused:
    return refuse_here(message, why, hint, _SOURCE, build.config.last(option) or build.config.last("machine"))
