"""Which RAMBlocks a device brings along: video RAM, option ROMs, a fifo.

What a device brings by default was recorded with it, for old machine types, too; rules that were fitted
to many starts say how its properties change the sizes.

Source: data/devices and data/machines; pci_add_option_rom in hw/pci/pci.c, qxl_init_ramsize in
hw/display/qxl.c, pci_cirrus_vga_realize in hw/display/cirrus_vga.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from memkit.boards import catalog
from memkit.boards.build import Build
from memkit.boards.device_refusals import refuse_device
from memkit.boards.refusals import refuse
from memkit.config import DeviceSpec
from memkit.errors import Refused
from memkit.memory.ramblock import RAMBlock
from memkit.memory.region import MemoryRegion
from memkit.units import parse_size

__all__ = ["Brought", "add_device_memory", "add_option_rom", "brought_on", "check_block_names", "seen_on"]

MIB = 1 << 20
PAGE = 4096
GLOBAL_NAME = "vga.vram"
NAME_LENGTH = 31
NO_ROM_SIZE = 0xFFFF_FFFF
CIRRUS_MIB = (4, 8, 16)
BOCHS_LIMITS = (4 * MIB, 256 * MIB)
# pseries-2.8 to 2.11 want an option more than was given when devices were recorded; they are like 2.12.
_NOT_SEEN = "! No Transactional Memory"
_UNITS = {"K": 10, "M": 20, "G": 30}


class Brought(NamedTuple):
    """What a device brings: (name, bytes) of each block; the last is the option ROM if there is a file."""

    blocks: tuple[tuple[str, int], ...]
    romfile: str


@lru_cache(maxsize=512)
def seen_on(qemu: str, driver: str, family: str) -> catalog.Observation:
    """What the device did on a board of ``family``, with the properties that it needs to start."""
    seen = catalog.observed(qemu, driver, family)
    if seen is not None and seen.refusal and family == "microvm":
        # Recorded without PCI; -machine microvm,pcie=on has a bus like that of q35.
        seen = catalog.observed(qemu, driver, "q35")
    if seen is None:
        return catalog.Observation()
    return seen.then if seen.then is not None else seen


@lru_cache(maxsize=512)
def brought_on(qemu: str, driver: str, family: str, machine_type: str) -> Brought:
    """What ``-device DRIVER`` brings on a machine type; names start with ``%/`` for the device's path.

    >>> brought_on("7.2", "cirrus-vga", "pc", "pc-i440fx-2.8").blocks[0]
    ('vga.vram', 8388608)
    """
    text = catalog.device_on(qemu, driver, machine_type)
    if text is not None and text.startswith(_NOT_SEEN):
        text = catalog.device_on(qemu, driver, "pseries-2.12")
    seen = seen_on(qemu, driver, family)
    if text is None or text[0] == "!":
        return Brought(tuple((b.name, b.size) for b in seen.blocks), seen.romfile)
    words, _, romfile = text.partition(" <- ") if not text.startswith("<-") else ("", "", text[3:])
    blocks = []
    for word in words.split():
        name, found, size = word.partition("=")
        if found:
            # pc-i440fx-1.6 has paths without the bus, which the recorder took for a name.
            name = "%/" + name.partition("/")[2] if name.startswith("0000:") else name
            blocks.append((name, int(size[:-1]) << _UNITS[size[-1]]))
    return Brought(tuple(blocks), romfile)


def add_device_memory(
    build: Build, driver: str, path: str, props: Mapping[str, Any], spec: DeviceSpec | None = None
) -> tuple[tuple[RAMBlock, ...], tuple[MemoryRegion, ...]]:
    """The RAMBlocks and regions of a device at ``path``, in QEMU's order of creation; raises Refused."""
    machine = build.machine
    brought = brought_on(build.program, driver, machine.seen_as, machine.type)
    regions = []
    for number, (name, size) in enumerate(brought.blocks):
        short = name.removeprefix("%/")
        # A card whose state has a global name in the migration stream gives it to its memory, too.
        plain = name == short
        if short == GLOBAL_NAME and path:
            plain = props.get("global-vmstate", plain or _has_global_name(build, driver))
        idstr = short if plain else f"{path}/{short}"
        if brought.romfile and number == len(brought.blocks) - 1:
            size = _rom_size(build, spec, props, brought.romfile)
            if size:
                regions.append(build.rom(short, size, idstr=idstr, owner=path))
            continue
        _check_name(build, spec, idstr, isa=not path)
        size = _size(build, spec, driver, name, size, props)
        if short.startswith("/rom@"):
            # The ROM of a card that is not for PCI, loaded as a file; old types keep a block for it.
            regions.append(build.rom(short, -(-size // PAGE) * PAGE, idstr=idstr, owner="fw_cfg"))
        elif short.endswith("rom"):
            regions.append(build.rom(short, size, idstr=idstr, owner=path))
        else:
            regions.append(build.vram(short, size, idstr, path))
    if not brought.romfile and path:
        regions += add_option_rom(build, driver, path, props, spec)
    return tuple(r.block for r in regions if r.block), tuple(regions)


def _has_global_name(build: Build, driver: str) -> bool:
    """True for a graphics card of an old machine type (hw_compat_2_12), where nobody recorded it."""
    known = catalog.device(build.program, driver)
    old = build.machine.board is not None and build.machine.facts.vga_global_names
    return old and known is not None and "global-vmstate" in known.properties


def add_option_rom(
    build: Build, driver: str, path: str, props: Mapping[str, Any], spec: DeviceSpec | None
) -> list[MemoryRegion]:
    """The option ROM that romfile= gives a device which has none by itself; raises Refused."""
    size = _rom_size(build, spec, props, "") if props.get("romfile") else 0
    name = f"{driver}.rom"[:NAME_LENGTH]
    return [build.rom(name, size, idstr=f"{path}/{name}", owner=path)] if size else []


def _check_name(build: Build, spec: DeviceSpec | None, idstr: str, *, isa: bool) -> None:
    """A block's name must be new: names without a path are taken once."""
    if "/" in idstr or all(block.idstr != idstr for block in build.ram.blocks):
        return
    if idstr == GLOBAL_NAME and build.qemu.one_vga_checked and not (isa and build.qemu.isa_vga_unchecked):
        raise refuse_device(
            spec, "Only one global VGA device can be used at a time",
            "On this machine type (or ISA bus) the video RAM of every card has the same name.",
            "use one graphics card, or secondary-vga beside it", "vga_common_init, hw/display/vga.c",
        )
    raise _same_name(idstr, "Two devices give their memory the same name.", "use one such device")


def check_block_names(build: Build) -> None:
    """Raise Refused if a backend's ``id=`` is the name of a block that QEMU makes, such as ``pc.bios``."""
    names = [block.idstr for block in build.ram.blocks if block.idstr]
    if len(set(names)) == len(names):
        return
    seen: set[str] = set()
    for name in names:
        if name in seen:
            why = "A backend's id= names its block, and the machine has one of that name."
            raise _same_name(name, why, "give the backend another id=")
        seen.add(name)


def _same_name(idstr: str, why: str, hint: str) -> Refused:
    return refuse_device(None, f'RAMBlock "{idstr}" already registered, abort!', why, hint,
                         "qemu_ram_set_idstr, softmmu/physmem.c")


def _rom_size(build: Build, spec: DeviceSpec | None, props: Mapping[str, Any], default: str) -> int:
    """The bytes of the option ROM: its file's, rounded up to a power of two, or romsize=; 0 for none."""
    path = props.get("romfile", default)
    if not path or not props.get("rombar", 1):
        return 0
    path = str(path)
    length = build.host.file_size(path)
    if length is None and "/" not in path:
        length = build.host.firmware.get(path, catalog.rom_file_size(build.program, path))
    if length is None:
        raise refuse("romfile", spec.option if spec else None, located=True, path=path)
    limit = props.get("romsize", NO_ROM_SIZE)
    if limit != NO_ROM_SIZE:
        if length > limit:
            raise refuse_device(
                spec, f'romfile "{path}" ({length} bytes) is too large for ROM size {limit}',
                "The image does not fit.", "raise romsize=", "pci_add_option_rom, hw/pci/pci.c",
            )
        return int(limit)
    return max(PAGE, 1 << max(length - 1, 0).bit_length())


def _size(
    build: Build, spec: DeviceSpec | None, driver: str, name: str, size: int, props: Mapping[str, Any]
) -> int:
    """The size of a block in bytes after the device's properties; raises Refused."""
    if driver in ("qxl", "qxl-vga"):
        return _qxl(name, size, props)
    if driver.endswith("cirrus-vga") and props.get("vgamem_mb", 4) not in CIRRUS_MIB:
        raise refuse_device(
            spec, f"Invalid cirrus_vga ram size '{props['vgamem_mb']}'", "The chip had 4, 8 or 16 MiB.",
            "use vgamem_mb=4, 8 or 16", "pci_cirrus_vga_realize, hw/display/cirrus_vga.c",
        )
    if driver == "bochs-display" and "vgamem" in props:
        for limit, word, bad in zip(BOCHS_LIMITS, ("small", "big"), (
            props["vgamem"] < BOCHS_LIMITS[0], props["vgamem"] > BOCHS_LIMITS[1]), strict=True
        ):
            if bad:
                raise refuse_device(
                    spec, f"bochs-display: video memory too {word}",
                    f"The limit is {limit >> 20} MiB.", "use vgamem=16M",
                    "bochs_display_realize, hw/display/bochs-display.c",
                )
    qemu = build.program
    known = name if name.startswith("%/") else f"%/{name}"
    for prop, value in props.items():
        rule = catalog.size_rule(qemu, driver, known, prop) or catalog.size_rule(qemu, driver, name, prop)
        if rule is not None:
            size = rule.apply(max(_bytes(value), 1))
    return size


def _bytes(value: Any) -> int:
    return value if isinstance(value, int) else parse_size(str(value))


def _qxl(name: str, size: int, props: Mapping[str, Any]) -> int:
    """qxl's memory depends on several properties at once (qxl_init_ramsize)."""

    def given(mib: str, plain: str, default: int) -> int:
        count = props.get(mib, NO_ROM_SIZE)
        return int(props.get(plain, default)) if count == NO_ROM_SIZE else int(count) * MIB

    if name.endswith("qxl.vram"):
        if props.get("revision") == 1:
            return PAGE
        narrow = max(given("vram_size_mb", "vram_size", 64 * MIB), PAGE)
        return max(_power_of_two(narrow), _power_of_two(given("vram64_size_mb", "vram64_size", 0)))
    if name.endswith("qxl.vrom"):
        return size
    vgamem = min(max(_power_of_two(props.get("vgamem_mb", 16)), 8), 256) * MIB
    return _power_of_two(max(given("ram_size_mb", "ram_size", 64 * MIB), vgamem * 2))


def _power_of_two(value: int) -> int:
    return 1 << max(0, int(value) - 1).bit_length()
