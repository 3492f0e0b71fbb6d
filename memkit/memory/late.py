"""Containers that are filled when somebody looks into them.

Half of the regions of a small machine are windows of the chipset which are off at power-on.  A boot that
nobody asks for its tree need not make them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from memkit.memory.region import MemoryRegion

__all__ = ["LateContainer", "Placed"]

# A region, the address in bytes inside its container, and its priority.
Placed = tuple[MemoryRegion, int, int]


class LateContainer(MemoryRegion):
    """A container of ``size`` bytes that only takes note of its subregions until the first look.

    >>> system = LateContainer("system", 1 << 64)
    >>> system.add_later(lambda: [(MemoryRegion("ioapic", 0x1000, "i/o"), 0xFEC0_0000, 0)])
    >>> _ = system.add(MemoryRegion("apic-msi", 0x10_0000, "i/o"), 0xFEE0_0000, 4096)
    >>> [region.name for region in system.subregions]
    ['apic-msi', 'ioapic']
    """

    __slots__ = ("_noted",)

    def __init__(self, name: str, size: int, *, enabled: bool = True) -> None:
        super().__init__(name, size, enabled=enabled)
        self._noted: list[Callable[[], Iterable[Placed]]] | None = []
        # The first look finds no list, and asks __getattr__.
        del self.subregions

    def __getattr__(self, name: str) -> list[MemoryRegion]:
        """The subregions in their order, at the first look."""
        if name != "subregions":
            raise AttributeError(name)
        full = MemoryRegion(self.name, self.size)
        for make in self._noted or ():
            for region, addr, priority in make():
                full.add(region, addr, priority).container = self
        self.subregions, self._noted = full.subregions, None
        return full.subregions

    def add(self, region: MemoryRegion, addr: int, priority: int = 0) -> MemoryRegion:
        """``region``, now mapped at ``addr`` (bytes, inside this container)."""
        if self._noted is None:
            return super().add(region, addr, priority)
        region.addr, region.priority, region.container = addr, priority, self
        self._noted.append(lambda: [(region, addr, priority)])
        return region

    def add_later(self, make: Callable[[], Iterable[Placed]]) -> None:
        """Add the regions that ``make`` gives as if it were now, but not before the first look."""
        if self._noted is None:
            for placed in make():
                super().add(*placed)
        else:
            self._noted.append(make)
