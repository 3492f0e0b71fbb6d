"""Device models as QEMU lists them: name, bus, properties and their types.

``qemu`` is the version of the program: one of KNOWN_QEMU.

Source: data/devices/x86_64-VERSION.json, recorded from ``-device help`` and ``-device X,help``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from memkit.boards.recorded import load, unpack

__all__ = ["DeviceFacts", "device", "device_names", "model_name", "near", "rom_file_size", "unpluggable"]


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """A device model: its bus type ("" for none) and property name → type (bool, uint32, size ...).

    ``defaults`` has the values that ``-device X,help`` prints, as text.  ``interfaces`` says "pci" and
    "pcie" for PCI devices; ``categories`` are the headings of ``-device help``.
    """

    name: str
    bus: str
    properties: Mapping[str, str]
    defaults: Mapping[str, str]
    interfaces: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    description: str = ""


def model_name(qemu: str, name: str) -> str:
    """The driver that ``name`` stands for: itself, or what its alias says."""
    found: str = load("devices", qemu)["aliases"].get(name, name)
    return found


@lru_cache(maxsize=1024)
def device(qemu: str, name: str) -> DeviceFacts | None:
    """The device model ``name`` (or what its alias stands for); None if QEMU has none.

    >>> device("7.2", "virtio-net").name, device("7.2", "nope")
    ('virtio-net-pci', None)
    """
    facts = load("devices", qemu)
    row = facts["devices"].get(model_name(qemu, name))
    if row is None:
        return None
    kinds, defaults = unpack(facts["property_groups"][n] for n in row["props"])
    return DeviceFacts(
        model_name(qemu, name), row["bus"], kinds, defaults, tuple(row.get("interfaces", ())),
        tuple(row["cat"]), row.get("desc", ""),
    )


def device_names(qemu: str) -> tuple[str, ...]:
    """Every device that ``-device help`` lists, in its order."""
    return tuple(load("devices", qemu)["devices"])


def unpluggable(qemu: str, name: str) -> str:
    """QEMU's words for a device type that exists but is not for ``-device``; "" for all others.

    >>> unpluggable("7.2", "hpet")
    "-device hpet: Parameter 'driver' expects a pluggable device type"
    """
    for text, names in load("devices", qemu)["not_pluggable"].items():
        if name in names:
            return str(text).replace("NAME", name)
    return ""


def rom_file_size(qemu: str, name: str) -> int | None:
    """The bytes of a firmware or option-ROM file that Debian's QEMU finds by ``name``.

    >>> rom_file_size("7.2", "efi-e1000.rom")
    249856
    """
    size: int | None = load("devices", qemu)["rom_files"].get(name)
    return size


def near(name: str, known: Iterable[str]) -> str:
    """``; did you mean X?`` for a misspelt name, or ""."""
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), 2)
    return f"; did you mean {' or '.join(close)}?" if close else ""
