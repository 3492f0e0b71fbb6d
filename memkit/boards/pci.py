"""PCI buses: which slot a device gets, and what its RAMBlocks are called after it.

A RAMBlock that belongs to a PCI device carries the device's path: ``0000:00:02.0/vga.vram``.
Behind a bridge the path lists every hop: ``0000:00:03.0:01.0/...``.

Source: do_pci_register_device and pcibus_get_dev_path in hw/pci/pci.c (QEMU 7.2).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from memkit.boards.refusals import refuse
from memkit.config import DeviceSpec

__all__ = ["PciBus", "parse_devfn"]

SLOTS = 32


@dataclass(eq=False)
class PciBus:
    """A PCI or PCIe bus; ``prefix`` is the path of the bridge above it, ``0000:00`` at the root.

    ``taken`` maps devfn (slot × 8 + function) to (driver, id).  ``first_slot`` is the lowest slot
    that is given out; ``only_slot_0`` holds below a PCIe port.
    """

    name: str
    prefix: str = "0000:00"
    express: bool = False
    first_slot: int = 0
    only_slot_0: bool = False
    taken: dict[int, tuple[str, str | None]] = field(default_factory=dict)

    def claim(self, driver: str, devfn: int, id: str | None = None) -> str:
        """The device path of a fixed device of the board at ``devfn``."""
        self.taken[devfn] = (driver, id)
        return self.path(devfn)

    def path(self, devfn: int) -> str:
        """The path of the device at ``devfn``.

        >>> PciBus("pci.0").path(0x11)
        '0000:00:02.1'
        """
        return f"{self.prefix}:{devfn >> 3:02x}.{devfn & 7:x}"

    def plug(self, driver: str, devfn: int | None, spec: DeviceSpec | None = None) -> tuple[int, str]:
        """The devfn and the path for a device; None asks for the first free slot; raises Refused."""
        option = spec.option if spec else None
        if devfn is None:
            last = 1 if self.only_slot_0 else SLOTS
            for slot in range(self.first_slot, last):
                if slot << 3 not in self.taken:
                    devfn = slot << 3
                    break
            else:
                raise refuse("pci-full", option, located=True, driver=driver)
        elif devfn in self.taken:
            other, other_id = self.taken[devfn]
            raise refuse("pci-taken", option, located=True, slot=devfn >> 3, function=devfn & 7,
                         driver=driver, other=other, id=other_id or "(null)")
        self.taken[devfn] = (driver, spec.id if spec else None)
        return devfn, self.path(devfn)


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
