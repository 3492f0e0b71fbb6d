"""MemoryRegions: the tree that says who answers at which guest-physical address.

A MemoryRegion is a container, RAM, ROM, a device's i/o window, or an *alias*: a window
onto part of another region.  Regions that overlap are resolved by *priority*; among
equals the one added last wins.  The tree is built once by a board and only read afterwards.

Regions have identity, as in QEMU: two regions with equal fields are still two regions,
and an alias points at one of them.

Source: docs/devel/memory.rst and softmmu/memory.c (QEMU 7.2), system/memory.c (since 8.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from memkit.memory.ramblock import RAMBlock

__all__ = ["ADDRESS_SPACE_SIZE", "MemoryRegion", "RegionKind"]

ADDRESS_SPACE_SIZE = 1 << 64

RegionKind = Literal["container", "ram", "rom", "romd", "ramd", "i/o"]


@dataclass(eq=False, slots=True)
class MemoryRegion:
    """A region of guest-physical addresses, inside at most one container.

    ``addr`` is its offset in bytes inside ``container``; ``size`` is in bytes.
    ``kind`` says what answers an access: ``container`` passes it on to ``subregions``.
    An alias has ``alias`` set and shows ``alias[alias_offset : alias_offset + size]``.
    ``block`` is the RAMBlock behind a ram, rom or romd region that owns one.

    >>> ram = MemoryRegion("pc.ram", 1 << 30, "ram")
    >>> system = MemoryRegion("system", ADDRESS_SPACE_SIZE)
    >>> system.add(MemoryRegion.window("ram-below-4g", ram, 0, 1 << 30), 0).type
    'ram'
    """

    name: str
    size: int
    kind: RegionKind = "container"
    block: RAMBlock | None = None
    alias: MemoryRegion | None = None
    alias_offset: int = 0
    addr: int = 0
    priority: int = 0
    enabled: bool = True
    nonvolatile: bool = False
    readonly: bool = False
    owner: str = ""
    container: MemoryRegion | None = None
    subregions: list[MemoryRegion] = field(default_factory=list)

    @classmethod
    def window(
        cls, name: str, target: MemoryRegion, offset: int, size: int, *, readonly: bool = False,
        enabled: bool = True, owner: str = "",
    ) -> MemoryRegion:
        """An alias that shows ``size`` bytes of ``target`` from ``offset`` (bytes in the target)."""
        return cls(
            name, size, alias=target, alias_offset=offset, readonly=readonly, enabled=enabled,
            owner=owner,
        )

    def add(self, region: MemoryRegion, addr: int, priority: int = 0) -> MemoryRegion:
        """``region``, now mapped at ``addr`` (bytes, inside this container).

        Subregions are kept by falling priority; a newcomer goes in front of its equals, so
        that the first subregion in the list that covers an address is the one that wins
        (memory_region_update_container_subregions, softmmu/memory.c, QEMU 7.2).
        """
        region.addr, region.priority, region.container = addr, priority, self
        siblings = self.subregions
        index = 0
        for sibling in siblings:
            if priority >= sibling.priority:
                break
            index += 1
        siblings.insert(index, region)
        return region

    @property
    def terminates(self) -> bool:
        """True if an access ends here: this is RAM, ROM or a device, neither container nor alias."""
        return self.alias is None and self.kind != "container"

    @property
    def type(self) -> str:
        """The word that ``info mtree`` prints: ram, rom, romd, ramd or i/o.

        An alias has the type of what it shows (memory_region_type, softmmu/memory.c).
        """
        region = self
        while region.alias is not None:
            region = region.alias
        if region.kind == "container":
            return "i/o"
        if region.kind == "ram" and region.readonly:
            return "rom"
        return region.kind

    def walk(self) -> Iterator[MemoryRegion]:
        """This region and all below it, parents first; aliases are not followed."""
        yield self
        for sub in self.subregions:
            yield from sub.walk()

    def __repr__(self) -> str:
        return f"<MemoryRegion {self.name!r} {self.type} {self.size:#x} bytes at {self.addr:#x}>"
