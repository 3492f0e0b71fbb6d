"""A line goes from board to board: its memory stays, what is refused is set aside, and nothing is lost."""

from __future__ import annotations

import pytest

import memkit
from memkit import Host, Mount
from memkit.architectures import board_memory
from memkit.config import parse
from memkit.lab import session
from memkit.lab.architecture import (
    Carried,
    board_of,
    boards_for,
    carried_to,
    host_choices,
    host_for,
    machines_of,
)
from memkit.lab.board_box import BoardBox
from memkit.lab.explorer import Explorer

PC, Q35, MICROVM = (board_memory(name) for name in ("pc", "q35", "microvm"))
NVDIMM = ("-M q35,nvdimm=on -m 4G,slots=4,maxmem=16G \\\n"
          "  -object memory-backend-file,id=n1,size=4G,mem-path=/dev/shm/n1 -device nvdimm,memdev=n1")
CARD = "-M pc,max-ram-below-4g=2G -m 6G -device cirrus-vga -smp 2"


def carried(line: str, board: memkit.architectures.BoardMemory, **more: object) -> Carried:  # type: ignore[name-defined]
    return carried_to(board, parse(line, "7.2"), line, "7.2", Host(), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("line", "machine"), [
    ("-m 4G", "pc"), ("-M pc-i440fx-3.0", "pc"), ("-M pc-q35-7.2", "q35"), ("-M q35", "q35"),
    ("qemu-system-aarch64 -M virt-7.2", "virt"), ("qemu-system-riscv64 -M virt", "virt"),
    ("qemu-system-ppc64 -M pseries-5.2", "pseries"), ("qemu-system-i386 -m 1G", "pc"),
    ("-M isapc", None), ("-M virt", None), ("qemu-system-aarch64 -M virt-ish", None),
])
def test_the_board_of_a_line_is_found_whatever_its_version(line: str, machine: str | None) -> None:
    board = board_of(parse(line))
    assert machine == (board.machine if board else None)


def test_boards_of_one_name_are_told_apart_by_the_target() -> None:
    targets = [board_of(parse(f"qemu-system-{t} -M virt")) for t in ("aarch64", "arm", "riscv64", "riscv32")]
    assert ["aarch64", "aarch64", "riscv64", "riscv64"] == [board.target for board in targets if board]


def test_a_line_keeps_its_memory_and_gets_another_machine_type() -> None:
    found = carried("-M q35 -m 4G -object memory-backend-ram,id=m1,size=1G", MICROVM)
    assert ("-M microvm -m 4G -object memory-backend-ram,id=m1,size=1G", ()) == (found.text, found.left)


def test_the_breaks_of_a_line_stay() -> None:
    assert carried(NVDIMM, MICROVM).text.startswith("-M microvm -m 4G,slots=4,maxmem=16G \\\n  -object")


@pytest.mark.parametrize(("line", "words", "why"), [
    ("-M q35,vmport=off -m 4G", "vmport=off of -machine", "Property 'microvm-machine.vmport' not found"),
    ("-M q35 -m 4G -device cirrus-vga", "-device cirrus-vga",
     "-device cirrus-vga: No 'PCI' bus found for device 'cirrus-vga'"),
    (NVDIMM, "nvdimm=on of -machine", "Property 'microvm-machine.nvdimm' not found"),
])
def test_what_the_board_cannot_have_is_told_in_qemus_words(line: str, words: str, why: str) -> None:
    found = carried(line, MICROVM)
    assert [(words, why)] == [(out.words, out.why) for out in found.left]
    assert memkit.boot(found.text).machine_type == "microvm"


def test_several_words_can_be_left_out() -> None:
    found = carried(CARD, MICROVM)
    assert ["max-ram-below-4g=2G of -machine", "-device cirrus-vga"] == [out.words for out in found.left]
    assert "-M microvm -m 6G -smp 2" == found.text


@pytest.mark.parametrize("line", [NVDIMM, CARD, "-M q35,vmport=off -m 4G"])
def test_the_way_back_brings_the_very_line(line: str) -> None:
    there = carried(line, MICROVM)
    back = carried_to(board_of(parse(line)), parse(there.text), there.text, "7.2", Host(), last=there)  # type: ignore[arg-type]
    assert (line, ()) == (back.text, back.left)


def test_the_way_back_of_a_changed_line_brings_what_was_left_out() -> None:
    there = carried(CARD, MICROVM)
    changed = f"{there.text} -name x"
    back = carried_to(PC, parse(changed), changed, "7.2", Host(), last=there)
    assert "-M pc,max-ram-below-4g=2G -m 6G -smp 2 -name x -device cirrus-vga" == back.text
    assert () == back.left


def test_the_way_on_to_a_third_board_tries_again_what_was_left_out() -> None:
    there = carried(CARD, MICROVM)
    on = carried_to(Q35, parse(there.text), there.text, "7.2", Host(), last=there)
    assert ("-M q35,max-ram-below-4g=2G -m 6G -device cirrus-vga -smp 2", ()) == (on.text, on.left)


def test_a_line_that_does_not_boot_keeps_its_mistake() -> None:
    line = "-M q35,vmport=off -m 4G -device pc-dimm,memdev=none"
    found = carried(line, MICROVM, boots=False)
    assert (line.replace("q35", "microvm"), ()) == (found.text, found.left)


