"""memkit.atlas(): from data at once, in words, as a table, as JSON; and wrong words are told."""

from __future__ import annotations

import io
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

import memkit
from memkit.atlas import FEATURES, OUTCOMES, Atlas, Feature
from memkit.atlas.conflict import Conflict
from memkit.atlas.progress import bar, nothing
from memkit.cli import main
from memkit.errors import MemkitError, Unavailable


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    return memkit.atlas()


def never(*_: object) -> None:
    pytest.fail("nothing needs to be swept")


def test_without_arguments_nothing_is_booted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["memkit.atlas.whole"], "chart", never)
    assert len(memkit.atlas().features) == len(FEATURES)
    assert memkit.atlas(qemu="7.2.22").ground.qemu == "7.2"
    assert len(memkit.atlas("nvdimm,savevm", 2).features) == 2


def test_a_part_from_data_is_what_a_fresh_sweep_finds() -> None:
    some = "vhost-user,share-on,backend-memfd,background-snapshot,share-off"
    fresh = memkit.atlas(some, fresh=True, progress=False)
    assert set(memkit.atlas(some).conflicts) == set(fresh.conflicts)


def test_an_executor_is_used_for_a_sweep() -> None:
    with ThreadPoolExecutor(2) as executor:
        found = memkit.atlas("prealloc,reserve-off", fresh=True, executor=executor)
    assert [c.outcome for c in found.conflicts] == ["refused"]


def test_the_atlas_is_frozen(atlas: Atlas) -> None:
    with pytest.raises(FrozenInstanceError):
        atlas.size = 2  # type: ignore[misc]


def test_conflicts_come_worst_first(atlas: Atlas) -> None:
    ranks = [OUTCOMES.index(conflict.severity) for conflict in atlas.conflicts]
    assert ranks == sorted(ranks)
    assert ranks[0] == 0


def test_a_cell_tells_what_only_the_combination_has(atlas: Atlas) -> None:
    cell = atlas.cell("share-on", "vhost-user")
    assert [c.outcome for c in cell.together] == ["vhost-user-ram-share-on-version"]
    assert "vhost-user-anonymous-ram" in [c.outcome for c in cell.mended]
    assert "thp-lost-with-shared-memory" in [c.outcome for c in cell.inherited]
    assert (cell.status, cell.severity) == ("hazards", "refuses-operation")


def test_a_cell_tells_a_refusal_in_qemus_words(atlas: Atlas) -> None:
    cell = atlas.cell("mem-lock", "virtio-mem")
    assert (cell.status, cell.severity) == ("refused", "refused")
    assert cell.together[0].words.endswith("Incompatible with mlock")
    assert cell.together[0].why
    assert cell.together[0].instead


def test_a_feature_that_is_too_new_is_told(atlas: Atlas) -> None:
    cell = atlas.cell("mapped-ram", "multifd")
    assert (cell.status, cell.reason) == ("unknown", "QEMU 7.2 lacks mapped-ram since 9.0")


def test_a_combination_without_a_line_tells_why(atlas: Atlas) -> None:
    assert atlas.cell("share-on", "share-off").reason == "share-on and share-off both say how it is mapped"


def test_a_fine_cell_has_its_line(atlas: Atlas) -> None:
    cell = atlas.cell("kvm", "multifd")
    assert (cell.status, cell.line, cell.operations) == ("fine", "-accel kvm -M q35 -m 256M", ("multifd",))


def test_the_text_has_every_conflict(atlas: Atlas) -> None:
    text = str(atlas)
    assert text.startswith(atlas.heading)
    for conflict in atlas.conflicts:
        assert "\n".join(conflict.paragraph("7.2")) in text
    assert "Not in QEMU 7.2: guest-memfd (9.1), tdx (10.1), mapped-ram (9.0)" in text


def test_the_table_has_a_row_for_each_conflict(atlas: Atlas) -> None:
    frame = atlas.table()
    assert list(frame["outcome"]) == [conflict.outcome for conflict in atlas.conflicts]
    row = frame[frame["outcome"] == "balloon-mlock"].iloc[0]
    assert row["features"] == "mem-lock + balloon"
    assert row["line"] == "-overcommit mem-lock=on -device virtio-balloon-pci"


