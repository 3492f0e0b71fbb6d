"""Power's ``powernv9``: chips and what they bring; data/captures has what QEMUs answered."""

from __future__ import annotations

import pytest
from agreement import disagreements
from boardtest import refused, starts
from recorded import RECORDED, captures

import memkit

GIB = 1 << 30


def boot(line: str, qemu: str = "7.2") -> memkit.Guest:
    return memkit.boot(f"-M powernv9 {line}", target="ppc64", qemu=qemu)


@pytest.mark.parametrize("qemu", RECORDED)
def test_the_model_says_what_qemu_says(qemu: str) -> None:
    assert disagreements([c for c in captures(qemu, "ppc64") if "powernv" in " ".join(c.argv)]) == []


def test_a_gib_of_ram_is_the_least_and_before_6_0_a_warning() -> None:
    assert refused(boot, "-m 512M") == "Invalid RAM size, should be bigger than 1 GiB"
    assert boot("", "7.2").ram_blocks[0].used_length == GIB
    assert boot("", "5.2").ram_blocks[0].used_length == 1792 << 20
    assert "warning: skiboot may not work with < 1GB of RAM" in boot("-m 512M", "5.2").warnings


def test_each_socket_is_a_chip_with_windows_of_its_own() -> None:
    assert starts(boot("-smp 2,sockets=2"), "lpcm") == [0x6_0300_0000_0000, 0x6_0700_0000_0000]
    assert refused(boot, "-smp 3,sockets=3") == "invalid number of chips: '3'"


def test_the_homer_of_a_chip_is_ram_since_10_0() -> None:
    names = [block.idstr for block in boot("-smp 2,sockets=2", "10.0").ram_blocks]
    assert names == ["pnv.ram", "homer-chip0-memory", "homer-chip1-memory"]
    assert starts(boot(""), "homer-main-memory") == starts(boot("", "10.0"), "homer-chip0-memory")


def test_a_device_goes_behind_the_last_host_bridge_of_the_last_chip() -> None:
    assert boot("-device VGA").ram_blocks[1].idstr == "0000:05:00.0:00.0/vga.vram"
    assert boot("-smp 2,sockets=2 -device VGA").ram_blocks[1].idstr == "0001:05:00.0:00.0/vga.vram"


def test_without_defaults_there_is_no_host_bridge_and_no_bmc() -> None:
    assert refused(boot, "-nodefaults -device VGA") == "-device VGA: No 'PCI' bus found for device 'VGA'"
    assert "machine has no BMC device" in boot("-nodefaults").warnings[-1]
    assert boot("").warnings == ()


def test_there_are_chips_for_few_models() -> None:
    message = "invalid CPU model 'power8_v2.0-powerpc64-cpu' for powernv9 machine"
    assert refused(boot, "-cpu power8") == message
    message = "invalid chip model 'power9_v2.0' for powernv9 machine"
    assert refused(boot, "-cpu power9_v2.0", "10.0") == message


def test_a_host_bridge_has_room_for_its_port_only() -> None:
    message = "-device VGA,bus=pnv-phb4-root.0: Bus 'pnv-phb4-root.0' is full"
    assert refused(boot, "-device VGA,bus=pnv-phb4-root.0") == message


def test_it_has_no_numa_nodes() -> None:
    assert refused(boot, "-numa node") == "-numa node: NUMA is not supported by this machine-type"
