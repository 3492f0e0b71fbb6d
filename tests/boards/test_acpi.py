"""ACPI tables have the lengths that they have in real QEMUs, from which the size of their block follows."""

from __future__ import annotations

import pytest

import memkit
from memkit.boards.acpi_tables import acpi_tables
from memkit.boards.boot_x86 import build_x86
from memkit.boards.build import Build
from memkit.config import parse
from memkit.host import Host
from memkit.memory.ramblock import RAMBlock

VERSIONS = ("5.2", "7.2", "10.0", "11.1")
RAM = "-m 128M,maxmem=4G,slots="


def built(line: str, qemu: str) -> Build:
    return build_x86(parse(line, qemu), Host())[0]


def block(line: str, qemu: str, name: str) -> RAMBlock:
    return next(b for b in memkit.boot(line, qemu=qemu).ram_blocks if b.idstr == f"/rom@etc/{name}")


# Read from the tables that each QEMU had in fw_cfg at power-on.
@pytest.mark.parametrize(
    ("line", "totals"),
    [
        ("-M pc", (5508, 6924, 9065, 9053)),
        ("-M q35", (8364, 8837, 8949, 8937)),
        ("-M q35 -nodefaults", (8197, 8672, 8784, 8771)),
        ("-M q35,hpet=off -nodefaults", (8137, 8470, 8582, 8569)),
        ("-M pc -nodefaults -smp 1,maxcpus=11", (6303, 7719, 9904, 9891)),
        ("-M pc-q35-6.0 -nodefaults", (None, 8174, 8344, 8331)),
        ("-M pc-i440fx-2.10 -nodefaults", (5319, 6735, 8920, None)),
        ("-M pc-i440fx-2.6 -nodefaults -smp 1,maxcpus=255", (24765, 26176, 28294, None)),
        ("-M q35 -nodefaults -smp 1,maxcpus=255", (32073, 32548, 32660, 32647)),
        ("-M q35 -nodefaults -smp 1,maxcpus=300", (None, None, 38557, 38544)),
        (f"-M pc -nodefaults {RAM}256", (38074, 39490, 41675, 41662)),
        (f"-M q35,nvdimm=on -nodefaults {RAM}254", (49451, 141869, None, None)),
        (f"-M q35,nvdimm=on -nodefaults {RAM}256", (49764, 142909, 143021, 143008)),
        ("-M pc -nodefaults -device vmgenid", (5571, 6987, 9172, 9159)),
        ("-M pc -nodefaults -device VGA", (5353, 6769, 8904, 8891)),
        ("-M pc -nodefaults -device pci-bridge,chassis_nr=1", (7224, 9855, 12382, 12369)),
        ("-M q35 -nodefaults -device pcie-root-port,chassis=1", (8214, 8832, 9033, 9020)),
        ("-M q35,cxl=on -nodefaults -device pxb-cxl,bus_nr=12,id=c", (None, 9308, 11181, None)),
    ],
)
def test_all_tables_together_are_as_long_as_in_qemu(line: str, totals: tuple[int | None, ...]) -> None:
    for qemu, total in zip(VERSIONS, totals, strict=True):
        if total is not None:
            # A PCI device is described in a byte more or less, depending on its place.
            slack = 0 if "-nodefaults" in line and "-device" not in line else 2
            assert abs(sum(acpi_tables(built(line, qemu)).values()) - total) <= slack, qemu


@pytest.mark.parametrize(
    ("line", "table", "size"),
    [
        ("-smp 4", "APIC", 112 + 4 * 8),
        (f"{RAM}4", "SRAT", 224),
        ("-m 128M -object memory-backend-ram,id=a,size=128M -numa node,memdev=a", "SRAT", 184),
        ("-m 256M -object memory-backend-ram,id=a,size=128M -object memory-backend-ram,id=b,size=128M "
         "-numa node,memdev=a -numa node,memdev=b -numa dist,src=0,dst=1,val=30", "SLIT", 48),
        (f"-M nvdimm=on {RAM}4 -object memory-backend-ram,id=n,size=64M -device nvdimm,memdev=n", "NFIT",
         224),
        ("-M q35 -device intel-iommu", "DMAR", 104),
        ("-M q35,cxl=on", "CEDT", 36),
    ],
)
def test_a_table_is_there_when_there_is_something_to_describe(line: str, table: str, size: int) -> None:
    assert acpi_tables(built(line, "7.2"))[table] == size
    assert table == "APIC" or table not in acpi_tables(built("-M q35", "7.2"))


@pytest.mark.parametrize(("qemu", "slots"), [("7.2", (233, 234)), ("10.0", (232, 233)), ("5.2", (256, None))])
def test_the_block_grows_with_the_slot_that_no_longer_fits(qemu: str, slots: tuple[int, int | None]) -> None:
    for count, used in zip(slots, (0x20000, 0x40000), strict=True):
        if count is not None:
            line = f"-M q35,nvdimm=on -nodefaults {RAM}{count}"
            assert block(line, qemu, "acpi/tables").used_length == used


def test_older_releases_reserve_less_for_the_table_loader() -> None:
    assert block("-M pc", "5.2", "table-loader").max_length == 0x1000
    assert block("-M pc", "7.2", "table-loader").max_length == 0x10000


WARNING = ("warning: ACPI table size 142909 exceeds 65536 bytes, migration may not work\n"
           "Try removing CPUs, NUMA nodes, memory slots or PCI bridges.")


def test_qemu_warned_of_large_tables_until_they_could_grow_in_migration() -> None:
    line = f"-M q35,nvdimm=on -nodefaults {RAM}256"
    assert WARNING in memkit.boot(line, qemu="7.2").warnings
    assert not any("ACPI" in w for q in ("5.2", "10.0", "11.1") for w in memkit.boot(line, qemu=q).warnings)
