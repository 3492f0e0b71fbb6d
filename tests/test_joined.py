"""The join: every RAMBlock with all that belongs to it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "draw"))

import sample
from steps import steps

import memkit
from memkit.draw import Tables
from memkit.joined import Gap, join
from memkit.memory.region import MemoryRegion

GIB = 1 << 30


def test_rows_keep_the_order_of_creation() -> None:
    joined = join(sample.talk())
    assert [row.block.label for row in joined.rows][:4] == ["m1", "pc.ram", "pc.bios", "pc.rom"]


def test_a_dimm_is_followed_from_its_words_to_its_address() -> None:
    row = join(sample.talk()).find("m1")
    assert row is not None
    assert row.option_indexes == (1, 2)
    assert row.backend is not None
    assert row.backend.id == "m1"
    assert [f.id for f in row.frontends] == ["d1"]
    assert [r.name for r in row.regions] == ["m1"]
    assert [(r.start, r.size) for r in row.ranges] == [(0x1_4000_0000, GIB)]


def test_main_ram_is_seen_through_its_two_windows() -> None:
    row = join(sample.talk()).find("pc.ram")
    assert row is not None
    assert row.owner is not None
    assert row.owner.name == "pc.ram"
    assert [w.name for w in row.windows] == ["ram-below-4g", "ram-above-4g"]
    assert [(r.start, w.name) for r, w in zip(row.ranges, row.shown_by, strict=True)] == [
        (0, "ram-below-4g"), (0x10_0000, "ram-below-4g"), (0x1_0000_0000, "ram-above-4g"),
    ]


def test_the_option_m_belongs_to_the_backend_that_the_machine_makes() -> None:
    row = join(sample.talk()).find("pc.ram")
    assert row is not None
    assert row.option_indexes == (0,)


def test_an_alias_inside_another_container_is_found() -> None:
    row = join(sample.talk()).find("pc.bios")
    assert row is not None
    assert [w.name for w in row.windows] == ["isa-bios"]
    assert [w.name for w in row.shown_by] == ["isa-bios", "pc.bios"]


def test_a_disabled_alias_is_no_window() -> None:
    guest = sample.talk()
    row = join(guest).find("pc.ram")
    assert row is not None
    assert row.owner is not None
    off = MemoryRegion.window("pam-ram", row.owner, 0xC0000, 0x4000, enabled=False)
    guest.address_spaces[0].root.add(off, 0xC0000, 1)
    again = join(guest).find("pc.ram")
    assert again is not None
    assert "pam-ram" not in [w.name for w in again.windows]


def test_a_backend_in_a_bar_is_device_memory() -> None:
    board = sample.Board(sample.options())
    backend = board.backend("iv", 4 << 20, share=True)
    board.show("ivshmem-plain", None, "ivshmem", board.backed(backend), backend=backend)
    row = join(board.guest("q35")).find("iv")
    assert row is not None
    assert (row.kind, row.backing) == ("device", "shared")


def test_numa_backends_are_seen_through_windows_onto_their_container() -> None:
    joined = join(sample.numa_nvdimm())
    seen = {row.block.label: [w.name for w in row.windows] for row in joined.rows[:2]}
    assert seen == {"huge0": ["ram-below-4g"], "shared1": ["ram-above-4g"]}


def test_options_that_name_a_backend_belong_to_its_row() -> None:
    row = join(sample.numa_nvdimm()).find("huge0")
    assert row is not None
    assert row.option_indexes == (2, 3)


def test_kind_and_backing_come_from_block_backend_and_frontend() -> None:
    found = {r.block.label: (r.kind, r.backing) for r in join(sample.numa_nvdimm()).rows}
    assert found["huge0"] == ("ram", "huge")
    assert found["shared1"] == ("ram", "shared")
    assert found["nv"] == ("pmem", "pmem")
    assert found["disk"] == ("ram", "file")
    assert found["0000:00:01.0/vga.vram"] == ("device", "private")
    assert found["pc.bios"] == ("rom", "private")
    assert found["/rom@etc/acpi/tables"] == ("table", "private")


def test_a_block_that_nobody_maps_has_no_ranges_but_an_owner() -> None:
    row = join(sample.talk()).find("0000:00:02.0/vga.vram")
    assert row is not None
    assert row.owner is not None
    assert row.ranges == ()


def test_io_ranges_and_gaps_fill_what_blocks_leave() -> None:
    joined = join(sample.talk())
    assert [r.region.name for r in joined.io_ranges] == ["vga-lowmem", "ioapic", "hpet", "apic-msi"]
    assert joined.gaps[0] == Gap(0xC000_0000, 0xFEC0_0000 - 0xC000_0000)
    covered = sum(r.size for row in joined.rows for r in row.ranges)
    covered += sum(r.size for r in joined.io_ranges) + sum(g.size for g in joined.gaps)
    assert covered == 0x1_8000_0000


def test_a_guest_read_from_text_joins_what_it_has() -> None:
    joined = join(sample.bare())
    assert len(joined.rows) == 10
    assert all(row.backend is None and not row.frontends for row in joined.rows)
    assert join(sample.empty()).rows == ()


def test_the_work_of_join_and_tables_grows_like_the_number_of_memory_devices() -> None:
    def work(count: int) -> int:
        dimm = "-object memory-backend-ram,id=m{0},size=128M -device pc-dimm,memdev=m{0}"
        guest = memkit.boot(f"-m 1G,slots=256,maxmem=64G {' '.join(map(dimm.format, range(count)))}")
        return steps(lambda: Tables(guest).data())

    work(1)
    few, some, many = map(work, (1, 50, 200))
    assert (many - few) / (some - few) < 4.4  # 199 more against 49 more: linear is 4.1, squared 16.5


def test_a_backend_that_nothing_uses_is_found_by_the_name_that_lists_show() -> None:
    guest = memkit.boot("-m 1G -object memory-backend-ram,id=spare,size=1G")

    assert ["(spare)"] == [b.label for b in guest.ram_blocks if not b.idstr]
    row = join(guest).find("(spare)")
    assert row is not None
    assert row.block.region_name == "spare"
