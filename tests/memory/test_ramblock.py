"""RAMBlocks get their place in ram_addr_t space, and their names, as QEMU gives them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memkit.memory.backend import Backend
from memkit.memory.device import Frontend, MemoryDevice, NumaNode
from memkit.memory.ramblock import OFFSET_ALIGN, RAMBlock, RAMList

PAGE = 4096


def smallest_gap(blocks: list[RAMBlock], size: int) -> int:
    """Where a block goes by the whole rule of find_ram_offset (softmmu/physmem.c, QEMU 7.2).

    Behind each block there is a gap, from the next multiple of 256 KiB up to the next block; the
    smallest gap that is large enough is taken.
    """
    gaps = []
    for block in blocks:
        start = -(-block.end // (64 * 4096)) * (64 * 4096)
        end = min((b.offset for b in blocks if b.offset >= start), default=1 << 64)
        if end - start >= size:
            gaps.append((end - start, start))
    return min(gaps)[1] if blocks else 0


@given(st.lists(st.integers(1, 1 << 16) | st.sampled_from((64, 65, 1 << 28)), max_size=20))
def test_blocks_go_where_the_rule_of_the_smallest_gap_puts_them(pages: list[int]) -> None:
    ram = RAMList()
    for count in pages:
        wanted = smallest_gap(ram.blocks, count * PAGE)
        assert ram.allocate(count * PAGE).offset == wanted
    assert all(a.end <= b.offset for a, b in zip(ram.blocks, ram.blocks[1:], strict=False))


def test_offsets_are_multiples_of_64_target_pages() -> None:
    ram = RAMList()
    sizes = (0x2000_0000, 0x4_0000, 0x2_0000, 0x1000, 0x4_1000, 0x1000)
    assert [ram.allocate(s).offset for s in sizes] == [
        0, 0x2000_0000, 0x2004_0000, 0x2008_0000, 0x200C_0000, 0x2014_0000,
    ]
    assert OFFSET_ALIGN == 0x4_0000


# vexpress-a15 of QEMU 7.2, whose target page is 1 KiB: main RAM, flash, SRAM.
def test_a_smaller_target_page_lets_blocks_stand_closer() -> None:
    ram = RAMList(target_page=1024)
    sizes = (0x800_0000, 0x1_0000, 0x400_0000, 0x400_0000, 0x200_0000, 0x80_0000)
    assert [ram.allocate(s).offset for s in sizes] == [
        0, 0x800_0000, 0x801_0000, 0xC01_0000, 0x1001_0000, 0x1201_0000,
    ]


def test_a_block_has_whole_pages_of_the_host_and_its_page_unless_told_otherwise() -> None:
    ram = RAMList(page_size=0x1_0000)
    rom, huge = ram.allocate(0x1000), ram.allocate(0x20_0000, 0x20_0000)
    assert (0x1_0000, 0x1_0000, 0x1_0000) == (rom.page_size, rom.used_length, rom.max_length)
    assert (0x20_0000, 0x20_0000) == (huge.page_size, huge.max_length)
    assert (0x1_0000, 0x2_0000) == (ram.whole(1), ram.whole(0x1_0001))


def test_by_size_lists_the_largest_first_and_equals_as_they_were_made() -> None:
    ram = RAMList()
    for name, size in (("a", 1), ("b", 3), ("c", 2), ("d", 3), ("e", 1)):
        ram.allocate(size * PAGE, idstr=name)
    assert [b.idstr for b in ram.by_size()] == ["b", "d", "c", "a", "e"]
    assert [b.idstr for b in ram.blocks] == ["a", "b", "c", "d", "e"]


def test_a_block_without_a_name_does_not_migrate_and_is_labelled_by_its_region() -> None:
    block = RAMBlock(0, PAGE, PAGE, region_name="m1")
    assert (block.migratable, block.label) == (False, "(m1)")
    block.idstr = "m1"
    assert (block.migratable, block.label) == (True, "m1")


def test_blocks_are_told_apart_by_identity() -> None:
    assert RAMBlock(0, PAGE, PAGE) != RAMBlock(0, PAGE, PAGE)
    assert Backend("m", "memory-backend-ram", PAGE) != Backend("m", "memory-backend-ram", PAGE)


def test_a_block_reserves_its_maximal_length() -> None:
    ram = RAMList()
    table = ram.allocate(0x20_0000)
    table.used_length = 0x2_0000
    assert (table.end, ram.allocate(PAGE).offset) == (0x20_0000, 0x20_0000)
    assert repr(table) == "<RAMBlock '()' 0x200000 bytes at ram_addr_t 0x0>"


def test_a_backend_is_huge_on_hugetlbfs_or_by_memfds_own_word() -> None:
    def backend(**more: object) -> Backend:
        return Backend("m", "memory-backend-memfd", PAGE, **more)  # type: ignore[arg-type]

    assert not backend().huge
    assert not backend(filesystem="tmpfs").huge
    assert backend(filesystem="hugetlbfs").huge
    assert backend(hugetlb=True).huge


def test_what_the_user_did_not_say_is_none_or_empty() -> None:
    device = MemoryDevice("virtio-pmem", None, 0x1_0000_0000, PAGE, "/objects/m")
    assert (device.slot, device.node, device.requested_size) == (None, None, None)
    assert (Frontend("VGA", None, "VGA").blocks, NumaNode(0, (), PAGE, 0).memdev) == ((), None)
