"""isapc: what each release's real QEMU showed of it, and what sets this board apart.

data/captures/isapc-VERSION.jsonl.gz has some 70 command lines; ``info mtree`` is among the answers.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from recorded import RECORDED, read_rows

import memkit
from memkit.boards.catalog import data_file

SPACE = "address-space: "


@cache
def captures(qemu: str) -> tuple[memkit.Host, list[dict[str, Any]]]:
    head, *found = read_rows(data_file("captures", f"isapc-{qemu}.jsonl.gz"))
    return memkit.Host.from_dict(head["host"]), found


def boot(argv: list[str], qemu: str) -> memkit.Guest | str:
    """The guest, or the first line of the refusal."""
    try:
        return memkit.boot(argv, qemu=qemu, host=captures(qemu)[0])
    except memkit.Refused as refused:
        return refused.message.partition("\n")[0]


def words(text: str) -> list[list[str]]:
    """Lines as words, without host addresses."""
    host_address = r"\s0x[0-9a-f]{16}(?=\s+r[ow]$)|\sHVA(?=\s+RO$)"
    return [re.sub(host_address, "", line.rstrip()).split() for line in text.splitlines() if line.strip()]


def backends(text: str) -> list[list[list[str]]]:
    return sorted(words(part) for part in text.split("memory backend: "))


def trees(text: str) -> dict[str, list[str]]:
    """The tree of each address space, whatever the order and the grouping of the stanzas."""
    found = {}
    for stanza in text.replace("\r", "").split("\n\n"):
        lines = stanza.strip("\n").splitlines()
        for line in lines:
            if line.startswith(SPACE):
                found[line.removeprefix(SPACE)] = [rest for rest in lines if not rest.startswith(SPACE)]
    return found


@pytest.mark.parametrize("qemu", RECORDED)
def test_isapc_starts_or_is_refused_in_the_words_of_each_release(qemu: str) -> None:
    wrong = []
    for row in captures(qemu)[1]:
        found = boot(row["argv"], qemu)
        said = found if isinstance(found, str) else ""
        if said != row.get("refusal", ""):
            wrong.append((" ".join(row["argv"]), row.get("refusal", "starts"), said or "starts"))
    assert wrong == []


@pytest.mark.parametrize("qemu", RECORDED)
def test_isapc_looks_in_the_monitor_as_in_each_release(qemu: str) -> None:
    wrong, compared = [], 0
    for row in captures(qemu)[1]:
        found = boot(row["argv"], qemu)
        if "hmp" not in row or isinstance(found, str):
            continue
        compared += 1
        texts = row["hmp"]
        ranges = [line.strip() for line in texts["memory flatview"].splitlines() if line.strip()]
        same = {
            "info ramblock": words(texts["info ramblock"]) == words(found.monitor("info ramblock")),
            "info memdev": backends(texts["info memdev"]) == backends(found.monitor("info memdev")),
            "info numa": words(texts["info numa"]) == words(found.monitor("info numa")),
            "info mtree -f": ranges == list(map(str, found.flat_view("memory").ranges)),
            "info mtree": trees(texts["info mtree"]) == trees(found.monitor("info mtree")),
        }
        wrong += [(" ".join(row["argv"]), command) for command, equal in same.items() if not equal]
    assert compared > 35
    assert wrong == []


def test_bios_and_option_rom_area_are_ram_that_the_guest_may_write_to() -> None:
    kinds = {r.region.name: r.region.kind for r in memkit.boot("-M isapc -m 64M").flat_view("memory").ranges}
    assert kinds == {"pc.ram": "ram", "cirrus-low-memory": "i/o", "pc.rom": "ram", "pc.bios": "ram"}


def test_no_window_lies_in_front_of_ram_but_that_of_the_graphics_card() -> None:
    root = memkit.boot("-M isapc -nodefaults").flat_view("memory").root
    assert root is not None
    assert {r.name for r in root.subregions} == {"pc.rom", "isa-bios", "ram-below-4g", "pc.bios"}


def test_there_are_no_acpi_tables_and_no_pci_devices() -> None:
    guest = memkit.boot("-M isapc")
    assert {block.idstr for block in guest.ram_blocks} == {"pc.ram", "vga.vram", "pc.bios", "pc.rom"}
    assert sorted(s.name for s in guest.address_spaces) == ["I/O", "cpu-memory-0", "cpu-smm-0", "memory"]


@pytest.mark.parametrize(("line", "ports"), [
    ("", [0x300]), ("-nic none", []), ("-nodefaults", []),
    ("-net nic -net nic -net nic", [0x300, 0x320, 0x340]),
    ("-net nic " * 7, [0x280, 0x300, 0x320, 0x340, 0x360, 0x380]),
])
def test_isa_nics_take_one_place_after_the_other_until_none_is_left(line: str, ports: list[int]) -> None:
    io = next(s for s in memkit.boot(f"-M isapc {line}").address_spaces if s.name == "I/O")
    assert io.root is not None
    assert sorted(r.addr for r in io.root.subregions if r.name == "ne2000") == ports


@pytest.mark.parametrize(("qemu", "line", "said"), [
    ("7.2", "-vga virtio", ["isa_vga_init: virtio-vga: no PCI bus"]),
    ("7.2", "-cpu qemu64", []),
    ("11.1", "-cpu qemu64 -m 1G", ["warning: cpu type qemu64-x86_64-cpu is deprecated for isapc machine"]),
    ("11.1", "-cpu pentium3", []),
    ("10.0", "-nic user,model=e1000", [
        "warning: requested NIC (anonymous, model e1000) was not created (not supported by this machine?)"
    ]),
])
def test_what_isapc_warns_of(qemu: str, line: str, said: list[str]) -> None:
    assert [w for w in memkit.boot(f"-M isapc {line}", qemu=qemu).warnings if "has no peer" not in w] == said


def test_a_serial_port_behind_none_comes_first_only_in_older_releases() -> None:
    found = {}
    for qemu in RECORDED:
        guest = memkit.boot("-M isapc -serial none -serial null", qemu=qemu)
        io = next(s for s in guest.address_spaces if s.name == "I/O")
        assert io.root is not None
        found[qemu] = [hex(r.addr) for r in io.root.subregions if r.name == "serial"]
    assert found == {"5.2": ["0x3f8"], "7.2": ["0x2f8"], "10.0": ["0x2f8"], "11.1": ["0x2f8"]}


@pytest.mark.parametrize(("view", "words"), [
    (lambda guest: str(guest.explain(0xFFFFFFF0)), ["pc.bios"]),
    (lambda guest: str(guest.explain(0xE0000)), ["isa-bios", "pc.bios"]),
    (lambda guest: str(guest.explain(0xF0000000)), ["Nobody"]),
    (lambda guest: str(guest.graph()), ["pc.ram", "ram-below-4g"]),
    (lambda guest: str(guest.map()), ["pc.ram"]),
    (lambda guest: str(guest.tables()), ["isapc"]),
])
def test_each_view_shows_a_board_without_pci(view: Any, words: list[str]) -> None:
    shown = view(memkit.boot("-M isapc"))
    assert [word for word in words if word not in shown] == []
