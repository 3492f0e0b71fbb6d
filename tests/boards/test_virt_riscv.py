"""RISC-V's ``virt``; data/captures has what QEMUs for riscv64 answered, of both boards."""

from __future__ import annotations

import pytest
from agreement import disagreements
from boardtest import places, refused
from recorded import RECORDED, captures

import memkit

GIB = 1 << 30
FILES = memkit.Host.from_dict({"files": {
    "/kernel": 1 << 20, "/initrd": 1 << 20, "/small.img": 4096, "/flash.img": 32 << 20,
}})
NODES = (
    "-m 1G -object memory-backend-ram,id=a,size=512M -object memory-backend-ram,id=b,size=512M "
    "-numa node,memdev=a -numa node,memdev=b"
)


def boot(line: str, qemu: str = "7.2") -> memkit.Guest:
    return memkit.boot(f"-M virt -nodefaults {line}", target="riscv64", qemu=qemu, host=FILES)


@pytest.mark.parametrize("qemu", RECORDED)
def test_the_model_says_what_qemu_says(qemu: str) -> None:
    assert disagreements(captures(qemu, "riscv64")) == []


@pytest.mark.parametrize(("memory", "start"), [("1G", 16), ("14G", 16), ("15G", 32), ("40G", 48)])
def test_the_high_window_of_pci_lies_behind_ram_at_a_multiple_of_its_size(memory: str, start: int) -> None:
    guest = boot(f"-m {memory}")
    assert places(guest, "riscv_virt_board.ram")[0][0] == 2 * GIB
    assert places(guest, "gpex_mmio_window")[-1] == (start * GIB, 16 * GIB)


def test_before_6_0_there_is_no_high_window_and_ram_has_no_backend() -> None:
    guest = boot("-m 1G", "5.2")
    assert guest.backends == ()
    assert guest.flat_view("memory").ranges[-1].region.name == "riscv_virt_board.ram"


def test_before_6_2_a_backend_is_left_over_beside_the_boards_own_ram() -> None:
    guest = boot("-m 1G -machine memory-backend=m -object memory-backend-ram,id=m,size=1G", "5.2")
    assert [block.idstr for block in guest.ram_blocks][:2] == ["m", "riscv_virt_board.ram"]
    assert places(guest, "m") == []


def test_each_node_is_a_socket_with_a_timer_and_an_interrupt_controller() -> None:
    guest = boot(f"-smp 4 {NODES}")
    assert [start for start, _ in places(guest, "riscv.sifive.plic")] == [0xC00_0000, 0xC60_0000]
    assert [start for start, _ in places(guest, "riscv.aclint.mtimer")] == [0x200_4000, 0x201_4000]


def test_message_interrupts_are_a_page_of_each_hart_and_more_for_its_guests() -> None:
    guest = boot("-smp 2 -machine aia=aplic-imsic,aia-guests=2")
    assert places(guest, "riscv.imsic") == [
        (0x2400_0000, 0x1000), (0x2400_1000, 0x1000), (0x2800_0000, 0x3000), (0x2800_4000, 0x3000),
    ]
    assert places(guest, "riscv.sifive.plic") == []


def test_with_aclint_and_message_interrupts_only_timers_are_left() -> None:
    guest = boot("-machine aia=aplic-imsic,aclint=on")
    assert places(guest, "riscv.aclint.mtimer") == [(0x200_0000, 0x8000)]
    assert places(guest, "riscv.aclint.swi") == []


def test_the_cpus_of_a_socket_follow_one_another() -> None:
    mixed = "-numa node,mem=512M,cpus=0,cpus=2 -numa node,mem=512M,cpus=1,cpus=3"
    assert refused(boot, f"-m 1G -smp 4 {mixed}") == "discontinuous hartids in socket0"
    assert refused(boot, "-m 1G -smp 2 -numa node,mem=512M,cpus=0-1 -numa node,mem=512M") == (
        "discontinuous hartids in socket1")
    assert refused(boot, f"-smp 1 {NODES}") == (
        "Number of NUMA nodes (2) cannot exceed the number of available CPUs (1).")


