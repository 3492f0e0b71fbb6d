"""PCI devices that cannot do without message interrupts, on Arm's boards where nobody takes these.

A GICv2 has a frame for them, a GICv3 takes them through its ITS; without either, most devices use wires.

Source: msi_init in hw/pci/msi.c, msix_init in hw/pci/msix.c (QEMU 7.2), and trying devices on real QEMUs.
"""

from __future__ import annotations

from memkit.boards.board import refuse_here
from memkit.boards.build import Build
from memkit.config import DeviceSpec
from memkit.errors import Refused
from memkit.versions import holds

__all__ = ["check_messages", "no_iommu_handler"]

# Devices that need MSI or MSI-X, and the releases in which they do.
_NEEDED = {
    "igb": ("MSI-X", ""), "ioh3420": ("MSI", ""), "nvme": ("MSI-X", "<6.0"), "pcie-root-port": ("MSI-X", ""),
    "rocker": ("MSI-X", ""), "x3130-upstream": ("MSI", ""), "xio3130-downstream": ("MSI", ""),
}


def check_messages(qemu: str, spec: DeviceSpec, driver: str) -> None:
    """Raise Refused for a device that needs message interrupts, on a board without them."""
    what, releases = _NEEDED.get(driver, ("", ""))
    if what and holds(qemu, releases):
        raise refuse_here(
            f"{what} is not supported by interrupt controller", "Nobody takes message interrupts here.",
            "use -M virt with a GICv2, or a GICv3 with its=on", "msix_init, hw/pci/msix.c, QEMU 7.2",
            spec.option, located=True,
        )


def no_iommu_handler(build: Build, spec: DeviceSpec) -> Refused:
    """The refusal of a virtio-iommu by a machine that would not tell the guest of it."""
    message = "Check your machine implements a hotplug handler for the virtio-iommu-pci device"
    if not holds(build.qemu.version, "6.2"):
        message = f"{build.machine.type} machine fails to create iommu-map device tree bindings"
    return refuse_here(
        message, "The machine would not describe the device to its guest.",
        "leave out the device, or use -M virt", "virtio_iommu_pci_realize, hw/virtio/virtio-iommu-pci.c, "
        "QEMU 7.2", spec.option, located=True,
    )
