"""A wrong address is shown in its place, with who is there; the right one is not given away."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from memkit.lab.drills import KINDS, drill
from memkit.lab.place import place


@pytest.mark.parametrize("kind", KINDS)
def test_every_wrong_address_has_a_picture_and_other_answers_have_none(kind: str) -> None:
    for seed in range(8):
        question = drill(kind, seed).question
        for choice in question.choices:
            drawn = place(question, choice.value)
            assert bool(drawn) is bool(question.space)
            if drawn:
                ET.fromstring(drawn)
                assert f"Where {choice.text.partition(' (')[0]} lies" in drawn


def test_questions_about_addresses_say_whose_they_are() -> None:
    for kind in KINDS:
        question = drill(kind, 3).question
        assert bool(question.space) is (question.kind == "address"), kind


def test_who_is_there_is_told() -> None:
    question = drill("gpa-of-dimm", 7).question
    assert "lies pc.ram." in place(question, 0x100000)
    assert "lies nothing." in place(question, 1 << 50)
    assert "" == place(question, -1)
