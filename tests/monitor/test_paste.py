"""Text as people have it: quoted, indented, broken by a mail program, old, cut short, or of several commands."""

from __future__ import annotations

import json

import pytest

import memkit
from memkit.errors import MemkitError

ROOT = "  0000000000000000-ffffffffffffffff (prio 0, i/o): system\n"
TREE = (
    "address-space: memory\n" + ROOT
    + "    0000000000000000-0000000007ffffff (prio 0, ram): alias ram-below-4g @pc.ram "
    "0000000000000000-0000000007ffffff\n"
    "    00000000fee00000-00000000feefffff (prio 4096, i/o): apic-msi\n\n"
    "memory-region: pc.ram\n"
    "  0000000000000000-0000000007ffffff (prio 0, ram): pc.ram\n\n"
)
BLOCKS = (
    "              Block Name    PSize              Offset               Used              Total\n"
    "                  pc.ram    4 KiB  0x0000000000000000 0x0000000008000000 0x0000000008000000\n"
)
RANGES = [
    "0000000000000000-0000000007ffffff (prio 0, ram): pc.ram",
    "00000000fee00000-00000000feefffff (prio 4096, i/o): apic-msi",
]


def ranges(guest: memkit.Guest) -> list[str]:
    return [str(r) for r in guest.flat_view("memory").ranges]


def notes(guest: memkit.Guest) -> str:
    return "\n".join(guest.notes)


@pytest.mark.parametrize("text", [
    TREE, TREE.replace("\n", "\r\n"), TREE.replace("\n", "\r"), "(qemu) info mtree\n" + TREE + "(qemu) ",
    "(qemu) info mtree -o\r\n" + TREE, "info mtree\n" + TREE, "\ufeff" + TREE, TREE.replace("  ", "\u00a0 "),
    "".join(f"> {line}\n" for line in TREE.split("\n")), "".join(f">> {line}\n" for line in TREE.split("\n")),
    "".join(f"    {line}\n" for line in TREE.split("\n")), "\x1b[K" + TREE.replace(" (", "\x1b[0m ("),
    json.dumps({"return": TREE.replace("\n", "\r\n")}),
    "QEMU 7.2.0 monitor - type 'help' for more information\n(qemu) info mtree\n" + TREE + "(qemu) quit\n",
    TREE + "\nI hope that this helps.\n", "(qemu) info status\nVM status: paused\n(qemu) info mtree\n" + TREE,
    TREE.replace("ram-below-4g @pc.ram ", "\nram-below-4g\n@pc.ram "), TREE.encode("utf-16-le").decode("latin-1"),
], ids=range(18))
def test_what_a_console_or_a_mail_adds_changes_nothing(text: str) -> None:
    assert ranges(memkit.read_monitor(text)) == RANGES


def test_several_answers_are_taken_apart_with_and_without_prompts() -> None:
    for text in (BLOCKS + TREE + "1 nodes\nnode 0 cpus: 0\nnode 0 size: 128 MB\nnode 0 plugged: 0 MB\n",
                 f"(qemu) info mtree\n{TREE}(qemu) info ramblock\n{BLOCKS}(qemu) info numa\n1 nodes\n"
                 "node 0 cpus: 0\nnode 0 size: 128 MB\nnode 0 plugged: 0 MB\n(qemu) "):
        guest = memkit.read_monitor(text)
        assert ranges(guest) == RANGES
        assert guest.flat_view("memory").ranges[0].region.block is guest.ram_blocks[0]
        assert guest.numa[0].size == 128 << 20


def test_an_empty_answer_is_an_answer() -> None:
    guest = memkit.read_monitor(f"(qemu) info memory-devices\n(qemu) info mtree\n{TREE}")
    assert guest.monitor("info memory-devices") == ""
    assert "memory devices" not in notes(guest)


def test_what_no_text_tells_is_unknown() -> None:
    guest = memkit.read_monitor(TREE + BLOCKS)
    assert (guest.target, guest.qemu, guest.machine_type, guest.config) == ("unknown", "unknown", "unknown", None)
    assert (guest.host.arch, guest.host.accelerator, guest.door) == ("unknown", "unknown", "text")
    assert guest.ram_blocks[0].shared is None
    assert guest.notes[0] == (
        "read from text, which does not tell target, QEMU's version, machine type, command line and host"
    )
    assert "no answer to info memdev, info memory-devices or info numa" in guest.notes[1]
    assert "not known how" in guest.map().text()
    assert str(guest.explain(0)).endswith("It migrates under the name pc.ram.")
    assert "target page depends on the target" in str(guest.explain(0))
    with pytest.raises(MemkitError, match="has no answer to 'info memdev'; it has those to: info mtree, "
                                          "info ramblock"):
        guest.monitor("info memdev")


def test_what_the_reader_of_a_text_knows_can_be_told() -> None:
    guest = memkit.read_monitor(TREE, target="x86_64", qemu="2.12")
    assert (guest.target, guest.qemu) == ("x86_64", "2.12")
    assert "target" not in guest.notes[0]
    with pytest.raises(MemkitError, match="target= is a word such as"):
        memkit.read_monitor(TREE, target=5)  # type: ignore[arg-type]


