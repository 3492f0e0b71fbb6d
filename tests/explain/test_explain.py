"""The story of one address: it agrees with the FlatView, names who was hidden, and reads well."""

from __future__ import annotations

import json
from contextlib import suppress
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from trees import SPAN, TOP, Tree, trees

import memkit
from memkit.errors import MemkitError
from memkit.explain import Explanation, explain, read_address
from memkit.explain.story import listed
from memkit.guest import Guest
from memkit.host import Host, Mount
from memkit.memory.flatview import AddressSpace
from memkit.memory.region import ADDRESS_SPACE_SIZE, MemoryRegion
from memkit.monitor.parser import read

DIMM = ("-m 4G,slots=4,maxmem=16G -object memory-backend-ram,id=m1,size=1G "
        "-device pc-dimm,id=d1,memdev=m1")
NODES = ("-m 6G -smp 2 -nodefaults -object memory-backend-ram,id=a,size=2G "
         "-object memory-backend-ram,id=b,size=4G -numa node,memdev=a -numa node,memdev=b")
LINES = (
    "-m 1G", DIMM, NODES, "-M q35 -m 8G", "-M microvm -m 512", "-M pc-i440fx-2.3 -m 4G -vga cirrus",
    "-M q35,nvdimm=on -m 1G,slots=2,maxmem=8G -object memory-backend-ram,id=n,size=1G "
    "-device nvdimm,memdev=n -object memory-backend-ram,id=v,size=1G -device virtio-mem-pci,memdev=v",
)


def guest_of(root: MemoryRegion, name: str = "memory") -> Guest:
    """A guest that is nothing but one region tree."""
    return Guest("x86_64", "7.2", "none", Host(), None, (), (), (), (), (), (AddressSpace(name, root),))


@pytest.fixture(scope="module")
def pc() -> Guest:
    return memkit.boot(DIMM)


# -- agreement


@given(tree=st.sampled_from((0, TOP)).flatmap(trees),
       gpa=st.integers(0, 2 * SPAN) | st.integers(TOP, ADDRESS_SPACE_SIZE - 1))
def test_the_walk_ends_where_the_flat_view_says(tree: Tree, gpa: int) -> None:
    guest = guest_of(tree.root)
    story, found = guest.explain(gpa), guest.flat_view().find(gpa)
    assert story.range is found
    assert story.steps[0].kind == "root"
    ends = [s for s in story.steps if s.kind in ("answer", "nobody", "unknown")]
    assert [e.kind for e in ends] == ["nobody" if found is None else "answer"]
    if found is not None:
        assert ends[0].region == found.region.name
        assert story.offset_in_region == found.offset_in_region + gpa - found.start
        assert ends[0].details["offset"] == story.offset_in_region
    json.dumps(story.data())
    assert all(s.sentence.endswith(".") for s in (*story.steps, *story.facts))


GUESTS: dict[str, Guest] = {}


@settings(max_examples=20)
@given(line=st.sampled_from(LINES), free=st.integers(0, 1 << 40))
@example(line=LINES[0], free=ADDRESS_SPACE_SIZE - 1)
def test_model_guests_are_explained_at_every_edge_of_every_space(line: str, free: int) -> None:
    guest = GUESTS.get(line) or GUESTS.setdefault(line, memkit.boot(line))
    for space in {s.name for s in guest.address_spaces}:
        ranges = guest.flat_view(space).ranges
        edges = {free, *(a for r in ranges for a in (r.start - 1, r.start, r.end - 1, r.end))}
        for gpa in sorted(e for e in edges if 0 <= e < ADDRESS_SPACE_SIZE):
            story = guest.explain(gpa, space)
            assert story.range is guest.flat_view(space).find(gpa)
            assert not [s for s in story.steps if s.kind == "unknown"]
            if story.block is not None and story.offset_in_block is not None:
                assert story.ram_addr == story.block.offset + story.offset_in_block
                assert 0 <= story.offset_in_block < story.block.max_length


# -- what is told


