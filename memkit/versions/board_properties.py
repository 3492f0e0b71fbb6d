"""What ``-global`` may set on parts that the boards make themselves, in each release.

Source: ``-device PART,help`` of 5.2, 7.2, 10.0 and 11.1; the releases between were read in QEMU's source.
Properties that link parts to each other are left out.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from memkit.versions.numbers import Version, parse_version

__all__ = ["BOARD_PARTS", "Part", "part_properties"]


class Part(NamedTuple):
    """A part of the boards of ``families``, there unless the machine property ``switch`` is off.

    ``properties`` are words NAME=TYPE; ``@`` and releases say from where to where it has the property:
    ``@6.1`` came with 6.1, ``@-6.0`` is gone since 6.0.  ``pci`` parts have those of all PCI devices, too.
    """

    families: tuple[str, ...]
    pci: bool
    properties: str
    source: str
    switch: str = ""


_HOST = (
    "pci-hole-start=uint32 pci-hole-end=uint32 pci-hole64-start=uint64 pci-hole64-end=uint64 "
    "pci-hole64-size=size x-pci-hole64-fix=bool x-config-reg-migration-enabled=bool bypass-iommu=bool@6.1 "
    "short_root_bus=uint32@-8.2 "
)
_PM = "disable_s3=uint8 disable_s4=uint8 s4_val=uint8 smm-compat=bool@6.0 "

# In the order in which QEMU makes them.
BOARD_PARTS: dict[str, Part] = {
    "i440FX-pcihost": Part(
        ("pc",), False, f"{_HOST} below-4g-mem-size=size@8.1 above-4g-mem-size=size@8.1 pci-type=str@8.1",
        "i440fx_props, hw/pci-host/i440fx.c",
    ),
    "i440FX": Part(("pc",), True, "", "i440fx_class_init, hw/pci-host/i440fx.c"),
    "PIIX3": Part(
        ("pc",), True, "has-acpi=bool@8.2 has-pic=bool@8.2 has-pit=bool@8.2 has-usb=bool@8.2 "
        "smb_io_base=uint32@8.2 smm-enabled=bool@8.2", "pci_piix_props, hw/isa/piix.c",
    ),
    "q35-pcihost": Part(
        ("q35",), False, f"{_HOST} MCFG=uint64 mcfg_size=uint64 below-4g-mem-size=size "
        "above-4g-mem-size=size smm-ranges=bool@9.1", "q35_host_props, hw/pci-host/q35.c",
    ),
    "mch": Part(
        ("q35",), True, "extended-tseg-mbytes=uint16 smbase-smram=bool", "mch_props, hw/pci-host/q35.c"
    ),
    "ICH9-LPC": Part(
        ("q35",), True, f"{_PM} acpi-pci-hotplug-with-bridge-support=bool@6.1 acpi_disable_cmd=uint8 "
        "acpi_enable_cmd=uint8 cpu-hotplug-legacy=bool@-11.0 enable_tco=bool gpe0_blk=uint32 "
        "gpe0_blk_len=uint32 memory-hotplug-support=bool@-9.1 noreboot=bool pm_io_base=uint32 "
        "sci_int=uint8 smm-enabled=bool@8.0 x-keep-pci-slot-hpc=bool@6.2 x-smi-broadcast=bool "
        "x-smi-cpu-hotplug=bool x-smi-cpu-hotunplug=bool x-smi-negotiated-features=uint64 "
        "x-smi-periodic-timer=bool@9.2 x-smi-swsmi-timer=bool@9.2",
        "ich9_pm_add_properties in hw/acpi/ich9.c (hotplug: c0e427d6eb), ich9_lpc_properties in "
        "hw/isa/lpc_ich9.c",
    ),
    "hpet": Part(
        ("pc", "q35"), False, "hpet-intcap=uint32 hpet-offset-saved=bool@-11.0 msi=bool timers=uint8",
        "hpet_device_properties, hw/timer/hpet.c", "hpet",
    ),
    "mc146818rtc": Part(
        ("pc", "q35"), False, "base_year=int32 iobase=uint16@7.1 irq=uint8@7.1 "
        "lost_tick_policy=LostTickPolicy date=struct", "mc146818rtc_properties, hw/rtc/mc146818rtc.c",
    ),
    "isa-fdc": Part(
        ("pc",), False, "bootindexA=int32 bootindexB=int32 check_media_rate=bool@-6.0 dma=uint32 "
        "driveA=str@-6.0 driveB=str@-6.0 fallback=FdcDriveType fdtypeA=FdcDriveType fdtypeB=FdcDriveType "
        "iobase=uint32 irq=uint32", "isa_fdc_properties, hw/block/fdc-isa.c",
    ),
    "PIIX4_PM": Part(
        ("pc",), True, f"{_PM} acpi-pci-hotplug-with-bridge-support=bool acpi-root-pci-hotplug=bool "
        "memory-hotplug-support=bool smb_io_base=uint32 smm-enabled=bool@7.1 "
        "x-not-migrate-acpi-index=bool@7.0", "piix4_pm_properties, hw/acpi/piix4.c", "acpi",
    ),
}
# Every device has these, though help does not list all of them.
_ALL = {"type": "str", "realized": "bool", "hotplugged": "bool", "hotpluggable": "bool", "parent_bus": "str"}


@lru_cache(maxsize=64)
def part_properties(part: str, qemu: str) -> dict[str, str]:
    """Property name → type of a part of BOARD_PARTS in release ``qemu``, without those of PCI devices.

    >>> "driveA" in part_properties("isa-fdc", "5.2"), "driveA" in part_properties("isa-fdc", "7.2")
    (True, False)
    """
    release = parse_version(qemu)
    found = dict(_ALL)
    for word in BOARD_PARTS[part].properties.split():
        described, _, when = word.partition("@")
        since, _, until = when.partition("-")
        if _number(since, (0,)) <= release < _number(until, (1000,)):
            name, _, kind = described.partition("=")
            found[name] = kind
    return found


def _number(text: str, default: Version) -> Version:
    return parse_version(text) if text else default
