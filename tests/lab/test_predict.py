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
from memkit.lab.predict import NOTHING_YET, Prediction
from memkit.lab.questions import QUESTIONS

DIMM = (
    "-M q35 -m 4G,slots=4,maxmem=16G -object memory-backend-ram,id=m1,size=1G "
    "-device pc-dimm,id=d1,memdev=m1"
)
TYPED, CHOSEN = "offset-at-4g", "gpa-of-dimm"


def parts(prediction: Prediction) -> tuple[Any, Any, Any, Any]:
    """The widgets that a learner meets: answer, button, verdict, picture."""
    _, box, button, verdict, picture = prediction.widget().children
    return box, button, verdict, picture


@pytest.mark.parametrize("name", QUESTIONS)
def test_nothing_is_given_away_before_an_answer(name: str) -> None:
    prediction = memkit.predict(name, DIMM)
    _, _, verdict, picture = parts(prediction)
    assert ("", "") == (verdict.value, picture.value)
    assert prediction.question.answer.why not in str(prediction)


def test_a_button_without_an_answer_asks_for_one() -> None:
    box, button, verdict, picture = parts(memkit.predict(CHOSEN, DIMM))
    button.click()
    assert NOTHING_YET in verdict.value
    assert ("", False) == (picture.value, box.disabled)


@pytest.mark.parametrize(("value", "word"), [(0x1_8000_0000, "Right:"), (0x1_0000_0000, "Not quite:")])
def test_a_committed_choice_gets_a_verdict_the_reasoning_and_the_picture(value: int, word: str) -> None:
    prediction = memkit.predict(CHOSEN, DIMM)
    box, button, verdict, picture = parts(prediction)
    box.value = value
    button.click()
    assert word in verdict.value
    assert 'role="alert"' in verdict.value
    assert "device-memory is a container" in picture.value
    assert "<svg" in picture.value
    assert (True, True) == (box.disabled, button.disabled)
    assert prediction.verdict
    assert prediction.verdict.right is (word == "Right:")


def test_a_typed_answer_is_committed_by_the_enter_key() -> None:
    box, _, verdict, _ = parts(memkit.predict(TYPED, DIMM))
    box.value = "2G"
    box._handle_custom_msg({"event": "submit"}, [])
    assert "Right:" in verdict.value


def test_a_typed_answer_that_cannot_be_read_is_told_and_can_be_mended() -> None:
    box, button, verdict, picture = parts(memkit.predict(TYPED, DIMM))
    box.value = "80000000h"
    button.click()
    assert 'role="alert"' in verdict.value
    assert "is no address" in verdict.value
    assert ("", False) == (picture.value, box.disabled)
    box.value = "0x80000000"
    button.click()
    assert "Right:" in verdict.value


def test_a_mistake_of_ours_is_shown_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    prediction = memkit.predict(CHOSEN, DIMM)
    box, button, verdict, _ = parts(prediction)
    monkeypatch.setattr(prediction, "commit", lambda value: 1 / 0)
    box.value = 0x1_8000_0000
    button.click()
    assert "This is a mistake in memkit, not yours." in verdict.value


def test_the_text_box_has_a_name_and_the_choices_are_their_own() -> None:
    assert "Your prediction" == parts(memkit.predict(TYPED, DIMM))[0].description
    prediction = memkit.predict(CHOSEN, DIMM)
    labels = [label for label, _ in parts(prediction)[0].options]
    assert [choice.text for choice in prediction.question.choices] == labels


@pytest.mark.parametrize("name", QUESTIONS)
def test_where_no_widgets_run_the_answer_is_folded_away(name: str) -> None:
    prediction = memkit.predict(name, DIMM)
    html = prediction.html()
    question, _, answer = html.partition("<details>")
    ET.fromstring(re.sub(r"<style>.*?</style>", "", html))  # every tag is closed
    assert prediction.question.answer.why not in question
    for choice in prediction.question.choices:
        assert escape(choice.why) in answer
    assert "<svg" in answer
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
