"""A driver of old-style virtio devices, played from outside over qtest: no guest program is needed."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .hazards_machine import Machine, until

__all__ = ["BALLOON", "BLOCK", "IVSHMEM", "Virtio"]

BALLOON, BLOCK, IVSHMEM = 0x1002, 0x1001, 0x1110
PORTS = 0xC000
# Where the driver keeps its ring and its lists: guest-physical.
RING, LIST = 4 << 20, 5 << 20
PAGE = 4096


@dataclass
class Virtio:
    """A transitional virtio device on PCI, by its old interface of ports (Virtio 1.0, 4.1.4.8)."""

    machine: Machine
    device: int
    ring: int = RING

    def __post_init__(self) -> None:
        """Find it on the first bus, and give it ports and leave to reach memory."""
        for slot in range(32):
            self._address = 0x80000000 | slot << 11
            if self.config_space(0) == self.device << 16 | 0x1AF4:
                break
        else:
            raise LookupError(f"no virtio device {self.device:#x} on the first PCI bus")
        self.config_space(0x10, PORTS)
        self.config_space(0x04, 7)

    def config_space(self, register: int, value: int | None = None) -> int:
        """A register of PCI configuration space, after ``value`` was written to it."""
        self.machine.qtest(f"outl 0xcf8 {self._address | register:#x}")
        if value is None:
            return int(self.machine.qtest("inl 0xcfc"), 16)
        self.machine.qtest(f"outl 0xcfc {value:#x}")
        return value

    def start(self) -> None:
        """Offer queue 0 and say that the driver is ready."""
        port = self.machine.qtest
        port(f"outb {PORTS + 18:#x} 0")
        port(f"outb {PORTS + 18:#x} 3")
        port(f"outl {PORTS + 4:#x} 0")
        port(f"outw {PORTS + 14:#x} 0")
        self.length = int(port(f"inw {PORTS + 12:#x}"), 16)
        self.given = 0
        self.machine.poke(self.ring, bytes(16 * PAGE))
        port(f"outl {PORTS + 8:#x} {self.ring // PAGE:#x}")
        port(f"outb {PORTS + 18:#x} 7")

    def config(self, offset: int) -> int:
        """A number of the device's own part of the configuration."""
        return int(self.machine.qtest(f"inl {PORTS + 20 + offset:#x}"), 16)

    def give(self, *parts: tuple[int, int, bool]) -> bool:
        """One request of (gpa, bytes, written by the device); True once the device has answered."""
        for number, (gpa, size, written) in enumerate(parts):
            more = number + 1 < len(parts)
            entry = struct.pack("<QIHH", gpa, size, more | written << 1, number + 1 if more else 0)
            self.machine.poke(self.ring + 16 * number, entry)
        available = self.ring + 16 * self.length
        self.machine.poke(available + 4 + 2 * (self.given % self.length), struct.pack("<H", 0))
        self.given += 1
        self.machine.poke(available + 2, struct.pack("<H", self.given))
        self.machine.qtest(f"outw {PORTS + 16:#x} 0")
        used = (available + 6 + 2 * self.length + PAGE - 1) & -PAGE
        return until(lambda: struct.unpack("<H", self.machine.peek(used + 2, 2))[0] == self.given, 3)

    def inflate(self, gpa: int, pages: int) -> bool:
        """Give ``pages`` pages of 4 KiB from ``gpa`` on to the balloon."""
        numbers = [gpa // PAGE + n for n in range(pages)]
        self.machine.poke(LIST, struct.pack(f"<{pages}I", *numbers))
        return self.give((LIST, 4 * pages, False))

    def read_sector(self, gpa: int) -> bool:
        """Ask a disk for its first sector; True if it answers."""
        self.machine.poke(LIST, struct.pack("<IIQ", 0, 0, 0))
        return self.give((LIST, 16, False), (gpa, 512, True), (LIST + 64, 1, True))
