"""boot() of each board against starting its real QEMU, and reading a long monitor text."""

from __future__ import annotations

import shutil
import subprocess
import time

import pytest

import memkit
from memkit.monitor.parse_text import COMMANDS

ROUNDS = 7
# A guest of 1 GiB on one board of each target.
BOARDS = {
    "aarch64": "-M virt", "arm": "-M virt", "ppc64": "-M pseries", "riscv64": "-M virt",
    "s390x": "-M s390-ccw-virtio",
}


@pytest.mark.needs_qemu
@pytest.mark.parametrize("target", BOARDS)
def test_boot_of_each_board_is_far_ahead_of_its_qemu(figures, target: str) -> None:
    """The quickest of several starts of each, in turn."""
    program = shutil.which(f"qemu-system-{target}")
    if program is None:
        pytest.skip(f"qemu-system-{target} is not installed")
    line = f"{BOARDS[target]} -m 1G -nodefaults"
    argv = [program, "-S", "-display", "none", "-monitor", "stdio", *line.split()]
    typed = "".join(f"{command}\n" for command in (*COMMANDS, "quit"))
    memkit.boot(line, target=target)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subprocess.run(argv, input=typed, capture_output=True, text=True, check=True)
        theirs.append(time.perf_counter() - start)
        for _ in range(20):
            start = time.perf_counter()
            memkit.boot(line, target=target)
            ours.append(time.perf_counter() - start)
    words = f"({min(ours) * 1000:.2g} ms) against QEMU ({min(theirs) * 1000:.2g} ms)"
    name = f"boot {target} {BOARDS[target][3:]} {words}"
    figures.at_least(name, min(theirs) / min(ours), 100, "times faster")


def test_reading_what_a_monitor_printed_takes_less_than_a_tenth_of_a_second(figures) -> None:
    """A PC with sixteen DIMMs, all six commands pasted at once."""
    dimm = "-object memory-backend-ram,id=m{0},size=128M -device pc-dimm,memdev=m{0}"
    line = f"-M q35 -m 1G,slots=16,maxmem=64G {' '.join(map(dimm.format, range(16)))}"
    guest = memkit.boot(line)
    text = "\n".join(f"(qemu) {command}\n{guest.monitor(command)}" for command in COMMANDS)
    taken = []
    for _ in range(30):
        start = time.perf_counter()
        memkit.read_monitor(text)
        taken.append(time.perf_counter() - start)
    figures.at_most(f"read_monitor of {len(text) >> 10} KiB", min(taken) * 1000, 100, "ms")
