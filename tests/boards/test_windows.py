"""Devices map at power-on what QEMU 7.2 showed, where their bus is."""

from __future__ import annotations

from memkit.boards.ports import io_space
from memkit.boards.windows import LateAddressSpace, Window, add_windows, bus_master_space, windows
from memkit.memory.flatview import AddressSpace
from memkit.memory.region import MemoryRegion


def seen(driver: str, board: str = "pc") -> tuple[Window, ...]:
    return windows("7.2", driver, board)


def test_a_card_has_ports_and_a_window_below_1_mib() -> None:
    assert [(w.container, w.addr, w.size, w.name) for w in seen("VGA")] == [
        ("io", 0x1CE, 4, "vbe"), ("io", 0x3B4, 2, "vga"), ("io", 0x3BA, 1, "vga"), ("io", 0x3C0, 16, "vga"),
        ("io", 0x3D4, 2, "vga"), ("io", 0x3DA, 1, "vga"), ("pci", 0xA0000, 0x20000, "vga-lowmem"),
    ]


def test_containers_come_before_what_they_contain() -> None:
    names = [w.name for w in seen("cirrus-vga")]
    assert names.index("cirrus-lowmem-container") < names.index("cirrus-low-memory")


def test_ports_that_a_board_has_already_are_known_from_another_board() -> None:
    assert [w.addr for w in seen("isa-fdc", "pc")] == [0x3F1, 0x3F7]


def test_a_window_goes_in_front_of_its_equals() -> None:
    io = io_space("7.2", "pc", (7, 2))
    [added] = add_windows([Window("io", 0x3B0, 0x30, 0, "cirrus-io")], {"io": io})
    found = AddressSpace("I/O", io).flat_view.find(0x3C0)
    assert found is not None
    assert found.region is added


def test_windows_of_other_containers_are_left_out() -> None:
    pci = MemoryRegion("pci", 1 << 64)
    assert [r.name for r in add_windows(seen("VGA"), {"pci": pci})] == ["vga-lowmem"]


def test_a_subregion_lies_at_its_offset_in_the_container() -> None:
    pci = MemoryRegion("pci", 1 << 64)
    vram = MemoryRegion("vga.vram", 4 << 20, "ram")
    add_windows(seen("cirrus-vga"), {"pci": pci}, [vram])
    container = next(r for r in pci.subregions if r.name == "cirrus-lowmem-container")
    assert [(r.name, r.addr, r.enabled) for r in container.subregions] == [
        ("vga.bank1", 0x8000, False), ("vga.bank0", 0, False), ("cirrus-low-memory", 0, True),
    ]
    assert {r.alias for r in container.subregions if r.name.startswith("vga.bank")} == {vram}


def test_video_ram_that_is_mapped_is_the_cards_own() -> None:
    system = MemoryRegion("system", 1 << 64)
    vram = MemoryRegion("vga.vram", 8 << 20, "ram")
    assert vram in add_windows(seen("isa-vga", "q35"), {"system": system}, [vram])
    assert vram.addr == 0xE0000000


def test_all_windows_move_together() -> None:
    io = io_space("7.2", "pc", (7, 2))
    assert [r.addr for r in add_windows(seen("sb16"), {"io": io}, shift=0x20)] == [0x244, 0x24A, 0x24C]


def test_a_size_replaces_that_of_an_only_window() -> None:
    io = io_space("7.2", "pc", (7, 2))
    assert [r.size for r in add_windows(seen("isa-debug-exit"), {"io": io}, size=4)] == [4]


def test_a_pci_device_sees_nothing_at_power_on() -> None:
    system = MemoryRegion("system", 1 << 64)
    space = bus_master_space("e1000", lambda: system)
    assert (space.root.name, space.flat_view.root) == ("bus master container", None)
    assert space.root.subregions[0].alias is system


def test_a_late_tree_is_built_once_and_not_before_somebody_looks() -> None:
    made: list[MemoryRegion] = []

    def make() -> MemoryRegion:
        made.append(MemoryRegion("io", 0x10000, "i/o"))
        return made[-1]

    space = LateAddressSpace("I/O", make)
    assert made == []
    assert space.root is space.root
    assert len(made) == 1
