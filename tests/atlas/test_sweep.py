"""A sweep: every combination once, on any executor, with a report of how far it is."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import combinations
from math import comb
from pathlib import Path
from typing import Any

import psutil
import pytest

from memkit.atlas import FEATURES, Ground
from memkit.atlas.features import read_features
from memkit.atlas.sweep import FEW, Answer, ask, pool_of, sweep

NAMES = ("hugetlb", "share-on", "readonly", "nvdimm", "balloon", "vhost-user", "migrate-postcopy", "multifd")
Q35 = Ground("7.2", "q35")


class Elsewhere(Executor):
    """An executor as Dask and Ray have it: what is done there and what comes back travels as bytes."""

    def __init__(self) -> None:
        self.sent: list[int] = []

    def submit(self, call: Callable[..., Any], /, *args: Any, **words: Any) -> Future[Any]:
        packed = pickle.dumps((call, args, words))
        self.sent.append(len(packed))
        there, given, named = pickle.loads(packed)
        future: Future[Any] = Future()
        future.set_result(pickle.loads(pickle.dumps(there(*given, **named))))
        return future


def test_a_sweep_answers_every_combination_once() -> None:
    features = read_features(NAMES)
    found = sweep(features, 3, [Q35])[Q35]
    assert found.keys() == {names for many in (1, 2, 3) for names in combinations(NAMES, many)}


def test_a_sweep_answers_as_each_combination_alone() -> None:
    found = sweep(read_features(NAMES), 2, [Q35])[Q35]
    assert found == {names: ask(read_features(names), Q35) for names in found}


def test_answers_are_hazards_refusals_or_reasons() -> None:
    found = sweep(read_features(NAMES), 2, [Q35])[Q35]
    assert found["hugetlb", "balloon"].hazards > found["hugetlb",].hazards
    assert found["readonly", "nvdimm"] == Answer(
        refusal="-device nvdimm,id=nvdimm0,memdev=nvdimm: 'unarmed' property must be 'on' since memdev "
        "nvdimm is read-only")
    assert found["readonly",].exclusive


@pytest.mark.parametrize("make", [Elsewhere, lambda: ThreadPoolExecutor(2)], ids=["elsewhere", "threads"])
def test_any_executor_gives_the_same(make: Callable[[], Executor]) -> None:
    features = read_features(NAMES)
    with make() as executor:
        assert sweep(features, 3, [Q35], executor) == sweep(features, 3, [Q35])


def test_pieces_of_work_are_few_and_small() -> None:
    executor = Elsewhere()
    sweep(read_features(NAMES), 3, [Q35], executor)
    assert len(executor.sent) <= 3
    assert max(executor.sent) < 20_000


def test_releases_and_boards_are_swept_together() -> None:
    grounds = [Ground("5.2", "pc"), Ground("11.1", "q35")]
    found = sweep(read_features("balloon,readonly,mapped-ram"), 2, grounds)
    assert list(found) == grounds
    # 5.2 knows neither readonly= nor mapped-ram.
    assert found[grounds[0]].keys() == {("balloon",)}
    assert len(found[grounds[1]]) == 6


def test_the_report_goes_from_nothing_to_all() -> None:
    told: list[tuple[int, int]] = []
    sweep(read_features(NAMES), 3, [Q35], report=lambda done, of: told.append((done, of)))
    total = sum(comb(len(NAMES), many) for many in (1, 2, 3))
    assert told[0] == (0, total)
    assert told[-1] == (total, total)
    assert told == sorted(told)


def test_an_executor_that_is_given_stays_open() -> None:
    with ThreadPoolExecutor(1) as executor:
        with pool_of(executor, read_features(NAMES), 3, [Q35]) as pool:
            assert pool is executor
        assert executor.submit(int, "1").result() == 1


def test_little_work_starts_no_process() -> None:
    with pool_of(None, read_features(NAMES), 3, [Q35]) as pool:
        assert pool is None
    assert sum(comb(len(FEATURES), many) for many in (1, 2, 3)) > FEW


def test_no_process_outlives_a_sweep_that_is_killed(root: Path) -> None:
    program = "import memkit; memkit.atlas(fresh=True, progress=False)"
    child = subprocess.Popen([sys.executable, "-c", program], cwd=root)
    try:
        workers: list[psutil.Process] = []
        while len(workers) < 1 and child.poll() is None:
            time.sleep(0.05)
            workers = psutil.Process(child.pid).children()
        assert workers
    finally:
        child.kill()
        child.wait()
    _, left = psutil.wait_procs(workers, timeout=60)
    assert [] == left
