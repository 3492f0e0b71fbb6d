"""A simulated migration: its rounds, its counters, and whether it converges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.migration.dirty.blocks import PAGE, Block, Row
from memkit.migration.dirty.options import Options, bytes_a_second
from memkit.migration.dirty.pages import Bits, Shares
from memkit.migration.dirty.postcopy import run_postcopy
from memkit.migration.dirty.rounds import Round
from memkit.migration.dirty.rules import CHUNK, granule_of, rules
from memkit.migration.dirty.run import Run
from memkit.migration.dirty.workload import Workload

__all__ = ["Simulation", "simulate"]

# Guests up to 512 MiB are simulated page by page, unless they write too much for that.
EXACT = (512 << 20) // PAGE
LONGEST = 200

Stretch = tuple[str, int, int]


@dataclass(frozen=True)
class Simulation:
    """What a migration does.

    ``outcome`` is "completes" (by precopy), "postcopy" (it completed after the guest had moved) or
    "does not converge".  ``total_time`` and ``downtime`` are milliseconds.  ``rounds`` can be walked through;
    each prints one sentence.  ``exact`` is False where stretches of pages have shares instead of bits.
    """

    row: Row
    workloads: tuple[Workload, ...]
    options: Options
    qemu: str
    outcome: str
    rounds: tuple[Round, ...]
    total_time: float
    downtime: float
    throttle: int
    exact: bool
    waited: float
    again: tuple[Any, dict[str, Any]] = field(repr=False, compare=False)

    @property
    def converges(self) -> bool:
        """True if precopy alone comes to its end."""
        return self.outcome == "completes"

    def query_migrate(self, number: int = -1) -> dict[str, Any]:
        """What query-migrate answers at the end of a round (-1: the last), with this release's names.

        Milliseconds and bytes.  Raises MemkitError for a round that there was not.

        >>> from memkit.migration import dirty
        >>> run = dirty.simulate(64 << 20, dirty.Idle(), bandwidth="1GbE", qemu="10.0")
        >>> run.query_migrate()["ram"]["normal"]
        16384
        """
        if not -len(self.rounds) <= number < len(self.rounds):
            last = len(self.rounds) - 1
            raise MemkitError(f"there is no round {number}; this migration had rounds 0 to {last}")
        return {**self.rounds[number].counters}

    @cached_property
    def verdict(self) -> Any:
        """Whether it converges, why, and what would help, with numbers that were tried: a Verdict."""
        from memkit.migration.dirty.verdict import judge

        return judge(self)

    def with_options(self, **changes: Any) -> Simulation:
        """The same guest and workload, migrated otherwise: arguments as for simulate()."""
        guest, arguments = self.again
        return simulate(guest, self.workloads, **{**arguments, **changes})

    def __str__(self) -> str:
        from memkit.migration.dirty.words import story

        return story(self)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        from memkit.draw.dirty import rounds_svg

        picture = rounds_svg(self)
        # As HTML the picture follows the page's theme; as a mere image, pages put it on white.
        html = f'<div style="overflow-x:auto">{picture}</div>'
        return {"text/plain": str(self), "text/html": html, "image/svg+xml": picture}


def simulate(
    guest: Guest | int | Sequence[Block], workload: Workload | Sequence[Workload], *, bandwidth: float | str,
    qemu: str | None = None, target: str | None = None, dirty_granularity: int | None = None,
    nonzero: Sequence[Stretch] | None = None, written: Sequence[int] | None = None,
    measured: Sequence[tuple[float, float]] = (), exact: bool | None = None, longest: int = LONGEST,
    **parameters: Any,
) -> Simulation:
    """The migration of ``guest`` (a Guest, bytes of RAM, or Blocks) while ``workload`` (or several) runs.

    ``bandwidth`` is what the wire carries, in bytes a second or as "10GbE"; ``parameters`` are the fields of
    Options, by QEMU's names with underscores (``max_bandwidth``, ``downtime_limit`` ...).
    ``dirty_granularity``: bytes that one write marks as dirty, by default what KVM logs on ``target``.
    ``nonzero``: stretches (block, offset, length) that hold anything but zeros at the start; None: all.
    ``written``: writes that each workload had done before; ``measured``: (milliseconds, writes) of the first
    workload, where a real guest was watched.  ``exact``: page by page, or by shares of stretches; by default
    the first up to 1 GiB.  ``longest``: rounds to try.
    Raises MemkitError for what makes no sense.

    >>> from memkit.migration import dirty
    >>> print(dirty.simulate(1 << 30, dirty.Idle(), bandwidth="10GbE").outcome)
    completes
    """
    row = Row.of(guest)
    known = guest if isinstance(guest, Guest) else None
    release = rules(qemu or (known.qemu if known else "11.1"))
    target = target or (known.target if known else "x86_64")
    workloads = (workload,) if isinstance(workload, Workload) else tuple(workload)
    if not workloads or not all(isinstance(w, Workload) for w in workloads):
        raise MemkitError(
            "a workload is one of Idle, Sequential, OneBytePerPage, HugePages, Random, HotSet, or several"
        )
    accelerator = known.host.accelerator if known else "kvm"
    options = _options(bandwidth, {"clear_chunk": CHUNK if accelerator == "kvm" else 0, **parameters})
    small = row.pages <= EXACT and sum(w.rate for w in workloads) <= 2e4
    kind: type[Any] = Bits if (small if exact is None else exact) else Shares
    granules = [
        (dirty_granularity or granule_of(target, _page_size(row, w), known.host if known else None)) // PAGE
        for w in workloads
    ]
    stretches = nonzero if nonzero is not None else [(b.name, 0, b.size) for b in row.blocks]
    places = [(row.find(name, offset, length), length) for name, offset, length in stretches]
    run = Run(
        row, workloads, options, release, kind=kind, granules=granules, longest=longest,
        nonzero=kind.of(row.pages, [(first, first + -(-length // PAGE), 1.0) for first, length in places]),
        written=written or [0] * len(workloads), measured=measured,
    )
    run.go()
    waited = run_postcopy(run) if run.outcome == "postcopy" else 0.0
    arguments = {
        "bandwidth": bandwidth, "qemu": qemu, "target": target, "dirty_granularity": dirty_granularity,
        "nonzero": nonzero, "written": written, "measured": measured, "exact": exact,
        "longest": longest, **parameters,
    }
    return Simulation(
        row, workloads, options, release.qemu, run.outcome, tuple(run.rounds), run.now, run.downtime,
        run.throttle, kind is Bits, waited, (guest, arguments),
    )


def _options(bandwidth: float | str, parameters: dict[str, Any]) -> Options:
    known = set(Options.__dataclass_fields__) - {"bandwidth"}
    for name in parameters:
        if name not in known:
            raise MemkitError(f"no parameter is called {name!r}; there are: {', '.join(sorted(known))}")
    rates = {"max_bandwidth", "max_postcopy_bandwidth"}
    values: dict[str, Any] = {n: bytes_a_second(v) if n in rates and v else v for n, v in parameters.items()}
    if values.get("postcopy_at"):
        values["postcopy_ram"] = True
    return Options(bandwidth=bytes_a_second(bandwidth), **values)


def _page_size(row: Row, workload: Workload) -> int:
    """The page size of the block that is written."""
    return next(b.page_size for b in row.blocks if workload.block in ("", b.name))
