"""Every fact that the rules started from became something, and the rules are as many and as broad as told."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from memkit.hazards import AREAS, RULES
from memkit.migration.rules import PAIR_RULES

ROOT = Path(__file__).parents[2]
FATES: dict[str, dict[str, str]] = json.loads(
    (ROOT / "data/hazards/fates.json").read_text(encoding="utf-8")
)["fates"]
PAGE = (ROOT / "docs/hazards-left-out.md").read_text(encoding="utf-8")
# What the talk that inspired the kit is about, and the areas of rules that speak of it.
TALK = {
    "types of memory": ("guest-layout", "memory-devices", "virtio-mem", "cxl", "balloon"),
    "host memory": ("host-memory", "host-numa", "merging"),
    "command lines": ("guest-layout", "numa", "host-memory", "arm", "power"),
    "pmem": ("persistent",),
    "all of RAM": ("dump", "vfio", "snapshots"),
    "huge pages": ("huge-pages", "host-pages"),
    "sharing": ("sharing",),
    "encryption": ("confidential", "z"),
    "migration": ("migration", "postcopy", "cpr"),
    "monitor": ("memory-devices", "snapshots", "dump"),
}


def of(fate: str) -> set[str]:
    """The ids of the facts with this fate."""
    return {id for id, entry in FATES.items() if entry["fate"] == fate}


def test_every_fact_has_a_fate() -> None:
    assert len(FATES) == 293
    assert {entry["fate"] for entry in FATES.values()} == {"rule", "refused", "migration", "left out"}


def test_a_fact_that_became_a_rule_is_a_rule() -> None:
    assert of("rule") <= RULES.keys()
    assert not (FATES.keys() - of("rule")) & RULES.keys()


def test_a_fact_about_two_guests_is_a_rule_of_migration() -> None:
    assert of("migration") <= PAIR_RULES.keys()
    assert not (of("rule") | of("refused") | of("left out")) & PAIR_RULES.keys()


def test_a_fact_that_is_refused_is_tested_with_qemus_words() -> None:
    here = Path(__file__).parent
    names = ("refused_facts", "device_rules")
    text = "".join((here / f"test_{name}.py").read_text("utf-8") for name in names)
    assert of("refused") <= set(re.findall(r'^    \("([a-z0-9-]+)",', text, re.M))


def test_the_page_tells_what_is_left_out_and_why() -> None:
    rows = re.findall(r"^\| `([a-z0-9-]+-[a-z0-9-]+)` \| (.*?) \| (.*) \|$", PAGE, re.M)
    told = {id: (what, reason) for id, what, reason in rows}
    assert {id: (FATES[id]["what"], FATES[id]["reason"]) for id in of("left out")} == told


def test_there_are_many_rules_and_most_combine_features() -> None:
    assert len(RULES) >= 150
    assert len([rule for rule in RULES.values() if len(rule.features) >= 2]) >= 80


@pytest.mark.parametrize("subject", TALK)
def test_each_subject_of_the_talk_has_rules(subject: str) -> None:
    assert all(AREAS[area] for area in TALK[subject])


def test_each_area_belongs_to_a_subject_of_the_talk() -> None:
    assert {area for areas in TALK.values() for area in areas} == AREAS.keys()
