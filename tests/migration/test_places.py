"""Where devices sit, and what the stream calls their state: as real QEMUs name them."""

from __future__ import annotations

import pytest

import memkit
from memkit.migration.places import saved, state_name


def sections(line: str, qemu: str = "7.2") -> list[str]:
    """The sections of the devices that the line brings."""
    return [place.section for place in saved(memkit.boot(line, qemu=qemu)) if place.spec is not None]


# From the description of the state at the end of a stream, QEMU 7.2 and 11.1.
@pytest.mark.parametrize(("driver", "name"), [
    ("virtio-net-pci", "virtio-net"), ("virtio-net-pci-non-transitional", "virtio-net"),
    ("virtio-keyboard-pci", "virtio-input"), ("virtio-serial-pci", "virtio-console"), ("VGA", "vga"),
    ("virtio-vga", "virtio-gpu"), ("cirrus-vga", "cirrus_vga"), ("e1000-82545em", "e1000"),
    ("e1000e", "e1000e"),
    ("i82559er", "eeprom"), ("ich9-usb-uhci3", "uhci"), ("qemu-xhci", "xhci"), ("lsi53c895a", "lsiscsi"),
    ("pvpanic-pci", "pvpanic-pci"), ("pci-bridge", "pci_bridge"), ("rtl8139", "rtl8139"), ("edu", ""),
    ("virtio-pmem-pci", ""), ("pci-testdev", ""),
])
def test_a_state_has_the_name_that_qemu_gives_it(driver: str, name: str) -> None:
    assert state_name(driver) == name


def test_devices_take_the_first_free_slot_or_the_one_that_is_given() -> None:
    assert sections("-nodefaults -device virtio-balloon-pci,addr=3 -device e1000 -device VGA -device "
                    "rtl8139") == [
        "0000:00:03.0/virtio-balloon", "0000:00:02.0/e1000", "0000:00:04.0/vga", "0000:00:05.0/rtl8139"]
    assert sections("-M q35 -nodefaults -device virtio-rng-pci") == ["0000:00:01.0/virtio-rng"]


def test_devices_of_the_board_come_before_those_of_the_line() -> None:
    assert sections("-M q35 -device virtio-rng-pci") == ["0000:00:03.0/virtio-rng"]
    assert sections("-M q35 -nodefaults -device ich9-ahci") == ["0000:00:01.0/ich9_ahci"]


def test_an_iommu_comes_first_and_a_device_without_a_bus_has_its_name_alone() -> None:
    line = "-M q35 -nodefaults -device virtio-rng-pci -device vmcoreinfo -device"
    assert sections(f"{line} intel-iommu") == ["iommu-intel", "0000:00:01.0/virtio-rng", "vmcoreinfo"]
    assert sections(f"{line} virtio-iommu-pci", "11.1")[0] == "0000:00:02.0/virtio-iommu"


def test_ramfb_saves_its_state_since_8_2() -> None:
    line = "-nodefaults -device ramfb -M"
    assert [sections(f"{line} {machine}", qemu) for machine, qemu in (
        ("pc", "7.2"), ("pc-i440fx-7.2", "10.0"), ("pc", "10.0"))] == [[], [], ["ramfb-dev"]]


def test_the_path_of_a_device_behind_a_bridge_lists_the_bridge() -> None:
    line = "-nodefaults -device pci-bridge,id=b,chassis_nr=1 -device virtio-rng-pci,bus=b"
    assert sections(f"{line},addr=1") == ["0000:00:02.0/pci_bridge", "0000:00:02.0:01.0/virtio-rng"]
    assert sections(line) == ["0000:00:02.0/pci_bridge"]
    port = "-M q35 -nodefaults -device pcie-root-port,id=r,chassis=1 -device virtio-net-pci,bus=r"
    assert sections(port) == ["0000:00:01.0/pcie-root-port", "0000:00:01.0:00.0/virtio-net"]
