"""Device properties from text or JSON, in QEMU's order: types, names of other parts, own checks.

Source: object_set_properties_from_qdict in qom/object_interfaces.c, qapi/qobject-input-visitor.c,
hw/core/qdev-properties-system.c (QEMU 7.2).
"""

from __future__ import annotations

import re
from typing import Any

from memkit.boards import catalog
from memkit.boards.build import Build
from memkit.boards.global_properties import read_globals
from memkit.boards.pci import parse_devfn
from memkit.boards.refusals import refuse
from memkit.config import DeviceSpec
from memkit.config.numbers import size_reader
from memkit.config.qdict import hash_order
from memkit.config.schema import ENUMS
from memkit.config.string_form import read_string_value
from memkit.config.visit import not_accepted, read_json_value, read_keyval_value
from memkit.config.wrong import Wrong
from memkit.config.wrong import refuse as refuse_wrong

__all__ = ["read_properties"]

# Handled by the device code before properties are set (qdev_device_add_from_qdict).
_SPECIAL = frozenset(("driver", "id", "bus"))
# Properties of every device that -device X,help does not list, and of PCI devices.
_FIXED = frozenset(("type", "hotpluggable", "hotplugged", "parent_bus", "legacy-addr"))
_NO_SETTER = frozenset((("pc-dimm", "size"), ("nvdimm", "size"), ("virtio-mem-pci", "size")))
# "int" in -device X,help, but read as a size (visit_type_size in the setter).
_SIZES = frozenset(("label-size", "requested-size", "block-size"))
_PLAIN = frozenset(("int", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool",
                    "size"))
_MAC = re.compile(r"(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}\Z")
_CHARDEV = re.compile(r"chardev\d*")
_DRIVES = frozenset(("drive", "driveA", "driveB"))
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\Z")
# Drives and character devices that QEMU names itself.
_OWN_NAMES = re.compile(
    r"(?:ide|scsi)\d+-(?:hd|cd)\d+|(?:none|virtio|pflash|floppy|mtd|sd|serial|parallel|compat_monitor)\d+"
)
# Drives that pc and q35 connect by themselves.
_CONNECTED = frozenset(("ide", "floppy", "pflash"))
# Speeds of PCI Express 5 and 6.
_FAST = ("32", "64")
_INNER = {"isa-serial": "serial", "pci-serial": "serial"}
_VIRTIO = re.compile(r"(?:-pci(?:-(?:non-)?transitional)?|-ccw)\Z")
MIN_LABEL = 128 << 10


def read_properties(spec: DeviceSpec, facts: catalog.DeviceFacts, build: Build) -> dict[str, Any]:
    """The properties of a ``-device``, typed; raises Refused for unknown names and bad values."""
    values = read_globals(build, facts, spec.option) if build.config.globals else {}
    names = [name for name in spec.props if name not in _SPECIAL]
    # Before -device took JSON, QEMU set the properties as they were written.
    for name in hash_order(names) if len(names) > 1 and build.qemu.json_device else names:
        value = _property(spec, facts, build, name, spec.props[name])
        if value is not None:
            values[name] = value
    return values


def _property(spec: DeviceSpec, facts: catalog.DeviceFacts, build: Build, name: str, raw: Any) -> Any:
    """One property, None if it says nothing or is read elsewhere."""
    option, kind = spec.option, facts.properties.get(name)
    if kind == "link<memory-backend>" and isinstance(raw, str):
        return _linked(spec, build, name, kind, raw)
    if (kind is None and name in _FIXED and (facts.bus == "PCI" or name != "legacy-addr")) or (
        kind is not None and (kind[:6] == "child<" or kind == "busnr" or _is_fixed(facts, name))
    ):
        owner = "virtio-mem" if facts.name == "virtio-mem-pci" and kind else facts.name
        owner = "virtio-balloon-device" if name == "guest-stats" else owner
        raise refuse("device-fixed", option, located=True, driver=owner, name=name)
    if kind is None:
        raise refuse("device-property", option, located=True, driver=facts.name, name=name,
                     near=catalog.near(name, facts.properties))
    if name == "addr" and facts.bus == "PCI":
        _pci_address(spec, facts.name, raw)
        return None
    wanted = "size" if name in _SIZES else kind
    if kind[:5] == "link<" or (kind not in ENUMS and wanted not in _PLAIN):
        wanted = "str"
    value: Any = raw
    try:
        if kind == "PCIELinkSpeed" and raw in _FAST and not build.qemu.pcie_gen_6:
            raise not_accepted(name, raw, [speed for speed in ENUMS[kind] if speed not in _FAST])
        if wanted == "str" and isinstance(raw, str):
            pass
        elif spec.json:
            value = read_json_value(name, name, wanted, raw)
        elif build.qemu.json_device:
            value = read_keyval_value(name, name, wanted, raw, sizes=size_reader(build.qemu))
        else:
            value = read_string_value(name, wanted, raw, size_reader(build.qemu))
    except Wrong as wrong:
        refuse_wrong(option, wrong, source="qapi/qobject-input-visitor.c")
    if wanted == "str":
        return _named(spec, facts.name, build, name, kind, value)
    if name == "label-size" and facts.name == "nvdimm" and value < MIN_LABEL:
        raise refuse("label-size", option, located=True, value=value)
    return value


