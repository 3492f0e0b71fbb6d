"""Devices find their bus, or QEMU's words say that there is none."""

from __future__ import annotations

import pytest

import memkit

NULL = "-chardev null,id=c"


def said(line: str) -> str:
    """QEMU's words behind the option, or "starts"."""
    try:
        memkit.boot(line)
    except memkit.Refused as refused:
        return refused.message.partition(": ")[2]
    return "starts"


@pytest.mark.parametrize(
    "line",
    [
        "-M q35 -usb -device usb-tablet -device usb-kbd,bus=usb-bus.0",
        "-M q35 -device qemu-xhci,id=x -device usb-tablet,bus=x.0",
        "-M pc -device usb-ehci -device usb-tablet,bus=usb-bus.0",
        f"-M pc -device virtio-serial-pci,id=s {NULL} -device virtserialport,bus=s.0,chardev=c",
        "-M q35 -device virtio-scsi-pci -device scsi-cd,bus=scsi.0",
        "-M q35 -device ahci,id=a -device ide-cd,bus=a.3",
        "-M q35 -device intel-hda,id=h -device hda-output,bus=h.0",
        "-M microvm -device virtio-net-device",
        "-M pc -device ramfb,bus=main-system-bus",
        "-M q35 -device pcie-root-port,id=p,chassis=1 -device e1000e,bus=p",
    ],
)
def test_a_device_finds_the_bus_of_its_controller(line: str) -> None:
    assert said(line) == "starts"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("-M q35 -device usb-tablet", "No 'usb-bus' bus found for device 'usb-tablet'"),
        ("-M pc -device scsi-cd", "No 'SCSI' bus found for device 'scsi-cd'"),
        ("-M pc -device virtio-net-device", "No 'virtio-bus' bus found for device 'virtio-net-device'"),
        ("-M pc -device virtio-net-pci -device virtio-rng-device",
         "No 'virtio-bus' bus found for device 'virtio-rng-device'"),
        ("-M microvm -device e1000", "No 'PCI' bus found for device 'e1000'"),
        ("-M pc -device usb-tablet,bus=usb.0", "Bus 'usb.0' not found"),
        ("-M pc -device e1000,bus=pcie.0", "Bus 'pcie.0' not found"),
        ("-M pc -device usb-hub,bus=pci.0", "Device 'usb-hub' can't go on PCI bus"),
        ("-M q35 -device e1000,bus=ide.0", "Device 'e1000' can't go on IDE bus"),
        ("-M pc -device intel-iommu,addr=5",
         "Parameter 'driver' expects a dynamic sysbus device type for the machine"),
        ("-M q35 -device pxb-pcie,bus_nr=64 -device e1000",
         "PCI: Only PCI/PCIe bridges can be plugged into pxb-pcie"),
        ("-M q35 -device pcie-root-port,id=r -device pxb-pcie,bus=r,bus_nr=12",
         "PXB devices can be attached only to root bus"),
        ("-M pc -device pci-bridge,id=r,chassis_nr=1 -device pxb,bus=r,bus_nr=12,addr=2",
         "PXB devices can be attached only to root bus"),
        ("-M q35 -device pci-bridge,id=r,chassis_nr=1 -device pxb-pcie,bus=r,bus_nr=12,addr=2",
         "pxb-pcie devices cannot reside on a PCI bus"),
        ("-M q35 -device pcie-root-port -device pcie-root-port", "Can't add chassis slot, error -16"),
        ("-M q35 -device VGA,addr=4 -device secondary-vga,addr=4.1",
         "PCI: single function device can't be populated in function 4.1"),
        ("-M pc -device VGA -device qxl-vga",
         "primary qxl-vga device must be console 0 (first display device on the command line)"),
        ("-M pc -device vfio-pci,host=01:00.0",
         "vfio /sys/bus/pci/devices/0000:01:00.0: no such host device: No such file or directory"),
    ],
)
def test_a_device_without_a_place_is_refused_in_qemus_words(line: str, words: str) -> None:
    assert said(line) == words


def test_devices_in_json_come_behind_all_others() -> None:
    guest = memkit.boot(
        ["-M", "pc", "-nodefaults", "-device", '{"driver":"e1000"}', "-device", "rtl8139", "-device", "VGA"]
    )
    assert [b.idstr for b in guest.ram_blocks if b.idstr.endswith(".rom")][1:] == [
        "0000:00:02.0/rtl8139.rom", "0000:00:03.0/vga.rom", "0000:00:04.0/e1000.rom",
    ]
