"""Rounds in words and as a picture: both say the same."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from memkit.draw.dirty import rounds_svg
from memkit.errors import MemkitError
from memkit.migration import dirty
from memkit.migration.dirty.rounds import CELLS, about

MIB, GIB = 1 << 20, 1 << 30


@pytest.fixture(scope="module")
def run() -> dirty.Simulation:
    """A migration that auto-converge brings to its end."""
    busy = dirty.Sequential(size=128 * MIB, rate=8000)
    return dirty.simulate(256 * MIB, busy, bandwidth="1GbE", max_bandwidth=16 * MIB, auto_converge=True)


def test_each_round_is_one_sentence(run: dirty.Simulation) -> None:
    sentences = [str(r) for r in run.rounds]
    assert all(s.endswith(".") and "\n" not in s for s in sentences)
    assert sentences[0].startswith("Setup: all 256 MiB")
    assert sentences[-1].startswith("Last step")
    assert f"slowed down by {run.throttle} %" in sentences[-2]


def test_a_round_says_whether_what_is_left_fits(run: dirty.Simulation) -> None:
    rounds = [r for r in run.rounds if r.phase == "round"]
    assert "is more than" in str(rounds[0])
    assert "fits into" in str(rounds[-1])


def test_the_bitmap_shows_what_is_dirty(run: dirty.Simulation) -> None:
    assert run.rounds[0].bitmap(16) == CELLS[-1] * 16
    # Only the first half is written; at the end lies what was not sent, as it fits into the downtime limit.
    after = run.rounds[1].bitmap(16)
    assert after == CELLS[-1] * 8 + " " * 7 + CELLS[1]


def test_a_single_dirty_page_can_be_seen() -> None:
    one = dirty.simulate(GIB, dirty.Sequential(size=4096, rate=10), bandwidth="1GbE").rounds[1]
    assert one.bitmap(16)[:2] == CELLS[1] + " "


def test_the_story_names_the_guest_the_rounds_and_the_end(run: dirty.Simulation) -> None:
    lines = str(run).splitlines()
    assert lines[0] == "256 MiB of RAM; Sequential: 8,000 pages a second over 128 MiB."
    assert lines[1].startswith("The wire carries 119 MiB/s, max-bandwidth 16 MiB/s, downtime-limit 300 ms")
    assert lines[-1].startswith("It completes after ")


def test_many_rounds_are_told_by_the_first_and_the_last() -> None:
    busy = dirty.Sequential(size=256 * MIB, rate=40_000)
    text = str(dirty.simulate(GIB, busy, bandwidth="10GbE"))
    assert re.search(r"^\(\d+ more rounds\)$", text, re.M)


@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
def test_the_picture_says_what_the_text_says(run: dirty.Simulation, theme: str) -> None:
    root = ElementTree.fromstring(rounds_svg(run, theme))
    space = "{http://www.w3.org/2000/svg}"
    description = root.find(f"{space}desc")
    assert description is not None
    assert description.text == str(run)
    texts = [t.text or "" for t in root.iter(f"{space}text")]
    shown = run.rounds if len(run.rounds) <= 24 else (*run.rounds[:12], *run.rounds[-12:])
    for one in shown:
        if one.left:
            assert any(t.startswith(about(one.left)) for t in texts)


def test_the_picture_has_a_pattern_beside_the_colour(run: dirty.Simulation) -> None:
    assert "while the guest is slowed down" in rounds_svg(run)
    idle = dirty.simulate(64 * MIB, dirty.Idle(), bandwidth="1GbE")
    assert "while the guest is slowed down" not in rounds_svg(idle)


def test_an_unknown_theme_is_told_in_words(run: dirty.Simulation) -> None:
    with pytest.raises(MemkitError, match="no theme is called 'pink'"):
        rounds_svg(run, "pink")


def test_a_notebook_gets_the_picture_and_its_text_twin(run: dirty.Simulation) -> None:
    bundle = run._repr_mimebundle_()
    assert bundle["text/plain"] == str(run)
    assert bundle["image/svg+xml"].startswith("<svg")
