"""The guest that writes while it is migrated: how far it is, and what it touched since the last look."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from memkit.migration.dirty.blocks import Row
from memkit.migration.dirty.pages import PageSet
from memkit.migration.dirty.workload import Workload

__all__ = ["Chunk", "Writer"]

# First page, page behind the last, and how far each workload was when its log started anew.
Chunk = tuple[int, int, Sequence[float]]


class Writer:
    """Workloads in progress; ``written`` says how many writes each had done before the start.

    ``measured`` (milliseconds, writes) replaces the rate of the first workload by what a guest really did.
    """

    def __init__(
        self, row: Row, workloads: Sequence[Workload], kind: type[Any], granules: Sequence[int],
        written: Sequence[int], measured: Sequence[tuple[float, float]] = (),
    ) -> None:
        self.row, self.workloads, self.kind, self.granules = row, workloads, kind, granules
        self.places = [row.find(w.block, w.offset, w.size) for w in workloads]
        self.done = [float(n) for n in written]
        self.looked = [int(n) for n in written]
        self.seen = [int(n) for n in written]
        self.measured = measured
        self.now = 0.0
        self.speed = 1.0
        # Contents change only where zeros are written, or something into what was zero.
        self.steady = not any(w.zeros and w.rate for w in workloads)

    def advance(self, now: float) -> None:
        """Let the guest run until ``now`` (milliseconds)."""
        passed = (now - self.now) / 1000
        self.done = [
            done + w.rate * passed * (1.0 if w.catches_up else self.speed)
            for done, w in zip(self.done, self.workloads, strict=True)
        ]
        if self.measured:
            self.done[0] = max(float(self.looked[0]), _between(self.measured, now))
        self.now = now

    def slow(self, throttle: int) -> None:
        """Slow the guest down by so many percent from now on."""
        self.speed = 1 - throttle / 100

    def log(self, chunks: Sequence[Chunk] = (), pending: Any = None) -> PageSet | None:
        """The pages that are written since the last call, in pieces as the log marks them; None for none.

        Pages that were ``pending`` at the last call are in the log only if they were written after the log of
        their chunk started anew: before, KVM has them as dirty already, and they are sent later anyway.
        """
        found: Any = None
        for i in range(len(self.workloads)):
            last = int(self.done[i])
            if last <= self.looked[i]:
                continue
            part = self._touched(i, self.looked[i], last)
            if chunks:
                again = [self._touched(i, int(done[i]), last).within(low, high) for low, high, done in chunks]
                late = self.kind.joined(self.row.pages, again)
                part = part.minus(pending).union(late.both(pending))
            found = part if found is None else found.union(part)
            self.looked[i] = last
        return found  # type: ignore[no-any-return]

    def _touched(self, i: int, first: int, last: int) -> Any:
        return self.workloads[i].touched(
            self.kind, self.row.pages, self.places[i], first, last, self.granules[i]
        )

    def contents(self, nonzero: Any) -> Any:
        """The pages that are not zero, after what was written since the last call."""
        for i, workload in enumerate(self.workloads):
            last = int(self.done[i])
            if last > self.seen[i]:
                if workload.zeros or not self.steady:
                    part = workload.touched(self.kind, self.row.pages, self.places[i], self.seen[i], last, 1)
                    nonzero = nonzero.minus(part) if workload.zeros else nonzero.union(part)
                self.seen[i] = last
        return nonzero


def _between(points: Sequence[tuple[float, float]], now: float) -> float:
    """The writes at a moment, from those before and after it."""
    for (early, few), (late, many) in pairwise(points):
        if now <= late:
            return few + (many - few) * max(now - early, 0.0) / max(late - early, 1e-9)
    return points[-1][1]
