"""What the page shows is made from the State: words, pictures, and whose words they are."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import memkit
from memkit.lab import views
from memkit.lab.presets import DIMM
from memkit.lab.session import start, typed, with_qemu, with_size

STATE = start(DIMM.text)


def test_a_line_that_boots_says_what_it_makes() -> None:
    said = views.status(STATE)

    assert "4 GiB of RAM, 1 memory device with 1 GiB, 10 RAMBlocks" in said
    assert 'role="status"' in said


def test_a_refusal_shows_qemus_words_the_wrong_word_why_and_what_to_try() -> None:
    said = views.status(typed(STATE, "-m 4Gx"))

    assert "QEMU 7.2 refuses</b> at <code>-m 4Gx</code>, word 1 of the line" in said
    assert "-m 4Gx: Parameter &#39;size&#39; expects a non-negative number below 2^64" in said
    assert "<b>Why:</b>" in said
    assert "<b>Try:</b> write size=4G or size=512M" in said
    assert "Greyed below" in said
    assert 'role="alert"' in said


def test_what_cannot_be_read_is_not_said_to_be_qemus() -> None:
    said = views.status(typed(STATE, "-m '4G"))

    assert "This cannot be read" in said
    assert "refuses" not in said


def test_a_refused_control_says_that_the_line_stays() -> None:
    assert "The command line was left as it is." in views.status(with_size(STATE, "x"))


def test_warnings_and_notes_are_shown_as_text() -> None:
    state = start("-smp 4,maxcpus=4 -nodefaults -numa node,mem=128M -M pc-i440fx-5.0")
    assert state.guest
    assert state.warnings
    said = views.status(state, "a <note>")

    assert all(views.escape(w) in said for w in state.warnings)
    assert "a &lt;note&gt;" in said


def test_before_any_guest_every_view_says_so() -> None:
    state = start("-m x")
    shown = [views.graph(state), views.map_(state), views.tables(state), views.monitor(state, "info mtree"),
             views.twin(state, "graph", "0")]

    assert 5 * ["No line has booted yet"] == [s[s.index("No"):][:22] for s in shown]
    assert () == views.addresses(state) == views.blocks(state)


def test_the_block_to_follow_stands_out_in_both_pictures() -> None:
    assert 'class="x k' in views.graph(STATE, "m1")
    assert " o" in views.graph(STATE, "m1")
    assert "mk-followed" in views.map_(STATE, "m1")
    assert "mk-on" in views.map_(STATE, "m1")
    assert "mk-on" not in views.map_(STATE)


def test_every_block_can_be_followed() -> None:
    for name in views.blocks(STATE):
        assert "<svg" in views.graph(STATE, name)
        assert "mk-on" in views.map_(STATE, name)


def test_a_block_drawn_in_a_group_is_followed_by_its_group() -> None:
    dimms = "".join(
        f" -object memory-backend-ram,id=b{n},size=64M -device pc-dimm,id=p{n},memdev=b{n}" for n in range(80)
    )
    state = start(f"-m 1G,slots=100,maxmem=64G{dimms}")

    assert "mk-on" in views.map_(state, "b70")


def test_the_monitor_prints_what_was_asked_and_says_when_that_is_nothing() -> None:
    assert "<b>(qemu) info ramblock</b>" in views.monitor(STATE, "info ramblock")
    assert "QEMU prints nothing here" in views.monitor(start("-m 1G"), "info memory-devices")


def test_twins_are_the_views_in_words() -> None:
    assert "RAMBlocks" in views.twin(STATE, "tables", "")
    assert "m1" in views.twin(STATE, "graph", "")
    assert "Guest-physical addresses" in views.twin(STATE, "map", "")
    assert "RAMBlock m1" in views.twin(STATE, "address", "0x1_8000_0000")


@pytest.mark.parametrize("text", ["", "hello", "0xg", "-1", "1e9", "99E", "0x10000000000000000", "1" * 5000])
def test_what_is_no_address_is_answered_with_what_to_write(text: str) -> None:
    said = views.twin(STATE, "address", text)

    assert 'role="alert"' in said


@given(st.text(max_size=30))
def test_any_text_in_the_address_box_ends_in_a_story_or_a_message(text: str) -> None:
    assert views.twin(STATE, "address", text).startswith("<div")


def test_the_addresses_to_choose_from_start_the_ranges_of_the_flat_view() -> None:
    assert "0x1_8000_0000" in views.addresses(STATE)
    assert "0x0" == views.addresses(STATE)[0]


def test_a_mistake_of_ours_says_so_and_what_to_do() -> None:
    try:
        raise ZeroDivisionError("<oops>")
    except ZeroDivisionError as error:
        said = views.broken(error)

    assert "mistake in memkit, not yours" in said
    assert "ZeroDivisionError: &lt;oops&gt;" in said
    assert "run the cell again" in said


# -- another QEMU


def test_what_changed_is_a_title_and_the_sentences_of_the_difference() -> None:
    state = with_qemu(STATE, "11.1")
    title, said = views.changes(state)

    assert "<b>What changed from QEMU 7.2 to QEMU 11.1</b>" == title
    assert state.difference
    assert list(map(views.escape, state.difference.sentences)) == re.findall(r"<li>(.*?)</li>", said)
    assert ("", "") == views.changes(STATE)


def test_a_refusal_after_a_switch_is_told_once() -> None:
    state = with_qemu(start("-M pc-i440fx-3.1 -m 4G"), "11.1")

    assert "<li>QEMU 7.2 boots this line, QEMU 11.1 refuses it.</li>" in views.changes(state)[1]
    assert "Greyed below: the last line that booted, in QEMU 7.2." in views.status(state)
    back = with_qemu(state, "7.2")
    assert "unsupported machine type" in views.changes(back)[1]
    assert "unsupported machine type" not in views.status(back)


def test_two_refusals_in_the_same_words_say_so() -> None:
    said = views.changes(with_qemu(start("-m 4Gx"), "10.0"))[1]

    assert "<li>QEMU 7.2 refuses it in the same words.</li>" in said


def test_two_refusals_in_other_words_tell_those_before() -> None:
    said = views.changes(with_qemu(start("-M nonsense"), "11.1"))[1]

    assert "unsupported machine type" in said
    assert "same words" not in said


def test_where_nothing_changed_the_page_says_what_was_compared() -> None:
    said = views.changes(replace(STATE, before=STATE.version))[1]

    assert "<li>Nothing in the RAMBlocks, the memory map, the backends, the memory devices" in said


def test_the_way_back_names_the_qemu_only_if_the_line_is_the_same() -> None:
    gone = with_qemu(start("-M pc-i440fx-3.1 -m 4G"), "11.1")

    assert "Back to QEMU 7.2" == views.way_back(gone)
    assert "Back to the last line that boots" == views.way_back(typed(gone, "-M pc-i440fx-2.9"))
    assert "Back to the last line that boots" == views.way_back(typed(STATE, "-m x"))


def test_a_version_in_between_is_noted() -> None:
    said = views.status(start("-m 4G", qemu="10.2"))

    assert "<b>Note:</b> QEMU 10.2 is not known here; the facts are those of QEMU 10.0." in said


def test_a_graph_without_ramblocks_says_why_it_is_empty() -> None:
    none = start("-M none -m 0 -nodefaults")
    assert "This guest has no RAMBlock" in views.graph(none)
    flat = memkit.boot("qemu-system-ppc64 -M powernv9").monitor("info mtree -f")
    read = replace(none, config=None, guest=memkit.read_monitor(flat))
    assert "add the answer to <code>info ramblock</code>" in views.graph(read)
    assert "no path to draw" not in views.graph(start("-m 1G"))
