"""Workloads: which pages writes touch, exactly and as an expectation."""

from __future__ import annotations

import pytest

from memkit.errors import MemkitError
from memkit.migration import dirty
from memkit.migration.dirty.pages import Bits, Shares
from memkit.migration.dirty.workload import Workload

MIB = 1 << 20
PAGES = 4096


def touched(workload: Workload, first: int, last: int, granule: int = 1) -> tuple[Bits, Shares]:
    """What writes touch, both ways."""
    bits = workload.touched(Bits, PAGES, 0, first, last, granule)
    shares = workload.touched(Shares, PAGES, 0, first, last, granule)
    assert isinstance(bits, Bits)
    assert isinstance(shares, Shares)
    return bits, shares


@pytest.mark.parametrize("first, last", [(0, 10), (1000, 1030), (5, 5), (0, 5000), (1020, 2060)])
def test_a_sequential_writer_is_exact_both_ways(first: int, last: int) -> None:
    bits, shares = touched(dirty.Sequential(size=4 * MIB), first, last)
    assert [bits.count(p, p + 1) for p in range(PAGES)] == [shares.count(p, p + 1) for p in range(PAGES)]
    assert bits.count() == min(last - first, 1024)


def test_one_byte_a_page_dirties_what_whole_pages_dirty() -> None:
    byte, whole = dirty.OneBytePerPage(size=4 * MIB), dirty.Sequential(size=4 * MIB)
    assert touched(byte, 3, 40) == touched(whole, 3, 40)


def test_bytes_a_second_are_pages_a_second() -> None:
    assert dirty.Sequential.of_bytes(800 * MIB, size=1 << 30).rate == 204800


@pytest.mark.parametrize("granule, each", [(1, 1), (512, 512)])
def test_a_write_in_a_huge_page_dirties_what_the_log_marks(granule: int, each: int) -> None:
    bits, shares = touched(dirty.HugePages(size=8 * MIB), 0, 3, granule)
    assert bits.count() == 3 * each
    assert shares.count() == pytest.approx(3 * each)


@pytest.mark.parametrize("granule", [1, 8, 64])
def test_random_writes_touch_about_what_chance_says(granule: int) -> None:
    bits, shares = touched(dirty.Random(size=16 * MIB, seed=7), 0, 3000 // granule, granule)
    assert bits.count() == pytest.approx(shares.count(), rel=0.1)


def test_random_writes_can_be_asked_for_in_pieces() -> None:
    workload = dirty.Random(size=16 * MIB, seed=7)
    whole, _ = touched(workload, 0, 500)
    parts = touched(workload, 0, 123)[0].union(touched(workload, 123, 500)[0])
    assert whole == parts


def test_the_generator_is_the_one_of_the_recorded_guest() -> None:
    # 1664525 * 7 + 1013904223 = 1025555898; its upper 10 of 32 bits are page 244 of 1024.
    bits, _ = touched(dirty.Random(size=4 * MIB, seed=7), 0, 1)
    assert bits.value == 1 << 244


def test_most_writes_of_a_hot_set_are_hot() -> None:
    workload = dirty.HotSet(size=16 * MIB, hot=1 * MIB, share=0.9, seed=7)
    bits, shares = touched(workload, 0, 1000)
    assert bits.count(0, 256) == pytest.approx(shares.count(0, 256), rel=0.05)
    assert 50 < bits.count(256) < 150


def test_an_idle_guest_touches_nothing() -> None:
    bits, shares = touched(dirty.Idle(), 0, 100)
    assert (bits.count(), shares.count()) == (0, 0)


@pytest.mark.parametrize(
    "wrong, words",
    [
        (lambda: dirty.Sequential(size=100), "at least one page"),
        (lambda: dirty.Sequential(size=MIB, rate=-1), "rate is pages a second"),
        (lambda: dirty.HotSet(size=MIB, hot=2 * MIB), "smaller than size"),
    ],
)
def test_wrong_workloads_are_refused_in_words(wrong: object, words: str) -> None:
    with pytest.raises(MemkitError, match=words):
        wrong()  # type: ignore[operator]
