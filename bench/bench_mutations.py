"""A hundred thousand spoilt command lines end in a Guest or in an error of memkit's, each at once."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from pathlib import Path

import memkit

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from recorded import captures, spoilt

SEED, MUTATIONS = 7_2, 100_000


def test_no_spoilt_line_ends_in_another_exception(figures: object) -> None:
    luck = random.Random(SEED)
    lines = captures()
    other: Counter[str] = Counter()
    slowest = 0.0
    for _ in range(MUTATIONS):
        capture = luck.choice(lines)
        argv = spoilt(capture.argv, luck)
        start = time.perf_counter()
        try:
            memkit.boot(argv, host=capture.host)
        except memkit.MemkitError:
            pass
        except Exception as error:
            other[f"{type(error).__name__}: {error}"[:80]] += 1
        slowest = max(slowest, time.perf_counter() - start)
    figures.at_most("mutated command lines that end in another exception", other.total(), 0)  # type: ignore[attr-defined]
    figures.at_most("the slowest of them", slowest, 1, "s")  # type: ignore[attr-defined]
    assert not other, other.most_common(5)