def test_ram_without_info_ramblock_is_ram_of_a_block_that_is_not_known() -> None:
    guest = memkit.read_monitor(TREE)
    assert "RAMBlocks and their places in ram_addr_t space" in guest.notes[1]
    row = guest.tables().data()["flat_ranges"][0]
    assert (row["kind"], row["backing"], row["block"]) == ("ram", "unknown", None)
    assert [i["kind"] for i in guest.map().data()["items"] if i["name"] == "pc.ram"] == ["ram"]


def test_ramblocks_alone_say_that_addresses_are_not_known() -> None:
    guest = memkit.read_monitor(BLOCKS)
    assert "what the guest sees where is not known" in notes(guest)
    assert guest.hazards() == []
    with pytest.raises(MemkitError, match="the text that it was read from has no answer to info mtree"):
        guest.explain(0)


def test_large_pages_of_a_block_come_from_hugetlbfs() -> None:
    text = BLOCKS.replace("4 KiB", "2 MiB") + (
        "memory backend: pc.ram\n  size:  134217728\n  merge: true\n  dump: true\n  prealloc: false\n"
        "  policy: default\n  host nodes: 0\n"
    )
    guest = memkit.read_monitor(text)
    assert (guest.backends[0].filesystem, guest.backends[0].page_size) == ("hugetlbfs", 2 << 20)
    assert guest.backends[0].share is None


# -- cut short


@pytest.mark.parametrize(("text", "note"), [
    (TREE[:TREE.index("memory-region")], "does not show pc.ram behind its aliases, as if it were cut short"),
    (TREE[TREE.index("    0000"):], "line 1 begins within 'info mtree'"),
    ("2 nodes\nnode 0 cpus: 0\n", "announces 2 nodes, and the text does not tell all of them"),
    ("memory backend: m\n  size:  4096\n  merge: true\n", "does not tell dump, prealloc, policy, host nodes"),
    ("memory backend: m\n", "of the backend 'm', and so the backend is left out"),
    ('Memory device [dimm]: "d"\n  addr: 0x1000\n', "the address or the size of the dimm 'd', which is left "
                                                    "out"),
    (TREE + BLOCKS[:-5], "the text ends within line 10, which is left out: 'pc.ram    4 KiB"),
    (TREE[:TREE.index("(prio 4096")], "the text ends within line 4, which is left out: '00000000fee00000-"),
    ('FlatView #0\n AS "memory", root: system\n Root memory region: system\n', "ends before the FlatView of"),
])
def test_text_that_is_cut_short_is_read_as_far_as_it_goes(text: str, note: str) -> None:
    assert note in notes(memkit.read_monitor(text))


def test_the_size_of_a_target_that_was_cut_off_is_at_least_what_its_aliases_show() -> None:
    guest = memkit.read_monitor(TREE[:TREE.index("memory-region")] + BLOCKS)
    assert ranges(guest) == RANGES
    assert guest.flat_view("memory").ranges[0].region.block is guest.ram_blocks[0]


def test_every_beginning_of_a_text_is_read_or_refused_in_words() -> None:
    numa = "1 nodes\nnode 0 cpus: 0\n"
    text = f"(qemu) info mtree\n{TREE}(qemu) info ramblock\n{BLOCKS}(qemu) info numa\n{numa}"
    for end in range(0, len(text), 7):
        try:
            guest = memkit.read_monitor(text[:end])
        except MemkitError as refused:
            assert len(str(refused)) < 400  # noqa: PT017
        else:
            assert guest.graph().text()
            assert guest.tables().text() is not None


# -- formats of other releases


def test_a_tree_of_qemu_2_12_prints_disabled_regions_and_repeats_itself() -> None:
    """Before 5.0 disabled regions are always printed, and before 7.0 each address space has its own tree."""
    text = TREE.replace("\n\nmemory-region", "\n\naddress-space: cpu-memory-0\n" + TREE.split("\n", 1)[1].split("\n\n")[0]
                        + "\n\nmemory-region", 1).replace(
        "    00000000fee", "    00000000000a0000-00000000000bffff (prio 1, i/o): alias smram-region @pci "
        "00000000000a0000-00000000000bffff [disabled]\n    00000000fee")
    guest = memkit.read_monitor(text)
    assert ranges(guest) == RANGES
    assert guest.address_space("cpu-memory-0").root is guest.address_space("memory").root


