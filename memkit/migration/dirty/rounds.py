"""A round: what happened between two looks at the dirty log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from memkit.migration.dirty.blocks import Row
from memkit.migration.dirty.pages import PageSet
from memkit.units import human

__all__ = ["CELLS", "Round", "about"]

# How much of a cell is dirty, from nothing to all.
CELLS = " ░▒▓█"


def about(size: int) -> str:
    """A size in whole MiB, or exactly where it is small.

    >>> about(34389118976), about(8192)
    ('32796 MiB', '8 KiB')
    """
    return human(size >> 20 << 20) if size >= 10 << 20 else human(size >> 10 << 10)


@dataclass(frozen=True)
class Round:
    """One round of precopy, or postcopy as a whole.

    ``begin`` and ``end`` are milliseconds since the start.  ``normal`` and ``duplicate`` pages went over the
    wire; then the log gave ``found`` pages that were not in the bitmap, and ``dirty`` is the bitmap after
    that: ``left`` bytes to send.  ``limit`` is how many bytes may be left for the last step; ``throttle`` is
    in percent.  ``counters`` are those of query-migrate at the end of the round.
    """

    number: int
    phase: str
    begin: float
    end: float
    normal: int
    duplicate: int
    found: int
    left: int
    limit: int
    throttle: int
    dirty: PageSet = field(repr=False)
    row: Row = field(repr=False)
    counters: Mapping[str, object] = field(repr=False, default_factory=dict)

    @property
    def milliseconds(self) -> float:
        """How long it took."""
        return self.end - self.begin

    def bitmap(self, width: int = 64) -> str:
        """The dirty bitmap as ``width`` characters, from " " (clean) to "█" (all dirty).

        >>> from memkit.migration import dirty
        >>> run = dirty.simulate(64 << 20, dirty.Idle(), bandwidth="1GbE")
        >>> run.rounds[0].bitmap(8)
        '████████'
        """
        pages, cells = self.row.pages, []
        for cell in range(width):
            low, high = cell * pages // width, max((cell + 1) * pages // width, cell * pages // width + 1)
            share = self.dirty.count(low, high) / (high - low)
            # Something is never shown as nothing, and not all never as all.
            step = 0 if share == 0 else 4 if share > 0.999 else 1 + int(share * 3 * 0.999)
            cells.append(CELLS[step])
        return "".join(cells)

    def __str__(self) -> str:
        seconds = f"{self.begin / 1000:.1f} s to {self.end / 1000:.1f} s"
        if self.phase == "setup":
            return f"Setup: all {human(self.left)} of RAM are dirty, so round 1 sends everything."
        sent = f"{self.normal:,} pages" + (f" and {self.duplicate:,} zero pages" if self.duplicate else "")
        slowed = f", with the guest slowed down by {self.throttle} %" if self.throttle else ""
        if self.phase == "switchover":
            return f"Last step ({seconds}): the guest stops; {sent} are sent, and the destination goes on."
        if self.phase == "postcopy":
            return f"Postcopy ({seconds}): the guest runs on the destination; {sent} follow."
        verdict = "fits into" if self.left <= self.limit else "is more than"
        return (
            f"Round {self.number} ({seconds}{slowed}): {sent} are sent; meanwhile {self.found:,} pages "
            f"became dirty again; {about(self.left)} are left, which {verdict} the {about(self.limit)} of "
            "the downtime limit."
        )
