"""ACPI tables have the lengths that they have in real QEMUs, from which the size of their block follows."""

from __future__ import annotations

import pytest

import memkit
from memkit.boards.acpi import _surely_small
from memkit.boards.acpi_tables import acpi_tables, microvm_bytes
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


# The bytes of all tables in QEMU 5.2, 7.2, 10.0 and 11.1, before the first reset; "-": does not start there.
# Each was read from the memory of the paused program; where that warns, it names the same number.
RECORDED = """
3806 4010 5837 5825 -M pc
8338 8811 8923 8911 -M q35
3588 3794 5621 5608 -M pc -nodefaults
8171 8646 8758 8745 -M q35 -nodefaults
8111 8444 8556 8543 -M q35,hpet=off -nodefaults
- 3702 5529 5516 -M pc,i8042=off -nodefaults
8310 8794 8906 8894 -M q35,smbus=off
8338 8811 8906 8894 -M q35,sata=off
3806 4010 5854 5842 -M pc -usb
8355 8828 8991 8979 -M q35 -usb
- 8148 8318 8305 -M pc-q35-6.0 -nodefaults
8097 8102 8272 - -M pc-q35-2.10 -nodefaults
7479 7479 7582 - -M pc-q35-2.6 -nodefaults
3542 3748 5575 - -M pc-i440fx-2.10 -nodefaults
7028 7229 8989 - -M pc-i440fx-2.6 -nodefaults -smp 1,maxcpus=53
7108 7309 9069 - -M pc-i440fx-2.6 -nodefaults -smp 1,maxcpus=54
7661 7862 9622 - -M pc-i440fx-2.6 -nodefaults -smp 1,maxcpus=61
7741 7942 9702 - -M pc-i440fx-2.6 -nodefaults -smp 1,maxcpus=62
22988 23189 24949 - -M pc-i440fx-2.6 -nodefaults -smp 1,maxcpus=255
3316 3517 5277 - -M pc-i440fx-2.6 -nodefaults -smp 6,cores=3,sockets=2
3962 4168 5995 5982 -M pc -nodefaults -smp 1,maxcpus=5
6876 7082 8909 8896 -M pc -nodefaults -smp 1,maxcpus=36
6971 7177 9004 8991 -M pc -nodefaults -smp 1,maxcpus=37
7159 7365 9193 9180 -M pc -nodefaults -smp 1,maxcpus=39
7254 7460 9287 9274 -M pc -nodefaults -smp 1,maxcpus=40
32047 32522 32634 32621 -M q35 -nodefaults -smp 1,maxcpus=255
- - 32767 32754 -M q35 -nodefaults -smp 1,maxcpus=256
- - 44427 44414 -M q35 -nodefaults -smp 1,maxcpus=345
- - 32766 32753 -M q35 -nodefaults -smp 1,sockets=80,cores=3,maxcpus=240
8129 8335 10162 10149 -M pc -nodefaults -m 128M,maxmem=4G,slots=27
36297 36503 38330 38317 -M pc -nodefaults -m 128M,maxmem=4G,slots=256
42982 130787 132614 132601 -M pc,nvdimm=on -nodefaults -m 128M,maxmem=4G,slots=242
49738 142883 142995 142982 -M q35,nvdimm=on -nodefaults -m 128M,maxmem=4G,slots=256
3581 3787 5621 5608 -M pc -nodefaults -global PIIX4_PM.acpi-pci-hotplug-with-bridge-support=off
3309 3296 5181 5168 -M pc -nodefaults -global PIIX4_PM.acpi-root-pci-hotplug=off \
    -global PIIX4_PM.acpi-pci-hotplug-with-bridge-support=off
- 8148 8318 8305 -M q35 -nodefaults -global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off
3794 4000 5827 5814 -M pc -nodefaults -device vmgenid
3634 3838 5665 5652 -M pc -nodefaults -device VGA
3635 3811 - - -M pc -nodefaults -device qxl-vga
3634 3811 5638 5625 -M pc -nodefaults -device virtio-vga
3605 3838 5665 5652 -M pc -nodefaults -device secondary-vga
3623 3828 5638 5625 -M pc -nodefaults -device pci-bridge,chassis_nr=1
3676 3880 5672 5659 -M pc -nodefaults -device pci-bridge,chassis_nr=1,id=a \
    -device pci-bridge,chassis_nr=2,id=b,bus=a,addr=1 -device e1000,bus=b,addr=1
8234 8737 8832 8819 -M q35 -nodefaults -device pcie-root-port,chassis=1,id=R -device e1000,bus=R \
    -device VGA
8188 8707 8819 8806 -M q35 -nodefaults -device e1000,addr=3,multifunction=on -device VGA,addr=3.1
8188 8697 8792 8779 -M q35 -nodefaults -device e1000,addr=3,multifunction=on \
    -device pcie-root-port,chassis=1,addr=3.1
- - 8925 8912 -M q35 -nodefaults -device pcie-root-port,id=r,chassis=1 -device igb,bus=r
- 8663 8800 8787 -M q35 -nodefaults -device e1000,acpi-index=500
3817 4023 7566 7553 -M pc -nodefaults -device pxb,bus_nr=5,id=p
8533 9008 10836 10823 -M q35 -nodefaults -device pxb-pcie,bus_nr=1,id=p
- 9308 11181 11168 -M q35,cxl=on -nodefaults -device pxb-cxl,bus_nr=5,id=p
- 9866 13442 13429 -M q35,cxl=on -nodefaults -device pxb-cxl,bus_nr=5,id=p \
    -device pxb-cxl,bus_nr=9,id=q,bus=pcie.0
8360 8867 9045 9032 -M q35 -nodefaults -device amd-iommu -device i82801b11-bridge \
    -device pci-bridge,chassis_nr=4
8672 9147 11059 11046 -M q35 -nodefaults -device amd-iommu -device pxb-pcie,bus_nr=9,id=p \
    -device pcie-root-port,bus=p,chassis=1
8255 8762 8874 8861 -M q35 -nodefaults -device intel-iommu,device-iotlb=on
8611 9134 10962 10949 -M q35 -nodefaults -device intel-iommu -device pxb-pcie,bus_nr=9,id=p \
    -device pcie-root-port,bus=p,chassis=1
- 9143 10971 10958 -M q35 -nodefaults -device virtio-iommu-pci -device pxb-pcie,bus_nr=9,id=p
726 738 738 739 -M microvm
4440 4412 4412 4375 -M microvm,pcie=on -smp 128
748 760 760 760 -M microvm,rtc=off,usb=on -nodefaults -smp 2,maxcpus=9
- 726 726 727 -M microvm,ioapic2=off
1268 1282 1282 1283 -M microvm -device virtio-rng-device -device virtio-rng-device \
    -device virtio-rng-device -device virtio-rng-device -device virtio-rng-device \
    -device virtio-rng-device -device virtio-rng-device -device virtio-rng-device
11451 13367 13479 13467 -M q35,nvdimm=on -m 8G,slots=4,maxmem=32G -smp 4 \
    -object memory-backend-ram,id=n,size=128M -device nvdimm,memdev=n,node=0
8572 9045 9157 9145 -M q35 -m 6G -object memory-backend-ram,id=a,size=3G \
    -object memory-backend-ram,id=b,size=3G -numa node,memdev=a -numa node,memdev=b
6994 9003 10830 10818 -M pc,nvdimm=on -m 6G,slots=5,maxmem=12G -object memory-backend-ram,id=a,size=1G \
    -object memory-backend-ram,id=b,size=5G -numa node,memdev=a -numa node,memdev=b -numa node \
    -object memory-backend-ram,id=n,size=128M -device nvdimm,memdev=n,node=2 \
    -object memory-backend-ram,id=o,size=128M -device pc-dimm,memdev=o,node=1 \
    -object memory-backend-ram,id=q,size=128M -device nvdimm,memdev=q,node=1
8549 9022 9134 9122 -M q35 -fda /dev/null -device isa-fdc
- - - - -M pc -device isa-serial -device isa-serial -device isa-parallel -device isa-applesmc \
    -device isa-ipmi-kcs,bmc=b -device ipmi-bmc-sim,id=b
8312 8785 8897 8885 -M q35 -global ICH9-LPC.disable_s3=1 -global ICH9-LPC.disable_s4=1
3639 3845 5672 5659 -M pc -nodefaults -fdb /dev/null
11175 12729 12841 12829 -M q35,nvdimm=on -m 4G,slots=3,maxmem=9G -object memory-backend-ram,id=a,size=2G \
    -object memory-backend-ram,id=b,size=2G -numa node,memdev=a -numa node,memdev=b \
    -object memory-backend-ram,id=n,size=128M -device nvdimm,memdev=n,node=1 \
    -object memory-backend-ram,id=o,size=128M -device nvdimm,memdev=o,node=1
- 4321 6148 6135 -M pc,hmat=on -nodefaults -smp 2,sockets=2 -m 256M \
    -object memory-backend-ram,id=a,size=128M -object memory-backend-ram,id=b,size=128M \
    -numa node,memdev=a,cpus=0 -numa node,memdev=b,cpus=1 \
    -numa hmat-lb,initiator=0,target=0,hierarchy=memory,data-type=access-latency,latency=5 \
    -numa hmat-lb,initiator=0,target=1,hierarchy=memory,data-type=access-latency,latency=9 \
    -numa hmat-lb,initiator=1,target=0,hierarchy=memory,data-type=access-latency,latency=9 \
    -numa hmat-lb,initiator=1,target=1,hierarchy=memory,data-type=access-latency,latency=5
4187 4393 6220 6207 -M pc,hmat=on -nodefaults -smp 2,sockets=2 -m 256M \
    -object memory-backend-ram,id=a,size=128M -object memory-backend-ram,id=b,size=128M \
    -numa node,memdev=a,initiator=0 -numa node,memdev=b,initiator=0 -numa cpu,node-id=0,socket-id=0 \
    -numa cpu,node-id=0,socket-id=1 \
    -numa hmat-lb,initiator=0,target=0,hierarchy=memory,data-type=access-latency,latency=5 \
    -numa hmat-lb,initiator=0,target=1,hierarchy=memory,data-type=access-latency,latency=9 \
    -numa hmat-lb,initiator=0,target=0,hierarchy=memory,data-type=access-bandwidth,bandwidth=200M \
    -numa hmat-lb,initiator=0,target=1,hierarchy=memory,data-type=access-bandwidth,bandwidth=100M \
    -numa hmat-cache,node-id=0,size=10K,level=1,associativity=direct,policy=write-back,line=8
"""


