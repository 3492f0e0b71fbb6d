"""Every error of memkit's can be caught by one name, and says what is wrong, why, and what to try."""

from __future__ import annotations

import pytest

import memkit
from memkit.errors import CommandLineError, HostError, MemkitError, Refused, Unavailable


@pytest.mark.parametrize("kind", [CommandLineError, HostError, Refused, Unavailable])
def test_every_error_is_a_memkit_error(kind: type[MemkitError]) -> None:
    assert issubclass(kind, MemkitError)
    assert getattr(memkit, kind.__name__) is kind


def test_what_is_no_command_line_and_what_is_no_host_are_value_errors() -> None:
    assert issubclass(CommandLineError, ValueError)
    assert issubclass(HostError, ValueError)


def test_a_refusal_prints_qemus_words_then_ours() -> None:
    error = Refused("no free slots available", explanation="Every slot holds a DIMM.", hint="raise -m slots=")
    assert "no free slots available\nWhy: Every slot holds a DIMM.\nTry: raise -m slots=" == str(error)
    assert "no free slots available" == error.message
    assert ("", None, "") == (error.option, error.position, error.source)


def test_a_refusal_without_words_of_ours_prints_qemus_alone() -> None:
    assert "no free slots available" == str(Refused("no free slots available"))


def test_a_command_line_error_keeps_the_word_and_its_position() -> None:
    error = CommandLineError("bad", word="x", position=3)
    assert ("bad", "x", 3) == (str(error), error.word, error.position)
