"""What is main RAM on boards that have other RAM beside it."""

from __future__ import annotations

import pytest

import memkit


@pytest.mark.parametrize(("line", "block"), [
    ("qemu-system-arm -M vexpress-a15 -m 1G", "vexpress.highmem"),
    ("qemu-system-aarch64 -M sbsa-ref -m 1G", "sbsa-ref.ram"),
    ("qemu-system-aarch64 -M virt,secure=on,mte=on -cpu max -m 1G", "mach-virt.ram"),
    ("qemu-system-riscv64 -M sifive_u -m 1G", "riscv.sifive.u.ram"),
    ("qemu-system-s390x -m 1G", "s390.ram"),
])
def test_the_ram_of_m_is_one_block_and_no_static_ram(line: str, block: str) -> None:
    found = memkit.boot(line).all_of_ram()
    for name in ("main-ram", "query-memory-size-summary", "balloon"):
        assert [member.block.idstr for member in found[name].blocks] == [block]
        assert found[name].bytes == 1 << 30


def test_sev_is_told_to_be_of_x86() -> None:
    assert memkit.boot("qemu-system-s390x -m 1G").all_of_ram()["sev"].remark == "SEV is of x86 alone."
