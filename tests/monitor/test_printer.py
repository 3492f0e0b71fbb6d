"""The monitor's text is QEMU's, to the blank; expected texts are what QEMU 7.2.22 printed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.host import Host
from memkit.memory.backend import Backend
from memkit.memory.device import MemoryDevice, NumaNode
from memkit.memory.flatview import AddressSpace
from memkit.memory.ramblock import RAMBlock
from memkit.memory.region import MemoryRegion
from memkit.monitor.printer import COMMANDS, answer

MIB = 1 << 20
ALL = 1 << 64

EMPTY = Guest(
    target="x86_64", qemu="7.2", machine_type="pc-i440fx-7.2", host=Host(), config=None, backends=(),
    ram_blocks=(), frontends=(), memory_devices=(), numa=(), address_spaces=(),
)


def guest(**fields: object) -> Guest:
    return replace(EMPTY, **fields)  # type: ignore[arg-type]


def block(name: str, offset: int, used: int, total: int = 0, **fields: object) -> RAMBlock:
    return RAMBlock(offset, used, total or used, idstr=name, **fields)  # type: ignore[arg-type]


# -- info ramblock

BLOCKS = (
    block("m0", 0x0, 256 * MIB),
    block("", 0x18000000, 64 * MIB),
    block("0000:00:02.0/m4", 0x1C000000, 128 * MIB),
    block("pc.bios", 0x24000000, 0x40000, readonly=True),
    block("/rom@etc/acpi/tables", 0x24080000, 0x20000, 0x200000, readonly=True),
    block("/rom@etc/table-loader", 0x24280000, 0x1000, 0x10000),
    block("/rom@etc/acpi/rsdp", 0x242C0000, 0x1000),
)
RAMBLOCK = """\
              Block Name    PSize              Offset               Used              Total
                      m0    4 KiB  0x0000000000000000 0x0000000010000000 0x0000000010000000
         0000:00:02.0/m4    4 KiB  0x000000001c000000 0x0000000008000000 0x0000000008000000
                            4 KiB  0x0000000018000000 0x0000000004000000 0x0000000004000000
    /rom@etc/acpi/tables    4 KiB  0x0000000024080000 0x0000000000020000 0x0000000000200000
                 pc.bios    4 KiB  0x0000000024000000 0x0000000000040000 0x0000000000040000
   /rom@etc/table-loader    4 KiB  0x0000000024280000 0x0000000000001000 0x0000000000010000
      /rom@etc/acpi/rsdp    4 KiB  0x00000000242c0000 0x0000000000001000 0x0000000000001000
"""


def test_ramblock_lists_blocks_by_falling_size() -> None:
    assert answer(guest(ram_blocks=BLOCKS), "info ramblock") == RAMBLOCK


def test_ramblock_keeps_the_order_of_creation_among_equals() -> None:
    blocks = (block("b", 0, MIB), block("a", MIB, MIB))
    lines = answer(guest(ram_blocks=blocks), "info ramblock").splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["b", "a"]


def test_a_long_name_pushes_its_line_to_the_right() -> None:
    text = answer(guest(ram_blocks=(block("0000:00:03.0/virtio-vga.rom", 0x8C0000, 0x10000),)), "info ramblock")
    assert text.splitlines()[1] == (
        "0000:00:03.0/virtio-vga.rom    4 KiB  0x00000000008c0000 0x0000000000010000 0x0000000000010000"
    )


@pytest.mark.parametrize(
    ("size", "printed"), [(512, "512 B"), (4096, "4 KiB"), (65536, "64 KiB"), (2 * MIB, "2 MiB"), (1 << 30, "1 GiB")]
)
def test_page_sizes_have_a_binary_unit(size: int, printed: str) -> None:
    text = answer(guest(ram_blocks=(block("m", 0, MIB, page_size=size),)), "info ramblock")
    assert text.splitlines()[1][24:33].strip() == printed


def test_qemu_8_adds_columns_for_the_host_address_which_is_unknown_and_for_readonly() -> None:
    text = answer(guest(ram_blocks=BLOCKS, qemu="10.0"), "info ramblock").splitlines()
    assert text[0].endswith("              Total                HVA  RO")
    zero = "0x0000000000000000"
    assert text[1].split() == ["m0", "4", "KiB", zero, *["0x0000000010000000"] * 2, zero, "rw"]
    assert text[5].endswith(" ro")
    assert {len(line) for line in text} == {len(text[0])}


# -- info memdev, memory-devices, numa

MEMDEV = """\
memory backend: m1
  size:  67108864
  merge: true
  dump: true
  prealloc: true
  share: true
  reserve: true
  policy: bind
  host nodes: 0
