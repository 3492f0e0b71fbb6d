"""The chart of changes by release: one number for each kind and release, said in words, too."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

import memkit
from memkit.draw.releases import FAMILIES
from memkit.history import KINDS

SPACE = "{http://www.w3.org/2000/svg}"


def test_every_kind_of_change_has_one_row() -> None:
    assert sorted(KINDS) == sorted(kind for *_, kinds in FAMILIES for kind in kinds)


def test_numbers_count_the_changes_and_add_up() -> None:
    history = memkit.since("5.2", until="8.0")
    picture = ET.fromstring(history.chart().svg())
    cells = [g for g in picture.iter(f"{SPACE}g") if g.find(f"{SPACE}title") is not None]
    counted = {g.findtext(f"{SPACE}title", "").partition(":")[0]: int(g.findtext(f"{SPACE}text", ""))
               for g in cells}
    assert len(history) == sum(counted.values())
    assert {"limit lifted in QEMU 7.2", "migration in QEMU 7.1"} <= set(counted)
    for place, number in counted.items():
        kind, _, release = place.partition(" in QEMU ")
        found = [c for c in history if (c.kind.replace("-", " "), c.since) == (kind, release)]
        assert number == len(found)


def test_what_is_counted_stands_under_the_pointer() -> None:
    drawn = memkit.since("4.2", until="5.0", kind=["device-added", "limit-lifted"]).chart().svg()
    assert "limit lifted in QEMU 5.0: NVDIMM on pseries" in drawn


def test_the_text_names_each_release_and_says_where_nothing_changed() -> None:
    assert str(memkit.since("3.1", until="4.2", word="microvm").chart()) == (
        "1 change for guest RAM after QEMU 3.1, up to 4.2 (with 'microvm'), by release\n"
        "QEMU 4.0: none\nQEMU 4.1: none\nQEMU 4.2: 1 (machine type 1)"
    )


def test_words_say_all_that_the_picture_says() -> None:
    chart = memkit.since("3.0").chart()
    bundle = chart._repr_mimebundle_()
    assert bundle["text/plain"] == chart.text() == str(chart)
    described = ET.fromstring(chart.svg()).findtext(f"{SPACE}desc")
    assert described == chart.text()
    assert chart.svg() in bundle["text/html"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colour_is_not_alone(theme: str) -> None:
    drawn = memkit.since("3.0").chart().svg(theme)
    assert {"shared", "file"} <= set(re.findall(r"url\(#mk\w+-(\w+)\)", drawn))


def test_a_theme_that_is_none_is_told() -> None:
    with pytest.raises(memkit.MemkitError, match="no theme is called 'pink'"):
        memkit.since("3.0").chart().svg("pink")
