"""Postcopy: the guest goes on at the destination, and what it lacks is fetched or follows by itself.

Sources: postcopy_start (migration.c), ram_postcopy_send_discard_bitmap and postcopy_chunk_hostpages_pass
(ram.c), as of QEMU 7.2.  A host page is put into place whole, so one that is partly dirty is sent whole
again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from memkit.migration.dirty.blocks import PAGE
from memkit.migration.dirty.rounds import Round
from memkit.migration.dirty.rules import HEADER, WINDOW
from memkit.migration.dirty.run import Run

__all__ = ["run_postcopy"]

NORMAL = HEADER + PAGE
# Into how many steps a long way is cut, where no limit makes windows.
STEPS = 500


def run_postcopy(run: Run) -> float:
    """Run postcopy to its end; returns for how many milliseconds the guest waited for pages."""
    run.sync("stop")
    run.rounds.pop()
    dirty: Any = run.dirty
    for block, first, last in run.row.spans():
        if block.page_size > PAGE:
            dirty = dirty.rounded(first, last, block.page_size // PAGE)
    run.dirty = dirty
    run.downtime = run.options.switchover
    begin, before = run.now, run.counters.total
    normal, duplicate = run.counters.normal, run.counters.duplicate
    run.now += run.downtime
    run.counters.in_postcopy = True
    waited = 0.0
    while run.dirty.count() > 0.5:
        waited += _window(run)
    run.counters.postcopy_bytes = run.counters.total - before
    run.rounds.append(Round(
        len(run.rounds), "postcopy", begin, run.now, round(run.counters.normal - normal),
        round(run.counters.duplicate - duplicate), 0, 0, run.limit, 0, run.dirty, run.row,
        run.counters.row("completed", run),
    ))
    return waited


def _window(run: Run) -> float:
    """100 ms: what the guest asks for, and what follows by itself; returns how long the guest waited.

    While the limit of the window is not reached, a request is answered at once.  Afterwards it waits for the
    next window, since qemu_savevm_state_iterate (savevm.c) returns at once: only max-postcopy-bandwidth
    brings that about.
    """
    speed = run.options.bandwidth / 1000
    window = float(WINDOW)
    if not run.options.max_postcopy_bandwidth:
        # Without a limit windows do not matter, so long ways are walked in longer steps.
        window = max(window, run.dirty.count() * NORMAL / speed / STEPS)
    room = min(run.options.max_postcopy_bandwidth / 10 or window * speed, window * speed)
    active = room / speed
    waited = requested = 0.0
    for i, workload in enumerate(run.writer.workloads):
        if workload.rate:
            stayed, pages = _requests(run, i, active, window)
            waited += stayed
            requested += pages
    run.counters.sent(requested, 0.0, 0)
    left = run.dirty.count()
    pages = min(room // NORMAL, left)
    if pages:
        end = run._page_after(pages)
        for block, first, last in run.row.spans():
            if block.page_size > PAGE and first < end <= last:
                piece = block.page_size // PAGE
                end = min(-(-(end - first) // piece) * piece + first, last)
        reached = [(run.at, end)] if end > run.at else [(run.at, run.size), (0, end)]
        full: Any = run.dirty.both(run.nonzero)
        every, normal = (sum(s.count(*stretch) for stretch in reached) for s in (run.dirty, full))
        run._sent(normal, every - normal, end)
    done = run.dirty.count() <= 0.5
    run.now += max((pages + requested) * NORMAL / speed, 0.1) if done else window
    return waited


def _requests(run: Run, i: int, active: float, window: float) -> tuple[float, float]:
    """(milliseconds waited, pages sent) for what one workload asks for in a window."""
    rate = run.writer.workloads[i].rate / 1000
    piece = _host_pages(run, i)
    wait = run.options.page_request + piece * NORMAL * 1000 / run.options.bandwidth
    first = int(run.writer.done[i])

    def missing(writes: int) -> Any:
        touched = run.writer.workloads[i].touched(
            run.writer.kind, run.row.pages, run.writer.places[i], first, first + writes, piece
        )
        return run.dirty.both(touched)  # type: ignore[arg-type]

    def most(highest: int, fits: Callable[[int], bool]) -> int:
        low, high = 0, highest
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if fits(middle) else (low, middle - 1)
        return low

    served = most(int(rate * active), lambda n: n / rate + missing(n).count() / piece * wait <= active)
    found = missing(served)
    count = found.count()
    waited = count / piece * wait
    if active < window:
        # Then the guest goes on until it lacks a page, and waits for the next window.
        spare = int(rate * (window - waited))
        goes = most(spare, lambda n: missing(n).count() - count < 0.5) if spare > served else served
        if goes < spare:
            found = missing(goes + 1)
            count = found.count()
            waited = max(window - goes / rate, waited)
        served = min(goes + 1, spare)
    run.writer.done[i] = run.writer.looked[i] = first + max(served, 1 if rate * window >= 1 else 0)
    run.counters.postcopy_requests += count / piece
    dirty: Any = run.dirty
    run.dirty = dirty.minus(found)
    return waited, count


def _host_pages(run: Run, i: int) -> int:
    """How many target pages a host page has, where a workload writes."""
    block = run.writer.workloads[i].block
    return next(b.page_size for b in run.row.blocks if block in ("", b.name)) // PAGE
