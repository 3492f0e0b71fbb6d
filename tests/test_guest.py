"""One object, three doors: a Guest answers the same questions wherever it came from."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

import memkit
from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.monitor.parse_text import COMMANDS
from memkit.monitor.parser import read

LINE = "-m 4G,slots=4,maxmem=16G -object memory-backend-ram,id=m1,size=1G -device pc-dimm,id=d1,memdev=m1"


@pytest.fixture(scope="module")
def guest() -> Guest:
    return memkit.boot(LINE)


def test_memory_is_the_first_address_space_and_the_default(guest: Guest) -> None:
    assert guest.address_spaces[0].name == "memory"
    assert guest.address_space() is guest.address_spaces[0]
    assert guest.flat_view() is guest.flat_view("memory") is guest.main_flat_view


@pytest.mark.parametrize("name", ["", "Memory", "memory ", None, 5])
def test_an_unknown_address_space_is_told_with_the_known_ones(guest: Guest, name: Any) -> None:
    with pytest.raises(MemkitError) as caught:
        guest.flat_view(name)
    assert str(caught.value).startswith(f"no address space is called {name!r}; this guest has: memory, I/O, ")


def test_a_guest_without_address_spaces_says_so() -> None:
    with pytest.raises(MemkitError, match="this guest has: none"):
        read({"info numa": "0 nodes\n"}).flat_view()


@pytest.mark.parametrize("command", ["", "info", "info foo", "info mtree -x", "help", None, 5])
def test_an_unknown_monitor_command_is_told_with_the_known_ones(guest: Guest, command: Any) -> None:
    with pytest.raises(MemkitError, match="is not known here; try one of: info ramblock, info mtree, "):
        guest.monitor(command)


def test_blanks_around_and_between_words_of_a_command_do_not_matter(guest: Guest) -> None:
    assert guest.monitor("  info   mtree  -f ") == guest.monitor("info mtree -f")


def test_ram_blocks_come_in_the_order_of_creation_and_devices_by_address(guest: Guest) -> None:
    offsets = [b.offset for b in guest.ram_blocks]
    assert offsets == sorted(offsets)
    assert [b.idstr for b in guest.ram_blocks[:4]] == ["m1", "pc.ram", "pc.bios", "pc.rom"]
    assert [d.addr for d in guest.memory_devices] == [0x1_4000_0000]


def test_all_parts_are_linked_to_each_other(guest: Guest) -> None:
    dimm = next(f for f in guest.frontends if f.id == "d1")
    (block,) = dimm.blocks
    assert block is guest.ram_blocks[0]
    assert block.backend is dimm.backend
    assert block.backend in guest.backends
    found = guest.flat_view().find(0x1_4000_0000)
    assert found is not None
    assert found.region.block is block
    assert found.region in dimm.regions


def test_a_guest_is_not_changed_by_looking_at_it(guest: Guest) -> None:
    before = [guest.monitor(c) for c in COMMANDS]
    str(guest.explain(0))
    guest.flat_view("I/O")
    assert [guest.monitor(c) for c in COMMANDS] == before
    with pytest.raises(FrozenInstanceError):
        guest.qemu = "8.0"  # type: ignore[misc]


def test_a_guest_is_printed_in_one_line(guest: Guest) -> None:
    assert str(guest) == "pc-i440fx-7.2 guest, QEMU 7.2: 10 RAMBlocks, 5 GiB of RAM, 1 memory device"
    assert str(guest) in repr(guest)


@pytest.mark.needs_qemu
def test_the_three_doors_lead_to_the_same_answers(guest: Guest) -> None:
    real = memkit.launch(LINE)
    text = read(real.raw_monitor)
    assert (guest.door, real.door, text.door) == ("model", "observed", "text")
    for other in (real, text):
        assert str(other.flat_view()) == str(guest.flat_view())
        assert [b.idstr for b in other.ram_blocks] == [b.idstr for b in guest.ram_blocks]
        assert [(d.id, d.addr, d.slot) for d in other.memory_devices] == [("d1", 0x1_4000_0000, 0)]
        assert {b.id for b in other.backends} == {"m1", "pc.ram"}
        assert other.explain("5G").summary == guest.explain("5G").summary
        assert other.flat_view().find(0).region.block.idstr == "pc.ram"  # type: ignore[union-attr]


def test_what_is_not_exact_about_a_guest_is_told_with_it() -> None:
    guest = memkit.boot("-m 1G", qemu="10.2")

    assert str(guest).endswith(
        "0 memory devices. Note: QEMU 10.2 is not known here; the facts are those of QEMU 10.0")
    assert "Note" not in str(memkit.boot("-m 1G"))


def test_a_guest_read_from_text_says_what_nobody_told() -> None:
    """No guest is without RAM and no rule has looked at a line that is not there."""
    model = memkit.boot("-m 1G -nodefaults")
    tree = memkit.read_monitor(model.monitor("info mtree"))
    assert str(tree).startswith("pc guest, QEMU unknown: RAMBlocks unknown. Note: ")
    assert tree.hazards().heading == (
        "No hazard found. The command line is not known, and most rules look at it: ask again with the line."
    )
    blocks = memkit.read_monitor(model.monitor("info ramblock"))
    found = blocks.all_of_ram("main-ram")
    assert not found.certain
    assert [(m.state, m.reason) for m in found.members if m.block.idstr == "pc.ram"] == [
        ("unknown", "the text has no answer to info memdev"),
    ]