def test_a_hidden_region_is_named_with_both_priorities(pc: Guest) -> None:
    story = pc.explain(0xF0000)
    assert story.summary == (
        "pc.bios (rom) answers at 0xf_0000: byte 0x3_0000 of RAMBlock pc.bios. pam-pci (priority 1) lies in "
        "front of ram-below-4g (priority 0), which would have led to pc.ram."
    )
    assert [s.sentence for s in story.steps] == [
        'The root of "memory" is system.',
        "system is a container; at offset 0xf_0000 it holds, the highest priority first: pam-ram (priority "
        "1, disabled), pam-pci (priority 1, disabled), pam-rom (priority 1, disabled), pam-pci (priority 1), "
        "ram-below-4g (priority 0), pci (priority -1).",
        "pam-ram, pam-pci and pam-rom are disabled, so they are skipped.",
        "pam-pci is an alias that starts at 0xf_0000 of system and shows pci from offset 0xf_0000 on: "
        "0xf_0000 - 0xf_0000 + 0xf_0000 = 0xf_0000 in pci.",
        "pci is a container; at offset 0xf_0000 it holds isa-bios (priority 1).",
        "isa-bios is an alias that starts at 0xe_0000 of pci and shows pc.bios from offset 0x2_0000 on: "
        "0xf_0000 - 0xe_0000 + 0x2_0000 = 0x3_0000 in pc.bios.",
        "pc.bios is ROM and answers, at its offset 0x3_0000.",
        "pam-pci (priority 1) lies in front of ram-below-4g (priority 0), which would have led to pc.ram.",
        "pam-pci (priority 1) lies in front of pci (priority -1), which would have led to pc.bios.",
    ]
    assert [s.depth for s in story.steps] == [0, 0, 1, 1, 2, 3, 4, 1, 1]


def test_ram_above_4g_is_found_through_its_alias_and_told_to_the_last_page(pc: Guest) -> None:
    story = pc.explain(0x1_2345_6789)
    assert story.block is not None
    assert (story.block.idstr, story.offset_in_block, story.ram_addr) == (
        "pc.ram", 0xE345_6789, 0x1_2345_6789,
    )
    assert story.sentences[2] == (
        "ram-above-4g is an alias that starts at 0x1_0000_0000 of system and shows pc.ram from offset "
        "0xc000_0000 on: 0x1_2345_6789 - 0x1_0000_0000 + 0xc000_0000 = 0xe345_6789 in pc.ram."
    )
    assert [f.sentence for f in story.facts] == [
        "It lies in the flat range 0x1_0000_0000 to 0x1_3fff_ffff (1 GiB, ram).",
        "RAMBlock pc.ram holds the byte at offset 0xe345_6789; its ram_addr_t is 0x1_2345_6789.",
        "It is in target page 0x12_3456 of the guest (4 KiB each) and in host page 0xe_3456 of the block "
        "(4 KiB each).",
        "Backend pc.ram (memory-backend-ram) takes it from anonymous memory, private to this QEMU.",
        "The guest sees it as main RAM of pc-i440fx-7.2.",
        "It belongs to NUMA node 0.",
        "It migrates under the name pc.ram.",
    ]


def test_a_dimm_is_told_with_its_slot_and_node(pc: Guest) -> None:
    story = pc.explain(0x1_4000_0000)
    assert story.summary == "m1 (ram) answers at 0x1_4000_0000: byte 0x0 of RAMBlock m1."
    assert "The guest sees it as dimm d1 in slot 0." in story.sentences
    assert "device-memory (priority 0) lies in front of pci (priority -1), which has nothing there." in (
        story.sentences
    )


def test_a_virtio_mem_device_tells_how_much_of_it_is_there() -> None:
    guest = memkit.boot("-M q35 -m 1G,maxmem=8G -object memory-backend-ram,id=v,size=2G "
                        "-device virtio-mem-pci,memdev=v,id=vm,requested-size=512M")
    assert ("It lies in the window of virtio-mem vm, which has 0 bytes of its 2 GiB plugged in; 512 MiB are "
            "requested of the guest's driver.") in guest.explain("4G").sentences


def test_main_ram_belongs_to_the_node_whose_share_it_is() -> None:
    guest = memkit.boot(NODES)
    nodes = [
        next(f.details["node"] for f in guest.explain(gpa).facts if f.kind == "numa")
        for gpa in (0, 0x7FFF_FFFF, 0x8000_0000, 0x1_0000_0000)
    ]
    assert nodes == [0, 0, 1, 1]
    assert not [f for f in guest.explain(0).facts if f.kind == "frontend"]  # the node says it all


