"""One address told as a story: which regions were considered, who answers, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memkit.errors import MemkitError
from memkit.explain.facts import facts_about, facts_of_nobody
from memkit.explain.story import Explanation, Step
from memkit.explain.walk import decisions
from memkit.memory.region import ADDRESS_SPACE_SIZE
from memkit.units import hex_address

if TYPE_CHECKING:
    from memkit.guest import Guest

__all__ = ["Explanation", "Step", "explain"]


def explain(guest: Guest, gpa: int, space: str = "memory") -> Explanation:
    """The Explanation of ``gpa`` (guest-physical) in the address space ``space``.

    Raises MemkitError for a gpa that is no whole number from 0 to 2^64 - 1, or an unknown space.

    >>> import memkit
    >>> story = explain(memkit.boot("-m 4G"), 0x1_0000_0000)
    >>> story.block.idstr, hex(story.offset_in_block)
    ('pc.ram', '0xc0000000')
    >>> print(story.steps[2].sentence)
    ram-above-4g is an alias onto pc.ram: 0x1_0000_0000 - 0x1_0000_0000 + 0xc000_0000 = 0xc000_0000
    in pc.ram.
    """
    if isinstance(gpa, bool) or not isinstance(gpa, int):
        raise MemkitError(
            f"a guest-physical address is a whole number of bytes, not {gpa!r:.40}; "
            "write 0x1_0000_0000, for example"
        )
    if not 0 <= gpa < ADDRESS_SPACE_SIZE:
        shown = f"{gpa:#x}" if gpa.bit_length() <= 80 else f"a number of {gpa.bit_length()} bits"
        raise MemkitError(
            f"{shown} is no guest-physical address; allowed are 0 to {hex_address(ADDRESS_SPACE_SIZE - 1)}"
        )
    found = guest.flat_view(space).find(gpa)
    steps = decisions(guest.address_space(space).root, gpa, space, found)
    if found is None:
        return Explanation(gpa, space, steps, facts_of_nobody())
    offset, block = found.offset_in_region + gpa - found.start, found.region.block
    facts = facts_about(guest, found, gpa)
    if block is None:
        return Explanation(gpa, space, steps, facts, found, None, offset)
    return Explanation(gpa, space, steps, facts, found, block, offset, offset, block.offset + offset)
