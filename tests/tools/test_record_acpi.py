"""The recorder of ACPI tables reads them from a paused QEMU's memory, and measures their pieces."""

from __future__ import annotations

import json
import mmap
import os
import struct
from pathlib import Path

import pytest

from memkit.errors import MemkitError
from tools.record.__main__ import main
from tools.record.acpi import SCRIPT, Pieces
from tools.record.aml import Dsdt, Tables, read_memory, read_tables
from tools.record.ask import Binary
from tools.record.files import write_spaced

ROOT = Path(__file__).parents[2]


def table(name: str, content: bytes = b"") -> bytes:
    """A table: signature, length of the whole, content."""
    return name.encode() + struct.pack("<I", 8 + len(content)) + content


def piece(kind: bytes, content: bytes) -> bytes:
    """A piece of byte code with its length in front, in one byte or in two."""
    size = len(content) + 1
    if size < 64:
        return kind + bytes([size]) + content
    size += 1
    return kind + bytes([0x40 | size & 15, size >> 4]) + content


# -- tables


def test_tables_follow_each_other_up_to_the_one_that_points_at_them() -> None:
    block = table("FACS", bytes(56)) + table("DSDT", b"abc") + 2 * table("SSDT") + table("RSDT", b"x")
    found = read_tables(block + bytes(100))
    assert found is not None
    assert [("FACS", 64), ("DSDT", 11), ("SSDT", 8), ("SSDT", 8), ("RSDT", 9)] == [
        (name, len(content)) for name, content in found.found
    ]
    assert (100, 16, 0) == (found.size, found.length("SSDT"), found.length("HPET"))


@pytest.mark.parametrize(
    "block",
    [
        b"", bytes(64), table("HPET") + table("RSDT"), table("FACS"), table("FACS") + bytes(40),
        b"DSDT" + bytes([200, 0, 0, 0]), b"DSDT" + bytes([7, 0, 0, 0]),
    ],
    ids=["nothing", "zeros", "another first", "no last", "then zeros", "too long", "too short"],
)
def test_what_is_not_a_row_of_tables_is_none(block: bytes) -> None:
    assert read_tables(block) is None


def test_tables_are_found_where_a_page_of_memory_begins() -> None:
    block = table("FACS") + table("RSDT", b"these are the ones")
    with mmap.mmap(-1, 3 * mmap.PAGESIZE, flags=mmap.MAP_PRIVATE) as memory:
        memory[mmap.PAGESIZE:mmap.PAGESIZE + len(block)] = block
        found = read_memory(os.getpid())
        assert found is not None
        assert b"these are the ones" in found.found[-1][1]


def test_a_process_that_is_not_there_is_a_message() -> None:
    with pytest.raises(MemkitError, match=r"the memory of QEMU cannot be read: No such file or directory"):
        read_memory(2 ** 30)


# -- byte code


def _code(more: bytes = b"") -> bytes:
    slot = piece(b"\x5b\x82", b"S08_" + bytes(70))
    scope = piece(b"\x10", b"PCI0" + piece(b"\x5b\x82", b"S00_xy") + slot + piece(b"\x14", b"PCNTz") + more)
    cpus = piece(b"\x5b\x82", b"\\._SB_CPUS" + bytes(20))
    return b"head" + piece(b"\x10", b"\\_SB_" + cpus) + piece(b"\x10", b"\\_SB_" + scope) + b"tail"


def test_pci_slots_are_measured_by_their_content() -> None:
    dsdt = Dsdt(_code())
    assert {"S00_": 6, "S08_": 74, "PCNT": 5} == {n: len(p.content) for n, p in dsdt.slots.items()}
    assert len(_code()) - dsdt.outside == len(dsdt.pci.content) + 2 + 1 + 5 + 2 + 1


def test_what_is_outside_stays_when_a_slot_is_added() -> None:
    more = piece(b"\x5b\x82", b"S10_" + bytes(9))
    assert Dsdt(_code()).outside == Dsdt(_code(more)).outside
    assert "S10_" in Dsdt(_code(more)).slots


def test_all_cpus_are_in_a_device_and_a_scope_around_it() -> None:
    cpus = 10 + 20
    assert [cpus, 5 + 2 + 1 + cpus] == Dsdt(_code().replace(b"\\_SB_[", b"\\._SB[")).cpus()


def test_byte_code_in_another_form_is_a_message() -> None:
    with pytest.raises(MemkitError, match="no scope with PCI slots in a form that this recorder knows"):
        _ = Dsdt(b"nothing").pci
    with pytest.raises(MemkitError, match="no device with all CPUs"):
        Dsdt(b"nothing").cpus()


# -- the file


def test_a_file_has_a_section_on_each_line(tmp_path: Path) -> None:
    write_spaced(tmp_path / "new" / "a.json", {"about": {"script": "é"}, "cpus": [1, 2], "no": {"pc": None}})
    text = (tmp_path / "new" / "a.json").read_text(encoding="utf-8")
    assert '{\n  "about": {\n    "script": "é"\n  },\n  "cpus": [1, 2],\n  "no": {"pc": null}\n}\n' == text


@pytest.mark.parametrize("release", ["5.2", "7.2", "10.0", "11.1"])
def test_a_file_says_that_this_recorder_made_it(release: str) -> None:
    path = ROOT / "data" / "acpi" / f"x86_64-{release}.json"
    about = json.loads(path.read_text(encoding="utf-8"))["about"]
    assert SCRIPT == about["script"]


def test_mistakes_end_in_a_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == main(["acpi", "--binary", "/no/qemu"])
    assert capsys.readouterr().err.startswith("record: there is no program /no/qemu")


# -- a real QEMU


@pytest.mark.needs_qemu
def test_pieces_of_a_real_qemu_are_those_that_the_project_has_recorded(qemu: str) -> None:
    binary = Binary(qemu)
    if binary.release != (7, 2):
        pytest.skip("compared with what the project has of QEMU 7.2")
    old = json.loads((ROOT / "data" / "acpi" / "x86_64-7.2.json").read_text(encoding="utf-8"))
    pieces = Pieces(binary)
    bare = pieces.tables("-M pc")
    assert isinstance(bare, Tables)
    assert (old["cpus"], old["dsdt"]["pc"][0][1]) == (bare.dsdt.cpus(), bare.dsdt.outside)
    pci = bare.dsdt.slots["S08_"]
    assert old["pci"]["own"]["PIIX3"] == len(pci.content) - 4 - 5 - 5
    assert old["serial"][:1] == pieces._ports("-serial", 1)
    assert old["microvm"] == pieces._microvm()


@pytest.mark.needs_qemu
def test_a_machine_without_tables_is_a_message(qemu: str) -> None:
    pieces = Pieces(Binary(qemu))
    assert pieces.start("-M pc,acpi=off") is None
    with pytest.raises(MemkitError, match="has no ACPI tables for -M nosuch"):
        pieces.tables("-M nosuch")
