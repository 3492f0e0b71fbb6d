"""The board ``sifive_u``: SiFive's HiFive Unleashed, with one small CPU and up to four for applications.

RAM begins at 2 GiB and goes up without an end.  Below lie a ROM, the second-level cache that software uses as
memory, and a serial flash chip that QEMU shows as RAM.  There is no PCI.

Source: sifive_u_machine_init, sifive_u_soc_realize and sifive_u_memmap in hw/riscv/sifive_u.c (QEMU 5.2, 7.2,
10.0, 11.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from memkit.boards import plain_cpus
from memkit.boards.board import MIB, Board, refuse_here
from memkit.boards.fixed_windows import add_fixed_windows
from memkit.boards.nics import has_own_nic
from memkit.boards.riscv_boot import (
    RAM_BASE,
    Loaded,
    check_overlaps,
    check_tree,
    load_firmware,
    load_kernel,
    load_tree,
)
from memkit.memory.device import Frontend
from memkit.memory.region import MemoryRegion
from memkit.units import parse_size
from memkit.versions import holds

if TYPE_CHECKING:
    from memkit.boards.build import Build
    from memkit.boards.devices import DeviceBuilder
    from memkit.boards.machine import Machine

__all__ = ["OldSifiveU", "SifiveU"]

ROM, ROM_SIZE = 0x1000, 0xF000
CACHE, CACHE_SIZE = 0x0800_0000, 32 * MIB
FLASH, FLASH_SIZE = 0x2000_0000, 256 * MIB
# A chip for the boot loader, which is in no address space.
SERIAL_FLASH_SIZE = 32 * MIB
# Mode pins → where the CPU starts: flash, or the cache; else RAM (MSEL_*, include/hw/riscv/sifive_u.h).
STARTS = {1: FLASH, 6: CACHE, 11: CACHE}


class SifiveU(Board):
    """``sifive_u`` for riscv64.

    >>> import memkit
    >>> [block.idstr for block in memkit.boot("-M sifive_u", target="riscv64").ram_blocks][:2]
    ['riscv.sifive.u.ram', 'riscv.sifive.u.mrom']
    """

    family = "sifive_u"
    targets = ("riscv64",)
    releases = "6.0"
    observed_as = "sifive_u"
    default_cpus = 2
    min_cpus = 2
    own_nic = "cadence_gem"
    property_kinds: ClassVar[Mapping[str, str]] = {"msel": "uint32", "serial": "uint32"}
    places: ClassVar[Mapping[str, int]] = {"sd": 1, "mtd": 1, "pflash": 1}
    buses: ClassVar[tuple[tuple[str, str], ...]] = (("spi", "SSI"), ("spi", "SSI"), ("sd-bus", "sd-bus"))

    def ram_id(self, machine: Machine) -> str:
        # Older releases made RAM without a backend.
        return "riscv.sifive.u.ram" if holds(machine.qemu.version, "6.2") else ""

    def check_cpu(self, build: Build) -> None:
        plain_cpus.check_name(build)

    def build_memory(self, build: Build, ram: MemoryRegion) -> None:
        """The chip's ROM and cache, RAM, the flash chip; then the files in RAM.  Raises Refused."""
        plain_cpus.check_start(build)
        system = build.system
        system.add(build.rom("riscv.sifive.u.mrom", ROM_SIZE, owner="/machine/soc"), ROM)
        system.add(_own(build, "riscv.sifive.u.l2lim", CACHE_SIZE, "second-level cache"), CACHE)
        has_own_nic(build)
        if not self.ram_id(build.machine):
            ram = _own(build, "riscv.sifive.u.ram", build.machine.ram_size, "main RAM of sifive_u")
        system.add(ram, RAM_BASE)
        system.add(_own(build, "riscv.sifive.u.flash0", FLASH_SIZE, "flash chip"), FLASH)
        add_fixed_windows(build.program, self.family, frozenset(), system)
        check_tree(build)
        _loaded(build)
        _check_serial_flash(build)

    def add_default_devices(self, build: Build, devices: DeviceBuilder) -> None:
        """The NIC is always there, and warns if nothing is at the other end."""
        if not has_own_nic(build):
            build.warnings.append(f"warning: nic {self.own_nic}.0 has no peer")

    def finish(self, build: Build) -> None:
        check_overlaps(build, _loaded(build))


class OldSifiveU(SifiveU):
    """The same before 6.0, when it had no places for drives."""

    releases = "<6.0"
    places: ClassVar[Mapping[str, int]] = {}
    buses: ClassVar[tuple[tuple[str, str], ...]] = ()


def _check_serial_flash(build: Build) -> None:
    """Raise Refused for an image that does not fill the serial flash chip: since 9.0."""
    for drive in build.config.drives:
        if drive.interface != "mtd" or holds(build.qemu.version, "<9.0"):
            continue
        size = build.host.file_size(drive.file) if drive.file else None
        given = dict(drive.option.args).get("size") if size is None else None
        size = parse_size(given) if given else size
        if size is not None and size != SERIAL_FLASH_SIZE:
            raise refuse_here(
                f"is25wp256 device '/machine/unattached/device[8]' requires {SERIAL_FLASH_SIZE} bytes, "
                f"{drive.id or 'mtd0'} block backend provides {size} bytes", "The image must fill the chip.",
                "truncate -s 32M IMAGE", "m25p80_realize, hw/block/m25p80.c, QEMU 9.0", drive.option,
            )


def _own(build: Build, name: str, size: int, what: str) -> MemoryRegion:
    """RAM that the board makes without a backend."""
    block = build.ram.allocate(size, idstr=name, region_name=name, owner="/machine")
    region = MemoryRegion(name, size, "ram", block=block)
    build.frontends.append(Frontend("machine", None, what, None, (block,), (region,)))
    return region


def _loaded(build: Build) -> list[Loaded]:
    """The files in RAM; raises Refused."""
    machine = build.machine
    pins = 1 if machine.flag("start-in-flash", False) else int(machine.words.get("msel", "0"))
    firmware = load_firmware(build, STARTS.get(pins, RAM_BASE))
    kernel = load_kernel(build, firmware)
    return [firmware, *kernel, load_tree(build, kernel)]
