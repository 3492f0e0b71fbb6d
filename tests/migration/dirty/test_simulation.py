"""What a simulated migration does, rule by rule."""

from __future__ import annotations

import pytest

import memkit
from memkit.errors import MemkitError
from memkit.migration import dirty
from memkit.migration.dirty.pages import Bits, Shares

MIB, GIB = 1 << 20, 1 << 30
# A page with its header, and a zero page.
NORMAL, ZERO = 4104, 9


def phases(run: dirty.Simulation) -> list[str]:
    """What the rounds are."""
    return [r.phase for r in run.rounds]


def test_an_idle_guest_is_sent_once() -> None:
    run = dirty.simulate(64 * MIB, dirty.Idle(), bandwidth="10GbE")
    assert run.converges
    assert (phases(run)[0], phases(run)[-1]) == ("setup", "switchover")
    assert run.query_migrate()["ram"]["normal"] == 64 * MIB // 4096
    assert [run.rounds[0].left, run.rounds[-1].left] == [64 * MIB, 0]


def test_zero_pages_cost_nine_bytes() -> None:
    ram = dirty.simulate(64 * MIB, dirty.Idle(), bandwidth="10GbE", nonzero=[]).query_migrate()["ram"]
    assert (ram["normal"], ram["duplicate"]) == (0, 16384)
    # The name of the block once, and 8 bytes at the end of each section.
    sections = ram["precopy-bytes"] + ram["downtime-bytes"] - 16384 * ZERO - len("\3ram")
    assert sections % 8 == 0
    assert sections <= 80


@pytest.mark.parametrize("qemu, pages", [("7.2", 409), ("10.0", 416)])
def test_a_window_sends_the_first_page_above_the_limit(qemu: str, pages: int) -> None:
    # 7.2 counts what it puts into the buffer, 8.1 and later what has left it, 32 pages at a time.
    busy = dirty.Sequential(size=32 * MIB, rate=6000)
    run = dirty.simulate(64 * MIB, busy, bandwidth="10GbE", max_bandwidth=16 * MIB, qemu=qemu)
    assert run.query_migrate(2)["ram"]["pages-per-second"] == 10 * pages


def test_a_round_ends_when_what_is_left_fits_into_the_downtime_limit() -> None:
    busy = dirty.Random(size=64 * MIB, rate=1500)
    run = dirty.simulate(96 * MIB, busy, bandwidth="10GbE", max_bandwidth=16 * MIB, qemu="7.2")
    last = [r for r in run.rounds if r.phase == "round"][-1]
    assert last.left < last.limit
    # 300 ms at 409 pages in 100 ms.
    assert last.limit == pytest.approx(3 * 409 * NORMAL, rel=0.001)


def test_writes_that_outrun_the_limit_never_converge() -> None:
    busy = dirty.Sequential(size=256 * MIB, rate=40_000)
    run = dirty.simulate(GIB, busy, bandwidth="10GbE")
    assert run.outcome == "does not converge"
    assert run.with_options(max_bandwidth=0).converges


def test_a_longer_downtime_limit_lets_a_hot_set_through() -> None:
    hot = dirty.HotSet(size=64 * MIB, hot=8 * MIB, rate=12_000)
    run = dirty.simulate(96 * MIB, hot, bandwidth="10GbE", max_bandwidth=16 * MIB)
    assert not run.converges
    assert run.with_options(downtime_limit=1000).converges


@pytest.mark.parametrize("qemu", ["7.2", "10.0", "11.1"])
@pytest.mark.parametrize(
    "workload",
    [
        dirty.Idle(), dirty.Sequential(size=256 * MIB, rate=3000),
        dirty.Sequential(size=128 * MIB, rate=40_000, offset=64 * MIB),
        dirty.HugePages(size=256 * MIB, rate=100),
    ],
    ids=str,
)
def test_page_by_page_and_by_stretches_agree_exactly(qemu: str, workload: dirty.Workload) -> None:
    bits, shares = (
        dirty.simulate(512 * MIB, workload, bandwidth="1GbE", qemu=qemu, exact=exact, auto_converge=True)
        for exact in (True, False)
    )
    if isinstance(workload, dirty.HugePages):
        # A share of each huge page stands for its first page.
        assert bits.query_migrate()["ram"]["normal"] == pytest.approx(
            shares.query_migrate()["ram"]["normal"], rel=0.001
        )
        return
    assert [str(r) for r in bits.rounds] == [str(r) for r in shares.rounds]
    assert bits.query_migrate() == shares.query_migrate()


