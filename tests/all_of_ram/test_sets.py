"""One rule of each definition at a time, on guests whose blocks are known."""

from __future__ import annotations

import re

import pytest

import memkit
from memkit.all_of_ram import DEFINITIONS, GROUPS, Member, Part, RAMSet
from memkit.all_of_ram.members import pieces
from memkit.errors import MemkitError
from memkit.memory.ramblock import RAMBlock

MIB = 1 << 20
TALK = "-m 4G,slots=4,maxmem=16G -object memory-backend-ram,id=m1,size=1G -device pc-dimm,id=d1,memdev=m1"
NVDIMM = (
    "-M nvdimm=on -m 1G,slots=2,maxmem=4G -object memory-backend-file,id=n,size=128M,mem-path=/var/tmp/n"
    ",share=on -device nvdimm,id=nv,memdev=n,label-size=128K"
)
VIRTIO_MEM = "-m 1G,maxmem=4G -object memory-backend-ram,id=v,size=1G -device virtio-mem-pci,id=vm,memdev=v"
MEMFD = "-m 1G -M memory-backend=r -object memory-backend-memfd,id=r,size=1G"
ROMS = {"pc.bios", "pc.rom"}


def of(line: str, definition: str, qemu: str = "7.2") -> RAMSet:
    return memkit.boot(line, qemu=qemu).all_of_ram(definition)


def names(found: RAMSet) -> set[str]:
    return {m.block.label for m in found.blocks}


def member(found: RAMSet, name: str) -> Member:
    one = found.member(name)
    assert one is not None
    return one


# -- the talk's guest


@pytest.mark.parametrize(
    ("definition", "size", "inside"),
    [
        ("main-ram", 4096 * MIB, {"pc.ram"}),
        ("query-memory-size-summary", 5120 * MIB, {"pc.ram", "m1"}),
        ("info numa", 5120 * MIB, {"pc.ram", "m1"}),
        ("balloon", 5120 * MIB, {"pc.ram", "m1"}),
        ("vhost", 5120 * MIB - 384 * 1024, {"pc.ram", "m1"}),
        ("balloon-pages", 5120 * MIB - 384 * 1024, {"pc.ram", "m1"}),
        # pc.bios shows its last 128 KiB twice.
        ("dump-guest-memory", 5120 * MIB - 384 * 1024 + (256 + 128 + 128) * 1024, {"pc.ram", "m1", *ROMS}),
        ("vfio", 5120 * MIB - 384 * 1024 + (256 + 128 + 128) * 1024, {"pc.ram", "m1", *ROMS}),
        ("vhost-user", 0, set()), ("pmem-guest", 0, set()), ("mem-lock", 0, set()), ("prealloc", 0, set()),
    ],
)
def test_the_talks_guest(definition: str, size: int, inside: set[str]) -> None:
    found = of(TALK, definition)
    assert (size, inside) == (found.bytes, names(found))


@pytest.mark.parametrize("definition", ["ram-blocks", "sev", "userspace-nvme", "thp", "ksm", "core-dump"])
def test_whole_ramblocks_are_taken_with_their_greatest_length(definition: str) -> None:
    guest = memkit.boot(TALK)
    assert sum(b.max_length for b in guest.ram_blocks) == guest.all_of_ram(definition).bytes


@pytest.mark.parametrize("definition", ["migration", "postcopy", "rdma"])
def test_named_ramblocks_travel_with_their_used_length(definition: str) -> None:
    guest = memkit.boot(f"{TALK} -object memory-backend-ram,id=lost,size=64M")
    found = guest.all_of_ram(definition)
    assert sum(b.used_length for b in guest.ram_blocks if b.idstr) == found.bytes
    assert ("out", "it has no name") == (
        member(found, "(lost)").state, member(found, "(lost)").reason.partition(":")[0])


