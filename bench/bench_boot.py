"""boot() against starting a real QEMU, and against itself with many more memory devices."""

from __future__ import annotations

import gc
import subprocess
import time
from collections.abc import Callable

import pytest

import memkit
from memkit.monitor.parse_text import COMMANDS

ROUNDS = 9
# Word for word as the talk has it: a machine with all its default devices.
TALK = (
    "-m 4G,slots=4,maxmem=16G -object memory-backend-ram,id=m1,size=1G -device pc-dimm,id=d1,memdev=m1"
)


def best(
    action: Callable[[], object], times: int = 1, clock: Callable[[], float] = time.perf_counter
) -> float:
    """The seconds that ``action`` takes when it is least disturbed."""
    taken = []
    for _ in range(times):
        start = clock()
        action()
        taken.append(clock() - start)
    return min(taken)


@pytest.mark.needs_qemu
def test_boot_is_a_hundred_times_faster_than_starting_qemu_and_asking_its_monitor(figures, qemu: str) -> None:
    """Both in turn, the best round of each; QEMU is asked in the cheapest way, without a conversation."""
    argv = [qemu, "-S", "-display", "none", "-monitor", "stdio", *TALK.split()]
    typed = "".join(f"{command}\n" for command in (*COMMANDS, "quit"))

    def real() -> None:
        done = subprocess.run(argv, input=typed, capture_output=True, text=True, check=True)
        assert "Memory device [dimm]" in done.stdout

    memkit.boot(TALK)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        theirs.append(best(real))
        ours.append(best(lambda: memkit.boot(TALK), times=50))
    what = f"boot ({min(ours) * 1000:.2g} ms) against QEMU ({min(theirs) * 1000:.2g} ms)"
    figures.at_least(what, min(theirs) / min(ours), 100, "times faster")


def dimms(count: int) -> str:
    """A command line with so many memory devices."""
    dimm = "-object memory-backend-ram,id=m{0},size=128M -device pc-dimm,memdev=m{0}"
    return f"-M q35 -m 1G,slots=256,maxmem=64G -nodefaults {' '.join(map(dimm.format, range(count)))}"


def test_the_time_to_boot_grows_like_the_number_of_memory_devices(figures) -> None:
    """250 of them take no more than about five times as long as 50; squared it would be 25 times."""
    few, many = dimms(50), dimms(250)
    for line in (few, many):
        memkit.boot(line)
    gc.collect()
    small, large = [], []
    for _ in range(ROUNDS):
        # The processor's own time: nobody else's work counts.
        small.append(best(lambda: memkit.boot(few).flat_view(), 5, time.process_time))
        large.append(best(lambda: memkit.boot(many).flat_view(), 3, time.process_time))
    figures.at_most("boot of 250 dimms against 50", min(large) / min(small), 10, "times as long")
    assert len(memkit.boot(many).memory_devices) == 250


def test_boot_and_every_answer_of_the_monitor(benchmark, dimm_line: str) -> None:
    """How long the model takes to answer all that a real QEMU was asked above."""

    def answers() -> list[str]:
        guest = memkit.boot(dimm_line)
        return [guest.monitor(command) for command in COMMANDS]

    assert all(benchmark(answers))
