"""Every refusal has QEMU's words, and beside them ours: why, what to write instead, where it stands."""

from __future__ import annotations

import re

import pytest
from recorded import Capture, answers, refusals

import memkit
from memkit.boards.refusals import REFUSALS, refuse
from memkit.config import Option


def refused(capture: Capture) -> memkit.Refused:
    with pytest.raises(memkit.Refused) as caught:
        memkit.boot(capture.argv, host=capture.host)
    return caught.value


def test_each_refusal_that_the_model_knows_was_recorded_from_a_real_qemu() -> None:
    assert REFUSALS.keys() == refusals().keys()


@pytest.mark.parametrize("key", REFUSALS)
def test_a_refusal_says_what_qemu_said(key: str) -> None:
    capture = refusals()[key]
    words = REFUSALS[key]
    error = refused(capture)
    assert capture.refusal == error.message.partition("\n")[0]
    # It is this entry of the table that spoke, and no other.
    pattern = re.sub(r"\\\{[^}]*\\\}", ".*", re.escape(words.message))
    assert re.search(pattern, error.message)
    assert words.source.partition(",")[0] in error.source


@pytest.mark.parametrize("key", REFUSALS)
def test_a_refusal_explains_itself_and_gives_a_hint_and_a_source(key: str) -> None:
    why, hint, source = REFUSALS[key].why, REFUSALS[key].hint, REFUSALS[key].source
    assert why.endswith((".", ".)", "{why}"))
    assert hint.strip()
    assert re.search(r"\.c\b|hw/|qom/|target/", source)


def test_an_option_in_front_is_named_only_where_qemu_names_it() -> None:
    option = Option("device", "-device", "pc-dimm", (), 4)
    assert refuse("no-slots", option, located=True).message.startswith("-device pc-dimm: no slots")
    assert refuse("no-slots", option).message.startswith("no slots")
    assert refuse("no-slots").option == ""
    assert refuse("no-slots").position is None


def test_every_recorded_refusal_names_its_option_and_its_position() -> None:
    for capture in answers():
        if not capture.refusal:
            continue
        error = refused(capture)
        assert error.explanation, capture.argv
        assert error.hint, capture.argv
        if error.position is None:
            # It is about the line as a whole, such as a size that nobody gave.
            assert error.option == "", capture.argv
            continue
        word = capture.argv[error.position]
        assert error.option.startswith(word), capture.argv
        if word.startswith("-") and error.option != word:
            assert error.option == f"{word} {capture.argv[error.position + 1]}"
        if error.message.startswith("-") and ": " in error.message:
            assert error.message.startswith((error.option, "-machine nvdimm-persistence=")), capture.argv
