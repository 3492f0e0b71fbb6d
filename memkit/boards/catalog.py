"""What devices and machine properties QEMU knows: names, buses, property types.

Recorded from a real QEMU by tools/record_devices.py into data/devices/.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

__all__ = ["DeviceFacts", "SecondaryBus", "address_space_name", "data_file", "device", "machine_properties",
           "near", "secondary_bus"]


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """A device model: its bus type ("" for none) and property name → type (bool, uint32, size ...)."""

    name: str
    bus: str
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SecondaryBus:
    """The bus that a bridge makes: ``first_slot`` is the lowest slot given out."""

    express: bool = False
    first_slot: int = 0
    only_slot_0: bool = False


# pci_bridge_dev and PCIe ports (hw/pci-bridge/*.c, QEMU 7.2).
_BRIDGES = {
    "pci-bridge": SecondaryBus(),
    "i82801b11-bridge": SecondaryBus(),
    "pcie-pci-bridge": SecondaryBus(),
    "pcie-root-port": SecondaryBus(express=True, only_slot_0=True),
    "ioh3420": SecondaryBus(express=True, only_slot_0=True),
    "cxl-rp": SecondaryBus(express=True, only_slot_0=True),
    "x3130-upstream": SecondaryBus(express=True),
    "cxl-upstream": SecondaryBus(express=True),
    "xio3130-downstream": SecondaryBus(express=True, only_slot_0=True),
    "cxl-downstream": SecondaryBus(express=True, only_slot_0=True),
}
# qdev_alias_table in softmmu/qdev-monitor.c (QEMU 7.2), for a machine with PCI.
_ALIASES = {
    "ac97": "AC97", "e1000-82540em": "e1000", "es1370": "ES1370", "ahci": "ich9-ahci", "lsi": "lsi53c895a",
    **{
        f"virtio-{kind}": f"virtio-{kind}-pci"
        for kind in ("9p", "balloon", "blk", "gpu", "gpu-gl", "input-host", "iommu", "keyboard", "mouse", "net",
                     "rng", "scsi", "serial", "tablet")
    },
}
# Properties that an instance adds, which -machine X,help does not list (hw/core/machine.c, hw/i386/pc.c).
_INSTANCE = {"nvdimm": "bool", "nvdimm-persistence": "string", "hmat": "bool", "pflash0": "str",
             "pflash1": "str", "cxl": "bool"}


def data_file(*parts: str) -> Path:
    """The path of a file of ``data/``: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "data" / Path(*parts)
    return installed if installed.exists() else package.parent / "data" / Path(*parts)


@lru_cache(maxsize=1)
def _facts() -> dict[str, Any]:
    text = data_file("devices", "x86_64-7.2.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@lru_cache(maxsize=512)
def _properties(number: int) -> Mapping[str, str]:
    return _unpack(_facts()["property_sets"][number])


def _unpack(text: str) -> dict[str, str]:
    pairs = (word.partition("=") for word in text.split())
    return {name: kind for name, _, kind in pairs}


@lru_cache(maxsize=512)
def device(name: str) -> DeviceFacts | None:
    """The device model ``name`` (or what its alias stands for); None if QEMU has none.

    >>> device("virtio-net").bus, device("nope")
    ('PCI', None)
    """
    name = _ALIASES.get(name, name)
    row = _facts()["devices"].get(name)
    return None if row is None else DeviceFacts(name, row[0], _properties(row[1]))


@lru_cache(maxsize=8)
def machine_properties(family: str) -> Mapping[str, str]:
    """Property name → type for the machine family pc, q35 or microvm."""
    found = _unpack(_facts()["machines"][family])
    extra = _INSTANCE if family != "microvm" else {"hmat": "bool"}
    return {**found, **extra}


def secondary_bus(driver: str) -> SecondaryBus | None:
    """The bus that a bridge of type ``driver`` makes, or None for other devices."""
    return _BRIDGES.get(driver)


def address_space_name(driver: str) -> str:
    """The name of a PCI device's own view of memory (its DMA address space)."""
    return driver


def near(name: str, known: Iterable[str] | None = None) -> str:
    """``; did you mean X?`` for a misspelt name, or ""."""
    from difflib import get_close_matches

    close = get_close_matches(name, list(_facts()["devices"] if known is None else known), 2)
    return f"; did you mean {' or '.join(close)}?" if close else ""
