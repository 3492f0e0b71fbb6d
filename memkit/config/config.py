"""The Config: what was asked for, as a list of options that can be read, printed and edited.

Parsing and printing are inverse of each other; edits replace single options and keep all others
as the user wrote them.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NoReturn

from memkit.config.late import read_memory, read_numa, read_smp
from memkit.config.objects import OBJECT_TYPES, read_object
from memkit.config.specs import (
    BlockdevSpec,
    DeviceSpec,
    DriveSpec,
    MemoryOptions,
    NumaSpec,
    ObjectSpec,
    Option,
    SmpOptions,
)
from memkit.errors import Refused
from memkit.units import parse_size

__all__ = ["Config", "object_spec"]

# Old options that set machine properties (softmmu/vl.c, QEMU 7.2).
_SUGAR = {
    "no-acpi": ("acpi", "off"), "no-hpet": ("hpet", "off"), "usb": ("usb", "on"),
    "nographic": ("graphics", "off"), "no-fd-bootchk": ("fd-bootchk", "off"),
}
_SUGAR_VALUE = {
    "bios": "firmware", "kernel": "kernel", "initrd": "initrd", "append": "append", "dtb": "dtb",
}
_DISKS = {"hda": 0, "hdb": 1, "hdc": 2, "hdd": 3, "cdrom": 2}


@dataclass(frozen=True)
class Config:
    """A command line: ``options`` in their order, and the program in front, if any.

    ``warnings`` are QEMU's, word for word; they do not count when configs are compared.

    >>> from memkit.config import parse
    >>> parse("-m 4G").with_memory(size="8G").text()
    '-m 8G'
    """

    options: tuple[Option, ...]
    program: str = ""
    target: str | None = None
    warnings: tuple[str, ...] = field(default=(), compare=False)

    # -- printing

    def argv(self) -> list[str]:
        """The words after the program's name."""
        words: list[str] = []
        for option in self.options:
            words += [w for w in (option.word, option.value) if w or (w is not None and option.word)]
        return words

    def text(self) -> str:
        """One line that a shell splits into the same words."""
        return shlex.join([*([self.program] if self.program else []), *self.argv()])

    # -- reading

    def all(self, name: str) -> tuple[Option, ...]:
        """Every option called ``name`` (without dashes), in order."""
        return self._by_name.get(name, ())

    def last(self, name: str) -> Option | None:
        """The last option called ``name``, or None."""
        found = self._by_name.get(name)
        return found[-1] if found else None

    def flag(self, name: str) -> bool:
        """True if the option ``name`` is there."""
        return name in self._by_name

    @cached_property
    def _by_name(self) -> dict[str, tuple[Option, ...]]:
        found: dict[str, list[Option]] = {}
        for option in self.options:
            found.setdefault(option.name, []).append(option)
        return {name: tuple(options) for name, options in found.items()}

    def merged(self, name: str) -> dict[str, str]:
        """The pairs of all options ``name``; later ones win."""
        return {key: value for option in self.all(name) for key, value in option.args}

    @cached_property
    def machine(self) -> dict[str, str]:
        """``-machine`` and all that is short for it, with dotted keys; later ones win."""
        merged: dict[str, str] = {}
        for option in self.options:
            if option.name == "machine":
                merged.update((k.replace("_", "-"), v) for k, v in option.args)
            elif option.name in ("smp", "boot"):
                merged.update((f"{option.name}.{k}", v) for k, v in option.args)
            elif option.name in _SUGAR:
                key, value = _SUGAR[option.name]
                merged[key] = value
            elif option.name in _SUGAR_VALUE and option.value is not None:
                merged[_SUGAR_VALUE[option.name]] = option.value
        return merged

    @property
    def machine_type(self) -> str:
        """The machine type as asked for; ``pc`` is QEMU's default."""
        return self.machine.get("type", "pc")

    @property
    def memory_size_text(self) -> str:
        """The size of ``-m`` as written, or "" for the default."""
        return self.merged("m").get("size", "")

    def memory_options(self) -> MemoryOptions:
        """``-m`` in bytes; raises Refused in QEMU's words."""
        return self._memory

    @cached_property
    def _memory(self) -> MemoryOptions:
        return read_memory(self.all("m"))

    def smp_options(self) -> SmpOptions:
        """``-smp`` as numbers; raises Refused."""
        return self._smp

    @cached_property
    def _smp(self) -> SmpOptions:
        return read_smp(self.machine)

    def numa_options(self) -> tuple[NumaSpec, ...]:
        """Each ``-numa``; raises Refused."""
        return read_numa(self.all("numa"))

    @cached_property
    def objects(self) -> tuple[ObjectSpec, ...]:
        """Each ``-object``, typed."""
        return tuple(object_spec(option) for option in self.all("object"))

    @cached_property
    def devices(self) -> tuple[DeviceSpec, ...]:
        """Each ``-device``."""
        return tuple(_device_spec(option) for option in self.all("device"))

    @cached_property
    def drives(self) -> tuple[DriveSpec, ...]:
        """Each ``-drive``, ``-pflash``, ``-hda`` and disk image."""
        return tuple(
            _drive_spec(option) for option in self.options
            if option.name in ("drive", "pflash") or option.name in _DISKS
        )

    @cached_property
    def blockdevs(self) -> tuple[BlockdevSpec, ...]:
        """Each ``-blockdev``."""
        return tuple(_blockdev_spec(option) for option in self.all("blockdev"))

    @cached_property
    def globals(self) -> tuple[tuple[str, str, str], ...]:
        """Each ``-global`` as (driver, property, value)."""
        found = []
        for option in self.all("global"):
            pairs = dict(option.args)
            if "driver" in pairs and "property" in pairs:
                found.append((pairs["driver"], pairs["property"], pairs.get("value", "")))
            elif option.args:
                key, value = option.args[0]
                driver, _, name = key.partition(".")
                found.append((driver, name, value))
        return tuple(found)

    def globals_for(self, driver: str) -> dict[str, Any]:
        """The ``-global`` properties of ``driver``; numbers as int."""
        return {name: _plain(value) for d, name, value in self.globals if d == driver}

    def global_size(self, driver: str, name: str, default: int) -> int:
        """A ``-global`` size in bytes, or ``default``."""
        value = next((v for d, n, v in reversed(self.globals) if d == driver and n == name), None)
        try:
            return default if value is None else parse_size(value)
        except (ValueError, OverflowError):
            return default

    # -- editing

    def replace(self, old: Option, *new: Option) -> Config:
        """This config with ``new`` in the place of ``old``."""
        options: list[Option] = []
        for option in self.options:
            options.extend(new if option is old else (option,))
        return replace(self, options=tuple(options))

    def without(self, option: Option) -> Config:
        """This config without ``option``."""
        return self.replace(option)

    def with_option(self, word: str, value: str | None) -> Config:
        """This config with one more option at the end; raises Refused if QEMU would."""
        from memkit.config.parse import parse_option

        return replace(self, options=(*self.options, parse_option(word, value)))

    def _set_pairs(self, name: str, word: str, implied: str, changes: dict[str, str | None]) -> Config:
        """Change pairs of the option ``name``: the last one that has the key, or the last one."""
        from memkit.config.parse import parse_option

        options = list(self.all(name))
        if not options:
            wanted = [(k, v) for k, v in changes.items() if v is not None]
            return self.with_option(word, _join(wanted, implied, "")) if wanted else self
        config = self
        for key, value in changes.items():
            options = list(config.all(name))
            holders = [o for o in options if any(k == key for k, _ in o.args)]
            target = holders[-1] if holders else options[-1]
            pairs = [(k, v) for k, v in target.args if k != key]
            if value is not None:
                places = [i for i, (k, _) in enumerate(target.args) if k == key]
                pairs.insert(places[0] if places else (0 if key == implied else len(pairs)), (key, value))
            fresh = parse_option(target.word, _join(pairs, implied, target.value or "")) if pairs else None
            config = config.replace(target, fresh) if fresh else config.without(target)
        return config

    def with_machine(self, type: str | None = None, **properties: str | None) -> Config:
        """This config with another machine type or properties (None removes one; ``_`` for ``-``)."""
        changes: dict[str, str | None] = {k.replace("_", "-"): v for k, v in properties.items()}
        if type is not None:
            changes = {"type": type, **changes}
        return self._set_pairs("machine", "-machine", "type", changes)

    def with_memory(self, **changes: str | None) -> Config:
        """This config with another size=, slots= or maxmem= of ``-m`` (None removes one)."""
        return self._set_pairs("m", "-m", "size", changes)

    def with_backend(self, type: str, id: str, **properties: str) -> Config:
        """This config with one more memory backend (``_`` for ``-`` in property names)."""
        pairs = [("qom-type", type), ("id", id), *((k.replace("_", "-"), v) for k, v in properties.items())]
        return self.with_option("-object", _join(pairs, "qom-type", ""))

    def with_device(self, driver: str, **properties: str) -> Config:
        """This config with one more device (``_`` for ``-`` in property names)."""
        pairs = [("driver", driver), *((k.replace("_", "-"), v) for k, v in properties.items())]
        return self.with_option("-device", _join(pairs, "driver", ""))

    def without_object(self, id: str) -> Config:
        """This config without the object ``id`` and without the frontends that show it."""
        def goes(option: Option) -> bool:
            words = dict(option.args)
            if option.name == "object":
                return words.get("id") == id
            return option.name in ("device", "numa") and words.get("memdev") == id

        kept = replace(self, options=tuple(o for o in self.options if not goes(o)))
        return kept.with_machine(memory_backend=None) if kept.machine.get("memory-backend") == id else kept


