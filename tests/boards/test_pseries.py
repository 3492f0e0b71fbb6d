"""Power's ``pseries``: blocks of memory, host bridges, capabilities; data/captures has QEMUs' answers."""

from __future__ import annotations

import pytest
from agreement import disagreements
from boardtest import refused, starts
from recorded import RECORDED, captures

import memkit
from memkit.boards.power_cpus import find_model

MIB, GIB, TIB = 1 << 20, 1 << 30, 1 << 40
RAM = "-object memory-backend-ram,id={0},size={1}"
UUID = "uuid=75a3cdd7-6a2f-4791-8d15-fe0a920e8e9e"


def boot(line: str, qemu: str = "7.2") -> memkit.Guest:
    return memkit.boot(f"-nodefaults {line}", target="ppc64", qemu=qemu)


@pytest.mark.parametrize("qemu", RECORDED)
def test_the_model_says_what_qemu_says(qemu: str) -> None:
    assert disagreements([c for c in captures(qemu, "ppc64") if "powernv" not in " ".join(c.argv)]) == []


def test_ram_begins_at_0_and_device_memory_at_the_next_whole_gib() -> None:
    guest = boot(f"-m 2304M,slots=2,maxmem=4G {RAM.format('m', '512M')} -device pc-dimm,memdev=m")
    assert starts(guest, "ppc_spapr.ram") == [0]
    assert [device.addr for device in guest.memory_devices] == [3 * GIB]


@pytest.mark.parametrize(("line", "message"), [
    ("-m 300M", "Memory size 0x12c00000 is not aligned to 256 MiB"),
    ("-m 1G,maxmem=1300M", "Maximum memory size 0x40000000 is not aligned to 256 MiB"),
    (f"-m 1G {RAM.format('a', '384M')} {RAM.format('b', '640M')} -numa node,memdev=a -numa node,memdev=b",
     "Node 0 memory size 0x18000000 is not aligned to 256 MiB"),
    (f"-m 1G,slots=1,maxmem=2G {RAM.format('m', '100M')} -device pc-dimm,memdev=m",
     "-device pc-dimm,memdev=m: Hotplugged memory size must be a multiple of 256 MB"),
])
def test_memory_comes_in_blocks_of_256_mib(line: str, message: str) -> None:
    assert refused(boot, line) == message


def test_types_before_2_5_have_no_blocks_and_no_dimms() -> None:
    assert boot("-M pseries-2.4 -m 300M").ram_blocks[0].used_length == 300 * MIB
    line = f"-M pseries-2.4 -m 1G,slots=1,maxmem=2G {RAM.format('m', '256M')} -device pc-dimm,memdev=m"
    assert refused(boot, line).endswith("Memory hotplug not supported for this machine")


def test_the_firmware_needs_128_mib_of_the_first_node() -> None:
    assert refused(boot, "-m 64M").startswith("pSeries SLOF firmware requires >= 80ldMiB guest RMA")


@pytest.mark.parametrize(("size", "words", "message"), [
    ("256M", "", "PAPR requires NVDIMM devices to have label-size set"),
    ("256M", ",label-size=128K",
     "PAPR requires NVDIMM memory size (excluding label) to be a multiple of 256MB"),
    ("257M", ",label-size=1M", "NVDIMM device requires the uuid to be set"),
])
def test_an_nvdimm_has_whole_blocks_beside_its_label_and_a_uuid(size: str, words: str, message: str) -> None:
    line = f"-m 1G,slots=1,maxmem=2G {RAM.format('m', size)} -device nvdimm,memdev=m{words}"
    assert refused(boot, line).endswith(f": {message}")


def test_the_label_of_an_nvdimm_is_not_part_of_its_size() -> None:
    guest = boot(f"-m 1G,slots=1,maxmem=2G {RAM.format('m', '257M')} "
                 f"-device nvdimm,memdev=m,label-size=1M,{UUID}")
    assert [device.size for device in guest.memory_devices] == [256 * MIB]


def test_under_tcg_there_are_32_slots_at_most() -> None:
    message = "Specified number of memory slots 33 exceeds max supported 32"
    assert refused(boot, "-m 1G,slots=33,maxmem=2G") == message
    assert boot("-m 1G,slots=32,maxmem=2G").warnings


def test_there_is_always_a_node() -> None:
    assert [(node.cpus, node.size) for node in boot("-m 1G -smp 2").numa] == [((0, 1), GIB)]