def recorded() -> list[tuple[str, str, int]]:
    rows = [row.split(maxsplit=4) for row in RECORDED.split("\n") if row]
    return [
        (row[4], qemu, int(size))
        for row in rows for qemu, size in zip(VERSIONS, row, strict=False) if size != "-"
    ]


@pytest.mark.parametrize(("line", "qemu", "size"), recorded())
def test_all_tables_together_are_as_long_as_in_qemu(line: str, qemu: str, size: int) -> None:
    build = built(line, qemu)
    tables = {"": microvm_bytes(build)} if "microvm" in line else acpi_tables(build)
    assert sum(tables.values()) == size


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
        ("-M q35 -device intel-iommu", "DMAR", 120),
        ("-M q35,cxl=on", "CEDT", 36),
    ],
)
def test_a_table_is_there_when_there_is_something_to_describe(line: str, table: str, size: int) -> None:
    assert acpi_tables(built(line, "7.2"))[table] == size
    assert table == "APIC" or table not in acpi_tables(built("-M q35", "7.2"))


# The number of slots at which real QEMUs begin another 128 KiB; 5.2 says less of each and never does.
@pytest.mark.parametrize(
    ("qemu", "board", "slots"),
    [("5.2", "pc", 257), ("5.2", "q35", 257), ("7.2", "pc", 243), ("7.2", "q35", 234), ("8.2", "pc", 243),
     ("8.2", "q35", 234), ("10.0", "pc", 240), ("10.0", "q35", 233), ("11.1", "pc", 240),
     ("11.1", "q35", 233)],
)
def test_the_block_grows_with_the_slot_that_no_longer_fits(qemu: str, board: str, slots: int) -> None:
    for count, used in ((slots - 1, 0x20000), (slots, 0x40000)):
        if count <= 256:
            line = f"-M {board},nvdimm=on -nodefaults {RAM}{count}"
            assert block(line, qemu, "acpi/tables").used_length == used


