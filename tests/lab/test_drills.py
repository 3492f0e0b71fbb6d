"""Drills: the same problem on each machine, the right answer accepted, each mistake known by its name."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from typing import Any

import pytest

import memkit
from memkit.boot import boot
from memkit.hazards import RULES
from memkit.lab.drills import KINDS, LEVELS, drill
from memkit.lab.drills.view import widget
from memkit.lab.questions import QUESTIONS, Question, ask, grade, read_answer

SEEDS = 500
PARTS = 10


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("kind", KINDS)
def test_five_hundred_problems_of_each_kind_are_fair(kind: str, part: int) -> None:
    """The true answer is accepted, each wrong idea is recognised, and no two answers look alike."""
    for seed in range(part, SEEDS, PARTS):
        question = drill(kind, seed, LEVELS[seed // PARTS % len(LEVELS)]).question
        assert kind == question.name
        assert len(question.choices) > 1
        texts = Counter(choice.text for choice in question.choices)
        assert [1] == sorted(set(texts.values())), (seed, texts)
        for choice in question.choices:
            verdict = grade(question, choice.value, reveal=False)
            assert verdict.right is (choice is question.answer), seed
            assert verdict.mistake == choice.mistake, seed
            if question.kind != "size":  # those are rounded where they are shown
                assert choice.value == read_answer(question, choice.text), seed


@pytest.mark.parametrize("kind", KINDS)
def test_seeds_give_many_different_problems(kind: str) -> None:
    problems = {(d.question.text, d.question.prompt) for d in (drill(kind, seed, 2) for seed in range(40))}
    assert len(problems) >= 20


@pytest.mark.parametrize("kind", sorted({*KINDS} - {"which-hazard", "mend", "still-holds"}))
def test_harder_levels_ask_about_longer_lines(kind: str) -> None:
    lengths = [sum(len(drill(kind, seed, level).question.text) for seed in range(30)) for level in (1, 3)]
    assert lengths[1] > lengths[0]


@pytest.mark.parametrize("kind", ["which-hazard", "mend"])
def test_harder_levels_ask_about_hazards_of_more_features(kind: str) -> None:
    features = []
    for level in (1, 3):
        asked = [drill(kind, seed, level).question.answer for seed in range(60)]
        rules = [next(r for r in RULES.values() if r.title == a.text or r.why in a.why) for a in asked]
        features.append(sum(len(rule.features) for rule in rules))
    assert features[1] > features[0]


def test_harder_levels_ask_more_often_where_the_release_decides() -> None:
    moved = []
    for level in LEVELS:
        asked = [drill("still-holds", seed, level).question for seed in range(60)]
        others = [{ask("still-holds", boot("-m 1G", qemu=qemu), statement(question)).answer.text
                   for qemu in ("5.2", "11.1")} for question in asked]
        moved.append(sum(len(each) > 1 for each in others))
    assert moved == sorted(set(moved))


def statement(question: Question) -> str:
    """What the talk said, out of a question about it."""
    return question.prompt.partition("\N{LEFT DOUBLE QUOTATION MARK}")[2].partition(
        "\N{RIGHT DOUBLE QUOTATION MARK}")[0]


def test_every_kind_is_a_question_and_there_are_fifteen_or_more() -> None:
    assert len(KINDS) >= 15
    assert set(QUESTIONS) >= set(KINDS)


def test_the_same_seed_gives_the_same_problem() -> None:
    assert str(drill("who-answers", 5, 3)) == str(drill("who-answers", 5, 3))
    assert str(drill("who-answers", 5, 3)) != str(drill("who-answers", 6, 3))


def test_a_wrong_answer_is_named_and_does_not_give_the_right_one_away() -> None:
    problem = drill("gpa-of-dimm", 7)
    wrong = next(c for c in problem.question.choices if c.mistake == "forgot-the-hole")
    said = problem.check(wrong.value)
    assert (False, "forgot-the-hole") == (said.right, said.mistake)
    assert "the PCI hole below 4 GiB moves" in said.said
    assert problem.question.answer.text not in said.said
    assert not problem.solved


@pytest.mark.parametrize("answer", [None, [1], 1.5, True])
def test_what_can_be_no_answer_is_told_and_does_not_count(answer: Any) -> None:
    problem = drill("offset-at", 3)
    with pytest.raises(memkit.MemkitError, match="an answer is text, a number or a frozenset of names"):
        problem.check(answer)
    assert 0 == problem.tries


def test_hints_come_one_by_one_and_end() -> None:
    problem = drill("gpa-of-dimm", 7)
    hints = [problem.hint() for _ in range(len(problem.question.hints) + 2)]
    assert list(problem.question.hints) == hints[:-2]
    assert "no more hints" in hints[-1]
    assert len(problem.question.hints) == problem.helped


def test_the_answer_comes_with_its_working() -> None:
    problem = drill("offset-at", 3)
    said = problem.answer()
    assert said.startswith(problem.question.answer.text)
    assert "How that was decided:" in said


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_a_hint(kind: str) -> None:
    assert drill(kind, 1).question.hints


def test_difficulty_follows_success() -> None:
    solved = drill("ram-above-4g", 7)
    solved.check(solved.question.answer.value)
    harder = solved.next()
    assert (8, 2) == (harder.seed, harder.level)
    wrong = next(c for c in harder.question.choices if c.mistake)
    harder.check(wrong.value)
    harder.check(harder.question.answer.value)
    assert 2 == harder.next().level
    harder.answer()
    assert 1 == harder.next().level
    assert 1 == drill("ram-above-4g", 7).next().level


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"kind": "gpa-of-dim"}, "no drill is called 'gpa-of-dim'; there are: gpa-of-dimm"),
        ({"kind": ["boots"]}, "no drill is called"),
        ({"kind": "offset-at", "seed": -1}, "seed is the number of a problem, such as 7, not -1"),
        ({"kind": "offset-at", "seed": "x"}, "seed is the number"),
        ({"kind": "offset-at", "seed": True}, "seed is the number"),
        ({"kind": "offset-at", "level": 4}, "level is one of 1, 2, 3, not 4"),
        ({"kind": "offset-at", "qemu": "1.0"}, "does not know QEMU '1.0'"),
    ],
)
def test_what_is_no_drill_is_told(words: dict[str, Any], says: str) -> None:
    with pytest.raises(memkit.MemkitError, match=says):
        memkit.drill(**words)


def test_a_drill_is_asked_of_another_qemu() -> None:
    assert "11.1" == memkit.drill("ram-blocks", 3, qemu="11.1").question.guest.qemu


# -- on the page


def shown(problem: Any) -> tuple[Any, list[Any]]:
    """The whole widget, and its parts: what is asked, answers, buttons, hints, verdict, picture."""
    box = widget(problem)
    return box, list(box.children[1:])


def test_a_wrong_answer_can_be_mended_and_the_right_one_shows_the_picture() -> None:
    problem = drill("gpa-of-dimm", 7)
    _, (_, answers, _, _, verdict, picture) = shown(problem)
    buttons = {button.description: button for button in answers.children}
    wrong = next(c for c in problem.question.choices if c.mistake)
    buttons[wrong.text].click()
    assert "Not yet." in verdict.value
    assert f"Where {wrong.text.partition(' (')[0]} lies" in picture.value
    assert problem.question.answer.text.partition(" (")[0] + " lies" not in picture.value
    buttons[problem.question.answer.text].click()
    assert "Right:" in verdict.value
    assert "<svg" in picture.value


def test_boxes_are_ticked_for_a_set() -> None:
    problem = drill("shared-blocks", 2, 2)
    _, (_, answers, _, _, verdict, _) = shown(problem)
    *boxes, commit = answers.children
    for box in boxes:
        box.value = box.description in problem.question.answer.value
    commit.click()
    assert "Right:" in verdict.value


def test_hint_answer_and_next_are_buttons() -> None:
    problem = drill("gpa-of-dimm", 7)
    box, (asked, _, row, hints, verdict, picture) = shown(problem)
    hint, answer, later = row.children
    hint.click()
    assert problem.question.hints[0] in hints.value
    answer.click()
    assert "<svg" in picture.value
    assert problem.question.answer.why.split(".")[0] in verdict.value
    later.click()
    assert "number 8" in box.children[1].value
    assert asked is not box.children[1]


def test_a_mistake_of_ours_is_shown_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = drill("gpa-of-dimm", 7)
    _, (_, answers, row, _, verdict, _) = shown(problem)
    monkeypatch.setattr(problem, "check", lambda value: 1 / 0)
    answers.children[0].click()
    assert "This is a mistake in memkit, not yours." in verdict.value
    monkeypatch.setattr(problem, "hint", lambda: 1 / 0)
    row.children[0].click()
    assert "This is a mistake in memkit, not yours." in verdict.value


@pytest.mark.parametrize("kind", KINDS)
def test_without_widgets_a_drill_stands_there_with_its_answer_folded_away(kind: str) -> None:
    problem = drill(kind, 4)
    bundle = problem._repr_mimebundle_()
    question, _, answer = bundle["text/html"].partition("<details>")
    ET.fromstring(bundle["text/html"])
    assert str(problem) == bundle["text/plain"]
    assert problem.question.answer.why
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "Show the answer" in answer
    assert "Drill" in question
