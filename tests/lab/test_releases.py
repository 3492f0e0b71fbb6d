"""Questions about releases: which QEMUs start a line, and whether a statement of 2018 held in one of them."""

from __future__ import annotations

import html

import pytest

import memkit
from memkit.history import talk
from memkit.lab.questions import ask, asked, grade, read_answer
from memkit.lab.questions.releases import held, started
from memkit.lab.quiz import prompt, reasons
from memkit.versions import KNOWN_QEMU

SLIDE = "-m 4G,slots=3,maxmem=1T"
NVDIMM = ("-m 4G,slots=4,maxmem=16G -object memory-backend-file,id=n1,size=4G,mem-path=/tmp/n1 "
          "-device nvdimm,id=ndimm1,memdev=n1")
VIRTIO_MEM = ("-m 1G,maxmem=8G -object memory-backend-ram,id=v,size=2G{} "
              "-device virtio-mem-pci,memdev=v{}")


# Each was given to QEMU 5.2, 7.2, 10.0 and 11.1.
@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (SLIDE, "5.2"),
        (f"-cpu qemu64,phys-bits=42 {SLIDE}", "7.2, 8.2, 10.0, 11.1"),
        (f"-M pc,nvdimm {NVDIMM}", "5.2"),
        (f"-M pc,nvdimm=on {NVDIMM}", "5.2, 7.2, 8.2, 10.0, 11.1"),
        ("-M pc-i440fx-5.0 -smp 2 -m 4G -numa node,mem=2G -numa node,mem=2G", "5.2, 7.2, 8.2, 10.0"),
        ("-M pc-q35-6.0 -no-hpet", "7.2, 8.2"),
        (VIRTIO_MEM.format(",prealloc=on", ""), "5.2, 7.2"),
        (VIRTIO_MEM.format("", ",dynamic-memslots=on"), "8.2, 10.0, 11.1"),
    ],
)
def test_which_qemus_start_a_line_is_tried_in_each(line: str, answer: str) -> None:
    question = asked("which-qemus", line)
    assert answer == question.answer.text
    assert grade(question, read_answer(question, answer)).right
    assert question.guest.qemu == answer.rpartition(", ")[2]


def test_a_release_that_refuses_is_told_in_its_own_words() -> None:
    question = asked("which-qemus", f"-M pc,nvdimm {NVDIMM}")
    assert question.answer.why == (
        "5.2 starts it. 7.2, 8.2, 10.0, 11.1 say: -M pc,nvdimm: Expected '=' after parameter 'nvdimm'.")
    said = grade(question, frozenset({"7.2"}), reveal=False).said
    assert said == ("Not yet. You left out 5.2: it starts. You took in 7.2: it says: "
                    "-M pc,nvdimm: Expected '=' after parameter 'nvdimm'.")


def test_wrong_sets_are_named_by_what_they_come_from() -> None:
    question = asked("which-qemus", "-M pc-q35-8.2 -m 1G")
    named = {choice.text: choice.mistake for choice in question.choices}
    assert named == {
        "8.2, 10.0, 11.1": "", "5.2, 7.2, 8.2, 10.0, 11.1": "old-line-stays", "11.1": "newer-takes-more",
        "5.2, 7.2": "newer-takes-more", "7.2, 8.2, 10.0, 11.1": "a-release-off",
        "10.0, 11.1": "a-release-off", "none of them": "nobody-starts",
    }


def test_a_question_about_all_releases_does_not_tell_of_which_one_its_guest_is() -> None:
    assert "The guest of QEMU" not in prompt(asked("which-qemus", SLIDE), "")
    assert "The guest of QEMU 5.2." in prompt(asked("ram-above-4g", SLIDE, qemu="5.2"), "")


def test_what_each_release_says_stands_behind_the_answer() -> None:
    shown = reasons(asked("which-qemus", SLIDE))
    assert shown.count("<tr>") == len(KNOWN_QEMU)
    assert "it says: Address space limit" in html.unescape(shown)
    told = reasons(ask("still-holds", memkit.boot("-m 1G", qemu="7.2"), "info ramblock prints"))
    assert [word in told for word in ("QEMU 3.0", "Still so.", "HVA", "softmmu/physmem.c")] == [True] * 4
    assert "<svg" not in shown + told


def test_a_line_that_nobody_starts_is_refused_in_the_words_of_the_usual_qemu() -> None:
    with pytest.raises(memkit.Refused, match="Device 'm1' not found"):
        asked("which-qemus", "-m 4G,slots=2,maxmem=8G -device pc-dimm,memdev=m1")
    assert started("-m 1G").qemu == "11.1"


def test_a_line_is_asked_of_the_qemu_that_is_named() -> None:
    with pytest.raises(memkit.Refused, match="phys-bits too low"):
        memkit.predict("which-qemus", SLIDE, qemu="7.2")


@pytest.mark.parametrize(
    ("of", "qemu", "answer"),
    [
        ("falls back", "5.2", "no longer so"),
        ("info ramblock prints", "7.2", "still so"),
        ("info ramblock prints", "8.2", "so in part"),
        ("Anonymous memory", "8.2", "still so"),
        ("Anonymous memory", "10.0", "so in part"),
        ("/objects/m1", "11.1", "so in part"),
        ("A guest has ROM", "11.1", "still so"),
    ],
)
def test_a_statement_holds_up_to_the_release_that_changed_it(of: str, qemu: str, answer: str) -> None:
    assert answer == ask("still-holds", memkit.boot("-m 1G", qemu=qemu), of).answer.text


def test_who_dates_a_change_too_early_is_told() -> None:
    question = ask("still-holds", memkit.boot("-m 1G", qemu="7.2"), "info ramblock prints")
    assert question.answer.why.startswith("Since QEMU 8.0 it is otherwise. ")
    verdict = grade(question, "so in part", reveal=False)
    assert "newer-release" == verdict.mistake
    assert "in a later release" in verdict.said


def test_every_statement_is_so_before_what_changed_it() -> None:
    dated = [s for s in talk() if s.since]
    assert len(dated) >= 10
    assert {"yes"} == {held(s, "3.0") for s in dated}
    assert all(held(s, s.since or "") == s.holds != "yes" for s in dated)


def test_a_statement_that_nobody_made_is_told() -> None:
    with pytest.raises(memkit.MemkitError, match="no statement of the talk contains 'flying'"):
        ask("still-holds", memkit.boot("-m 1G"), "flying")