def test_a_device_answers_without_a_block(pc: Guest) -> None:
    story = pc.explain(0xFEC0_0010)
    assert story.summary == "ioapic (i/o) answers at 0xfec0_0010."
    assert (story.block, story.offset_in_block, story.ram_addr) == (None, None, None)
    assert story.offset_in_region == 0x10
    assert story.facts[-1].sentence == "It is not memory: the device behind ioapic handles each access."


@pytest.mark.parametrize(("gpa", "why"), [
    (0x1_8000_0000, "It lies in device-memory, the window for memory devices; none of them covers it."),
    (0xD000_0000, "It lies in pci, the address space of PCI, where devices appear once firmware or the guest "
                  "has given their BARs addresses; at power-on no BAR has one."),
])
def test_nobody_answers_for_a_reason(pc: Guest, gpa: int, why: str) -> None:
    story = pc.explain(gpa)
    assert (story.range, story.region, story.block) == (None, None, None)
    assert story.summary.startswith("Nobody answers at 0x")
    assert [f.sentence for f in story.facts] == [why, (
        "Such an access is unassigned: a read by the guest gives 0, a write is lost, and the monitor's xp "
        "says that it cannot access memory."
    )]


def test_pages_of_the_host_are_counted_in_its_own_size() -> None:
    host = Host(mounts={"/": Mount("ext4"), "/hp": Mount("hugetlbfs", 2 << 20, 4096)})
    guest = memkit.boot("-m 1G -object memory-backend-file,id=h,size=1G,mem-path=/hp,share=on "
                        "-M memory-backend=h", host=host)
    sentences = guest.explain(0x40_0001).sentences
    assert ("It is in target page 0x400 of the guest (4 KiB each) and in host page 0x2 of the block "
            "(2 MiB each).") in sentences
    assert ("Backend h (memory-backend-file) takes it from /hp, a file on hugetlbfs, shared: others who map "
            "it see the same bytes.") in sentences


def test_other_address_spaces_are_told_in_their_own_words(pc: Guest) -> None:
    assert pc.explain(0xCF8, "I/O").summary == "pci-conf-idx (i/o) answers at 0xcf8."
    port = pc.explain(0x1234, "I/O")
    assert port.facts[-1].sentence == (
        "No device claims this port: a read gives all ones, a write is lost."
    )
    assert pc.explain(0x1_0000, "I/O").facts[-1].sentence == (
        "The guest cannot even ask there: its CPUs have ports up to 0xffff only."
    )
    assert list(pc.explain(0, "e1000").sentences) == [
        'The root of "e1000" is bus master container, in which nothing is enabled.',
        "Nobody answers at 0x0.",
        "A PCI device can reach no memory until the guest's driver turns its bus mastering on.",
    ]


def test_equals_are_told_by_who_came_later() -> None:
    root = MemoryRegion("root", ADDRESS_SPACE_SIZE)
    root.add(MemoryRegion("old", 0x1000, "ram"), 0)
    root.add(MemoryRegion("new", 0x1000, "ram"), 0)
    assert guest_of(root).explain(0).steps[-1].sentence == (
        "new was added after old with the same priority 0, so it lies in front of it; old would have "
        "answered."
    )


def test_an_alias_that_ends_nowhere_is_told_so() -> None:
    root, ram = MemoryRegion("root", ADDRESS_SPACE_SIZE), MemoryRegion("ram", 0x1000, "ram")
    root.add(MemoryRegion.window("w", ram, 0, 0x2000), 0)
    root.add(MemoryRegion.window("to-off", MemoryRegion("off", 8, "ram", enabled=False), 0, 8), 0x8000)
    guest = guest_of(root)
    assert "That is behind the end of ram (4 KiB), so nothing is there." in guest.explain(0x1800).sentences
    assert "off is disabled, so it is skipped." in guest.explain(0x8000).sentences


def test_a_device_with_subregions_lies_behind_them() -> None:
    root, dev = MemoryRegion("root", ADDRESS_SPACE_SIZE), MemoryRegion("dev", 0x1000, "i/o")
    dev.add(MemoryRegion("registers", 0x100, "i/o"), 0)
    root.add(dev, 0x1000)
    guest = guest_of(root)
    assert guest.explain(0x1000).steps[-1].sentence == (
        "dev itself lies behind its subregions; it would have answered."
    )
    assert guest.explain(0x1200).steps[-1].sentence == (
        "dev is a device's window and answers, at its offset 0x200."
    )