def test_there_are_four_sockets_at_most_and_eight_before_7_0() -> None:
    line = "-m 1280M -smp 5 " + "-numa node,mem=256M " * 5
    assert refused(boot, line) == "number of sockets/nodes should be less than 4"
    assert len(boot(line, "5.2").numa) == 5


def test_7_2_aborts_where_a_socket_has_few_cpus_with_high_numbers() -> None:
    line = "-m 768M -smp 6 " + "-numa node,mem=256M " * 3
    assert refused(boot, line).startswith("Unexpected error in object_property_find_err()")
    assert boot(f"{line} -machine aia=aplic").numa
    assert boot(line, "5.2").numa


def test_files_that_do_not_fit_are_told() -> None:
    assert refused(boot, "-m 2M") == "Some ROM regions are overlapping"
    assert boot("-m 2M -bios none").ram_blocks
    assert refused(boot, "-m 4M -kernel /kernel", "5.2") == (
        "rom: requested regions overlap (rom fdt. free=0x0000000080300000, addr=0x0000000080200000)")
    assert boot("-m 1G -kernel /kernel -initrd /initrd").ram_blocks


def test_firmware_in_flash_fetches_the_kernel_which_takes_no_ram_then() -> None:
    flash = "-drive if=pflash,file=/flash.img,format=raw,unit="
    assert refused(boot, f"-m 4M -kernel /kernel {flash}0") == "Some ROM regions are overlapping"
    assert boot(f"-m 4M -kernel /kernel {flash}1").ram_blocks
    assert refused(boot, f"-kernel /gone {flash}1") == 'failed to load "/gone"'
    assert boot(f"-m 4M -kernel /kernel {flash}0", "10.0").ram_blocks


def test_a_flash_chip_takes_a_drive_by_its_id() -> None:
    drive = "-drive if=none,id=f,format=raw,file="
    assert boot(f"{drive}/flash.img -machine pflash0=f", "10.0").ram_blocks
    assert refused(boot, f"{drive}/small.img -machine pflash0=f", "10.0").endswith("provides 4096 bytes")


@pytest.mark.parametrize(("line", "message"), [
    ("-bios /gone", 'Unable to load the RISC-V firmware "/gone"'),
    ("-kernel /gone", "/gone: No such file or directory"),
    ("-kernel /kernel -initrd /gone", "could not load ramdisk '/gone'"),
    ("-dtb /gone", "Unable to get size of device tree file '/gone'"),
    ("-cpu z80", "unable to find CPU model 'z80'"),
    ("-cpu rv64,foo=1", "can't apply global rv64-riscv-cpu.foo=1: Property 'rv64-riscv-cpu.foo' not found"),
    ("-machine aia=plic", "Invalid AIA interrupt controller type"),
    ("-machine aia-guests=8", "Invalid number of AIA IMSIC guests"),
    ("-drive if=pflash,file=/small.img,format=raw",
     "device requires 33554432 bytes, block backend provides 4096 bytes"),
])
def test_refusals_are_in_qemus_words(line: str, message: str) -> None:
    assert refused(boot, line) == message


def test_a_device_at_fault_comes_before_firmware_that_is_missing() -> None:
    assert "'nope' is not a valid device model name" in refused(boot, "-bios /gone -device nope")
    assert "Unable to load" in refused(boot, "-bios /gone -device nope", "5.2")


def test_a_cpu_has_a_core_id_and_since_11_1_all_ids_of_the_topology() -> None:
    line = "-m 1G -smp 4,sockets=2 -numa node,mem=512M -numa node,mem=512M " + " ".join(
        f"-numa cpu,node-id={n},socket-id={n}" for n in (0, 1))
    assert refused(boot, line, "10.0") == "-numa cpu,node-id=0,socket-id=0: socket-id is not supported"
    assert [node.cpus for node in boot(line, "11.1").numa] == [(0, 1), (2, 3)]
