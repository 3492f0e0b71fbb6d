"""The atlas: which features refuse each other, lose data or misbehave together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from memkit.atlas.cached import BOARD, SIZE, read_layer
from memkit.atlas.chart import chart
from memkit.atlas.conflict import OUTCOMES, Conflict
from memkit.atlas.features import Feature, read_features
from memkit.atlas.layer import Cell, Layer
from memkit.atlas.progress import bar, nothing
from memkit.atlas.sweep import Ground
from memkit.errors import MemkitError, Unavailable
from memkit.versions import DEFAULT_QEMU, nearest_qemu

if TYPE_CHECKING:
    import pandas

    from memkit.draw.atlas import AtlasPicture

__all__ = ["Atlas", "atlas"]

BOARDS = ("q35", "pc", "microvm")
_COLUMNS = ("features", "severity", "outcome", "title", "line", "operations", "versions", "mended_by",
            "confirmed")


@dataclass(frozen=True)
class Atlas:
    """All combinations of up to ``size`` of ``features``, as minimal conflict sets.

    ``layers`` hold one ground each (a release of QEMU and a machine type); all questions are about the
    first, ``on`` gives an Atlas of another.
    """

    features: tuple[Feature, ...]
    size: int
    layers: tuple[Layer, ...] = field(repr=False)

    @property
    def ground(self) -> Ground:
        """The release of QEMU and the machine type."""
        return self.layers[0].ground

    @property
    def grounds(self) -> tuple[Ground, ...]:
        """Every ground that was swept."""
        return tuple([layer.ground for layer in self.layers])

    def on(self, qemu: str | None = None, board: str | None = None) -> Atlas:
        """The Atlas of another ground of the same sweep; raises MemkitError with those that there are."""
        wanted = Ground(qemu or self.ground.qemu, board or self.ground.board)
        chosen = tuple([layer for layer in self.layers if layer.ground == wanted])
        if not chosen:
            there = ", ".join(" ".join(ground) for ground in self.grounds)
            raise MemkitError(f"nothing was swept on QEMU {wanted.qemu}, {wanted.board}; there is: {there}")
        return Atlas(self.features, self.size, chosen)

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """The minimal conflict sets, worst first; of one severity, small sets first."""
        return tuple(sorted(self.layers[0].conflicts, key=lambda c: (c.rank, len(c.features))))

    def cell(self, *names: str) -> Cell:
        """What becomes of one combination: hazards that only it has, those of fewer features, what is mended.

        Raises MemkitError for unknown names, and for more of them than were combined.

        >>> atlas().cell("mem-lock", "balloon").severity
        'performance'
        """
        known = [feature.name for feature in self.features]
        for name in names:
            if name not in known:
                raise MemkitError(f"{name!r:.60} is no feature of this atlas; they are: {', '.join(known)}")
        if not 1 <= len(set(names)) <= self.size:
            raise MemkitError(f"this atlas combines 1 to {self.size} features, not {len(set(names))}")
        return self.layers[0].cell(names)

    def data(self) -> dict[str, Any]:
        """The same as plain data, ready for JSON."""
        return {
            "qemu": self.ground.qemu, "board": self.ground.board, "size": self.size,
            "features": [{"name": f.name, "title": f.title, "area": f.area} for f in self.features],
            "conflicts": [conflict.data(self.ground.qemu) for conflict in self.conflicts],
        }

    def table(self) -> pandas.DataFrame:
        """A row for each minimal conflict set of each ground, as a pandas DataFrame, worst first.

        Raises Unavailable if pandas is missing.
        """
        try:
            import pandas
        except ImportError as error:
            raise Unavailable(
                "the table needs pandas, which is not installed; install it with: pip install 'memkit[lab]' "
                "(or: pip install pandas)"
            ) from error
        rows = []
        for layer in self.layers:
            for conflict in self.on(*layer.ground).conflicts:
                facts = conflict.data(layer.ground.qemu)
                facts |= {"features": " + ".join(conflict.features),
                          "operations": ", ".join(conflict.operations),
                          "mended_by": "; ".join(" + ".join(names) for names in conflict.mended_by)}
                rows.append({"qemu": layer.ground.qemu, "board": layer.ground.board, "size":
                             len(conflict.features), **{key: facts[key] for key in _COLUMNS}})
        return pandas.DataFrame(rows, columns=["qemu", "board", "size", *_COLUMNS])

    @property
    def heading(self) -> str:
        """What was combined, and how many conflicts there are of each kind."""
        kinds = Counter(conflict.severity for conflict in self.conflicts)
        counted = ", ".join(f"{kinds[kind]} {kind}" for kind in OUTCOMES if kinds[kind]) or "none"
        layer = self.layers[0]
        return (f"{len(layer.known)} features on QEMU {self.ground.qemu}, {self.ground.board}, up to "
                f"{self.size} at a time. Minimal conflict sets: {counted}.")

    def text(self) -> str:
        """The atlas in words: every minimal conflict set, worst first."""
        layer = self.layers[0]
        lines = [self.heading]
        late = [f"{f.name} ({f.since})" for f in self.features if f not in layer.known]
        lines += [f"Not in QEMU {self.ground.qemu}: {', '.join(late)}."] if late else []
        for severity in OUTCOMES:
            chosen = [conflict for conflict in self.conflicts if conflict.severity == severity]
            lines += ["", f"{severity} ({len(chosen)})"] if chosen else []
            for conflict in chosen:
                lines += ["", *conflict.paragraph(self.ground.qemu)]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    def picture(self, theme: str = "auto") -> AtlasPicture:
        """The matrix: each pair is a cell that opens what is behind it.  ``theme``: light, dark, auto."""
        from memkit.draw.atlas import AtlasPicture

        return AtlasPicture(self, theme)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return self.picture()._repr_mimebundle_(include, exclude)


def atlas(
    features: Iterable[str | Feature] | str | None = None, size: int = SIZE, qemu: str = DEFAULT_QEMU,
    executor: Executor | None = None, progress: bool = True, *, fresh: bool = False,
    boards: Sequence[str] | str = BOARD, versions: Sequence[str] | str | None = None,
) -> Atlas:
    """The Atlas of all combinations of up to ``size`` features: names of FEATURES, or Features of your own.

    What ``data/atlas/`` holds is read from there, unless it shall be ``fresh``; anything else is swept,
    which takes some seconds, with a ``progress`` bar.  ``executor`` is any of concurrent.futures, or one like
    it (Dask, Ray); without it there is a process for each core.  ``versions`` (in place of ``qemu``) and
    ``boards`` make a sweep over releases and machine types.  Raises MemkitError for what it does not know.

    >>> [conflict.severity for conflict in atlas("prealloc,reserve-off").conflicts]
    ['refused']
    """
    chosen = read_features(features)
    if not isinstance(size, int) or not 1 <= size <= 4:
        raise MemkitError(f"size= is the most features at a time, 1 to 4 (3 is usual), not {size!r:.20}")
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise MemkitError(
            f"executor= needs a method submit, as those of concurrent.futures have; {executor!r:.60} has none"
        )
    grounds = [
        Ground(nearest_qemu(version)[0], board)
        for version in _listed(versions if versions is not None else qemu) for board in _listed(boards)
    ]
    for ground in grounds:
        if ground.board not in BOARDS:
            raise MemkitError(f"{ground.board!r:.40} is no board of the atlas; they are: {', '.join(BOARDS)}")
    if not grounds:
        raise MemkitError("versions= and boards= name at least one each")
    grounds = list(dict.fromkeys(grounds))
    layers = {} if fresh else {
        ground: layer for ground in grounds
        if ground.board == BOARD and (layer := read_layer(ground.qemu, chosen, size)) is not None
    }
    left = [ground for ground in grounds if ground not in layers]
    if left:
        report = bar("Combining features") if progress else nothing
        layers |= {layer.ground: layer for layer in chart(chosen, size, left, executor, report)}
    return Atlas(chosen, size, tuple([layers[ground] for ground in grounds]))


def _listed(words: Sequence[str] | str) -> list[str]:
    return [word.strip() for word in words.split(",")] if isinstance(words, str) else list(words)
