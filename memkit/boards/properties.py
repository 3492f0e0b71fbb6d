"""Device properties from text: numbers, sizes and switches, checked as QEMU checks them.

Source: qapi/qobject-input-visitor.c (the keyval visitor), qom/object.c (QEMU 7.2).
"""

from __future__ import annotations

from typing import Any

from memkit.boards import catalog
from memkit.boards.build import Build
from memkit.boards.refusals import refuse
from memkit.config import DeviceSpec
from memkit.units import parse_size

__all__ = ["read_properties"]

_RANGES = {
    "int": ("integer", -(1 << 63), (1 << 63) - 1),
    "int8": ("int8_t", -(1 << 7), (1 << 7) - 1), "uint8": ("uint8_t", 0, (1 << 8) - 1),
    "int16": ("int16_t", -(1 << 15), (1 << 15) - 1), "uint16": ("uint16_t", 0, (1 << 16) - 1),
    "int32": ("int32_t", -(1 << 31), (1 << 31) - 1), "uint32": ("uint32_t", 0, (1 << 32) - 1),
    "int64": ("int64_t", -(1 << 63), (1 << 63) - 1), "uint64": ("uint64_t", 0, (1 << 64) - 1),
}
# Handled by the device code before properties are set (qdev_device_add_from_qdict).
_SPECIAL = frozenset(("driver", "id", "bus"))
# "int" in -device X,help, but read as a size (visit_type_size in the setter).
_SIZES = frozenset(("label-size", "requested-size", "block-size"))
# PCI addresses are text ("1f.2") or a number; memkit.boards.pci reads them.
_PCI_ADDRESS = "addr"


def read_properties(spec: DeviceSpec, facts: catalog.DeviceFacts, build: Build) -> dict[str, Any]:
    """The properties of a ``-device``, typed; raises Refused for unknown names and bad values."""
    values: dict[str, Any] = {}
    for name, raw in spec.props.items():
        if name in _SPECIAL:
            continue
        kind = facts.properties.get(name)
        if kind is None:
            raise refuse("device-property", spec.option, located=True, driver=facts.name, name=name,
                         near=catalog.near(name, facts.properties))
        if name == _PCI_ADDRESS and facts.bus == "PCI":
            continue
        values[name] = _read(spec, name, raw, "size" if name in _SIZES else kind)
    return values


def _read(spec: DeviceSpec, name: str, raw: Any, kind: str) -> Any:
    if kind == "bool":
        if isinstance(raw, bool):
            return raw
        if spec.json:
            raise refuse("json-type", spec.option, located=True, name=name, expected="boolean")
        if raw not in ("on", "off", "yes", "no", "true", "false", "y", "n"):
            raise refuse("expects", spec.option, located=True, name=name, expected="'on' or 'off'")
        return raw in ("on", "yes", "true", "y")
    if kind == "size" or kind in _RANGES:
        return _number(spec, name, raw, kind)
    return raw


def _number(spec: DeviceSpec, name: str, raw: Any, kind: str) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool):
        value = raw
    elif spec.json:
        raise refuse("json-type", spec.option, located=True, name=name, expected="integer")
    else:
        try:
            value = parse_size(raw) if kind == "size" else _c_integer(raw)
        except ValueError:
            word = "size" if kind == "size" else "integer"
            raise refuse("expects", spec.option, located=True, name=name, expected=word) from None
    word, low, high = _RANGES.get(kind, ("size", 0, (1 << 64) - 1))
    if not low <= value <= high:
        raise refuse("expects", spec.option, located=True, name=name, expected=word)
    return value


def _c_integer(text: str) -> int:
    """An integer as C's strtol reads it with base 0: 10, 0x1f, 017; raises ValueError."""
    body = text.strip().lstrip("+-")
    if len(body) > 1 and body[0] == "0" and body.isdigit():
        return int(text, 8)
    if not body or "_" in body or body[:2].lower() in ("0b", "0o"):
        raise ValueError(text)
    return int(text, 0)
