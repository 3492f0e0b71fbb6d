"""Questions about boards: which of five start a line, and where main RAM ends on one of them."""

from __future__ import annotations

import pytest

import memkit
from memkit.lab.drills import drill
from memkit.lab.questions import ask, asked, grade
from memkit.lab.questions.boards import FIVE, base_of
from memkit.lab.quiz import prompt, reasons

GIB = 1 << 30
ROOM = "-nodefaults -m 4G,slots=4,maxmem=16G -object memory-backend-ram,id=m1,size={} "
DIMM = ROOM + "-device pc-dimm,id=d1,memdev=m1"
VIRTIO_MEM = ROOM + "-device virtio-mem-pci,id=d1,memdev=m1"
ALL = "pseries (ppc64), q35 (x86_64), s390-ccw-virtio (s390x), virt (aarch64), virt (riscv64)"


# Each was given to the five programs of that release.
@pytest.mark.parametrize(
    ("line", "qemu", "answer"),
    [
        ("-nodefaults -m 4G,slots=4,maxmem=16G", "7.2", ALL),
        (DIMM.format("1G"), "7.2", "pseries (ppc64), q35 (x86_64)"),
        (DIMM.format("640M"), "7.2", "q35 (x86_64)"),
        (DIMM.format("1G"), "11.1", "pseries (ppc64), q35 (x86_64)"),
        (VIRTIO_MEM.format("1G"), "7.2", "q35 (x86_64), virt (aarch64)"),
        (VIRTIO_MEM.format("1G"), "5.2", "q35 (x86_64)"),
        (VIRTIO_MEM.format("1G"), "10.0", "q35 (x86_64), s390-ccw-virtio (s390x), virt (aarch64)"),
        ("-nodefaults -m 1000M", "10.0", ALL.removeprefix("pseries (ppc64), ")),
        ("-nodefaults -m 4G -smp 2 -object memory-backend-ram,id=a,size=2G "
         "-object memory-backend-ram,id=b,size=2G -numa node,memdev=a -numa node,memdev=b", "7.2",
         ALL.replace("s390-ccw-virtio (s390x), ", "")),
    ],
)
def test_which_boards_start_a_line_is_tried_on_each(line: str, qemu: str, answer: str) -> None:
    assert answer == asked("which-boards", line, qemu).answer.text


def test_a_board_that_refuses_is_told_in_its_qemus_words() -> None:
    question = asked("which-boards", DIMM.format("1G"))
    assert "virt (aarch64) says: -device pc-dimm,id=d1,memdev=m1: memory hotplug is not enabled: missing " \
           "acpi-ged device." in question.answer.why
    assert "s390-ccw-virtio (s390x), virt (riscv64) say: -device pc-dimm,id=d1,memdev=m1: 'pc-dimm' is not " \
           "a valid device model name." in question.answer.why
    assert reasons(question).count("<tr>") == len(FIVE)


def test_the_line_is_shown_without_a_board() -> None:
    question = asked("which-boards", f"qemu-system-x86_64 -M pc {DIMM.format('1G')}")
    assert question.text == DIMM.format("1G").strip()
    assert "The guest of QEMU" not in prompt(question, "")
    assert "in QEMU 7.2" in question.prompt


def test_wrong_sets_of_boards_are_named() -> None:
    question = asked("which-boards", VIRTIO_MEM.format("1G"))
    named = {choice.text: choice.mistake for choice in question.choices}
    assert "all-boards" == named[ALL]
    assert "pc-alone" == named["q35 (x86_64)"]
    assert "nobody-starts" == named["none of them"]
    assert grade(question, frozenset({"virt (riscv64)"})).said.count("You took in virt (riscv64): ") == 1


def test_a_line_that_no_board_starts_is_refused() -> None:
    with pytest.raises(memkit.Refused, match="is not a valid device model name"):
        asked("which-boards", "-m 4G -device pc-dimm,memdev=m9")


# `info mtree -f` of QEMU 7.2.
@pytest.mark.parametrize(
    ("program", "machine", "base"),
    [("x86_64", "q35", 0), ("aarch64", "virt", GIB), ("ppc64", "pseries", 0),
     ("s390x", "s390-ccw-virtio", 0), ("riscv64", "virt", 2 * GIB)],
)
def test_ram_begins_where_the_board_says(program: str, machine: str, base: int) -> None:
    assert base == base_of(machine, program, "7.2")
    question = ask("ram-end", memkit.boot(f"qemu-system-{program} -M {machine} -m 6G"))
    end = base + 6 * GIB + (2 * GIB if machine == "q35" else 0)
    assert end == question.answer.value
    # One wrong answer for each other place where a board begins its RAM.
    others = {each + 6 * GIB for each in (0, GIB, 2 * GIB, 4 * GIB)} - {end}
    assert others <= {choice.value for choice in question.choices}


def test_who_forgets_where_ram_begins_is_told() -> None:
    question = ask("ram-end", memkit.boot("qemu-system-riscv64 -M virt -m 6G"))
    verdict = grade(question, 6 * GIB, reveal=False)
    assert "forgot-the-base" == verdict.mistake
    assert "RAM begins at 0x8000_0000" in verdict.said
    assert "forgot-the-hole" == grade(ask("ram-end", memkit.boot("-M q35 -m 6G")), 6 * GIB).mistake


@pytest.mark.parametrize("level", [1, 2, 3])
def test_drills_go_through_all_boards(level: int) -> None:
    questions = [drill("ram-end", seed, level).question for seed in range(40)]
    assert {board.target for board in FIVE} == {question.guest.target for question in questions}
    inside = [drill("which-boards", seed, level).question.answer.text for seed in range(40)]
    assert len({*inside}) >= 4