def test_a_switch_in_the_explorers_state_tells_what_is_left_out_and_forgets_nothing() -> None:
    state = session.with_board(session.start(CARD), MICROVM)
    assert state.guest is not None
    assert ("microvm", 2) == (state.guest.machine_type, len(state.carried.left))  # type: ignore[union-attr]
    back = session.with_board(state, PC)
    assert (CARD, ()) == (back.text, back.carried.left)  # type: ignore[union-attr]
    assert session.with_board(state, None) is state


def test_an_example_brings_its_own_board_and_host() -> None:
    state = session.with_board(session.start(CARD), MICROVM)
    state = session.with_host(state, Host.of("x86_64", huge_page=1 << 30))
    new = session.chosen(state, "-M q35 -m 4G")
    assert (None, None, Host()) == (new.carried, new.other_host, new.stands_on)


def test_another_host_is_another_page_size_behind_the_same_line() -> None:
    state = session.start("-m 1G -mem-path /dev/hugepages")
    huge = session.with_host(state, Host.of("x86_64", huge_page=1 << 30))
    assert state.guest
    assert huge.guest
    assert (2 << 20, 1 << 30) == (state.guest.backends[0].page_size, huge.guest.backends[0].page_size)
    assert session.with_host(huge, Host()).other_host is None


@pytest.mark.parametrize(("board", "arch"), [
    ("pc", "x86_64"), ("sbsa-ref", "aarch64"), ("vexpress-a15", "aarch64"), ("pseries", "ppc64le"),
    ("s390-ccw-virtio", "s390x"), ("sifive_u", "riscv64"),
])
def test_the_host_follows_the_architecture_of_the_board(board: str, arch: str) -> None:
    assert arch == host_for(board_memory(board), Host(), Host()).arch


def test_a_host_that_fits_stays() -> None:
    large, small = Host.of("aarch64", 64 << 10), Host.of("aarch64")
    assert large == host_for(board_memory("virt"), Host(), large)
    assert small == host_for(board_memory("virt"), small, Host())


def test_the_hosts_of_a_board_are_those_of_its_architecture_and_the_one_that_was_given() -> None:
    given = Host(mounts={"/hp": Mount("hugetlbfs", 1 << 30, 4)})
    choices = host_choices(board_memory("s390-ccw-virtio"), given, Host())
    assert [
        "x86_64, 4 KiB pages; pool: 1 GiB (as given)", "s390x, 4 KiB pages; pool: 1 MiB",
        "s390x, 4 KiB pages; pool: 2 GiB", "x86_64, 4 KiB pages; pool: 2 MiB (as chosen)",
    ] == list(choices)
    assert given == choices["x86_64, 4 KiB pages; pool: 1 GiB (as given)"]


def test_the_list_of_machine_types_is_that_of_the_target() -> None:
    assert "pc-i440fx-7.2" in machines_of(parse("-m 1G"), "7.2")
    arm = machines_of(parse("qemu-system-aarch64 -M virt"), "7.2")
    assert ["virt", "sbsa-ref", "raspi3b", "vexpress-a15", "virt-7.2"] == arm[:5]
    assert "virt-10.0" not in arm
    assert ["s390-ccw-virtio", "s390-ccw-virtio-7.2"] == machines_of(parse("qemu-system-s390x"), "8.2")[:2]


@pytest.fixture
def lab() -> Explorer:
    """An explorer on a line that a microvm does not take as it is."""
    return memkit.explore(CARD)


def test_the_explorer_goes_to_another_board_and_back(lab: Explorer) -> None:
    assert PC == lab.place.board.value
    lab.place.board.value = MICROVM
    assert ("-M microvm -m 6G -smp 2", "microvm") == (lab.line.value, lab.machine.value)
    assert "<b>Left out on microvm</b>" in lab.status.value
    assert "-device cirrus-vga" in lab.status.value
    lab.place.board.value = PC
    assert CARD == lab.line.value
    assert "Left out" not in lab.status.value


def test_the_explorers_list_of_boards_follows_the_line(lab: Explorer) -> None:
    lab.line.value = "-M isapc -m 1G"
    assert ("another machine type", "") == lab.place.board.options[0]
    assert "another machine type" == lab.place.board.label
    lab.line.value = "-M pc-q35-7.2 -m 1G"
    assert (Q35, len(boards_for())) == (lab.place.board.value, len(lab.place.board.options))


def test_what_was_left_out_of_one_line_does_not_come_into_another(lab: Explorer) -> None:
    lab.place.board.value = MICROVM
    assert "Left out on microvm" in lab.status.value
    lab.line.value = "-M q35 -m 1G"
    assert "Left out" not in lab.status.value
    lab.place.board.value = PC
    assert "-M pc -m 1G" == lab.line.value


def test_the_explorers_host_changes_the_pages(lab: Explorer) -> None:
    lab.line.value = "-m 1G -mem-path /dev/hugepages"
    lab.place.host.value = "x86_64, 4 KiB pages; pool: 1 GiB"
    assert lab.state.guest
    assert 1 << 30 == lab.state.guest.backends[0].page_size


def test_the_boxes_have_names_and_say_what_they_do() -> None:
    box = BoardBox()
    assert ["Board", "Host"] == [box.board.description, box.host.description]
    assert all(chosen.tooltip for chosen in (box.board, box.host))