@pytest.mark.parametrize(("cpus", "used"), [(88, 0x1000), (89, 0x2000)])
def test_the_block_of_a_microvm_grows_page_by_page(cpus: int, used: int) -> None:
    assert block(f"-M microvm,pcie=on -smp {cpus}", "7.2", "acpi/tables").used_length == used


# What add_acpi_tables leaves uncounted must not reach half a unit, where QEMU begins to warn.
@pytest.mark.parametrize(
    "line",
    ["-M q35 -smp 1,maxcpus=255", f"-M pc,nvdimm=on {RAM}85", f"-M q35,nvdimm=on {RAM}50 -smp 1,maxcpus=100",
     "-M q35 -device pxb-pcie,bus_nr=9,id=p -device pcie-root-port,bus=p,id=r,chassis=1 -device e1000,bus=r",
     "-M pc " + "-device VGA " * 20, f"-M q35 {RAM}256", f"-M pc,nvdimm=on {RAM}1",
     f"-M q35 -smp 100 {RAM}200" + "".join(
         f" -object memory-backend-ram,id=m{n},size=4M -device pc-dimm,memdev=m{n}" for n in range(200))],
)
@pytest.mark.parametrize("qemu", VERSIONS)
def test_tables_that_nobody_counts_would_fit(line: str, qemu: str) -> None:
    build = built(line, qemu)
    assert _surely_small(build)
    assert sum(acpi_tables(build).values()) < 0x10000


