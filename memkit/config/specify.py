"""Devices, disks and block nodes as typed records, from the options that name them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memkit.config.json_form import read_json
from memkit.config.numbers import c_integer, read_bool
from memkit.config.others import DISKS
from memkit.config.specs import BlockdevSpec, DeviceSpec, DriveSpec, Option

__all__ = ["DRIVES", "blockdev", "device", "drive"]

# ``-drive`` and its short forms.
DRIVES = frozenset(("drive", *DISKS))
# What -set changed: (group, id) to pairs.
Changes = Mapping[tuple[str, str], list[tuple[str, str]]]


def _integer(text: str | None) -> int | None:
    try:
        return None if text is None else c_integer(text)
    except (ValueError, OverflowError):
        return None


def _words(option: Option, changes: Changes) -> tuple[dict[str, str], str | None]:
    """The pairs of an option and its id: of several ids the first counts, of other keys the last."""
    words = dict(option.args)
    if "id" not in words:
        return words, None
    name = next(value for key, value in option.args if key == "id")
    del words["id"]
    if changes:
        words.update(changes.get((option.name, name), ()))
    return words, name


def device(option: Option, changes: Changes, *, json: bool = True) -> DeviceSpec:
    """The device that ``option`` describes; ``json`` is False where QEMU does not read JSON."""
    if json and (option.value or "")[:1] == "{":
        given: dict[str, Any] = read_json(option.value or "")
        # What is no text counts as left out.
        name, driver = given.pop("id", None), given.pop("driver", "")
        return DeviceSpec(driver if isinstance(driver, str) else "", name if isinstance(name, str) else None,
                          given, option, True)
    words, name = _words(option, changes)
    return DeviceSpec(words.pop("driver", ""), name, words, option)


def drive(option: Option, changes: Changes) -> DriveSpec:
    """The disk that ``option`` describes."""
    if option.name in DISKS:
        interface, unit = DISKS[option.name]
        return DriveSpec(interface or "ide", option, option.value, unit, index=unit)
    words, name = _words(option, changes)
    index = _integer(words.get("index"))
    unit = _integer(words["unit"]) if "unit" in words else index
    try:
        readonly = read_bool(words.get("readonly", words.get("read-only", "off")))
    except ValueError:
        readonly = False
    return DriveSpec(
        words.get("if", "ide"), option, words.get("file"), unit, name, index, words.get("format"), readonly,
    )


def blockdev(option: Option) -> BlockdevSpec:
    """The block node that ``option`` describes."""
    words = dict(option.args)
    return BlockdevSpec(words.get("node-name", ""), option, words.get("driver"),
                        words.get("filename", words.get("file.filename")), words.get("file"))
