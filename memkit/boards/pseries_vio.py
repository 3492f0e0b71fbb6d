"""Virtual devices of pseries: the consoles, NVRAM, NICs and SCSI adapters that only a hypervisor offers.

They have no windows; the guest calls the hypervisor.  By DMA each sees a translation window of its own, in
front of as many bytes as the guest has RAM.  They are numbered in the order in which the board makes them.

Source: spapr_vio_busdev_realize in hw/ppc/spapr_vio.c, spapr_vlan_create in hw/net/spapr_llan.c,
spapr_vscsi_create in hw/scsi/spapr_vscsi.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import count

from memkit.boards.build import Build
from memkit.boards.nics import wanted_nics
from memkit.boards.ports import serial_ports
from memkit.boards.windows import WHOLE, LateAddressSpace
from memkit.memory.region import MemoryRegion

__all__ = ["add_virtual_devices"]

FIRST_UNIT = 0x7100_0000
WINDOW = 256 << 20


def add_virtual_devices(build: Build) -> None:
    """Add what the board's virtual NICs and SCSI adapters see by DMA, and the buses of the adapters.

    >>> import memkit
    >>> guest = memkit.boot("-M pseries", target="ppc64")
    >>> str(guest.flat_view("l-lan@71000002"))
    '0000000000000000-000000000fffffff (prio 0, i/o): tce-iommu-71000002'
    """
    units = count(FIRST_UNIT + len(serial_ports(build)) + 1)
    for unit, kind in zip(units, _kinds(build), strict=False):
        name = f"{kind}@{unit:x}"
        build.address_spaces.append(LateAddressSpace(name, partial(_view, build, unit)))
        if kind == "v-scsi":
            build.other_buses[f"{name}.0"] = "SCSI"


def _kinds(build: Build) -> Iterator[str]:
    """What each device is called in the device tree: NICs, and an adapter for drives or the CD-ROM."""
    for nic in wanted_nics(build):
        if nic.driver == "spapr-vlan":
            yield "l-lan"
    drives = any(drive.interface in (None, "", "scsi") for drive in build.config.drives)
    if drives or not build.config.flag("nodefaults"):
        yield "v-scsi"


def _view(build: Build, unit: int) -> MemoryRegion:
    """What the device sees: its window; all of RAM, if the guest turns translation off."""
    root = MemoryRegion("iommu-spapr-root", build.machine.ram_size)
    whole = MemoryRegion.window("iommu-spapr-bypass", build.system, 0, build.machine.ram_size, enabled=False)
    root.add(whole, 0, 1)
    table = root.add(MemoryRegion(f"tce-root-{unit:x}", WHOLE), 0, 2)
    table.add(MemoryRegion(f"tce-iommu-{unit:x}", WINDOW, "i/o"), 0)
    return root
