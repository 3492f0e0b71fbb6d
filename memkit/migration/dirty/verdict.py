"""Will it converge, why not, and what would help: each number is found by simulating again."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memkit.migration.dirty.blocks import PAGE
from memkit.migration.dirty.rounds import about

if TYPE_CHECKING:
    from memkit.migration.dirty.simulation import Simulation

__all__ = ["Help", "Verdict", "judge", "rate"]

# QEMU takes no downtime-limit above 2000 s: MAX_MIGRATE_DOWNTIME, migration/options.c (10.0).
LONGEST_DOWNTIME = 2_000_000
# How near the smallest value that helps is looked for.
NEAR = 1.02


@dataclass(frozen=True)
class Help:
    """One thing to change: ``what`` is its name, ``value`` the smallest number that was found to do.

    ``works`` is False where it would not help; ``words`` say it in a sentence.  Rates are bytes a second,
    times milliseconds, throttles percent.
    """

    what: str
    works: bool
    value: float
    words: str


@dataclass(frozen=True)
class Verdict:
    """Whether precopy converges, ``because`` of what, and what would ``help``.

    >>> from memkit.migration import dirty
    >>> busy = dirty.Sequential.of_bytes(200 << 20, size=1 << 30)
    >>> verdict = dirty.simulate(2 << 30, busy, bandwidth="10GbE").verdict
    >>> verdict.converges, verdict.help[0].what
    (False, 'max-bandwidth')
    """

    converges: bool
    because: str
    help: tuple[Help, ...]

    def __str__(self) -> str:
        head = "It converges" if self.converges else "It does not converge"
        return "\n".join([f"{head}: {self.because}", *(f"- {h.words}" for h in self.help)])


def rate(bytes_a_second: float) -> str:
    """A rate for people.

    >>> rate(134217728), rate(1.25e9)
    ('128 MiB/s', '1192 MiB/s')
    """
    mib = bytes_a_second / (1 << 20)
    return f"{mib:.0f} MiB/s" if mib >= 10 else f"{mib:.1f} MiB/s"


def judge(run: Simulation) -> Verdict:
    """The Verdict on a simulated migration."""
    options = run.options
    speed = min(options.bandwidth, options.max_bandwidth or math.inf)
    bound = "max-bandwidth" if speed < options.bandwidth else "the wire"
    limit = f"the downtime limit of {options.downtime_limit} ms"
    if run.outcome != "does not converge":
        slowed = f" after the guest was slowed down by {run.throttle} %" if run.throttle else ""
        how = f"rounds get shorter until what is left fits into {limit}{slowed}"
        if run.outcome == "postcopy":
            how = "the guest moves before its memory, so nothing becomes dirty any more"
        because = (
            f"{bound} carries {rate(speed)}, and {how}. It takes {run.total_time / 1000:.1f} s and stops the "
            f"guest for about {run.downtime:.0f} ms."
        )
        return Verdict(True, because, ())
    rounds = [r for r in run.rounds if r.phase == "round" and r.milliseconds > 0]
    last = rounds[-1] if rounds else run.rounds[-1]
    dirtied = last.found * PAGE * 1000 / max(last.milliseconds, 1)
    least = min((r.left for r in rounds[1:] or rounds), default=last.left)
    faster = "dirties pages faster than they are sent"
    because = (
        f"while a round of {last.milliseconds / 1000:.1f} s is sent ({bound} carries {rate(speed)}), the "
        f"guest {faster if dirtied >= 0.97 * speed else 'writes the same pages again'}. At least "
        f"{about(least)} are left each time, and {about(last.limit)} would fit into {limit}."
    )
    helps = (_limit(run), _wire(run), _downtime(run), _slower(run), _postcopy(run))
    return Verdict(False, because, tuple(h for h in helps if h is not None))


def _try(run: Simulation, **changes: Any) -> Simulation:
    """The same otherwise; stretches of the log are coarser in a big guest, which is quick."""
    chunk = run.options.clear_chunk
    coarse = max(chunk, sum(b.size for b in run.row.blocks) // 16) if chunk else 0
    return run.with_options(**{"clear_chunk": coarse, "exact": False, **changes})


def _least(low: float, high: float, works: Callable[[float], bool]) -> float | None:
    """The smallest value between the two that works, within two percent; None if none does."""
    if not works(high):
        return None
    while high > low * NEAR and high - low > 1:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if works(middle) else (middle, high)
    return high


def _limit(run: Simulation) -> Help | None:
    """A higher max-bandwidth, as far as the wire goes."""
    now, wire = run.options.max_bandwidth, run.options.bandwidth
    if not now or now >= wire:
        return None
    least = _least(now, wire, lambda v: _try(run, max_bandwidth=v).converges)
    if least is None:
        words = f"max-bandwidth: even at {rate(wire)}, all that the wire carries, it does not converge"
        return Help("max-bandwidth", False, wire, words)
    words = f"max-bandwidth of {rate(least)} or more (it is {rate(now)}, and the wire carries {rate(wire)})"
    return Help("max-bandwidth", True, least, words)


def _wire(run: Simulation) -> Help | None:
    """A faster wire, without a limit."""
    speed, limit = run.options.bandwidth, run.options.max_bandwidth
    if limit and limit < speed and _try(run, max_bandwidth=0).converges:
        return None
    top = max(16 * sum(w.rate for w in run.workloads) * PAGE, 16 * speed)
    least = _least(speed, top, lambda v: _try(run, bandwidth=v, max_bandwidth=0).converges)
    if least is None:
        return Help("bandwidth", False, top, f"bandwidth: not even {rate(top)} would do")
    words = f"a wire that carries {rate(least)} or more, with max-bandwidth as high"
    return Help("bandwidth", True, least, words)


def _downtime(run: Simulation) -> Help:
    """A longer downtime limit."""
    now = run.options.downtime_limit
    least = _least(
        max(now, 1), LONGEST_DOWNTIME, lambda v: _try(run, downtime_limit=math.ceil(v)).converges
    )
    if least is None:
        words = "downtime-limit: not even 2000 s, the most that QEMU takes, would do"
        return Help("downtime-limit", False, LONGEST_DOWNTIME, words)
    limit = math.ceil(least)
    stops = _try(run, downtime_limit=limit).downtime
    words = (
        f"downtime-limit of {limit:,} ms or more (it is {now} ms); the guest would stand still for "
        f"{stops:,.0f} ms"
    )
    return Help("downtime-limit", True, limit, words)


def _slower(run: Simulation) -> Help:
    """Auto-converge."""
    if run.options.auto_converge:
        words = f"auto-converge is on, and even {run.throttle} % is too little"
        return Help("auto-converge", False, run.throttle, words)
    tried = _try(run, auto_converge=True)
    if not tried.converges:
        words = f"auto-converge does not help: even {tried.throttle} % is too little"
        return Help("auto-converge", False, tried.throttle, words)
    words = (
        f"auto-converge: it slows the guest down by up to {tried.throttle} % and is done after "
        f"{tried.total_time / 1000:.0f} s"
    )
    return Help("auto-converge", True, tried.throttle, words)


def _postcopy(run: Simulation) -> Help:
    """Postcopy after the first round."""
    first = next((r.end for r in run.rounds if r.phase == "round"), run.total_time)
    tried = _try(run, postcopy_at=max(first, 1.0))
    last = tried.rounds[-1]
    words = (
        f"postcopy after the first round: done after {tried.total_time / 1000:.0f} s whatever the guest "
        f"does; for {last.milliseconds / 1000:.1f} s it runs on the destination, and waits for pages during "
        f"{tried.waited / 1000:.1f} s of them"
    )
    return Help("postcopy", True, tried.total_time, words)
