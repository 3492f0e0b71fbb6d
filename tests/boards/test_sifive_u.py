"""The board ``sifive_u``; tests/boards/test_virt_riscv.py compares it with recorded QEMUs."""

from __future__ import annotations

import pytest

import memkit


def boot(line: str = "", qemu: str = "7.2") -> memkit.Guest:
    return memkit.boot(f"-M sifive_u {line}", target="riscv64", qemu=qemu)


def offsets(guest: memkit.Guest) -> dict[str, int]:
    return {block.idstr.rpartition(".")[2]: block.offset for block in guest.ram_blocks}


def test_ram_is_allocated_first_and_before_6_2_in_the_boards_order() -> None:
    assert offsets(boot()) == {"ram": 0, "mrom": 0x800_0000, "l2lim": 0x804_0000, "flash0": 0xA04_0000}
    assert offsets(boot(qemu="5.2")) == {
        "mrom": 0, "l2lim": 0x4_0000, "ram": 0x204_0000, "flash0": 0xA04_0000,
    }


def test_ram_begins_at_2_gib_and_the_cache_and_flash_are_below() -> None:
    starts = {r.region.name: r.start for r in boot("-m 4G").flat_view("memory").ranges if r.type == "ram"}
    assert starts == {
        "riscv.sifive.u.l2lim": 0x800_0000, "riscv.sifive.u.flash0": 0x2000_0000,
        "riscv.sifive.u.ram": 0x8000_0000,
    }


def test_the_nic_is_always_there_and_warns_when_it_is_alone() -> None:
    lonely = "warning: nic cadence_gem.0 has no peer"
    assert lonely in boot("-nodefaults").warnings
    assert lonely in boot("-nic none").warnings
    assert lonely not in boot().warnings
    assert lonely not in boot("-nodefaults -nic user").warnings


@pytest.mark.parametrize(("line", "message"), [
    ("-smp 1", "Invalid SMP CPUs 1. The min CPUs supported by machine 'sifive_u' is 2"),
    ("-smp 6", "Invalid SMP CPUs 6. The max CPUs supported by machine 'sifive_u' is 5"),
    ("-nic user,model=e1000", "Unsupported NIC model: e1000"),
    ("-device e1000", "-device e1000: No 'PCI' bus found for device 'e1000'"),
    ("-numa node", "-numa node: NUMA is not supported by this machine-type"),
    ("-bios /gone", 'Unable to load the RISC-V firmware "/gone"'),
    ("-m 2M", "Some ROM regions are overlapping"),
])
def test_refusals_are_in_qemus_words(line: str, message: str) -> None:
    with pytest.raises(memkit.Refused) as refused:
        boot(line)
    assert refused.value.message.partition("\n")[0] == message


def test_firmware_that_starts_in_flash_leaves_ram_to_the_device_tree() -> None:
    assert boot("-m 2M -machine start-in-flash=on").ram_blocks
    assert boot("-m 2M -machine msel=6").ram_blocks
