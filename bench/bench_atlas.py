"""How long the atlas takes: to sweep all pairs and triples, to be read from data, and to be drawn."""

from __future__ import annotations

import time

import memkit

SWEEP, READ, PAGE = 30.0, 10.0, 2.0  # s, ms, s


def test_all_pairs_and_triples(figures) -> None:
    begun = time.perf_counter()
    memkit.atlas(fresh=True, progress=False)
    seconds = time.perf_counter() - begun
    figures.at_most("atlas of all pairs and triples, a process a core", seconds, SWEEP, "s")


def test_the_atlas_from_data(figures) -> None:
    memkit.atlas()
    times = []
    for _ in range(20):
        begun = time.perf_counter()
        memkit.atlas()
        times.append(time.perf_counter() - begun)
    figures.at_most("atlas from data, best", min(times) * 1000, READ, "ms")


def test_the_page_of_the_atlas(figures) -> None:
    found = memkit.atlas()
    found.picture().html(script=False)  # loads Bokeh
    begun = time.perf_counter()
    found.picture().html(script=False)
    figures.at_most("page of the atlas without BokehJS", time.perf_counter() - begun, PAGE, "s")
