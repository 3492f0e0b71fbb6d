"""The join and each picture alone, without the explorer around them: figures without a limit."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import memkit
from memkit.draw import layout
from memkit.guest import Guest
from memkit.joined import join


@pytest.fixture
def guest(dimm_line: str) -> Guest:
    """The guest that all figures are of."""
    return memkit.boot(dimm_line)


def graph(guest: Guest) -> object:
    """The joined graph, laid out anew."""
    layout._KNOWN.clear()
    return guest.graph().svg()


VIEWS: dict[str, Callable[[Guest], object]] = {
    "join": join,
    "graph": graph,
    "map as SVG": lambda guest: guest.map().svg(),
    "tables": lambda guest: guest.tables()._repr_mimebundle_(),
}


@pytest.mark.parametrize("view", VIEWS)
def test_one_view_alone(benchmark, guest: Guest, view: str) -> None:
    assert benchmark(VIEWS[view], guest)


def test_the_map_updated_in_place(benchmark, guest: Guest) -> None:
    view = guest.map()
    view.figure()
    assert benchmark(view.update, guest) is view