def test_without_pandas_the_table_says_how_to_get_it(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(Unavailable, match="pip install 'memkit"):
        atlas.table()


def test_a_sweep_over_releases_and_boards_has_a_layer_for_each() -> None:
    found = memkit.atlas("virtiofs,migrate-precopy", 2, versions="7.2,11.1", boards=["q35", "pc"])
    assert [tuple(ground) for ground in found.grounds] == [
        ("7.2", "q35"), ("7.2", "pc"), ("11.1", "q35"), ("11.1", "pc")]
    assert "virtiofs-blocks-migration" in [c.outcome for c in found.on(board="pc").conflicts]
    assert "virtiofs-blocks-migration" not in [c.outcome for c in found.on("11.1").conflicts]
    frame = found.table()
    assert set(frame["board"]) == {"q35", "pc"}
    with pytest.raises(MemkitError, match=r"nothing was swept on QEMU 5\.2, q35; there is: 7\.2 q35, "):
        found.on("5.2")


def test_a_feature_of_your_own_takes_part() -> None:
    own = Feature("two-balloons", "a balloon of another name", "devices",
                  devices=("virtio-balloon-pci,id=other",))
    found = memkit.atlas(["mem-lock", own], 2)
    assert found.cell("mem-lock", "two-balloons").severity == "performance"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"features": 5}, "features= is names with commas between, or a list of names, not 5"),
        ({"features": [5]}, "5 is no feature of the atlas"),
        ({"features": "hugepages"}, "'hugepages' is no feature of the atlas; they are: backend-memfd"),
        ({"size": 0}, "size= is the most features at a time, 1 to 4 (3 is usual), not 0"),
        ({"size": "3"}, "size= is the most features at a time, 1 to 4 (3 is usual), not '3'"),
        ({"executor": 2}, "executor= needs a method submit, as those of concurrent.futures have; 2 has none"),
        ({"boards": "virt"}, "'virt' is no board of the atlas; they are: q35, pc, microvm"),
        ({"versions": []}, "versions= and boards= name at least one each"),
        ({"qemu": "two"}, "'two'"),
    ],
)
def test_wrong_arguments_are_told(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(MemkitError) as caught:
        memkit.atlas(**arguments)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("names", "words"),
    [(("nvdim",), "'nvdim' is no feature of this atlas; they are: "),
     ((), "this atlas combines 1 to 3 features, not 0"),
     (("kvm", "sev", "nvdimm", "savevm"), "this atlas combines 1 to 3 features, not 4")],
)
def test_wrong_cells_are_told(atlas: Atlas, names: tuple[str, ...], words: str) -> None:
    with pytest.raises(MemkitError) as caught:
        atlas.cell(*names)
    assert str(caught.value).startswith(words)


def test_versions_are_runs_of_known_releases() -> None:
    def versions(*releases: str) -> str:
        return Conflict(("a",), "refused", "-m 1", releases=releases).versions

    assert versions("5.2", "7.2", "8.2", "10.0", "11.1") == "5.2 to 11.1"
    assert versions("5.2", "8.2", "10.0") == "5.2, 8.2 to 10.0"
    assert versions("7.2") == "7.2"


def test_a_bar_fills_on_a_terminal_and_is_silent_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    assert bar("Combining") is nothing
    monkeypatch.setattr(stream, "isatty", lambda: True)
    show = bar("Combining")
    for done in (0, 50, 50, 100):
        show(done, 100)
    assert stream.getvalue().split("\r")[1:] == [
        f"Combining: [{'.' * 40}]   0 %", f"Combining: [{'#' * 20}{'.' * 20}]  50 %",
        f"Combining: [{'#' * 40}] 100 %\n"]


def test_the_command_tells_a_combination(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["atlas", "mem-lock", "balloon"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("mem-lock + balloon\n  hazards\n")
    assert "memkit hazards -- -overcommit mem-lock=on -device virtio-balloon-pci" in said


def test_the_command_prints_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["atlas", "--json", "--features", "prealloc,reserve-off", "--size", "2"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["outcome"] for row in told["conflicts"]] == ["refused"]
    assert main(["atlas", "--json", "sev", "migrate-precopy"]) == 0
    assert json.loads(capsys.readouterr().out)["severity"] == "refuses-operation"


def test_the_command_writes_the_matrix(capsys: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    path = tmp_path / "atlas.html"
    assert main(["atlas", "--features", "sev,balloon", "-o", str(path)]) == 0
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert main(["atlas", "--features", "sev,balloon", "-o", str(tmp_path / "no" / "atlas.html")]) == 3


@pytest.mark.parametrize(
    ("words", "told"),
    [(["atlas", "nvdim"], "'nvdim' is no feature of this atlas"),
     (["atlas", "--", "-m", "4G"], "the atlas makes its own command lines; name features instead")],
)
def test_the_command_tells_what_is_wrong(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert told in capsys.readouterr().err
