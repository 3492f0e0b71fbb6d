"""Monitor text is read back into regions, blocks, backends, devices and nodes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import memkit
from memkit.errors import MemkitError
from memkit.memory.flatview import render
from memkit.monitor.parser import read, read_monitor

# What QEMU 7.2 printed for six machines.
MACHINES: dict[str, Any] = json.loads(
    gzip.decompress((Path(__file__).parent / "test_parser_machines.json.gz").read_bytes())
)
SMALL_TREE = """\
address-space: memory
  0000000000000000-ffffffffffffffff (prio 0, i/o): system
    0000000000000000-000000000000ffff (prio 0, ram): alias low @pc.ram 0000000000000000-000000000000ffff
      0000000000000020-0000000000000021 (prio 0, i/o): inside-a-disabled-one
    0000000000008000-0000000000008fff (prio 1, i/o): device

memory-region: pc.ram
  0000000000000000-000000000001ffff (prio 0, ram): pc.ram
"""


def texts(name: str) -> dict[str, str]:
    return dict(MACHINES[name]["hmp"])


def memory_lines(guest: memkit.Guest) -> list[str]:
    """The RAM and ROM ranges that rendering the parsed tree gives."""
    ranges = render(guest.address_space("memory").root).ranges
    return [str(r) for r in ranges if r.region.kind != "i/o"]


@pytest.mark.parametrize("name", MACHINES)
def test_rendering_the_tree_gives_the_ram_and_rom_that_qemu_printed(name: str) -> None:
    only_tree = read({"info mtree": texts(name)["info mtree"]})
    printed = read({"info mtree -f": texts(name)["info mtree -f"]})
    wanted = [str(r) for r in printed.flat_view("memory").ranges if r.region.kind != "i/o"]
    assert memory_lines(only_tree) == wanted


@pytest.mark.parametrize("name", MACHINES)
def test_rendering_tree_and_flat_view_agree_in_every_address_space(name: str) -> None:
    guest = read(texts(name))
    for space in guest.address_spaces:
        if space.name == "I/O":
            continue  # overlaps of equal priority: the text does not tell which region was added last
        printed = [s.flat_view for s in guest.address_spaces if s.name == space.name]
        assert [str(r) for r in render(space.root).ranges] in [[str(r) for r in v.ranges] for v in printed]


@pytest.mark.parametrize("name", MACHINES)
def test_prompts_echoes_and_windows_line_ends_change_nothing(name: str) -> None:
    plain = read(texts(name))
    pasted = "".join(
        f"(qemu) {command}\r\n" + text.replace("\r", "").replace("\n", "\r\n")
        for command, text in texts(name).items()
    )
    bare = "".join(text for text in texts(name).values() if "nodes" not in text.split("\n")[0])
    for other in (read_monitor(pasted + "(qemu) "), read_monitor(bare)):
        assert [b.idstr for b in other.ram_blocks] == [b.idstr for b in plain.ram_blocks]
        assert str(other.flat_view("memory")) == str(plain.flat_view("memory"))
        assert [s.name for s in other.address_spaces] == [s.name for s in plain.address_spaces]


def test_memory_is_the_first_address_space_and_shares_its_tree_with_the_cpus() -> None:
    guest = read(texts("q35"))
    assert guest.address_spaces[0].name == "memory"
    assert guest.address_space("cpu-memory-1").root is guest.address_space("memory").root


def test_an_alias_points_at_the_one_region_of_that_name() -> None:
    guest = read(texts("pc"))
    system = guest.address_space("memory").root
    aliases = {r.name: r.alias for r in system.subregions if r.alias is not None}
    assert aliases["ram-below-4g"] is aliases["ram-above-4g"]
    pci = next(r for r in system.subregions if r.name == "pci")
    assert aliases["pam-pci"] is pci
    smm = guest.address_space("cpu-smm-0").root
    assert next(r for r in smm.subregions if r.name == "memory").alias is system


def test_ram_regions_have_their_blocks_and_blocks_their_backends() -> None:
    guest = read(texts("pc"))
    found = {r.region.name: r.region.block for r in guest.flat_view("memory").ranges if r.region.block}
    assert sorted(b.idstr for b in found.values()) == ["m1", "m2", "pc.bios", "pc.ram", "pc.rom"]
    assert found["m1"].backend is not None
    assert found["m1"].backend.size == 1 << 30
    assert found["m2"].shared


def test_blocks_come_in_the_order_of_creation_without_host_addresses() -> None:
    text = (
        "              Block Name    PSize              Offset               Used              Total"
        "                HVA  RO\n"
        "                  pc.ram    4 KiB  0x0000000040000000 0x0000000100000000 0x0000000100000000"
        " 0x00007ffa1fe00000  rw\n"
        "                      m1    2 MiB  0x0000000000000000 0x0000000040000000 0x0000000040000000"
        " 0x00007ffae7e00000  ro\n"
    )
    first, second = read({"info ramblock": text}).ram_blocks
    assert (first.idstr, first.page_size, first.readonly) == ("m1", 2 << 20, True)
    assert (second.idstr, second.offset, second.readonly) == ("pc.ram", 0x4000_0000, False)


def test_a_block_without_a_name_stays_nameless() -> None:
    line = "                            4 KiB  0x0000000000000000 0x0000000040000000 0x0000000040000000"
    (block,) = read({"info ramblock": line}).ram_blocks
    assert (block.idstr, block.migratable) == ("", False)


def test_old_backends_without_share_and_reserve_are_read() -> None:
    text = "memory backend: b\n  size:  4096\n  merge: false\n  dump: true\n  prealloc: true\n" \
           "  policy: bind\n  host nodes: 0-2,5\n"
    (backend,) = read({"info memdev": text}).backends
    assert (backend.size, backend.merge, backend.prealloc, backend.policy) == (4096, False, True, "bind")
    assert backend.host_nodes == (0, 1, 2, 5)
    assert backend.type == "memory-backend"


def test_virtio_mem_and_dimm_are_read_with_their_own_fields() -> None:
    text = (
        'Memory device [virtio-mem]: "vm0"\n  memaddr: 0x140000000\n  node: 0\n  requested-size: 0\n'
        "  size: 2097152\n  max-size: 1073741824\n  block-size: 2097152\n  memdev: /objects/x\n"
        'Memory device [dimm]: ""\n  addr: 0x180000000\n  slot: 3\n  node: 1\n  size: 4096\n'
        "  memdev: /objects/y\n  hotplugged: true\n  hotpluggable: false\n"
    )
    vm, dimm = read({"info memory-devices": text}).memory_devices
    assert (vm.id, vm.addr, vm.size) == ("vm0", 0x1_4000_0000, 2 << 20)
    assert (vm.max_size, vm.requested_size) == (1 << 30, 0)
    assert (dimm.id, dimm.addr, dimm.slot, dimm.node) == (None, 0x1_8000_0000, 3, 1)
    assert (dimm.hotplugged, dimm.hotpluggable) == (True, False)


def test_numa_nodes_are_read_in_bytes() -> None:
    text = "2 nodes\nnode 0 cpus: 0 1\nnode 0 size: 512 MB\nnode 0 plugged: 0 MB\n" \
           "node 1 cpus:\nnode 1 size: 1536 MB\nnode 1 plugged: 1024 MB\n"
    zero, one = read({"info numa": text}).numa
    assert (zero.cpus, zero.size) == ((0, 1), 512 << 20)
    assert (one.cpus, one.size, one.plugged) == ((), 1536 << 20, 1 << 30)


def test_regions_below_a_disabled_one_do_not_land_in_its_neighbour() -> None:
    guest = read({"info mtree": SMALL_TREE})
    system = guest.address_space("memory").root
    alias = next(r for r in system.subregions if r.alias is not None)
    assert alias.subregions == []
    hidden = next(r for r in system.subregions if not r.enabled)
    assert [r.name for r in hidden.subregions] == ["inside-a-disabled-one"]
    assert [str(r)[:33] for r in guest.flat_view("memory").ranges] == [
        "0000000000000000-0000000000007fff", "0000000000008000-0000000000008fff",
        "0000000000009000-000000000000ffff",
    ]


def test_disabled_regions_are_kept_and_do_not_answer() -> None:
    text = SMALL_TREE.replace("(prio 1, i/o): device", "(prio 1, i/o): device [disabled]")
    guest = read({"info mtree -D": text})
    assert not next(r for r in guest.address_space("memory").root.subregions if r.name == "device").enabled
    assert guest.flat_view("memory").find(0x8000).region.name == "pc.ram"  # type: ignore[union-attr]


def test_a_flat_view_alone_gives_a_guest() -> None:
    guest = read({"info mtree -f": texts("pc")["info mtree -f"]})
    assert guest.flat_view("memory").find(0x1_4000_0000).region.name == "m1"  # type: ignore[union-attr]
    assert "bus master container" in {s.root.name for s in guest.address_spaces}


def test_container_as_newer_versions_print_it_is_read() -> None:
    text = SMALL_TREE.replace("(prio 0, i/o): system", "(prio 0, container): system")
    guest = read({"info mtree": text}, qemu="11.1")
    assert guest.address_space("memory").root.kind == "container"


def test_the_guest_says_what_it_read_word_for_word() -> None:
    guest = read(texts("microvm"))
    assert guest.door == "text"
    assert guest.raw_monitor["info ramblock"] == texts("microvm")["info ramblock"]


@pytest.mark.parametrize(("command", "text", "words"), [
    ("info ramblock", "hello world", "line 1 of 'info ramblock' cannot be read: 'hello world'"),
    ("info ramblock", "a 4 KiB 0x0 0x1 0xzz", "cannot be read"),
    ("info mtree", "address-space: memory\n  what is this", "line 2 of 'info mtree'"),
    ("info mtree", "memory-region: x\n  0000000000000000-0000000000000fff (prio 0, ram): x",
     "no address space"),
    ("info mtree -f", "FlatView #0\n nonsense", "line 2 of 'info mtree -f'"),
    ("info memdev", "  size: 4096", "a stanza starts with"),
    ("info memdev", "memory backend: x\n  size: many", "size has an odd value"),
    ("info memdev", "memory backend: x\n  host nodes: 0-99999999999", "host nodes has an odd value"),
    ("info memory-devices", "  addr: 0x0", "a stanza starts with"),
    ("info memory-devices", 'Memory device [dimm]: "a"\n  addr: here', "a number is missing or odd"),
    ("info numa", "node zero size: 1 MB", "a line is 'N nodes'"),
    ("info numa", "node 0 size:", "a line is 'N nodes'"),
    ("info numa", "unknown command: 'info numa'", "the monitor did not answer"),
    ("info cats", "meow", "says nothing that is read here"),
    ("info numa", "", "no monitor text was given"),
])
def test_bad_text_ends_in_a_message_that_names_the_line(command: str, text: str, words: str) -> None:
    with pytest.raises(MemkitError) as caught:
        read({command: text})
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["", "hello", "\x00\x01", "(qemu) info block\nnothing\n", "{}"])
def test_a_paste_that_is_no_monitor_text_is_refused(text: str) -> None:
    with pytest.raises(MemkitError, match="not the text of a QEMU monitor"):
        read_monitor(text)


def test_a_very_deep_tree_is_refused() -> None:
    lines = [f"{'  ' * n}0000000000000000-0000000000000fff (prio 0, i/o): r{n}" for n in range(1, 200)]
    with pytest.raises(MemkitError, match="deeper than"):
        read({"info mtree": "address-space: memory\n" + "\n".join(lines)})