def test_cores_of_a_socket_go_to_one_node_each_socket_to_the_next() -> None:
    nodes = f"{RAM.format('a', '512M')} {RAM.format('b', '512M')} -numa node,memdev=a -numa node,memdev=b"
    guest = boot(f"-m 1G -smp 8,cores=2,sockets=4 {nodes}")
    assert [node.cpus for node in guest.numa] == [(0, 1, 4, 5), (2, 3, 6, 7)]


def test_host_bridges_lie_at_32_tib_and_old_types_put_them_behind_memory() -> None:
    guest = boot("-device spapr-pci-host-bridge,index=1,id=p -device VGA,bus=p.0")
    assert starts(guest, "vbe") == [32 * TIB + 0x101CE]
    assert guest.ram_blocks[1].idstr == "pci@800000020000001:00.0/vga.vram"
    assert starts(boot("-M pseries-2.7 -device VGA"), "vbe") == [TIB + 0x8000_01CE]


def test_a_device_without_bus_goes_to_the_newest_host_bridge() -> None:
    guest = boot("-device spapr-pci-host-bridge,index=3 -device VGA")
    assert guest.ram_blocks[1].idstr.startswith("pci@800000020000003:00.0/")


def test_devices_see_a_translation_window_by_dma() -> None:
    names = [r.region.name for r in boot("-m 1G").flat_view("pci@800000020000000").ranges]
    assert names == ["tce-iommu-80000000", "msi"]


def test_tcg_warns_of_each_capability_that_the_cpu_promises() -> None:
    def capabilities(line: str, qemu: str) -> list[str]:
        begin = "warning: TCG doesn't support requested feature, "
        return [text.removeprefix(begin) for text in boot(line, qemu).warnings]

    assert capabilities("", "7.2") == [
        "cap-cfpc=workaround", "cap-sbbc=workaround", "cap-ibs=workaround", "cap-ccf-assist=on",
    ]
    assert capabilities("", "10.0") == ["cap-cfpc=workaround", "cap-ibs=workaround", "cap-ccf-assist=on"]
    assert capabilities("-cpu power7", "7.2") == [
        "cap-sbbc=workaround", "cap-ibs=workaround", "cap-ccf-assist=on",
    ]
    assert capabilities("-M pseries,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off",
                        "7.2") == []


def test_the_interrupt_controller_follows_the_cpu_and_the_type() -> None:
    assert starts(boot("-M pseries"), "xive.end") == [0x6_0100_4000_0000]
    assert starts(boot("-M pseries,ic-mode=xive"), "xive.end") == []
    assert starts(boot("-M pseries -cpu power8"), "xive.tima") == []
    assert starts(boot("-M pseries-4.0"), "xive.tima") == []
    assert refused(boot, "-M pseries,ic-mode=xive -cpu power8") == "XIVE-only machines require a POWER9 CPU"


@pytest.mark.parametrize(("qemu", "threads", "message"), [
    ("7.2", 2, "TCG cannot support more than 1 thread/core on a pseries machine"),
    ("10.0", 3, "Cannot support 3 threads/core on a pseries machine because it must be a power of 2"),
    ("10.0", 16, "TCG cannot support more than 8 threads/core on a pseries machine"),
])
def test_threads_are_limited(qemu: str, threads: int, message: str) -> None:
    assert refused(boot, f"-smp {threads},threads={threads}", qemu) == message


@pytest.mark.parametrize(("qemu", "name", "model"), [
    ("7.2", "power9", "power9_v2.0"), ("10.0", "POWER9", "power9_v2.2"), ("5.2", "power10", "power10_v1.0"),
    ("10.0", "power5+", "power5p_v2.1"), ("7.2", "004d0200", "power8_v2.0"),
])
def test_a_cpu_has_short_names_and_a_number(qemu: str, name: str, model: str) -> None:
    found = find_model(qemu, name)
    assert found is not None
    assert found.name == model


def test_cpus_of_other_boards_and_of_none_are_refused_in_their_own_words() -> None:
    assert refused(boot, "-cpu e5500") == "Unable to find sPAPR CPU Core definition"
    assert refused(boot, "-cpu power12") == "unable to find CPU model 'power12'"
    assert refused(boot, "-cpu power9,foo").startswith("Expected key=value format, found foo")
