"""A memory backend's page size, alignment and failures follow from the host that is described."""

from __future__ import annotations

import pytest

import memkit
from memkit.memory.backend import Backend

HOST = memkit.Host(
    mounts={
        "/": memkit.Mount("ext4"), "/dev/shm": memkit.Mount("tmpfs"),
        "/huge": memkit.Mount("hugetlbfs", 2 << 20, 8), "/huge1g": memkit.Mount("hugetlbfs", 1 << 30, 1),
    },
    files={"/srv/small": 1 << 20, "/srv/big": 1 << 30, "/srv/empty": 0},
)


def backend(options: str) -> Backend:
    return memkit.boot(f"-m 64M -object memory-backend-{options},id=a", host=HOST).backends[0]


def refusal(options: str) -> str:
    with pytest.raises(memkit.Refused) as caught:
        backend(options)
    return caught.value.message


@pytest.mark.parametrize(("options", "page", "filesystem", "share"), [
    ("ram,size=16M", 4096, "anonymous", False),
    ("ram,size=16M,share=on", 4096, "anonymous", True),
    ("memfd,size=16M", 4096, "memfd", True),
    ("memfd,size=16M,hugetlb=on", 2 << 20, "memfd", True),
    ("file,size=16M,mem-path=/dev/shm", 4096, "tmpfs", False),
    ("file,size=16M,mem-path=/srv/new", 4096, "ext4", False),
    ("file,size=16M,mem-path=/srv/big", 4096, "ext4", False),
    ("file,size=16M,mem-path=/srv/empty", 4096, "ext4", False),
    ("file,size=16M,mem-path=/huge", 2 << 20, "hugetlbfs", False),
    ("file,size=1G,mem-path=/huge1g/x", 1 << 30, "hugetlbfs", False),
])
def test_the_page_size_is_that_of_what_backs_it(
    options: str, page: int, filesystem: str, share: bool
) -> None:
    made = backend(options)
    assert (page, filesystem, share) == (made.page_size, made.filesystem, made.share)


@pytest.mark.parametrize(("options", "message"), [
    ("file,size=16M,mem-path=/srv/small",
     "backing store size 0x100000 does not match 'size' option 0x1000000"),
    ("file,size=16M,mem-path=/no/such",
     "can't open backing store /no/such for guest RAM: No such file or directory"),
    ("file,size=16M,mem-path=", "can't open backing store  for guest RAM: No such file or directory"),
    ("file,size=16M,mem-path=/srv/big/x",
     "can't open backing store /srv/big/x for guest RAM: Not a directory"),
    ("file,size=16M,mem-path=/srv,readonly=on", "unable to map backing store for guest RAM: No such device"),
    ("file,size=1M,mem-path=/huge",
     "memory size 0x100000 must be equal to or larger than page size 0x200000"),
    ("file,size=18M,mem-path=/huge", "unable to map backing store for guest RAM: Cannot allocate memory"),
    ("file,size=16M,mem-path=/huge,align=4K", "alignment 0x1000 must be multiples of page size 0x200000"),
    ("memfd,size=5000", "backing store size 0x1388 does not match 'size' option 0x2000"),
    ("memfd,size=3M,hugetlb=on", "failed to resize memfd to 3145728: Invalid argument"),
    ("memfd,size=16M,hugetlbsize=6M", "Hugepage size must be a power of 2"),
    ("file,size=16M,mem-path=/huge,align=6M,readonly=on", "alignment 0x600000 must be a power of two"),
    ("ram,size=16M,prealloc=on,reserve=off", "'prealloc=on' and 'reserve=off' are incompatible"),
])
def test_the_host_refuses_what_it_lacks(options: str, message: str) -> None:
    assert message == refusal(options)


def test_pmem_without_dax_is_no_persistent_memory() -> None:
    line = "-m 64M -object memory-backend-file,size=1M,mem-path=/srv/small,pmem=on,id=a"
    assert () == memkit.boot(line, host=HOST).warnings
    assert (
        "Warning: requesting persistence across crashes for backend file /srv/small failed. Proceeding "
        "without persistence, data might become corrupted in case of host crash.",
        "warning: Using non DAX backing file with 'pmem=on' option is deprecated",
    ) == memkit.boot(f"{line},share=on", host=HOST).warnings


def test_huge_pages_are_taken_from_one_pool() -> None:
    half = "-object memory-backend-file,size=8M,mem-path=/huge,id={0}"
    lines = [half.format(name) for name in "abc"]
    assert 2 == len(memkit.boot("-m 64M " + " ".join(lines[:2]), host=HOST).backends[:2])
    with pytest.raises(memkit.Refused, match="Cannot allocate memory"):
        memkit.boot("-m 64M " + " ".join(lines), host=HOST)
    # Without a reservation pages are missed later, when the guest touches them.
    assert memkit.boot("-m 64M " + " ".join(f"{line},reserve=off" for line in lines), host=HOST)


def test_mem_path_and_mem_prealloc_make_the_machines_own_backend() -> None:
    made = memkit.boot("-m 64M -mem-path /dev/shm -mem-prealloc", host=HOST).backends[0]
    assert ("pc.ram", "memory-backend-file") == (made.id, made.type)
    assert ("tmpfs", True) == (made.filesystem, made.prealloc)
    with pytest.raises(memkit.Refused, match="can't open backing store  for guest RAM"):
        memkit.boot(["-mem-path", ""], host=HOST)