def test_a_root_that_is_passed_over_is_told() -> None:
    root = MemoryRegion("outer", ADDRESS_SPACE_SIZE)
    root.add(MemoryRegion("ram", 0x1000, "ram"), 0)
    story = guest_of(root).explain(0x2000)
    assert story.steps[0].sentence == (
        'The root of "memory" is outer, which shows ram alone and whole, so QEMU renders ram in its place.'
    )
    assert story.steps[1].sentence == "ram ends before 0x2000."


def test_pasted_text_without_its_tree_is_explained_as_far_as_it_goes() -> None:
    flat = "FlatView #0\n AS \"memory\", root: system\n Root memory region: system\n" \
           "  0000000000000000-0000000000000fff (prio 0, ram): pc.ram @0000000000002000\n"
    story = read({"info mtree -f": flat}).explain(0x10)
    assert story.summary == "pc.ram (ram) answers at 0x10."
    assert story.offset_in_region == 0x2010
    assert "The RAMBlock behind pc.ram is not known." in story.sentences
    tree = "address-space: memory\n  0000000000000000-ffffffffffffffff (prio 0, i/o): system\n"
    lost = read({"info mtree -f": flat, "info mtree": tree}).explain(0x10)
    assert lost.steps[0].sentence == (
        "The FlatView says that pc.ram answers at 0x10; the regions that lead there are not known."
    )


# -- forms


def test_text_starts_with_the_answer_and_is_indented_like_the_regions(pc: Guest) -> None:
    assert str(pc.explain(0xFEE0_0000)).splitlines() == [
        "apic-msi (i/o) answers at 0xfee0_0000.",
        "",
        "How that was decided:",
        'The root of "memory" is system.',
        "system is a container; at offset 0xfee0_0000 it holds, the highest priority first: apic-msi "
        "(priority 4096), pci (priority -1).",
        "  apic-msi is a device's window and answers, at its offset 0x0.",
        "  apic-msi (priority 4096) lies in front of pci (priority -1), which has nothing there.",
        "",
        "What follows:",
        "It lies in the flat range 0xfee0_0000 to 0xfeef_ffff (1 MiB, i/o).",
        "It is not memory: the device behind apic-msi handles each access.",
    ]


