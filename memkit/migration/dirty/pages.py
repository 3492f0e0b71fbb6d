"""Sets of pages: the dirty bitmap, exact for small guests, as runs with a share for big ones.

``Bits`` knows every page.  ``Shares`` knows stretches of pages and which share of each belongs to the set:
exact where shares are 0 or 1 (a sequential writer), an expectation where pages were drawn by chance.  Both
are immutable and have the same methods; page numbers are target pages from 0, counted over all blocks in the
order in which QEMU's migration thread looks at them.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

__all__ = ["Bits", "PageSet", "Shares"]

Run = tuple[int, int, float]


@dataclass(frozen=True, slots=True)
class Bits:
    """A set of pages below ``size``, as one number with a bit for each.

    >>> Bits.of(8, [(0, 2, 1.0), (5, 6, 1.0)]).count()
    3
    """

    size: int
    value: int

    @classmethod
    def of(cls, size: int, runs: Iterable[Run]) -> Self:
        """The set that holds the runs (first page, page behind the last, share: above 0 is all)."""
        value = 0
        for low, high, share in runs:
            if share > 0:
                value |= ((1 << (high - low)) - 1) << low
        return cls(size, value)

    def count(self, low: int = 0, high: int | None = None) -> int:
        """How many pages of the set lie from ``low`` to below ``high``."""
        if low == 0 and high is None:
            return self.value.bit_count()
        high = self.size if high is None else high
        return 0 if high <= low else (self.value >> low & (1 << (high - low)) - 1).bit_count()

    def union(self, other: Self) -> Self:
        """The pages of either."""
        return type(self)(self.size, self.value | other.value)

    def both(self, other: Self) -> Self:
        """The pages that both have."""
        return type(self)(self.size, self.value & other.value)

    def minus(self, other: Self) -> Self:
        """The pages that only this one has."""
        return type(self)(self.size, self.value & ~other.value)

    def without(self, low: int, high: int) -> Self:
        """The set without what lies from ``low`` to below ``high``."""
        return type(self)(self.size, self.value & ~(((1 << (high - low)) - 1) << low))

    def within(self, low: int, high: int) -> Self:
        """What of the set lies from ``low`` to below ``high``."""
        return type(self)(self.size, self.value & (((1 << (high - low)) - 1) << low))

    @classmethod
    def joined(cls, size: int, parts: Sequence[Self]) -> Self:
        """The union of sets that lie one behind the other."""
        value = 0
        for part in parts:
            value |= part.value
        return cls(size, value)

    def after(self, start: int, pages: float) -> int:
        """The page behind the next so many of the set, from ``start`` on; the end if there are fewer."""
        low, high = start, self.size
        while low < high:
            middle = (low + high) // 2
            if self.count(start, middle) < pages:
                low = middle + 1
            else:
                high = middle
        return low

    def rounded(self, low: int, high: int, granule: int) -> Self:
        """The set where, from ``low`` to ``high``, each touched piece of ``granule`` pages is whole.

        >>> Bits.of(8, [(1, 2, 1.0)]).rounded(0, 8, 4).count()
        4
        """
        part = self.value >> low & (1 << (high - low)) - 1
        piece, value = (1 << granule) - 1, self.value
        for first in range(0, high - low, granule):
            if part >> first & piece:
                value |= piece << low + first
        return type(self)(self.size, value)


@dataclass(frozen=True, slots=True)
class Shares:
    """A set of pages below ``size``, as runs that do not overlap, in order, each with its share.

    >>> Shares.of(100, [(0, 40, 0.5), (20, 60, 1.0)]).runs
    ((0, 20, 0.5), (20, 60, 1.0))
    """

    size: int
    runs: tuple[Run, ...]

    @classmethod
    def of(cls, size: int, runs: Iterable[Run]) -> Self:
        """The union of the runs (first page, page behind the last, share)."""
        found = cls(size, ())
        for run in runs:
            if run[0] < run[1] and run[2] > 0:
                found = found.union(cls(size, (run,)))
        return found

    def count(self, low: int = 0, high: int | None = None) -> float:
        """How many pages of the set lie from ``low`` to below ``high``: an expectation."""
        high = self.size if high is None else high
        found = 0.0
        for start, end, share in self.runs[max(bisect_left(self.runs, (low, 0, 0.0)) - 1, 0) :]:
            if start >= high:
                break
            if end > low:
                found += ((end if end < high else high) - (start if start > low else low)) * share
        return found

    def union(self, other: Self) -> Self:
        """The pages of either; where both have a share, chance is taken to be independent."""
        return self._with(other, lambda a, b: a + b - a * b)

    def both(self, other: Self) -> Self:
        """The pages that both have."""
        return self._with(other, lambda a, b: a * b)

    def minus(self, other: Self) -> Self:
        """The pages that only this one has."""
        return self._with(other, lambda a, b: a * (1 - b))

    def without(self, low: int, high: int) -> Self:
        """The set without what lies from ``low`` to below ``high``."""
        kept: list[Run] = []
        for start, end, share in self.runs:
            if start < low:
                kept.append((start, min(end, low), share))
            if end > high:
                kept.append((max(start, high), end, share))
        return type(self)(self.size, tuple(kept))

    def within(self, low: int, high: int) -> Self:
        """What of the set lies from ``low`` to below ``high``."""
        return type(self)(self.size, tuple(
            (max(start, low), min(end, high), share)
            for start, end, share in self.runs if start < high and end > low
        ))

    @classmethod
    def joined(cls, size: int, parts: Sequence[Self]) -> Self:
        """The union of sets that lie one behind the other."""
        return cls(size, tuple(sorted(run for part in parts for run in part.runs)))

    def after(self, start: int, pages: float) -> int:
        """The page behind the next so many of the set, from ``start`` on; the end if there are fewer."""
        for low, high, share in self.runs:
            here = (high - max(low, start)) * share
            if here <= 0:
                continue
            if here >= pages:
                return max(low, start) + math.ceil(pages / share)
            pages -= here
        return self.size

    def rounded(self, low: int, high: int, granule: int) -> Self:
        """The set where, from ``low`` to ``high``, each touched piece of ``granule`` pages is whole."""
        outside = self.without(low, high)
        inside = [
            ((start - low) // granule * granule + low, min(high, -(-(end - low) // granule) * granule + low),
             1 - (1 - share) ** granule)
            for start, end, share in self.without(0, low).without(high, self.size).runs
        ]
        return outside.union(type(self).of(self.size, inside))

    def _with(self, other: Self, rule: Callable[[float, float], float]) -> Self:
        edges = sorted({edge for run in (*self.runs, *other.runs) for edge in run[:2]})
        mine, theirs = _shares(self.runs, edges), _shares(other.runs, edges)
        joined: list[Run] = []
        for low, high, a, b in zip(edges, edges[1:], mine, theirs, strict=False):
            share = rule(a, b)
            if share <= 0:
                continue
            if joined and joined[-1][1] == low and joined[-1][2] == share:
                joined[-1] = (joined[-1][0], high, share)
            else:
                joined.append((low, high, share))
        return type(self)(self.size, tuple(joined))


def _shares(runs: Sequence[Run], edges: Sequence[int]) -> list[float]:
    """The share of each stretch between two edges; every end of a run is an edge."""
    found, at = [], 0
    for edge in edges:
        while at < len(runs) and runs[at][1] <= edge:
            at += 1
        found.append(runs[at][2] if at < len(runs) and runs[at][0] <= edge else 0.0)
    return found


PageSet = Bits | Shares