memory backend: m4
  size:  134217728
  merge: true
  dump: true
  prealloc: false
  share: false
  reserve: true
  policy: default
  host nodes:\x20

"""


def test_memdev_ends_with_an_empty_line() -> None:
    backends = (
        Backend("m1", "memory-backend-ram", 64 * MIB, prealloc=True, share=True, policy="bind", host_nodes=(0,)),
        Backend("m4", "memory-backend-ram", 128 * MIB),
    )
    assert answer(guest(backends=backends), "info memdev") == MEMDEV


@pytest.mark.parametrize(
    ("nodes", "printed"), [((), ""), ((3,), "3"), ((0, 1, 2), "0-2"), ((0, 1, 3, 5, 6), "0-1,3,5-6")]
)
def test_memdev_joins_runs_of_host_nodes(nodes: tuple[int, ...], printed: str) -> None:
    text = answer(guest(backends=(Backend("m", "memory-backend-ram", MIB, host_nodes=nodes),)), "info memdev")
    assert f"  host nodes: {printed}\n" in text


def test_memdev_knows_no_reserve_before_qemu_6_1() -> None:
    backends = (Backend("m", "memory-backend-ram", MIB),)
    assert "reserve" not in answer(guest(backends=backends, qemu="5.2"), "info memdev")


MEMORY_DEVICES = """\
Memory device [dimm]: ""
  addr: 0x100000000
  slot: 0
  node: 1
  size: 67108864
  memdev: /objects/m1
  hotplugged: false
  hotpluggable: true
Memory device [virtio-mem]: "vm0"
  memaddr: 0x104000000
  node: 1
  requested-size: 67108864
  size: 0
  max-size: 134217728
  block-size: 2097152
  memdev: /objects/m4
Memory device [nvdimm]: "nv"
  addr: 0x10c000000
  slot: 1
  node: 0
  size: 67108864
  memdev: /objects/m2
  hotplugged: false
  hotpluggable: true
Memory device [virtio-pmem]: "p"
  memaddr: 0x110000000
  size: 67108864
  memdev: /objects/m3
