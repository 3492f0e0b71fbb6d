"""PCI buses: which slot a device gets, and what its RAMBlocks are called after it.

A RAMBlock that belongs to a PCI device carries the device's path: ``0000:00:02.0/vga.vram``.
Behind a bridge the path lists every hop: ``0000:00:03.0:01.0/...``.

Source: do_pci_register_device, pci_init_multifunction and pcibus_get_dev_path in hw/pci/pci.c,
pxb_host_root_bus_path in hw/pci-bridge/pci_expander_bridge.c (QEMU 7.2).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from memkit.boards.device_refusals import refuse_device
from memkit.boards.refusals import refuse
from memkit.config import DeviceSpec
from memkit.memory.region import MemoryRegion

__all__ = ["PciBus", "parse_devfn"]

SLOTS = 32


class Taken(NamedTuple):
    """What sits at a devfn; ``multifunction`` is the bit in its header."""

    driver: str
    id: str | None
    multifunction: bool


@dataclass(eq=False)
class PciBus:
    """A PCI or PCIe bus: ``kind`` is QEMU's type name (PCI, PCIE, CXL, pxb-pcie-bus ...).

    ``root`` is the path of the host bridge, ``chain`` that of the bridges below it.  ``taken`` maps
    devfn (slot × 8 + function) to what is there.  ``memory`` and ``io`` are the containers that the
    devices on the bus map their windows into; ``io`` is None where that is the machine's own.  ``above``
    is the bus in front with the devfn and the type of the bridge there.
    """

    name: str
    kind: str = "PCI"
    root: str = "0000:00"
    chain: str = ""
    memory: MemoryRegion | None = None
    io: MemoryRegion | None = None
    above: tuple[PciBus, int, str] | None = None
    bridges_only: str = ""
    no_slot_0: bool = False
    taken: dict[int, Taken] = field(default_factory=dict)

    @property
    def is_root(self) -> bool:
        """True for the bus of a host bridge, an expander's, too."""
        return self.above is None or bool(self.bridges_only)

    def claim(self, driver: str, devfn: int, *, multifunction: bool = True) -> None:
        """Put a fixed device of the board at ``devfn``."""
        self.taken[devfn] = Taken(driver, None, multifunction)

    def path(self, devfn: int) -> str:
        """The path of the device at ``devfn``.

        >>> PciBus("pci.0").path(0x11)
        '0000:00:02.1'
        """
        return f"{self.root}{self.chain}:{devfn >> 3:02x}.{devfn & 7:x}"

    def plug(
        self, driver: str, devfn: int | None, spec: DeviceSpec | None = None, multifunction: bool = False
    ) -> int:
        """The devfn for a device; None asks for the first free slot; raises Refused."""
        option = spec.option if spec else None
        if devfn is None:
            for slot in range(SLOTS):
                if slot << 3 not in self.taken:
                    devfn = slot << 3
                    break
            else:
                raise refuse("pci-full", option, located=True, driver=driver)
        elif devfn in self.taken:
            other = self.taken[devfn]
            raise refuse("pci-taken", option, located=True, slot=devfn >> 3, function=devfn & 7,
                         driver=driver, other=other.driver, id=other.id or "(null)")
        self._check_functions(devfn, multifunction, spec)
        self.taken[devfn] = Taken(driver, spec.id if spec else None, multifunction)
        return devfn

    def _check_functions(self, devfn: int, multifunction: bool, spec: DeviceSpec | None) -> None:
        """Functions 1 to 7 need a function 0 that announces them."""
        slot, function = devfn >> 3, devfn & 7
        if function:
            first = self.taken.get(slot << 3)
            if first is not None and not first.multifunction:
                raise refuse_device(
                    spec, f"PCI: single function device can't be populated in function {slot:x}.{function:x}",
                    "Function 0 of this slot says that it is alone.",
                    "add multifunction=on to the device at function 0",
                    "pci_init_multifunction, hw/pci/pci.c",
                )
        elif not multifunction:
            for other in range(1, 8):
                if slot << 3 | other in self.taken:
                    raise refuse_device(
                        spec, f"PCI: {slot:x}.0 indicates single function, but {slot:x}.{other:x} is already "
                        "populated.", "Function 0 must announce the other functions of its slot.",
                        "add multifunction=on", "pci_init_multifunction, hw/pci/pci.c",
                    )


def parse_devfn(text: str | int) -> int | None:
    """addr= as a devfn: ``"3"``, ``"0x1f.2"`` (hexadecimal slot and function), or None if malformed.

    >>> parse_devfn("0x1f.2"), parse_devfn("10"), parse_devfn("40")
    (250, 128, None)
    """
    if isinstance(text, int):
        return text if 0 <= text < 256 else None
    slot, dot, function = text.strip().partition(".")
    try:
        numbers = int(slot, 16), int(function, 16) if dot else 0
    except ValueError:
        return None
    if not (0 <= numbers[0] < SLOTS and 0 <= numbers[1] < 8):
        return None
    return numbers[0] << 3 | numbers[1]
