"""One command line on every board: where RAM lies comes from the guests, refusals are QEMU's words."""

from __future__ import annotations

from typing import Any

import pytest

import memkit
from memkit.architectures import BOARDS, BoardMemory
from memkit.errors import CommandLineError, MemkitError
from memkit.versions import holds

G = 1 << 30


# From info mtree -f of QEMU 7.2.
@pytest.mark.parametrize(("machine", "pieces", "holes"), [
    ("pc", ((0, 3 * G), (4 * G, 3 * G)), ((3 * G, G),)),
    ("q35", ((0, 2 * G), (4 * G, 4 * G)), ((2 * G, 2 * G),)),
    ("microvm", ((0, 3 * G), (4 * G, 3 * G)), ((3 * G, G),)),
])
def test_ram_above_the_hole_begins_at_4_gib(machine: str, pieces: object, holes: object) -> None:
    layout = memkit.layouts("-m 6G", boards=[machine])[machine]
    assert (pieces, holes, None) == (layout.pieces, layout.holes, layout.window)


def test_the_window_for_memory_devices_is_the_guests() -> None:
    layout = memkit.layouts("-m 4G,slots=2,maxmem=16G", boards=["q35"])["q35"]
    assert (6 * G, 14 * G) == layout.window
    assert "none" == memkit.layouts("-m 4G", boards=["q35"])["q35"].cells()[2]


def test_the_machine_of_the_line_is_replaced_and_its_other_words_stay() -> None:
    shown = memkit.layouts("-M pc,max-ram-below-4g=1G -m 4G", boards=["q35"])
    assert ((0, G), (4 * G, 3 * G)) == shown["q35"].pieces


def test_a_board_that_refuses_says_so_in_qemus_words() -> None:
    shown = memkit.layouts("-m 4G,slots=3,maxmem=1T", boards=["pc"])
    said = "Address space limit 0xffffffffff < 0x2007fffffff phys-bits too low (40)"
    assert said == shown["pc"].refusal
    assert f"QEMU refuses: {said}" in str(shown)


def test_every_described_board_has_a_row() -> None:
    shown = memkit.layouts("-m 1G")
    assert 12 == len(shown)
    for layout in shown:
        assert layout.cells()[0], layout.machine


def test_text_and_page_say_the_same() -> None:
    shown = memkit.layouts("-m 6G")
    bundle = shown._repr_mimebundle_()
    assert str(shown) == bundle["text/plain"]
    for row in shown.rows():
        for cell in filter(None, row):
            assert cell in bundle["text/plain"]
    assert "scope=\"row\" style=\"text-align:left\">q35 (x86_64)</th>" in bundle["text/html"]


def test_wrong_words_are_named() -> None:
    with pytest.raises(MemkitError, match="no board here is called 'q36'; there are: pc, q35"):
        memkit.layouts("-m 1G", boards=["q36"])
    with pytest.raises(MemkitError, match="is no version of QEMU"):
        memkit.layouts("-m 1G", qemu="new")
    with pytest.raises(CommandLineError):
        memkit.layouts(5)  # type: ignore[arg-type]
    with pytest.raises(MemkitError, match=r"host= is a memkit\.Host, not str"):
        memkit.layouts("-m 1G", host="arm")  # type: ignore[arg-type]


@pytest.mark.parametrize("boards", ["q35", b"q35", 5, True, [["q35"]], ["q35", None], {"q35": 1}])
def test_boards_that_are_no_list_of_machine_types_are_told(boards: Any) -> None:
    with pytest.raises(MemkitError, match="boards= is a list of machine types, such as"):
        memkit.layouts("-m 1G", boards=boards)


# From info mtree -f of QEMU 7.2.
@pytest.mark.parametrize(("board", "start"), [
    ("virt (aarch64)", G), ("sbsa-ref", 1 << 40), ("vexpress-a15", 2 * G), ("pseries", 0), ("powernv9", 0),
    ("s390-ccw-virtio", 0), ("virt (riscv64)", 2 * G), ("sifive_u", 2 * G),
])
def test_other_boards_have_their_ram_in_one_piece(board: str, start: int) -> None:
    shown = memkit.layouts("-m 4G", boards=[board.partition(" ")[0]])
    assert (((start, 4 * G),), ()) == (shown[board].pieces, shown[board].holes)


def test_ram_with_peripherals_in_it_is_one_piece() -> None:
    shown = memkit.layouts("-m 1G", boards=["raspi3b"])
    assert (((0, G),), ()) == (shown["raspi3b"].pieces, shown["raspi3b"].holes)
    refused = memkit.layouts("-m 2G", boards=["raspi3b"])
    assert "Invalid RAM size, should be 1 GiB" == refused["raspi3b"].refusal


@pytest.mark.parametrize("board", [b for b in BOARDS if b.machine != "raspi3b"],
                         ids=lambda b: f"{b.machine}-{b.target}")
def test_a_board_has_a_window_for_memory_devices_if_its_facts_say_so(board: BoardMemory) -> None:
    shown = memkit.layouts("-m 4G,slots=2,maxmem=16G", boards=[board.machine])
    layout = shown[f"{board.machine} ({board.target})"]
    assert holds("7.2", board.devices) is (layout.window is not None) if board.devices else not layout.window


# From info mtree of real QEMUs.
@pytest.mark.parametrize(("board", "qemu", "line", "window"), [
    ("s390-ccw-virtio", "10.0", "-m 4G,slots=2,maxmem=8G", (4 * G, 4 * G)),
    ("s390-ccw-virtio", "7.2", "-m 4G,slots=2,maxmem=8G", None),
    ("pseries", "7.2", "-m 3G,slots=2,maxmem=8G", (3 * G, 5 * G)),
    ("virt", "7.2", "-m 3G,slots=2,maxmem=8G", (4 * G, 7 * G)),
])
def test_windows_for_memory_devices_lie_where_a_real_qemu_puts_them(
    board: str, qemu: str, line: str, window: tuple[int, int] | None
) -> None:
    assert window == memkit.layouts(line, qemu=qemu, boards=[board])[board].window
