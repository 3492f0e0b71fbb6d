"""What is plugged into the device-memory window, by address: which place is free, who is in the way.

Nothing is ever unplugged while a machine starts.  So what is full stays full, and a search for a place goes
on where the last one of its kind ended.

Source: memory_device_get_free_addr in hw/mem/memory-device.c (QEMU 7.2).
"""

from __future__ import annotations

from bisect import bisect_right

__all__ = ["DeviceWindow", "Plugged"]


class Plugged:
    """A memory device in its window: [addr, addr + size) in guest-physical bytes."""

    __slots__ = ("addr", "id", "size")

    def __init__(self, addr: int, size: int, id: str | None) -> None:
        self.addr, self.size, self.id = addr, size, id

    def overlaps(self, addr: int, size: int) -> bool:
        """True if [addr, addr + size) shares a byte with this device."""
        return self.addr < addr + size and addr < self.addr + self.size


class DeviceWindow:
    """The memory devices of one machine, which never overlap; ``used`` is the sum of their sizes in bytes.

    >>> window = DeviceWindow()
    >>> window.insert(Plugged(0x1000, 0x1000, "d1"))
    >>> hex(window.free_address(0x1000, 0x1000, 0x1000)), window.conflict(0x1800, 0x1000).id
    ('0x2000', 'd1')
    """

    def __init__(self) -> None:
        self._devices: list[Plugged] = []
        self._addresses: list[int] = []
        self.used = 0
        # The last answer for each size and alignment.
        self._lowest: dict[tuple[int, int], int] = {}

    def insert(self, device: Plugged) -> None:
        """Add ``device``, whose place has to be free."""
        if self._addresses and device.addr < self._addresses[-1]:
            index = bisect_right(self._addresses, device.addr)
            self._addresses.insert(index, device.addr)
            self._devices.insert(index, device)
        else:
            self._addresses.append(device.addr)
            self._devices.append(device)
        self.used += device.size

    def conflict(self, addr: int, size: int) -> Plugged | None:
        """The device with the lowest address that overlaps [addr, addr + size), or None."""
        first = self._in_front(addr)
        return next((d for d in self._devices[first:first + 2] if d.overlaps(addr, size)), None)

    def free_address(self, base: int, size: int, align: int) -> int:
        """The lowest multiple of ``align`` from ``base`` on with ``size`` free bytes: a gpa."""
        kind, devices = (size, align), self._devices
        addr = self._lowest.get(kind)
        if addr is None:
            addr = -(-base // align) * align
        # Mostly the last device is the only one from there on.
        first = -1 if devices and devices[-1].addr <= addr else self._in_front(addr)
        for other in devices[first:]:
            end = other.addr + other.size
            if other.addr < addr + size and addr < end:
                addr = -(-end // align) * align
            elif other.addr > addr:
                break
        self._lowest[kind] = addr
        return addr

    def _in_front(self, addr: int) -> int:
        """The index of the last device that starts at ``addr`` or below; 0 if there is none."""
        return max(bisect_right(self._addresses, addr) - 1, 0)
