"""The recorder of boards' windows tells devices from containers, and which feature each window needs."""

from __future__ import annotations

from typing import Any

import pytest

from tools.record.ask import Answer, Binary
from tools.record.board_trees import read_boards_tree
from tools.record.board_windows import Board
from tools.record.windows import read_flat

ROW = "{:016x}-{:016x} (prio {}, {}): {}"


def row(depth: int, first: int, last: int, name: str, kind: str = "i/o", priority: int = 0) -> str:
    return "  " * depth + ROW.format(first, last, priority, kind, name)


TREE = "\n".join([
    "address-space: cpu-memory-0", "address-space: memory",
    row(1, 0, (1 << 64) - 1, "system"),
    row(2, 0, 0xFFFF, "ram", "ram"),
    row(2, 0x2000_0000, 0x2000_0FFF, "usb"),
    row(3, 0x2000_0040, 0x2000_004F, "ports"),
    row(2, 0x3000_0000, 0x3000_FFFF, "platform bus"),
    row(2, 0x4000_0000, 0x4FFF_FFFF, "alias mmio @bus 0000000040000000-000000004fffffff"),
    row(2, 0x5000_0000, 0x5000_0FFF, "below"),
    row(2, 0x5000_0000, 0x5000_1FFF, "above"),
    "", "memory-region: bus",
    row(1, 0, (1 << 64) - 1, "bus"),
    row(2, 0, (1 << 64) - 1, "devices"),
    row(3, 0x4000_0000, 0x4000_00FF, "bar"),
    row(3, 0xA_0000, 0xA_FFFF, "low"),
    "",
])
FLAT = "\n".join([
    "FlatView #0", ' AS "memory", root: system', " Root memory region: system",
    row(1, 0, 0xFFFF, "ram", "ram"),
    row(1, 0x2000_0040, 0x2000_004F, "ports"),
    row(1, 0x4000_0000, 0x4000_00FF, "bar"),
    row(1, 0x4000_0100, 0x4FFF_FFFF, "bus @0000000040000100"),
    row(1, 0x5000_0000, 0x5000_1FFF, "above"),
    "",
])


def told(name: str) -> dict[str, Any]:
    tree = read_boards_tree(TREE, read_flat(FLAT)["memory"])
    return next(region.plain() for _, region in tree.walk() if region.name == name)


def test_what_never_answers_is_a_container() -> None:
    assert told("platform bus")["kind"] == "container"
    assert told("usb")["kind"] == "container"
    assert told("devices")["kind"] == "container"


def test_what_answers_is_none_even_behind_an_alias() -> None:
    assert "kind" not in told("ports")
    assert "kind" not in told("bar")
    assert "kind" not in told("bus")


def test_a_device_that_is_hidden_or_never_shown_is_none() -> None:
    assert "kind" not in told("below")
    assert "kind" not in told("low")


def test_subregions_lie_relative_to_the_region_around() -> None:
    assert told("usb")["inside"] == [{"name": "ports", "at": "0x40", "size": "0x10"}]


def test_an_alias_names_its_target_and_the_offset_there() -> None:
    assert told("mmio") == {
        "name": "mmio", "at": "0x40000000", "size": "0x10000000", "alias": "bus", "offset": "0x40000000",
    }


def test_the_winner_of_an_overlap_is_known_from_the_flat_view() -> None:
    tree = read_boards_tree(TREE, read_flat(FLAT)["memory"])
    below, above = tree.system[-2:]
    assert tree.wins(above, below)
    assert not tree.wins(below, above)


class Virt(Binary):
    """An Arm board that exchanges a controller for two, one of which needs another option, too."""

    target, only = "arm", ""

    def __init__(self) -> None:
        pass

    def start(self, argv: Any, questions: Any = (), seconds: float = 30.0, look: Any = None) -> Answer:
        if {"its=off", "secure=on", "iommu=smmuv3", "nvdimm=on", "msi=off", "-bios"} & {*argv}:
            return Answer(stderr=["Property not found"])
        ram = 0x1000_0000 if "3G" in argv else 0x8_0000
        rows = [row(2, 0x1000, 0x1FFF, "uart"), row(2, ram, ram + 0xFFF, "behind-ram")]
        if "gic-version=3" not in argv:
            rows.append(row(2, 0x5000, 0x5FFF, "old"))
        else:
            rows.append(row(2, 0x5000, 0x6FFF, "new"))
            if "virtualization=on" in argv:
                rows.append(row(2, 0x7000, 0x7FFF, "for-guests"))
        head = "FlatView #0\n" + ' AS "memory", root: system\n'
        flat = "\n".join(line[2:] for line in rows)
        tree = "address-space: memory\n" + "\n".join([row(1, 0, (1 << 64) - 1, "system"), *rows])
        return Answer(results=[tree, head + flat], started=True)

    def help(self, *words: str) -> str:
        return "Supported machines are:\nvirt-7.2    QEMU 7.2 ARM Virtual Machine\n"


@pytest.fixture
def board() -> Board:
    return Board(Virt(), "virt", "firmware.bin")


def test_a_feature_that_qemu_refuses_is_forgotten(board: Board) -> None:
    assert list(board.features) == ["gic3", "virtualization", "uart2"]


def test_a_window_knows_the_features_that_bring_it_and_that_take_it_away(board: Board) -> None:
    system, outside = board.record()
    assert [region.plain() for region in system] == [
        {"name": "uart", "at": "0x1000", "size": "0x1000"},
        {"name": "new", "at": "0x5000", "size": "0x2000", "when": ["gic3"]},
        {"name": "old", "at": "0x5000", "size": "0x1000", "unless": ["gic3"]},
        {"name": "for-guests", "at": "0x7000", "size": "0x1000", "when": ["gic3", "virtualization"]},
    ]
    assert outside == []


def test_a_window_that_moves_with_ram_is_left_out(board: Board) -> None:
    system, _ = board.record()
    assert "behind-ram" not in {region.name for region in system}


def test_a_machine_type_without_options_shows_its_features(board: Board) -> None:
    system, _ = board.record()
    assert board.defaults(system) == [("7.2", [])]
