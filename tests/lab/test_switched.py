"""States that a page switches by itself: one is shown, all can be reached, nothing needs a script."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

import memkit
from memkit.lab.switched import View, switched


def test_each_state_has_a_button_and_the_first_is_shown() -> None:
    text = switched([View("A", "first", "<p>one</p>"), View("B", "second <&>", "<p>two</p>")], "Two")
    closed = re.sub(r"(<input[^>]*)>", r"\1/>", text.replace(" checked ", ' checked="1" '))
    tree = ET.fromstring(closed)
    inputs = tree.findall("input")
    assert ["first", "second <&>"] == [box.get("aria-label") for box in inputs]
    assert ["1", None] == [box.get("checked") for box in inputs]
    assert ["A", "B"] == [label.text for label in tree.findall("nav/label")]
    assert [box.get("id") for box in inputs] == [label.get("for") for label in tree.findall("nav/label")]
    assert "<script" not in text


def test_two_switches_on_a_page_do_not_disturb_each_other() -> None:
    names = [re.findall(r'name="(\w+)"', switched([View("A", "a", f"<p>{n}</p>")], "x")) for n in range(5)]
    assert 5 == len({name for found in names for name in found})


def test_the_explorer_without_a_kernel_shows_its_views_by_turns() -> None:
    shown = memkit.explore("-M q35 -m 4G")._repr_mimebundle_()["text/html"]
    for label in ("Graph", "Map", "Tables", "Monitor"):
        assert f">{label}</label>" in shown
    assert "Where the memory of pc-q35-7.2" in shown
    assert "FlatView #0" in shown


@pytest.mark.parametrize("line", ["-m 4G -device pc-dimm,memdev=m9", "-m 1X"])
def test_a_refused_line_has_no_views_to_switch(line: str) -> None:
    assert "<nav>" not in memkit.explore(line)._repr_mimebundle_()["text/html"]
