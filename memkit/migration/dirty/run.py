"""The migration thread, window by window: what it sends, when it looks at the dirty log, when it is done.

Sources: migration_thread, migration_iteration_run, migration_update_counters (migration.c); ram_save_iterate,
migration_bitmap_sync, migration_trigger_throttle (ram.c); each as of QEMU 7.2, 10.0 and 11.1.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from memkit.migration.dirty.blocks import PAGE, Row
from memkit.migration.dirty.counters import Counters
from memkit.migration.dirty.options import Options
from memkit.migration.dirty.pages import Bits, PageSet
from memkit.migration.dirty.rounds import Round
from memkit.migration.dirty.rules import FLUSH, HEADER, MAX_WAIT, THROTTLE_SYNC, ZERO_PAGE, Rules
from memkit.migration.dirty.workload import Workload
from memkit.migration.dirty.writer import Chunk, Writer

__all__ = ["Run"]

NORMAL = HEADER + PAGE
# Rounds without progress after which it is clear that there will be none.
PATIENCE = 6
INSTANT = 0.1
# Into how many pieces the log of a big guest is cut at most.
PIECES = 64


class Run:
    """A migration under way.  ``go`` runs it to its end, or to where it is clear that there is none."""

    def __init__(
        self, row: Row, workloads: Sequence[Workload], options: Options, rules: Rules, *, kind: type[Any],
        nonzero: PageSet, granules: Sequence[int], written: Sequence[int],
        measured: Sequence[tuple[float, float]] = (), longest: int,
    ) -> None:
        self.row, self.options, self.rules, self.longest = row, options, rules, longest
        self.size, self.kind = row.pages, kind
        self.dirty: PageSet = kind.of(self.size, [(0, self.size, 1.0)])
        self.nonzero: Any = nonzero
        self.chunks, self.spans = self._chunks(), row.spans()
        self.cleared: dict[int, Chunk] = {}
        self.pending = self.dirty
        self.writer = Writer(row, workloads, kind, granules, written, measured)
        self.counters = Counters(rules, row.pages * PAGE)
        self.rounds: list[Round] = []
        # No page is zero, and none will be.
        self.full = self.writer.steady and nonzero.count() > self.size - 0.5
        self._counted: tuple[PageSet, float] = (self.dirty, self.size)
        self.now = options.setup
        self.at = 0
        self.limit = 0
        self.throttle = 0
        self.outcome = ""
        self.downtime = 0.0
        self.window_start = 0.0
        self.window_number = self.huge_pages = 0
        self.iteration_start = self.now
        self.window_bytes = float(sum(len(b.name) + 9 for b in row.blocks) + 50)
        self.window_pages = 0.0
        self.last_block = ""
        self.last_sync: float | None = None
        self.last_tick = THROTTLE_SYNC * 1.0
        self.tick_syncs = 0
        self.period_found = self.period_bytes = 0.0
        self.high = 0
        self.since = (0.0, 0.0, self.now)

    # The dirty log

    def _chunks(self) -> list[tuple[int, int]]:
        """The pieces of each block whose log starts anew together; coarser in a guest of terabytes."""
        step = self.options.clear_chunk // PAGE
        if step and self.kind is not Bits:
            step = max(step, self.size // PIECES)
        return [
            (low, min(low + step, last))
            for _, first, last in self.row.spans() for low in range(first, last, step)
        ] if step else []

    def sync(self, phase: str = "round", counted: bool = True) -> None:
        """Look at the log: what was written since the last look is dirty, and the log starts anew."""
        self.writer.advance(self.now)
        log = self.writer.log(list(self.cleared.values()), self.pending)
        before, throttle = self._count(self.dirty), self.throttle
        if log is not None:
            self.nonzero = self.writer.contents(self.nonzero)
            self.dirty = self.dirty.union(log)  # type: ignore[arg-type]
        self.cleared, self.pending = {}, self.dirty
        found = self._count(self.dirty) - before
        self.counters.dirty_sync_count += counted
        self.period_found += found
        if self.last_sync is None:
            self.last_sync = self.now
        if self.now > self.last_sync + 1000:
            self._throttle()
            self.counters.dirty_pages_rate = int(self.period_found * 1000 / (self.now - self.last_sync))
            self.last_sync, self.period_found = self.now, 0.0
            self.period_bytes = self.counters.transferred
        self.counters.last_left = self.left
        normal, duplicate, begin = self.since
        self.rounds.append(Round(
            len(self.rounds), phase, begin if self.rounds else 0.0, self.now,
            round(self.counters.normal - normal), round(self.counters.duplicate - duplicate), round(found),
            self.left, self.limit, throttle, self.dirty, self.row, self.counters.row("active", self),
        ))
        self.since = (self.counters.normal, self.counters.duplicate, self.now)

    @property
    def left(self) -> int:
        """Bytes that are still dirty, as QEMU counts them."""
        return round(self._count(self.dirty)) * PAGE

    def _count(self, pages: PageSet) -> float:
        """How many pages the bitmap has; asked again and again between two changes."""
        if self._counted[0] is not pages:
            self._counted = (pages, pages.count())
        return self._counted[1]

    def _throttle(self) -> None:
        o = self.options
        sent = self.counters.transferred - self.period_bytes
        if not o.auto_converge or self.period_found * PAGE <= sent * o.throttle_trigger_threshold / 100:
            return
        self.high += 1
        if self.high >= 2:
            self.high = 0
            more = self.throttle + o.cpu_throttle_increment if self.throttle else o.cpu_throttle_initial
            self.throttle = min(more, o.max_cpu_throttle)
            self.writer.slow(self.throttle)

    # Sending

    def step(self) -> bool:
        """Send for a window, or to where nothing is dirty; True if QEMU then looks at what is left."""
        huge = self._huge_page()
        room = max(self.options.limit - self.window_bytes, 0)
        if self.rules.flushed and room < math.inf:
            room = (room // FLUSH + 1) * FLUSH - 1
        elif huge:
            # The window is over when the next page has been sent, too.
            room += NORMAL
        self.writer.advance(self.now)
        self.nonzero = self.writer.contents(self.nonzero)
        zeros = not self.full and self._count(self.dirty) - self.dirty.both(self.nonzero).count() > 0.5
        windows = 1 if zeros or huge or self.window_bytes > 100 else self._windows(room)
        normal, duplicate, end = self._reach(room, zeros, windows, huge)
        full = normal * NORMAL + duplicate * ZERO_PAGE > room
        took = normal * NORMAL * 1000 / self.options.bandwidth + duplicate * 1000 / self.options.zero_pages
        self._sent(normal, duplicate, end)
        # Even to find nothing takes a moment.
        self.now += max(took, INSTANT)
        if full or windows > 1:
            self.now = max(self.now, self.window_start + self.length * windows)
        self._close(windows)
        if not huge:
            self.huge_pages, self.iteration_start = 0, self.now
        return self._iteration_ends(huge) if huge else True

    @property
    def length(self) -> float:
        """Milliseconds that the window takes."""
        return self.options.window_length(self.window_number)

    def _huge_page(self) -> int:
        """The page behind the huge page that is being sent; 0 where host pages are small."""
        if self.kind is not Bits or not any(block.page_size > PAGE for block, _, _ in self.spans):
            return 0
        # QEMU looks for the next dirty page first, which may lie in another block.
        ahead = self.dirty.count(self.at, self.size)
        self.at = max(self.dirty.after(self.at if ahead else 0, 1) - 1, 0)
        for block, first, last in self.row.spans():
            if block.page_size > PAGE and first <= self.at < last:
                piece = block.page_size // PAGE
                return min((self.at - first) // piece * piece + first + piece, last)
        return 0

    def _iteration_ends(self, huge: int) -> bool:
        """True unless QEMU goes on with the next huge page without a look (ram_save_iterate)."""
        if not self.dirty.count():
            self.huge_pages, self.iteration_start = 0, self.now
            return True
        if self.dirty.count(self.at, huge) and self.at < huge:
            return False
        slow = self.huge_pages % 64 == 0 and self.now - self.iteration_start > MAX_WAIT
        self.huge_pages = 0 if slow else self.huge_pages + 1
        if slow:
            self.iteration_start = self.now
        return slow

    def _windows(self, room: float) -> int:
        """How many windows are alike from here: each sends as many pages, and none ends the round."""
        if isinstance(self.options.window, tuple) or not self.window_number or not self.writer.steady:
            return 1
        each = self._pages_a_step(room, self.length)
        many = int(((self.left - self.limit) / PAGE - 1) // each)
        if self.chunks:
            _, last = self.chunks[bisect_right(self.chunks, (self.at, self.size)) - 1]
            many = min(many, int(self.dirty.count(self.at, last) // each))
        if self.rules.at_limit and self.options.postcopy_ram:
            # QEMU looks before each window; a big guest is looked at a hundred times a round.
            many = 1 if self.kind is Bits else min(many, int(self.size / each / 100))
        for moment in (self.options.postcopy_at, self.last_tick + THROTTLE_SYNC if self.throttle else 0):
            if moment > self.now:
                many = min(many, int((moment - self.now) // self.length))
        return max(1, many)

    def _pages_a_step(self, room: float, longest: float) -> float:
        """How many pages go at a time: a window's, or of ``longest`` ms where the wire is too slow."""
        carried = self.length * self.options.bandwidth / 1000
        if room >= carried:
            return max(longest * self.options.bandwidth / 1000 // NORMAL, 1)
        return room // NORMAL + 1

    def _reach(self, room: float, zeros: bool, windows: int, huge: int) -> tuple[float, float, int]:
        """How many normal and zero pages fit, and the page behind the last one."""
        speed = self.options.bandwidth / 1000
        if not zeros:
            each = self._pages_a_step(room, MAX_WAIT if windows == 1 else self.length)
            pages = min(each * windows, self._count(self.dirty))
            if huge:
                pages = min(pages, self.dirty.count(self.at, huge))
                return pages, 0.0, self._page_after(pages) if pages else huge
            return pages, 0.0, self._page_after(pages)
        full = self.dirty.both(self.nonzero)
        lowest, highest = 0, huge - self.at if huge else self.size

        def fits(ahead: int) -> tuple[bool, float, float]:
            every, normal = self._ahead(self.dirty, ahead), self._ahead(full, ahead)
            cost = normal * NORMAL + (every - normal) * ZERO_PAGE
            wait = normal * NORMAL / speed + (every - normal) * 1000 / self.options.zero_pages
            return cost <= room and wait <= MAX_WAIT, normal, every - normal

        while lowest < highest:
            middle = (lowest + highest) // 2
            if fits(middle)[0]:
                lowest = middle + 1
            else:
                highest = middle
        _, normal, zero = fits(lowest)
        return normal, zero, (self.at + lowest - 1) % self.size + 1

    def _ahead(self, pages: PageSet, ahead: int) -> float:
        """How many of ``pages`` lie among the next ``ahead``, going around at the end."""
        end = self.at + ahead
        if end <= self.size:
            return pages.count(self.at, end)
        return pages.count(self.at, self.size) + pages.count(0, min(end - self.size, self.at))

    def _page_after(self, pages: float) -> int:
        """The page behind the next so many dirty pages, going around at the end."""
        ahead = self.dirty.count(self.at, self.size)
        if pages <= ahead:
            return self.dirty.after(self.at, pages)
        return min(self.dirty.after(0, pages - ahead), self.at) or self.size

    def _sent(self, normal: float, duplicate: float, end: int) -> None:
        """Clear what was sent, from where the thread is up to ``end``, and count it."""
        stretches = [(self.at, end)] if end > self.at else [(self.at, self.size), (0, end)]
        names = 0
        for block, first, last in self.spans:
            for low, high in stretches:
                here = block.name != self.last_block and first < high and last > low
                if here and self.dirty.count(max(first, low), min(last, high)):
                    names += 1 + len(block.name)
                    self.last_block = block.name
        for low, high in stretches:
            for number in range(max(bisect_right(self.chunks, (low, self.size)) - 1, 0), len(self.chunks)):
                first, last = self.chunks[number]
                if first >= high:
                    break
                if number not in self.cleared and self.dirty.count(max(first, low), min(last, high)) > 0:
                    self.cleared[number] = (first, last, tuple(self.writer.done))
        for low, high in stretches:
            self.dirty = self.dirty.without(low, high)
        self.at = end % self.size
        self.counters.sent(normal, duplicate, names)
        self.window_bytes += normal * NORMAL + duplicate * ZERO_PAGE + names
        self.window_pages += normal + duplicate

    def _close(self, windows: int) -> None:
        """What QEMU does when 100 ms are over: measure, and say how much may be left for the last step."""
        self.counters.ended_iteration(windows)
        spent = self.now - self.window_start
        if spent < self.length:
            return
        # A section's head and foot, and the end of RAM in it, belong to the window.
        bandwidth = (self.window_bytes + 18 * windows) / spent
        self.limit = int(bandwidth * self.options.downtime_limit)
        self.counters.mbps = bandwidth * 8 / 1000
        self.counters.pages_per_second = int(self.window_pages * 1000 / spent)
        if self.counters.dirty_pages_rate:
            self.counters.expected_downtime = int(self.counters.last_left / bandwidth)
        self.window_start, self.window_bytes, self.window_pages = self.now, 0.0, 0.0
        self.window_number += windows

    # The thread

    def go(self) -> None:
        """Run to the end."""
        self.sync("setup")
        self.counters.transferred = 0.0
        looks = True
        while not self.outcome:
            if looks and self._ready():
                return
            if looks and self.options.postcopy_at and self.now >= self.options.postcopy_at:
                self.outcome = "postcopy"
                return
            if self._hopeless():
                self.outcome = "does not converge"
                return
            self._tick()
            looks = self.step()

    def _ready(self) -> bool:
        """True when the guest was stopped and the rest is sent: migration_iteration_run and _completion."""
        look = self.left <= self.limit if self.rules.at_limit else self.left < self.limit
        # 11.1 with postcopy-ram has nothing that only precopy can send, and looks each time.
        if look or (self.rules.at_limit and self.options.postcopy_ram):
            self.sync()
        enough = self.left <= self.limit if self.rules.at_limit else not self.left or self.left < self.limit
        if not enough:
            return False
        stopped = self.now
        self.sync("stop", counted=not self.rules.at_limit)
        full = self.dirty.both(self.nonzero)
        normal = full.count()
        duplicate = self.dirty.count() - normal
        before = self.counters.total
        self._sent(normal, duplicate, self.at or self.size)
        self.counters.downtime_bytes = self.counters.total - before
        self.now += normal * NORMAL * 1000 / self.options.bandwidth + self.options.switchover
        self.downtime = self.now - stopped
        self.outcome = "completes"
        self.rounds.pop()
        self.rounds.append(Round(
            len(self.rounds), "switchover", stopped, self.now, round(normal), round(duplicate), 0, 0,
            self.limit, self.throttle, self.dirty, self.row, self.counters.row("completed", self),
        ))
        return True

    def _tick(self) -> None:
        """While the guest is slowed down, look at the log at least every five seconds (since 9.2)."""
        if not (self.rules.periodic and self.options.auto_converge):
            return
        while self.now >= self.last_tick + THROTTLE_SYNC:
            self.last_tick += THROTTLE_SYNC
            if self.tick_syncs == self.counters.dirty_sync_count > 1:
                self.sync()
            self.tick_syncs = self.counters.dirty_sync_count

    def _hopeless(self) -> bool:
        """True after enough rounds, or when nothing gets better and nothing will change."""
        rounds = [r for r in self.rounds if r.phase == "round"]
        if len(rounds) >= self.longest and self.window_number:
            return True
        waits = self.options.postcopy_at > 0 or (
            self.options.auto_converge and self.throttle < self.options.max_cpu_throttle
        )
        if waits or len(rounds) <= 2 * PATIENCE or not self.window_number:
            return False
        if any(r.throttle != self.throttle for r in rounds[-2 * PATIENCE :]):
            return False
        recent = min(r.left for r in rounds[-PATIENCE:])
        return recent >= 0.99 * min(r.left for r in rounds[-2 * PATIENCE : -PATIENCE])
