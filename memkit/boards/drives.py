"""``-drive`` and disk images: where each drive goes, and what QEMU says if there is no such place.

Images of disks are taken for granted, firmware is looked up, and so is a bare word that does not look like
an image, for it is rather a slip than a disk.

Source: drive_new and drive_check_orphaned in blockdev.c, configure_blockdev in softmmu/vl.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from memkit.boards.build import Build
from memkit.boards.machine import Machine
from memkit.boards.refusals import refuse
from memkit.config import Config, Option
from memkit.config.numbers import c_integer, read_bool
from memkit.config.others import BLOCK_DRIVERS, DISKS
from memkit.host import Host

__all__ = ["check_drives", "check_orphans"]

_INTERFACES = ("none", "ide", "scsi", "floppy", "pflash", "mtd", "sd", "virtio", "xen")
_NUMBERS = ("bus", "unit", "index")
_BOOLS = ("read-only", "copy-on-read", "snapshot")
_KNOWN = frozenset((
    *_NUMBERS, *_BOOLS, "readonly", "if", "id", "file", "format", "driver", "media", "cache", "aio", "werror",
    "rerror", "discard", "detect-zeroes", "node-name", "iops", "bps", "group",
))
_RAW = frozenset(("offset", "size"))
_CACHES = frozenset(("off", "none", "directsync", "writeback", "unsafe", "writethrough"))
_IMAGE_ENDINGS = (
    ".img", ".qcow2", ".qcow", ".iso", ".raw", ".vmdk", ".vdi", ".vhdx", ".vhd", ".bin", ".disk", ".image",
)
# How many drives a board takes of each interface; the rest is without a place.
_PLACES = {
    "pc": {"ide": 4, "floppy": 2, "pflash": 2}, "q35": {"ide": 6, "floppy": 2, "pflash": 2},
    "isapc": {"ide": 4, "floppy": 2},
}
_Placed = tuple[Option, Mapping[str, str], str, int, int]


def check_drives(config: Config, machine: Machine, host: Host) -> None:
    """Raise Refused for the first drive that QEMU would not make."""
    for option, words, interface, _bus, _unit in _drives(config, machine):
        file, driver = words.get("file"), words.get("format", words.get("driver"))
        if driver is not None and driver not in BLOCK_DRIVERS:
            raise refuse("drive-format", option, True, driver=driver)
        if not option.word:
            _look_up(option, file or "", host)
        elif file and host.is_directory(file):
            raise refuse("drive-directory", option, True, path=file)
        elif interface == "pflash" and file and host.file_size(file) is None:
            key = "drive-directory" if host.is_directory(file) else "drive-open"
            raise refuse(key, option, True, path=file)
        left = [key for key in words if key not in _KNOWN and "." not in key and "_" not in key]
        if file and driver == "raw" and set(left) - _RAW:
            name = next(key for key in left if key not in _RAW)
            raise refuse("drive-raw", option, True, name=name)
        if not file and not any(key[:5] == "file." for key in words):
            if driver == "raw":
                raise refuse("drive-no-file", option, True)
            if left and driver is None:
                raise refuse("drive-nothing", option, True, word=left[0])


def _look_up(option: Option, path: str, host: Host) -> None:
    """Refuse a bare word that is no file and does not look like a disk image."""
    protocol, colon, _rest = path.partition(":")
    if colon and "/" not in protocol:
        if protocol not in BLOCK_DRIVERS:
            raise refuse("drive-protocol", option, True, protocol=protocol)
        return
    if host.is_directory(path) and path:
        raise refuse("drive-directory", option, True, path=path)
    image = path.endswith(_IMAGE_ENDINGS) and not {",", "="} & set(path)
    if path and not image and host.file_size(path) is None:
        raise refuse("bare-word", option, True, path=path)


def _drives(config: Config, machine: Machine) -> Iterator[_Placed]:
    """Each drive in order: option, its words, interface, bus and unit; raises Refused."""
    family, board = machine.family, machine.board
    default = "none" if family == "microvm" else "ide"
    units: dict[str, int] = {"ide": 1 if family == "q35" else 2, "scsi": 7}
    if board is not None:
        default, units = board.drive_interface, {**units, **board.units}
    taken: set[tuple[str, int, int]] = set()
    # Where the search for a free place goes on: what is taken stays taken.
    free: dict[tuple[str, int], tuple[int, int]] = {}
    for spec in config.drives:
        option, words = spec.option, dict(spec.option.args)
        if option.name in DISKS:
            interface, index = DISKS[option.name]
            words = {"file": option.value or "", "if": interface or default}
            if index is not None:
                words["index"] = str(index)
        _check_words(option, words)
        interface = words.get("if", default)
        if interface not in _INTERFACES:
            raise refuse("drive-interface", option, True, name=interface)
        bus, unit = _place(option, words, interface, units.get(interface, 0), taken, free)
        taken.add((interface, bus, unit))
        yield option, words, interface, bus, unit


def _check_words(option: Option, words: Mapping[str, str]) -> None:
    if words.get("cache", "none") not in _CACHES:
        raise refuse("drive-cache", option, True)
    for name in _NUMBERS:
        if name in words and _number(words[name]) is None:
            raise refuse("expects", option, True, name=name, expected="a number")
    for name in _BOOLS:
        value = words.get(name, words.get("readonly") if name == "read-only" else None)
        if value is not None and not _is_bool(value):
            raise refuse("expects", option, True, name=name, expected="'on' or 'off'")
    if words.get("media", "disk") not in ("disk", "cdrom"):
        raise refuse("drive-media", option, True, value=words["media"])


def _place(
    option: Option, words: Mapping[str, str], interface: str, most: int, taken: set[tuple[str, int, int]],
    free: dict[tuple[str, int], tuple[int, int]],
) -> tuple[int, int]:
    """Bus and unit of a drive; raises Refused if they are taken or beyond the bus."""
    bus, unit = _number(words.get("bus", "0")) or 0, _number(words.get("unit", "-1"))
    index = _number(words.get("index", "-1"))
    assert unit is not None
    assert index is not None
    if index != -1:
        if bus or unit != -1:
            raise refuse("drive-index", option, True)
        bus, unit = divmod(index, most) if most else (0, index)
    if unit == -1:
        start = (interface, bus)
        bus, unit = free.get(start, (bus, 0))
        while (interface, bus, unit) in taken:
            unit += 1
            if most and unit >= most:
                bus, unit = bus + 1, unit - most
        free[start] = bus, unit
    if most and unit >= most:
        raise refuse("drive-unit", option, True, unit=unit, last=most - 1)
    if (interface, bus, unit) in taken:
        raise refuse("drive-taken", option, True, bus=bus, unit=unit, index=index)
    return bus, unit


def check_orphans(build: Build) -> None:
    """Raise Refused for the first drive that the board has no place for."""
    family = build.machine.family
    board = build.machine.board
    places = _PLACES.get(family, {}) if board is None else board.places
    if family == "q35" and not build.machine.flag("sata", True):
        places = {**places, "ide": 0}
    for option, words, interface, bus, unit in _drives(build.config, build.machine):
        if interface in ("virtio", "none"):
            continue
        index = bus * (1 if family == "q35" else 2) + unit if interface == "ide" else unit
        if index >= places.get(interface, 0):
            raise refuse("drive-orphan", option, located=True, interface=interface, bus=bus, unit=unit)
        if interface == "ide" and not words.get("file") and words.get("media") != "cdrom" and (
            option.name != "cdrom" and words.keys() <= _KNOWN - {"format", "driver"}
        ):
            raise refuse("drive-empty", option)


def _number(text: str) -> int | None:
    """A number as QEMU keeps it, in 32 bits with a sign; None if it is none."""
    try:
        value = c_integer(text) & 0xFFFF_FFFF
    except (ValueError, OverflowError):
        return None
    return value - (1 << 32) if value >> 31 else value


def _is_bool(text: str) -> bool:
    try:
        read_bool(text)
    except ValueError:
        return False
    return True
