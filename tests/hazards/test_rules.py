"""Every rule is found where it holds, absent where it does not, and mended by its fix."""

from __future__ import annotations

import re

import pytest

import memkit
from memkit.hazards import FEATURES, RULES, SEVERITIES, Rule, hazards, rank
from memkit.versions import KNOWN_QEMU, parse_version

ALL = [pytest.param(rule, id=rule.id) for rule in RULES.values()]
MENDABLE = [pytest.param(rule, id=rule.id) for rule in RULES.values() if rule.mend is not None]


def target_of(rule: Rule) -> str:
    """A target that has the rule; x86_64 where it can be."""
    return "x86_64" if not rule.architectures or "x86_64" in rule.architectures else rule.architectures[0]


def qemu_of(rule: Rule) -> str:
    """A QEMU for which the rule holds; 7.2 where it can be."""
    fitting = [v for v in ("7.2", *KNOWN_QEMU) if rule.holds_for(parse_version(v), target_of(rule))]
    assert fitting, f"{rule.id} holds for none of {KNOWN_QEMU}"
    return fitting[0]


def found(
    line: str | memkit.Config, rule: Rule, operations: tuple[str, ...] | None = None
) -> dict[str, memkit.hazards.Hazard]:
    guest = memkit.boot(line, qemu=qemu_of(rule), host=rule.host)
    return {h.id: h for h in hazards(guest, rule.operations if operations is None else operations)}


@pytest.mark.parametrize("rule", ALL)
def test_the_example_has_the_hazard_and_names_the_culprits(rule: Rule) -> None:
    hazard = found(rule.example, rule).get(rule.id)
    assert hazard is not None
    assert hazard.sentences
    for culprit in hazard.culprits:
        assert culprit.sentence.endswith(".")
        assert culprit.names
        assert any(name in culprit.sentence for name in culprit.names)


@pytest.mark.parametrize("rule", ALL)
def test_the_innocent_line_has_it_not(rule: Rule) -> None:
    assert rule.id not in found(rule.innocent, rule, rule.innocent_operations)


@pytest.mark.parametrize("rule", MENDABLE)
def test_the_fix_mends_it_and_brings_nothing_worse(rule: Rule) -> None:
    before = found(rule.example, rule)
    mended = before[rule.id].fix(memkit.boot(rule.example, qemu=qemu_of(rule), host=rule.host).config)
    after = found(mended, rule)
    assert rule.id not in after
    worst = rank(rule.severity)
    assert [h.id for h in after.values() if rank(h.severity) < worst and h.id not in before] == []


@pytest.mark.parametrize("rule", ALL)
def test_a_rule_says_all_that_it_must(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.id)
    assert rule.severity in SEVERITIES
    assert rule.features
    assert set(rule.features) <= FEATURES.keys()
    assert rule.title[0].isupper() or not rule.title[0].isalpha()
    assert not rule.title.endswith(".")
    assert rule.why.count(". ") <= 2
    assert rule.why.endswith(".")
    assert rule.sources
    assert (rule.example, rule.operations) != (rule.innocent, rule.innocent_operations)
    for version in (rule.since, rule.until):
        assert not version or parse_version(version)


@pytest.mark.parametrize("name", FEATURES)
def test_every_feature_with_a_line_is_found_in_it(name: str) -> None:
    feature = FEATURES[name]
    if feature.line:
        assert name in memkit.hazards.Scene(memkit.boot(feature.line)).features
