"""Options beside memory that QEMU checks in its loop: disks, networks, screens, character devices.

Source: qapi/block-core.json, qapi/net.json, qapi/ui.json, qemu_chr_parse_compat in chardev/char.c (QEMU 7.2).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from memkit.config.groups import GROUPS
from memkit.config.numbers import c_integer
from memkit.config.qemuopts import check_value, is_help, split_opts
from memkit.config.schema import display_schema, network_schema, network_types, schema
from memkit.config.visit import missing, not_accepted, read_keyval, read_tree
from memkit.config.wrong import HelpWanted, Wrong, near
from memkit.versions import holds

__all__ = [
    "BLOCK_DRIVERS", "CHECKS", "DISKS", "SOUND_CARDS", "check_audio", "check_blockdev",
    "check_character_device", "check_compat", "check_display", "check_mem_lock", "check_netdev",
]

# Short forms of -drive: the interface ("" for the machine's own) and the unit, if it is fixed.
DISKS: dict[str, tuple[str, int | None]] = {
    "hda": ("", 0), "hdb": ("", 1), "hdc": ("", 2), "hdd": ("", 3), "cdrom": ("", 2), "fda": ("floppy", 0),
    "fdb": ("floppy", 1), "pflash": ("pflash", None), "sd": ("sd", None), "mtdblock": ("mtd", None),
}
BLOCK_DRIVERS = tuple("""
blkdebug blklogwrites blkreplay blkverify bochs cloop compress copy-before-write copy-on-read dmg file
snapshot-access ftp ftps gluster host_cdrom host_device http https iscsi luks nbd nfs null-aio null-co
nvme parallels preallocate qcow qcow2 qed quorum raw rbd replication ssh throttle vdi vhdx vmdk vpc vvfat
""".split())
# Each with the releases that know it (see memkit.versions.holds).
_DISPLAYS = {
    "default": "", "none": "", "gtk": "", "sdl": "", "egl-headless": "", "curses": "", "cocoa": "<6.1",
    "spice-app": "", "dbus": "7.0",
}
# Cards of -soundhw and the devices that they are, in QEMU's order (QEMU 5.2 as Debian builds it).
SOUND_CARDS: dict[str, tuple[str, ...]] = {
    "sb16": ("sb16",), "cs4231a": ("cs4231a",), "hda": ("intel-hda", "hda-duplex"), "ac97": ("AC97",),
    "pcspk": (), "adlib": ("adlib",), "gus": ("gus",), "es1370": ("ES1370",),
}
# Debian's builds of 8.2 and later.
_AUDIO = ("none", "alsa", "dbus", "jack", "oss", "pa", "pipewire", "sdl", "spice", "wav")
_LONGEST_CARD = 80
# Types 8, 9 and 41 came with 7.2, 9.0 and 6.1.
_SMBIOS, _MOST_SMBIOS = (0, 1, 2, 3, 4, 8, 9, 11, 17, 41), 255
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\Z")
_ANGLE = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]{1,20})")
_SIMPLE = frozenset(("null", "pty", "msmouse", "wctablet", "braille", "testdev", "stdio", "con:"))
_STARTS = ("COM", "file:", "pipe:", "/dev/")
_SOCKET = re.compile(r"(?:tcp|telnet|tn3270|websocket):(?:[^:]{1,64}:|:)([^,]{1,32})(?:,(.*))?\Z", re.S)
_SCREEN = re.compile(r"vc(?:[^:]|\Z|:[0-9]{1,7}C?x[0-9]{1,7})", re.S)
_DATAGRAM = re.compile(r"udp:(?:[^:]{1,64}:|:)[^@,]{1,32}(?:@(?:[^:]{1,64}:|:)[^,]{1,32})?", re.S)


def _choice(whole: dict[str, Any], name: str, known: tuple[str, ...]) -> str:
    if name not in whole:
        raise missing(name)
    value = whole[name]
    if not isinstance(value, str):
        raise Wrong(f"Invalid parameter type for '{name}', expected: string", f"{value!r:.60} is no text.",
                    "write one text")
    if value not in known:
        raise not_accepted(name, value, known)
    return value


@cache
def _displays(qemu: str) -> tuple[str, ...]:
    return tuple(name for name, span in _DISPLAYS.items() if holds(qemu, span))


def check_blockdev(whole: dict[str, Any]) -> None:
    """Raise Wrong unless ``-blockdev`` names a driver that there is."""
    _choice(whole, "driver", BLOCK_DRIVERS)


def check_netdev(whole: dict[str, Any], qemu: str, *, keyval: bool) -> None:
    """Raise Wrong unless ``-netdev`` in its newer form has an id and a type that there is."""
    if "id" not in whole:
        raise missing("id")
    kind = _choice(whole, "type", network_types(qemu))
    if kind in ("stream", "dgram"):
        members, used = network_schema(kind, qemu), ("type", "id")
        if keyval:
            read_keyval(members, whole, "", used)
        else:
            read_tree(members, whole, used)


def check_display(whole: dict[str, Any], qemu: str, *, keyval: bool) -> None:
    """Raise Wrong unless ``-display`` is as its schema says."""
    kind = _choice(whole, "type", _displays(qemu))
    members = display_schema(kind, qemu) or ()
    if keyval:
        read_keyval(members, whole, "", ("type",))
    else:
        read_tree(members, whole, ("type",))


def check_compat(whole: dict[str, Any], qemu: str, *, keyval: bool) -> None:
    """Raise Wrong unless ``-compat`` names policies that there are."""
    if keyval:
        read_keyval(schema("compat", qemu), whole, "")
    else:
        read_tree(schema("compat", qemu), whole, ())


def check_mem_lock(words: dict[str, str]) -> None:
    """Raise Wrong unless mem-lock= is a word that ``-overcommit`` knows."""
    value = words.get("mem-lock", "off")
    if value not in ("on", "off", "on-fault", "yes", "no", "true", "false", "y", "n"):
        raise Wrong("parameter 'mem-lock' expects one of 'on', 'off', 'on-fault'",
                    f"{value!r:.60} is none of them.", "write mem-lock=on")


def check_audio(words: dict[str, str]) -> None:
    """Raise Wrong unless ``-audio`` names a driver that there is."""
    if "driver" not in words:
        raise missing("driver")
    if words["driver"] not in _AUDIO:
        raise not_accepted("driver", words["driver"], _AUDIO)


def check_character_device(text: str, place: str) -> None:
    """Raise Wrong unless ``text`` is a character device in its old form, such as ``unix:/tmp/s,server``."""
    name = text.removeprefix("mon:")
    if name in _SIMPLE or name.startswith(_STARTS) or _SCREEN.match(name) or _DATAGRAM.match(name):
        return
    failed = f"parse error: {text}"
    why = "The argument is no character device."
    socket = _SOCKET.match(name)
    if socket is not None or name.startswith("unix:"):
        rest, implied = (socket[2] or "", None) if socket is not None else (name[5:], "path")
        kinds = GROUPS["chardev"].kinds or {}
        for key, value in split_opts(rest, implied):
            try:
                if key != "id":
                    if key not in kinds:
                        raise Wrong(f"Invalid parameter '{key}'", why, near(key, kinds))
                    check_value(key, kinds[key], value, lambda _text: None)
            except Wrong as wrong:
                raise Wrong(f"{wrong.message}\n{place}: {failed}", wrong.why, wrong.hint) from None
        return
    if name.startswith(("tcp:", "telnet:", "tn3270:", "websocket:", "udp:", "vc")):
        raise Wrong(failed, why, "write HOST:PORT behind the kind")
    raise Wrong(f"'{name}' is not a valid char driver\n{place}: {failed}", why,
                "write stdio, pty, null, none, unix:PATH,server=on,wait=off or tcp:HOST:PORT")


def _check_option_rom(_value: str, words: dict[str, str]) -> None:
    if "romfile" not in words:
        raise Wrong("Option ROM file is not specified", "-option-rom names a file.", "write romfile=FILE")


def _check_virtfs(_value: str, words: dict[str, str]) -> None:
    if "fsdriver" not in words or "mount_tag" not in words:
        raise Wrong("Usage: -virtfs fsdriver,mount_tag=tag", "-virtfs needs a driver and a tag.",
                    "write -virtfs local,path=DIR,mount_tag=TAG,security_model=none")


def _check_rotate(value: str, _words: dict[str, str]) -> None:
    angle = _ANGLE.match(value)
    if int(angle[1] if angle else 0) not in (0, 90, 180, 270):
        raise Wrong("only 90, 180, 270 deg rotation is available", "The screen turns by right angles.",
                    "write -rotate 90")


def _check_uuid(value: str, _words: dict[str, str]) -> None:
    if _UUID.match(value) is None:
        raise Wrong("failed to parse UUID string: wrong format", "A UUID has 32 hexadecimal digits.",
                    "write -uuid 12345678-1234-1234-1234-123456789abc")


def _check_smbios(_value: str, words: dict[str, str]) -> None:
    """The type has a number; what belongs to each type is not checked (smbios_entry_add, hw/smbios)."""
    if "file" in words:
        return
    if "type" not in words:
        raise Wrong("Must specify type= or file=", "A table has a type.", "write type=1, for example")
    check_value("type", "number", words["type"], lambda _text: None)
    number = c_integer(words["type"])
    if number > _MOST_SMBIOS:
        raise Wrong("out of range!", "The type of a table is one byte.", "write type=1, for example")
    if number not in _SMBIOS:
        raise Wrong(f"Don't know how to build fields for SMBIOS type {number}",
                    "QEMU fills in tables of a few types.", f"it knows {', '.join(map(str, _SMBIOS))}")


def _check_sound(value: str, _words: dict[str, str]) -> None:
    if is_help(value):
        raise HelpWanted
    for name in [] if value == "all" else value.removesuffix(",").split(","):
        if value and name not in SOUND_CARDS:
            shown = "(too big to show)" if len(name) > _LONGEST_CARD else f"`{name}'"
            raise Wrong(f"Unknown sound card name {shown}", "-soundhw lists sound cards.",
                        near(name, SOUND_CARDS))


# Further checks of single options: the argument, and its pairs where it has some.
CHECKS: dict[str, Callable[[str, dict[str, str]], None]] = {
    "option-rom": _check_option_rom, "virtfs": _check_virtfs, "rotate": _check_rotate, "uuid": _check_uuid,
    "soundhw": _check_sound, "smbios": _check_smbios,
}
