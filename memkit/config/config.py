"""The Config: what was asked for, as a list of options that can be read, printed and edited.

Parsing and printing are inverse of each other; edits replace single options and keep all others
as the user wrote them.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from memkit.config import edit, specify
from memkit.config.keyval import flatten
from memkit.config.late import (
    dashed,
    merge_memory,
    read_memory,
    read_numa,
    read_old_memory,
    read_old_smp,
    read_smp,
)
from memkit.config.loop import Loop
from memkit.config.qemuopts import check_value
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
from memkit.config.wrong import Wrong, refuse
from memkit.versions import DEFAULT_QEMU

__all__ = ["Config"]

_NICS = frozenset(("nic", "net", "netdev"))


@dataclass(frozen=True)
class Config:
    """A command line: ``options`` in their order, and the program in front, if any.

    ``qemu`` is the version whose rules it was read by.

    ``warnings`` are QEMU's, word for word; they do not count when configs are compared.

    >>> from memkit.config import parse
    >>> parse("-m 4G").with_memory(size="8G").text()
    '-m 8G'
    """

    options: tuple[Option, ...]
    program: str = ""
    target: str | None = None
    qemu: str = DEFAULT_QEMU
    warnings: tuple[str, ...] = field(default=(), compare=False)

    # -- printing

    def argv(self) -> list[str]:
        """The words after the program's name."""
        words: list[str] = []
        for option in self.options:
            if option.word:
                words.append(option.word)
            if option.value is not None:
                words.append(option.value)
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

    def _any(self, names: frozenset[str]) -> tuple[Option, ...]:
        """Every option called one of ``names``, in order."""
        if self._by_name.keys().isdisjoint(names):
            return ()
        return tuple([option for option in self.options if option.name in names])

    @cached_property
    def _loop(self) -> Loop:
        """What the option loop found; parse() puts it here, other ways of making a Config do not."""
        loop = Loop(self.target or "x86_64", self.qemu)
        loop.run(self.options)
        return loop

    def merged(self, name: str) -> dict[str, str]:
        """The pairs of all options ``name``; later ones win."""
        return {key: value for option in self.all(name) for key, value in option.args}

    @cached_property
    def machine(self) -> dict[str, str]:
        """``-machine`` and all that is short for it, with dotted keys; later ones win.

        >>> from memkit.config import parse
        >>> parse("-M q35,usb=off -smp 2 -usb").machine
        {'type': 'q35', 'usb': 'on', 'smp.cpus': '2'}
        """
        return flatten({name.replace("_", "-"): value for name, value in self._loop.machine.items()})

    @property
    def machine_type(self) -> str:
        """The machine type as asked for; ``pc`` is QEMU's default."""
        return self.machine.get("type", "pc")

    def memory_options(self) -> MemoryOptions:
        """``-m`` in bytes; raises Refused in QEMU's words."""
        return self._memory

    @cached_property
    def _memory(self) -> MemoryOptions:
        loop = self._loop
        if not loop.qemu.compound_options:
            return read_old_memory(self.all("m"), loop.sizes)
        return read_memory(self._merged_memory, self.all("m"), self.last("machine"), self.qemu, loop.sizes)

    def check_memory(self) -> None:
        """Raise Refused where ``-m`` and ``-machine memory.*`` do not go together."""
        if self._loop.qemu.compound_options:
            _ = self._merged_memory

    @cached_property
    def _merged_memory(self) -> Any:
        return merge_memory(self.all("m"), self._loop.machine, self.last("machine"), self._loop.sizes)

    def smp_options(self) -> SmpOptions:
        """``-smp`` as numbers; raises Refused."""
        return self._smp

    @cached_property
    def _smp(self) -> SmpOptions:
        if not self._loop.qemu.compound_options:
            return read_old_smp(self.all("smp"))
        return read_smp(self._loop.machine, self.last("smp") or self.last("machine"), self.qemu)

    def machine_tree(self) -> dict[str, Any]:
        """``-machine`` as a tree of text, ``_`` read as ``-``; raises Refused for a name in two spellings."""
        return dashed(self._loop.machine, self.last("machine"))

    @property
    def machine_pairs(self) -> tuple[tuple[str, str], ...]:
        """The machine options one by one, as written; all there is before 7.1 made them a tree."""
        return tuple(self._loop.machine_pairs)

    def iter_numa(self) -> Iterator[NumaSpec]:
        """Each ``-numa`` in turn, as QEMU takes them: a mistake is raised when its turn comes."""
        return read_numa(self.all("numa"), self.qemu, self._loop.sizes)

    @cached_property
    def objects(self) -> tuple[ObjectSpec, ...]:
        """Each ``-object``, typed."""
        return tuple(self._loop.objects)

    @cached_property
    def devices(self) -> tuple[DeviceSpec, ...]:
        """Each ``-device``, with what ``-set`` changed."""
        loop = self._loop
        return tuple([
            specify.device(option, loop.changes, json=loop.qemu.json_device) for option in self.all("device")
        ])

    @cached_property
    def drives(self) -> tuple[DriveSpec, ...]:
        """Each ``-drive``, ``-pflash``, ``-hda`` and disk image, with what ``-set`` changed."""
        return tuple([specify.drive(option, self._loop.changes) for option in self._any(specify.DRIVES)])

    @cached_property
    def blockdevs(self) -> tuple[BlockdevSpec, ...]:
        """Each ``-blockdev``."""
        return tuple([specify.blockdev(option) for option in self.all("blockdev")])

    @cached_property
    def nics(self) -> tuple[Option, ...]:
        """Each ``-nic``, ``-net`` and ``-netdev``, in order."""
        return self._any(_NICS)

    @cached_property
    def globals(self) -> tuple[tuple[str, str, str], ...]:
        """Each ``-global`` as (driver, property, value)."""
        found = []
        for option in self.all("global"):
            pairs = dict(option.args)
            # Before 7.0, a part could be left out.
            found.append((pairs.get("driver", ""), pairs.get("property", ""), pairs.get("value", "")))
        return tuple(found)

    def global_size(self, driver: str, name: str, default: int) -> int:
        """A ``-global`` size in bytes, or ``default``; raises Refused for what is no size."""
        size = default
        for option, (owner, key, value) in zip(self.all("global"), self.globals, strict=True):
            if (owner, key) == (driver, name):
                try:
                    check_value(name, "size", value, lambda _text: None, self._loop.sizes)
                except Wrong as wrong:
                    wrong.message = f"can't apply global {driver}.{name}={value}: {wrong.message}"
                    refuse(option, wrong, located=False)
                size = self._loop.sizes(value)
        return size

    # -- editing; see memkit.config.edit

    def replace(self, old: Option, *new: Option | str) -> Config:
        """This config with ``new`` in the place of ``old``: options, or one new argument as text."""
        return edit.replaced(self, old, new)

    def without(self, option: Option) -> Config:
        """This config without ``option``."""
        return edit.replaced(self, option, ())

    def with_properties(self, option: Option, changes: Mapping[str, str | None]) -> Config:
        """This config with keys of one of its options set, or removed where the value is None."""
        return edit.retold(self, option, changes)

    def with_option(self, word: str, value: str | None = None) -> Config:
        """This config with one more option at the end; raises Refused if QEMU would."""
        return edit.added(self, word, value)

    def with_machine(self, type: str | None = None, **properties: object) -> Config:
        """This config with another machine type or properties (None removes one; ``_`` for ``-``)."""
        changes = edit.named(properties)
        return edit.changed(self, "machine", "type", changes if type is None else {"type": type, **changes})

    def with_memory(self, **changes: object) -> Config:
        """This config with another size=, slots= or maxmem= of ``-m`` (None removes one).

        Sizes are text as on a command line, or bytes.
        """
        return edit.changed(self, "m", "size", edit.named(changes, sizes=("size", "maxmem")))

    def with_backend(self, type: str, id: str, **properties: object) -> Config:
        """This config with one more memory backend (``_`` for ``-`` in property names)."""
        words: Mapping[str, str | None] = {"qom-type": type, "id": id, **edit.named(
            properties, sizes=("size", "align", "hugetlbsize"))}
        return self.with_option("-object", edit.joined(words, "qom-type"))

    def with_device(self, driver: str, **properties: object) -> Config:
        """This config with one more device (``_`` for ``-`` in property names)."""
        words: Mapping[str, str | None] = {"driver": driver, **edit.named(properties)}
        return self.with_option("-device", edit.joined(words, "driver"))

    def without_object(self, id: str) -> Config:
        """This config without the object ``id`` and without the frontends that show it."""
        return edit.without_object(self, id)
