"""The verdict: why a migration does not converge, and numbers that are tried and true."""

from __future__ import annotations

import pytest

from memkit.migration import dirty
from memkit.migration.dirty.verdict import Help, rate

MIB, GIB = 1 << 20, 1 << 30


@pytest.fixture(scope="module")
def stuck() -> dirty.Simulation:
    """64 GiB of which 8 GiB are written at 800 MiB/s, over 10GbE, with QEMU's defaults."""
    busy = dirty.Sequential.of_bytes(800 * MIB, size=8 * GIB)
    return dirty.simulate(64 * GIB, busy, bandwidth="10GbE", clear_chunk=0)


@pytest.fixture(scope="module")
def helps(stuck: dirty.Simulation) -> dict[str, Help]:
    """What would help, by its name."""
    return {h.what: h for h in stuck.verdict.help}


def test_the_default_of_max_bandwidth_is_in_the_way(stuck: dirty.Simulation) -> None:
    assert not stuck.verdict.converges
    assert "max-bandwidth carries 128 MiB/s" in stuck.verdict.because


def test_everything_that_can_be_changed_is_tried(helps: dict[str, Help]) -> None:
    assert [*helps] == ["max-bandwidth", "downtime-limit", "auto-converge", "postcopy"]
    assert all(h.works for h in helps.values())


@pytest.mark.parametrize(
    "what, argument", [("max-bandwidth", "max_bandwidth"), ("downtime-limit", "downtime_limit")]
)
def test_the_number_helps_and_a_smaller_one_does_not(
    stuck: dirty.Simulation, helps: dict[str, Help], what: str, argument: str
) -> None:
    value = helps[what].value
    assert stuck.with_options(**{argument: value}).converges
    assert not stuck.with_options(**{argument: int(value * 0.95)}).converges


def test_the_bandwidth_that_helps_lies_above_what_is_dirtied(helps: dict[str, Help]) -> None:
    assert 800 * MIB < helps["max-bandwidth"].value < 1000 * MIB


def test_auto_converge_and_postcopy_tell_what_they_would_do(
    stuck: dirty.Simulation, helps: dict[str, Help]
) -> None:
    slowed = stuck.with_options(auto_converge=True)
    assert (slowed.converges, slowed.throttle) == (True, helps["auto-converge"].value)
    assert "waits for pages" in helps["postcopy"].words


def test_where_the_wire_is_too_slow_a_faster_one_is_named() -> None:
    busy = dirty.Sequential.of_bytes(400 * MIB, size=GIB)
    verdict = dirty.simulate(2 * GIB, busy, bandwidth="1GbE", clear_chunk=0).verdict
    wire = next(h for h in verdict.help if h.what == "bandwidth")
    assert 400 * MIB < wire.value < 500 * MIB
    assert "max-bandwidth" not in {h.what for h in verdict.help}


def test_a_guest_that_catches_up_is_not_helped_by_auto_converge() -> None:
    busy = dirty.Sequential.of_bytes(400 * MIB, size=GIB, catches_up=True)
    verdict = dirty.simulate(2 * GIB, busy, bandwidth="10GbE", clear_chunk=0).verdict
    assert not next(h for h in verdict.help if h.what == "auto-converge").works


def test_a_hot_set_is_told_from_a_fast_writer() -> None:
    hot = dirty.HotSet(size=GIB, hot=128 * MIB, rate=60_000)
    run = dirty.simulate(2 * GIB, hot, bandwidth="10GbE", clear_chunk=0)
    assert not run.converges
    assert "left each time" in run.verdict.because


def test_what_converges_needs_no_help() -> None:
    verdict = dirty.simulate(GIB, dirty.Idle(), bandwidth="10GbE").verdict
    assert (verdict.converges, verdict.help) == (True, ())
    assert str(verdict).startswith("It converges: ")


def test_a_verdict_is_a_sentence_and_a_list(stuck: dirty.Simulation) -> None:
    lines = str(stuck.verdict).splitlines()
    assert lines[0].startswith("It does not converge: ")
    assert [line[:2] for line in lines[1:]] == ["- "] * 4


def test_rates_are_told_in_mib_a_second() -> None:
    assert (rate(134217728), rate(4 * MIB)) == ("128 MiB/s", "4.0 MiB/s")
