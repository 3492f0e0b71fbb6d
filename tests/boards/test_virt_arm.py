"""Arm's ``virt`` and its parts; data/captures has what QEMUs for aarch64 and arm answered, of all boards."""

from __future__ import annotations

import pytest
from agreement import disagreements
from boardtest import places, refused
from recorded import RECORDED, captures

import memkit
from memkit.boards.arm_cpus import arm_cpu

GIB = 1 << 30
PROGRAMS = [(target, qemu) for target in ("aarch64", "arm") for qemu in RECORDED]
RAM = "-object memory-backend-ram,id={0},size={1}"
FIRMWARE = memkit.Host.from_dict({"files": {"/fw.bin": 2 << 20, "/flash.img": 64 << 20}})


def boot(line: str, qemu: str = "7.2", target: str = "aarch64") -> memkit.Guest:
    return memkit.boot(f"-nodefaults {line}", target=target, qemu=qemu, host=FIRMWARE)


@pytest.mark.parametrize(("target", "qemu"), PROGRAMS)
def test_the_model_says_what_qemu_says(target: str, qemu: str) -> None:
    assert disagreements(captures(qemu, target)) == []


def test_ram_begins_at_1_gib_and_device_memory_at_the_next_whole_gib() -> None:
    guest = boot(f"-M virt -cpu max -m 1500M,slots=2,maxmem=4G -bios /fw.bin {RAM.format('m', '1G')} "
                 "-device pc-dimm,memdev=m")
    assert places(guest, "mach-virt.ram") == [(GIB, 1500 << 20)]
    assert [device.addr for device in guest.memory_devices] == [3 * GIB]


@pytest.mark.parametrize(("memory", "start"), [
    ("1G", 512 * GIB), ("1G,maxmem=300G", 512 * GIB), ("1G,maxmem=600G", 1024 * GIB),
])
def test_the_high_window_of_pci_floats_above_memory_aligned_to_its_size(memory: str, start: int) -> None:
    windows = places(boot(f"-M virt -cpu cortex-a57 -m {memory}"), "gpex_mmio_window")
    assert windows[-1] == (start, 512 * GIB)


def test_what_does_not_fit_into_the_address_bits_of_the_cpu_is_left_out() -> None:
    windows = places(boot("-M virt -cpu cortex-a53 -m 1G,maxmem=600G"), "gpex_mmio_window")
    assert [start for start, _ in windows] == [0x1000_0000]
    line = "-M virt -cpu cortex-a53 -m 1G,maxmem=600G"
    assert "VCPU supports less PA bits (40)" in refused(boot, line, "5.2")


def test_highmem_off_leaves_32_address_bits() -> None:
    guest = boot("-M virt,highmem=off -cpu max -m 1G")
    assert places(guest, "pcie-mmcfg-mmio") == [(0x3F00_0000, 16 << 20)]
    assert refused(boot, "-M virt,highmem=off -cpu max -m 4G") == (
        "Addressing limited to 32 bits, but memory exceeds it by 1073741824 bytes")


def test_dimms_need_firmware_and_a_64_bit_cpu_and_virtio_mem_needs_neither() -> None:
    dimm = f"-m 1G,slots=1,maxmem=2G {RAM.format('m', '512M')} -device pc-dimm,memdev=m"
    lost = "-device pc-dimm,memdev=m: memory hotplug is not enabled: missing acpi-ged device"
    assert refused(boot, f"-M virt -cpu max {dimm}") == lost
    assert refused(boot, f"-M virt -cpu cortex-a15 -bios /fw.bin {dimm}") == lost
    assert refused(boot, f"-M virt,acpi=off -cpu max -bios /fw.bin {dimm}") == lost
    assert refused(boot, f"-M virt-4.1 -cpu max -bios /fw.bin {dimm}") == lost
    assert len(boot(f"-M virt -cpu max -drive if=pflash,file=/flash.img {dimm}").memory_devices) == 1
    virtio = dimm.replace("pc-dimm", "virtio-mem-pci")
    assert len(boot(f"-M virt -cpu cortex-a15 {virtio}").memory_devices) == 1


def test_secure_memory_holds_the_first_flash_chip_which_others_do_not_see() -> None:
    guest = boot("-M virt,secure=on -cpu cortex-a57 -m 1G")
    assert places(guest, "virt.flash0") == []
    secure = guest.flat_view("cpu-secure-memory-0")
    assert {"virt.flash0", "virt.flash1", "virt.secure-ram", "mach-virt.ram"} <= {
        r.region.name for r in secure.ranges
    }


def test_a_byte_of_tags_belongs_to_32_bytes_of_ram() -> None:
    sizes = {block.idstr: block.max_length for block in boot("-M virt,mte=on -cpu max -m 1G").ram_blocks}
    assert sizes["mach-virt.tag"] == GIB // 32
    message = "MTE requested, but not supported by the guest CPU"
    assert refused(boot, "-M virt,mte=on -cpu cortex-a57") == message


@pytest.mark.parametrize(("line", "expected"), [
    ("-smp 4", [("gicv3_redist_region[0]", 0x080A_0000, 4 * 0x20000)]),
    ("-smp 130", [("gicv3_redist_region[0]", 0x080A_0000, 123 * 0x20000),
                  ("gicv3_redist_region[1]", 256 * GIB, 7 * 0x20000)]),
])
def test_redistributors_of_more_than_123_cpus_are_in_high_memory(
    line: str, expected: list[tuple[str, int, int]]
) -> None:
    ranges = boot(f"-M virt,gic-version=3 -cpu max -m 1G {line}").flat_view("memory").ranges
    seen = [(r.region.name, r.start, r.size) for r in ranges if "redist" in r.region.name]
    assert seen == expected


def test_more_than_8_cpus_take_a_gicv3_which_newer_qemus_choose_themselves() -> None:
    said = "Number of SMP CPUs requested (9) exceeds max CPUs supported by machine 'mach-virt' (8)"
    assert refused(boot, "-M virt -cpu max -smp 9") == said
    names = {r.region.name for r in boot("-M virt -cpu max -smp 9", "10.0").flat_view("memory").ranges}
    assert "gicv3_dist" in names


@pytest.mark.parametrize(("name", "bits"), [
    ("cortex-a15", 40), ("cortex-a53", 40), ("cortex-a57", 44), ("neoverse-n1", 48), ("max", 52),
])
def test_a_cpu_model_has_address_bits(name: str, bits: int) -> None:
    cpu = arm_cpu("aarch64-7.2", name)
    assert cpu is not None
    assert cpu.bits == bits


def test_a_model_that_came_later_does_not_exist() -> None:
    assert arm_cpu("aarch64-5.2", "neoverse-n1") is None
    assert arm_cpu("arm-7.2", "cortex-a57") is None


def test_the_tables_of_5_2_are_used_to_their_last_page() -> None:
    def used(line: str, qemu: str) -> int:
        blocks = {block.idstr: block.used_length for block in boot(line, qemu).ram_blocks}
        return blocks["/rom@etc/acpi/tables"]

    assert used("-M virt -cpu max", "5.2") == 0x2000
    assert used("-M virt,gic-version=3 -cpu max -smp 123", "5.2") == 0x5000
    assert used("-M virt,gic-version=3 -cpu max -smp 123", "7.2") == 0x20000