"""


def test_memory_devices_come_by_address_and_print_what_their_kind_has() -> None:
    devices = (
        MemoryDevice("dimm", None, 0x100000000, 64 * MIB, "/objects/m1", node=1, slot=0),
        MemoryDevice("nvdimm", "nv", 0x10C000000, 64 * MIB, "/objects/m2", node=0, slot=1),
        MemoryDevice("virtio-pmem", "p", 0x110000000, 64 * MIB, "/objects/m3"),
        MemoryDevice(
            "virtio-mem", "vm0", 0x104000000, 0, "/objects/m4", node=1, requested_size=64 * MIB,
            max_size=128 * MIB, block_size=2 * MIB,
        ),
    )
    assert answer(guest(memory_devices=devices), "info memory-devices") == MEMORY_DEVICES


def test_an_sgx_section_prints_its_node_behind_its_size() -> None:
    device = MemoryDevice("sgx-epc", "e", 0x180000000, 64 * MIB, "/objects/epc1", node=0)
    assert answer(guest(memory_devices=(device,)), "info memory-devices") == (
        'Memory device [sgx-epc]: "e"\n  memaddr: 0x180000000\n  size: 67108864\n  node: 0\n'
        "  memdev: /objects/epc1\n"
    )


def test_nothing_plugged_prints_nothing() -> None:
    assert answer(EMPTY, "info memory-devices") == ""


def test_numa_counts_whole_mib() -> None:
    nodes = (NumaNode(0, (0, 1), 384 * MIB, 128 * MIB), NumaNode(1, (), 64 * MIB + 4095, 64 * MIB))
    assert answer(guest(numa=nodes), "info numa") == (
        "2 nodes\n"
        "node 0 cpus: 0 1\nnode 0 size: 384 MB\nnode 0 plugged: 128 MB\n"
        "node 1 cpus:\nnode 1 size: 64 MB\nnode 1 plugged: 64 MB\n"
    )


def test_no_numa_is_no_nodes() -> None:
    assert answer(EMPTY, "info numa") == "0 nodes\n"


# -- info mtree


def small_board() -> tuple[AddressSpace, ...]:
    """The bones of a microvm with 16 MiB and one PCI device."""
    ram = MemoryRegion("microvm.ram", 16 * MIB, "ram")
    bios = MemoryRegion("pc.bios", 0x10000, "ram")
    system = MemoryRegion("system", ALL)
    system.add(MemoryRegion.window("ram-below-4g", ram, 0, 16 * MIB), 0)
    system.add(MemoryRegion.window("isa-bios", bios, 0, 0x10000), 0xF0000, 1)
    system.add(bios, 0xFFFF0000)
    system.add(MemoryRegion("ioapic", 0x1000, "i/o"), 0xFEC00000)
    smm = MemoryRegion("memory", ALL)
    smm.add(MemoryRegion.window("memory", system, 0, ALL), 0)
    master = MemoryRegion("bus master container", ALL)
    master.add(MemoryRegion.window("bus master", system, 0, ALL, enabled=False), 0)
    return (
        AddressSpace("memory", system), AddressSpace("cpu-memory-0", system),
        AddressSpace("gpex-root", master), AddressSpace("cpu-smm-0", smm),
    )


TREE = """\
address-space: cpu-memory-0
address-space: memory
  0000000000000000-ffffffffffffffff (prio 0, i/o): system
    0000000000000000-0000000000ffffff (prio 0, ram): alias ram-below-4g @microvm.ram 0000000000000000-0000000000ffffff
    00000000000f0000-00000000000fffff (prio 1, ram): alias isa-bios @pc.bios 0000000000000000-000000000000ffff
    00000000fec00000-00000000fec00fff (prio 0, i/o): ioapic
    00000000ffff0000-00000000ffffffff (prio 0, ram): pc.bios

address-space: gpex-root
  0000000000000000-ffffffffffffffff (prio 0, i/o): bus master container

address-space: cpu-smm-0
  0000000000000000-ffffffffffffffff (prio 0, i/o): memory
    0000000000000000-ffffffffffffffff (prio 0, i/o): alias memory @system 0000000000000000-ffffffffffffffff

memory-region: microvm.ram
  0000000000000000-0000000000ffffff (prio 0, ram): microvm.ram

memory-region: pc.bios
  00000000ffff0000-00000000ffffffff (prio 0, ram): pc.bios

memory-region: system
  0000000000000000-ffffffffffffffff (prio 0, i/o): system
    0000000000000000-0000000000ffffff (prio 0, ram): alias ram-below-4g @microvm.ram 0000000000000000-0000000000ffffff
    00000000000f0000-00000000000fffff (prio 1, ram): alias isa-bios @pc.bios 0000000000000000-000000000000ffff
    00000000fec00000-00000000fec00fff (prio 0, i/o): ioapic
    00000000ffff0000-00000000ffffffff (prio 0, ram): pc.bios

"""
FLAT = """\
FlatView #0
 AS "memory", root: system
 AS "cpu-memory-0", root: system
 AS "cpu-smm-0", root: memory
 Root memory region: system
  0000000000000000-00000000000effff (prio 0, ram): microvm.ram
  00000000000f0000-00000000000fffff (prio 0, ram): pc.bios
  0000000000100000-0000000000ffffff (prio 0, ram): microvm.ram @0000000000100000
  00000000fec00000-00000000fec00fff (prio 0, i/o): ioapic
  00000000ffff0000-00000000ffffffff (prio 0, ram): pc.bios

FlatView #1
 AS "gpex-root", root: bus master container
 Root memory region: (none)
  No rendered FlatView

