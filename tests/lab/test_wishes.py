"""What a wish adds to a command line boots when the rest makes room, and teaches when it does not."""

from __future__ import annotations

from itertools import product

import pytest

from memkit.boot import boot
from memkit.config import parse
from memkit.errors import CommandLineError, Refused
from memkit.lab.wishes import BACKENDS, KINDS, Wish, granted


@pytest.mark.parametrize(("kind", "backend"), [*product(KINDS, BACKENDS)])
@pytest.mark.parametrize("line", ["", "-M q35 -m 4G", "-m 2G,maxmem=3G"])
def test_every_wish_boots_where_room_is_made(kind: str, backend: str, line: str) -> None:
    config = granted(parse(line), Wish(kind, backend, "1G", path="/dev/shm/x"))

    assert "mem1" in [b.id for b in boot(config).backends]


def test_wishes_add_up() -> None:
    config = parse("-m 4G")
    for kind in ("numa", "numa", "dimm", "nvdimm", "virtio-mem", "virtio-pmem", "ivshmem", "dimm"):
        config = granted(config, Wish(kind))
    guest = boot(config)

    assert ["mem1", "mem2", "mem3", "mem4", "mem5", "mem6", "mem7", "mem8"] == sorted(
        b.id for b in guest.backends)
    assert ["dimm1", "dimm2", "nvdimm1", "virtiomem1", "virtiopmem1"] == sorted(
        str(d.id) for d in guest.memory_devices)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("dimm", "-device pc-dimm,id=dimm1,memdev=mem1: no slots where allocated, "
                 "please specify the 'slots' option"),
        ("nvdimm", "-device nvdimm,id=nvdimm1,memdev=mem1: nvdimm is not enabled: "
                   "missing 'nvdimm' in '-M'"),
        ("numa", "total memory for NUMA nodes (0x40000000) should equal RAM size (0x100000000)"),
    ],
)
def test_without_room_qemu_says_what_is_missing(kind: str, said: str) -> None:
    line = "-m 4G,slots=2,maxmem=8G" if kind == "nvdimm" else "-m 4G"
    with pytest.raises(Refused) as refused:
        boot(granted(parse(line), Wish(kind, fit=False)))

    assert said == refused.value.message


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (Wish(share=True), "memory-backend-ram,id=mem1,size=1G,share=on"),
        (Wish(backend="memfd", share=True), "memory-backend-memfd,id=mem1,size=1G"),
        (Wish(backend="memfd"), "memory-backend-memfd,id=mem1,size=1G,share=off"),
        (Wish(backend="file", size="512", path=" /dev/hugepages "),
         "memory-backend-file,id=mem1,size=512M,mem-path=/dev/hugepages"),
        (Wish(backend="file", path="/tmp/a,b"), "memory-backend-file,id=mem1,size=1G,mem-path=/tmp/a,,b"),
    ],
)
def test_the_backend_is_written_with_the_words_that_differ_from_defaults(wish: Wish, words: str) -> None:
    assert words in granted(parse(""), wish).argv()


def test_room_is_made_with_the_words_that_lack_it_only() -> None:
    assert "-m 4G,slots=2,maxmem=8G" == granted(parse("-m 4G,slots=2,maxmem=8G"), Wish()).text()[:23]


@pytest.mark.parametrize("size", ["", "x", "-1", "0", "1e99", "99999999999999999999E"])
def test_a_size_that_is_none_is_named(size: str) -> None:
    with pytest.raises(CommandLineError, match="the size of the new memory"):
        granted(parse(""), Wish(size=size))


def test_a_file_needs_a_path() -> None:
    with pytest.raises(CommandLineError, match="needs a path"):
        granted(parse(""), Wish(backend="file", path="  "))


def test_an_id_in_use_is_not_taken_again() -> None:
    config = granted(parse("-m 1G"), Wish())

    assert "pc-dimm,id=dimm2,memdev=mem2" in granted(config, Wish()).argv()
