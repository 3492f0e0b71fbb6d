"""Devices that cannot migrate, which ``-only-migratable`` keeps from starting.

QEMU asks each device when it is realized; behind a virtio-pci proxy stands a device of another name.  A
device can also block migration by how it is set up, as the peers of ivshmem do.

Source: check_only_migratable in hw/core/qdev.c, migrate_add_blocker in migration/migration.c,
ivshmem_common_realize in hw/misc/ivshmem.c (QEMU 7.2); every device of 5.2, 7.2, 10.0 and 11.1 was started
with -only-migratable.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memkit.boards.build import Build
from memkit.boards.device_refusals import refuse_device
from memkit.config import DeviceSpec
from memkit.versions import holds

__all__ = ["check_migratable", "check_peer"]

# Drivers that are refused under their own name, and releases to which that is limited.
_OWN = {
    **dict.fromkeys(("rocker", "amd-iommu", "hv-syndbg", "ufs", "usb-mtp", "usb-uas", "usb-net",
                     "usb-braille", "usb-serial", "usb-wacom-tablet", "usb-audio"), ""),
    "nvme": "<11.1",
}
# Drivers of virtio-pci without the endings of their variants → the device inside, and releases.
_INSIDE = {
    "vhost-user-fs": ("vhost-user-fs-device", "<8.2"),
    "vhost-user-gpio": ("vhost-user-gpio-device", ""),
    "vhost-user-i2c": ("vhost-user-i2c-device", ""),
    "vhost-user-input": ("vhost-user-input", ""),
    "vhost-user-rng": ("vhost-user-rng", ""),
    "vhost-user-rtc": ("vhost-user-rtc", ""),
    "vhost-user-scmi": ("vhost-user-scmi", ""),
    "vhost-user-snd": ("vhost-user-snd", ""),
    "vhost-user-spi": ("vhost-user-spi-device", ""),
    "vhost-user-test-device": ("vhost-user-test-device", ""),
    "vhost-user-vsock": ("vhost-user-vsock-device", ""),
    "vhost-vdpa-device": ("vhost-vdpa-device", ""),
    "virtio-crypto": ("virtio-crypto-device", ""),
    "virtio-input-host": ("virtio-input-host-device", ""),
    "virtio-sound": ("virtio-sound-device", ""),
}
_ENDINGS = ("-pci-non-transitional", "-pci-transitional", "-pci")
_OPTION = "only-migratable"


def check_migratable(build: Build, spec: DeviceSpec, driver: str) -> None:
    """Raise Refused for a device that cannot migrate, where the line has -only-migratable."""
    if not build.config.flag(_OPTION):
        return
    name, span = driver, _OWN.get(driver)
    if span is None:
        ending = next((e for e in _ENDINGS if driver.endswith(e)), "")
        name, span = _INSIDE.get(driver.removesuffix(ending), ("", None)) if ending else ("", None)
    if span is not None and holds(build.qemu.version, span):
        raise refuse_device(
            spec, f"Device {name} is not migratable, but --only-migratable was specified",
            "The device has no way to take its state along.", "leave the device out, or -only-migratable",
            "check_only_migratable, hw/core/qdev.c",
        )


def check_peer(build: Build, spec: DeviceSpec, props: Mapping[str, Any]) -> None:
    """Raise Refused for an ivshmem that is a peer, where the line has -only-migratable."""
    if build.config.flag(_OPTION) and props.get("master", "off") in ("off", False):
        raise refuse_device(
            spec, "disallowing migration blocker (--only-migratable) for: Migration is disabled when using "
            "feature 'peer mode' in device 'ivshmem'",
            "A peer stays where the memory is; only a master takes it along.",
            "add master=on", "ivshmem_common_realize, hw/misc/ivshmem.c",
        )