def _is_fixed(facts: catalog.DeviceFacts, name: str) -> bool:
    """True for a property that is listed, but only shown."""
    if name == "attached":
        return facts.bus == "usb-bus" and facts.name not in ("usb-storage", "usb-bot")
    return (facts.name, name) in _NO_SETTER or (name == "guest-stats" and facts.name[:14] == "virtio-balloon")


def _pci_address(spec: DeviceSpec, driver: str, raw: Any) -> None:
    if isinstance(raw, str):
        if parse_devfn(raw) is None:
            raise refuse("devfn", spec.option, located=True, driver=driver, value=raw)
    elif not isinstance(raw, int) or isinstance(raw, bool):
        raise refuse("devfn-type", spec.option, located=True)
    elif not -1 <= raw <= 255:
        raise refuse("expects", spec.option, located=True, name="addr", expected="a value between -1 and 255")


def _named(spec: DeviceSpec, driver: str, build: Build, name: str, kind: str, value: str) -> str | None:
    """A text property, which often names another part of the guest."""
    if kind[:5] == "link<":
        return _linked(spec, build, name, kind, value)
    option = spec.option
    # The part behind the PCI bus speaks under a name of its own.
    driver = _VIRTIO.sub("-device", driver) if driver[:7] == "virtio-" else _INNER.get(driver, driver)
    if name == "uuid" and driver == "nvdimm":
        if not _UUID.match(value):
            raise refuse("device-uuid", option, located=True, driver=driver, name=name)
    elif kind != "str":
        pass
    elif name == "mac":
        if not _MAC.match(value):
            raise refuse("device-mac", option, located=True, driver=driver, name=name, value=value)
    elif name == "netdev":
        _backend(spec, driver, build, name, value, ("netdev", "nic", "net"))
    elif _CHARDEV.fullmatch(name) and value:
        _backend(spec, driver, build, name, value, ("chardev",))
    elif name == "audiodev":
        _backend(spec, driver, build, name, value, ("audiodev",))
    elif name in _DRIVES and value:
        _drive(spec, driver, build, name, value)
    return value


def _linked(spec: DeviceSpec, build: Build, name: str, kind: str, value: str) -> str | None:
    """The name of an object or device that has to exist; None where there is no name."""
    if not value:
        return None
    target = value.removeprefix("/objects/")
    is_device = kind != "link<memory-backend>" and target in build.device_ids
    if target not in build.object_types and not is_device:
        raise refuse("memdev-missing", spec.option, located=True, name=value)
    if kind == "link<memory-backend>" and target not in build.memdevs:
        raise refuse("json-type", spec.option, located=True, name=name, expected="memory-backend")
    return value


def _backend(
    spec: DeviceSpec, driver: str, build: Build, name: str, value: str, options: tuple[str, ...]
) -> None:
    """Refuse a ``value`` that is no id of one of ``options``, or that is taken."""
    if not any(value in build.names.ids(option) for option in options):
        _check_own_name(spec, driver, name, value)
    if name == "netdev" and build.names.used_before(spec, name, value):
        raise refuse("device-value-busy", spec.option, located=True, driver=driver, name=name, value=value)


def _check_own_name(spec: DeviceSpec, driver: str, name: str, value: str) -> None:
    if not _OWN_NAMES.fullmatch(value):
        raise refuse("device-value-missing", spec.option, located=True, driver=driver, name=name, value=value)


def _drive(spec: DeviceSpec, driver: str, build: Build, name: str, value: str) -> None:
    drive = build.names.drive(value)
    if drive is None:
        if value not in build.names.nodes:
            _check_own_name(spec, driver, name, value)
        return
    if drive.interface in _CONNECTED and build.machine.family != "microvm":
        raise refuse("drive-connected", spec.option, located=True, value=value)
    if build.names.used_before(spec, name, value):
        raise refuse("drive-busy", spec.option, located=True, value=value)