def _join(pairs: Sequence[tuple[str, str]], implied: str, like: str) -> str:
    """Pairs as text; the implied key is left out in front unless ``like`` spelled it out."""
    spelled = like.startswith(f"{implied}=")
    parts = []
    for index, (key, value) in enumerate(pairs):
        escaped = value.replace(",", ",,")
        bare = index == 0 and key == implied and not spelled and "=" not in value
        parts.append(escaped if bare else f"{key}={escaped}")
    return ",".join(parts)


def _plain(value: str) -> Any:
    try:
        return int(value, 0)
    except ValueError:
        return value


def _integer(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() and len(text) < 10 else None


def _json_of(option: Option) -> dict[str, Any] | None:
    return json.loads(option.value) if option.value and option.value.startswith("{") else None


def object_spec(option: Option) -> ObjectSpec:
    """The object that ``option`` describes; raises Refused in QEMU's words."""
    def fail(message: str, hint: str) -> NoReturn:
        raise Refused(f"{option.text}: {message}", explanation="QEMU checks every object against its schema.",
                      hint=hint, option=option.text, position=option.index)

    whole = _json_of(option)
    given: dict[str, Any] = dict(option.args) if whole is None else whole
    repeated: dict[str, list[str]] = {}
    for key, value in option.args:
        repeated.setdefault(key, []).append(value)
    qom_type = given.get("qom-type")
    if qom_type is None:
        fail("Parameter 'qom-type' is missing", "start with the type: -object memory-backend-ram,id=...")
    if qom_type not in OBJECT_TYPES:
        fail(f"Parameter 'qom-type' does not accept value '{qom_type}'",
             "memory backends are memory-backend-ram, memory-backend-file and memory-backend-memfd")
    name = repeated["id"][0] if whole is None and "id" in repeated else given.get("id")
    if name is None:
        fail("Parameter 'id' is missing", "add id=")
    if not isinstance(name, str):
        fail("Invalid parameter type for 'id', expected: string", "write the id in quotes")
    return ObjectSpec(qom_type, name, read_object(qom_type, given, repeated, whole is not None, fail), option)


def _device_spec(option: Option) -> DeviceSpec:
    whole = _json_of(option)
    given: dict[str, Any] = dict(option.args) if whole is None else dict(whole)
    name = given.pop("id", None)
    return DeviceSpec(str(given.pop("driver", "")), None if name is None else str(name), given, option,
                      whole is not None)


def _drive_spec(option: Option) -> DriveSpec:
    if option.name == "pflash":
        return DriveSpec("pflash", option, option.value)
    if option.name in _DISKS:
        return DriveSpec("ide", option, option.value, _DISKS[option.name])
    words = dict(option.args)
    return DriveSpec(words.get("if", "ide"), option, words.get("file"),
                     _integer(words.get("unit", words.get("index"))), words.get("id"))


def _blockdev_spec(option: Option) -> BlockdevSpec:
    whole = _json_of(option)
    if whole is None:
        from memkit.config.qemuopts import split_keyval

        try:
            whole = dict(split_keyval(option.value or "", "driver"))
        except ValueError:
            whole = {}
    nested = whole.get("file")
    filename = whole.get("filename", whole.get("file.filename"))
    if isinstance(nested, dict):
        filename, nested = nested.get("filename"), None
    return BlockdevSpec(str(whole.get("node-name", "")), option, whole.get("driver"), filename, nested)
