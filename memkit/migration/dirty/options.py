"""How a guest is migrated: parameters by QEMU's names, the wire, and what no command line tells."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from memkit.errors import MemkitError

__all__ = ["Options", "bytes_a_second"]

_RATE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(GbE|[kMGT]?bit/s|[KMGT]iB/s|[kMGT]?B/s)\s*\Z")
_PREFIX = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_BINARY = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def bytes_a_second(rate: float | str) -> float:
    """``rate`` in bytes a second: a number, or text such as "10GbE", "25 Gbit/s", "800MiB/s".

    Raises MemkitError that says what can be written.

    >>> bytes_a_second("10GbE"), bytes_a_second("800MiB/s")
    (1250000000.0, 838860800.0)
    """
    if isinstance(rate, str):
        found = _RATE.match(rate)
        if found is None:
            raise MemkitError(
                f"{rate!r:.40} is no rate; write 10GbE, 25Gbit/s, 800MiB/s or a number of bytes a second"
            )
        number, unit = float(found[1]), found[2]
        if unit == "GbE":
            return number * 10**9 / 8
        if unit.endswith("bit/s"):
            return number * _PREFIX[unit[:-5]] / 8
        return number * (_BINARY[unit[0]] if unit.endswith("iB/s") else _PREFIX[unit[:-3]])
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < math.inf:
        raise MemkitError(f"a rate is bytes a second above 0, or text such as 10GbE; not {rate!r:.40}")
    return float(rate)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What ``migrate-set-parameters`` and ``migrate-set-capabilities`` set, with QEMU's defaults.

    ``bandwidth``: what the wire carries, bytes a second.  ``max_bandwidth``: QEMU's limit (0: none; 128 MiB/s
    unless it is set).  ``downtime_limit``, times: milliseconds.  ``postcopy_at``: when somebody says
    ``migrate-start-postcopy`` (0: never), which needs postcopy-ram.  ``zero_pages``: how many zero pages a
    second the source can recognise. ``page_request``: how long the guest waits for a page in postcopy,
    without the page's own way over the wire. ``switchover``: how long devices need.  ``clear_chunk``: the log
    of that many bytes starts anew when the first page of them is sent (KVM); 0: the whole log at each look
    (TCG).  ``window``: how long the thread's windows of 100 ms really took, for comparison with a recording;
    the last repeats.  Sources: options.c (10.0), qapi/migration.json.
    """

    bandwidth: float
    max_bandwidth: float = 128 << 20
    downtime_limit: int = 300
    auto_converge: bool = False
    cpu_throttle_initial: int = 20
    cpu_throttle_increment: int = 10
    max_cpu_throttle: int = 99
    throttle_trigger_threshold: int = 50
    postcopy_ram: bool = False
    postcopy_at: float = 0.0
    max_postcopy_bandwidth: float = 0.0
    page_request: float = 0.5
    switchover: float = 5.0
    setup: float = 2.0
    zero_pages: float = 700_000.0
    window: float | tuple[float, ...] = 100.0
    clear_chunk: int = 0

    def window_length(self, number: int) -> float:
        """Milliseconds that the window of this number takes."""
        if isinstance(self.window, tuple):
            return self.window[min(number, len(self.window) - 1)]
        return self.window

    @property
    def limit(self) -> float:
        """Bytes in a window of 100 ms after which QEMU waits; infinite below 10 bytes a second."""
        return self.max_bandwidth // 10 or math.inf
