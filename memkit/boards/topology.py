"""CPU topology: sockets, dies, cores and threads, with what ``-smp`` leaves out filled in.

It matters for memory because sockets are spread over the NUMA nodes.

Source: machine_parse_smp_config in hw/core/machine-smp.c, x86_cpus_init in hw/i386/x86.c (QEMU 7.2, 10.0);
pc_smp_parse in hw/i386/pc.c, smp_parse in hw/core/machine.c (QEMU 5.2).
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from math import prod
from typing import TYPE_CHECKING

from memkit.boards import catalog
from memkit.boards.board import refuse_here
from memkit.boards.refusals import refuse
from memkit.config import Option, SmpOptions

if TYPE_CHECKING:
    from memkit.boards.machine import Machine

__all__ = ["Topology", "read_topology"]

_WORD = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class Topology:
    """Numbers of each level; ``cpus`` are there at start, ``max_cpus`` can be.

    ``modules`` are groups of cores in a die, which QEMU knows since 9.1; ``clusters`` those of Arm's boards
    (since 7.0); ``books`` and ``drawers`` are groups of sockets in a mainframe (since 8.2).
    """

    cpus: int = 1
    max_cpus: int = 1
    sockets: int = 1
    dies: int = 1
    cores: int = 1
    threads: int = 1
    modules: int = 1
    clusters: int = 1
    books: int = 1
    drawers: int = 1

    def ids(self, cpu: int) -> dict[str, int]:
        """The ids of CPU number ``cpu``: thread-id, core-id, die-id, socket-id.

        >>> Topology(4, 4, sockets=2, cores=2).ids(3)
        {'thread-id': 0, 'core-id': 1, 'die-id': 0, 'socket-id': 1}
        """
        core = cpu // self.threads
        return {
            "thread-id": cpu % self.threads, "core-id": core % self.cores,
            "die-id": core // (self.cores * self.modules) % self.dies,
            "socket-id": core // (self.cores * self.modules * self.dies),
        }

    def module(self, cpu: int) -> int:
        """The module-id of CPU number ``cpu``."""
        return cpu // (self.threads * self.cores) % self.modules


def read_topology(machine: Machine, given: SmpOptions, option: Option | None) -> Topology:
    """The topology of ``-smp``; machine types before 6.2 fill in sockets first; raises Refused.

    QEMU keeps the numbers in 32 bits, so larger ones lose what is above.
    """
    facts = machine.qemu
    if not facts.smp_by_machine_type:
        (sockets, dies, cores, threads), maxcpus, cpus = _old_levels(machine, given, option)
        between: dict[str, int] = {"dies": dies}
    else:
        if 0 in astuple(given):
            if facts.smp_zero_refused:
                raise refuse("smp-zero", option)
            machine.warnings.append(
                "warning: Deprecated CPU topology (considered invalid): CPU topology parameters must be "
                "greater than zero"
            )
        _check_levels(machine, given, option)
        between = {name: (getattr(given, name) or 0) & _WORD or 1 for name in _BETWEEN}
        between_all = prod(between.values())
        (sockets, cores, threads), maxcpus = _filled_in(given, between_all, machine.facts.prefer_sockets)
        total = sockets * between_all * cores * threads & _WORD
        maxcpus = maxcpus or total
        cpus = (given.cpus or 0) & _WORD or maxcpus
        written = _written(machine, sockets, between, cores, threads)
        if total != maxcpus:
            raise refuse("smp-product", option, topology=written, maxcpus=maxcpus)
        if maxcpus < cpus:
            raise refuse("smp-maxcpus", option, topology=written, maxcpus=maxcpus, cpus=cpus)
    limit = _limit(machine)
    if not cpus:
        raise refuse("smp-min", option, machine=machine.type)
    if machine.board is not None and cpus < machine.board.min_cpus:
        least = machine.board.min_cpus
        raise refuse_here(
            f"Invalid SMP CPUs {cpus}. The min CPUs supported by machine '{machine.type}' is {least}",
            "The board is a chip that has more CPUs.", f"use -smp {least}, or leave out -smp",
            "machine_parse_smp_config, hw/core/machine-smp.c, QEMU 7.2", option,
        )
    if maxcpus > limit:
        # Printed as a signed number.
        shown = maxcpus - (1 << 32) if maxcpus >> 31 else maxcpus
        raise refuse("smp-max", option, cpus=shown, machine=machine.type, limit=limit)
    return Topology(cpus, maxcpus, sockets, cores=cores, threads=threads, **between)


# Levels between those that every machine has: a machine type has some of them.
_BETWEEN = ("drawers", "books", "dies", "clusters", "modules")


def _levels(machine: Machine) -> tuple[str, ...]:
    """The levels that the machine has beside sockets, cores and threads."""
    if machine.board is not None:
        return machine.board.levels(machine)
    if machine.family == "microvm":
        return ()
    return ("dies", "modules") if machine.qemu.smp_modules else ("dies",)


def _limit(machine: Machine) -> int:
    """The most CPUs that the machine takes."""
    found = machine.board.max_cpus(machine) if machine.board is not None else None
    record = catalog.machine(machine.program, machine.type) if found is None else None
    return found if found is not None else record.max_cpus if record else _WORD


def _check_levels(machine: Machine, given: SmpOptions, option: Option | None) -> None:
    """Raise Refused for a level that the machine does not have."""
    has = _levels(machine)
    modules = machine.qemu.smp_modules
    names = ("modules", "clusters", "dies", "books", "drawers") if modules else (
        "dies", "clusters", "books", "drawers"
    )
    lacks = {name: name not in has for name in names}
    for name, lacking in lacks.items():
        number = getattr(given, name) or 0
        # Compared before they are cut to 32 bits, since 9.1.
        if lacking and (number if modules else number & _WORD) > 1:
            key = f"smp-{name}" if name in ("dies", "clusters") else "smp-level"
            raise refuse(key, option, level=name)


def _written(machine: Machine, sockets: int, between: dict[str, int], cores: int, threads: int) -> str:
    """The topology as QEMU prints it: the levels that the machine type has."""
    has = _levels(machine)
    above, below = _BETWEEN[:2], _BETWEEN[2:]
    parts = [f"{name} ({between[name]})" for name in above if name in has]
    parts.append(f"sockets ({sockets})")
    parts += [f"{name} ({between[name]})" for name in below if name in has]
    return " * ".join((*parts, f"cores ({cores})", f"threads ({threads})"))


def _old_levels(
    machine: Machine, given: SmpOptions, option: Option | None
) -> tuple[tuple[int, int, int, int], int, int]:
    """Sockets, dies, cores and threads, maxcpus and CPUs, as they were filled in before 6.2."""
    cpus, sockets = (given.cpus or 0) & _WORD, (given.sockets or 0) & _WORD
    cores, threads = (given.cores or 0) & _WORD, (given.threads or 0) & _WORD
    dies, with_dies = 1, "dies" in _levels(machine)
    if with_dies and given.dies is not None:
        dies = given.dies & _WORD
    most = given.maxcpus & _WORD if given.maxcpus is not None else None
    if not cpus or not sockets:
        cores, threads = cores or 1, threads or 1
        if not cpus:
            sockets = sockets or 1
            cpus = cores * threads * dies * sockets & _WORD
        else:
            sockets = _shared(cpus if most is None else most, cores, threads, dies)
    elif not cores:
        threads = threads or 1
        cores = _shared(cpus, sockets, dies, threads) or 1
    elif not threads:
        threads = _shared(cpus, cores, dies, sockets) or 1
    written = f"sockets ({sockets}) * "
    if with_dies:
        written += f"dies ({dies}) * "
    written += f"cores ({cores}) * threads ({threads})"
    maxcpus, total = cpus if most is None else most, sockets * dies * cores * threads & _WORD
    if total < cpus and given.cpus and given.sockets and given.cores and given.threads:
        raise refuse("smp-too-few", option, topology=written, cpus=cpus)
    if maxcpus < cpus:
        raise refuse("smp-maxcpus", option, topology=written, maxcpus=maxcpus, cpus=cpus)
    if total != maxcpus:
        deprecated = " deprecated" if with_dies else ""
        raise refuse("smp-product", option, topology=written, maxcpus=maxcpus, deprecated=deprecated)
    return (sockets, dies, cores, threads), maxcpus, cpus


def _filled_in(
    given: SmpOptions, between: int, prefer_sockets: bool
) -> tuple[tuple[int, int, int], int]:
    """Sockets, cores and threads, and maxcpus, 0 if it follows from them.

    ``between`` is the product of the other levels.
    """
    cpus, maxcpus = (given.cpus or 0) & _WORD, (given.maxcpus or 0) & _WORD
    sockets, cores = (given.sockets or 0) & _WORD, (given.cores or 0) & _WORD
    threads = (given.threads or 0) & _WORD
    if not cpus and not maxcpus:
        return (sockets or 1, cores or 1, threads or 1), 0
    maxcpus = maxcpus or cpus
    if prefer_sockets:
        if not sockets:
            cores, threads = cores or 1, threads or 1
            sockets = _shared(maxcpus, between, cores, threads)
        elif not cores:
            threads = threads or 1
            cores = _shared(maxcpus, sockets, between, threads)
    elif not cores:
        sockets, threads = sockets or 1, threads or 1
        cores = _shared(maxcpus, sockets, between, threads)
    elif not sockets:
        threads = threads or 1
        sockets = _shared(maxcpus, between, cores, threads)
    return (sockets, cores, threads or _shared(maxcpus, sockets, between, cores)), maxcpus


def _shared(maxcpus: int, *levels: int) -> int:
    # Where the product of the levels wraps to 0, QEMU dies of the division; 0 leads to a refusal here.
    product = prod(levels) & _WORD
    return maxcpus // product if product else 0
