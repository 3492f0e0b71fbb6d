"""``-global``: properties for all devices of a type, read when such a device is made.

Source: object_apply_global_props in qom/object.c, qapi/string-input-visitor.c,
qdev_prop_check_globals in hw/core/qdev-properties.c (QEMU 7.2).
"""

from __future__ import annotations

import re
from typing import Any

from memkit.boards import catalog
from memkit.boards.build import Build
from memkit.boards.nics import wanted_nics
from memkit.boards.refusals import refuse
from memkit.config import Option
from memkit.config.qemuopts import check_value
from memkit.config.schema import ENUMS
from memkit.config.visit import read_keyval_value
from memkit.config.wrong import Wrong
from memkit.errors import Refused
from memkit.versions.board_properties import BOARD_PARTS, part_properties

__all__ = ["check_board_globals", "check_nic_globals", "read_globals", "unknown_globals"]

_KINDS = frozenset(
    ("bool", "size", "int", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
)
# Types of which others are made; no -device makes one of these.
_FAMILIES = frozenset(
    "device cpu x86_64-cpu pci-device pci-host-bridge sys-bus-device isa-device virtio-device virtio-pci "
    "usb-device scsi-device ide-device i2c-slave pcie-port pcie-slot kvm-pit apic-common migration".split()
)

# A parent's properties are those of every device on its bus.
_FW_CFG_DMA = (("fw_cfg", "dma_enabled"), ("fw_cfg_io", "dma_enabled"))
_NO_DMA = "hw/i386/fw_cfg.c:236: fw_cfg_add_acpi_dsdt: Assertion `fw_cfg_dma_enabled(fw_cfg)' failed."
_NO = ("off", "no", "false", "n")
_VIRTIO_PCI = re.compile(r"(virtio-[a-z0-9-]+?)-pci(?:-(?:non-)?transitional)?\Z")
_CARDS = frozenset(("VGA", "cirrus-vga", "qxl-vga", "vmware-svga", "virtio-vga", "ati-vga"))
_PARENTS = {"PCI": ("pci-device",), "ISA": ("isa-device",)}


def read_globals(build: Build, facts: catalog.DeviceFacts, option: Option | None) -> dict[str, Any]:
    """The properties that ``-global`` gives to a device, typed; raises Refused.

    ``option`` is the ``-device``, None for a device of the board.
    """
    values: dict[str, Any] = {}
    if not build.config.globals:
        return values
    inner = _inner(build.program, facts)
    if inner is not None:
        values.update(read_globals(build, inner, option))
    for driver, name, text in build.names.globals(facts.name, *_parents(facts)):
        try:
            values[name] = _read(facts, name, text)
        except Wrong as wrong:
            raise refuse("global", option, option is not None, driver=driver, name=name, value=text,
                         said=wrong.message.partition("\n")[0], why=wrong.why, advice=wrong.hint) from None
    return values


def _parents(facts: catalog.DeviceFacts) -> tuple[str, ...]:
    return (*_PARENTS.get(facts.bus, ()), *(("virtio-pci",) if _VIRTIO_PCI.match(facts.name) else ()))


def _inner(qemu: str, facts: catalog.DeviceFacts) -> catalog.DeviceFacts | None:
    """The virtio device that a card for PCI has inside: it is made first, with globals of its own."""
    found = _VIRTIO_PCI.match(facts.name)
    return catalog.device(qemu, f"{found[1]}-device") if found else None


def check_nic_globals(build: Build) -> None:
    """Raise Refused for a ``-global`` that a PCI NIC does not know, if the board looks at all of them.

    It makes one of each to see which there are: up to 8.2 only if it makes a NIC, since 9.0 always.
    """
    if not build.config.globals or not (build.qemu.nics_left_over or wanted_nics(build)):
        return
    for name in sorted(catalog.device_names(build.program)):
        facts = catalog.device(build.program, name)
        if facts is not None and facts.bus == "PCI" and "Network" in facts.categories:
            read_globals(build, facts, None)


def check_board_globals(build: Build, *, late: bool) -> None:
    """Raise Refused for a ``-global`` that a part of the board does not know, or (``late``) dies of."""
    if not build.config.globals:
        return
    machine, qemu, option = build.machine, build.qemu, build.config.last("global")
    if not late:
        _check_parts(build)
        return
    for driver, name, text in build.config.globals:
        if qemu.fw_cfg_needs_dma and (driver, name) in _FW_CFG_DMA and text in _NO and (
            machine.family in ("pc", "q35") and machine.flag("acpi", True)
        ):
            raise Refused(
                _NO_DMA,
                explanation="The ACPI tables describe fw_cfg with DMA; this release aborts without it.",
                hint="leave out this -global", option=option.text if option else "",
                source="hw/i386/fw_cfg.c",
            )


def _check_parts(build: Build) -> None:
    machine, qemu = build.machine, build.program
    wanted = {driver for driver, _, _ in build.config.globals}
    for part, facts in BOARD_PARTS.items():
        if part not in wanted or machine.family not in facts.families or (
            facts.switch and not machine.flag(facts.switch, True)
        ):
            continue
        known = dict(part_properties(part, qemu))
        # What each PCI device has, this one has too.
        shared = catalog.device(qemu, "edu") if facts.pci else None
        known = {**(shared.properties if shared else {}), **known}
        for driver, name, text in build.config.globals:
            if driver != part:
                continue
            try:
                _read(catalog.DeviceFacts(part, "", known, {}), name, text)
            except Wrong as wrong:
                said = wrong.message.partition("\n")[0]
                raise refuse("global", None, driver=driver, name=name, value=text, said=said,
                             why=wrong.why, advice=wrong.hint) from None


def _read(facts: catalog.DeviceFacts, name: str, text: str) -> Any:
    kind = facts.properties.get(name)
    if kind is None:
        raise Wrong(f"Property '{facts.name}.{name}' not found", "The device has no such property.",
                    f"-device {facts.name},help lists them")
    if kind == "size":
        check_value(name, "size", text, lambda _text: None)
    if kind not in _KINDS and kind not in ENUMS:
        return text
    try:
        return read_keyval_value(name, name, kind, text)
    except Wrong as wrong:
        # The reader of -global has names of its own for what it wants.
        kinds = {"u": "uint64", "i": "int64"}
        if wrong.message.endswith("expects integer"):
            raise Wrong(f"Parameter '{name}' expects {kinds[kind[0]]}", wrong.why, wrong.hint) from None
        raise


def unknown_globals(build: Build) -> list[str]:
    """QEMU's warnings about ``-global`` for types that are no devices, or graphics cards that nobody made."""
    if not build.config.globals:
        return []
    qemu, said = build.program, []
    made = {spec.driver for spec in build.config.devices}
    for driver, name, text in build.config.globals:
        facts = catalog.device(qemu, driver)
        if facts is not None and facts.name == driver:
            # A card that no hotplug brings later; its -global has made the board go without.
            if driver in _CARDS and driver not in made:
                said.append(f"warning: global {driver}.{name}={text} not used")
        elif not catalog.unpluggable(qemu, driver) and driver not in _FAMILIES and driver[-4:] != "-cpu":
            said.append(f"warning: global {driver}.{name} has invalid class name")
    return said