def test_what_the_guest_sees_twice_is_counted_twice_and_once_where_blocks_count() -> None:
    visible = member(of("-m 1G", "visible"), "pc.bios")
    assert ("in", 384 << 10) == (visible.state, visible.bytes)
    assert visible.reason == "the guest sees it, 128 KiB of it twice"
    assert 256 << 10 == member(of("-m 1G", "ram-blocks"), "pc.bios").bytes


# -- what a device or an option changes


def test_an_nvdimm_is_dumped_and_not_ballooned_and_keeps_its_label_area() -> None:
    size = 128 * MIB - (128 << 10)
    for definition in ("pmem-guest", "query-memory-size-summary", "dump-guest-memory", "vhost-user"):
        found = member(of(NVDIMM, definition), "n")
        assert ("part", size) == (found.state, found.bytes), definition
    assert "out" == member(of(NVDIMM, "balloon"), "n").state
    assert "part" == member(of(NVDIMM, "balloon-pages"), "n").state
    assert "out" == member(of(NVDIMM, "pmem-backing"), "n").state


def test_unplugged_virtio_mem_is_seen_and_migrated_but_neither_counted_nor_dumped_nor_mapped() -> None:
    name = "0000:00:04.0/v"
    states = {d: member(of(VIRTIO_MEM, d), name).state for d in DEFINITIONS if d != "cpr-transfer"}
    outside = {d for d, state in states.items() if state == "out"}
    assert {"query-memory-size-summary", "info numa", "balloon", "dump-guest-memory", "vfio"} <= outside
    assert {"visible", "migration", "kvm", "vhost", "balloon-pages", "sev"} & outside == set()


def test_a_dump_had_all_of_virtio_mem_before_6_2() -> None:
    assert "in" == member(of(VIRTIO_MEM, "dump-guest-memory", "5.2"), "0000:00:04.0/v").state


@pytest.mark.parametrize(
    ("line", "qemu", "size"),
    [
        (f"{MEMFD},share=on", "7.2", 1024 * MIB - 384 * 1024),
        (f"{MEMFD},share=off", "7.2", 1024 * MIB - 384 * 1024),
        (f"{MEMFD},share=off", "11.1", 0),
        ("-m 1G -M memory-backend=r -object memory-backend-ram,id=r,size=1G,share=on", "7.2", 0),
        ("-m 1G -M memory-backend=r -object memory-backend-ram,id=r,size=1G,share=on", "10.0",
         1024 * MIB - 384 * 1024),
        (f"{MEMFD},share=on,hugetlb=on", "7.2", 1024 * MIB),
    ],
)
def test_vhost_user_gets_what_has_a_descriptor_and_since_11_is_shared(
    line: str, qemu: str, size: int
) -> None:
    assert size == of(line, "vhost-user", qemu).bytes


def test_a_set_says_where_it_lies() -> None:
    assert ((0, 0xA0000), (0x100000, 0x3FF00000)) == of(f"{MEMFD},share=on", "vhost-user").ranges
    assert () == of(f"{MEMFD},share=on", "migration").ranges


@pytest.mark.parametrize(
    ("qemu", "more", "state"),
    [("7.2", "", "out"), ("8.2", "", "in"), ("11.1", "", "in"), ("7.2", ",share=off", "in")],
)
def test_x_ignore_shared_leaves_out_shared_memory_and_since_8_1_only_that_of_named_files(
    qemu: str, more: str, state: str
) -> None:
    assert state == member(of(f"{MEMFD}{more or ',share=on'}", "x-ignore-shared", qemu), "r").state


@pytest.mark.parametrize(("qemu", "state"), [("5.2", "in"), ("7.2", "out"), ("11.1", "in")])
def test_shared_anonymous_memory_was_left_out_by_x_ignore_shared_for_a_while(qemu: str, state: str) -> None:
    line = "-m 1G -M memory-backend=r -object memory-backend-ram,id=r,size=1G,share=on"
    assert state == member(of(line, "x-ignore-shared", qemu), "r").state


