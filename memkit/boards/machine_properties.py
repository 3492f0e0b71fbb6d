"""The values of machine properties: read from text and checked as their setters check them.

Source: machine_class_init in hw/core/machine.c, pc_machine_set_* in hw/i386/pc.c,
x86_machine_set_* in hw/i386/x86.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from memkit.boards import catalog
from memkit.boards.refusals import refuse
from memkit.config import Config, Option
from memkit.config.numbers import size_reader
from memkit.config.string_form import read_string_value
from memkit.config.visit import read_keyval_value
from memkit.config.wrong import Wrong
from memkit.config.wrong import refuse as refuse_wrong

if TYPE_CHECKING:
    from memkit.boards.machine import Machine

__all__ = ["LEGACY", "check_boot_order", "set_old_properties", "set_property"]

# Taken out of -machine before its properties are set (qemu_apply_legacy_machine_options, softmmu/vl.c).
LEGACY = frozenset(("accel", "igd-passthru", "kvm-shadow-mem", "kernel-irqchip", "memory-backend"))
# Properties that the object gets only when the board is built.
_LATE = frozenset(("smram", "acpi-device", "rtc-time", "rtc-state", "rtc_state"))
_READ_ONLY = frozenset(("device-memory-region-size",))
# How a value of each type of the catalog is read; other types are text.
_KINDS = {
    "bool": "bool", "OnOffAuto": "OnOffAuto", "size": "size", "int": "int", "uint64_t": "uint64",
    "SgxEPC": "[{sgx-epc}]", "CXLFixedMemoryWindow": "[{cxl-fmw}]", "PCSouthBridgeOption": "south-bridge",
    "SmpCachePropertiesWrapper": "any", "BootConfiguration": "{boot}",
}
_FOUR_GIB, _MIB = 4 << 30, 1 << 20
_LONGEST_FIRMWARE = 16 << 20


def set_property(machine: Machine, config: Config, name: str, value: Any, *, text: bool = False) -> None:
    """Set one property of ``machine`` from a value of the option tree; raises Refused.

    ``text`` is True where the value is read without a tree.
    """
    option = _option(config, name)
    kinds = machine.property_types
    kind = kinds.get(name)
    if kind is None or name in _LATE:
        known = [k for k in kinds if k not in _LATE and k not in _READ_ONLY]
        raise refuse("machine-property", option, machine=f"{machine.type}-machine", name=name,
                     type=machine.type, near=catalog.near(name, known))
    if name in _READ_ONLY:
        raise refuse("machine-read-only", option, machine=f"{machine.type}-machine", name=name)
    try:
        wanted = _KINDS.get(kind, "str")
        if machine.board is not None:
            wanted = machine.board.property_kinds.get(name, wanted)
        if name == "smbios-entry-point-type":
            wanted = "smbios-auto" if machine.qemu.smbios_auto else "smbios"
        sizes = size_reader(machine.qemu)
        if text:
            read = read_string_value(name, wanted, value, sizes)
        else:
            read = read_keyval_value(name, name, wanted, value, sizes=sizes)
    except Wrong as wrong:
        refuse_wrong(option or Option("machine", ""), wrong, located=False)
    if machine.board is not None:
        machine.board.check_property(machine, option, name, read)
    check = _CHECKS.get(name)
    if check is not None:
        check(machine, config, option, read)
    if kind == "bool":
        machine.flags[name] = read
    elif kind == "OnOffAuto":
        if read != "auto":
            machine.flags[name] = read == "on"
    elif isinstance(read, (str, int)):
        machine.words[name] = str(read)


def set_old_properties(machine: Machine, config: Config) -> None:
    """Set the properties of ``-machine`` one by one, as written; raises Refused.

    Before 7.1, when they were no tree (machine_set_property, softmmu/vl.c, QEMU 5.2).
    """
    for name, value in config.machine_pairs:
        if name == "memory-backend":
            machine.words[name] = value
        elif name != "type" and name.replace("_", "-") not in LEGACY:
            set_property(machine, config, name, value, text=True)


def check_boot_order(config: Config) -> None:
    """Raise Refused for a letter of ``-boot`` that is no device."""
    _boot_order(None, config, config.last("boot"), config.merged("boot"))


def _option(config: Config, name: str) -> Option | None:
    """The option that set ``name``: a -machine with this key, or what is short for it."""
    for option in reversed(config.all("machine")):
        if any(key.replace("_", "-").partition(".")[0] == name for key, _ in option.args):
            return option
    return config.last({"firmware": "bios"}.get(name, name)) or config.last("machine")


def _max_ram(machine: Machine, _config: Config, option: Option | None, size: int) -> None:
    if size > _FOUR_GIB:
        raise refuse("max-ram-below-4g", option, value=size)
    if size < _MIB:
        machine.warnings.append(
            f"warning: Only {size} bytes of RAM below the 4GiB boundary,BIOS may not work with less than 1MiB"
        )


def _max_firmware(_machine: Machine, _config: Config, option: Option | None, size: int) -> None:
    if size > _LONGEST_FIRMWARE:
        raise refuse("max-fw-size", option, value=size)


def _boot_order(
    _machine: Machine | None, _config: Config, option: Option | None, given: dict[str, Any]
) -> None:
    for name in ("order", "once"):
        letters = given.get(name, "")
        for index, letter in enumerate(letters):
            if not "a" <= letter <= "p":
                raise refuse("boot-device", option, letter=letter)
            if letter in letters[:index]:
                raise refuse("boot-twice", option, letter=letter)


def _persistence(_machine: Machine, _config: Config, option: Option | None, value: str) -> None:
    if value not in ("cpu", "mem-ctrl"):
        raise refuse("nvdimm-persistence", option, value=value)


def _longest(name: str, most: int) -> Callable[[Machine, Config, Option | None, str], None]:
    def check(_machine: Machine, _config: Config, option: Option | None, value: str) -> None:
        if len(value.encode("utf-8", "surrogatepass")) > most:
            raise refuse("oem-length", option, name=name, most=most)

    return check


def _encryption(machine: Machine, config: Config, option: Option | None, value: str) -> None:
    if not machine.qemu.memory_encryption_link:
        # The host cannot see the contents, so that there is nothing to merge.
        machine.flags["mem-merge"] = False
    elif value not in _early_objects(config):
        raise refuse("memory-encryption", option, name=value)


def _confidential(_machine: Machine, config: Config, option: Option | None, value: str) -> None:
    if value and value not in _early_objects(config):
        raise refuse("machine-link", option, name=value)


def _early_objects(config: Config) -> set[str]:
    return {spec.id for spec in config.objects if not spec.qom_type.startswith("memory-backend-")}


def _sgx(machine: Machine, _config: Config, _option: Option | None, value: list[dict[str, Any]]) -> None:
    if value:
        machine.words["sgx-epc"] = value[0]["memdev"]


def _flash(_machine: Machine, config: Config, option: Option | None, value: str) -> None:
    nodes = {node.node_name for node in config.blockdevs} | {drive.id for drive in config.drives}
    if value not in nodes:
        raise refuse("machine-flash", option, name=value)


def _speaker(_machine: Machine, config: Config, option: Option | None, value: str) -> None:
    if value not in {dict(audio.args).get("id") for audio in config.all("audiodev")}:
        raise refuse("machine-audio", option, name=value)


_CHECKS: dict[str, Callable[[Machine, Config, Option | None, Any], None]] = {
    "boot": _boot_order, "max-ram-below-4g": _max_ram, "max-fw-size": _max_firmware,
    "nvdimm-persistence": _persistence,
    "x-oem-id": _longest("x-oem-id", 6), "x-oem-table-id": _longest("x-oem-table-id", 8),
    "memory-encryption": _encryption, "confidential-guest-support": _confidential,
    "pflash0": _flash, "pflash1": _flash, "pcspk-audiodev": _speaker,
    "sgx-epc": _sgx,
}
