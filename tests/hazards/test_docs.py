"""The page about hazards says what is so: fields, severities, areas, and what it calls covered."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

import memkit
from memkit.hazards import AREAS, OPERATIONS, RULES, SEVERITIES, Hazard

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "hazards.md").read_text(encoding="utf-8")


def table(heading: str) -> dict[str, str]:
    """First and second column of the table below a heading."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", section, re.M)
    return {first: second for first, second in rows[1:] if not first.startswith("-")}


def test_the_fields_are_those_of_a_hazard() -> None:
    named = re.findall(r"`(\w+)", " ".join(table("What a rule says")))
    assert [] == [name for name in named if name not in {*Hazard.__dataclass_fields__, *dir(Hazard)}]
    told = {*named, "mend", "features"}
    assert set(Hazard.__dataclass_fields__) <= told


def test_the_severities_stand_in_their_order() -> None:
    assert [f"`{severity}`" for severity in SEVERITIES] == list(table("Severities, worst first"))


def test_each_area_says_what_its_file_says() -> None:
    expected = {}
    for area in sorted(AREAS):
        module = importlib.import_module(f"memkit.hazards.rules.{area.replace('-', '_')}")
        expected[f"`{area}`"] = (module.__doc__ or "").splitlines()[0]
    assert expected == table("Areas")


def test_every_file_of_rules_is_an_area() -> None:
    files = {path.stem for path in (ROOT / "memkit" / "hazards" / "rules").glob("*.py")} - {"__init__"}
    assert {name.replace("_", "-") for name in files} == set(AREAS)


@pytest.mark.parametrize("area", AREAS)
def test_no_id_stands_in_two_areas(area: str) -> None:
    assert AREAS[area]
    assert all(RULES[rule.id] is rule for rule in AREAS[area])


def test_there_are_enough_rules_and_most_combine_features() -> None:
    assert sum(map(len, AREAS.values())) == len(RULES)
    assert len(RULES) >= 150
    assert sum(len(rule.features) > 1 for rule in RULES.values()) >= 80


def test_the_operations_on_the_page_exist() -> None:
    section = PAGE.partition("## Operations\n")[2].partition("\n## ")[0]
    named = {name for name in re.findall(r"`([a-z-]+)`", section) if name != "migration="}
    assert named - {"--migration"} <= OPERATIONS.keys()


def test_the_python_on_the_page_works() -> None:
    for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S):
        exec(block, {"memkit": memkit, "print": lambda *_: None})


def test_the_files_that_list_refused_facts_exist() -> None:
    names = re.findall(r"`(?:tests/hazards/)?(test_\w+\.py)`", PAGE)
    assert names
    assert all((ROOT / "tests" / "hazards" / name).exists() for name in names)
