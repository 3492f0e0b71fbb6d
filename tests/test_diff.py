"""diff() says in words where two guests differ, and only what both know."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser

import pytest

import memkit
from memkit.diff import Change, Difference, diff
from memkit.errors import MemkitError, Refused
from memkit.guest import Guest
from memkit.monitor.parser import read

DIMM = "-m {},slots=2,maxmem=16G -M q35 -object memory-backend-ram,id=m1,size=1G " \
       "-device pc-dimm,memdev=m1,id=d1"
DIMM_OF = " -object memory-backend-ram,id=m{0},size={1}G -device pc-dimm,id=d{0},memdev=m{0}"
NODES = "-m 2G -nodefaults -numa node,memdev=a -numa node,memdev=b -smp 2 " \
        "-object memory-backend-ram,id=a,size={} -object memory-backend-ram,id=b,size={}"


def sentences(a: str, b: str) -> tuple[str, ...]:
    return diff(memkit.boot(a), memkit.boot(b)).sentences


def outcome(line: str, qemu: str = "7.2") -> Guest | Refused:
    """The guest, or the refusal that was caught."""
    try:
        return memkit.boot(line, qemu=qemu)
    except Refused as refused:
        return refused


def between(line: str, before: str, after: str) -> Difference:
    """The difference of one line in two QEMUs."""
    return diff(outcome(line, before), outcome(line, after))


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


def test_main_ram_by_another_name_is_renamed_in_blocks_ranges_and_backends() -> None:
    found = diff(memkit.boot("-m 1G -M pc"), memkit.boot("-m 1G -M microvm"))
    told = {(c.kind, c.before, c.after) for c in found.changes if "ram" in str(c.after)}
    assert {("block renamed", "pc.ram", "microvm.ram"), ("range renamed", "pc.ram", "microvm.ram"),
            ("backend renamed", "pc.ram", "microvm.ram")} <= told
    assert "RAMBlock pc.ram is now called microvm.ram." in found.sentences
    assert "Backend pc.ram is now called microvm.ram." in found.sentences
    assert not any("pc.ram" in s and ("vanished" in s or "appeared" in s) for s in found.sentences)


def test_main_ram_keeps_its_role_where_a_dimm_takes_its_place_and_size() -> None:
    line = "-m {},slots=2,maxmem=8G -nodefaults -M memory-backend=f " \
           "-object memory-backend-ram,id=f,size=2G" + DIMM_OF.format(1, 1)
    found = sentences("-m 1G -nodefaults", line.format("2G"))
    assert "RAMBlock pc.ram is now called f." in found
    assert "RAMBlock m1 (1 GiB) appeared at ram_addr_t 0x8000_0000." in found


def test_a_device_in_another_slot_is_renamed_and_another_device_is_not() -> None:
    found = sentences("-m 1G -M pc", "-m 1G -M q35")
    assert "RAMBlock 0000:00:02.0/vga.vram is now called 0000:00:01.0/vga.vram." in found
    assert "RAMBlock 0000:00:03.0/e1000.rom (256 KiB) vanished." in found
    assert "RAMBlock 0000:00:02.0/e1000e.rom (256 KiB) appeared at ram_addr_t 0x410c_0000." in found


def test_an_io_window_by_another_name_is_renamed() -> None:
    old = memkit.boot("-m 1G -M q35 -nodefaults").monitor("info mtree -f")
    found = diff(read({"info mtree -f": old}), read({"info mtree -f": old.replace("hpet", "timer")}))
    assert found.sentences == (
        "What the guest sees at 0xfed0_0000 to 0xfed0_03ff is now called timer (i/o), not hpet.",
    )
    assert [c.words for c in found.changes] == [("renamed",)]


def test_a_memory_device_with_another_id_is_renamed() -> None:
    assert sentences(DIMM.format("2G"), DIMM.format("2G").replace("id=d1", "id=e1")) == (
        "Memory device d1 is now e1.",
    )


def test_a_path_as_a_name_is_a_rename_of_block_and_ranges_told_once() -> None:
    line = "-m 1G,slots=1,maxmem=4G -nodefaults -device pc-dimm,memdev=f -M {} " \
           "-object memory-backend-file,id=f,size=1G,mem-path=/dev/shm"
    found = diff(memkit.boot(line.format("pc-q35-3.1")), memkit.boot(line.format("pc-q35-4.0")))
    assert found.sentences[0] == "RAMBlock /objects/f is now called f."
    assert [c.kind for c in found.changes if c.subject == "f"] == ["block renamed", "range renamed"]
    assert sum("/objects/f" in s for s in found.sentences) == 1


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


def test_many_things_that_come_or_go_share_a_sentence_with_their_sizes_and_places() -> None:
    less = "-m 1G,slots=4,maxmem=8G -nodefaults"
    more = less + "".join(DIMM_OF.format(n, n) for n in (1, 2, 3))
    come, gone = sentences(less, more), sentences(more, less)
    assert "3 RAMBlocks appeared: m1 (1 GiB at 0x0), m2 (2 GiB at 0x4000_0000) and " \
           "m3 (3 GiB at 0xc000_0000)." in come
    assert "3 RAMBlocks vanished: m1 (1 GiB), m2 (2 GiB) and m3 (3 GiB)." in gone
    assert "3 backends vanished: m1 (1 GiB), m2 (2 GiB) and m3 (3 GiB)." in gone
    assert "3 memory devices appeared: d1 (1 GiB at 0x1_0000_0000), d2 (2 GiB at 0x1_4000_0000) and " \
           "d3 (3 GiB at 0x1_c000_0000)." in come


def test_a_crowd_is_told_in_few_words() -> None:
    dimms = "".join(DIMM_OF.format(n, 1) for n in range(40))
    one, two = (memkit.boot(f"-m {n}G,slots=64,maxmem=128G -nodefaults{dimms}") for n in (4, 5))
    found = diff(one, two)
    assert len(found.sentences) < 10
    assert "40 memory devices moved up by 1 GiB in guest-physical addresses: d0, d1, d2, d3, d4, d5, d6, " \
           "d7, d8 and 31 more." in found.sentences
    assert sum(c.kind == "device moved" for c in found.changes) == 40


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


@pytest.mark.parametrize(
    ("before", "after", "heading"),
    [
        (("-M pc-i440fx-3.1", "7.2"), ("-M pc-q35-7.2", "7.2"), "From pc-i440fx-3.1 to pc-q35-7.2:"),
        (("-M pc-q35-5.2", "5.2"), ("-M pc-q35-5.2", "7.2"), "From QEMU 5.2 to QEMU 7.2:"),
        (("-M pc", "5.2"), ("-M pc", "7.2"), "From pc-i440fx-5.2 (QEMU 5.2) to pc-i440fx-7.2 (QEMU 7.2):"),
        (("-m 1G", "7.2"), ("-m 2G", "7.2"), ""),
    ],
)
def test_the_heading_names_what_tells_the_guests_apart(
    before: tuple[str, str], after: tuple[str, str], heading: str
) -> None:
    assert diff(outcome(*before), outcome(*after)).heading == heading


@pytest.mark.parametrize(
    ("before", "after", "title"),
    [
        ("-m 1G", "-m 2G", "From -m 1G to -m 2G"),
        ("-m 1G -M pc", "-m 1G -M q35", "From pc-i440fx-7.2 to pc-q35-7.2"),
        ("-m 1G", "-m 2G -nodefaults", "From the first guest to the second"),
        ("-m 1G", f"-m size=1G,slots=2,maxmem={'0' * 40}17179869184", "From the first guest to the second"),
    ],
)
def test_a_picture_is_called_by_what_tells_the_guests_apart(before: str, after: str, title: str) -> None:
    assert diff(memkit.boot(before), memkit.boot(after)).title == title


def test_names_outrank_what_the_heading_would_say() -> None:
    one, two = memkit.boot("-M pc"), memkit.boot("-M q35")
    assert diff(one, two, ("yesterday", "today")).heading == "From yesterday to today:"


def test_a_machine_type_that_means_another_version_now_is_told() -> None:
    found = between("-m 1G -M q35", "7.2", "11.1")
    assert found.sentences[0] == "The machine type q35 now means pc-q35-11.1, not pc-q35-7.2."
    assert (found.changes[0].kind, found.changes[0].words) == ("machine type", ("changed",))
    assert not any("now means" in s for s in between("-m 1G -M pc-q35-5.2", "5.2", "11.1").sentences)


def test_a_line_that_is_now_refused_is_told_in_qemus_words_and_ours() -> None:
    found = between("-m 1G -M pc-i440fx-2.0", "5.2", "11.1")
    assert found
    assert str(found) == (
        'It is now refused. QEMU says: unsupported machine type: "pc-i440fx-2.0". '
        f"Why: {found.after.explanation} Try: {found.after.hint}."
    )
    assert (found.changes[0].kind, found.changes[0].before) == ("refusal appeared", None)
    assert found.compared == ("what QEMU accepts",)
    back = between("-m 1G -M pc-i440fx-2.0", "11.1", "5.2")
    assert str(back).startswith("It is no longer refused. Before, QEMU said: unsupported machine type: ")


def test_two_refusals_differ_only_in_their_words() -> None:
    size = "-m 4Q: Parameter 'size' expects"
    same = diff(outcome("-m 4Q"), outcome("-M q35 -m 4Q"))
    assert not same
    assert str(same).startswith(f"No difference: QEMU refuses both in the same words.\n{size}")
    other = diff(outcome("-m 4Q"), outcome("-device pc-dimm,memdev=m9"))
    assert other
    told = str(other)
    assert told.startswith("Both are refused, but now QEMU says: -device pc-dimm,memdev=m9: Device 'm9' not")
    assert f"Before, it said: {size}" in told
    assert told.count("Try:") == 1


def test_a_refusal_has_no_picture_and_its_page_offers_none() -> None:
    found = diff(memkit.boot("-m 1G"), outcome("-m 4Q"))
    for draw in (found.graph, found.map, found.tables):
        with pytest.raises(MemkitError, match="nothing to draw a difference of"):
            draw()
    assert ".graph()" not in found._repr_mimebundle_()["text/html"]


def test_warnings_come_and_go_word_for_word() -> None:
    old = "-m 1G -M pc-i440fx-5.0 -numa node,mem=1G"
    new = "-m 1G -M pc-i440fx-5.0 -numa node,memdev=a -object memory-backend-ram,id=a,size=1G"
    said = "Parameter -numa node,mem is deprecated, use -numa node,memdev instead"
    assert f"QEMU no longer warns: {memkit.boot(old).warnings[0]}." in sentences(old, new)
    assert said in memkit.boot(old).warnings[0]
    assert f"QEMU now warns: {memkit.boot(old).warnings[0]}." in sentences(new, old)


def test_no_picture_is_made_before_it_is_asked_for() -> None:
    code = (
        "import sys, memkit; d = memkit.diff(memkit.boot('-m 1G'), memkit.boot('-m 2G')); str(d); "
        "d._repr_mimebundle_(); print(sorted(m for m in sys.modules if m.startswith('memkit.draw')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_marks_say_what_happened_to_each_thing_and_to_the_words_of_the_line() -> None:
    one = memkit.boot("-m 1G,slots=2,maxmem=8G -device pc-dimm,memdev=a "
                      "-object memory-backend-ram,id=a,size=1G")
    two = memkit.boot("-m 2G,slots=2,maxmem=8G -device virtio-balloon")
    marks = diff(one, two).marks
    blocks = {b.idstr: marks.of(b).words for b in two.ram_blocks}
    assert blocks["pc.ram"] == ("moved", "resized")
    assert [b.idstr for b in one.ram_blocks if marks.gone(b)] == ["a"]
    assert one.config is not None
    assert two.config is not None
    assert [marks.of(o).words for o in one.config.options] == [(), (), ("vanished",)]
    assert [(marks.of(o).words, marks.of(o).was) for o in two.config.options] == [
        (("changed",), ("was -m 1G,slots=2,maxmem=8G",)),
        (("changed",), ("was -device pc-dimm,memdev=a",)),
    ]


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
