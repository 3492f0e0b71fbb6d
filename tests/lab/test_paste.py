"""The box for monitor text: what is pasted is shown in every view, and the command line comes back."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import memkit
from memkit.lab.explorer import GRAPH, MAP, MONITOR, TABLES, WORDS, Explorer
from memkit.lab.paste import BACK, OPEN, Reading, read_again
from memkit.lab.presets import DIMM

MACHINES: dict[str, Any] = json.loads(gzip.decompress(
    (Path(__file__).parents[1] / "monitor" / "test_parser_machines.json.gz").read_bytes()))
TEXT = "".join(f"(qemu) {command}\n{answer}" for command, answer in MACHINES["microvm"]["hmp"].items())


@pytest.fixture
def lab() -> Explorer:
    """An explorer on the talk's DIMM, with its box for monitor text open."""
    lab = memkit.explore()
    lab.paste.toggle.value = True
    return lab


def shown(lab: Explorer, index: int) -> str:
    lab.tabs.selected_index = index
    text: str = lab.pages[index].value
    return text


def test_the_box_is_closed_until_a_person_opens_it() -> None:
    lab = memkit.explore()
    assert (lab.paste.layout.display, lab.paste.toggle.description) == ("none", OPEN)
    lab.paste.toggle.value = True
    assert (lab.paste.layout.display, lab.paste.toggle.description) == (None, BACK)


def test_an_empty_box_says_what_to_paste_and_leaves_the_line_its_views(lab: Explorer) -> None:
    assert "info memory-devices" in lab.paste.said.value
    assert "Boots" in lab.status.value
    assert not lab.machine.disabled
    assert "pc-dimm d1" in shown(lab, GRAPH)


def test_every_view_shows_the_guest_of_the_text(lab: Explorer) -> None:
    lab.paste.text.value = TEXT
    for index in (GRAPH, MAP, TABLES):
        assert "microvm.ram" in shown(lab, index)
    assert "5 RAMBlocks" in lab.paste.said.value
    lab.which.value = "graph"
    assert "microvm.ram" in shown(lab, WORDS)
    lab.command.value = "info numa"
    assert "0 nodes" in shown(lab, MONITOR)
    assert "microvm.ram" in [value for _, value in lab.follow.options]
    assert "Monitor text: unknown guest" in lab.text()


def test_what_the_text_does_not_tell_is_listed(lab: Explorer) -> None:
    lab.paste.text.value = MACHINES["microvm"]["hmp"]["info ramblock"]
    assert "The text has no answer to info memdev, info memory-devices or info numa" in lab.paste.said.value
    lab.command.value = "info numa"
    assert "has no answer to &#39;info numa&#39;" in shown(lab, MONITOR)


def test_controls_of_the_line_rest_and_say_why(lab: Explorer) -> None:
    lab.paste.text.value = TEXT
    boxes = (lab.machine, lab.ram, lab.size, lab.slots, lab.maxmem, lab.qemu, lab.adding, lab.place.board,
             lab.place.host, lab.form.button)
    assert all(box.disabled for box in boxes)
    assert "has no command line to change" in lab.status.value
    lab.paste.toggle.value = False
    assert not any(box.disabled for box in boxes)
    assert "Boots" in lab.status.value


def test_a_bad_text_says_why_and_the_picture_before_stays(lab: Explorer) -> None:
    lab.paste.text.value = TEXT
    lab.paste.text.value = "hello"
    assert "not the text of a QEMU monitor" in lab.paste.said.value
    assert "Greyed below" in lab.paste.said.value
    assert "mk-stale" in lab._dom_classes
    assert "microvm.ram" in shown(lab, GRAPH)
    lab.paste.text.value = TEXT
    assert "mk-stale" not in lab._dom_classes


def test_a_bad_first_text_leaves_the_picture_of_the_line(lab: Explorer) -> None:
    lab.paste.text.value = "hello"
    assert "pc-dimm d1" in shown(lab, GRAPH)
    assert "Greyed below" not in lab.paste.said.value


def test_the_way_back_keeps_what_was_pasted(lab: Explorer) -> None:
    lab.paste.text.value = TEXT
    lab.paste.toggle.value = False
    assert "pc-dimm d1" in shown(lab, GRAPH)
    assert lab.line.value == DIMM.text
    lab.paste.toggle.value = True
    assert lab.paste.text.value == TEXT
    assert "microvm.ram" in shown(lab, GRAPH)


def test_writing_into_the_line_is_a_way_back(lab: Explorer) -> None:
    lab.paste.text.value = TEXT
    lab.line.value = "-m 3G"
    assert not lab.paste.toggle.value
    assert "pc.ram" in shown(lab, GRAPH)
    assert lab.paste.text.value == TEXT


def test_a_guest_that_was_read_can_be_explored() -> None:
    guest = memkit.read_monitor(TEXT, target="x86_64")
    lab = memkit.explore(guest)
    assert lab.paste.active
    assert lab.viewed.guest is guest
    assert "microvm.ram" in shown(lab, MAP)
    assert "info ramblock" in lab.paste.text.value
    bundle = lab._repr_mimebundle_()
    assert "5 RAMBlocks" in bundle["text/html"]
    assert bundle["text/plain"].startswith("Monitor text: unknown guest")


def test_a_guest_that_was_booted_is_explored_by_its_line() -> None:
    lab = memkit.explore(memkit.boot("-m 3G", qemu="10.0"))
    assert (lab.line.value, lab.state.version, lab.paste.active) == ("-m 3G", "10.0", False)


def test_hostile_text_does_not_reach_the_page_as_html(lab: Explorer) -> None:
    lab.paste.text.value = "(qemu) info numa\n<script>alert(1)</script>\n"
    assert "<script>" not in lab.paste.said.value
    lab.paste.text.value = TEXT.replace("microvm.ram", "<b>x</b>")
    assert "<b>x</b>" not in shown(lab, GRAPH) + shown(lab, MAP) + shown(lab, TABLES)


def test_nothing_but_blanks_is_nothing() -> None:
    assert read_again(Reading("x", None, "odd"), " \n") == Reading()