@pytest.mark.parametrize(
    "workload",
    [dirty.Random(size=256 * MIB, rate=10_000), dirty.HotSet(size=256 * MIB, hot=16 * MIB, rate=20_000)],
    ids=str,
)
def test_page_by_page_and_by_stretches_agree_where_chance_is_at_work(workload: dirty.Workload) -> None:
    bits, shares = (
        dirty.simulate(512 * MIB, workload, bandwidth="1GbE", exact=exact) for exact in (True, False)
    )
    assert bits.outcome == shares.outcome
    one, other = bits.query_migrate(), shares.query_migrate()
    assert one["ram"]["normal"] == pytest.approx(other["ram"]["normal"], rel=0.02)
    assert one["total-time"] == pytest.approx(other["total-time"], rel=0.02)


def test_big_guests_are_simulated_by_stretches() -> None:
    run = dirty.simulate(64 * GIB, dirty.Random(size=32 * GIB, rate=204_800), bandwidth="10GbE")
    assert not run.exact
    assert isinstance(run.rounds[0].dirty, Shares)
    small = dirty.simulate(64 * MIB, dirty.Idle(), bandwidth="10GbE")
    assert isinstance(small.rounds[0].dirty, Bits)


def test_auto_converge_slows_down_after_two_bad_looks_and_then_every_two() -> None:
    busy = dirty.Sequential(size=128 * MIB, rate=8000)
    run = dirty.simulate(256 * MIB, busy, bandwidth="10GbE", max_bandwidth=16 * MIB, auto_converge=True)
    steps = [r.throttle for r in run.rounds if r.phase == "round"]
    # During the round that follows a change, the guest is slower.
    assert steps[:2] == [0, 0]
    assert sorted({*steps}) == [0, *range(20, run.throttle + 1, 10)]
    assert run.converges


def test_auto_converge_does_nothing_to_a_guest_that_catches_up() -> None:
    busy = dirty.Sequential(size=32 * MIB, rate=8000, catches_up=True)
    run = dirty.simulate(64 * MIB, busy, bandwidth="10GbE", max_bandwidth=16 * MIB, auto_converge=True)
    assert (run.outcome, run.throttle) == ("does not converge", 99)


def test_postcopy_ends_whatever_the_guest_does() -> None:
    busy = dirty.Random(size=512 * MIB, rate=40_000)
    run = dirty.simulate(GIB, busy, bandwidth="10GbE", postcopy_at=9000)
    assert (run.outcome, phases(run)[-1]) == ("postcopy", "postcopy")
    ram = run.query_migrate()["ram"]
    assert ram["postcopy-requests"] > 0
    assert ram["postcopy-bytes"] >= ram["postcopy-requests"] * NORMAL
    assert run.waited > 0


def test_the_guest_waits_longer_for_pages_on_a_slower_path() -> None:
    busy = dirty.Random(size=512 * MIB, rate=40_000)
    near, far = (
        dirty.simulate(GIB, busy, bandwidth="10GbE", postcopy_at=9000, page_request=delay)
        for delay in (0.1, 5)
    )
    assert near.query_migrate()["ram"]["postcopy-requests"] > far.query_migrate()["ram"]["postcopy-requests"]


def test_postcopy_sends_each_touched_huge_page_whole() -> None:
    blocks = [dirty.Block("ram", 64 * MIB, 2 * MIB)]
    busy = dirty.HugePages(size=64 * MIB, rate=1000)
    run = dirty.simulate(blocks, busy, bandwidth="10GbE", max_bandwidth=16 * MIB, postcopy_at=2000)
    assert run.query_migrate()["ram"]["postcopy-bytes"] == pytest.approx(64 * MIB / 4096 * NORMAL, rel=0.001)


@pytest.mark.parametrize(
    "target, page_size, pages", [("x86_64", 2 * MIB, 1), ("s390x", MIB, 256), ("ppc64", 2 * MIB, 512)]
)
def test_some_architectures_dirty_a_whole_huge_page_for_one_write(
    target: str, page_size: int, pages: int
) -> None:
    blocks = [dirty.Block("ram", 128 * MIB, page_size)]
    busy = dirty.HugePages(size=64 * MIB, rate=1000)
    run = dirty.simulate(blocks, busy, bandwidth="10GbE", target=target, longest=3)
    assert run.rounds[1].found == 32 * pages


def test_on_arm_the_log_has_host_pages() -> None:
    host = memkit.Host.from_dict({"page_size": 65536})
    from memkit.migration.dirty.rules import granule_of

    assert granule_of("aarch64", 512 * MIB, host) == 65536


def test_kvm_forgets_writes_to_pages_that_are_sent_later_anyway() -> None:
    busy = dirty.Random(size=8 * GIB, rate=20_000)
    kvm, tcg = (
        dirty.simulate(8 * GIB, busy, bandwidth="10GbE", clear_chunk=chunk, longest=1) for chunk in (GIB, 0)
    )
    # A page is at risk from the moment its GiB is begun, on the average for half of the round.
    assert 0.5 < kvm.rounds[1].found / tcg.rounds[1].found < 0.7


