"""Minimal sets: what a smaller set foretells is no news, and what does not come is mended."""

from __future__ import annotations

from itertools import combinations

from memkit.atlas import Feature
from memkit.atlas.chart import chart
from memkit.atlas.conflicts import REFUSED, minimal_sets
from memkit.atlas.features import read_features
from memkit.atlas.shrink import releases_that_show, shortest, shown
from memkit.atlas.sweep import Answer, Ground
from memkit.hazards import RULES

Q35 = Ground("7.2", "q35")


def features(*names: str, **includes: str) -> list[Feature]:
    return [Feature(n, n, "devices", includes=tuple(filter(None, [includes.get(n)]))) for n in names]


def answers(names: str, shows: dict[str, str]) -> dict[tuple[str, ...], Answer]:
    """Answers of all sets: of ``shows``, letters → outcomes; R is a refusal, X exclusive."""
    found = {}
    for many in range(1, len(names) + 1):
        for chosen in combinations(names, many):
            said = shows.get("".join(chosen), "")
            found[chosen] = Answer("as words" if said == "X" else "", "no" if said == "R" else "",
                                   frozenset(said) - {"X", "R"})
    return found


def told(names: str, shows: dict[str, str], **includes: str) -> list[tuple[str, str, list[str], bool]]:
    found = minimal_sets(features(*names, **includes), answers(names, shows))
    return [("".join(sorted(m.features)), m.outcome, ["".join(sorted(by)) for by in m.mended_by], m.again)
            for m in found]


def test_what_two_features_show_is_no_news_with_three() -> None:
    assert told("abc", {"ab": "h", "abc": "h"}) == [("ab", "h", [], False)]


def test_what_only_three_show_is_a_set_of_three() -> None:
    assert told("abc", {"abc": "h"}) == [("abc", "h", [], False)]


def test_what_takes_an_outcome_away_mends_it() -> None:
    assert told("ab", {"a": "h"}) == [("a", "h", ["b"], False)]


def test_mending_is_told_once() -> None:
    assert told("abc", {"a": "h", "ac": "h"}) == [("a", "h", ["b"], False)]


def test_what_comes_back_after_mending_is_marked() -> None:
    assert told("abc", {"a": "h", "ac": "h", "abc": "h"}) == [
        ("a", "h", ["b"], False), ("abc", "h", [], True)]


def test_a_refusal_is_an_outcome_and_can_be_mended() -> None:
    assert told("abc", {"ab": "R"}) == [("ab", REFUSED, ["c"], False)]


def test_behind_a_refusal_nothing_is_mended() -> None:
    assert told("ab", {"a": "h", "ab": "R"}) == [("a", "h", [], False), ("ab", REFUSED, [], False)]


def test_what_no_line_says_tells_nothing() -> None:
    assert told("ab", {"a": "h", "ab": "X"}) == [("a", "h", [], False)]


def test_a_feature_shows_what_it_includes() -> None:
    assert told("abc", {"ac": "h", "bc": "h", "abc": "h"}, b="a") == [("ac", "h", [], False)]


def test_a_known_pair_comes_out_of_real_boots() -> None:
    layer, = chart(read_features("balloon,mem-lock,backend-memfd"), 3, [Q35])
    found = next(c for c in layer.conflicts if c.outcome == "balloon-mlock")
    assert found.features == ("mem-lock", "balloon")
    assert found.line == "-overcommit mem-lock=on -device virtio-balloon-pci"
    assert found.releases == ("5.2", "7.2", "8.2", "10.0", "11.1")
    assert found.severity == RULES["balloon-mlock"].severity


def test_the_short_line_shows_nothing_new() -> None:
    argv = ["-accel", "kvm", "-M", "q35,confidential-guest-support=guard", "-m", "256M", "-object",
            "sev-guest,id=guard,cbitpos=51,reduced-phys-bits=1", "-device", "virtio-balloon-pci,id=balloon"]
    before = shown(argv, (), "7.2")
    line, operations = shortest(argv, (), "sev-pins-ram-no-balloon", "7.2")
    assert "-accel kvm" in line  # without KVM there would be a worse hazard
    assert operations == ()
    assert "sev-pins-ram-no-balloon" in before


def test_the_short_line_drops_operations_that_are_not_needed() -> None:
    assert shortest(["-m", "256M"], ("savevm", "multifd", "hot-plug"), "savevm-multifd-crash", "7.2") == (
        "-m 256M", ("savevm", "multifd"))


def test_a_short_refusal_keeps_its_words_and_its_machine() -> None:
    line, _ = shortest(["-M", "microvm", "-m", "256M", "-device", "ivshmem-plain,id=a,memdev=b"], (), REFUSED,
                       "7.2")
    assert line == "-M microvm -device ivshmem-plain"


def test_a_release_without_the_words_does_not_show_the_conflict() -> None:
    line = "-object memory-backend-ram,id=ram,size=256M,prealloc=on,reserve=off"
    assert releases_that_show(line, (), REFUSED, ["6.1"]) == ("7.2", "8.2", "10.0", "11.1")
