"""Random region trees, and an oracle that asks one address at a time and is too slow to be wrong.

The oracle follows QEMU's rules in words: a region that is disabled or too short is not there; an
alias asks its target, shifted; the subregion of the highest priority is asked first, of equals the
one that was added last; a region that holds something itself answers when no subregion did.
It keeps its own record of what was added when, so it does not trust MemoryRegion.add.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from hypothesis import strategies as st

from memkit.memory.region import ADDRESS_SPACE_SIZE, MemoryRegion

SPAN = 48
TOP = ADDRESS_SPACE_SIZE - SPAN


class Answer(NamedTuple):
    """Who answers at one address, and how: the region, the offset in it, read-only, nonvolatile."""

    region: MemoryRegion
    offset: int
    readonly: bool
    nonvolatile: bool


@dataclass
class Tree:
    """A root with all that lies below it, and the order in which things were added."""

    root: MemoryRegion
    regions: list[MemoryRegion]
    added: dict[int, list[MemoryRegion]] = field(default_factory=dict)

    def ask(self, region: MemoryRegion, address: int) -> Answer | None:
        """Who answers at ``address`` (counted from the start of the region's container), or None."""
        offset = address - region.addr
        if not region.enabled or not 0 <= offset < region.size:
            return None
        answer = None
        if region.alias is not None:
            answer = self.ask(region.alias, region.alias.addr + region.alias_offset + offset)
        else:
            order = list(enumerate(self.added.get(id(region), ())))
            for _, child in sorted(order, key=lambda n: (n[1].priority, n[0]), reverse=True):
                answer = answer or self.ask(child, offset)
            if answer is None and region.kind != "container":
                answer = Answer(region, offset, False, False)
        if answer is None:
            return None
        return answer._replace(
            readonly=answer.readonly or region.readonly or region.kind == "rom",
            nonvolatile=answer.nonvolatile or region.nonvolatile,
        )


@st.composite
def trees(draw: st.DrawFn, base: int = 0) -> Tree:
    """Trees whose regions lie within SPAN bytes from ``base`` on; aliases point anywhere below them."""
    flags = st.sampled_from((False, False, False, True))
    kinds = st.sampled_from(("container", "ram", "rom", "romd", "i/o"))
    regions: list[MemoryRegion] = []
    free: list[MemoryRegion] = []
    tree = Tree(MemoryRegion("root", ADDRESS_SPACE_SIZE), regions)

    def put(parent: MemoryRegion, child: MemoryRegion, addr: int) -> None:
        parent.add(child, addr, draw(st.integers(-2, 2)))
        tree.added.setdefault(id(parent), []).append(child)

    for number in range(draw(st.integers(1, 9))):
        size = draw(st.integers(0, SPAN // 2) | st.just(ADDRESS_SPACE_SIZE))
        if regions and draw(st.booleans()):
            region = MemoryRegion.window(
                f"alias{number}", draw(st.sampled_from(regions)), draw(st.integers(0, SPAN // 2)), size,
                readonly=draw(flags),
            )
        else:
            region = MemoryRegion(f"r{number}", size, draw(kinds), readonly=draw(flags))  # type: ignore[arg-type]
            while free and draw(st.booleans()):
                put(region, free.pop(draw(st.integers(0, len(free) - 1))), draw(st.integers(0, SPAN // 2)))
        region.enabled, region.nonvolatile = not draw(flags), draw(flags)
        regions.append(region)
        free.append(region)
    while free:
        put(tree.root, free.pop(draw(st.integers(0, len(free) - 1))), base + draw(st.integers(0, SPAN - 1)))
    return tree
