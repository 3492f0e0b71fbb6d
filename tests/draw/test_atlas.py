"""The matrix of the atlas: a look for each pair, the same facts as its text, and nothing from outside."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

import memkit
from memkit.atlas import AREAS, FEATURES, OUTCOMES, Atlas
from memkit.draw.atlas import AtlasPicture
from memkit.draw.atlasfigure import CELL, LOOKS, places_of
from memkit.draw.theme import DARK, LIGHT, contrast
from memkit.errors import MemkitError

SOME = "hugetlb,share-on,readonly,nvdimm,nvdimm-unarmed,balloon,vhost-user,vfio,migrate-postcopy,multifd"


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    return memkit.atlas(SOME)


@pytest.fixture(scope="module")
def picture(atlas: Atlas) -> AtlasPicture:
    return atlas.picture()


def test_every_outcome_has_a_look_and_every_look_a_letter_of_its_own() -> None:
    assert set(OUTCOMES) < set(LOOKS)
    letters = [look.letter for look in LOOKS.values()]
    assert len(letters) == len(set(letters))


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda t: t.name)
def test_letters_are_readable_on_their_cells(theme: object) -> None:
    colours = theme.colours()  # type: ignore[attr-defined]
    assert min(contrast(colours[look.ink], colours[look.fill]) for look in LOOKS.values()) >= 4.5


def test_rows_stand_apart_where_an_area_begins() -> None:
    at = places_of([FEATURES[name] for name in ("hugetlb", "share-on", "kvm")]).at
    assert at[1] - at[0] == CELL
    assert at[2] - at[1] > CELL


def test_a_cell_tells_what_is_new_what_is_mended_and_what_is_inherited(picture: AtlasPicture) -> None:
    looks = picture.letters()
    assert looks["balloon", "hugetlb"] == "silent-misbehaviour"
    assert looks["nvdimm", "readonly"] == "refused"
    assert looks["nvdimm-unarmed", "readonly"] == "mended"
    assert looks["readonly", "readonly"] == "exclusive"
    assert looks["multifd", "hugetlb"] == "inherited"
    assert looks["multifd", "balloon"] == "fine"
    assert looks["multifd", "migrate-postcopy"] == "data-loss"


def test_a_third_feature_changes_the_looks(picture: AtlasPicture) -> None:
    looks = picture.letters("nvdimm-unarmed")
    assert looks["nvdimm", "readonly"] == "mended"
    assert len(looks) == len(picture.features) * (len(picture.features) + 1) // 2


def test_everything_counts_what_fewer_show(picture: AtlasPicture) -> None:
    assert picture.letters(everything=True)["multifd", "hugetlb"] == "surprise"


def test_the_data_has_every_conflict_with_all_that_is_told(picture: AtlasPicture, atlas: Atlas) -> None:
    told = json.loads(json.dumps(picture.data()))["conflicts"]
    assert len(told) == len(atlas.conflicts)
    for conflict, row in zip(atlas.conflicts, told, strict=True):
        assert [picture.features[n].name for n in row["places"]] == list(conflict.features)
        assert (row["why"], row["command"]) == (conflict.why, conflict.command)
        assert conflict.why in picture.text()


def test_the_picture_opens_with_a_loss_of_data(picture: AtlasPicture) -> None:
    assert [picture.features[n].name for n in picture.data()["start"]] == ["migrate-postcopy", "multifd"]


def test_the_page_needs_nothing_from_outside(picture: AtlasPicture) -> None:
    html = picture.html(script=False)
    assert not re.search(r"""(?:src|href)\s*=|@import|url\(""", html)


def test_the_page_is_for_everyone(picture: AtlasPicture) -> None:
    html = picture.html(script=False)
    assert picture.alt() in html
    assert 'aria-live="polite"' in html
    assert [title for title in AREAS.values() if title in html] == [
        AREAS[area] for area in dict.fromkeys(f.area for f in picture.features)]
    assert all(look.words in html for look in LOOKS.values())
    assert "<details open>" in html  # where no script runs, the words are there


def test_words_of_others_cannot_leave_their_place() -> None:
    feature = memkit.atlas("balloon").features[0]
    evil = type(feature)("</script><b>", "<i>", "devices")
    html = memkit.atlas([evil, feature], 2, fresh=True).picture().html(script=False)
    assert "</script><b>" not in html
    assert "<i>" not in html.partition("<script>")[0]
    assert 'title="&lt;i&gt;"' in html


def test_without_bokeh_the_choice_and_the_words_stay(
    picture: AtlasPicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "bokeh", None)
    html = picture.html()
    assert 'class="live"' not in html
    assert "<select" in html
    assert picture.alt() not in html or "role" not in html


def test_an_atlas_of_pairs_offers_no_third_feature() -> None:
    assert "<label hidden>and also" in memkit.atlas(SOME, 2).picture().html(script=False)


def test_a_page_can_be_saved(picture: AtlasPicture, tmp_path: Path) -> None:
    path = tmp_path / "atlas.html"
    picture.save(str(path))
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "Bokeh" in text


def test_a_notebook_gets_words_and_page(atlas: Atlas) -> None:
    bundle = atlas._repr_mimebundle_()
    assert bundle["text/plain"] == atlas.text()
    assert "memkit-atlas" in bundle["text/html"]


def test_an_unknown_theme_is_told(atlas: Atlas) -> None:
    with pytest.raises(MemkitError, match="'sepia'"):
        atlas.picture("sepia")
