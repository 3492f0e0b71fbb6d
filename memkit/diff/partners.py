"""Who is who: each thing of the first guest with its partner in the second."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from memkit.guest import Guest
from memkit.memory.ramblock import RAMBlock

__all__ = ["Pairs", "block_partners", "pair"]

T = TypeVar("T")
Key = Callable[[T], Hashable]
# Who shows main RAM: the machine itself, or its NUMA nodes.
_MAIN = frozenset({"machine", "numa-node"})
Pairs = tuple[list[tuple[T, T]], list[T], list[T]]


def pair(a: Iterable[T], b: Iterable[T], keys: Sequence[Key[T]]) -> Pairs[T]:
    """Partners by the first key that they share, in the order of ``b``; then who is left in each.

    A key of None fits nobody.

    >>> pair(["m1", "x"], ["y", "m1"], [str])
    ([('m1', 'm1')], ['x'], ['y'])
    """
    b = list(b)
    left, right = list(a), list(b)
    pairs: list[tuple[T, T]] = []
    for key in keys:
        waiting: dict[Hashable, list[T]] = {}
        for item in reversed(right):
            if key(item) is not None:
                waiting.setdefault(key(item), []).append(item)
        still = []
        for item in left:
            partners = waiting.get(key(item))
            if partners:
                pairs.append((item, partners.pop()))
            else:
                still.append(item)
        matched = {id(p[1]) for p in pairs}
        left, right = still, [item for item in right if id(item) not in matched]
    order = {id(item): i for i, item in enumerate(b)}
    return sorted(pairs, key=lambda p: order[id(p[1])]), left, right


def block_partners(a: Guest, b: Guest) -> Pairs[RAMBlock]:
    """The RAMBlocks of two guests, paired: by name, else by what they are for.

    A block with another name is the same one if its name ends the same (a backend by its path, a
    device in another PCI slot), if it is the machine's only main RAM, or if it is RAM for the same
    sort of frontend in the same place (ram_addr_t) with the same size.
    """
    # Text names few frontends, so it cannot tell a role from its absence.
    known = "text" not in (a.door, b.door)
    role = {id(r): "" if f.kind in _MAIN else f.kind
            for g in (a, b) if known for f in g.frontends for r in f.blocks}
    main = {id(r) for g in (a, b) for r in _main_ram(g)}

    def place(r: RAMBlock) -> Hashable:
        return (r.offset, r.max_length, role.get(id(r))) if r.purpose == "ram" else None

    def end(r: RAMBlock) -> str | None:
        return r.idstr.rpartition("/")[2] or None

    return pair(a.ram_blocks, b.ram_blocks, [
        lambda r: (r.idstr, r.max_length, r.offset), lambda r: (r.idstr, r.max_length),
        lambda r: r.idstr or None,
        lambda r: (end(r), r.max_length) if end(r) else None, end,
        lambda r: "main" if id(r) in main else None, place,
    ])


def _main_ram(guest: Guest) -> list[RAMBlock]:
    """The block that is all of the machine's main RAM, or nothing where NUMA nodes have several."""
    blocks = [r for f in guest.frontends if f.kind in _MAIN for r in f.blocks]
    return blocks if len(blocks) == 1 else []
