"""diff() says in words where two guests differ, and only what both know."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

import memkit
from memkit.diff import Change, diff
from memkit.errors import MemkitError
from memkit.monitor.parser import read

DIMM = "-m {},slots=2,maxmem=16G -M q35 -object memory-backend-ram,id=m1,size=1G " \
       "-device pc-dimm,memdev=m1,id=d1"
NODES = "-m 2G -nodefaults -numa node,memdev=a -numa node,memdev=b -smp 2 " \
        "-object memory-backend-ram,id=a,size={} -object memory-backend-ram,id=b,size={}"


def sentences(a: str, b: str) -> tuple[str, ...]:
    return diff(memkit.boot(a), memkit.boot(b)).sentences


def test_equal_guests_have_no_difference() -> None:
    same = diff(memkit.boot(DIMM.format("4G")), memkit.boot(DIMM.format("4G")))
    assert not same
    assert str(same) == (
        "No difference in the RAMBlocks, the memory map, the backends, the memory devices, the NUMA nodes "
        "and QEMU's warnings."
    )


def test_a_dimm_that_moves_is_told_once_with_both_addresses() -> None:
    found = diff(memkit.boot(DIMM.format("4G")), memkit.boot(DIMM.format("5G")))
    assert found
    assert "d1 moved up by 1 GiB, from 0x1_8000_0000 to 0x1_c000_0000." in found.sentences
    assert sum("0x1_c000_0000" in s for s in found.sentences) == 1
    moved = next(c for c in found.changes if c.kind == "device moved")
    assert (moved.subject, moved.before, moved.after) == ("d1", 0x1_8000_0000, 0x1_C000_0000)


def test_blocks_that_move_together_share_a_sentence_but_not_a_change() -> None:
    found = diff(memkit.boot("-m 1G -nodefaults"), memkit.boot("-m 2G -nodefaults"))
    assert "5 RAMBlocks moved up by 1 GiB in ram_addr_t space: pc.bios, pc.rom, /rom@etc/acpi/tables, " \
           "/rom@etc/table-loader and /rom@etc/acpi/rsdp." in found.sentences
    assert [c.subject for c in found.changes if c.kind == "block moved"] == [
        "pc.bios", "pc.rom", "/rom@etc/acpi/tables", "/rom@etc/table-loader", "/rom@etc/acpi/rsdp",
    ]
    assert "pc.ram grew from 1 GiB to 2 GiB." in found.sentences


def test_blocks_and_ranges_appear_and_vanish() -> None:
    less = "-m 1G,slots=1,maxmem=4G -nodefaults"
    more = f"{less} -object memory-backend-ram,id=m1,size=1G -device pc-dimm,memdev=m1"
    appeared, vanished = sentences(less, more), sentences(more, less)
    assert "RAMBlock m1 (1 GiB) appeared at ram_addr_t 0x0." in appeared
    assert "The guest now sees m1 (ram) at 0x1_0000_0000 to 0x1_3fff_ffff." in appeared
    assert "Backend m1 (1 GiB) appeared." in appeared
    assert "The dimm of m1 (1 GiB) appeared at 0x1_0000_0000." in appeared
    assert "Node 0 has 2 GiB instead of 1 GiB." in appeared
    assert "RAMBlock m1 (1 GiB) vanished." in vanished
    assert "The guest no longer sees m1 (ram) at 0x1_0000_0000 to 0x1_3fff_ffff." in vanished


def test_a_block_with_another_name_in_the_same_place_is_renamed() -> None:
    line = "-m 1G -nodefaults -M {},memory-backend=f " \
           "-object memory-backend-file,id=f,size=1G,mem-path=/dev/shm"
    assert sentences(line.format("pc-i440fx-3.1"), line.format("pc-i440fx-4.0"))[0] == (
        "RAMBlock /objects/f is now called f."
    )


def test_backends_differ_field_by_field() -> None:
    line = "-m 1G -nodefaults -object memory-backend-ram,id=a,size=1G{} -M memory-backend=a"
    assert sentences(line.format(""), line.format(",share=on,merge=off")) == (
        "Backend a has merge off instead of on.", "Backend a has share on instead of off.",
    )


def test_nodes_differ_in_size() -> None:
    found = sentences(NODES.format("1G", "1G"), NODES.format("512M", "1536M"))
    assert "Node 0 has 512 MiB instead of 1 GiB." in found
    assert "Node 1 has 1536 MiB instead of 1 GiB." in found or "Node 1 has 1.5 GiB instead of 1 GiB." in found


def test_many_ranges_of_one_name_share_a_sentence() -> None:
    found = sentences("-m 1G -nodefaults", "-m 1G -M microvm")
    assert (
        "The guest now sees 24 ranges of virtio-mmio, the first at 0xfeb0_0000 and the last at 0xfeb0_2e00."
    ) in found
    assert sum("virtio-mmio" in s for s in found) == 1
    back = sentences("-m 1G -M microvm", "-m 1G -nodefaults")
    assert sum("no longer sees 24 ranges of virtio-mmio" in s for s in back) == 1


def test_no_sentence_is_said_twice_and_every_change_is_in_one() -> None:
    lines = ("-m 4G", "-m 5G -M q35", "-m 1G -M microvm", DIMM.format("2G"), "-m 4G -vga cirrus -smp 4")
    for a in lines:
        for b in lines:
            found = diff(memkit.boot(a), memkit.boot(b))
            assert len(set(found.sentences)) == len(found.sentences)
            assert bool(found) == (a != b)
            for change in found.changes:
                # A memory device's own sentence tells of its range, too.
                told = any(change.subject.lower() in s.lower() for s in found.sentences)
                assert told or change.kind == "range moved"


def test_the_heading_tells_which_guest_is_which() -> None:
    model, other = memkit.boot("-m 1G"), memkit.boot("-m 2G")
    text = read({"info ramblock": other.monitor("info ramblock")})
    found = diff(model, text)
    assert str(found).splitlines()[:2] == ["From the model to the monitor's text:",
                                           "pc.ram grew from 1 GiB to 2 GiB."]
    assert "<p>From the model to the monitor&#x27;s text:</p>" in found._repr_mimebundle_()["text/html"]
    assert diff(model, other).heading == ""


@pytest.mark.needs_qemu
def test_a_model_and_a_larger_real_guest_differ_in_words() -> None:
    line = "-m {} -M q35 -nodefaults"
    assert str(diff(memkit.boot(line.format("4G")), memkit.launch(line.format("5G")))).splitlines() == [
        "From the model to the real QEMU:",
        "pc.ram grew from 4 GiB to 5 GiB.",
        "5 RAMBlocks moved up by 1 GiB in ram_addr_t space: pc.bios, pc.rom, /rom@etc/acpi/tables, "
        "/rom@etc/table-loader and /rom@etc/acpi/rsdp.",
        "The guest sees pc.ram (ram) grow at 0x1_0000_0000, from 2 GiB to 3 GiB.",
        "Backend pc.ram has size 5 GiB instead of 4 GiB.",
    ]


def test_what_only_one_guest_knows_is_not_compared() -> None:
    model = memkit.boot("-m 1G -nodefaults")
    text = read({"info numa": "0 nodes\n"})
    found = diff(model, text)
    assert not found
    assert found.compared == ("the NUMA nodes",)
    assert str(found) == "No difference in the NUMA nodes."


def test_text_does_not_tell_backend_types_so_they_do_not_differ() -> None:
    model = memkit.boot("-m 1G -nodefaults")
    text = read({"info memdev": model.monitor("info memdev")})
    assert not diff(model, text)


def test_a_version_that_prints_less_differs_in_nothing_that_it_does_not_print() -> None:
    model = memkit.boot("-m 1G -object memory-backend-ram,id=a,size=1G,share=on -M memory-backend=a")
    lines = model.monitor("info memdev").splitlines()
    old = "\n".join(line for line in lines if "share" not in line and "reserve" not in line)
    assert not diff(model, read({"info memdev": old}))


def test_guests_without_a_common_fact_cannot_be_compared() -> None:
    a = read({"info numa": "0 nodes\n"})
    b = read({"info ramblock": "x 4 KiB 0x0 0x1000 0x1000"})
    with pytest.raises(MemkitError, match="share no facts"):
        diff(a, b)


def test_something_else_than_a_guest_is_refused() -> None:
    with pytest.raises(MemkitError, match="not str"):
        diff(memkit.boot("-m 1G"), "-m 1G")  # type: ignore[arg-type]


def test_a_cell_shows_a_list_whose_items_are_the_sentences() -> None:
    found = diff(memkit.boot("-m 1G -nodefaults"), memkit.boot("-m 2G -nodefaults"))
    bundle = found._repr_mimebundle_()
    items: list[str] = []

    class Items(HTMLParser):
        inside = False

        def handle_starttag(self, tag: str, attrs: object) -> None:
            self.inside = tag == "li"

        def handle_data(self, data: str) -> None:
            if self.inside:
                items.append(data)

    Items().feed(bundle["text/html"])
    assert tuple(items) == found.sentences
    assert bundle["text/plain"] == str(found) == "\n".join(found.sentences)


def test_a_change_keeps_its_values() -> None:
    assert Change("block moved", "a", 0, 4096, "a moved.").after == 4096
