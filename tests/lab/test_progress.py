"""Progress: kept by itself, never lost, and carried as a code that notices a slip of the pen."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

import memkit
from memkit.errors import MemkitError
from memkit.lab import progress as room
from memkit.lab.course import CHAPTERS, PATHS
from memkit.lab.drills import KINDS, LEVELS, drill
from memkit.lab.drills.view import widget
from memkit.lab.progress import DRILLS, MOST, PREDICTIONS, Progress, record_drill, record_prediction, store
from memkit.lab.questions import QUESTIONS


def test_nothing_is_written_before_something_was_done(data_folder: Path) -> None:
    assert Progress() == memkit.progress()
    assert not data_folder.exists()


def test_what_was_done_is_kept_in_one_file(data_folder: Path) -> None:
    record_prediction("ram-blocks")
    record_drill("boots", 2)
    record_drill("boots", 1)
    assert [store()] == list(data_folder.iterdir())
    kept = memkit.progress()
    assert (frozenset({"ram-blocks"}), {"boots": (2, 2)}) == (kept.predicted, kept.solved)


def test_a_widget_records_a_solved_drill_and_a_prediction() -> None:
    problem = drill("ram-above-4g", 7)
    answers = widget(problem).children[2].children
    wrong = next(b for b in answers if b.description != problem.question.answer.text)
    wrong.click()
    assert {} == memkit.progress().solved
    next(b for b in answers if b.description == problem.question.answer.text).click()
    assert {"ram-above-4g": (1, 1)} == memkit.progress().solved
    memkit.predict("ram-above-4g", "-m 4G").widget().children[1].children[0].click()
    assert {"ram-above-4g"} == memkit.progress().predicted


@given(
    predicted=some.frozensets(some.sampled_from(PREDICTIONS)),
    solved=some.dictionaries(some.sampled_from(DRILLS),
                             some.tuples(some.sampled_from(LEVELS), some.integers(1, MOST))),
)
def test_a_code_holds_all_of_it(predicted: frozenset[str], solved: dict[str, tuple[int, int]]) -> None:
    kept = Progress(predicted, solved)
    code = kept.code
    assert kept == Progress.from_code(code)
    assert kept == Progress.from_code(code.lower().replace("-", "  "))
    assert len(code) < 55


@given(some.text(max_size=60))
def test_any_text_is_a_code_or_told_to_be_none(text: str) -> None:
    with pytest.raises(MemkitError, match="code"):
        Progress.from_code(f"{text}!")


def test_a_mistyped_code_is_noticed() -> None:
    code = Progress(frozenset(PREDICTIONS[:5]), {"boots": (3, 9)}).code
    for place in range(4, len(code)):
        if code[place] != "-":
            letter = "A" if code[place] != "A" else "C"
            with pytest.raises(MemkitError, match="mistyped"):
                Progress.from_code(code[:place] + letter + code[place + 1:])
    with pytest.raises(MemkitError, match="begins with MK1-"):
        memkit.progress("hello")
    with pytest.raises(MemkitError, match="a code is text"):
        memkit.progress(5)  # type: ignore[arg-type]


def test_a_code_is_added_to_what_is_there() -> None:
    record_drill("boots", 3)
    elsewhere = Progress(frozenset({"mend"}), {"boots": (1, 5), "mend": (2, 1)}).code
    assert "Added" in memkit.progress(elsewhere).note
    assert {"boots": (3, 1), "mend": (2, 1)} == memkit.progress().solved


def test_a_file_that_cannot_be_understood_is_put_aside_and_not_lost(data_folder: Path) -> None:
    data_folder.mkdir()
    store().write_text('{"predicted": 5')
    note = memkit.progress().note
    assert "put aside" in note
    assert '{"predicted": 5' == (data_folder / "memkit-progress.unreadable.json").read_text()
    record_prediction("boots")
    assert {"boots"} == memkit.progress().predicted


def test_where_nothing_can_be_written_the_page_goes_on(data_folder: Path) -> None:
    data_folder.write_text("a file where the folder should be")
    record_prediction("boots")
    assert "cannot be written" in memkit.progress(Progress(frozenset({"boots"})).code).note


def test_the_page_has_the_map_the_paths_and_the_code() -> None:
    record_drill("boots", 2)
    shown = memkit.progress()
    html = shown._repr_mimebundle_()["text/html"]
    for chapter in CHAPTERS:
        assert f'href="{chapter.id}.ipynb"' in html
        assert chapter.id in str(shown)
    for path in PATHS:
        assert path.title in html
    assert shown.code in html
    assert "boots (level 2)" in html


def test_codes_know_every_question_and_every_drill() -> None:
    assert set(QUESTIONS) == set(PREDICTIONS)
    assert set(KINDS) == set(DRILLS)


def test_the_course_map_holds_together() -> None:
    ids = [chapter.id for chapter in CHAPTERS]
    assert ids == sorted(ids)
    for chapter in CHAPTERS:
        assert set(ids[: ids.index(chapter.id)]) >= set(chapter.needs)
        assert set(KINDS) >= set(chapter.drills)
    assert {kind for chapter in CHAPTERS for kind in chapter.drills} == set(KINDS)
    assert 300 <= sum(chapter.minutes for chapter in CHAPTERS) <= 420


def test_the_room_has_no_way_to_the_network() -> None:
    text = Path(room.__file__).read_text()
    assert [] == [word for word in ("socket", "http", "urllib", "requests") if word in text]
