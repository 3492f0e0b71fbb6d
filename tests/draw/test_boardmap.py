"""Boards side by side: equal addresses at equal heights, refusals in their column, words for all of it."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

import memkit
from memkit.draw.boardmap import BoardColumn, BoardMap

SPACE = "{http://www.w3.org/2000/svg}"
DIMM = "-object memory-backend-ram,id=m1,size=1G -device pc-dimm,id=d1,memdev=m1"
MIB, GIB = 1 << 20, 1 << 30


@pytest.fixture(scope="module")
def boards() -> BoardMap:
    """A PC with a module, an Arm guest, and a board that refuses."""
    pc = memkit.boot(f"-M q35 -nodefaults -m 4G,slots=4,maxmem=16G {DIMM}")
    arm = memkit.boot("qemu-system-aarch64 -M virt -nodefaults -m 4G")
    return BoardMap("Three boards", (
        BoardColumn("q35", "a PC", pc, (6 * GIB, 16 * GIB)), BoardColumn("virt", "Arm", arm),
        BoardColumn("none", "nobody", refusal="'pc-dimm' is not a valid device model name"),
    ))


def boxes(boards: BoardMap, name: str) -> list[tuple[str, int, int]]:
    """Name, first gpa and bytes of the boxes in a column, in order of address."""
    return [(i["name"], i["start"], i["size"]) for i in boards.data()["items"] if i["column"] == name]


def test_a_column_has_ram_and_roms_one_by_one_and_devices_that_lie_together(boards: BoardMap) -> None:
    assert [
        ("pc.ram", 0, 768 << 10), ("pc.rom", 0xC0000, 128 << 10), ("pc.bios", 0xE0000, 128 << 10),
        ("pc.ram", MIB, 2047 * MIB), ("devices", 0xFEC00000, 3 * MIB), ("pc.bios", 0xFFFC0000, 256 << 10),
        ("pc.ram", 4 * GIB, 2 * GIB), ("room for memory devices", 6 * GIB, 16 * GIB), ("m1", 6 * GIB, GIB),
    ] == boxes(boards, "q35")
    # As info mtree -f of QEMU 7.2 has it, with what a device answers put together.
    arm = boxes(boards, "virt")
    assert [("virt.flash0", 0, 64 * MIB), ("virt.flash1", 64 * MIB, 64 * MIB)] == arm[:2]
    assert ("mach-virt.ram", GIB, 4 * GIB) in arm
    assert [] == boxes(boards, "none")


def test_equal_addresses_lie_at_equal_heights(boards: BoardMap) -> None:
    heights: dict[int, set[float]] = {}
    for item in boards.data()["items"]:
        heights.setdefault(item["start"], set()).add(item["y0"])
        heights.setdefault(item["start"] + item["size"], set()).add(item["y1"])
    assert {1} == {len(found) for found in heights.values()}
    ordered = [found.pop() for _, found in sorted(heights.items())]
    assert sorted(ordered) == ordered


def test_each_address_stands_once_beside_its_column(boards: BoardMap) -> None:
    said = [t.text for t in ET.fromstring(boards.svg()).iter(f"{SPACE}text")]
    assert 1 == said.count("0x1_8000_0000")
    # Both columns begin with something at 0.
    assert 2 == said.count("0x0")


def test_a_board_that_refuses_says_so_in_its_column(boards: BoardMap) -> None:
    said = " ".join(t.text or "" for t in ET.fromstring(boards.svg()).iter(f"{SPACE}text"))
    assert "QEMU refuses: 'pc-dimm'" in said
    assert "none: nobody\n  QEMU refuses: 'pc-dimm' is not a valid device model name" in boards.text()


def test_what_lies_together_is_told_under_the_pointer(boards: BoardMap) -> None:
    tips = [t.text or "" for t in ET.fromstring(boards.svg()).iter(f"{SPACE}title")]
    devices = next(tip for tip in tips if tip.startswith("q35: devices"))
    assert "ioapic, hpet, apic-msi" in devices
    assert "gpa 0xfec0_0000 to 0xfeef_ffff" in devices


def test_words_say_all_that_the_picture_says(boards: BoardMap) -> None:
    text = boards.text()
    assert str(boards) == text == boards._repr_mimebundle_()["text/plain"]
    for item in boards.data()["items"]:
        assert item["name"] in text
    assert "  0x4000_0000: mach-virt.ram, 4 GiB\n" in text
    assert ET.fromstring(boards.svg()).findtext(f"{SPACE}desc") == text


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
def test_names_fit_into_their_boxes(boards: BoardMap, theme: str) -> None:
    picture = ET.fromstring(boards.svg(theme))
    wide = float(picture.get("width", "0"))
    assert 700 <= wide <= 1200
    for group in picture.iter(f"{SPACE}g"):
        box = group.find(f"{SPACE}rect")
        texts = group.findall(f"{SPACE}text")
        assert box is not None
        left, right = float(box.get("x", "")), float(box.get("x", "")) + float(box.get("width", ""))
        assert all(left < float(t.get("x", "")) < right for t in texts)


def test_the_layouts_of_a_line_have_a_map() -> None:
    drawn = memkit.layouts("-nodefaults -m 4G", boards=["q35", "virt"]).map()
    assert ["q35 (x86_64)", "virt (aarch64)"] == [column.name for column in drawn.columns][:2]
    assert ("mach-virt.ram", GIB, 4 * GIB) in boxes(drawn, "virt (aarch64)")


def test_a_map_without_any_guest_can_be_drawn() -> None:
    assert "QEMU refuses" in BoardMap("Nobody", (BoardColumn("q35", "a PC", refusal="no"),)).svg()
