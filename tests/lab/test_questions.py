"""Questions: the model computes answer and mistakes; every answer gets words that fit it."""

from __future__ import annotations

import pytest

import memkit
from memkit.lab.questions import QUESTIONS, ask, grade, read_answer

DIMM = "-m 4G,slots=4,maxmem=16G -object memory-backend-ram,id=m1,size=1G -device pc-dimm,id=d1,memdev=m1"
GIB = 1 << 30


@pytest.mark.parametrize(
    ("name", "line", "answer", "choices"),
    [
        # In QEMU 7.2, q35 splits 4G at 2 GiB and pc at 3 GiB.
        ("gpa-of-dimm", f"-M q35 {DIMM}", 6 * GIB, [0, 4 * GIB, 6 * 10**9, 6 * GIB, 21 * GIB]),
        ("gpa-of-dimm", f"-M pc {DIMM}", 5 * GIB, [0, 4 * GIB, 5 * 10**9, 5 * GIB, 20 * GIB]),
        ("ram-above-4g", "-M q35 -m 4G", 2 * GIB, [0, GIB, 2 * GIB, 4 * GIB]),
        ("ram-above-4g", "-M pc -m 6G", 3 * GIB, [2 * GIB, 3 * GIB, 4 * GIB, 6 * GIB]),
        ("ram-above-4g", "-m 1G", 0, [0, GIB]),
        ("offset-at-4g", "-M pc -m 4G", 3 * GIB, [0, GIB, 3 * GIB, 4 * GIB]),
        ("offset-at-4g", f"-M q35 {DIMM}", 2 * GIB, [0, 2 * GIB, 3 * GIB, 4 * GIB]),
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
    question = ask(name, memkit.boot(DIMM))
    assert len(question.choices) == len({choice.why for choice in question.choices})
    verdicts = [grade(question, choice.value) for choice in question.choices]
    assert [True] == [verdict.right for verdict in verdicts if verdict.right]
    for choice, verdict in zip(question.choices, verdicts, strict=True):
        assert choice.why in verdict.said
        assert question.answer.text in verdict.said


@pytest.mark.parametrize("name", QUESTIONS)
def test_choices_stand_in_order_so_that_their_place_tells_nothing(name: str) -> None:
    values = [choice.value for choice in ask(name, memkit.boot(DIMM)).choices]
    assert sorted(set(values)) == values


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
        ("capital-of-peru", "-m 1G", "there are: gpa-of-dimm, ram-above-4g, offset-at-4g, ram-blocks"),
    ],
)
def test_what_cannot_be_asked_is_said(name: str, line: str, says: str) -> None:
    with pytest.raises(memkit.MemkitError, match=says):
        ask(name, memkit.boot(line))


@pytest.mark.needs_qemu
@pytest.mark.parametrize("machine", ["pc", "q35"])
@pytest.mark.parametrize("name", QUESTIONS)
def test_a_real_qemu_gives_the_same_answer(name: str, machine: str) -> None:
    line = f"-M {machine} {DIMM}"
    assert ask(name, memkit.boot(line)).answer.value == ask(name, memkit.launch(line)).answer.value
