"""RAMBlocks: the pieces of host memory that QEMU gives to a guest.

Every RAMBlock has a place in *ram_addr_t space*, a private numbering of all guest RAM
that exists only inside QEMU (dirty bitmaps are indexed by it).  Its *idstr* is its name in the migration
stream; a block gets one only when a device registers it, so a block can be nameless.

Source: softmmu/physmem.c (QEMU 7.2), system/physmem.c (since 8.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from memkit.memory.backend import Backend

__all__ = ["RAMBlock", "RAMList"]

Purpose = Literal["ram", "vram", "rom", "flash", "table", "shared"]

# ram_addr_t allocation is rounded up so that a block's dirty bitmap starts on a whole
# word: 64 target pages (find_ram_offset, softmmu/physmem.c), here of 4 KiB.
OFFSET_ALIGN = 64 * 4096


@dataclass(eq=False, slots=True)
class RAMBlock:
    """A piece of host memory.

    ``offset`` is a ram_addr_t; ``used_length`` and ``max_length`` are bytes and differ only
    for resizeable blocks; ``page_size`` is that of the host memory behind it, in bytes.
    ``idstr`` is "" while the block has no name (it then does not migrate).
    ``owner`` says who made it, in QEMU's words: an object path or a device.
    ``shared`` is None where a text does not tell it.
    """

    offset: int
    used_length: int
    max_length: int
    page_size: int = 4096
    idstr: str = ""
    region_name: str = ""
    owner: str = ""
    purpose: Purpose = "ram"
    backend: Backend | None = None
    shared: bool | None = False
    readonly: bool = False
    resizeable: bool = False

    @property
    def migratable(self) -> bool:
        """True if the block has a name, so that precopy puts it into the stream."""
        return bool(self.idstr)

    @property
    def label(self) -> str:
        """A name for people: the idstr, or the region's name in brackets while there is none."""
        return self.idstr or f"({self.region_name})"

    @property
    def end(self) -> int:
        """The first ram_addr_t behind this block."""
        return self.offset + self.max_length

    def __repr__(self) -> str:
        return f"<RAMBlock {self.label!r} {self.max_length:#x} bytes at ram_addr_t {self.offset:#x}>"


class RAMList:
    """Allocates RAMBlocks in ram_addr_t space, in the order in which QEMU makes them.

    ``page_size`` is the page of the host and ``target_page`` that of the target, both bytes.
    """

    def __init__(self, page_size: int = 4096, target_page: int = 4096) -> None:
        self.blocks: list[RAMBlock] = []
        self.page_size = page_size
        self._whole = max(page_size, target_page)
        self._align = target_page * (OFFSET_ALIGN // 4096)
        self._end = 0

    def whole(self, size: int) -> int:
        """``size`` bytes rounded up to whole pages (HOST_PAGE_ALIGN, include/exec/cpu-all.h)."""
        return -(-size // self._whole) * self._whole

    def allocate(
        self, size: int, page_size: int = 0, idstr: str = "", region_name: str = "", owner: str = "",
        purpose: Purpose = "ram", backend: Backend | None = None, shared: bool = False,
        readonly: bool = False, resizeable: bool = False,
    ) -> RAMBlock:
        """A new block of ``size`` bytes at the next free ram_addr_t; it has whole pages.

        Without ``page_size`` the memory has the page of the host.
        QEMU looks for the smallest gap that fits; as nothing is freed during start-up, every
        gap is smaller than the alignment and the block goes behind the last one.
        """
        size = -(-size // self._whole) * self._whole
        block = RAMBlock(
            self._end, size, size, page_size or self.page_size, idstr, region_name, owner, purpose, backend,
            shared, readonly, resizeable,
        )
        self.blocks.append(block)
        self._end = -(-(self._end + size) // self._align) * self._align
        return block

    def by_size(self) -> list[RAMBlock]:
        """The blocks as ``info ramblock`` lists them: largest first, equals in order of creation."""
        return sorted(self.blocks, key=lambda b: -b.max_length)
