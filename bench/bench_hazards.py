"""How long a guest takes to tell its hazards."""

from __future__ import annotations

import gc
import time

import memkit

ROUNDS = 200
LIMIT = 0.5  # ms


def test_the_hazards_of_the_talks_guest(figures, dimm_line: str) -> None:
    guest = memkit.boot(dimm_line)
    guest.hazards()  # loads the rules
    gc.collect()
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        guest.hazards()
        times.append(time.perf_counter() - begun)
    figures.at_most("hazards() of the guest with a pc-dimm, best", min(times) * 1000, LIMIT, "ms")


def test_the_hazards_of_the_talks_guest_for_a_migration(benchmark, dimm_line: str) -> None:
    guest = memkit.boot(dimm_line)
    assert benchmark(guest.hazards, ("migrate-postcopy", "multifd")) is not None
