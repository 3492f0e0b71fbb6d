"""The counters of ``query-migrate``, with the names and the nesting that each release has.

Source: populate_ram_info and populate_time_info in migration/migration.c; MigrationInfo and MigrationStats in
qapi/migration.json (7.2, 10.0, 11.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memkit.migration.dirty.blocks import PAGE
from memkit.migration.dirty.rules import HEADER, ZERO_PAGE, Rules

if TYPE_CHECKING:
    from memkit.migration.dirty.run import Run

__all__ = ["Counters"]


class Counters:
    """What QEMU counts.  Pages are target pages; they are not whole where they are expectations."""

    def __init__(self, rules: Rules, total_bytes: int) -> None:
        self.rules, self.total_bytes = rules, total_bytes
        self.normal = self.duplicate = 0.0
        self.dirty_sync_count = self.dirty_pages_rate = self.pages_per_second = self.expected_downtime = 0
        self.expected_downtime = 300
        self.postcopy_requests = 0.0
        self.ram_bytes = self.stream_bytes = self.downtime_bytes = self.postcopy_bytes = 0.0
        self.last_left = 0
        self.mbps = 0.0
        self.stopped = self.in_postcopy = False

    @property
    def total(self) -> float:
        """Bytes of RAM in the stream."""
        return self.ram_bytes

    @property
    def transferred(self) -> float:
        """What QEMU calls so: RAM, and since 8.2 everything else in the stream, too."""
        return self.ram_bytes + (self.stream_bytes if self.rules.whole_stream else 0)

    @transferred.setter
    def transferred(self, value: float) -> None:
        self.ram_bytes = value

    def sent(self, normal: float, duplicate: float, names: int) -> None:
        """Pages were sent, and block names of so many bytes."""
        self.normal += normal
        self.duplicate += duplicate
        self.ram_bytes += normal * (HEADER + PAGE) + duplicate * ZERO_PAGE + names

    def ended_iteration(self, times: int) -> None:
        """The end of RAM in a section was sent, and the section's head and foot, which are not RAM."""
        self.ram_bytes += 8 * times
        self.stream_bytes += 10 * times

    def row(self, status: str, run: Run) -> dict[str, Any]:
        """The answer to query-migrate now."""
        done = status == "completed"
        ram: dict[str, Any] = {
            "total": self.total_bytes, "transferred": round(self.transferred),
            "remaining": 0 if done else run.left, "duplicate": round(self.duplicate),
            "normal": round(self.normal), "normal-bytes": round(self.normal) * PAGE,
            "dirty-pages-rate": 0 if done else self.dirty_pages_rate, "mbps": self.mbps,
            "dirty-sync-count": self.dirty_sync_count,
            "postcopy-requests": round(self.postcopy_requests), "page-size": PAGE, "multifd-bytes": 0,
            "pages-per-second": self.pages_per_second,
            "precopy-bytes": round(self.ram_bytes - self.downtime_bytes - self.postcopy_bytes),
            "downtime-bytes": round(self.downtime_bytes), "postcopy-bytes": round(self.postcopy_bytes),
            "dirty-sync-missed-zero-copy": 0,
        }
        if self.rules.skipped:
            ram["skipped"] = 0
        found: dict[str, Any] = {
            "status": status, "setup-time": round(run.options.setup), "total-time": round(run.now),
            "ram": ram,
        }
        if done or self.in_postcopy:
            found["downtime"] = round(run.downtime)
        else:
            found["expected-downtime"] = self.expected_downtime
        if self.rules.at_limit and not done:
            # What all of the guest has left, devices that send for themselves included (11.1).
            found["remaining"] = run.left
        if run.throttle and not done:
            found["cpu-throttle-percentage"] = run.throttle
        return found
