"""-only-migratable refuses devices that cannot migrate, in QEMU's words, and no others."""

from __future__ import annotations

import pytest

import memkit

PEERS = "-object memory-backend-memfd,id=m,size=4M -device ivshmem-plain,memdev=m"
SAID = "Device {} is not migratable, but --only-migratable was specified"


# All of these were started on the four QEMUs.
@pytest.mark.parametrize(
    ("device", "inside", "releases"),
    [
        ("rocker", "rocker", ("5.2", "7.2", "10.0", "11.1")),
        ("amd-iommu", "amd-iommu", ("5.2", "7.2", "10.0", "11.1")),
        ("nvme", "nvme", ("5.2", "7.2", "10.0")),
        ("usb-mtp", "usb-mtp", ("7.2", "11.1")),
        ("vhost-user-fs-pci", "vhost-user-fs-device", ("5.2", "7.2")),
        ("vhost-user-vsock-pci-non-transitional", "vhost-user-vsock-device", ("5.2", "7.2", "11.1")),
        ("vhost-user-rng-pci", "vhost-user-rng", ("7.2", "11.1")),
        ("virtio-input-host-pci", "virtio-input-host-device", ("5.2", "7.2", "11.1")),
        ("vhost-user-snd-pci", "vhost-user-snd", ("11.1",)),
    ],
)
def test_a_device_that_cannot_migrate_is_refused(device: str, inside: str, releases: tuple[str, ...]) -> None:
    bus = "-device qemu-xhci " if device.startswith("usb") else ""
    for qemu in releases:
        with pytest.raises(memkit.Refused) as caught:
            memkit.boot(f"-M q35 -m 64M -only-migratable {bus}-device {device}", qemu=qemu)
        assert f"-device {device}: {SAID.format(inside)}" == caught.value.message


@pytest.mark.parametrize(("device", "qemu"), [("nvme", "11.1"), ("vhost-user-fs-pci", "10.0")])
def test_later_releases_let_some_migrate(device: str, qemu: str) -> None:
    with pytest.raises(memkit.Refused) as caught:
        memkit.boot(f"-M q35 -m 64M -only-migratable -device {device}", qemu=qemu)
    assert "migratable" not in caught.value.message  # they lack a drive, or a chardev


@pytest.mark.parametrize("qemu", ["5.2", "7.2", "10.0", "11.1"])
def test_a_peer_of_ivshmem_is_refused_and_a_master_is_not(qemu: str) -> None:
    with pytest.raises(memkit.Refused) as caught:
        memkit.boot(f"-m 64M -only-migratable {PEERS}", qemu=qemu)
    assert caught.value.message == (
        "-device ivshmem-plain,memdev=m: disallowing migration blocker (--only-migratable) for: Migration is "
        "disabled when using feature 'peer mode' in device 'ivshmem'"
    )
    for master in ("on", "auto"):
        assert memkit.boot(f"-m 64M -only-migratable {PEERS},master={master}", qemu=qemu)
    assert memkit.boot(f"-m 64M {PEERS}", qemu=qemu)


def test_what_can_migrate_starts() -> None:
    line = ("-m 1G -only-migratable -device virtio-balloon-pci -device VGA -device qemu-xhci "
            "-device usb-tablet")
    assert memkit.boot(line)
