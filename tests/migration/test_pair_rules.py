"""The rules of two guests: each found where it holds, with the culprits' names, and nowhere near it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

import memkit
from memkit.hazards import FEATURES, OPERATIONS, RULES, SEVERITIES
from memkit.migration.rules import PAIR_RULES

SLOTS = "-m 64M,slots=4,maxmem=1G"
DIMM = f"{SLOTS} -object memory-backend-ram,id=m1,size=64M -device pc-dimm,id=d1,memdev=m1"
NVDIMM = f"-M nvdimm=on {SLOTS} -object memory-backend-ram,id=m1,size=64M -device"
NODES = ("-m 128M -object memory-backend-ram,id=a,size=64M -object memory-backend-ram,id=b,size=64M "
         "-numa node,memdev=a -numa node,memdev=b")
FILE = "-m 64M -M memory-backend=pc.ram -object memory-backend-file,id=pc.ram,size=64M,share=on,mem-path="
HUGE = ("-m 64M -M memory-backend=pc.ram "
        "-object memory-backend-memfd,id=pc.ram,hugetlb=on,hugetlbsize=2M,size=64M")
VIRTIO_MEM = f"{SLOTS} -object memory-backend-ram,id=m1,size=64M -device virtio-mem-pci,id=d1,memdev=m1"
FLASH = "-m 64M -drive if=pflash,format=raw,file=/f{}"
SHARED_DIMM = (f"{SLOTS} -object memory-backend-file,id=m1,size=64M,share=on,mem-path=/dev/shm/m1 "
               "-device pc-dimm,id=d1,memdev=m1")
POWER = "-m 256M -M pseries"
FILES = memkit.Host(files={"/f2": 2 << 20, "/f4": 4 << 20, "/b1": 128 << 10})


@dataclass(frozen=True)
class Pair:
    """Two lines, how they migrate, and whom the hazard names; the destination ``instead`` has it not."""

    source: str
    destination: str | None
    instead: str | None
    names: str
    how: dict[str, Any] = field(default_factory=dict)
    innocent: dict[str, Any] | None = None
    qemu: str = "7.2"
    target: str | None = None


POSTCOPY = {"mode": "postcopy", "capabilities": ["postcopy-ram"]}
SHARED = {"capabilities": ["x-ignore-shared"]}
EXAMPLES = {
    "migrate-ramblock-name-mismatch": Pair(
        "-m 64M", "-m 64M -M memory-backend=mem0 -object memory-backend-ram,id=mem0,size=64M",
        "-m 64M -M memory-backend=pc.ram -object memory-backend-ram,id=pc.ram,size=64M",
        "no pc.ram"),
    "numa-layout-change-breaks-migration": Pair(NODES, "-m 128M", NODES, "no a;"),
    "dimm-missing-on-destination": Pair(DIMM, SLOTS, DIMM, "no m1"),
    "migrate-option-rom-missing-on-dst": Pair(
        "-m 64M -device e1000", "-m 64M -device e1000,romfile=", "-m 64M -device e1000", "e1000.rom"),
    "migrate-device-address-in-block-name": Pair(
        "-m 64M -device VGA,addr=4", "-m 64M -device VGA,addr=5", "-m 64M -device VGA,addr=4",
        "04.0/vga.vram"),
    "migrate-ram-size-mismatch": Pair("-m 64M", "-m 128M", "-m 64M", "pc.ram has 0x4000000 bytes"),
    "migrate-bios-size": Pair("-m 64M", "-m 64M -bios /b1", "-m 64M", "pc.bios"),
    "migrate-pflash-size": Pair(FLASH.format(2), FLASH.format(4), FLASH.format(2), "system.flash0"),
    "migrate-vram-size-mismatch": Pair(
        "-m 64M -device VGA", "-m 64M -device VGA,vgamem_mb=8", "-m 64M -device VGA", "vga.vram"),
    "migrate-option-rom-size": Pair(
        "-m 64M -device e1000", "-m 64M -device e1000,romfile=/b1", "-m 64M -device e1000", "e1000.rom"),
    "postcopy-page-size-mismatch": Pair("-m 64M", HUGE, "-m 64M", "one bit for each page size", POSTCOPY),
    "precopy-page-size-mix-ok": Pair("-m 64M", HUGE, "-m 64M", "pc.ram has pages of 4 KiB"),
    "ppc-hugepage-migration": Pair(
        POWER, f"{POWER},cap-hpt-max-page-size=4k", f"{POWER},cap-hpt-max-page-size=16M", "pages of 64 KiB",
        target="ppc64"),
    "dimm-address-mismatch-migration": Pair(DIMM, f"{DIMM},addr=0x110000000", DIMM, "0x100000000 lies m1"),
    "max-ram-below-4g-mismatch-migration": Pair(
        "-m 128M", "-m 128M -M max-ram-below-4g=64M", "-m 128M -M max-ram-below-4g=1G", "lies pc.ram"),
    "dimm-extra-on-destination": Pair(SLOTS, DIMM, SLOTS, "d1"),
    "nvdimm-becomes-dimm-on-migration": Pair(
        f"{NVDIMM} nvdimm,id=d1,memdev=m1", f"{NVDIMM} pc-dimm,id=d1,memdev=m1",
        f"{NVDIMM} nvdimm,id=d1,memdev=m1", "d1 is a nvdimm"),
    "nvdimm-label-mismatch-migration": Pair(
        f"{NVDIMM} nvdimm,id=d1,memdev=m1", f"{NVDIMM} nvdimm,id=d1,memdev=m1,label-size=128K",
        f"{NVDIMM} nvdimm,id=d2,memdev=m1", "d1 shows 64 MiB"),
    "virtio-mem-migration-block-size": Pair(
        VIRTIO_MEM, f"{VIRTIO_MEM},block-size=4M", VIRTIO_MEM, "virtio-mem counts"),
    "ignore-shared-dest-not-shared": Pair(
        f"{FILE}/dev/shm/m", f"{FILE}/dev/shm/n", f"{FILE}/dev/shm/m", "/dev/shm/n", SHARED),
    "ignore-shared-gpa-mismatch": Pair(
        SHARED_DIMM, f"{SHARED_DIMM},addr=0x108000000", SHARED_DIMM, "m1 is at 0x0", SHARED),
    "ignore-shared-one-sided": Pair(
        "-m 64M", "-m 64M", None, "x-ignore-shared", SHARED | {"destination_capabilities": ()}, SHARED),
    "one-file-both-sides": Pair(f"{FILE}/dev/shm/m", f"{FILE}/dev/shm/m", f"{FILE}/dev/shm/n", "/dev/shm/m"),
    "multifd-one-sided": Pair(
        "-m 64M", "-m 64M", None, "one connection",
        {"capabilities": ["multifd"], "destination_capabilities": ()}, {"capabilities": ["multifd"]}),
    "postcopy-advise-one-sided": Pair(
        "-m 64M", "-m 64M", None, "postcopy-ram is off", POSTCOPY | {"destination_capabilities": ()},
        POSTCOPY),
    "mapped-ram-seekable": Pair(
        "-m 64M", "-m 64M", None, "mapped-ram", {"capabilities": ["mapped-ram"]},
        {"capabilities": ["mapped-ram"], "transport": "file"}, "10.0"),
    "mapped-ram-direct-io-multifd-fd": Pair(
        "-m 64M", "-m 64M", None, "direct-io",
        {"capabilities": ["multifd"], "parameters": {"direct-io": True}}, {"capabilities": ["multifd"]},
        "10.0"),
    "cpr-transfer-file-uri": Pair(
        "-m 64M", None, None, "cpr-transfer", {"parameters": {"mode": "cpr-transfer"}},
        {"parameters": {"mode": "cpr-reboot"}}, "10.0"),
}


def found(pair: Pair, line: str | None, how: dict[str, Any]) -> dict[str, memkit.Hazard]:
    """Id → hazard of the migration; both guests are on one machine."""
    guests = [
        None if one is None else memkit.boot(f"-nodefaults {one}", pair.target, pair.qemu, FILES)
        for one in (pair.source, line)
    ]
    return {hazard.id: hazard for hazard in memkit.migrate(*guests, **how).hazards}


def test_each_rule_has_an_example() -> None:
    # The table of a bare guest is never longer than its unit; see below.
    assert set(PAIR_RULES) - set(EXAMPLES) == {"migrate-resizeable-blocks-ok"}


@pytest.mark.parametrize("id", EXAMPLES)
def test_a_rule_is_found_where_it_holds_and_names_the_culprit(id: str) -> None:
    pair = EXAMPLES[id]
    hazard = found(pair, pair.destination, pair.how)[id]
    assert pair.names in " ".join([*hazard.sentences, hazard.title])


@pytest.mark.parametrize("id", EXAMPLES)
def test_a_rule_is_not_found_beside_it(id: str) -> None:
    pair = EXAMPLES[id]
    assert id not in found(pair, pair.destination if pair.instead is None else pair.instead,
                           pair.how if pair.innocent is None else pair.innocent)


@pytest.mark.parametrize("rule", PAIR_RULES.values(), ids=list(PAIR_RULES))
def test_a_rule_has_words_and_sources(rule) -> None:
    assert rule.severity in SEVERITIES
    assert rule.id not in RULES
    assert set(rule.features) <= set(FEATURES) | set(OPERATIONS)
    assert rule.why.count(". ") >= 1
    assert rule.why.endswith(".")
    assert rule.instead
    assert rule.sources
    assert all(": " in source and source[-1].isdigit() for source in rule.sources)


@pytest.mark.parametrize(("source", "destination"), [(0x20000, 0x40000), (0x40000, 0x20000)])
def test_tables_of_the_firmware_may_have_another_length(source: int, destination: int) -> None:
    guests = [memkit.boot("-m 64M -nodefaults") for _ in "ab"]
    for guest, length in zip(guests, (source, destination), strict=True):
        table = next(block for block in guest.ram_blocks if block.idstr == "/rom@etc/acpi/tables")
        table.used_length = length
    outlook = memkit.migrate(*guests)
    assert outlook.outcome == "completes"
    assert "migrate-resizeable-blocks-ok" in {hazard.id for hazard in outlook.hazards}


def test_two_equal_guests_on_two_hosts_have_no_hazard() -> None:
    for qemu in ("10.0", "11.1"):
        pair = [memkit.boot("-m 4G -accel kvm", qemu=qemu) for _ in "ab"]
        assert memkit.migrate(*pair).hazards == []


def test_all_culprits_are_told_and_not_the_first_alone() -> None:
    left, right = memkit.boot("-m 64M -vga std"), memkit.boot("-m 128M -vga cirrus")
    ids = {hazard.id for hazard in memkit.migrate(left, right).hazards}
    assert {"migrate-ram-size-mismatch", "migrate-vram-size-mismatch"} <= ids
