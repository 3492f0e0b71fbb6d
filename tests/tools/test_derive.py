"""A release between two recordings: what both say, what the table decides, and that nothing stays open."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from memkit.boards import catalog
from memkit.boards.catalog import data_file
from tools.record.derive import ABSENT, Decisions, main, pattern

DATA = data_file("derived", "8.2.json").parents[1]
TABLE: dict[str, Any] = json.loads(data_file("derived", "8.2.json").read_text(encoding="utf-8"))


def decide(*rules: tuple[str, str], edits: list[dict[str, Any]] | None = None) -> Decisions:
    return Decisions({
        "version": "2", "between": ["1", "3"], "about": {}, "edits": edits or [],
        "rules": [{"take": take, "paths": [path], "source": "a file"} for take, path in rules],
    })


# -- merging


def test_what_both_say_needs_no_decision() -> None:
    decisions = decide()
    assert {"a": [1]} == decisions.merge("r", {"a": [1]}, {"a": [1]})
    assert [] == decisions.undecided


def test_a_difference_without_a_rule_is_told_and_left_out() -> None:
    decisions = decide()
    assert {} == decisions.merge("r", {"a": 1}, {"a": 2})
    assert ["r/a: 1 1, 3 2"] == decisions.undecided


@pytest.mark.parametrize(("take", "found"), [("1", {"a": 1}), ("3", {"a": 2})])
def test_a_rule_follows_one_neighbour(take: str, found: dict[str, int]) -> None:
    decisions = decide((take, "r/a"))
    assert found == decisions.merge("r", {"a": 1}, {"a": 2})
    assert ([], []) == (decisions.undecided, decisions.idle)


def test_the_first_rule_that_fits_decides() -> None:
    decisions = decide(("1", "r/a"), ("3", "r/*"))
    assert {"a": 1, "b": 2} == decisions.merge("r", {"a": 1, "b": 1}, {"a": 2, "b": 2})


@pytest.mark.parametrize(("take", "found"), [("1", {}), ("3", {"a": 2})])
def test_what_only_one_has_comes_or_stays_away(take: str, found: dict[str, int]) -> None:
    assert found == decide((take, "r/a")).merge("r", {}, {"a": 2})


def test_parts_of_what_only_the_newer_has_can_be_of_a_later_time() -> None:
    decisions = decide(("1", "r/*/late"), ("3", "r/device"))
    assert {"device": {"early": 1}} == decisions.merge("r", {}, {"device": {"early": 1, "late": 2}})


def test_an_empty_list_says_no_more_than_none() -> None:
    decisions = decide()
    assert decisions.merge("r", [], ABSENT) is ABSENT
    assert [] == decisions.undecided


def test_a_rule_that_decides_nothing_is_known() -> None:
    decisions = decide(("1", "r/nothing"))
    decisions.merge("r", {"a": 1}, {"a": 1})
    assert ["a file"] == decisions.idle


@pytest.mark.parametrize(
    ("path", "names", "fits", "fails"),
    [
        ("r/*/props/{}", "a.b c", "r/x/y/props/a.b", "r/x/props/aXb"),
        ("r/x [bit 1]", "", "r/x [bit 1]", "r/x b"),
        ("r/*", "", "r/a/b", "q/a"),
    ],
)
def test_a_star_is_anything_and_braces_are_one_of_the_names(
    path: str, names: str, fits: str, fails: str
) -> None:
    assert pattern(path, names).fullmatch(fits)
    assert not pattern(path, names).fullmatch(fails)


# -- edits


@pytest.mark.parametrize(
    ("edit", "before", "after"),
    [
        ({"value": 5}, 1, 5),
        ({"sub": [["^on$", "true"]]}, ["on", {"on": "only"}], ["true", {"true": "only"}]),
        ({"sub": [["^gone$", ""]]}, ["kept", "gone"], ["kept"]),
        ({"put": {"b": 2}}, {"a": 1}, {"a": 1, "b": 2}),
        ({"drop": ["a"]}, {"a": 1, "b": 2}, {"b": 2}),
        ({"insert": "b", "behind": ["a"]}, {"a": None, "c": None}, {"a": None, "b": None, "c": None}),
        ({"lines": {"x": ["new"]}}, {"x": ["old"]}, {"x": ["new", "old"]}),
        ({"lines": {"x": ["new"]}}, {}, {"x": ["new"]}),
    ],
)
def test_each_kind_of_edit(edit: dict[str, Any], before: Any, after: Any) -> None:
    decisions = decide(edits=[{"in": "2", "paths": ["r/k"], "source": "a file", **edit}])
    edited = decisions.edit("2", "r", {"k": before, "other": before})
    assert {"k": after, "other": before} == edited
    # Members keep their order.
    assert json.dumps(after) == json.dumps(edited["k"])


def test_an_edit_is_for_one_version_only() -> None:
    decisions = decide(edits=[{"in": "1", "paths": ["r/k"], "source": "a file", "value": 5}])
    assert {"k": 1} == decisions.edit("2", "r", {"k": 1})


# -- 8.2


def test_the_files_of_8_2_are_what_the_table_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["--check"]), capsys.readouterr().err


def test_every_decision_names_its_source() -> None:
    assert [] == [row for row in (*TABLE["rules"], *TABLE["edits"]) if not row.get("source")]
    assert {"7.2", "10.0"} == {rule["take"] for rule in TABLE["rules"]}


@pytest.mark.parametrize("room", ["devices", "machines", "windows"])
def test_a_derived_file_says_what_was_run_and_what_is_unconfirmed(room: str) -> None:
    about = json.loads(data_file(room, "x86_64-8.2.json").read_text(encoding="utf-8"))["about"]
    assert TABLE["about"] == about
    assert "a build of 8.2.2" in about["derived"]
    assert any("Ubuntu 24.04" in text for text in about["unconfirmed"])


def test_a_table_that_leaves_something_open_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for room in ("devices", "machines", "windows"):
        (tmp_path / room).mkdir()
        for version in TABLE["between"]:
            shutil.copy(data_file(room, f"x86_64-{version}.json"), tmp_path / room)
    rules = [rule for rule in TABLE["rules"] if "devices/devices/igb" not in rule["paths"]]
    poorer = {**TABLE, "rules": rules}
    (tmp_path / "table.json").write_text(json.dumps(poorer), encoding="utf-8")
    assert 1 == main([str(tmp_path / "table.json"), "--data", str(tmp_path)])
    assert "undecided: devices/devices/igb: 7.2 nothing, 10.0 {" in capsys.readouterr().err
    assert [] == list(tmp_path.glob("*/x86_64-8.2.json"))


@pytest.mark.parametrize("text", [None, "[", "{}", '{"between": ["7.2", "10.0"]}'])
def test_a_table_that_cannot_be_used_is_told(
    text: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "table.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    assert 1 == main([str(path)])
    assert f"derive: {path}: " in capsys.readouterr().err


def test_the_machine_types_of_8_2() -> None:
    names = catalog.machine_names("8.2")
    pc, q35 = ([n for n in names if n.startswith(f"pc-{kind}-")] for kind in ("i440fx", "q35"))
    assert ("pc-i440fx-8.2", "pc-i440fx-2.0") == (pc[0], pc[-1])
    assert ("pc-q35-8.2", "pc-q35-2.4") == (q35[0], q35[-1])
    assert "pc-q35-4.0.1" in q35
    old = [name for name in names if (row := catalog.machine("8.2", name)) and row.deprecated]
    assert [f"pc-i440fx-2.{minor}" for minor in (3, 2, 1, 0)] == old
    limits = {n: row.max_cpus for n in q35 if (row := catalog.machine("8.2", n))}
    assert (1024, 1024, 288, 255) == tuple(limits[f"pc-q35-{v}"] for v in ("8.2", "8.1", "8.0", "2.7"))


def test_properties_that_8_2_has_and_those_that_came_later() -> None:
    pc = catalog.machine_properties("8.2", "pc")
    assert "PCSouthBridgeOption" == pc["x-south-bridge"]
    assert not {"fd-bootchk", "aux-ram-share", "smp-cache", "shim"} & set(pc)
    igb = catalog.device("8.2", "igb")
    assert igb is not None
    assert ("int32", "true") == (igb.properties["addr"], igb.defaults["x-pcie-err-unc-mask"])
    memory = catalog.device("8.2", "virtio-mem-pci")
    assert memory is not None
    assert "bool" == memory.properties["dynamic-memslots"]
    assert "on" == memory.defaults["unplugged-inaccessible"]
    assert "vectors" not in memory.properties


def test_devices_and_cpu_models_that_8_2_has_and_those_that_came_later() -> None:
    names = catalog.device_names("8.2")
    assert {"igb", "ufs", "virtio-sound-pci", "pvrdma", "qxl-vga", "vhost-user-device-pci"} <= set(names)
    assert not {"sga", "vmclock", "vhost-user-snd-pci"} & set(names)
    sapphire = catalog.cpu("8.2", "SapphireRapids")
    assert sapphire is not None
    assert "CPUID.01H:ECX.x2apic [bit 21]" == sapphire.lacks[1]
    assert catalog.cpu("8.2", "SierraForest") is None


def test_only_8_2_takes_memory_devices_of_odd_sizes() -> None:
    assert "multiple of 0x200000" in str(catalog.outcome("7.2", "odd dimm", "pc-q35-7.2"))
    assert "starts" == catalog.outcome("8.2", "odd dimm", "pc-q35-7.2")
    assert "multiple of 0x200000" in str(catalog.outcome("10.0", "odd dimm", "pc-q35-7.2"))
