"""Lists of numbers as QEMU writes them: ``cpus=0-3``, ``host-nodes=0``, keys repeated."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["uint_ranges"]

# OPTS_VISITOR_RANGE_MAX in qapi/opts-visitor.c (QEMU 7.2).
RANGE_MAX = 65536


def uint_ranges(texts: Iterable[str]) -> list[int]:
    """The numbers of all ``texts``, each ``N`` or ``N-M``; raises ValueError for anything else.

    >>> uint_ranges(["0-2", "5"])
    [0, 1, 2, 5]
    """
    numbers: list[int] = []
    for text in texts:
        low, dash, high = text.partition("-")
        first = int(low, 0)
        last = int(high, 0) if dash else first
        if not 0 <= first <= last < 1 << 64 or last - first >= RANGE_MAX:
            raise ValueError(text)
        numbers.extend(range(first, last + 1))
    return numbers
