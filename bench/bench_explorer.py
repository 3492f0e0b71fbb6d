"""How fast and how light the explorer is in the kernel, without a browser."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
from jupyter_client.manager import start_new_kernel

from memkit.lab import session, views
from memkit.lab.controls import SIZES
from memkit.lab.session import State
from memkit.versions import KNOWN_QEMU

MIB, GIB = 1 << 20, 1 << 30
STEPS = [size for size in SIZES if size <= 8 * GIB]
VIEWS: tuple[Callable[[State], str], ...] = (
    views.status, views.graph, views.map_, views.tables, lambda s: views.monitor(s, "info mtree -f"),
    lambda s: views.twin(s, "address", "6G"),
)


def test_all_views_are_recomputed_within_a_frame(figures: Any, dimm_line: str) -> None:
    state = session.start(dimm_line)
    times = []
    for n in range(300):
        begin = time.perf_counter()
        state = session.with_size(state, STEPS[n % len(STEPS)])
        for view in VIEWS:
            view(state)
        times.append((time.perf_counter() - begin) * 1000)

    slow = figures.percentile(times)
    figures.at_most("all views recomputed in the kernel, 95th percentile", slow, 16, "ms")


def test_a_switch_of_the_version_takes_two_frames_with_what_it_changed(figures: Any, dimm_line: str) -> None:
    state = session.start(dimm_line)
    times = []
    for n in range(200):
        begin = time.perf_counter()
        state = session.with_qemu(state, KNOWN_QEMU[n % len(KNOWN_QEMU)])
        views.changes(state)
        for view in VIEWS:
            view(state)
        # The first switches read the facts of each version.
        if n >= len(KNOWN_QEMU):
            times.append((time.perf_counter() - begin) * 1000)

    slow = figures.percentile(times)
    figures.at_most("all views and what changed after a switch of QEMU, 95th percentile", slow, 33, "ms")


@pytest.fixture(scope="module")
def run() -> Iterator[tuple[Callable[[str], None], psutil.Process]]:
    """Runs code in a kernel of its own, as a notebook does, and knows the kernel's process."""
    manager, client = start_new_kernel()
    try:
        process = psutil.Process(manager.provisioner.pid)  # type: ignore[union-attr]

        def execute(code: str) -> None:
            answer = client.execute_interactive(code, timeout=300, output_hook=lambda _: None)
            assert answer["content"]["status"] == "ok", answer["content"]

        yield execute, process
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_kernel_with_the_explorer_open_is_light(figures: Any, run: Any, dimm_line: str) -> None:
    execute, process = run
    execute(f"import memkit\nlab = memkit.explore({dimm_line!r})\nlab")

    figures.at_most("a kernel with the explorer open", process.memory_info().rss / MIB, 140, "MB")


UPDATES = """
import gc
for n in range({count}):
    lab.ram.value = n % 17
    lab.tabs.selected_index = n // 10 % 5
gc.collect();
"""


def test_a_thousand_updates_leave_memory_where_it_was(figures: Any, run: Any, dimm_line: str) -> None:
    execute, process = run
    execute(f"import memkit\nlab = memkit.explore({dimm_line!r})\nlab")
    # The first rounds fill caches, and the heap with room, that later ones use.
    execute(UPDATES.format(count=1000))
    before = process.memory_info().rss
    execute(UPDATES.format(count=1000))
    grown = (process.memory_info().rss - before) / MIB

    figures.at_most("memory after 1,000 updates, against before", grown, 5, "MB")
