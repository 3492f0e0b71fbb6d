"""The cheat sheet says what the model, and so QEMU, does; it fits on two pages."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import memkit
from memkit.cli import main
from memkit.errors import MemkitError
from memkit.hazards.rule import SEVERITIES
from memkit.monitor.parse_text import COMMANDS

SHEET = (Path(__file__).resolve().parents[2] / "docs" / "cheat-sheet.md").read_text(encoding="utf-8")
FULL = ("-M q35,nvdimm=on -m 4G,slots=4,maxmem=16G -object memory-backend-ram,id=m1,size=1G "
        "-device pc-dimm,memdev=m1")


def table(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its head."""
    part = SHEET.partition(f"## {heading}")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def code(cell: str) -> str:
    """What stands in backquotes in a cell, "" if nothing does."""
    found = re.search(r"`([^`]+)`", cell)
    return found[1] if found else ""


OPTIONS = table("From the option to the host")


@pytest.mark.parametrize("row", [row for row in OPTIONS if code(row[0]).startswith("-m")
                                 or code(row[0]).startswith("-M")], ids=lambda row: code(row[0])[-24:])
def test_an_option_makes_the_backend_the_block_and_the_region_that_are_said(row: list[str]) -> None:
    line, backend = code(row[0]), code(row[1])
    guest = memkit.boot(line if "-M" in line else f"-M q35 {line}")
    made = next(b for b in guest.backends if b.id == (backend or "pc.ram"))
    assert (backend == "") == made.implicit
    if not backend:
        assert made.type == f"memory-backend-{row[1].rpartition(' ')[2]}"
    names = [block.idstr for block in guest.ram_blocks]
    name = code(row[2])
    assert "" in names if row[2].startswith("no name") else any(n.endswith(name) for n in names)
    kind = "nv-ram" if row[3].startswith("nv-ram") else "ram"
    assert re.search(rf"\(prio \d+, {kind}\): {re.escape(made.id)}\b", guest.monitor("info mtree -f"))
    assert made.share == row[4].endswith("shared")


def test_blocks_without_a_backend_have_the_names_that_are_said(
) -> None:
    names = [block.idstr for block in memkit.boot("-M q35 -m 4G -vga std").ram_blocks]
    said = [code(row[2]) for row in OPTIONS if row[1] == "none" and "flash" not in row[0]]
    assert ["/vga.vram", "pc.bios"] == said
    assert all(any(name.endswith(word) for name in names) for word in said)


@pytest.mark.parametrize("row", table("Monitor commands"), ids=lambda row: code(row[0]))
def test_the_columns_of_the_monitor_are_those_that_are_said(row: list[str]) -> None:
    assert code(row[0]) in COMMANDS
    shown = memkit.boot(FULL, qemu="11.1").monitor(code(row[0]))
    words = [word for word in re.findall(r"`([^`]+)`", row[1]) if "NAME" not in word]
    assert [] == [word for word in words if word not in shown]


def test_the_monitor_commands_are_all_there() -> None:
    assert list(COMMANDS) == [code(row[0]) for row in table("Monitor commands")]


def test_hva_and_ro_came_with_8_0() -> None:
    head = memkit.boot("-m 1G").monitor("info ramblock").splitlines()[0]
    assert ["Block", "Name", "PSize", "Offset", "Used", "Total"] == head.split()


def test_the_address_spaces_are_those_of_a_guest() -> None:
    there = [space.name for space in memkit.boot(FULL).address_spaces]
    assert [] == [code(row[0]) for row in table("Address spaces") if code(row[0]) not in there]


def test_the_severities_are_all_there_worst_first() -> None:
    assert list(SEVERITIES) == [code(row[0]) for row in table("Severities of hazards, worst first")]


@pytest.mark.parametrize("row", table("Capabilities of migration that exclude each other"),
                         ids=lambda row: f"{code(row[0])}+{code(row[1])}")
def test_capabilities_exclude_each_other_in_the_releases_that_are_said(row: list[str]) -> None:
    found = []
    for release in ("7.2", "10.0", "11.1"):
        guest = memkit.boot("-m 1G", qemu=release)
        outlook = memkit.migrate(guest, guest, capabilities=(code(row[0]), code(row[1])))
        unknown = "does not accept value" in outlook.message
        found.append("unknown" if unknown else "refused" if outlook.outcome == "refused" else "taken")
    assert row[2:] == found


def test_ten_commands_of_memkit_work(capsys: pytest.CaptureFixture[str]) -> None:
    commands = [code(row[0]) for row in table("Ten commands of memkit")]
    assert 10 == len(set(commands))
    for command in commands:
        # diff ends with 1 where it finds a difference.
        assert main(shlex.split(command)[1:]) == (1 if " diff " in command else 0), command
        assert capsys.readouterr().out


def test_names_of_the_face_exist() -> None:
    for name in re.findall(r"memkit\.(\w+)\(", SHEET):
        assert hasattr(memkit, name)
    guest = memkit.boot("-m 1G")
    for name in re.findall(r"`\.(\w+)\(\)`", SHEET):
        assert hasattr(guest, name)
    with pytest.raises(MemkitError):
        guest.monitor("info pci")
