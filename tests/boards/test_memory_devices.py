"""Memory devices get the addresses and slots that a real QEMU 7.2 gave them."""

from __future__ import annotations

import pytest

import memkit

RAM = "-object memory-backend-ram,id={0},size={1}"
THREE = " ".join(RAM.format(*pair) for pair in (("m0", "256M"), ("m1", "100M"), ("m2", "1G")))


def placed(line: str) -> list[tuple[str, str | None, int, int | None]]:
    """Kind, id, gpa and slot of each device, by address."""
    return [(d.kind, d.id, d.addr, d.slot) for d in memkit.boot(line).memory_devices]


def test_the_first_hole_that_fits_is_taken_and_the_first_free_slot() -> None:
    line = (
        f"-m 1G,slots=4,maxmem=8G {THREE} -device pc-dimm,memdev=m0,slot=2 -device pc-dimm,memdev=m2 "
        "-device pc-dimm,memdev=m1,addr=0x180000000"
    )
    assert [
        ("dimm", None, 0x1_0000_0000, 2), ("dimm", None, 0x1_1000_0000, 0), ("dimm", None, 0x1_8000_0000, 1),
    ] == placed(line)


def test_virtio_devices_take_addresses_but_no_slots() -> None:
    line = (
        f"-m 1G,slots=4,maxmem=8G {THREE} -device pc-dimm,memdev=m0 "
        "-device virtio-mem-pci,memdev=m2,requested-size=64M,id=v -device virtio-pmem-pci,memdev=m1,id=p"
    )
    assert [
        ("dimm", None, 0x1_0000_0000, 0), ("virtio-mem", "v", 0x1_1000_0000, None),
        ("virtio-pmem", "p", 0x1_5000_0000, None),
    ] == placed(line)


def test_the_label_of_an_nvdimm_is_taken_from_its_end() -> None:
    line = (
        f"-M nvdimm=on -m 1G,slots=4,maxmem=8G {RAM.format('a', '225M')} {RAM.format('b', '64M')} "
        "-device nvdimm,memdev=a,id=n,label-size=128K -device pc-dimm,memdev=b,id=d"
    )
    assert [("nvdimm", "n", 0x1_0000_0000, 0), ("dimm", "d", 0x1_0E00_0000, 1)] == placed(line)


def test_the_alignment_of_a_backend_moves_its_device_and_warns() -> None:
    line = (
        "-m 1G,slots=4,maxmem=8G -object memory-backend-file,id=a,size=1G,mem-path=/dev/shm,align=1G "
        f"{RAM.format('b', '64M')} -device pc-dimm,memdev=b,id=d -device pc-dimm,memdev=a,id=e"
    )
    assert [("dimm", "d", 0x1_0000_0000, 0), ("dimm", "e", 0x1_4000_0000, 1)] == placed(line)


def test_old_machine_types_align_to_pages_only() -> None:
    line = (
        f"-M pc-i440fx-2.1 -m 1G,slots=4,maxmem=8G {RAM.format('a', '4M')} {RAM.format('b', '64M')} "
        f"{RAM.format('c', '4100K')} -device pc-dimm,memdev=a -device pc-dimm,memdev=c "
        "-device pc-dimm,memdev=b"
    )
    assert [0x1_0000_0000, 0x1_0040_0000, 0x1_0080_1000] == [addr for _, _, addr, _ in placed(line)]


def test_a_dimm_that_nobody_plugs_has_no_address() -> None:
    line = f"-M microvm -m 1G {RAM.format('a', '64M')} -device pc-dimm,memdev=a,id=d"
    assert [("dimm", "d", 0, -1)] == placed(line)


@pytest.mark.parametrize(("machine", "options", "warns"), [
    ("pc-q35-7.2", "", False), ("pc-q35-6.2", "", True), ("pc-q35-7.2", ",unplugged-inaccessible=off", True),
    ("pc-q35-6.2", ",unplugged-inaccessible=on", False),
])
def test_virtio_mem_warns_where_unplugged_memory_would_cost_memory(
    machine: str, options: str, warns: bool
) -> None:
    guest = memkit.boot(
        f"-M {machine} -m 1G,maxmem=4G -object memory-backend-memfd,id=a,size=64M "
        f"-device virtio-mem-pci,memdev=a{options}"
    )
    assert warns == any("does not support the shared zeropage" in text for text in guest.warnings)
