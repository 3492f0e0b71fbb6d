"""Which pages a Linux host has follows from its architecture, its base page and, on Power, its page table."""

from __future__ import annotations

import pytest

from memkit.architectures import HOST_PAGES, anonymous_align, host_pages, huge_sizes
from memkit.errors import HostError

K, M, G = 1 << 10, 1 << 20, 1 << 30


@pytest.mark.parametrize(("arch", "base", "mmu", "huge"), [
    ("x86_64", 4 * K, "", (2 * M, G)),
    ("aarch64", 4 * K, "", (64 * K, 2 * M, 32 * M, G)),
    ("aarch64", 16 * K, "", (2 * M, 32 * M, G)),
    ("aarch64", 64 * K, "", (2 * M, 512 * M, 16 * G)),
    ("ppc64le", 64 * K, "radix", (2 * M, G)),
    ("ppc64le", 64 * K, "hash", (16 * M, 16 * G)),
    ("ppc64le", 4 * K, "radix", (2 * M, G)),
    ("ppc64le", 4 * K, "hash", (16 * M, 16 * G)),
    ("s390x", 4 * K, "", (M, 2 * G)),
    ("riscv64", 4 * K, "", (64 * K, 2 * M, G)),
])
def test_huge_pages_follow_from_the_base_page(arch: str, base: int, mmu: str, huge: tuple[int, ...]) -> None:
    assert huge == host_pages(arch, base, mmu).huge


def test_every_kind_of_host_stands_in_the_table_once() -> None:
    kinds = [(pages.arch, pages.base, pages.mmu) for pages in HOST_PAGES]
    assert 10 == len(kinds) == len(set(kinds))


@pytest.mark.parametrize("pages", HOST_PAGES, ids=lambda pages: pages.title)
def test_huge_pages_are_powers_of_two_above_the_base_page_and_the_default_is_one_of_them(pages) -> None:  # type: ignore[no-untyped-def]
    assert list(pages.huge) == sorted(pages.huge)
    assert all(size & (size - 1) == 0 and size > pages.base for size in pages.huge)
    assert pages.default in pages.huge
    assert pages.transparent in (0, *pages.huge)


@pytest.mark.parametrize(("name", "arch"), [
    ("amd64", "x86_64"), ("arm64", "aarch64"), ("ppc64", "ppc64le"), ("Z", "s390x"), ("PPC64LE", "ppc64le"),
])
def test_a_host_has_several_names(name: str, arch: str) -> None:
    assert arch == host_pages(name).arch


@pytest.mark.parametrize(("arch", "base", "mmu", "words"), [
    ("vax", None, "", "the pages of 'vax' hosts are not known; known: x86_64, aarch64, ppc64le"),
    ("aarch64", 8192, "", "no aarch64 host has a base page of 8192 bytes; there are: aarch64, 4 KiB pages"),
    ("ppc64le", None, "hashed", "no ppc64le host has mmu 'hashed'; there are: ppc64le, 64 KiB pages, radix"),
    ("s390x", 65536, "", "no s390x host has a base page of 65536 bytes"),
])
def test_a_host_that_there_is_not_is_named(arch: str, base: int | None, mmu: str, words: str) -> None:
    with pytest.raises(HostError) as caught:
        host_pages(arch, base, mmu)
    assert words in str(caught.value)


def test_the_sizes_that_a_kernel_knows_are_those_of_all_its_page_tables() -> None:
    assert (2 * M, 16 * M, G, 16 * G) == huge_sizes("ppc64le", 64 * K)
    assert () == huge_sizes("vax", 4 * K)


@pytest.mark.parametrize(("arch", "base", "qemu", "align"), [
    ("x86_64", 4 * K, "5.2", 2 * M),
    ("aarch64", 64 * K, "7.2", 2 * M),
    ("ppc64le", 64 * K, "7.2", 2 * M),
    ("s390x", 4 * K, "11.1", M),
    ("riscv64", 4 * K, "10.0", 4 * K),
    ("riscv64", 4 * K, "11.1", 2 * M),
    ("mips64", 16 * K, "7.2", 16 * K),
])
def test_anonymous_memory_is_aligned_as_the_build_of_qemu_does(
    arch: str, base: int, qemu: str, align: int
) -> None:
    assert align == anonymous_align(arch, base, qemu)
