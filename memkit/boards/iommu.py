"""IOMMUs: what a PCI device sees by DMA is no longer memory itself, but a view for each requester.

Until the guest programs it, an IOMMU passes everything on.  A device behind a conventional bridge
cannot say who it is; the bridge asks for it, so the devices behind share one view.

Source: pci_device_iommu_address_space in hw/pci/pci.c, vtd_find_add_as in hw/i386/intel_iommu.c,
amdvi_host_dma_iommu in hw/i386/amd_iommu.c, virtio_iommu_find_add_as in hw/virtio/virtio-iommu.c,
smmu_find_add_as in hw/arm/smmu-common.c (QEMU 7.2).
"""

from __future__ import annotations

from memkit.boards.build import Build
from memkit.boards.device_refusals import refuse_device
from memkit.boards.pci import PciBus
from memkit.config import DeviceSpec
from memkit.memory.flatview import AddressSpace
from memkit.memory.region import MemoryRegion
from memkit.versions import holds

__all__ = ["IOMMUS", "Views", "add_iommu"]

IOMMUS = ("intel-iommu", "amd-iommu", "virtio-iommu-pci")
WHOLE = 1 << 64
INTERRUPTS, INTERRUPTS_SIZE = 0xFEE0_0000, 0x10_0000
SMMU_BEFORE_8 = 1 << 48
# Requester of the IOAPIC: slot 20 (AMDVI_IOAPIC_SB_DEVID).
AMD_IOAPIC = 0xA0


def add_iommu(build: Build, driver: str, spec: DeviceSpec) -> None:
    """Remember the machine's IOMMU and map its registers; raises Refused."""
    if driver == "virtio-iommu-pci" and build.machine.family == "microvm":
        raise refuse_device(
            spec, f"Check your machine implements a hotplug handler for the {driver} device",
            "microvm cannot take an IOMMU.", "use pc or q35", "hw/virtio/virtio-iommu-pci.c",
        )
    build.iommu = driver
    if driver == "amd-iommu":
        bus = build.buses["pcie.0"]
        devfn = bus.plug("AMDVI-PCI", None)
        build.pci_functions.append(("AMDVI-PCI", bus, devfn))


class Views:
    """What each PCI function sees; views are made as QEMU makes them when the machine is complete."""

    def __init__(self, build: Build) -> None:
        self.build = build
        self.made: dict[tuple[int, int], MemoryRegion] = {}
        self.spaces: list[AddressSpace] = []
        self._make = {
            "intel-iommu": self._intel, "amd-iommu": self._amd, "virtio-iommu-pci": self._virtio,
            "smmuv3": self._smmu,
        }[build.iommu]
        if build.iommu == "intel-iommu":
            self._pass_on("vtd-ir", "vtd-nodmar", "vtd-sys-alias")
        if build.iommu == "amd-iommu":
            self._pass_on("amdvi-ir", "amdvi-sys", "amdvi-nodma")
            self.view(build.buses["pcie.0"], AMD_IOAPIC)
        # Newest bus first, for the newest asks to be told of the machine's completion first.
        for bus in reversed(list(build.buses.values())):
            for devfn in sorted(bus.taken):
                self.view(bus, devfn)

    def _pass_on(self, interrupts: str, untranslated: str, system: str) -> None:
        """Make what a device sees without translation: ``system``, and ``interrupts`` in front of it."""
        self._interrupts = MemoryRegion(interrupts, INTERRUPTS_SIZE, "i/o")
        self._untranslated = MemoryRegion(untranslated, WHOLE)
        self._untranslated.add(MemoryRegion.window(system, self.build.system, 0, WHOLE), 0)
        self._untranslated.add(self._interrupts, INTERRUPTS, 1)

    def view(self, bus: PciBus, devfn: int) -> MemoryRegion:
        """The root of the view of the function ``devfn`` on ``bus``."""
        bus, devfn = _requester(bus, devfn)
        number = id(bus)
        if self.build.iommu == "amd-iommu" and not self.build.qemu.amd_iommu_by_bus:
            # It went by bus numbers, and the firmware has not given out any yet.
            number = int(bus.root[5:], 16) if bus.is_root else 0
        key = (number, devfn)
        if key not in self.made:
            name, root = self._make(devfn)
            self.made[key] = root
            self.spaces.append(AddressSpace(name, root))
        return self.made[key]

    def _intel(self, devfn: int) -> tuple[str, MemoryRegion]:
        name = f"vtd-{devfn >> 3:02x}.{devfn & 7:x}"
        root = MemoryRegion(name, WHOLE)
        translated = MemoryRegion(f"{name}-dmar", WHOLE, "i/o", enabled=False)
        translated.add(MemoryRegion.window("vtd-ir", self._interrupts, 0, INTERRUPTS_SIZE), INTERRUPTS, 1)
        root.add(translated, 0)
        root.add(MemoryRegion.window("vtd-nodmar", self._untranslated, 0, WHOLE), 0)
        if self.build.qemu.vtd_no_ir:
            root.add(MemoryRegion("vtd-no-ir", INTERRUPTS_SIZE, "i/o", enabled=False), INTERRUPTS, 2)
        return "vtd-root", root

    def _amd(self, devfn: int) -> tuple[str, MemoryRegion]:
        root = MemoryRegion("amdvi_root", WHOLE)
        if self.build.qemu.amd_iommu_alias:
            passes = self.build.qemu.amd_iommu_passes
            translated = MemoryRegion("amd_iommu", WHOLE, "i/o", enabled=not passes)
            translated.add(
                MemoryRegion.window("amdvi-ir", self._interrupts, 0, INTERRUPTS_SIZE), INTERRUPTS, 1
            )
            root.add(translated, 0)
            root.add(MemoryRegion.window("amdvi-sys", self._untranslated, 0, WHOLE, enabled=passes), 0)
            return f"amd_iommu_devfn_{devfn}", root
        root.add(MemoryRegion("amd_iommu", WHOLE, "i/o"), 0, 1)
        root.add(MemoryRegion("amd_iommu_ir", INTERRUPTS_SIZE, "i/o"), INTERRUPTS, 64)
        return f"amd_iommu_devfn_{devfn}", root

    def _virtio(self, devfn: int) -> tuple[str, MemoryRegion]:
        name = f"virtio-iommu-memory-region-{len(self.made)}-{devfn}"
        root = MemoryRegion(name, WHOLE)
        root.add(MemoryRegion(name, WHOLE, "i/o", enabled=False), 0)
        root.add(MemoryRegion.window("system", self.build.system, 0, WHOLE), 0)
        return "virtio-iommu-device", root

    def _smmu(self, devfn: int) -> tuple[str, MemoryRegion]:
        name = f"smmuv3-iommu-memory-region-{devfn}-{len(self.made)}"
        size = WHOLE if holds(self.build.qemu.version, "8.0") else SMMU_BEFORE_8
        return name, MemoryRegion(name, size, "i/o")


def _requester(bus: PciBus, devfn: int) -> tuple[PciBus, int]:
    """The bus and devfn that a request of this function carries."""
    while bus.above is not None:
        front, bridge, driver = bus.above
        if bus.kind == "PCI":
            # A conventional bus: its bridge speaks for all, one to PCI Express with its own slot 0.
            devfn = 0 if driver == "pcie-pci-bridge" else bridge
            if driver == "pcie-pci-bridge":
                return bus, devfn
            bus = front
        elif bus.kind == "pxb-bus":
            bus, devfn = front, bridge
        else:
            break
    return bus, devfn
