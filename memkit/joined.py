"""The join of all columns: from a word on the command line to the addresses the guest sees.

QEMU's monitor shows each table alone: ``info memdev`` knows backends, ``info ramblock`` knows
RAMBlocks, ``info mtree`` knows regions, and nothing says which belongs to which.  The join
puts them side by side, one row per RAMBlock.

Source: qemu_ram_alloc_internal in softmmu/physmem.c, memory_region_init_alias in
softmmu/memory.c, host_memory_backend_memory_complete in backends/hostmem.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from memkit.guest import Guest
    from memkit.memory.backend import Backend
    from memkit.memory.device import Frontend
    from memkit.memory.flatview import FlatRange
    from memkit.memory.ramblock import RAMBlock
    from memkit.memory.region import MemoryRegion

__all__ = ["Backing", "Gap", "Joined", "JoinedRow", "Kind", "join", "kind_of_range"]

Kind = Literal["ram", "rom", "device", "pmem", "table"]
Backing = Literal["private", "shared", "huge", "pmem", "file", "unknown"]

_KIND_OF_PURPOSE: dict[str, Kind] = {
    "ram": "ram", "vram": "device", "shared": "device", "rom": "rom", "flash": "rom",
    "table": "table",
}
# Devices whose BAR is memory of a backend.
_BARS = frozenset({"ivshmem-plain", "ivshmem-doorbell"})
_PERSISTENT = frozenset({"nvdimm", "virtio-pmem", "virtio-pmem-pci"})
# Options that shape the memory that the machine makes for itself.
_MAIN_RAM_OPTIONS = frozenset({"m", "mem-path", "mem-prealloc"})
# Private memory of text whose file system is not told is private in any case.
_FILES_IN_RAM = frozenset({"anonymous", "memfd", "shm", "unknown"})
LARGEST_BASE_PAGE = 64 << 10


@dataclass(frozen=True, slots=True)
class Gap:
    """A run of guest-physical addresses that nobody answers: ``start`` is a gpa, ``size`` bytes."""

    start: int
    size: int

    @property
    def end(self) -> int:
        """The first gpa behind the gap."""
        return self.start + self.size


@dataclass(frozen=True, slots=True, eq=False)
class JoinedRow:
    """One RAMBlock with everything that belongs to it, from left to right.

    ``option_indexes`` point into ``config.options``.  ``regions`` holds the region that owns the
    block first (if it is known), then the enabled aliases onto it that are part of "memory".
    ``ranges`` are those of the FlatView of "memory" (gpa), and ``shown_by`` names, range by
    range, the region of ``regions`` through which the guest sees it.
    ``kind`` says what sort of memory it is, ``backing`` how the host provides it, unknown where a text does
    not tell it.
    """

    block: RAMBlock
    backend: Backend | None
    option_indexes: tuple[int, ...]
    frontends: tuple[Frontend, ...]
    regions: tuple[MemoryRegion, ...]
    ranges: tuple[FlatRange, ...]
    shown_by: tuple[MemoryRegion, ...]
    kind: Kind
    backing: Backing

    @property
    def owner(self) -> MemoryRegion | None:
        """The region that owns the block, or None if no region of it is known."""
        return next((r for r in self.regions if r.alias is None), None)

    @property
    def windows(self) -> tuple[MemoryRegion, ...]:
        """The aliases: windows through which the guest sees parts of the block."""
        return tuple(r for r in self.regions if r.alias is not None)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that a person may call this row by."""
        found = [self.block.idstr, self.block.region_name]
        found += [self.backend.id] if self.backend else []
        found += [f.id or "" for f in self.frontends]
        found += [r.name for r in self.regions]
        return tuple(dict.fromkeys(n for n in found if n))


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """The whole join: ``rows`` in order of creation, and what the FlatView holds besides.

    ``io_ranges`` are the ranges of "memory" that a device answers, or memory of which no RAMBlock is known;
    ``gaps`` lie between ranges.
    """

    rows: tuple[JoinedRow, ...]
    io_ranges: tuple[FlatRange, ...]
    gaps: tuple[Gap, ...]

    def find(self, name: str) -> JoinedRow | None:
        """The first row that ``name`` means: a block by its label, backend, frontend or region; else None."""
        for row in self.rows:
            if name in (row.block.label, row.backend.id if row.backend else None):
                return row
        return next((row for row in self.rows if name in row.names), None)


def join(guest: Guest) -> Joined:
    """The join of options, backends, RAMBlocks, MemoryRegions, FlatRanges (gpa) and frontends.

    >>> import memkit
    >>> guest = memkit.boot("-m 1G -object memory-backend-ram,id=a,size=1G -M memory-backend=a")
    >>> row = join(guest).find("a")
    >>> row.backend.id, row.kind, [r.start for r in row.ranges][0]
    ('a', 'ram', 0)
    """
    regions = _regions_by_block(guest)
    ranges: dict[int, list[FlatRange]] = {}
    io_ranges: list[FlatRange] = []
    gaps: list[Gap] = []
    end = 0
    for r in _memory_ranges(guest):
        if r.start > end:
            gaps.append(Gap(end, r.start - end))
        end = r.end
        if r.region.block is None:
            io_ranges.append(r)
        else:
            ranges.setdefault(id(r.region.block), []).append(r)
    blocks: dict[int, list[int]] = {}
    for b in guest.ram_blocks:
        if b.backend is not None:
            blocks.setdefault(id(b.backend), []).append(id(b))
    frontends: dict[int, list[Frontend]] = {}
    for f in guest.frontends:
        keys = [*map(id, f.blocks), *blocks.get(id(f.backend), ())]
        for key in dict.fromkeys(keys):
            frontends.setdefault(key, []).append(f)
    words = _options_by_backend(guest)
    rows = tuple(
        _row(b, frontends.get(id(b), ()), regions.get(id(b), ()), ranges.get(id(b), ()), words)
        for b in guest.ram_blocks
    )
    return Joined(rows, tuple(io_ranges), tuple(gaps))


