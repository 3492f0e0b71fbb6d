"""What a guest writes: which pages its first, second ... write touch.

A workload is a rule from the number of a write to a page, at a rate; a write touches one target page.  How
many bytes of it change does not matter: QEMU sends whole pages.  ``region`` says where: a block by its name
("" is the largest) and an offset in it, in bytes.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from memkit.errors import MemkitError
from memkit.migration.dirty.pages import Bits, PageSet, Run, Shares
from memkit.units import human

__all__ = ["HotSet", "HugePages", "Idle", "OneBytePerPage", "Random", "Sequential", "Workload"]

PAGE = 4096
# The generator of Numerical Recipes: every 32-bit number once, then again.
MULTIPLIER, STEP, MASK = 1664525, 1013904223, 0xFFFFFFFF


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A pattern of writes over ``size`` bytes.

    ``rate`` is pages a second (writes a second for Random and HotSet, where several hit one page), ``zeros``:
    the pages are zero afterwards.  ``catches_up``: a guest that was slowed down does later what it missed, as
    one does that answers requests.  Raises MemkitError for sizes and rates that make no sense.
    """

    size: int
    rate: float = 0.0
    block: str = ""
    offset: int = 0
    zeros: bool = False
    catches_up: bool = False

    def __post_init__(self) -> None:
        if self.size < PAGE or self.offset < 0:
            raise MemkitError(
                f"a workload writes at least one page of {PAGE} bytes, not {self.size!r:.30} bytes at offset "
                f"{self.offset!r:.30}; write size=1 << 30 for 1 GiB"
            )
        if not 0 <= self.rate < math.inf:
            raise MemkitError(f"rate is pages a second, 0 or more, not {self.rate!r:.30}")

    @property
    def pages(self) -> int:
        """How many target pages the region has."""
        return self.size // PAGE

    def touched(
        self, kind: type[Any], total: int, start: int, first: int, last: int, granule: int
    ) -> PageSet:
        """The pages that the writes ``first`` to below ``last`` touch, in a guest of ``total`` pages.

        ``start`` is the region's first page; the log marks pieces of ``granule`` pages.
        """
        if kind is Bits:
            # A digit for each piece, the last piece first: then Python reads it as a number.
            digits = bytearray(b"0") * -(-self.pages // granule)
            top = len(digits) - 1
            for page in self._numbers(first, last):
                digits[top - page // granule] = 49
            text = digits if granule == 1 else b"".join(bytes((digit,)) * granule for digit in digits)
            # The last piece may be longer than what is left of the region.
            return Bits(total, (int(text, 2) & (1 << self.pages) - 1) << start)
        runs = self._runs(first, last, granule)
        return Shares.of(total, ((start + low, start + high, share) for low, high, share in runs))

    @abstractmethod
    def _numbers(self, first: int, last: int) -> Iterator[int]:
        """The pages of these writes, one by one; each at least once."""

    @abstractmethod
    def _runs(self, first: int, last: int, granule: int) -> Iterator[Run]:
        """The same as runs with shares."""

    def __str__(self) -> str:
        name = type(self).__name__
        return f"{name}: {self.rate:,.0f} pages a second over {human(self.size)}"


@dataclass(frozen=True, kw_only=True)
class Idle(Workload):
    """Nothing is written."""

    size: int = PAGE

    def _numbers(self, first: int, last: int) -> Iterator[int]:
        return iter(())

    def _runs(self, first: int, last: int, granule: int) -> Iterator[Run]:
        return iter(())

    def __str__(self) -> str:
        return "Idle: nothing is written"


@dataclass(frozen=True, kw_only=True)
class Sequential(Workload):
    """One page after the other, ``stride`` bytes apart, and around.  ``of_bytes`` counts in bytes a second.

    >>> Sequential.of_bytes(800 << 20, size=1 << 30).rate
    204800.0
    """

    stride: int = PAGE

    @classmethod
    def of_bytes(cls, bytes_a_second: float, *, size: int, **more: Any) -> Sequential:
        """A writer that fills whole pages at ``bytes_a_second``."""
        return cls(size=size, rate=bytes_a_second / PAGE, **more)

    def _numbers(self, first: int, last: int) -> Iterator[int]:
        step = max(self.stride // PAGE, 1)
        places = max(self.pages // step, 1)
        for number in range(first, min(last, first + places)):
            yield number % places * step

    def _runs(self, first: int, last: int, granule: int) -> Iterator[Run]:
        step = max(self.stride // PAGE, 1)
        places = max(self.pages // step, 1)
        share = min(granule, step) / step
        begin, count = first % places, min(last - first, places)
        for low, high in ((begin, min(begin + count, places)), (0, begin + count - places)):
            if high > low:
                end = min(high * step, self.pages)
                whole = -(-end // granule) * granule
                yield low * step // granule * granule, min(whole, self.pages), share


@dataclass(frozen=True, kw_only=True)
class OneBytePerPage(Sequential):
    """One byte in each page, one page after the other: as dear as whole pages."""


@dataclass(frozen=True, kw_only=True)
class HugePages(Sequential):
    """One byte in each huge page: what it costs depends on what the dirty log marks."""

    stride: int = 2 << 20


@dataclass(frozen=True, kw_only=True)
class Random(Workload):
    """Pages drawn by chance, each as likely as any other; ``seed`` chooses the sequence."""

    seed: int = 1

    def _numbers(self, first: int, last: int) -> Iterator[int]:
        pages, state = self.pages, _state(self.seed, first)
        for _ in range(last - first):
            state = (state * MULTIPLIER + STEP) & MASK
            yield state * pages >> 32

    def _runs(self, first: int, last: int, granule: int) -> Iterator[Run]:
        yield 0, self.pages, _drawn(last - first, self.pages, granule)


@dataclass(frozen=True, kw_only=True)
class HotSet(Workload):
    """Random writes, most of them to the first ``hot`` bytes of the region.

    ``share`` of the writes (in steps of 1/256) are hot; the others hit what lies behind.
    """

    hot: int
    share: float = 0.9
    seed: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (PAGE <= self.hot < self.size and 0 <= self.share <= 1):
            raise MemkitError(
                f"the hot set is at least a page and smaller than size={self.size}, and share is 0 to 1, "
                f"not hot={self.hot!r:.30}, share={self.share!r:.30}"
            )

    def _numbers(self, first: int, last: int) -> Iterator[int]:
        hot, cold = self.hot // PAGE, self.pages - self.hot // PAGE
        limit, state = round(self.share * 256), _state(self.seed, first)
        for _ in range(last - first):
            state = (state * MULTIPLIER + STEP) & MASK
            yield state * hot >> 32 if state >> 8 & 255 < limit else hot + (state * cold >> 32)

    def _runs(self, first: int, last: int, granule: int) -> Iterator[Run]:
        hot, share = self.hot // PAGE, round(self.share * 256) / 256
        yield 0, hot, _drawn((last - first) * share, hot, granule)
        yield hot, self.pages, _drawn((last - first) * (1 - share), self.pages - hot, granule)


def _drawn(writes: float, pages: int, granule: int) -> float:
    """The share of pages that so many draws touch, each draw touching a piece of ``granule``."""
    piece = min(granule / pages, 1.0)
    if piece >= 1:
        return float(writes >= 1)
    return -math.expm1(writes * math.log1p(-piece))


def _state(seed: int, steps: int) -> int:
    """The state of the generator after so many steps."""
    state, multiplier, step = seed, MULTIPLIER, STEP
    while steps:
        # A step taken twice is again a multiplication and an addition.
        if steps & 1:
            state = (state * multiplier + step) & MASK
        step = (multiplier * step + step) & MASK
        multiplier = multiplier * multiplier & MASK
        steps >>= 1
    return state
