"""All combinations of some features, each booted and asked for its hazards, on any executor.

Work travels in chunks: plain data and one function that any process can import, so that the executors of
Dask, Ray or mpi4py carry it as well as those of the standard library.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import combinations
from math import comb
from multiprocessing import parent_process
from typing import NamedTuple

from memkit.atlas.features import Feature
from memkit.atlas.line import HOST, Combined, combine
from memkit.boot import boot
from memkit.errors import Refused
from memkit.guest import Guest
from memkit.hazards import hazards
from memkit.versions import parse_version

__all__ = ["Answer", "Chunk", "Ground", "answers", "ask", "operations_of", "pool_of", "sweep"]

# Lines in one chunk: some tenths of a second, so that sending costs little and a bar moves.
LINES = 96
# So few combinations are answered sooner than processes start.
FEW = 400


class Ground(NamedTuple):
    """What the features stand on: a release of QEMU and a machine type."""

    qemu: str
    board: str


class Answer(NamedTuple):
    """What became of one combination: the reason why no line has it, QEMU's refusal, or ids of hazards."""

    exclusive: str = ""
    refusal: str = ""
    hazards: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some lines to boot on one ground: ``sets`` are places in ``features``.

    Each line is asked again with every set of operations (features that change no line) that still fits
    in ``size``.
    """

    ground: Ground
    features: tuple[Feature, ...]
    sets: tuple[tuple[int, ...], ...]
    size: int


def ask(features: Sequence[Feature], ground: Ground) -> Answer:
    """What becomes of one combination.

    >>> from memkit.atlas.features import read_features
    >>> ask(read_features("prealloc,reserve-off"), Ground("7.2", "q35")).refusal
    "'prealloc=on' and 'reserve=off' are incompatible"
    """
    combined = combine(features, ground.board)
    if combined.exclusive:
        return Answer(combined.exclusive)
    guest = _booted(combined, ground.qemu)
    return Answer(refusal=guest) if isinstance(guest, str) else _asked(guest, combined)


def _booted(combined: Combined, qemu: str) -> Guest | str:
    """The guest, or QEMU's words."""
    try:
        return boot(list(combined.argv), qemu=qemu, host=HOST)
    except Refused as refused:
        return refused.message


def _asked(guest: Guest, combined: Combined) -> Answer:
    return Answer(hazards=frozenset([hazard.id for hazard in hazards(guest, combined.operations)]))


def answers(chunk: Chunk) -> list[tuple[tuple[int, ...], Answer]]:
    """The answer to each combination of a chunk, with its places; this is what an executor runs."""
    done = operations_of(chunk.features)
    found = []
    for line in chunk.sets:
        guest: Guest | str | None = None
        for places in _grown(line, done, chunk.size):
            combined = combine([chunk.features[n] for n in places], chunk.ground.board)
            if combined.exclusive:
                found.append((places, Answer(combined.exclusive)))
                continue
            # The same line, whatever is done: one boot serves all.
            guest = _booted(combined, chunk.ground.qemu) if guest is None else guest
            answer = Answer(refusal=guest) if isinstance(guest, str) else _asked(guest, combined)
            found.append((places, answer))
    return found


def _weight(chunk: Chunk) -> int:
    """How many combinations a chunk has."""
    done = operations_of(chunk.features)
    return sum(1 for line in chunk.sets for _ in _grown(line, done, chunk.size))


def operations_of(features: Sequence[Feature]) -> list[int]:
    """The places of the features that only say what is done, and so change no line."""
    return [n for n, f in enumerate(features) if f.operations and not (
        f.machine or f.backend or f.backends or f.options or f.devices)]


def _grown(line: tuple[int, ...], done: Sequence[int], size: int) -> Iterator[tuple[int, ...]]:
    """``line`` with every set of operations that fits, itself first; nothing is no combination."""
    for more in range(size - len(line) + 1):
        for operations in combinations(done, more):
            if line or operations:
                yield tuple(sorted((*line, *operations)))


def sweep(
    features: Sequence[Feature], size: int, grounds: Sequence[Ground], executor: Executor | None = None,
    report: Callable[[int, int], object] = lambda done, of: None,
) -> dict[Ground, dict[tuple[str, ...], Answer]]:
    """The answer to every combination of up to ``size`` features, by ground and by their names.

    A feature whose words a release does not know is left out there.  ``report`` is told how many
    combinations are done, of how many.  Without an ``executor`` all is done here and now.
    """
    found: dict[Ground, dict[tuple[str, ...], Answer]] = {ground: {} for ground in grounds}
    chunks = [chunk for ground in grounds for chunk in _chunks(features, size, ground)]
    total, done = sum(map(_weight, chunks)), 0
    report(0, total)

    def take(chunk: Chunk, answered: list[tuple[tuple[int, ...], Answer]]) -> None:
        nonlocal done
        for places, answer in answered:
            found[chunk.ground][tuple([chunk.features[n].name for n in places])] = answer
        done += len(answered)
        report(done, total)

    if executor is None:
        for chunk in chunks:
            take(chunk, answers(chunk))
        return found
    waiting = {executor.submit(answers, chunk): chunk for chunk in chunks}
    for future in as_completed(waiting):
        take(waiting[future], future.result())
    return found


def pool_of(
    executor: Executor | None, features: Sequence[Feature], size: int, grounds: Sequence[Ground]
) -> AbstractContextManager[Executor | None]:
    """The executor that was given, which is not ours to close; else a process for each core.

    None for so little work that it is done before processes have started.
    """
    much = sum(comb(len(features), many) for many in range(size + 1)) * len(grounds)
    if executor is not None or much <= FEW:
        return nullcontext(executor)
    affinity = getattr(os, "sched_getaffinity", None)
    return ProcessPoolExecutor(len(affinity(0)) if affinity else os.cpu_count(), initializer=_end_with_parent)


def _end_with_parent() -> None:
    """Let a worker end when its parent is killed: nobody would tell it."""
    parent = parent_process()
    if parent is not None:
        def wait() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=wait, daemon=True).start()


def _chunks(features: Sequence[Feature], size: int, ground: Ground) -> Iterator[Chunk]:
    known = tuple([feature for feature in features if feature.known_to(parse_version(ground.qemu))])
    done = set(operations_of(known))
    lines = [n for n in range(len(known)) if n not in done]
    sets = [line for many in range(size + 1) for line in combinations(lines, many)]
    # Small sets have the most operations to try; dealt out, they make chunks of one weight.
    many = -(-len(sets) // LINES)
    for first in range(many):
        yield Chunk(ground, known, tuple(sets[first::many]), size)
