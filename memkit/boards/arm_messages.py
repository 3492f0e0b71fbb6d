"""PCI devices that cannot do without message interrupts, on Arm's boards where nobody takes these.

A GICv2 has a frame for them, a GICv3 takes them through its ITS; without either, most devices use wires.

Source: msi_init in hw/pci/msi.c, msix_init in hw/pci/msix.c (QEMU 7.2), and trying devices on real QEMUs.
"""

from __future__ import annotations

from memkit.boards.board import refuse_here
from memkit.config import DeviceSpec
from memkit.versions import holds

__all__ = ["check_messages"]

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
