"""docs/migration.md lists the rules of two guests as they are, and its examples run."""

from __future__ import annotations

import re
from pathlib import Path

import memkit
from memkit.migration.rules import PAIR_RULES

PAGE = (Path(__file__).parents[2] / "docs" / "migration.md").read_text(encoding="utf-8")


def test_the_page_lists_each_rule_with_its_severity_and_title() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| `([\w-]+)` \| (.+) \|$", PAGE, re.M)
    assert [(rule.id, rule.severity, rule.title) for rule in PAIR_RULES.values()] == rows


def test_the_example_in_python_runs() -> None:
    names: dict[str, object] = {"memkit": memkit, "print": lambda *_: None}
    exec(PAGE.partition("```python\n")[2].partition("```")[0], names)
    found = names["outlook"]
    assert isinstance(found, memkit.Outlook)
    assert (found.outcome, found.message, found.where) == ("completes", "", "")


def test_the_page_names_each_field_of_an_outlook() -> None:
    fields = {"outcome", "message", "where", "explanation", "blocks", "hazards", "notes", "sources"}
    assert fields <= set(re.findall(r"^\| `(\w+)` \|", PAGE, re.M))
