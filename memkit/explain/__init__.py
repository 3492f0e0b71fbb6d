"""One address told as a story: which regions were considered, who answers, and why."""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, SupportsIndex

from memkit.errors import MemkitError
from memkit.explain.facts import facts_about, facts_of_nobody
from memkit.explain.story import Explanation, Step
from memkit.explain.walk import decisions
from memkit.memory.region import ADDRESS_SPACE_SIZE
from memkit.units import hex_address, parse_address

if TYPE_CHECKING:
    from memkit.guest import Guest

__all__ = ["Explanation", "Step", "explain", "read_address"]

def explain(guest: Guest, gpa: SupportsIndex | str, space: str = "memory") -> Explanation:
    """The Explanation of ``gpa`` (guest-physical) in the address space ``space``.

    ``gpa`` is a number, or text as ``read_address`` reads it.  Raises MemkitError for what is no
    address from 0 to 2^64 - 1, and for an unknown space.

    >>> import memkit
    >>> story = explain(memkit.boot("-m 4G"), 0x1_0000_0000)
    >>> story.block.idstr, hex(story.offset_in_block)
    ('pc.ram', '0xc0000000')
    >>> print(story.summary)
    pc.ram (ram) answers at 0x1_0000_0000: byte 0xc000_0000 of RAMBlock pc.ram.
    """
    address = read_address(gpa)
    found = guest.flat_view(space).find(address)
    root = guest.address_space(space).root
    steps = decisions(root, address, space, found)
    if found is None:
        return Explanation(address, space, steps, facts_of_nobody(guest, address, space, steps))
    offset, block = found.offset_in_region + address - found.start, found.region.block
    facts = facts_about(guest, found, address)
    if block is None:
        return Explanation(address, space, steps, facts, found, None, offset)
    return Explanation(address, space, steps, facts, found, block, offset, offset, block.offset + offset)


def read_address(gpa: SupportsIndex | str) -> int:
    """``gpa`` as a number: any whole number, or text as people type it; raises MemkitError.

    >>> read_address("0x1_4000_0000") == read_address("5G") == read_address(0x1_4000_0000)
    True
    """
    try:
        if isinstance(gpa, bool):
            raise TypeError
        number = parse_address(gpa) if isinstance(gpa, str) else index(gpa)
    except TypeError:
        raise MemkitError(
            f"a guest-physical address is a whole number of bytes, not {gpa!r:.40}; "
            "write 0x1_0000_0000, for example"
        ) from None
    except ValueError as e:
        raise MemkitError(str(e)) from None
    if not 0 <= number < ADDRESS_SPACE_SIZE:
        shown = f"{number:#x}" if number.bit_length() <= 80 else f"a number of {number.bit_length()} bits"
        raise MemkitError(
            f"{shown} is no guest-physical address; allowed are 0 to {hex_address(ADDRESS_SPACE_SIZE - 1)}"
        )
    return number
