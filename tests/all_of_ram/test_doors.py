"""A guest that was read from text is asked as well; what no text tells is unknown and not guessed."""

from __future__ import annotations

import pytest

import memkit
from memkit.all_of_ram import DEFINITIONS
from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.monitor.parser import read

LINE = (
    "-M q35,nvdimm=on -m 200M,slots=4,maxmem=4G -object memory-backend-ram,id=m1,size=128M,dump=off "
    "-device pc-dimm,id=d1,memdev=m1 -object memory-backend-file,id=n1,size=96M,mem-path=/var/tmp/n,share=on "
    "-device nvdimm,id=nv,memdev=n1,label-size=128K -object memory-backend-ram,id=v,size=256M "
    "-device virtio-mem-pci,id=vm,memdev=v -object memory-backend-ram,id=lost,size=64M"
)
COMMANDS = ("ramblock", "mtree", "mtree -f", "memdev", "memory-devices", "numa")
# What hangs on options, or on a backend's type.
OPTIONS = {"pmem-backing", "vhost-user", "core-dump", "ksm", "mem-lock"}


def as_text(guest: Guest, qemu: str = "7.2", left_out: tuple[str, ...] = ()) -> Guest:
    """The guest as its monitor tells it."""
    texts = {f"info {c}": guest.monitor(f"info {c}") for c in COMMANDS if c not in left_out}
    return read(texts, qemu=qemu)


def told(guest: Guest, definition: str) -> list[tuple[int, str, int | None]]:
    """What is said of each block, which its size and bytes tell apart."""
    return sorted((m.block.max_length, m.state, m.bytes) for m in guest.all_of_ram(definition).members)


@pytest.mark.parametrize("definition", [d for d in DEFINITIONS if d not in OPTIONS])
def test_text_tells_the_same_set_where_no_option_matters(definition: str) -> None:
    guest = memkit.boot(LINE)
    assert told(guest, definition) == told(as_text(guest), definition)


@pytest.mark.parametrize("definition", sorted(OPTIONS))
def test_text_leaves_open_what_only_the_command_line_tells(definition: str) -> None:
    guest = memkit.boot(LINE)
    real, read_back = guest.all_of_ram(definition), as_text(guest).all_of_ram(definition)
    assert not read_back.certain
    assert real.certain
    assert "at least" in read_back.sentence
    by_size = {m.block.max_length: m for m in real.members}
    for one in read_back.members:
        if one.state != "unknown" and list(by_size).count(one.block.max_length) == 1:
            assert (one.state, one.bytes) == (by_size[one.block.max_length].state,
                                              by_size[one.block.max_length].bytes)


def test_what_info_memdev_tells_is_used() -> None:
    found = as_text(memkit.boot(LINE)).all_of_ram("core-dump").member("m1")
    assert found is not None
    assert ("out", "its backend m1 says dump=off") == (found.state, found.reason)


def test_without_the_tree_nobody_knows_what_the_guest_sees() -> None:
    guest = as_text(memkit.boot("-m 1G"), left_out=("mtree", "mtree -f"))
    assert {"unknown"} == {m.state for m in guest.all_of_ram("dump-guest-memory").members}
    with pytest.raises(MemkitError, match="no address space"):
        guest.all_of_ram("space:memory")


def test_an_unknown_release_is_said() -> None:
    guest = as_text(memkit.boot("-m 1G"), qemu="unknown")
    assert "The release of QEMU is not known" in guest.all_of_ram("migration").remark
    assert "" == as_text(memkit.boot("-m 1G")).all_of_ram("migration").remark


def test_a_guest_without_blocks_is_told_to_be_unknown() -> None:
    guest = read({"info numa": "0 nodes\n"})
    assert "Nothing is known of this guest's RAMBlocks." == guest.all_of_ram().summary
    assert guest.all_of_ram().svg("dark")


@pytest.mark.needs_qemu
def test_an_observed_guest_is_told_like_the_models() -> None:
    """Every definition, of a guest that a real QEMU has built."""
    real = memkit.launch(LINE)
    modelled = memkit.boot(LINE, qemu=real.qemu, host=real.host)
    assert [] == [d for d in DEFINITIONS if told(real, d) != told(modelled, d)]
