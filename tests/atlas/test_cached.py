"""What lies in data/atlas is what booting finds today, and what a real QEMU said."""

from __future__ import annotations

import json
from itertools import combinations, islice

import pytest

import memkit
from memkit.atlas import FEATURES, Ground, fingerprint
from memkit.atlas.cached import path_of
from memkit.atlas.conflict import recorded
from memkit.atlas.conflicts import REFUSED
from memkit.atlas.line import HOST, combine
from memkit.atlas.shrink import shown
from memkit.atlas.sweep import Answer, ask, sweep
from memkit.boot import boot
from memkit.config import parse
from memkit.errors import Refused
from memkit.hazards import RULES
from memkit.versions import KNOWN_QEMU

RENEW = "the atlas in data/ is not what the model finds today; renew it with: python -m memkit.atlas"
ALL = tuple(FEATURES.values())
EVERY = pytest.mark.parametrize("qemu", KNOWN_QEMU)


def told(answer: Answer) -> Answer:
    """An answer as the atlas keeps it: of a refusal only that it is one."""
    return answer._replace(refusal=REFUSED if answer.refusal else "")


@EVERY
def test_the_file_is_of_today(qemu: str) -> None:
    about = json.loads(path_of(qemu).read_text(encoding="utf-8"))["about"]
    assert about["fingerprint"] == fingerprint(), RENEW


def test_every_pair_is_as_the_atlas_says() -> None:
    ground = Ground("7.2", "q35")
    layer = memkit.atlas().layers[0]
    found = sweep(ALL, 2, [ground])[ground]
    assert len(found) > 1000
    wrong = {names for names, answer in found.items() if told(answer) != told(layer.answer(names))}
    assert wrong == set(), RENEW


@EVERY
def test_triples_here_and_there_are_as_the_atlas_says(qemu: str) -> None:
    layer = memkit.atlas(qemu=qemu).layers[0]
    step = 97 if qemu == "7.2" else 397
    for chosen in islice(combinations(layer.known, 3), 0, None, step):
        names = [feature.name for feature in chosen]
        assert told(ask(chosen, layer.ground)) == told(layer.answer(names)), (names, RENEW)


@EVERY
def test_each_short_line_shows_its_outcome(qemu: str) -> None:
    for conflict in memkit.atlas(qemu=qemu).conflicts:
        if qemu != "7.2" and len(conflict.features) < 3:
            continue
        argv = parse(conflict.line, qemu).argv()
        assert conflict.outcome in shown(argv, conflict.operations, qemu), (conflict.features, RENEW)
        assert qemu in conflict.releases


def test_no_minimal_set_has_its_outcome_in_a_smaller_one() -> None:
    layer = memkit.atlas().layers[0]
    for conflict in layer.conflicts:
        if conflict.again:
            continue
        for many in range(1, len(conflict.features)):
            for fewer in combinations(conflict.features, many):
                assert conflict.outcome not in {c.outcome for c in layer.cell(fewer).conflicts}


def test_every_outcome_is_a_refusal_or_a_rule() -> None:
    for qemu in KNOWN_QEMU:
        outcomes = {c.outcome for c in memkit.atlas(qemu=qemu).conflicts}
        assert outcomes <= {REFUSED, *RULES}


def words(line: str, qemu: str) -> str:
    """The model's first line of refusal, "" where it starts."""
    try:
        boot(line, qemu=qemu, host=HOST)
    except Refused as refused:
        return refused.message.splitlines()[0]
    return ""


def test_a_real_qemu_says_what_the_model_says_to_every_line_that_it_was_asked() -> None:
    said = recorded("7.2")
    assert len(said) > 400
    assert sum(1 for text in said.values() if text) >= 14
    assert [] == [line for line, text in said.items() if text != words(line, "7.2")]


def test_most_pairs_of_features_were_asked_of_a_real_qemu() -> None:
    said, lines = recorded("7.2"), set()
    known = memkit.atlas().layers[0].known
    for feature in known:
        for other in known:
            combined = combine([feature, other]) if feature is not other else combine([feature])
            lines.add(parse(list(combined.argv)).text())
    assert len(said.keys() & lines) > 300
