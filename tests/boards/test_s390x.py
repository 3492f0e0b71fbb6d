"""The board ``s390-ccw-virtio``; data/captures has what QEMUs for s390x answered."""

from __future__ import annotations

import pytest
from agreement import disagreements
from boardtest import refused
from recorded import RECORDED, captures

import memkit

GIB = 1 << 30
MEMORY = "-object memory-backend-ram,id=m,size=512M -device virtio-mem-ccw,memdev=m,id=v"


def boot(line: str, qemu: str = "7.2") -> memkit.Guest:
    return memkit.boot(line, target="s390x", qemu=qemu)


@pytest.mark.parametrize("qemu", RECORDED)
def test_the_model_says_what_qemu_says(qemu: str) -> None:
    assert disagreements(captures(qemu, "s390x")) == []


def test_ram_is_all_that_there_is() -> None:
    ranges = boot("-m 3G").flat_view("memory").ranges
    assert [(r.start, r.size, r.region.name) for r in ranges] == [(0, 3 * GIB, "s390.ram")]


def test_memory_devices_lie_behind_ram_from_the_next_whole_gib_on() -> None:
    guest = boot(f"-nodefaults -m 1500M,maxmem=4G {MEMORY}", "10.0")
    assert [device.addr for device in guest.memory_devices] == [2 * GIB]
    assert guest.ram_blocks[0].idstr == "/fe.0.0000/m"


def test_channel_devices_are_numbered_and_the_default_nic_is_the_first() -> None:
    assert boot(f"-m 1G,maxmem=4G {MEMORY}", "10.0").ram_blocks[0].idstr == "/fe.0.0001/m"
    given = boot(f"-m 1G,maxmem=4G {MEMORY},devno=fe.0.1234", "10.0")
    assert given.ram_blocks[0].idstr == "/fe.0.1234/m"


def test_pci_devices_are_called_after_their_bus() -> None:
    names = [block.idstr for block in boot("-m 1G -device virtio-net-pci").ram_blocks]
    assert "pci.0:00.0/virtio-net-pci.rom" in names


@pytest.mark.parametrize(("given", "fixed"), [("1025M", 1024), ("1020M", 1020), ("2101M", 2100)])
def test_types_up_to_4_2_round_ram_down_to_whole_increments(given: str, fixed: int) -> None:
    old = boot(f"-M s390-ccw-virtio-4.2 -m {given}")
    assert old.ram_blocks[0].used_length == fixed << 20
    new = boot(f"-M s390-ccw-virtio-5.0 -m {given}")
    assert new.ram_blocks[0].used_length == int(given[:-1]) << 20


@pytest.mark.parametrize(("line", "message"), [
    ("-m 1536K", "ram size must be multiples of 1 MiB"),
    ("-smp 4,threads=2", "S390 does not support more than 1 threads."),
    ("-numa node", "-numa node: NUMA is not supported by this machine-type"),
    ("-cpu z80", "unable to find CPU model 'z80'"),
    ("-cpu qemu,foo=on", "can't apply global qemu-s390x-cpu.foo=on: Property 'qemu-s390x-cpu.foo' not found"),
    ("-bios /gone", "could not find stage1 bootloader"),
    ("-kernel /gone", "/gone: No such file or directory"),
    ("-M s390-ccw-virtio,loadparm=a!", "LOADPARM: invalid character '!' (ASCII 0x21)"),
    ("-nic user,model=e1000", "Unsupported NIC model: e1000"),
    ("-device sclpconsole", "-device sclpconsole: Multiple VT220 operator consoles are not supported"),
    ("-M s390-ccw-virtio-7.1 -device virtio-rng-pci",
     "-device virtio-rng-pci: MSI-X support is mandatory in the S390 architecture"),
    ("-device virtio-net-pci,id=n -device zpci,uid=5,target=n",
     "-device zpci,uid=5,target=n: target n already has an associated zpci device"),
])
def test_refusals_are_in_qemus_words(line: str, message: str) -> None:
    assert refused(boot, line) == message


def test_older_releases_take_any_size_of_ram_and_older_types_any_threads() -> None:
    assert boot("-m 1536K", "5.2").ram_blocks[0].used_length == 0x18_0000
    assert boot("-M s390-ccw-virtio-7.1 -m 1G -smp 4,threads=2").ram_blocks


def test_books_and_drawers_came_with_type_8_2() -> None:
    line = "-smp 4,drawers=2,books=2"
    assert boot(line, "10.0").ram_blocks
    assert refused(boot, f"-M s390-ccw-virtio-8.1 {line}", "10.0") == (
        "books > 1 not supported by this machine's CPU topology")


def test_a_console_can_be_added_where_there_is_none() -> None:
    assert boot("-nodefaults -device sclpconsole").ram_blocks
    assert boot("-device sclplmconsole").ram_blocks
    assert "line-mode" in refused(boot, "-serial null -serial null -device sclplmconsole")


def test_a_pci_device_without_an_id_is_named_by_its_address() -> None:
    """As QEMU 10.0 prints it; devices on channels stay without a name."""
    line = (
        "-m 8G,maxmem=12G -object memory-backend-memfd,id=x1,size=256M "
        "-object memory-backend-ram,id=x2,size=256M "
        "-device virtio-mem-pci,memdev=x1 -device virtio-mem-ccw,memdev=x2"
    )
    text = memkit.boot(line, target="s390x", qemu="10.0").monitor("info memory-devices")
    assert [words for words in text.splitlines() if words.startswith("Memory")] == [
        'Memory device [virtio-mem]: "auto_00:00.0"', 'Memory device [virtio-mem]: ""',
    ]
