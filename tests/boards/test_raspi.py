"""The board ``raspi3b``; tests/boards/test_virt_arm.py compares it with recorded QEMUs."""

from __future__ import annotations

import pytest

import memkit


def test_ram_is_1_gib_and_its_end_lies_behind_the_devices() -> None:
    guest = memkit.boot("-M raspi3b", target="aarch64")
    ram = [r for r in guest.flat_view("memory").ranges if r.region.name == "ram"]
    assert (ram[0].start, ram[0].size) == (0, 0x3F00_3000)
    assert guest.ram_blocks[0].max_length == 1 << 30


@pytest.mark.parametrize(("line", "said"), [
    ("-m 2G", "Invalid RAM size, should be 1 GiB"),
    ("-smp 2", "Invalid SMP CPUs 2. The min CPUs supported by machine 'raspi3b' is 4"),
    ("-numa node", "-numa node: NUMA is not supported by this machine-type"),
])
def test_the_board_is_what_is_soldered_onto_it(line: str, said: str) -> None:
    with pytest.raises(memkit.Refused) as refused:
        memkit.boot(f"-M raspi3b {line}", target="aarch64")
    assert refused.value.message == said
