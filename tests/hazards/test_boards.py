"""Rules on other boards than x86's: what is found there, and what must not be."""

from __future__ import annotations

import pytest

import memkit
from memkit import Host
from memkit.hazards import hazards

RING = "-accel kvm,dirty-ring-size=4096"
DIMM = "-object memory-backend-ram,id=d,size=512M -device pc-dimm,id=dimm1,memdev=d"


def found(
    line: str, *operations: str, qemu: str = "7.2", host: Host | None = None
) -> dict[str, memkit.Hazard]:
    guest = memkit.boot(line, qemu=qemu, host=host)
    return {hazard.id: hazard for hazard in hazards(guest, operations)}


PLAIN = [
    ("qemu-system-aarch64 -accel kvm -cpu host -M virt -m 4G", Host.of("aarch64")),
    ("qemu-system-aarch64 -M raspi3b", None), ("qemu-system-aarch64 -M sbsa-ref -m 4G", None),
    ("qemu-system-arm -M vexpress-a15 -m 1G", None),
    ("qemu-system-ppc64 -accel kvm -M pseries -m 4G,slots=16,maxmem=64G", Host.of("ppc64le")),
    ("qemu-system-ppc64 -M powernv9 -m 4G", None), ("qemu-system-s390x -accel kvm -m 4G", Host.of("s390x")),
    ("qemu-system-riscv64 -M virt -m 4G", None), ("qemu-system-riscv64 -M sifive_u -m 4G", None),
]


@pytest.mark.parametrize(("line", "host"), PLAIN)
def test_a_plain_guest_of_any_board_has_no_hazard(line: str, host: Host | None) -> None:
    assert found(line, host=host) == {}


@pytest.mark.parametrize(("line", "qemu"), [
    ("qemu-system-riscv64 -M virt", "7.2"), ("qemu-system-riscv64 -M sifive_u", "7.2"),
    ("qemu-system-aarch64 -M sbsa-ref", "7.2"), ("qemu-system-arm -M vexpress-a15", "7.2"),
    ("qemu-system-ppc64 -M powernv9", "7.2"), ("qemu-system-s390x", "7.2"), ("-M microvm", "10.0"),
])
def test_maxmem_does_nothing_on_a_board_without_a_window(line: str, qemu: str) -> None:
    assert "maxmem-silently-ignored" in found(f"{line} -m 1G,slots=2,maxmem=2G", qemu=qemu)


@pytest.mark.parametrize(("line", "qemu"), [
    ("qemu-system-aarch64 -M virt", "7.2"), ("qemu-system-ppc64 -M pseries", "7.2"),
    ("qemu-system-s390x", "10.0"), ("-M pc", "7.2"),
])
def test_maxmem_makes_a_window_elsewhere(line: str, qemu: str) -> None:
    assert "maxmem-silently-ignored" not in found(f"{line} -m 1G,slots=2,maxmem=2G", qemu=qemu)


@pytest.mark.parametrize("board", [
    "qemu-system-aarch64 -M sbsa-ref -m 1G", "qemu-system-aarch64 -M raspi3b",
    "qemu-system-arm -M vexpress-a15 -m 1G", "qemu-system-ppc64 -M powernv9 -m 1G", "-M microvm -m 1G",
])
def test_a_dimm_that_nobody_plugs_is_told(board: str) -> None:
    hazard = found(f"{board} {DIMM}")["dimm-never-plugged"]
    assert hazard.names == ("dimm1",)
    assert "dimm-never-plugged" not in found(
        f"qemu-system-ppc64 -M pseries -m 1G,slots=2,maxmem=4G {DIMM}")


@pytest.mark.parametrize(("line", "host", "qemu", "rings"), [
    (f"qemu-system-x86_64 {RING}", None, "7.2", True),
    (f"qemu-system-s390x {RING}", Host.of("s390x"), "10.0", False),
    (f"qemu-system-aarch64 {RING} -M virt -cpu host", Host.of("aarch64"), "7.2", False),
    (f"qemu-system-aarch64 {RING} -M virt -cpu host", Host.of("aarch64"), "10.0", True),
])
def test_rings_of_dirty_pages_are_not_everywhere(
    line: str, host: Host | None, qemu: str, rings: bool
) -> None:
    assert ("dirty-limit-needs-ring" in found(line, "dirty-limit", qemu=qemu, host=host)) is not rings
    counted = found(line, "calc-dirty-rate-bitmap", qemu=qemu, host=host)
    assert ("dirty-rate-bitmap-vs-ring" in counted) is rings


def test_a_program_without_kvm_does_not_ask_kvm_for_its_rings() -> None:
    line = "qemu-system-riscv64 -M virt -m 1G"
    assert "calc-dirty-rate-ring-tcg" not in found(line, "calc-dirty-rate-ring")
    assert "calc-dirty-rate-ring-tcg" in found(line, "calc-dirty-rate-ring", host=Host.of("riscv64"))


def test_shared_memory_for_a_machine_without_m_is_as_large_as_its_own() -> None:
    line = ("qemu-system-ppc64 -M pseries -chardev socket,id=c,path=/tmp/c "
            "-device vhost-user-blk-pci,chardev=c")
    config = memkit.mend(line).config
    assert config.objects[0].props["size"] == 512 << 20
    assert memkit.boot(config).ram_blocks[0].used_length == 512 << 20


def test_blocks_of_virtio_mem_are_compared_with_the_huge_pages_of_their_host() -> None:
    line = ("qemu-system-aarch64 -accel kvm -cpu host -M virt -m 1G,maxmem=8G -object memory-backend-ram,"
            "id=v,size=2G -device virtio-mem-pci,id=vm,memdev=v,block-size=2M")
    assert "virtio-mem-block-below-thp" not in found(line, host=Host.of("aarch64"))
    hazard = found(line, host=Host.of("aarch64", 64 << 10))["virtio-mem-block-below-thp"]
    assert hazard.sentences == ("vm has blocks of 2 MiB, and a huge page has 512 MiB.",)


def test_the_table_of_old_types_of_pseries_is_made_for_all_that_may_come() -> None:
    room = ",cap-htm=off -m 1G,slots=2,maxmem=64G"
    assert "ppc-huge-maxmem-hpt" in found(f"qemu-system-ppc64 -M pseries-2.9{room}")
    assert "ppc-huge-maxmem-hpt" not in found(f"qemu-system-ppc64 -M pseries-2.10{room}")


def test_smmuv3_is_an_iommu_of_the_guest() -> None:
    scene = memkit.hazards.Scene(memkit.boot("qemu-system-aarch64 -M virt,iommu=smmuv3 -m 1G"))
    assert scene.features.names("viommu") == ("iommu",)