"""


def test_mtree_groups_spaces_by_root_and_adds_the_targets_of_aliases() -> None:
    assert answer(guest(address_spaces=small_board()), "info mtree") == TREE


def test_mtree_flat_groups_spaces_by_the_view_that_they_share() -> None:
    assert answer(guest(address_spaces=small_board()), "info mtree -f") == FLAT


def test_mtree_with_disabled_regions_marks_them() -> None:
    text = answer(guest(address_spaces=small_board()), "info mtree -D")
    assert (
        "    0000000000000000-ffffffffffffffff (prio 0, i/o): alias bus master @system "
        "0000000000000000-ffffffffffffffff [disabled]\n"
    ) in text
    assert [line for line in text.splitlines() if "[disabled]" not in line] == TREE.splitlines()


def test_an_alias_that_is_a_root_is_named_in_the_flat_view() -> None:
    system = MemoryRegion("system", ALL)
    alias = MemoryRegion.window("dma", system, 0, ALL)
    text = answer(guest(address_spaces=(AddressSpace("dev", alias),)), "info mtree -f")
    assert ' AS "dev", root: dma, alias system\n' in text


def tree_lines(*added: tuple[MemoryRegion, int, int]) -> list[str]:
    root = MemoryRegion("io", 0x10000, "i/o")
    for region, addr, priority in added:
        root.add(region, addr, priority)
    return answer(guest(address_spaces=(AddressSpace("I/O", root),)), "info mtree").splitlines()[2:-1]


def test_siblings_are_printed_by_address_then_falling_priority_then_newest_first() -> None:
    lines = tree_lines(
        (MemoryRegion("late", 1, "i/o"), 8, 5), (MemoryRegion("low", 1, "i/o"), 4, 0),
        (MemoryRegion("older", 1, "i/o"), 4, 1), (MemoryRegion("newer", 1, "i/o"), 4, 1),
    )
    assert [line.split(": ")[1] for line in lines] == ["newer", "older", "low", "late"]


def test_children_of_a_disabled_region_are_printed_as_qemu_does() -> None:
    power = MemoryRegion("piix4-pm", 64, enabled=False)
    power.add(MemoryRegion("acpi-evt", 4, "i/o"), 0)
    assert tree_lines((power, 0, 0)) == [
        "      0000000000000000-0000000000000003 (prio 0, i/o): acpi-evt"
    ]


def test_an_empty_region_prints_its_start_twice() -> None:
    bridge = MemoryRegion("pci_bridge_io", 1 << 32)
    lines = tree_lines((MemoryRegion.window("pci_bridge_io", bridge, 0, 0), 0, 1))
    assert lines[0] == (
        "    0000000000000000-0000000000000000 (prio 1, i/o): alias pci_bridge_io @pci_bridge_io "
        "0000000000000000-0000000000000000"
    )


def test_nonvolatile_memory_is_marked() -> None:
    lines = tree_lines((MemoryRegion("nv", 4096, "ram", nonvolatile=True), 0, 0))
    assert lines == ["    0000000000000000-0000000000000fff (prio 0, nv-ram): nv"]


def test_a_region_behind_the_end_of_the_address_space_is_reported() -> None:
    root = MemoryRegion("root", 1 << 64)
    root.add(MemoryRegion("far", 0x2000, "i/o"), ALL - 0x1000)
    text = answer(guest(address_spaces=(AddressSpace("x", root),)), "info mtree")
    assert "[DETECTED OVERFLOW!]     fffffffffffff000-0000000000000fff (prio 0, i/o): far\n" in text


# -- words


def test_a_text_that_came_with_the_guest_is_returned_as_it_is() -> None:
    observed = guest(raw_monitor={"info numa": "as pasted", "info roms": "more"})
    assert answer(observed, "info numa") == "as pasted"
    assert answer(observed, "info roms") == "more"


@pytest.mark.parametrize("command", [" info  numa ", "info\tnuma", "info numa\n"])
def test_blanks_do_not_matter(command: str) -> None:
    assert answer(EMPTY, command) == "0 nodes\n"


@pytest.mark.parametrize("command", ["", "info", "info nume", "quit", "info mtree -x", "\0" * 10])
def test_other_words_are_refused_with_the_known_commands(command: str) -> None:
    with pytest.raises(MemkitError, match="info ramblock, info mtree, info mtree -f, info mtree -D"):
        answer(EMPTY, command)


def test_every_command_ends_with_a_newline() -> None:
    for command in COMMANDS:
        text = answer(guest(address_spaces=small_board()), command)
        assert text == "" or text.endswith("\n")