def test_a_tree_from_before_2_9_has_ram_where_a_block_has_the_name_and_the_size() -> None:
    text = (
        "address-space: memory\n  0000000000000000-ffffffffffffffff (prio 0, RW): system\n"
        "    0000000000000000-0000000007ffffff (prio 0, RW): alias ram-below-4g @pc.ram "
        "0000000000000000-0000000007ffffff\n"
        "    00000000fffc0000-00000000ffffffff (prio 0, R-): pc.bios\n"
        "memory-region: pc.ram\n  0000000000000000-0000000007ffffff (prio 0, RW): pc.ram\n"
    )
    bios = "                 pc.bios    4 KiB  0x0000000008000000 0x0000000000040000 0x0000000000040000\n"
    guest = memkit.read_monitor(text + BLOCKS + bios)
    assert ranges(guest) == [RANGES[0], "00000000fffc0000-00000000ffffffff (prio 0, rom): pc.bios"]
    assert "before 2.9" in notes(guest)
    assert [r.type for r in memkit.read_monitor(text).flat_view("memory").ranges] == ["i/o", "rom"]


def test_flat_views_with_owners_accelerators_and_dispatch_tables_are_read() -> None:
    text = (
        'FlatView #0\n AS "I/O", root: io\n Root memory region: io\n'
        "  0000000000000000-000000000000ffff (prio 0, i/o): io\n"
        "  Dispatch\n    Physical sections\n      #0 @0000000000000000..ffffffffffffffff (noname) "
        "[unassigned]\n"
        "    Nodes (9 bits per level, 6 levels) ptr=[3] skip=4\n      [0]\n          0       skip=3  "
        "ptr=[3]\n\n"
        'FlatView #1\n AS "memory", root: system\n AS "e1000", root: bus master container, alias system\n'
        " Root memory region: system\n"
        "  0000000000000000-000000000009ffff (prio 0, ram): pc.ram owner:{obj path=/objects/pc.ram} KVM KVM\n"
        "  00000000000a0000-00000000000bffff (prio 1, i/o): vga-lowmem parent:{dev id=v}\n"
        "  0000000000100000-0000000007ffffff (prio 0, nv-ram): pc.ram @0000000000100000 orphan KVM\n"
    )
    guest = memkit.read_monitor(text)
    assert ranges(guest) == [
        "0000000000000000-000000000009ffff (prio 0, ram): pc.ram",
        "00000000000a0000-00000000000bffff (prio 1, i/o): vga-lowmem",
        "0000000000100000-0000000007ffffff (prio 0, nv-ram): pc.ram @0000000000100000",
    ]
    assert [s.name for s in guest.address_spaces] == ["memory", "I/O", "e1000"]


def test_every_kind_of_memory_device_is_read_and_a_balloon_without_an_address_is_told() -> None:
    text = (
        'Memory device [virtio-pmem]: "p"\n  memaddr: 0x100000000\n  size: 4096\n  memdev: /objects/a\n'
        'Memory device [sgx-epc]: ""\n  memaddr: 0x200000000\n  size: 8192\n  node: 0\n  memdev: /objects/b\n'
        'Memory device [hv-balloon]: "hv"\n  max-size: 4096\n'
        'Memory device [sp-mem]: "s"\n  addr: 0x300000000\n  node: 1\n  size: 4096\n  memdev: /objects/c\n'
        'Memory device [dimm]: "d"\n  addr: 0x400000000\n  slot: -1\n  node: 0\n  size: 4096\n  memdev: /objects/d\n'
        "  hotplugged: true\n  hotpluggable: true\n"
    )
    guest = memkit.read_monitor(text)
    assert [(d.kind, d.addr, d.slot) for d in guest.memory_devices] == [
        ("virtio-pmem", 0x1_0000_0000, None), ("sgx-epc", 0x2_0000_0000, None), ("sp-mem", 0x3_0000_0000, None),
        ("dimm", 0x4_0000_0000, -1),
    ]
    assert "the address or the size of the hv-balloon 'hv', which is left out" in notes(guest)


# -- trees


def test_of_two_with_equal_priority_the_smaller_is_on_top_and_a_note_says_that_nothing_tells() -> None:
    text = "address-space: memory\n" + ROOT + (
        "    00000000fff00000-00000000ffffffff (prio 0, rom): bios\n"
        "    00000000fff04000-00000000fff07fff (prio 0, i/o): nvram\n"
    )
    guest = memkit.read_monitor(text)
    assert [r.region.name for r in guest.flat_view("memory").ranges] == ["bios", "nvram", "bios"]
    assert "nvram and bios overlap with equal priority" in notes(guest)


def test_an_alias_may_lie_in_the_region_that_it_shows_another_part_of() -> None:
    text = "address-space: memory\n" + ROOT + (
        "    0000000050000000-0000000050000fff (prio 0, rom): prom\n"
        "    0000000050040000-000000005007ffff (prio 0, i/o): alias io[1] @system "
        "0000000050000000-000000005003ffff\n"
        "memory-region: system\n" + ROOT
        + "    0000000050000000-0000000050000fff (prio 0, rom): prom\n"
        "    0000000050040000-000000005007ffff (prio 0, i/o): alias io[1] @system "
        "0000000050000000-000000005003ffff\n"
    )
    assert [r.start for r in memkit.read_monitor(text).flat_view("memory").ranges] == [0x5000_0000, 0x5004_0000]