def test_skipped_is_gone_since_9_1() -> None:
    old, new = (
        dirty.simulate(64 * MIB, dirty.Idle(), bandwidth="1GbE", qemu=qemu).query_migrate()["ram"]
        for qemu in ("7.2", "10.0")
    )
    assert {*old} - {*new} == {"skipped"}


def test_qemu_11_1_does_not_count_the_last_look() -> None:
    counts = [
        dirty.simulate(64 * MIB, dirty.Idle(), bandwidth="1GbE", qemu=qemu).query_migrate()["ram"]
        for qemu in ("10.0", "11.1")
    ]
    assert [c["dirty-sync-count"] for c in counts] == [3, 2]


def test_qemu_11_1_looks_before_every_window_if_postcopy_may_come() -> None:
    arguments = {"bandwidth": "1GbE", "max_bandwidth": 16 * MIB, "postcopy_ram": True}
    old, new = (dirty.simulate(96 * MIB, dirty.Idle(), qemu=qemu, **arguments) for qemu in ("10.0", "11.1"))
    assert len(old.rounds) == 3
    assert len(new.rounds) > 50


def test_a_guest_of_the_model_can_be_migrated() -> None:
    guest = memkit.boot("-m 256M -M q35")
    run = dirty.simulate(guest, dirty.Sequential(size=64 * MIB, block="pc.ram"), bandwidth="1GbE")
    sent = sum(b.used_length for b in guest.ram_blocks if b.migratable)
    assert run.query_migrate()["ram"]["total"] == sent
    assert run.qemu == guest.qemu


def test_counters_can_be_asked_after_each_round() -> None:
    busy = dirty.Random(size=64 * MIB, rate=1500)
    run = dirty.simulate(96 * MIB, busy, bandwidth="10GbE", max_bandwidth=16 * MIB)
    sent = [run.query_migrate(n)["ram"]["normal"] for n in range(len(run.rounds))]
    assert sent == sorted(sent)
    assert run.query_migrate(1)["status"] == "active"
    assert "expected-downtime" in run.query_migrate(1)
    assert "downtime" in run.query_migrate()


def test_one_page_that_is_always_dirty_is_sent_when_a_window_has_been_measured() -> None:
    run = dirty.simulate(4096, dirty.Sequential(size=4096, rate=1e9), bandwidth="10GbE")
    assert run.converges
    assert run.total_time == pytest.approx(100, abs=10)


def test_a_limit_below_ten_bytes_a_second_is_none() -> None:
    run = dirty.simulate(GIB, dirty.Idle(), bandwidth="10GbE", max_bandwidth=1)
    assert run.total_time < 1000


def test_equal_arguments_give_equal_answers() -> None:
    one, other = (
        dirty.simulate(256 * MIB, dirty.Random(size=64 * MIB, rate=9000, seed=3), bandwidth="10GbE")
        for _ in range(2)
    )
    assert one.query_migrate() == other.query_migrate()


@pytest.mark.parametrize(
    "change, words",
    [
        ({"bandwidth": "fast"}, "is no rate"),
        ({"bandwidth": 0}, "above 0"),
        ({"max_bandwith": 1}, "no parameter is called 'max_bandwith'"),
        ({"qemu": "seven"}, "is no version of QEMU"),
        ({"target": "vax"}, "'vax' logs is not known"),
        ({"nonzero": [("pc.rom", 0, 4096)]}, "no block that is sent is called 'pc.rom'"),
    ],
)
def test_what_makes_no_sense_is_told_in_words(change: dict[str, object], words: str) -> None:
    with pytest.raises(MemkitError, match=words):
        dirty.simulate(64 * MIB, dirty.Idle(), **{"bandwidth": "1GbE", **change})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "guest, workload, words",
    [
        (4097, dirty.Idle(), "multiple of 4096"),
        (64 * MIB, dirty.Sequential(size=GIB), "make the workload smaller"),
        (64 * MIB, "busy", "a workload is one of"),
        ("4G", dirty.Idle(), "a guest is a memkit.Guest"),
        ([], dirty.Idle(), "no block with a name"),
    ],
)
def test_guests_and_workloads_that_do_not_fit_are_told_in_words(
    guest: object, workload: object, words: str
) -> None:
    with pytest.raises(MemkitError, match=words):
        dirty.simulate(guest, workload, bandwidth="1GbE")  # type: ignore[arg-type]


def test_an_unknown_round_is_told_in_words() -> None:
    run = dirty.simulate(64 * MIB, dirty.Idle(), bandwidth="1GbE")
    with pytest.raises(MemkitError, match="there is no round 99"):
        run.query_migrate(99)
