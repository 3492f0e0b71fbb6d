"""From features to layers: sweep, find the minimal sets, shrink the line of each, look at other releases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass

from memkit.atlas.conflict import Conflict
from memkit.atlas.conflicts import REFUSED, Minimal, minimal_sets
from memkit.atlas.features import Feature
from memkit.atlas.layer import Layer
from memkit.atlas.line import HOST, combine
from memkit.atlas.shrink import releases_that_show, shortest
from memkit.atlas.sweep import Ground, pool_of, sweep
from memkit.boot import boot
from memkit.config import parse
from memkit.errors import Refused

__all__ = ["Task", "chart", "conflicts_of"]

# Minimal sets in one piece of work.
SETS = 12


@dataclass(frozen=True, slots=True)
class Task:
    """Some minimal sets of one ground, to become conflicts."""

    ground: Ground
    features: tuple[Feature, ...]
    minimal: tuple[Minimal, ...]


def chart(
    features: Sequence[Feature], size: int, grounds: Sequence[Ground], executor: Executor | None = None,
    report: Callable[[int, int], object] = lambda done, of: None,
) -> tuple[Layer, ...]:
    """A Layer for each ground.  ``report`` is told how much is done, of how much.

    >>> from memkit.atlas.features import read_features
    >>> layer, = chart(read_features("balloon,mem-lock"), 2, [Ground("7.2", "q35")])
    >>> [(conflict.outcome, conflict.line) for conflict in layer.conflicts if len(conflict.features) == 2]
    [('balloon-mlock', '-overcommit mem-lock=on -device virtio-balloon-pci')]
    """
    with pool_of(executor, features, size, grounds) as pool:
        # Shrinking takes about a quarter of the time.
        answers = sweep(features, size, grounds, pool, lambda done, of: report(done * 3, of * 4))
        tasks = []
        for ground, answered in answers.items():
            found = minimal_sets(features, answered)
            tasks += [Task(ground, tuple(features), found[n : n + SETS]) for n in range(0, len(found), SETS)]
        made: dict[int, tuple[Conflict, ...]] = {}
        if pool is None:
            made = {n: conflicts_of(task) for n, task in enumerate(tasks)}
        else:
            waiting = {pool.submit(conflicts_of, task): n for n, task in enumerate(tasks)}
            for future in as_completed(waiting):
                made[waiting[future]] = future.result()
                report(3 * len(tasks) + len(made), 4 * len(tasks))
        report(1, 1)
    return tuple([
        Layer(ground, tuple(features), size, tuple(
            [conflict for n, task in enumerate(tasks) if task.ground == ground for conflict in made[n]]
        ))
        for ground in grounds
    ])


def conflicts_of(task: Task) -> tuple[Conflict, ...]:
    """The conflicts of some minimal sets; an executor runs this."""
    return tuple([_conflict(minimal, task) for minimal in task.minimal])


def _conflict(minimal: Minimal, task: Task) -> Conflict:
    order = {feature.name: n for n, feature in enumerate(task.features)}
    chosen = [feature for feature in task.features if feature.name in minimal.features]
    qemu = task.ground.qemu
    combined = combine(chosen, task.ground.board)
    if minimal.again:
        # A smaller set shows it, too: nothing of this line may go.
        line, operations = parse(list(combined.argv), qemu).text(), combined.operations
    else:
        line, operations = shortest(combined.argv, combined.operations, minimal.outcome, qemu)
    since = [feature.since for feature in chosen]
    return Conflict(
        tuple([feature.name for feature in chosen]), minimal.outcome, line, operations,
        releases_that_show(line, operations, minimal.outcome, since),
        tuple([tuple(sorted(names, key=order.__getitem__)) for names in minimal.mended_by]),
        minimal.again, *_told(line, minimal, qemu),
    )


def _told(line: str, minimal: Minimal, qemu: str) -> tuple[str, tuple[str, str]]:
    """QEMU's words for the short line, and ours."""
    if minimal.outcome == REFUSED:
        try:
            boot(line, qemu=qemu, host=HOST)
        except Refused as refused:
            return refused.message, (refused.explanation, refused.hint)
    return "", ("", "")

