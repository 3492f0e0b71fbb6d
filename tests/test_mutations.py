"""Whatever is typed ends in a Guest, or in an error of memkit's that says what is wrong."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import RECORDED, captures, spoilt

import memkit

SEED, MUTATIONS = 72, 5_000


def said(line: str | Sequence[str], **more: object) -> str:
    """The error's text, or "" for a Guest; any other exception fails the test."""
    try:
        memkit.boot(line, **more)  # type: ignore[arg-type]
    except memkit.MemkitError as error:
        return str(error) or "an error without words"
    return ""


def test_spoilt_command_lines_end_in_a_guest_or_in_a_refusal() -> None:
    luck = random.Random(SEED)
    lines = captures()
    refused = 0
    for _ in range(MUTATIONS):
        capture = luck.choice(lines)
        argv = spoilt(capture.argv, luck)
        refused += bool(said(argv, host=capture.host, qemu=luck.choice(RECORDED)))
    # Most slips are mistakes, and some are not.
    assert MUTATIONS // 2 < refused < MUTATIONS


@settings(max_examples=300)
@given(st.text())
def test_any_text_is_answered(text: str) -> None:
    said(text)


@settings(max_examples=300)
@given(st.lists(st.one_of(
    st.sampled_from((
        "-m", "-object", "-device", "-numa", "-machine", "-smp", "-cpu", "-global", "-drive", "-net", "-set",
    )),
    st.text(alphabet="mem-ory,backnd=0123456789GM{}[]\":'.\\ x", max_size=40), st.text(max_size=10),
)))
def test_any_argv_is_answered(argv: list[str]) -> None:
    said(argv)


@settings(max_examples=200)
@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=5) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
))
def test_whatever_is_no_command_line_is_named(thing: object) -> None:
    text = said(thing)  # type: ignore[arg-type]
    if not isinstance(thing, (str, list)) or any(not isinstance(word, str) for word in thing):
        assert "text" in text or "control character" in text


HUGE = {
    "digits": "-m " + "9" * 1_000_000, "one word": "x" * 1_000_000, "small options": "-m 1G " * 60_000,
    "objects": "-object memory-backend-ram,size=1G,id=a " * 20_000, "devices": "-device e1000 " * 40_000,
    "commas": "-m " + "," * 100_000, "switches": "-device " + "pc-dimm," * 16_000,
    "braces": "-object '" + '{"a":' * 20_000 + "'",
    "brackets": "-object '{\"qom-type\":" + "[" * 100_000 + "'",
    "dots": "-M " + "a." * 50_000, "ranges": "-numa node," + ",".join(["cpus=0-65535"] * 9_000),
    "quotes": "'" * 99_999, "backslashes": "\\" * 99_999, "zeros": "\0" * 1_000_000,
    "letters": "é" * 500_000, "hex": "-m 0x" + "f" * 100_000, "fraction": "-m 1." + "9" * 100_000 + "G",
    "features": "-cpu qemu64," + "+sse2," * 20_000, "properties": "-M " + "usb=on," * 18_000,
    "nodes": "-numa node " * 60_000, "more than may be": "x " * (1 << 20),
}


@pytest.mark.parametrize("name", HUGE)
def test_a_paste_of_a_megabyte_is_answered(name: str) -> None:
    said(HUGE[name])


@pytest.mark.parametrize(("line", "words"), [
    ("-m 1G 'x", "no closing quotation: a single quote opens at position 6, at \"'x\""),
    ('-m "1G', "no closing quotation: a double quote opens at position 3"),
    ("-m 1G \\", "ends with a backslash at position 6"),
    ("-m 1\x00G", "control character '\\x00' at position 4"),
    (["-m", 5], "word 1 is 5, which is not text"),
    (["-m", "1G", None], "word 2 is None"),
    (["-m", "1\x00G"], "word 1 holds the control character '\\x00'"),
    (b"-m 1G", "text or a list of words, not bytes"),
    (5, "text or a list of words, not int"),
    (None, "text or a list of words, not NoneType"),
    ("x" * (1 << 20) + "y", "the text has 1048577 characters"),
    ("-m " + "1" * 200_000, "at position 3 has 200000 characters"),
    (["-m"] * 70_000, "the command line has 70000 words"),
])
def test_what_is_no_command_line_names_the_word_and_its_position(line: object, words: str) -> None:
    with pytest.raises(memkit.CommandLineError) as caught:
        memkit.boot(line)  # type: ignore[arg-type]
    assert words in str(caught.value)
    assert caught.value.position is not None


@pytest.mark.parametrize("qemu", [5, "", "x", "9" * 10_000, [], b"7.2", "\ud800", True, "7.2.x"])
def test_an_unknown_version_is_named_with_those_that_are_known(qemu: object) -> None:
    assert "the model knows: 5.2, 7.2" in said("-m 1G", qemu=qemu)


@pytest.mark.parametrize("target", [5, "x", "\ud800", "x" * 10_000, b"x", ["x86_64"], {"a": 1}])
def test_an_unknown_target_is_named_with_those_that_are_known(target: object) -> None:
    assert "it knows: " in said("-m 1G", target=target)


@pytest.mark.parametrize("host", [5, "x", {}, object(), [], {"page_size": 4096}])
def test_what_is_no_host_is_named(host: object) -> None:
    assert "memkit.Host" in said("-m 1G", host=host)
