"""The RAMBlocks that a migration sends, as one row of target pages, in QEMU's order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from memkit.errors import MemkitError
from memkit.guest import Guest

__all__ = ["PAGE", "Block", "Row"]

# The target page of x86_64, aarch64, ppc64 and s390x in the stream.
PAGE = 4096


@dataclass(frozen=True)
class Block:
    """A block to send: its name in the stream, its used length and the page size behind it, in bytes."""

    name: str
    size: int
    page_size: int = PAGE


@dataclass(frozen=True)
class Row:
    """Blocks, largest first, and the number of each block's first page.

    >>> Row.of([Block("small", 4096), Block("big", 8192)]).find("small", 0)
    2
    """

    blocks: tuple[Block, ...]

    @classmethod
    def of(cls, guest: Guest | int | Sequence[Block]) -> Row:
        """The row of a Guest's migratable blocks, of one block of so many bytes, or of given blocks.

        Raises MemkitError where nothing would be sent.  Source: ram_block_add in softmmu/physmem.c sorts by
        the maximal length (QEMU 7.2).
        """
        if isinstance(guest, Guest):
            ordered = sorted(guest.ram_blocks, key=lambda b: -b.max_length)
            blocks = [Block(b.idstr, b.used_length, b.page_size) for b in ordered if b.migratable]
        elif isinstance(guest, int):
            blocks = [Block("ram", guest)]
        else:
            blocks = list(guest)
            if not all(isinstance(b, Block) for b in blocks):
                raise MemkitError("a guest is a memkit.Guest, a number of bytes, or a list of Block")
            blocks.sort(key=lambda b: -b.size)
        for block in blocks:
            if block.size < PAGE or block.size % PAGE:
                raise MemkitError(f"block {block.name!r} has {block.size} bytes; write a multiple of {PAGE}")
        if not blocks:
            raise MemkitError("this guest has no block with a name, so a migration would send no RAM")
        return cls(tuple(blocks))

    @property
    def pages(self) -> int:
        """How many target pages there are."""
        return sum(block.size for block in self.blocks) // PAGE

    def spans(self) -> list[tuple[Block, int, int]]:
        """Each block with its first page and the page behind its last."""
        found, at = [], 0
        for block in self.blocks:
            found.append((block, at, at + block.size // PAGE))
            at += block.size // PAGE
        return found

    def find(self, name: str, offset: int, length: int = PAGE) -> int:
        """The number of the page at ``offset`` bytes in a block ("": the largest).

        Raises MemkitError for an unknown name, and where ``length`` bytes do not fit there.
        """
        for block, first, _ in self.spans():
            if name in ("", block.name):
                if offset + length > block.size:
                    raise MemkitError(
                        f"{length} bytes at offset {offset} do not fit into block {block.name!r} of "
                        f"{block.size} bytes; make the workload smaller"
                    )
                return first + offset // PAGE
        known = ", ".join(block.name for block in self.blocks)
        raise MemkitError(f"no block that is sent is called {name!r}; there are: {known}")
