"""A Host is described, never touched; what cannot be a host is refused by the name of the field."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from memkit import Host, Mount
from memkit.errors import HostError


def test_the_default_is_a_common_linux_server() -> None:
    host = Host()
    assert ("x86_64", 4096, "always") == (host.arch, host.page_size, host.overcommit)
    assert (2 << 20,) == host.huge_page_sizes
    assert "tmpfs" == host.mount_of("/dev/shm/x").fs


def test_a_file_and_a_mapping_describe_the_same_host(tmp_path: Path) -> None:
    described = {
        "about": "a test", "page_size": 65536, "mounts": {"/hp": {"fs": "hugetlbfs", "page_size": 1 << 30}},
        "directories": ["/a/b"], "files": {"/c/d": 5}, "overcommit": "never",
    }
    path = tmp_path / "host.json"
    path.write_text(json.dumps(described))
    host = Host.from_file(path)
    assert host == Host.from_dict(described)
    assert ((1 << 30,), 5) == (host.huge_page_sizes, host.file_size("/c/d"))


@pytest.mark.parametrize(("path", "fs"), [
    ("/hp", "hugetlbfs"), ("/hp/x", "hugetlbfs"), ("/hpx", "ext4"), ("/hp/in/x", "tmpfs"), ("x", "ext4"),
    ("", "ext4"),
])
def test_the_longest_mount_point_counts(path: str, fs: str) -> None:
    host = Host(mounts={"/": Mount("ext4"), "/hp": Mount("hugetlbfs"), "/hp/in": Mount("tmpfs")})
    assert fs == host.mount_of(path).fs


def test_what_holds_a_known_thing_exists_as_well() -> None:
    host = Host(mounts={"/m/n": Mount("tmpfs")}, directories=("/a/b",), files={"/c/d/e": 1})
    for path in ("/", "/m", "/m/n", "/a", "/a/b", "/a/b/", "/c/d"):
        assert host.is_directory(path), path
    for path in ("/c/d/e", "/a/x", "/x"):
        assert not host.is_directory(path), path
    assert host.can_create("/a/b/new")
    assert host.can_create("new")
    assert not host.can_create("/x/new")


@pytest.mark.parametrize(("described", "words"), [
    ({"cpu": 1}, "unknown key 'cpu'"),
    ({"page_size": 3000}, "page_size is a power of two"),
    ({"page_size": 0}, "page_size is a power of two"),
    ({"page_size": "4k"}, "page_size is a whole number"),
    ({"numa_nodes": -1}, "numa_nodes is a whole number"),
    ({"files": ["x"]}, "files maps paths"),
    ({"files": {"/x": "big"}}, "files['/x'] is a whole number"),
    ({"firmware": {"/x": True}}, "firmware['/x'] is a whole number"),
    ({"directories": "/tmp"}, "directories is a list of paths"),
    ({"directories": [5]}, "directories is a list of paths"),
    ({"mounts": {"/": "ext4"}}, "mounts['/'] maps paths"),
    ({"mounts": {"/": {}}}, "mounts['/'] has fs"),
    ({"mounts": {"/": {"fs": 5}}}, "mounts['/'].fs is the name"),
    ({"mounts": {"/": {"fs": "x", "size": 1}}}, "mounts['/'] has fs"),
    ({"mounts": {"/": {"fs": "hugetlbfs", "page_size": 3}}}, "mounts['/'].page_size is a power of two"),
    ({"mounts": None}, "mounts maps paths"),
    ({"arch": 5}, "arch is a word"),
    ({"accelerator": None}, "accelerator is a word"),
    ({"overcommit": "sometimes"}, "overcommit is one of"),
    (["x"], "a host description is a mapping"),
])
def test_a_wrong_description_is_named(described: object, words: str) -> None:
    with pytest.raises(HostError) as caught:
        Host.from_dict(described)  # type: ignore[arg-type]
    assert words in str(caught.value)


@pytest.mark.parametrize("wrong", [
    {"mounts": None}, {"mounts": {"/": None}}, {"files": None}, {"page_size": 0}, {"arch": 5},
    {"mounts": {"/hp": Mount("hugetlbfs", 0)}}, {"directories": None}, {"mounts": {5: Mount("ext4")}},
])
def test_a_host_made_by_hand_is_checked_too(wrong: dict[str, object]) -> None:
    with pytest.raises(HostError):
        Host(**wrong)  # type: ignore[arg-type]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="cannot read the host description"):
        Host.from_file(tmp_path / "none.json")
    path = tmp_path / "host.json"
    path.write_text("{")
    with pytest.raises(HostError, match="is not JSON"):
        Host.from_file(path)


def test_more_files_can_be_added() -> None:
    host = Host(files={"/a": 1}).with_files(**{"/b": 2})
    assert {"/a": 1, "/b": 2} == host.files


@pytest.mark.parametrize(("arguments", "page", "pool", "free"), [
    (("x86_64",), 4 << 10, 2 << 20, 512),
    (("aarch64", 64 << 10), 64 << 10, 512 << 20, 2),
    (("aarch64", 16 << 10), 16 << 10, 32 << 20, 32),
    (("ppc64le",), 64 << 10, 2 << 20, 512),
    (("ppc64le", None, "hash"), 64 << 10, 16 << 20, 64),
    (("ppc64le", None, "hash", 16 << 30), 64 << 10, 16 << 30, 1),
    (("s390x",), 4 << 10, 1 << 20, 1024),
    (("riscv64", None, "", 64 << 10), 4 << 10, 64 << 10, 16384),
])
def test_a_common_host_of_an_architecture_has_a_pool_of_a_gib_or_one_page(
    arguments: tuple[object, ...], page: int, pool: int, free: int
) -> None:
    host = Host.of(*arguments)  # type: ignore[arg-type]
    assert (page, (pool,)) == (host.page_size, host.huge_page_sizes)
    assert Mount("hugetlbfs", pool, free) == host.mount_of("/dev/hugepages/x")


def test_the_common_host_is_that_of_x86() -> None:
    assert Host() == Host.of("x86_64")


@pytest.mark.parametrize(("arguments", "words"), [
    (("vax",), "the pages of 'vax' hosts are not known"),
    (("s390x", 65536), "no s390x host has a base page of 65536 bytes"),
    (("ppc64le", None, "radix", 16 << 20), "has no huge pages of 16777216 bytes; it has 2 MiB, 1 GiB"),
    (("x86_64", None, "", "2M"), "has no huge pages of '2M' bytes"),
])
def test_a_host_that_no_architecture_has_is_refused(arguments: tuple[object, ...], words: str) -> None:
    with pytest.raises(HostError) as caught:
        Host.of(*arguments)  # type: ignore[arg-type]
    assert words in str(caught.value)


def test_the_pools_tell_which_page_table_a_power_host_has() -> None:
    hash_host = Host(arch="ppc64", page_size=65536, mounts={"/hp": Mount("hugetlbfs", 16 << 30)})
    assert hash_host.pages is not None
    assert "hash" == hash_host.pages.mmu
    radix = Host(arch="ppc64le", page_size=65536, mounts={})
    assert radix.pages is not None
    assert ("radix", None) == (radix.pages.mmu, Host(arch="vax").pages)
