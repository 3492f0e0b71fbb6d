"""On a host of another architecture, memory backends have its pages, its alignment and its huge pages."""

from __future__ import annotations

import pytest

import memkit
from memkit import Host

K, M, G = 1 << 10, 1 << 20, 1 << 30
MEMFD = "-m 1G -M memory-backend=r -object memory-backend-memfd,id=r,size=1G,hugetlb=on"


@pytest.mark.parametrize(("host", "page"), [
    (Host(), 2 * M), (Host.of("aarch64", 64 * K), 512 * M), (Host.of("aarch64", 16 * K), 32 * M),
    (Host.of("ppc64le"), 2 * M), (Host.of("ppc64le", mmu="hash"), 16 * M), (Host.of("s390x"), M),
], ids=str)
def test_hugetlb_without_a_size_means_the_huge_page_that_is_usual_there(host: Host, page: int) -> None:
    assert page == memkit.boot(MEMFD, host=host).backends[0].page_size


@pytest.mark.parametrize(("host", "size", "flags"), [
    (Host(), "16M", 0x60000007), (Host.of("ppc64le"), "16M", 0x60000007),
    (Host.of("s390x"), "2M", 0x54000007), (Host.of("aarch64", 64 * K), "64K", 0x40000007),
], ids=str)
def test_a_huge_page_that_the_kernel_does_not_know_is_refused(host: Host, size: str, flags: int) -> None:
    with pytest.raises(memkit.Refused) as caught:
        memkit.boot(f"{MEMFD},hugetlbsize={size}", host=host)
    assert "failed to create memfd" in caught.value.message
    assert f"{flags:x}" in caught.value.message


def test_a_huge_page_that_the_kernel_knows_but_has_none_of_cannot_be_mapped() -> None:
    with pytest.raises(memkit.Refused) as caught:
        memkit.boot(f"{MEMFD.replace('1G', '16G')},hugetlbsize=16G", host=Host.of("ppc64le", mmu="hash"))
    assert "Cannot allocate memory" in caught.value.message


@pytest.mark.parametrize(("host", "qemu", "align"), [
    (Host(), "7.2", 2 * M), (Host.of("s390x"), "7.2", M), (Host.of("riscv64"), "7.2", 4 * K),
    (Host.of("riscv64"), "11.1", 2 * M), (Host.of("aarch64", 64 * K), "7.2", 2 * M),
], ids=str)
def test_anonymous_memory_has_the_alignment_of_the_host(host: Host, qemu: str, align: int) -> None:
    assert align == memkit.boot("-m 1G", host=host, qemu=qemu).backends[0].align


@pytest.mark.parametrize(("line", "align"), [
    ("-accel kvm", M), ("-accel tcg", 4 * K),
])
def test_a_file_begins_at_a_segment_on_z_under_kvm(line: str, align: int) -> None:
    guest = memkit.boot(f"qemu-system-s390x -m 1G -mem-path /dev/shm {line}", host=Host.of("s390x"))
    assert align == guest.backends[0].align


@pytest.mark.parametrize(("host", "fits", "too_large"), [
    (Host(), 1 << 46, 1 << 47), (Host.of("aarch64"), 1 << 47, 1 << 48),
    (Host.of("ppc64le", 4 * K), 1 << 45, 1 << 46), (Host(arch="vax"), 1 << 46, 1 << 47),
], ids=str)
def test_a_backend_has_to_fit_into_the_addresses_of_a_process(host: Host, fits: int, too_large: int) -> None:
    line = "-m 1G -object memory-backend-ram,id=r,size="
    assert fits == memkit.boot(f"{line}{fits}", host=host).backends[0].size
    with pytest.raises(memkit.Refused, match="Cannot allocate memory"):
        memkit.boot(f"{line}{too_large}", host=host)


def test_files_and_anonymous_memory_have_the_base_page_of_the_host() -> None:
    line = "-m 1G -mem-path /dev/shm -object memory-backend-ram,id=r,size=100K"
    guest = memkit.boot(line, host=Host.of("aarch64", 64 * K))
    blocks = {block.region_name: block for block in guest.ram_blocks}
    assert (64 * K, 64 * K) == (blocks["r"].page_size, blocks["pc.ram"].page_size)
    assert 128 * K == blocks["r"].used_length


def test_what_a_device_brings_has_the_base_page_too() -> None:
    guest = memkit.boot("-M q35 -m 1G", host=Host.of("aarch64", 64 * K))
    assert {64 * K} == {block.page_size for block in guest.ram_blocks}
    assert all(block.max_length % (64 * K) == 0 for block in guest.ram_blocks)


@pytest.mark.parametrize(("host", "block"), [
    (Host(), 2 * M), (Host.of("aarch64", 64 * K), 512 * M), (Host.of("aarch64", 16 * K), 32 * M),
    (Host.of("s390x"), M), (Host.of("ppc64le", mmu="hash"), 16 * M),
], ids=str)
def test_blocks_of_virtio_mem_are_as_large_as_a_transparent_huge_page(host: Host, block: int) -> None:
    line = ("-m 1G,maxmem=8G -object memory-backend-ram,id=m,size=1G "
            "-device virtio-mem-pci,memdev=m,requested-size=512M")
    assert block == memkit.boot(line, host=host).memory_devices[0].block_size
