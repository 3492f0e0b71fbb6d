"""boot() against starting a real QEMU, and against itself with many more memory devices."""

from __future__ import annotations

import gc
import math
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


def ratio(qemu: str, line: str, times: int, rounds: int = ROUNDS) -> tuple[float, str]:
    """How often boot() fits into starting QEMU, and both times in words.

    Both in turn, the best round of each; QEMU is asked in the cheapest way, without a conversation.
    """
    argv = [qemu, "-S", "-display", "none", "-monitor", "stdio", *line.split()]
    typed = "".join(f"{command}\n" for command in (*COMMANDS, "quit"))

    def real() -> None:
        done = subprocess.run(argv, input=typed, capture_output=True, text=True, check=True)
        assert "memory backend: m" in done.stdout

    memkit.boot(line)
    ours, theirs = [], []
    for _ in range(rounds):
        theirs.append(best(real))
        ours.append(best(lambda: memkit.boot(line), times))
    words = f"({min(ours) * 1000:.2g} ms) against QEMU ({min(theirs) * 1000:.2g} ms)"
    return min(theirs) / min(ours), words


@pytest.mark.needs_qemu
def test_boot_is_a_hundred_times_faster_than_starting_qemu_and_asking_its_monitor(figures, qemu: str) -> None:
    """The talk's guest."""
    times, words = ratio(qemu, TALK, 50)
    figures.at_least(f"boot {words}", times, 100, "times faster")


def dimms(count: int) -> str:
    """A command line with so many memory devices."""
    dimm = "-object memory-backend-ram,id=m{0},size=128M -device pc-dimm,memdev=m{0}"
    return f"-M q35 -m 1G,slots=256,maxmem=64G -nodefaults {' '.join(map(dimm.format, range(count)))}"


def nodes(count: int) -> str:
    """A command line with so many NUMA nodes, each with a backend and a CPU."""
    node = "-object memory-backend-ram,id=m{0},size=64M -numa node,nodeid={0},cpus={0},memdev=m{0}"
    return f"-M q35 -m {count * 64}M -smp {count} -nodefaults {' '.join(map(node.format, range(count)))}"


@pytest.mark.needs_qemu
@pytest.mark.parametrize(("what", "line", "times"), [
    ("16 dimms", dimms(16), 30), ("250 dimms", dimms(250), 5), ("64 NUMA nodes", nodes(64), 10),
])
def test_boot_stays_far_ahead_of_qemu_when_the_line_is_long(
    figures, qemu: str, what: str, line: str, times: int
) -> None:
    faster, words = ratio(qemu, line, times, rounds=5)
    figures.at_least(f"boot of {what} {words}", faster, 100, "times faster")


def test_the_time_to_boot_grows_like_the_number_of_memory_devices(figures) -> None:
    """The exponent: 1 is linear, 2 would be a square."""
    few, many = dimms(16), dimms(250)
    for line in (few, many):
        memkit.boot(line)
    gc.collect()
    small, large = [], []
    for _ in range(ROUNDS):
        # The processor's own time: nobody else's work counts.
        small.append(best(lambda: memkit.boot(few).flat_view(), 10, time.process_time))
        large.append(best(lambda: memkit.boot(many).flat_view(), 3, time.process_time))
    exponent = math.log(min(large) / min(small)) / math.log(250 / 16)
    figures.at_most("boot of 250 dimms against 16, exponent of growth", exponent, 1.2)
    assert len(memkit.boot(many).memory_devices) == 250


def test_boot_and_every_answer_of_the_monitor(benchmark, dimm_line: str) -> None:
    """How long the model takes to answer all that a real QEMU was asked above."""

    def answers() -> list[str]:
        guest = memkit.boot(dimm_line)
        return [guest.monitor(command) for command in COMMANDS]

    assert all(benchmark(answers))
