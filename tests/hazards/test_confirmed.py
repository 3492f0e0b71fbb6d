"""Rules that were tried on real QEMUs: what was recorded, what the rule says, and what the model says."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest

import memkit
from memkit.hazards import RULES, Rule, Trial, hazards, trials
from memkit.hazards.confirmed import OUTCOMES, confirmed, confirmed_words
from memkit.versions import KNOWN_QEMU, parse_version
from tools.record.ask import Binary
from tools.record.hazards import try_rule
from tools.record.hazards_lab import Lab
from tools.record.hazards_probes import PROBES

CONFIRMED = [trial for trial in trials() if trial.outcome == "confirmed"]
# Three that need nothing but QEMU: words, a file, a mapping.
QUICK = ("background-snapshot-vs-multifd", "file-backend-creates-missing-file", "merge-on-beats-machine")


def release(trial: Trial) -> str:
    """The release of the model that stands for the QEMU of a trial."""
    return next(v for v in KNOWN_QEMU if parse_version(v) == parse_version(trial.qemu)[:2])


def found(trial: Trial, line: str, operations: tuple[str, ...]) -> set[str]:
    """The ids of the hazards that the model finds."""
    host = RULES[trial.rule].host
    if host is None and "readonly=on" in line and parse_version(trial.qemu) >= (8, 2):
        # The file was there: since 8.2 QEMU makes none to be read only.
        files = re.findall(r"size=(\d+)M,mem-path=([^, ]+)", line)
        host = memkit.Host(files={path: int(size) << 20 for size, path in files})
    guest = memkit.boot(line, qemu=release(trial), host=host)
    return {hazard.id for hazard in hazards(guest, operations)}


def test_at_least_120_rules_were_confirmed_on_a_real_qemu() -> None:
    assert len({trial.rule for trial in CONFIRMED}) >= 120


def test_most_rules_were_confirmed_on_several_releases() -> None:
    several = {trial.rule for trial in trials() if len(confirmed(trial.rule)) > 1}
    assert len(several) >= 100


def test_no_trial_contradicts_its_rule() -> None:
    against = [t for t in trials() if t.outcome in ("contradicted", "present, not claimed")]
    assert {(t.rule, t.qemu): t.seen for t in against} == {}


def test_a_trial_belongs_to_a_rule_and_says_what_was_done_and_seen() -> None:
    for trial in trials():
        assert trial.rule in RULES
        assert trial.outcome in OUTCOMES
        assert trial.did
        assert trial.seen
        assert re.fullmatch(r"\d+\.\d+\.\d+", trial.qemu)
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", trial.date)
        words = " ".join((*trial.seen, *trial.innocent_seen))
        assert not re.search(r"memkit-|qemu-roots", words)


def test_qemu_said_the_words_that_the_probe_waits_for() -> None:
    for trial in CONFIRMED:
        assert any(re.search(PROBES[trial.rule].tells, words) for words in trial.seen), trial


@pytest.mark.parametrize("trial", CONFIRMED, ids=lambda trial: f"{trial.rule}-{trial.qemu}")
def test_the_model_finds_it_in_the_line_that_showed_it_and_not_in_the_other(trial: Trial) -> None:
    assert trial.rule in found(trial, trial.line, trial.operations)
    assert trial.rule not in found(trial, trial.innocent, trial.innocent_operations)


def test_releases_on_both_sides_of_a_limit_were_tried() -> None:
    absent = {trial.rule for trial in trials() if trial.outcome == "absent"}
    limited = absent & {trial.rule for trial in CONFIRMED}
    assert limited >= {
        "multifd-xbzrle-silent", "multifd-xbzrle-refused", "postcopy-multifd", "postcopy-multifd-refused",
        "savevm-multifd-crash", "savevm-multifd-refused", "virtio-mem-unplug-device",
        "virtio-mem-unplug-plugged-device", "readonly-missing-file-created", "postcopy-disk-file",
        "calc-dirty-rate-ring-tcg", "mem-path-hugetlb-odd-m",
    }


def test_a_printed_hazard_says_where_it_was_confirmed() -> None:
    guest = memkit.boot("-m 256M -device virtio-balloon-pci -overcommit mem-lock=on")
    hazard = next(h for h in hazards(guest) if h.id == "balloon-mlock")
    words = confirmed_words("balloon-mlock")
    assert re.fullmatch(r"on QEMU .*\b7\.2\.\d+.*, \d{4}-\d\d-\d\d", words)
    assert f"  Confirmed: {words}" in str(hazard).splitlines()
    assert f"<dt>Confirmed</dt><dd>{words}</dd>" in hazard.html()
    assert hazard.data()["confirmed"] == words


def test_a_rule_that_needs_other_hardware_is_not_said_to_be_confirmed() -> None:
    assert confirmed("vfio-pins-all-ram") == ()
    assert confirmed_words("vfio-pins-all-ram") == ""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    if shutil.which("qemu-system-x86_64") is None:
        pytest.skip("qemu-system-x86_64 is not installed")
    binary = Binary("qemu-system-x86_64")
    yield Lab(binary)
    binary.stop()


@pytest.mark.needs_qemu
@pytest.mark.parametrize("id", QUICK)
def test_the_installed_qemu_shows_it_again(lab: Lab, id: str) -> None:
    rule: Rule = RULES[id]
    row = try_rule(lab, rule, PROBES[id])
    assert row["shows"] is rule.holds_for(parse_version(lab.binary.short), "x86_64"), row
    assert not row.get("innocent_shows"), row
