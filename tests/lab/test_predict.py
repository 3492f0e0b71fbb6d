"""Predict, then reveal: no picture before an answer, mistakes in place, a form without widgets."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

import memkit
from memkit.draw.svg import escape
from memkit.lab.drills import drill
from memkit.lab.predict import Prediction
from memkit.lab.questions import QUESTIONS

DIMM = (
    "-M q35 -m 4G,slots=4,maxmem=16G -object memory-backend-ram,id=m1,size=1G "
    "-device pc-dimm,id=d1,memdev=m1"
)
TYPED, CHOSEN = "offset-at-4g", "gpa-of-dimm"


def asked(name: str) -> Prediction:
    """A prediction about a guest with a DIMM, or where that leaves nothing to ask, about a drill's guest."""
    try:
        return memkit.predict(name, DIMM)
    except memkit.MemkitError:
        return Prediction(drill(name).question)


def parts(prediction: Prediction) -> tuple[list[Any], Any, Any]:
    """The widgets that a learner meets: what takes the answer, the verdict, the picture."""
    _, answers, verdict, picture = prediction.widget().children
    return list(answers.children), verdict, picture


def button(answers: list[Any], text: str) -> Any:
    """The button that says ``text``."""
    return next(b for b in answers if b.description == text)


@pytest.mark.parametrize("name", QUESTIONS)
def test_nothing_is_given_away_before_an_answer(name: str) -> None:
    prediction = asked(name)
    head, _, verdict, picture = prediction.widget().children
    assert ("", "") == (verdict.value, picture.value)
    for said in (head.value, str(prediction)):
        assert prediction.question.answer.why not in said


@pytest.mark.parametrize(
    ("answer", "word"), [("0x1_8000_0000 (6 GiB)", "Right:"), ("0x1_0000_0000 (4 GiB)", "Not quite:")]
)
def test_a_pressed_answer_gets_a_verdict_the_reasoning_and_the_picture(answer: str, word: str) -> None:
    prediction = memkit.predict(CHOSEN, DIMM)
    answers, verdict, picture = parts(prediction)
    pressed = button(answers, answer)
    pressed.click()
    assert word in verdict.value
    assert 'role="alert"' in verdict.value
    assert "device-memory is a container" in picture.value
    assert "<svg" in picture.value
    assert "mk-chosen" in pressed._dom_classes
    assert prediction.verdict
    assert prediction.verdict.right is (word == "Right:")


def test_the_first_answer_counts_and_the_keyboard_stays_where_it_is() -> None:
    answers, verdict, _ = parts(memkit.predict(CHOSEN, DIMM))
    answers[0].click()
    said = verdict.value
    answers[3].click()
    assert said == verdict.value
    assert [False] == [b.disabled for b in answers if not b.disabled]
    assert not answers[0].disabled


def test_a_typed_answer_is_committed_by_the_enter_key_or_the_button() -> None:
    for commit in (lambda box, _: box._handle_custom_msg({"event": "submit"}, []), lambda _, b: b.click()):
        (box, pressed), verdict, _ = parts(memkit.predict(TYPED, DIMM))
        box.value = "2G"
        commit(box, pressed)
        assert "Right:" in verdict.value


@pytest.mark.parametrize("wrong", ["", "80000000h"])
def test_a_typed_answer_that_cannot_be_read_is_told_and_can_be_mended(wrong: str) -> None:
    (box, pressed), verdict, picture = parts(memkit.predict(TYPED, DIMM))
    box.value = wrong
    pressed.click()
    assert 'role="alert"' in verdict.value
    assert "is no address" in verdict.value
    assert ("", False) == (picture.value, box.disabled)
    box.value = "0x80000000"
    pressed.click()
    assert "Right:" in verdict.value


def test_a_mistake_of_ours_is_shown_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    prediction = memkit.predict(CHOSEN, DIMM)
    answers, verdict, _ = parts(prediction)
    monkeypatch.setattr(prediction, "commit", lambda value: 1 / 0)
    answers[0].click()
    assert "This is a mistake in memkit, not yours." in verdict.value


def test_all_that_takes_an_answer_has_a_name() -> None:
    (box, pressed), _, _ = parts(memkit.predict(TYPED, DIMM))
    assert ("Your prediction", "Commit and reveal") == (box.description, pressed.description)
    prediction = memkit.predict(CHOSEN, DIMM)
    labels = [b.description for b in parts(prediction)[0]]
    assert [choice.text for choice in prediction.question.choices] == labels


@pytest.mark.parametrize("name", QUESTIONS)
def test_where_no_widgets_run_the_answer_is_folded_away(name: str) -> None:
    prediction = asked(name)
    html = prediction.html()
    question, _, answer = html.partition("<details>")
    ET.fromstring(re.sub(r"<style>.*?</style>", "", html))  # every tag is closed
    assert prediction.question.answer.why not in question
    for choice in prediction.question.choices:
        assert escape(choice.why) in answer
    assert "<svg" in answer or "<table" in answer
    assert "<script" not in html


def test_a_bundle_has_the_widget_the_static_form_and_plain_text() -> None:
    prediction = memkit.predict(CHOSEN, DIMM)
    bundle = prediction._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert (prediction.html(), str(prediction)) == (bundle["text/html"], bundle["text/plain"])


def test_without_ipywidgets_the_static_form_is_shown(root: Path) -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(root)!r}); import memkit; "
        "print(*memkit.predict('ram-above-4g', '-m 4G')._repr_mimebundle_())"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False
    )
    assert ("text/plain text/html\n", "") == (done.stdout, done.stderr)


def test_reveal_tells_the_answer_and_the_models_reasoning() -> None:
    said = memkit.predict(CHOSEN, DIMM).reveal()
    assert said.startswith("0x1_8000_0000 (6 GiB). RAM ends at 0x1_7fff_ffff")
    assert "m1 is RAM and answers, at its offset 0x0." in said


def test_a_question_is_asked_about_any_guest() -> None:
    guest = memkit.boot("-M pc -m 4G")
    assert guest is memkit.predict("ram-above-4g", guest).question.guest
    assert memkit.predict("ram-above-4g", ["-m", "4G"]).commit("1G").right


def test_a_refused_line_is_refused_in_qemus_words() -> None:
    with pytest.raises(memkit.Refused, match="Device 'm9' not found"):
        memkit.predict(CHOSEN, "-m 4G -device pc-dimm,memdev=m9")


def test_the_question_is_about_the_qemu_that_was_asked_for_and_says_so() -> None:
    prediction = memkit.predict("ram-blocks", "-M q35 -m 4G", qemu="10.2")

    assert ("10.0", "pc-q35-10.0") == (
        prediction.question.guest.qemu, prediction.question.guest.machine_type)
    assert "The guest of QEMU 10.0. QEMU 10.2 is not known here" in prediction.html()
    assert "The guest of QEMU 7.2." in memkit.predict("ram-blocks", "-M q35 -m 4G").html()


def test_a_guest_brings_its_own_qemu_and_host() -> None:
    guest = memkit.boot("-m 4G", qemu="11.1")

    assert guest is memkit.predict("ram-blocks", guest).question.guest
    for given in ({"qemu": "7.2"}, {"host": memkit.Host()}):
        with pytest.raises(memkit.MemkitError, match="has its host and its QEMU already"):
            memkit.predict("ram-blocks", guest, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [None, 5, b"ram-end", ["ram-end"], {}])
def test_what_is_no_name_of_a_question_is_told(name: Any) -> None:
    with pytest.raises(memkit.MemkitError, match="no question is called"):
        memkit.predict(name, "-m 1G")
