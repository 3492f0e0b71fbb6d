"""Which paths a graph draws: all of them while they fit on a page, else alike ones as one."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memkit.draw.theme import KINDS

if TYPE_CHECKING:
    from memkit.joined import JoinedRow

__all__ = ["ROOM", "Path", "collapse"]

# More paths than this do not fit on a page; alike ones are then drawn together.
ROOM = 16
KEPT = 2


@dataclass(frozen=True, slots=True)
class Path:
    """One RAMBlock's row of the join, or several alike; ``number`` is its place in the picture."""

    number: int
    rows: tuple[JoinedRow, ...]

    @property
    def first(self) -> JoinedRow:
        """The row that stands for the path."""
        return self.rows[0]

    @property
    def many(self) -> bool:
        """True if the path stands for several blocks."""
        return len(self.rows) > 1

    @property
    def size(self) -> int:
        """The bytes of all its blocks."""
        return sum(r.block.max_length for r in self.rows)

    def names(self) -> str:
        """The labels of its blocks, shortened to first and last."""
        labels = [r.block.label for r in self.rows]
        return labels[0] if len(labels) == 1 else f"{labels[0]} … {labels[-1]}"


def _order(row: JoinedRow) -> tuple[bool, int, int]:
    where = min((r.start for r in row.ranges), default=0)
    return not row.ranges, KINDS.index(row.kind), where


def collapse(
    rows: Sequence[JoinedRow], focus: JoinedRow | None = None,
    mark: Callable[[JoinedRow], Hashable] = lambda _: (),
) -> list[Path]:
    """The paths to draw: all of them while they fit, else alike ones together.

    The row in focus always keeps a path of its own, and only rows of one ``mark`` are alike.
    """
    # What one frontend shows stays together, at the place of its foremost block.
    places = {id(r): _order(r) for r in rows}
    foremost: dict[int, tuple[bool, int, int]] = {}
    for r in rows:
        who = id(r.frontends[0]) if r.frontends else id(r)
        foremost[who] = min(foremost.get(who, places[id(r)]), places[id(r)])
    ordered = sorted(
        rows,
        key=lambda r: (foremost[id(r.frontends[0]) if r.frontends else id(r)], places[id(r)]),
    )

    def close(r: JoinedRow) -> Hashable:
        kinds = tuple(f.kind for f in r.frontends)
        backend = r.backend.type if r.backend else ""
        return (mark(r), r.kind, r.backing, r.block.page_size, r.block.max_length, backend, kinds,
                len(r.ranges), len(r.regions))

    def loose(r: JoinedRow) -> Hashable:
        return (mark(r), r.kind, r.backing, bool(r.ranges), len(r.frontends))

    def coarse(r: JoinedRow) -> Hashable:
        return (mark(r), r.kind, bool(r.ranges))

    groups: list[tuple[JoinedRow, ...]] = [(r,) for r in ordered]
    keys: tuple[Callable[[JoinedRow], Hashable], ...] = (close, loose, coarse)
    for key in keys:
        if len(groups) <= ROOM:
            break
        groups = _grouped(ordered, key, focus)
    return [Path(number, group) for number, group in enumerate(groups)]


def _grouped(
    ordered: Sequence[JoinedRow], key: Callable[[JoinedRow], Hashable], focus: JoinedRow | None
) -> list[tuple[JoinedRow, ...]]:
    alike: dict[Hashable, list[JoinedRow]] = {}
    for row in ordered:
        alike.setdefault(("focus",) if row is focus else key(row), []).append(row)
    groups: list[tuple[JoinedRow, ...]] = []
    for members in alike.values():
        kept = len(members) if len(members) <= KEPT + 1 else KEPT
        groups += [(m,) for m in members[:kept]]
        if members[kept:]:
            groups.append(tuple(members[kept:]))
    return groups
