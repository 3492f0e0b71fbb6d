"""Address spaces that devices bring, beside their views of memory, in the releases that have them."""

from __future__ import annotations

import pytest

import memkit

WINDOW = "virtio-pci-cfg-mem-as"


def spaces(line: str, qemu: str) -> list[str]:
    return [space.name for space in memkit.boot(line, qemu=qemu).address_spaces]


def window(line: str, qemu: str = "10.0") -> list[tuple[str, int]]:
    """The configuration window: the root and what is in it, with the bytes of each."""
    return [(r.name, r.size) for r in memkit.boot(line, qemu=qemu).address_space(WINDOW).root.walk()]


@pytest.mark.parametrize(("qemu", "count"), [("5.2", 0), ("7.2", 0), ("10.0", 2), ("11.1", 2)])
def test_each_virtio_device_has_a_configuration_window_in_newer_releases(qemu: str, count: int) -> None:
    line = "-M q35 -nodefaults -device virtio-rng-pci -device virtio-balloon-pci -device e1000"
    assert spaces(line, qemu).count(WINDOW) == count


def test_a_page_for_each_queue_makes_the_window_large() -> None:
    assert window("-device virtio-rng-pci,page-per-vq=on") == [
        ("virtio-pci", 0x800000), ("virtio-pci-notify-virtio-rng", 0x400000),
        ("virtio-pci-device-virtio-rng", 0x1000), ("virtio-pci-isr-virtio-rng", 0x1000),
        ("virtio-pci-common-virtio-rng", 0x1000),
    ]


@pytest.mark.parametrize(
    "line", ["-device virtio-rng-pci,disable-modern=on", "-M pc-q35-2.6 -nodefaults -device virtio-rng-pci"]
)
def test_a_legacy_device_has_nothing_in_its_window(line: str) -> None:
    assert [name for name, _ in window(line)] == ["virtio-pci"]


def test_old_machine_types_leave_new_devices_modern() -> None:
    assert len(window("-M pc-q35-2.6 -nodefaults -device virtio-rng-pci-non-transitional")) == 5


def test_virtual_functions_have_views_of_their_own() -> None:
    assert spaces("-M q35 -nodefaults -device igb", "10.0").count("igbvf") == 8
    # Before 10.0 the functions are made when the guest enables them.
    assert spaces("-M q35 -nodefaults -device igb -device igb", "8.2").count("igbvf") == 0


@pytest.mark.parametrize(("qemu", "count"), [("7.2", 0), ("10.0", 1)])
def test_bridges_and_device_memory_are_address_spaces_in_newer_releases(qemu: str, count: int) -> None:
    names = spaces("-M pc -m 1G,slots=1,maxmem=2G -device pci-bridge,chassis_nr=1", qemu)
    for name in ("device-memory", "pci_bridge_pci_mem", "pci_bridge_pci_io"):
        assert names.count(name) == count
