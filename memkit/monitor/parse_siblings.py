"""Neighbours in a container, put into the order in which QEMU asks them.

``info mtree`` is sorted by address, so of two that overlap with equal priority it does not tell which was
added last and is on top, unless they begin at one address: those keep QEMU's order.  A region that lies
inside a larger one would never be seen if it lost, so the smaller one is taken to be on top, and of two
equal ones that of the higher address.  That is so on all recorded boards (data/captures/machines-*.jsonl.gz)
but one, V66G_1024 of hexagon in QEMU 11.1, which hides its table of ROM below RAM.

Source: memory_region_update_container_subregions and mtree_print_mr in softmmu/memory.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby, pairwise

from memkit.memory.region import MemoryRegion

__all__ = ["in_order"]

Pair = tuple[MemoryRegion, MemoryRegion]


def in_order(roots: Iterable[MemoryRegion]) -> list[Pair]:
    """The pairs that the text does not order, after every container below ``roots`` was put in order.

    >>> small, large = MemoryRegion("nvram", 0x1000, "i/o", addr=0x1000), MemoryRegion("bios", 0x8000, "rom")
    >>> root = MemoryRegion("system", 1 << 64, subregions=[large, small])
    >>> in_order([root]), root.subregions[0] is small
    ([(<MemoryRegion 'nvram' i/o 0x1000 bytes at 0x1000>, <MemoryRegion 'bios' rom 0x8000 bytes at 0x0>)],
    True)
    """
    pairs: list[Pair] = []
    stack, seen = list(roots), set[int]()
    while stack:
        region = stack.pop()
        if id(region) in seen:
            continue
        seen.add(id(region))
        if len(region.subregions) > 1:
            region.subregions = _sorted(region.subregions, pairs)
        stack += region.subregions
    return pairs


def _sorted(siblings: list[MemoryRegion], pairs: list[Pair]) -> list[MemoryRegion]:
    """``siblings``, in the order of the text, by falling priority, and the smaller before the larger."""
    ordered: list[MemoryRegion] = []
    by_priority = sorted(siblings, key=lambda r: -r.priority)
    for _, equals in groupby(by_priority, key=lambda r: r.priority):
        cluster: list[MemoryRegion] = []
        end = 0
        for region in sorted(equals, key=lambda r: r.addr):
            if cluster and region.addr >= end:
                ordered += _cluster(cluster, pairs)
                cluster = []
                end = 0
            cluster.append(region)
            end = max(end, region.addr + region.size)
        ordered += _cluster(cluster, pairs)
    return ordered


def _cluster(regions: list[MemoryRegion], pairs: list[Pair]) -> list[MemoryRegion]:
    """Regions that overlap in a row, those on top first: the smaller one, or else that of the higher address.

    Those of one address stay in their order.
    """
    if len(regions) == 1:
        return regions
    keys: dict[int, tuple[int, int]] = {}
    for addr, same in groupby(regions, key=lambda r: r.addr):
        size = 0
        for region in same:
            size = max(size, region.size)
            keys[id(region)] = (size, -addr)
    ordered = sorted(regions, key=lambda r: keys[id(r)])
    enabled = [r for r in regions if r.enabled]
    for last, region in pairwise(enabled):
        if last.addr < region.addr < last.addr + last.size:
            pairs.append((region, last) if keys[id(region)] < keys[id(last)] else (last, region))
    return ordered
