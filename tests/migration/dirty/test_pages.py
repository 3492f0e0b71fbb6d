"""Sets of pages: bit by bit and as runs with shares, they answer alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memkit.migration.dirty.pages import Bits, Shares

SIZE = 96
stretches = st.tuples(st.integers(0, SIZE - 1), st.integers(1, SIZE)).map(
    lambda pair: (min(pair), max(*pair, min(pair) + 1), 1.0)
)
runs = st.lists(stretches, max_size=5)


@given(runs, runs, st.integers(0, SIZE), st.integers(0, SIZE))
def test_both_kinds_count_the_same(one: list, other: list, low: int, high: int) -> None:
    low, high = min(low, high), max(low, high)
    for name in ("union", "both", "minus"):
        bits = getattr(Bits.of(SIZE, one), name)(Bits.of(SIZE, other))
        shares = getattr(Shares.of(SIZE, one), name)(Shares.of(SIZE, other))
        assert bits.count(low, high) == shares.count(low, high)


@given(runs, st.integers(0, SIZE), st.integers(0, SIZE))
def test_both_kinds_cut_the_same(one: list, low: int, high: int) -> None:
    low, high = min(low, high), max(low, high)
    for name in ("without", "within"):
        bits = getattr(Bits.of(SIZE, one), name)(low, high)
        shares = getattr(Shares.of(SIZE, one), name)(low, high)
        assert [bits.count(p, p + 1) for p in range(SIZE)] == [shares.count(p, p + 1) for p in range(SIZE)]


@given(runs, st.integers(0, SIZE - 1), st.integers(1, SIZE))
def test_both_kinds_reach_the_same_page(one: list, start: int, pages: int) -> None:
    assert Bits.of(SIZE, one).after(start, pages) == Shares.of(SIZE, one).after(start, pages)


@given(runs, st.sampled_from([2, 4, 8, 32]))
def test_both_kinds_round_to_whole_pieces(one: list, granule: int) -> None:
    bits = Bits.of(SIZE, one).rounded(0, SIZE, granule)
    shares = Shares.of(SIZE, one).rounded(0, SIZE, granule)
    assert bits.count() == shares.count()
    assert bits.count() % granule == 0


def test_where_two_shares_meet_chance_is_independent() -> None:
    half = Shares.of(100, [(0, 100, 0.5)])
    assert half.union(half).count() == pytest.approx(75)
    assert half.both(half).count() == pytest.approx(25)


def test_sets_that_lie_one_behind_the_other_are_joined() -> None:
    for kind in (Bits, Shares):
        parts = [kind.of(SIZE, [(0, 4, 1.0)]), kind.of(SIZE, [(8, 10, 1.0)])]
        assert kind.joined(SIZE, parts).count() == 6
