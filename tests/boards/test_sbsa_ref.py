"""The board ``sbsa-ref``; tests/boards/test_virt_arm.py compares it with recorded QEMUs."""

from __future__ import annotations

import memkit


def test_ram_begins_at_1_tib() -> None:
    guest = memkit.boot("-M sbsa-ref -m 2G", target="aarch64")
    found = [(r.start, r.size) for r in guest.flat_view("memory").ranges if r.region.name == "sbsa-ref.ram"]
    assert found == [(1 << 40, 2 << 30)]


def test_secure_ram_and_the_first_flash_chip_are_for_secure_code_only() -> None:
    guest = memkit.boot("-M sbsa-ref -m 2G", target="aarch64")
    everywhere = {r.region.name for r in guest.flat_view("memory").ranges}
    secure = {r.region.name for r in guest.flat_view("cpu-secure-memory-0").ranges}
    assert {"sbsa.flash0", "sbsa-ref.secure-ram"} <= secure - everywhere
    assert "sbsa.flash1" in everywhere


def test_the_default_card_is_older_in_older_releases() -> None:
    def blocks(qemu: str) -> set[str]:
        guest = memkit.boot("-M sbsa-ref -nodefaults", target="aarch64", qemu=qemu)
        return {block.idstr for block in guest.ram_blocks}

    assert "0000:00:01.0/vga.vram" in blocks("7.2")
    assert "0000:00:01.0/bochs-display-vram" in blocks("10.0")
