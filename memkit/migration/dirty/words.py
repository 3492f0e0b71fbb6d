"""A simulated migration in words: the text twin of its picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memkit.migration.dirty.verdict import rate
from memkit.units import human

if TYPE_CHECKING:
    from memkit.migration.dirty.simulation import Simulation

__all__ = ["story"]

# More rounds than that are told by their first and last ones.
SHOWN = 12


def story(run: Simulation) -> str:
    """The guest, the rounds and the outcome, one sentence a line."""
    options = run.options
    total = human(sum(block.size for block in run.row.blocks))
    limit = f", max-bandwidth {rate(options.max_bandwidth)}" if options.max_bandwidth else ""
    lines = [
        f"{total} of RAM; {'; '.join(map(str, run.workloads))}.",
        f"The wire carries {rate(options.bandwidth)}{limit}, downtime-limit {options.downtime_limit} ms, "
        f"QEMU {run.qemu}.",
    ]
    rounds = run.rounds
    half = SHOWN // 2
    if len(rounds) > SHOWN:
        lines += [*map(str, rounds[:half]), f"({len(rounds) - SHOWN} more rounds)", *map(str, rounds[-half:])]
    else:
        lines += map(str, rounds)
    after = f"It completes after {run.total_time / 1000:.1f} s"
    ending = {
        "completes": f"{after}; the guest stood still for {run.downtime:.0f} ms.",
        "postcopy": f"{after}; the guest moved first, and waited {run.waited / 1000:.1f} s for pages.",
        "does not converge": "It does not converge; .verdict says why, and what would help.",
    }
    return "\n".join([*lines, ending[run.outcome]])
