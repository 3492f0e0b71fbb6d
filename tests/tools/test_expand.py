"""Recorded facts can be written out in full, and packed again without a loss."""

from __future__ import annotations

import json
from typing import Any

import pytest

from memkit.boards.catalog import data_file
from tools.record.expand import COMPACT, EXPAND, woven


def load(room: str, version: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(data_file(room, f"x86_64-{version}.json").read_text(encoding="utf-8"))
    return loaded


@pytest.mark.parametrize("version", ["7.2", "8.2", "10.0"])
@pytest.mark.parametrize("room", ["devices", "machines", "windows"])
def test_what_was_written_out_packs_into_the_same_file(room: str, version: str) -> None:
    facts = load(room, version)
    packed = COMPACT[room](EXPAND[room](facts))
    # QEMU lists some flags twice; once is enough.
    for each in (facts, packed):
        if "cpu_flags" in each:
            each["cpu_flags"] = sorted(set(each["cpu_flags"].split()))
    assert facts == packed


def test_a_board_like_pc_is_written_out_and_shares_nothing_with_it() -> None:
    row = EXPAND["devices"](load("devices", "7.2"))["devices"]["e1000"]
    assert "pc" == load("devices", "7.2")["devices"]["e1000"]["q35"]
    assert row["pc"] == row["q35"]
    row["q35"]["blocks"].append("more")
    assert row["pc"] != row["q35"]


def test_a_property_stands_under_its_name() -> None:
    assert "bool|true" == EXPAND["devices"](load("devices", "7.2"))["devices"]["VGA"]["props"]["edid"]
    values = EXPAND["machines"](load("machines", "7.2"))["machines"]["pc-q35-7.2"]["values"]
    assert '"bios-256k.bin"' == values["firmware"]


def test_each_machine_type_has_its_own_start_and_outcome() -> None:
    facts = EXPAND["machines"](load("machines", "7.2"))
    assert "pc.ram 0x0 0x40000000 0x40000000 4K" == facts["starts"]["default"]["pc-i440fx-1.4"]["blocks"][0]
    assert "starts" == facts["outcomes"]["maxmem"]["pc-q35-4.0.1"]
    assert "%/vga.vram=16M %/vga.rom=64K <- vgabios-stdvga.bin" == facts["devices"]["VGA"]["pc-i440fx-3.0"]


def test_the_features_that_tcg_lacks_are_named() -> None:
    lacks = EXPAND["machines"](load("machines", "7.2"))["cpus"]["Broadwell"]["tcg_lacks"]
    assert "CPUID.01H:ECX.pcid [bit 17]" == next(iter(lacks))


@pytest.mark.parametrize(
    ("old", "new", "both"),
    [("abc", "abc", "abc"), ("axb", "ab", "axb"), ("xa", "ab", "xab"), ("", "ab", "ab"), ("ba", "ab", "ab")],
)
def test_two_orders_become_one_that_keeps_the_newer(old: str, new: str, both: str) -> None:
    assert list(both) == woven(old, new)