def test_a_named_file_stays_behind_with_x_ignore_shared_in_every_release() -> None:
    line = "-m 1G -M memory-backend=r -object memory-backend-file,id=r,size=1G,mem-path=/dev/shm/r,share=on"
    assert ["out", "out"] == [member(of(line, "x-ignore-shared", v), "r").state for v in ("7.2", "11.1")]


@pytest.mark.parametrize(
    ("line", "state"),
    [
        (f"{MEMFD},share=off", "in"), (f"{MEMFD},share=off,merge=off", "out"), (f"{MEMFD},share=on", "out"),
        (f"{MEMFD},share=off,hugetlb=on", "out"),
        ("-m 1G -M memory-backend=r -object memory-backend-ram,id=r,size=1G,merge=off", "in"),
        ("-m 1G -M memory-backend=r,mem-merge=off -object memory-backend-ram,id=r,size=1G", "out"),
        ("-m 1G -M memory-backend=r,mem-merge=off -object memory-backend-ram,id=r,size=1G,merge=on", "in"),
    ],
)
def test_ksm_takes_private_small_pages_that_the_machine_or_the_backend_offers(line: str, state: str) -> None:
    assert state == member(of(line, "ksm"), "r").state


@pytest.mark.parametrize(
    ("more", "main", "dimm"),
    [(" -M dump-guest-core=off", "out", "out"), ("", "in", "in"), (",dump=off", "in", "out"),
     (",dump=on -M dump-guest-core=off", "out", "out")],
)
def test_dump_off_of_a_backend_or_of_the_machine_keeps_memory_out_of_core_files(
    more: str, main: str, dimm: str
) -> None:
    backend, _, options = more.partition(" ")
    found = of(TALK.replace("size=1G", f"size=1G{backend}") + f" {options}", "core-dump")
    assert (main, dimm) == (member(found, "pc.ram").state, member(found, "m1").state)


def test_mem_lock_holds_everything_but_huge_pages_of_a_pool() -> None:
    found = of(f"{MEMFD},hugetlb=on -overcommit mem-lock=on", "mem-lock")
    assert ("out", "in") == (member(found, "r").state, member(found, "pc.bios").state)


def test_cpr_transfer_came_with_10_0_and_keeps_what_is_shared_with_a_descriptor() -> None:
    line = f"{MEMFD},share=on"
    assert (0, "QEMU 7.2 has no cpr-transfer; it came with 10.0.") == (
        of(line, "cpr-transfer").bytes, of(line, "cpr-transfer").remark)
    found = of(line, "cpr-transfer", "10.0")
    assert {"r"} == names(found)
    assert "it is private, so that it blocks the migration" == member(found, "pc.bios").reason
    shared = of(f"{line} -M aux-ram-share=on", "cpr-transfer", "10.0")
    assert shared.bytes == sum(m.block.max_length for m in shared.members)


def test_of_private_memory_only_what_the_guest_shares_is_dumped_or_mapped_and_nobody_knows_what() -> None:
    line = ("-M q35,confidential-guest-support=g -accel kvm -m 1G -nodefaults "
            "-object sev-snp-guest,id=g,cbitpos=51,reduced-phys-bits=1")
    for definition in ("dump-guest-memory", "vfio"):
        found = of(line, definition, "11.1")
        assert {"pc.ram", *ROMS} == {m.block.label for m in found.members if m.state == "unknown"}
        assert of(line, definition, "10.0").certain
    assert (0, 0) == (of(line, "sev", "11.1").bytes, len(of(line, "sev", "11.1").blocks))


def test_dirty_rates_pass_over_small_blocks() -> None:
    found = of(TALK, "calc-dirty-rate")
    assert {"0000:00:02.0/vga.rom", "/rom@etc/acpi/rsdp", "/rom@etc/table-loader"} == {
        m.block.label for m in found.members} - names(found)


# -- asking


@pytest.mark.parametrize("word", ["migraton", "", "all", "space:"])
def test_a_wrong_word_is_answered_with_the_definitions(word: str) -> None:
    with pytest.raises(MemkitError) as e:
        memkit.boot("-m 1G").all_of_ram(word)
    assert ("space:" in word or "migration, x-ignore-shared" in str(e.value))
    assert ("did you mean 'migration'" in str(e.value)) == (word == "migraton")


