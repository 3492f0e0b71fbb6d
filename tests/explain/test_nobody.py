"""What an access that nobody answers comes to depends on the CPUs, and the story says so."""

from __future__ import annotations

import pytest

import memkit

FAULTS = [
    ("qemu-system-x86_64 -M q35 -m 1G", 0x1_0000_0000_0000, "gives 0"),
    ("qemu-system-aarch64 -M virt -m 1G", 0x8000_0000, "an external abort"),
    ("qemu-system-aarch64 -M raspi3b", 0x5000_0000, "an external abort"),
    ("qemu-system-aarch64 -M virt-2.10 -m 1G", 0x8000_0000, "gives 0"),
    ("qemu-system-arm -M vexpress-a15 -m 1G", 0x4000_0000, "gives 0"),
    ("qemu-system-riscv64 -M virt -m 1G", 0xC000_0000, "an access fault"),
    ("qemu-system-s390x -m 1G", 0x8000_0000, "an addressing exception"),
    ("qemu-system-ppc64 -M pseries -m 1G", 0x8000_0000, "gives 0"),
]


@pytest.mark.parametrize(("line", "gpa", "words"), FAULTS)
def test_the_guest_gets_what_its_architecture_has_for_it(line: str, gpa: int, words: str) -> None:
    story = memkit.boot(line, qemu="7.2").explain(gpa)
    assert story.range is None
    assert words in story.facts[-1].sentence


@pytest.mark.parametrize(("cpu", "words"), [
    ("", "a machine check"), (" -cpu power9_v2.2", "a machine check"), (" -cpu POWER8", "a machine check"),
    (" -cpu 004e1202", "a machine check"), (" -cpu power7", "gives 0"), (" -cpu 970", "gives 0"),
])
def test_newer_releases_give_newer_power_cpus_a_machine_check(cpu: str, words: str) -> None:
    guest = memkit.boot(f"qemu-system-ppc64 -M pseries -m 1G{cpu}", qemu="10.0")
    assert words in guest.explain(0x8000_0000).facts[-1].sentence


def test_only_x86_has_ports() -> None:
    for line, words in (("-m 1G", "all ones"), ("qemu-system-s390x -m 1G", "only x86 CPUs have ports")):
        guest = memkit.boot(line)
        assert words in guest.explain(0xE000, "I/O").facts[-1].sentence
        assert "0xffff" in guest.explain(0x2_0000, "I/O").facts[-1].sentence


@pytest.mark.parametrize(("line", "space"), [
    ("qemu-system-ppc64 -M pseries -m 1G", "pci@800000020000000"),
    ("qemu-system-aarch64 -M virt,iommu=smmuv3 -m 1G", "smmuv3-iommu-memory-region-0-0"),
])
def test_an_iommu_translates(line: str, space: str) -> None:
    assert "translates each access" in memkit.boot(line).explain(0x1000, space).facts[-1].sentence
