"""Questions: the model computes answer and mistakes; every answer gets words that fit it."""

from __future__ import annotations

from dataclasses import replace

import pytest

import memkit
from memkit.lab.drills import drill
from memkit.lab.questions import MISTAKES, QUESTIONS, Question, ask, grade, read_answer

DIMM = "-m 4G,slots=4,maxmem=16G -object memory-backend-ram,id=m1,size=1G -device pc-dimm,id=d1,memdev=m1"
GIB = 1 << 30


def asked(name: str) -> Question:
    """A question of this name: about a guest with a DIMM, or where that leaves nothing to ask, a drill's."""
    try:
        return ask(name, memkit.boot(DIMM))
    except memkit.MemkitError:
        return drill(name).question


@pytest.mark.parametrize(
    ("name", "line", "answer", "choices"),
    [
        # In QEMU 7.2, q35 splits 4G at 2 GiB and pc at 3 GiB.
        ("gpa-of-dimm", f"-M q35 {DIMM}", 6 * GIB, [0, 4 * GIB, 6 * 10**9, 6 * GIB, 21 * GIB]),
        ("gpa-of-dimm", f"-M pc {DIMM}", 5 * GIB, [0, 4 * GIB, 5 * 10**9, 5 * GIB, 20 * GIB]),
        ("ram-above-4g", "-M q35 -m 4G", 2 * GIB, [0, GIB, 2 * GIB, 4 * GIB]),
        ("ram-above-4g", "-M pc -m 6G", 3 * GIB, [2 * GIB, 3 * GIB, 4 * GIB, 6 * GIB]),
        ("ram-above-4g", "-m 1G", 0, [0, GIB]),
        ("offset-at-4g", "-M pc -m 4G", 3 * GIB, [0, GIB, 3 * GIB, 4 * GIB, 5 * GIB]),
        ("offset-at-4g", f"-M q35 {DIMM}", 2 * GIB, [0, 2 * GIB, 3 * GIB, 4 * GIB, 6 * GIB]),
        ("ram-blocks", "-M microvm -m 1G", 5, [1, 3, 4, 5]),
    ],
)
def test_the_answer_and_the_tempting_ones_are_computed(
    name: str, line: str, answer: int, choices: list[int]
) -> None:
    question = ask(name, memkit.boot(line))
    assert answer == question.answer.value
    assert choices == [choice.value for choice in question.choices]


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_choice_says_its_own_reason_and_one_of_them_is_right(name: str) -> None:
    question = asked(name)
    assert len(question.choices) == len({choice.text for choice in question.choices})
    verdicts = [grade(question, choice.value) for choice in question.choices]
    assert [True] == [verdict.right for verdict in verdicts if verdict.right]
    for choice, verdict in zip(question.choices, verdicts, strict=True):
        assert choice.why in verdict.said
        assert question.answer.text in verdict.said


@pytest.mark.parametrize("name", QUESTIONS)
def test_choices_stand_in_order_so_that_their_place_tells_nothing(name: str) -> None:
    choices = asked(name).choices
    values = [c.value if isinstance(c.value, int) else c.text for c in choices]
    assert sorted(set(values)) == values  # type: ignore[type-var]


@pytest.mark.parametrize("name", QUESTIONS)
def test_each_wrong_answer_is_a_mistake_that_has_a_name(name: str) -> None:
    question = asked(name)
    assert "" == question.answer.mistake
    assert {True} == {c.mistake in MISTAKES and c.title == MISTAKES[c.mistake] for c in question.choices
                      if c is not question.answer}


def test_a_set_that_is_no_known_mistake_is_told_name_by_name() -> None:
    line = (f"{DIMM} -object memory-backend-memfd,id=m2,size=1G -device pc-dimm,memdev=m2 "
            "-object memory-backend-ram,id=m3,size=1G,share=on -device pc-dimm,memdev=m3")
    question = ask("shared-blocks", memkit.boot(line))
    assert frozenset({"m2", "m3"}) == question.answer.value
    said = grade(question, read_answer(question, "m1, m2")).said
    assert "You left out m3: m3 has share=on." in said
    assert "You took in m1: m1 is a memory-backend-ram without share=on, so it is private." in said


@pytest.mark.parametrize(
    ("name", "of", "answer"),
    [
        ("offset-at", "0x1_4000_0000", 4 * GIB),
        ("gpa-of-offset", "3584M", 0x1_2000_0000),
        ("who-answers", "0xc0000", "pc.rom"),
        ("who-answers", "0xfffc0000", "pc.bios"),
        ("what-a-write-does", "0xfffc0000", "Nothing changes; the guest goes on."),
        ("what-a-write-does", "0xa0000", "A device handles it."),
        ("page-size-of", "huge", 2 << 20),
        ("page-size-of", "pc.ram", 4096),
        ("dirty-pages", "0x100000", None),
        ("name-of-block", "m1", "m1"),
        ("name-of-block", "vga.vram", "0000:00:05.0/vga.vram"),
        ("boots", "nobody", "Device 'nobody' not found"),
        ("boots", "unused", "Yes, it starts."),
    ],
)
def test_a_question_is_about_what_it_is_given(name: str, of: str, answer: object) -> None:
    line = (f"-M pc {DIMM.replace('-m 4G', '-m 5G')} -device VGA,addr=05.0 -vga none "
            "-object memory-backend-file,id=huge,size=1G,mem-path=/dev/hugepages "
            "-device pc-dimm,memdev=huge")
    question = ask(name, memkit.boot(line), of)
    if answer is not None:
        assert answer == question.answer.value