def test_what_is_no_word_is_said_to_be_none() -> None:
    with pytest.raises(MemkitError, match="is a name such as 'migration', not 7"):
        memkit.boot("-m 1G").all_of_ram(7)  # type: ignore[call-overload]


def test_another_address_space_can_be_asked_for() -> None:
    guest = memkit.boot("-m 1G -M q35")
    assert guest.all_of_ram("space:memory").ranges == guest.all_of_ram("visible").ranges
    assert (0, ()) == (guest.all_of_ram("space:VGA").bytes, guest.all_of_ram("space:VGA").blocks)


@pytest.mark.parametrize(
    ("definition", "line", "remark"),
    [
        ("vhost-user", "-chardev socket,id=c,path=/tmp/c -device vhost-user-blk-pci,chardev=c",
         "There is no vhost-user device: this is what one would be told."),
        ("balloon", "-device virtio-balloon-pci",
         "There is no virtio-balloon: this is what one would count."),
        ("kvm", "-accel kvm", "The line does not ask for KVM: these are the memslots that it would have."),
        ("mem-lock", "-overcommit mem-lock=on", "-overcommit mem-lock=on is not given."),
        ("info numa", "-object memory-backend-ram,id=a,size=1G -numa node,memdev=a",
         "The guest has no NUMA nodes, so that info numa says 0 nodes."),
    ],
)
def test_a_set_says_what_the_guest_lacks_that_would_make_it_matter(
    definition: str, line: str, remark: str
) -> None:
    assert remark == of("-m 1G -nodefaults", definition).remark
    with_it = memkit.boot(f"-m 1G -nodefaults {line}")
    assert "" == with_it.all_of_ram(definition).remark


def test_each_definition_tells_its_rule_and_a_source_with_a_release() -> None:
    for name, definition in DEFINITIONS.items():
        assert name == definition.name
        assert definition.group in GROUPS
        assert definition.rule
        assert definition.meaning.endswith(".")
        for source in definition.sources:
            assert re.fullmatch(r"(Linux: )?[\w/.-]+\.[ch]: .+, \d+\.\d+|Linux: .+, \d+\.\d+", source), source


def test_a_set_shows_itself_in_words_and_as_a_page() -> None:
    found = of(TALK, "migration")
    bundle = found._repr_mimebundle_()
    assert str(found) == bundle["text/plain"]
    assert found.sentence.startswith("migration: 5.02 GiB in 10 of 10 RAMBlocks.")
    html = bundle["text/html"]
    assert all(m.block.label in html and m.reason in html for m in found.members)
    assert found.data()["blocks"][0]["block"] == found.members[0].block.label


@pytest.mark.parametrize(
    ("parts", "state", "size"),
    [
        ([], "out", 0), ([Part(0, 8)], "in", 8), ([Part(0, 4)], "part", 4),
        ([Part(0, 8), Part(4, 4)], "in", 12), ([Part(4, 4), Part(0, 4)], "in", 8),
    ],
)
def test_a_block_is_in_where_parts_cover_all_of_it(parts: list[Part], state: str, size: int) -> None:
    found = pieces(RAMBlock(0, 8, 8), parts, "seen", "unseen")
    assert (state, size) == (found.state, found.bytes)


def test_a_confidential_guest_offers_backends_to_ksm_and_nothing_that_comes_later() -> None:
    # machine_run_board_init turns mem-merge off when the backend of main RAM is there already.
    guest = memkit.boot("-M q35,confidential-guest-support=s -m 1G -accel kvm "
                        "-object sev-guest,id=s,cbitpos=47,reduced-phys-bits=1")
    assert {"pc.ram"} == {member.block.label for member in guest.all_of_ram("ksm").blocks}
    assert 9 == len(memkit.boot("-M q35 -m 1G").all_of_ram("ksm").blocks)
