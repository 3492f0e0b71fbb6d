"""Stories in steps: they end where the guest ends, go forward and back, and tell each decision."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from typing import Any

import pytest

import memkit
from memkit.draw.lanes import STATES, picture, words
from memkit.errors import MemkitError
from memkit.lab.stepper import STORIES, Stepper
from memkit.lab.stepper.view import html, widget
from memkit.migration import dirty

DIMM = (
    "-M q35 -m 4G,slots=4,maxmem=16G -object memory-backend-ram,id=m1,size=1G "
    "-device pc-dimm,id=d1,memdev=m1"
)


def story(what: str, line: str = DIMM) -> Stepper:
    """A story of each kind about a guest with a DIMM."""
    return memkit.steps(line, what, at="5G" if what == "translate" else "")


def test_building_ends_with_every_block_and_every_range_that_shows_one() -> None:
    guest = memkit.boot(DIMM)
    blocks, seen = memkit.steps(guest).frames[-1].lanes
    assert {(b.offset, b.max_length) for b in guest.ram_blocks} == {(b.start, b.size) for b in blocks.boxes}
    shown = {(r.start, r.size) for r in guest.flat_view().ranges if r.region.block is not None}
    assert shown == {(b.start, b.size) for b in seen.boxes}


def test_building_places_one_block_at_a_time_in_the_order_of_ram_addr_t() -> None:
    counts = [len(frame.lanes[0].boxes) for frame in story("build").frames]
    assert counts == sorted(counts)
    assert {0, 1} == {b - a for a, b in pairwise(counts)}
    news = [[b.label for b in f.lanes[0].boxes if b.state == "new"] for f in story("build").frames
            if f.kind == "block"]
    assert [["m1"], ["pc.ram"], ["pc.bios"], ["pc.rom"]] == news[:4]


@pytest.mark.parametrize("line", ["-M q35 -m 4G", "-M pc -m 5G", "-M microvm -m 1G", "-M isapc -m 64M", DIMM])
@pytest.mark.parametrize("brief", [True, False])
def test_rendering_ends_with_the_flat_view(line: str, brief: bool) -> None:
    guest = memkit.boot(line)
    last = memkit.steps(guest, "flatview", brief=brief).frames[-1].lanes[1]
    assert [(r.start, r.size, r.region.name) for r in guest.flat_view().ranges] == [
        (b.start, b.size, b.label) for b in last.boxes]


def test_translation_ends_at_the_byte_that_the_explanation_names() -> None:
    found = memkit.boot(DIMM).explain("5G")
    frame = story("translate").frames[-1]
    assert frame.lanes[-1].marker == found.offset_in_block
    assert f"offset {found.offset_in_block:#x}"[:10] in frame.sentence.replace("_", "")


def test_a_migration_has_a_frame_for_each_round_of_the_simulation() -> None:
    guest = memkit.boot("-m 256M -nodefaults")
    workload = dirty.Sequential(size=64 << 20, rate=2000)
    told = memkit.steps(guest, "migrate", workload=workload, bandwidth=32 << 20)
    run = dirty.simulate(guest, workload, bandwidth=32 << 20)
    assert [str(one) for one in run.rounds] == [frame.sentence for frame in told.frames[:-1]]
    for one, frame in zip(run.rounds, told.frames, strict=False):
        blocks, bitmap = frame.lanes
        assert one.row.pages * 4096 == sum(box.size for box in bitmap.boxes)
        assert [b.name for b in one.row.blocks] == [box.label for box in blocks.boxes]
        dirty_bytes = sum(box.size for box in bitmap.boxes if box.label == "dirty")
        assert dirty_bytes <= one.left + one.row.pages * 4096 / 64
    assert "dirty in part" in told.picture(1)
    assert ">ROM<" not in told.picture(1)


@pytest.mark.parametrize("at", ["0xc0000", "0xfee00000", "0xfffffff0", "0x3_0000_0000_0000", "0xd0000000"])
def test_any_address_has_a_story(at: str) -> None:
    frames = memkit.steps(DIMM, "translate", at=at).frames
    assert frames[0].kind == "root"
    assert {"answer", "nobody"} & {frame.kind for frame in frames}


@pytest.mark.parametrize("what", STORIES)
def test_every_step_has_a_sentence_a_picture_and_the_same_in_words(what: str) -> None:
    told = story(what)
    for number, frame in enumerate(told.frames):
        drawn = told.picture(number)
        ET.fromstring(drawn)
        assert frame.sentence.endswith(".")
        for lane in frame.lanes:
            assert f"{lane.title} ({lane.unit}):" in words(frame)
            for box in lane.boxes:
                tip = re.escape(f"{box.label}: ").replace("'", "&#39;")
                assert re.search(f"<title>{tip}[^<]*{STATES[box.state]}</title>", drawn)
        assert drawn.count("</title>") == 1 + sum(len(lane.boxes) for lane in frame.lanes)


def test_nothing_moves_from_step_to_step() -> None:
    told = story("build")
    last = told.frames[-1].lanes[0].boxes[0]
    for frame in told.frames[2:]:
        box = next(b for b in frame.lanes[0].boxes if b.label == last.label)
        assert (last.start, last.size) == (box.start, box.size)
    xs = {re.search(r'<rect x="([\d.]+)"[^>]*class="a-ram"', told.picture(n)).group(1)  # type: ignore[union-attr]
          for n in range(3, len(told.frames))}
    assert len(xs) == 1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_step_is_drawn_in_either_theme(theme: str) -> None:
    told = story("build")
    assert "prefers-color-scheme" not in picture(told.frame, told.scale, theme)


def test_one_goes_forward_and_back_and_not_beyond_the_ends() -> None:
    told = story("build")
    assert told.frames[1] is told.go(1)
    assert told.frames[0] is told.go(-5)
    assert told.frames[-1] is told.go(10_000)
    assert ((), -1) == told.choices()
    with pytest.raises(MemkitError, match="a step is a number from 0 to 23, not 'x'"):
        told.go("x")  # type: ignore[arg-type]


@pytest.mark.parametrize("what", STORIES)
def test_the_next_step_is_among_the_choices_and_no_other_is_right(what: str) -> None:
    told = story(what)
    for number in range(len(told.frames) - 1):
        told.go(number)
        titles, right = told.choices()
        assert titles[right] == told.frames[number + 1].title
        assert len(set(titles)) == len(titles)


@pytest.mark.parametrize(
    ("words_", "says"),
    [
        ({"what": "bild"}, "no story is called 'bild'; there are: build, flatview, translate, migrate"),
        ({"what": "translate"}, "say which address to translate"),
        ({"what": "translate", "at": "fast"}, "is no address"),
        ({"what": "build", "at": "4G"}, "at= is for the story translate"),
        ({"what": "build", "workload": dirty.Idle()}, "workload= is for the story migrate"),
        ({"what": "migrate", "bandwidth": "fast"}, "fast"),
        ({"what": "migrate", "workload": 5}, "workload= is one of memkit.migration.dirty"),
        ({"what": ["build"]}, "no story is called"),
        ({"what": "flatview", "space": "memry"}, "no address space is called 'memry'"),
    ],
)
def test_what_cannot_be_told_is_said(words_: dict[str, Any], says: str) -> None:
    with pytest.raises(MemkitError, match=says):
        memkit.steps("-m 1G", **words_)


def test_a_guest_brings_its_own_qemu() -> None:
    with pytest.raises(MemkitError, match="has its host and its QEMU already"):
        memkit.steps(memkit.boot("-m 1G"), qemu="7.2")
    assert "11.1" == memkit.steps("-m 1G", qemu="11.1").guest.qemu


# -- on the page


def parts(told: Stepper) -> tuple[dict[str, Any], Any, Any, Any, Any, Any]:
    """Buttons by their words, slider, guesses, verdict, words and picture."""
    _, row, guesses, verdict, said, shown = widget(told).children
    *buttons, slider, asks = row.children
    return {b.description: b for b in (*buttons, asks)}, slider, guesses, verdict, said, shown


def test_buttons_and_slider_go_through_the_story() -> None:
    buttons, slider, _, _, said, shown = parts(story("build"))
    first = shown.value
    buttons["Next \N{BLACK RIGHT-POINTING TRIANGLE}"].click()
    assert 2 == slider.value
    assert "2 of " in said.value
    assert first != shown.value
    slider.value = slider.max
    assert buttons["Next \N{BLACK RIGHT-POINTING TRIANGLE}"].disabled
    buttons["\N{BLACK LEFT-POINTING TRIANGLE} Back"].click()
    assert slider.max - 1 == slider.value
    buttons["Start"].click()
    assert first == shown.value
    assert buttons["Start"].disabled


def test_a_guess_about_the_next_step_is_checked() -> None:
    told = story("build")
    buttons, slider, guesses, verdict, _, _ = parts(told)
    buttons["What comes next?"].click()
    titles, right = told.choices()
    wrong = next(b for b in guesses.children if b.description != titles[right])
    wrong.click()
    assert "Not yet" in verdict.value
    assert 1 == slider.value
    next(b for b in guesses.children if b.description == titles[right]).click()
    assert "Right" in verdict.value
    assert 2 == slider.value
    assert () == guesses.children


def test_a_mistake_of_ours_is_shown_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    told = story("build")
    buttons, _, _, verdict, _, _ = parts(told)
    monkeypatch.setattr(told, "choices", lambda: 1 / 0)
    buttons["What comes next?"].click()
    assert "This is a mistake in memkit, not yours." in verdict.value


@pytest.mark.parametrize("what", STORIES)
def test_without_widgets_steps_are_switched_by_the_page_itself(what: str) -> None:
    told = story(what)
    page = html(told)
    assert "<script" not in page
    assert len(told.frames) == page.count('type="radio"') == page.count("<svg")
    for number, frame in enumerate(told.frames, 1):
        assert f'aria-label="Step {number}: ' in page
        assert frame.sentence.split(" ")[0] in page
    assert str(told) == told._repr_mimebundle_()["text/plain"]
