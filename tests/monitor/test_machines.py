"""Flattening the parsed ``info mtree`` gives the RAM and ROM ranges that QEMU printed, on every recorded board."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from recorded import RECORDED, read_rows

import memkit
from memkit.errors import MemkitError
from memkit.memory.flatview import FlatView, render
from memkit.monitor.parser import read_monitor

ROOT = Path(__file__).parents[2]
# Of two that overlap with equal priority the text does not tell which is on top.  Everywhere else it is the
# smaller one; this board hides a table of ROM below RAM, where no guest sees it.
HIDDEN = {("11.1", "hexagon", "V66G_1024"): "config_table.rom"}
# One for each family of targets, started where it is installed.
LIVE = (
    ("aarch64", "virt"), ("arm", "raspi2b"), ("avr", "mega"), ("microblaze", "petalogix-s3adsp1800"), ("mips", "malta"),
    ("ppc", "mac99"), ("ppc64", "pseries"), ("riscv64", "virt"), ("s390x", "s390-ccw-virtio"), ("sparc", "SS-5"),
    ("sh4", "r2d"), ("x86_64", "q35"), ("xtensa", "lx60"),
)


@cache
def boards(qemu: str) -> list[dict[str, Any]]:
    """The machine types of data/captures/machines-QEMU.jsonl.gz."""
    return read_rows(ROOT / "data" / "captures" / f"machines-{qemu}.jsonl.gz")[1:]


def memory(view: FlatView) -> list[str]:
    """The ranges that are memory: RAM, ROM and flash."""
    return [str(r) for r in view.ranges if r.type != "i/o"]


def name(row: dict[str, Any]) -> str:
    return f"{row['target']}-{row['machine']}"


CASES = [pytest.param(qemu, row, id=f"{qemu}-{name(row)}") for qemu in RECORDED for row in boards(qemu)]


def test_the_proof_covers_many_boards_of_many_targets() -> None:
    for qemu in RECORDED:
        assert len({row["machine"] for row in boards(qemu)}) >= 60
        assert len({row["target"] for row in boards(qemu)}) >= 8


@pytest.mark.parametrize(("qemu", "row"), CASES)
def test_flattening_the_tree_gives_the_ram_and_rom_that_qemu_printed(qemu: str, row: dict[str, Any]) -> None:
    texts = row["hmp"]
    tree = read_monitor(texts["info mtree"])
    flat = read_monitor(texts["info mtree -f"])
    found, wanted = memory(render(tree.address_space("memory").root)), memory(flat.flat_view("memory"))
    hidden = HIDDEN.get((qemu, row["target"], row["machine"]))
    if hidden is None:
        assert found == wanted
    else:
        assert found != wanted
        assert any(hidden in note and "overlap with equal priority" in note for note in tree.notes)


@pytest.mark.parametrize(("qemu", "row"), CASES)
def test_tree_and_flat_view_pasted_together_show_what_qemu_printed(qemu: str, row: dict[str, Any]) -> None:
    texts = row["hmp"]
    guest = memkit.read_monitor("".join(f"(qemu) {c}\r\n" + t.replace("\n", "\r\n") for c, t in texts.items()))
    printed = read_monitor(texts["info mtree -f"]).flat_view("memory")
    assert [str(r) for r in guest.flat_view("memory").ranges] == [str(r) for r in printed.ranges]
    assert len(guest.ram_blocks) == len(texts["info ramblock"].splitlines()) - 1
    assert (guest.target, guest.qemu, guest.config, guest.door) == ("unknown", "unknown", None, "text")


@pytest.mark.parametrize(("target", "machine"), LIVE)
def test_an_installed_qemu_is_flattened_as_it_does_itself(target: str, machine: str) -> None:
    program = f"qemu-system-{target}"
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    try:
        texts = memkit.launch(["-M", machine], qemu=program).raw_monitor
    except MemkitError as e:
        pytest.skip(f"{program} -M {machine} does not start here: {e}"[:200])
    tree = read_monitor(texts["info mtree"])
    flat = read_monitor(texts["info mtree -f"])
    assert memory(render(tree.address_space("memory").root)) == memory(flat.flat_view("memory"))
