"""Options as typed records: an option as written, and what objects, devices and nodes it means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from memkit.errors import Refused

__all__ = [
    "BlockdevSpec", "DeviceSpec", "DriveSpec", "MemoryOptions", "NumaSpec", "ObjectSpec", "Option",
    "SmpOptions", "Written", "new_object", "new_option",
]


class Option(NamedTuple):
    """One option of a command line, as the user wrote it.

    ``name`` has no dashes and no alias (``machine`` for ``-M``); ``word`` is the word in argv, "" for a
    disk image without option.  ``args`` are the pairs that QEMU splits ``value`` into (JSON with dotted
    keys).  ``index`` is the position of ``word`` in argv; it does not count when options are compared.
    """

    name: str
    word: str
    value: str | None = None
    args: tuple[tuple[str, str], ...] = ()
    index: int = 0  # type: ignore[assignment]  # tuple.index() is of no use here

    # A line can have hundreds: as a named tuple, one costs a third of a frozen dataclass.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Option) and self[:4] == other[:4]

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self[:4])

    @property
    def text(self) -> str:
        """The option as QEMU repeats it in error messages.

        >>> Option("machine", "-M", "q35").text
        '-M q35'
        """
        if self.value is None:
            return self.word
        return f"{self.word} {self.value}" if self.word else self.value


# The fields of an Option in their order.
Written = tuple[str, str, str | None, tuple[tuple[str, str], ...], int]
# An Option of these, at half the price of calling Option.
new_option: Callable[[Written], Option] = partial(tuple.__new__, Option)


class ObjectSpec(NamedTuple):
    """``-object``: ``props`` are typed (bool, int, str, list of int), without qom-type and id.

    ``fault`` is the mistake that a QEMU before 6.0 finds when it makes the object: a Refused, or None.
    """

    qom_type: str
    id: str
    props: Mapping[str, Any]
    option: Option
    fault: Refused | None = None


# An ObjectSpec from its five fields, likewise.
new_object: Callable[[tuple[str, str, Mapping[str, Any], Option, Refused | None]], ObjectSpec] = partial(
    tuple.__new__, ObjectSpec
)


class DeviceSpec(NamedTuple):
    """``-device``: ``props`` are text for key=value, typed for JSON; without driver and id.

    ``driver`` is "" where it is left out.
    """

    driver: str
    id: str | None
    props: Mapping[str, Any]
    option: Option
    json: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class NumaSpec:
    """``-numa``: ``type`` is node, dist, cpu, hmat-lb or hmat-cache; ``mem`` in bytes.

    ``node_id`` and ``props`` (socket-id, core-id ...) belong to ``-numa cpu``; for dist and the two
    hmat types, ``props`` holds everything, typed (src, dst, val; latency, bandwidth in bytes ...).
    """

    type: str
    option: Option
    nodeid: int | None = None
    cpus: tuple[int, ...] = ()
    mem: int | None = None
    memdev: str | None = None
    initiator: int | None = None
    node_id: int | None = None
    props: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MemoryOptions:
    """``-m``: bytes, and None where the user said nothing."""

    size: int | None = None
    slots: int | None = None
    maxmem: int | None = None


@dataclass(frozen=True, slots=True)
class SmpOptions:
    """``-smp``: numbers as given, None where the user said nothing."""

    cpus: int | None = None
    maxcpus: int | None = None
    sockets: int | None = None
    dies: int | None = None
    clusters: int | None = None
    cores: int | None = None
    threads: int | None = None
    drawers: int | None = None
    books: int | None = None
    modules: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class DriveSpec:
    """``-drive`` and its short forms; ``interface`` is if= (default ide).

    ``unit`` is unit=, or else index=.
    """

    interface: str
    option: Option
    file: str | None = None
    unit: int | None = None
    id: str | None = None
    index: int | None = None
    format: str | None = None
    readonly: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class BlockdevSpec:
    """``-blockdev``: ``filename`` for a file node, ``file`` the node that a format node reads."""

    node_name: str
    option: Option
    driver: str | None = None
    filename: str | None = None
    file: str | None = None
