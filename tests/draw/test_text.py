"""Words that the text twins share."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memkit.draw import svg, text


@given(st.text(alphabet="ab,=- ", max_size=200), st.integers(8, 72))
def test_wrapping_loses_nothing_and_keeps_the_width(words: str, width: int) -> None:
    lines = text.wrap_words(words, width)
    assert all(len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == words.replace(" ", "")


@given(st.text(max_size=60), st.integers(8, 40))
def test_a_shortened_name_fits(name: str, width: int) -> None:
    short = text.shorten(name, width)
    assert len(short) <= width
    assert short == name or "…" in short


def test_a_device_name_keeps_its_telling_end() -> None:
    assert text.shorten("0000:00:02.0/vga.vram", 16) == "0000:0…/vga.vram"


@given(st.text())
def test_escaped_text_is_valid_xml(value: str) -> None:
    import xml.etree.ElementTree as ET

    ET.fromstring(f'<a b="{svg.escape(value)}">{svg.escape(value)}</a>')


def test_json_options_are_shown_as_they_were_typed() -> None:
    from types import SimpleNamespace

    value = '{"driver":"pc-dimm","id":"d1"}'
    assert text.option_text(SimpleNamespace(name="device", value=value)) == f"-device {value}"
    assert text.option_text(SimpleNamespace(name="nodefaults", value=None)) == "-nodefaults"