class Html(HTMLParser):
    """Collects the text of each element and checks that every tag is closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.said: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append(data)


@pytest.mark.parametrize("gpa", [0, 0xF0000, 0x1_4000_0000, 0xD000_0000, 1 << 63])
def test_a_cell_shows_the_same_sentences_as_the_text(pc: Guest, gpa: int) -> None:
    story = pc.explain(gpa)
    bundle = story._repr_mimebundle_()
    html = Html(bundle["text/html"])
    assert html.open == []
    assert html.said == [line.strip() for line in str(story).splitlines() if line]
    assert bundle["text/plain"] == str(story)


def test_names_are_escaped_in_html() -> None:
    root = MemoryRegion("root", ADDRESS_SPACE_SIZE)
    root.add(MemoryRegion("<b>&", 0x1000, "ram"), 0x1000)
    assert "<b>" not in guest_of(root).explain(0x1000)._repr_mimebundle_()["text/html"]


def test_data_is_plain_and_whole(pc: Guest) -> None:
    data = json.loads(json.dumps(pc.explain(0x1_4000_0000).data()))
    assert {k: v for k, v in data.items() if k not in ("steps", "facts")} == {
        "gpa": 0x1_4000_0000, "space": "memory",
        "summary": "m1 (ram) answers at 0x1_4000_0000: byte 0x0 of RAMBlock m1.",
        "range": {"start": 0x1_4000_0000, "size": 1 << 30, "type": "ram"}, "region": "m1", "block": "m1",
        "offset_in_region": 0, "offset_in_block": 0, "ram_addr": 0,
    }
    assert data["steps"][0]["kind"] == "root"
    assert {f["kind"] for f in data["facts"]} == {
        "range", "block", "page", "backend", "device", "numa", "migration",
    }


# -- addresses


@pytest.mark.parametrize(("text", "gpa"), [
    ("0x1_4000_0000", 0x1_4000_0000), ("0X140000000", 0x1_4000_0000), ("5G", 5 << 30), ("4 GiB", 4 << 30),
    (" 0xfffffff0 ", 0xFFFF_FFF0), ("4096", 4096), ("0", 0), ("1.5M", 3 << 19),
    ("0xffffffffffffffff", ADDRESS_SPACE_SIZE - 1),
])
def test_addresses_may_be_text_as_people_write_them(pc: Guest, text: str, gpa: int) -> None:
    assert pc.explain(text).gpa == gpa == read_address(text)


def test_integers_of_other_libraries_are_addresses_too(pc: Guest) -> None:
    numpy = pytest.importorskip("numpy")
    assert pc.explain(numpy.uint64(0xFFFF_FFF0)).gpa == 0xFFFF_FFF0
    assert type(pc.explain(numpy.int64(5)).gpa) is int


@pytest.mark.parametrize(("bad", "words"), [
    (-1, "-0x1 is no guest-physical address; allowed are 0 to 0xffff_ffff_ffff_ffff"),
    (1 << 64, "0x10000000000000000 is no guest-physical address; allowed are 0 to 0xffff_ffff_ffff_ffff"),
    (1 << 5000, "a number of 5001 bits is no guest-physical address"),
    (True, "is a whole number of bytes, not True; write 0x1_0000_0000, for example"),
    (4.0, "not 4.0"), (None, "not None"), ([1], r"not \[1\]"), (b"1", "not b'1'"),
    ("fee00000", "'fee00000' could be hexadecimal without its 0x; write 0xfee00000"),
    ("0000000140000000", "write 0x140000000"),
    ("-4096", "-0x1000 is no guest-physical address; allowed are 0 to"),
    ("16P G", "'16P G' is no address; write"), ("9" * 5000, "is no address; write 0x100000000"),
    ("", "'' is no address; write 0x100000000"), ("pc.ram", "'pc.ram' is no address; write hexadecimal"),
    ("0xfee0_0000-0xfeef_ffff", "is no address; write hexadecimal with 0x"), ("٣G", "is no address; write"),
])
def test_what_is_no_address_is_told_with_an_example(pc: Guest, bad: Any, words: str) -> None:
    with pytest.raises(MemkitError, match=words):
        pc.explain(bad)


def test_a_truth_value_of_numpy_is_no_address(pc: Guest) -> None:
    numpy = pytest.importorskip("numpy")
    with pytest.raises(MemkitError, match="whole number"):
        pc.explain(numpy.bool_(True))
    with pytest.raises(MemkitError, match="whole number"):
        pc.explain(numpy.float64(4096))


@given(st.text(max_size=30) | st.binary(max_size=8) | st.floats() | st.none() | st.lists(st.integers()))
def test_any_other_object_is_an_address_or_a_memkit_error(thing: Any) -> None:
    with suppress(MemkitError):
        assert 0 <= read_address(thing) < ADDRESS_SPACE_SIZE


@pytest.mark.parametrize("space", ["nosuch", "", None, 3])
def test_an_unknown_address_space_is_told_with_the_known_ones(pc: Guest, space: Any) -> None:
    with pytest.raises(MemkitError, match="this guest has: memory, "):
        explain(pc, 0, space)


def test_names_are_listed_as_in_prose() -> None:
    assert [listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


# -- reality


@pytest.mark.needs_qemu
@pytest.mark.parametrize("line", [DIMM, "-M q35 -m 3G -vga cirrus", "-M microvm -m 512"])
def test_a_real_qemu_is_explained_like_its_model(line: str) -> None:
    model, real = memkit.boot(line), memkit.launch(line)
    for run in model.flat_view().ranges:
        for gpa in (run.start, run.end - 1):
            ours, theirs = model.explain(gpa), real.explain(gpa)
            assert not [s for s in theirs.steps if s.kind == "unknown"]
            assert decided(ours) == decided(theirs)
            assert (ours.block and ours.block.idstr, ours.ram_addr) == (
                theirs.block and theirs.block.idstr, theirs.ram_addr)


def decided(story: Explanation) -> list[tuple[str, str, int]]:
    """The decisions without what only the model knows: the monitor hides disabled regions."""
    return [(s.kind, s.region, s.depth) for s in story.steps if s.kind != "disabled"]


@pytest.mark.parametrize(("machine", "gpa", "page"), [
    ("virt -m 1G", 0x4010_0000, "target page 0x4_0100 of the guest (4 KiB each)"),
    ("raspi3b", 0x10_0400, "target page 0x401 of the guest (1 KiB each)"),
])
def test_the_target_page_is_that_of_the_board(machine: str, gpa: int, page: str) -> None:
    assert page in str(memkit.boot(f"qemu-system-aarch64 -M {machine}").explain(gpa))