def test_the_oldest_types_warn_of_more_than_the_length_that_never_changes() -> None:
    line = "-M pc-i440fx-2.0 -nodefaults"
    line += "".join(f" -device pci-bridge,id=a{n},chassis_nr={n + 1}" for n in range(6))
    line += "".join(
        f" -device pci-bridge,chassis_nr={n + 11},bus=a{n // 31},addr={n % 31 + 1:#x}" for n in range(179)
    )
    for qemu, size in (("5.2", 9231), ("7.2", 9430)):
        assert any(f"ACPI table size {size} exceeds 8192" in w for w in memkit.boot(line, qemu=qemu).warnings)
        assert block(line, qemu, "acpi/tables").used_length == 0x2000


def test_what_is_derived_for_8_2_is_10_0_less_what_came_after_it() -> None:
    for line, size in (("-M pc", 5621 - 1781), ("-M q35", 8758 - 85), ("-M pc-q35-6.0", 8318 - 67)):
        assert sum(acpi_tables(built(f"{line} -nodefaults", "8.2")).values()) == size


def test_older_releases_reserve_less_for_the_table_loader() -> None:
    assert block("-M pc", "5.2", "table-loader").max_length == 0x1000
    assert block("-M pc", "7.2", "table-loader").max_length == 0x10000


WARNING = ("warning: ACPI table size 142883 exceeds 65536 bytes, migration may not work\n"
           "Try removing CPUs, NUMA nodes, memory slots or PCI bridges.")


def test_qemu_warned_of_large_tables_until_they_could_grow_in_migration() -> None:
    line = f"-M q35,nvdimm=on -nodefaults {RAM}256"
    assert WARNING in memkit.boot(line, qemu="7.2").warnings
    assert not any("ACPI" in w for q in ("5.2", "10.0", "11.1") for w in memkit.boot(line, qemu=q).warnings)