@pytest.mark.parametrize(
    ("name", "of", "says"),
    [
        ("gpa-of-dimm", "d9", "'d9' is no memory device of this guest; there are: d1"),
        ("page-size-of", "m9", "'m9' is no RAMBlock of this guest; there are: m1, "),
        ("offset-at", "fast", "is no address"),
        ("offset-at", "0xfee00000", "no RAMBlock answers at 0xfee0_0000"),
        ("boots", "what", "there are: one-more-dimm, huge-dimm"),
        ("mend", "what", "'what' is no hazard"),
        ("mend", "balloon-mlock", "no hazard to ask about that is called balloon-mlock"),
        ("what-a-write-does", "0xd0000000", "nobody answers at"),
    ],
)
def test_what_a_question_cannot_be_about_is_told(name: str, of: str, says: str) -> None:
    with pytest.raises(memkit.MemkitError, match=says):
        ask(name, memkit.boot(DIMM), of)


@pytest.mark.parametrize("wrong", ["", "0", "7", "yes"])
def test_words_are_answered_by_a_number_or_by_themselves(wrong: str) -> None:
    question = ask("what-a-write-does", memkit.boot(DIMM), "0xa0000")
    assert grade(question, read_answer(question, "1")).right
    assert grade(question, read_answer(question, "a device handles it.")).right
    with pytest.raises(memkit.MemkitError, match="write a number from 1 to 4"):
        read_answer(question, wrong)


def test_what_a_text_does_not_tell_is_not_asked() -> None:
    guest = memkit.boot("-m 1G -object memory-backend-ram,id=m,size=1G")
    untold = replace(guest, ram_blocks=tuple(replace(b, shared=None) for b in guest.ram_blocks))
    with pytest.raises(memkit.MemkitError, match="does not tell which of its blocks are shared"):
        ask("shared-blocks", untold)


def test_names_that_are_none_of_the_pool_are_told() -> None:
    question = ask("migrated-blocks", memkit.boot(DIMM + " -object memory-backend-ram,id=spare,size=1G"))
    with pytest.raises(memkit.MemkitError, match="'m7' is not one of them"):
        read_answer(question, "m1, m7")
    assert frozenset() == read_answer(question, "none")


def test_an_answer_that_is_no_known_mistake_is_still_told_apart() -> None:
    verdict = grade(ask("offset-at-4g", memkit.boot("-m 4G")), 12345)
    assert not verdict.right
    assert verdict.said.startswith("Not quite: the answer is 0xc000_0000 (3 GiB). 3 GiB of the block")
    assert verdict.said.endswith(" You said 0x3039.")


def test_a_negative_answer_is_wrong_not_an_error() -> None:
    assert grade(ask("offset-at-4g", memkit.boot("-m 4G")), -1).said.endswith("You said -1.")


@pytest.mark.parametrize("text", ["3G", "0xc0000000", " 0xc000_0000 ", "3221225472", "3 GiB"])
def test_a_typed_answer_is_read_as_people_write_it(text: str) -> None:
    question = ask("offset-at-4g", memkit.boot("-m 4G"))
    assert grade(question, read_answer(question, text)).right


@pytest.mark.parametrize("text", ["", "c0000000", "three", "3GB", "1e9", "9" * 100])
def test_what_is_no_number_is_told_with_what_to_write(text: str) -> None:
    with pytest.raises(memkit.MemkitError, match="write"):
        read_answer(ask("offset-at-4g", memkit.boot("-m 4G")), text)


@pytest.mark.parametrize(
    ("name", "line", "says"),
    [
        ("gpa-of-dimm", "-m 4G", "no memory device to ask about; add one: -m 4G,slots"),
        ("offset-at-4g", "-m 1G", "give it more, such as -m 4G"),
        ("capital-of-peru", "-m 1G", "there are: gpa-of-dimm, ram-above-4g, offset-at-4g, offset-at, "),
    ],
)
def test_what_cannot_be_asked_is_said(name: str, line: str, says: str) -> None:
    with pytest.raises(memkit.MemkitError, match=says):
        ask(name, memkit.boot(line))


@pytest.mark.needs_qemu
@pytest.mark.parametrize("machine", ["pc", "q35"])
# Hazards are read from the command line, and this one has none.
@pytest.mark.parametrize("name", [name for name in QUESTIONS if name not in ("which-hazard", "mend")])
def test_a_real_qemu_gives_the_same_answer(name: str, machine: str) -> None:
    line = f"-M {machine} {DIMM}"
    assert ask(name, memkit.boot(line)).answer.value == ask(name, memkit.launch(line)).answer.value