def kind_of_range(found: FlatRange) -> str:
    """What sort of memory a range is whose RAMBlock is not known, or ``io``: nothing but a device."""
    if found.nonvolatile:
        return "pmem"
    return {"ram": "ram", "rom": "rom", "romd": "rom", "ramd": "device"}.get(found.type, "io")


def _row(
    block: RAMBlock,
    frontends: Iterable[Frontend],
    regions: Iterable[MemoryRegion],
    ranges: Iterable[FlatRange],
    words: dict[str, list[int]],
) -> JoinedRow:
    frontends, regions, ranges = tuple(frontends), list(regions), tuple(ranges)
    if not any(r.alias is None for r in regions):
        own = next((r for f in frontends for r in f.regions if r.block is block), None)
        regions = [own, *regions] if own else regions
    backend = block.backend
    indexes: list[int] = []
    if backend is not None:
        if backend.option_index is not None:
            indexes.append(backend.option_index)
        indexes += words.get(backend.id, [])
        if backend.implicit:
            indexes += words.get("", [])
    indexes += [f.option_index for f in frontends if f.option_index is not None]
    kind = _KIND_OF_PURPOSE.get(block.purpose, "ram")
    if any(f.kind in _PERSISTENT for f in frontends) or any(r.nonvolatile for r in ranges):
        kind = "pmem"
    elif any(f.kind in _BARS for f in frontends):
        kind = "device"
    return JoinedRow(
        block, backend, tuple(sorted(set(indexes))), frontends, tuple(regions), ranges,
        tuple(_seen_through(r, regions) for r in ranges),
        kind, _backing(block),
    )


def _backing(block: RAMBlock) -> Backing:
    backend = block.backend
    if backend is not None:
        if backend.pmem:
            return "pmem"
        if backend.huge:
            return "huge"
        if backend.share or block.shared:
            return "shared"
        if backend.share is None:
            return "unknown"
        return "private" if backend.filesystem in _FILES_IN_RAM else "file"
    # Only hugetlbfs has pages of more than any host's base page.
    if block.page_size > LARGEST_BASE_PAGE:
        return "huge"
    return "unknown" if block.shared is None else "shared" if block.shared else "private"


def _options_by_backend(guest: Guest) -> dict[str, list[int]]:
    """The indexes of the options that name a backend, by its id; "" stands for main RAM."""
    found: dict[str, list[int]] = {}
    for index, option in enumerate(guest.config.options if guest.config else ()):
        if option.name in _MAIN_RAM_OPTIONS:
            found.setdefault("", []).append(index)
        for key, value in option.args:
            if key in {"memdev", "memory-backend"}:
                found.setdefault(value, []).append(index)
    return found


def _memory_ranges(guest: Guest) -> tuple[FlatRange, ...]:
    if any(space.name == "memory" for space in guest.address_spaces):
        return guest.main_flat_view.ranges
    return ()


def _regions_by_block(guest: Guest) -> dict[int, list[MemoryRegion]]:
    """Owners and aliases of each block that can be reached from "memory", owners first."""
    root = next((s.root for s in guest.address_spaces if s.name == "memory"), None)
    if root is None:
        return {}
    owners: dict[int, list[MemoryRegion]] = {}
    aliases: list[MemoryRegion] = []
    seen: set[int] = set()
    mounted: set[int] = set()  # regions that sit in the tree itself, not only behind an alias

    def walk(region: MemoryRegion, inside: bool) -> None:
        if inside:
            mounted.add(id(region))
        if id(region) in seen:
            return
        seen.add(id(region))
        if not region.enabled:
            return
        if region.alias is not None:
            aliases.append(region)
            walk(region.alias, False)
        elif region.block is not None:
            known = owners.setdefault(id(region.block), [])
            known.append(region)
        for sub in region.subregions:
            walk(sub, inside)

    walk(root, True)
    for alias in sorted(aliases, key=_gpa):
        target, low = _target(alias)
        if target.block is not None:
            owners[id(target.block)].append(alias)
        elif id(target) not in mounted:
            # A container that is seen through windows only: NUMA puts its backends into one.
            for at, region in _leaves(target, 0):
                if region.block and at < low + alias.size and low < at + region.size:
                    owners[id(region.block)].append(alias)
    return owners


def _target(alias: MemoryRegion) -> tuple[MemoryRegion, int]:
    """What an alias finally shows, and the offset (bytes) at which its window begins there."""
    region, offset = alias, 0
    while region.alias is not None:
        offset += region.alias_offset
        region = region.alias
    return region, offset


def _leaves(region: MemoryRegion, at: int) -> Iterable[tuple[int, MemoryRegion]]:
    for sub in region.subregions:
        if sub.alias is None and sub.kind == "container":
            yield from _leaves(sub, at + sub.addr)
        else:
            yield at + sub.addr, sub


def _seen_through(r: FlatRange, regions: list[MemoryRegion]) -> MemoryRegion:
    """The alias that puts this range where it is, or the owning region itself."""
    for alias in regions:
        if alias.alias is None:
            continue
        target, low = _target(alias)
        inside = r.offset_in_region + (r.region.addr if target is not r.region else 0)
        if low <= inside < low + alias.size and r.start - (inside - low) == _gpa(alias):
            return alias
    return r.region


def _gpa(region: MemoryRegion) -> int:
    """Where the first byte of a region lies, by its containers' addresses (gpa)."""
    gpa = region.addr
    while region.container is not None:
        region = region.container
        gpa += region.addr
    return gpa
