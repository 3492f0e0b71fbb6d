"""The board ``vexpress-a15``; tests/boards/test_virt_arm.py compares it with recorded QEMUs."""

from __future__ import annotations

import pytest

import memkit


def boot(line: str, target: str = "arm") -> memkit.Guest:
    return memkit.boot(f"-M vexpress-a15 -nodefaults {line}", target=target)


def test_the_first_flash_chip_shows_twice_and_ram_begins_at_2_gib() -> None:
    ranges = boot("-m 1G").flat_view("memory").ranges
    assert [r.start for r in ranges if r.region.name == "vexpress.flash0"] == [0, 0x0800_0000]
    assert [r.start for r in ranges if r.region.name == "vexpress.highmem"] == [0x8000_0000]


def test_blocks_begin_at_multiples_of_64_kib_because_the_target_page_is_1_kib() -> None:
    offsets = {block.idstr: block.offset for block in boot("-m 1G").ram_blocks}
    assert offsets["vexpress.a15sram"] == 0x4000_0000
    assert offsets["vexpress.flash0"] == 0x4001_0000


def test_each_cpu_has_a_window_of_the_interrupt_controller_for_its_guests() -> None:
    def windows(line: str) -> int:
        return sum(r.region.name == "gic_viface" for r in boot(line).flat_view("memory").ranges)

    assert windows("-smp 1") == 2
    assert windows("-smp 4") == 5
    assert windows("-smp 4 -M virtualization=off") == 0


def test_both_programs_build_the_same_board() -> None:
    assert boot("-m 1G").monitor("info ramblock") == boot("-m 1G", "aarch64").monitor("info ramblock")


def test_there_are_30_gib_of_addresses_for_ram() -> None:
    with pytest.raises(memkit.Refused, match="cannot model more than 30GB RAM"):
        boot("-m 31G")
