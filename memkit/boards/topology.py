"""CPU topology: sockets, dies, cores and threads, with what ``-smp`` leaves out filled in.

It matters for memory because sockets are spread over the NUMA nodes.

Source: machine_parse_smp_config in hw/core/machine-smp.c, x86_cpus_init in hw/i386/x86.c (QEMU 7.2).
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from math import prod
from typing import TYPE_CHECKING

from memkit.boards import catalog
from memkit.boards.refusals import refuse
from memkit.config import Option, SmpOptions

if TYPE_CHECKING:
    from memkit.boards.machine import Machine

__all__ = ["Topology", "check_apic_ids", "read_topology"]

_WORD = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class Topology:
    """Numbers of each level; ``cpus`` are there at start, ``max_cpus`` can be."""

    cpus: int = 1
    max_cpus: int = 1
    sockets: int = 1
    dies: int = 1
    cores: int = 1
    threads: int = 1

    def ids(self, cpu: int) -> dict[str, int]:
        """The ids of CPU number ``cpu``: thread-id, core-id, die-id, socket-id.

        >>> Topology(4, 4, sockets=2, cores=2).ids(3)
        {'thread-id': 0, 'core-id': 1, 'die-id': 0, 'socket-id': 1}
        """
        core = cpu // self.threads
        return {
            "thread-id": cpu % self.threads, "core-id": core % self.cores,
            "die-id": core // self.cores % self.dies, "socket-id": core // (self.cores * self.dies),
        }


def read_topology(machine: Machine, given: SmpOptions, option: Option | None) -> Topology:
    """The topology of ``-smp``; machine types before 6.2 fill in sockets first; raises Refused.

    QEMU keeps the numbers in 32 bits, so larger ones lose what is above.
    """
    if 0 in astuple(given):
        machine.warnings.append(
            "warning: Deprecated CPU topology (considered invalid): CPU topology parameters must be "
            "greater than zero"
        )
    dies, clusters = (given.dies or 0) & _WORD, (given.clusters or 0) & _WORD
    if dies > 1 and machine.family == "microvm":
        raise refuse("smp-dies", option)
    if clusters > 1:
        raise refuse("smp-clusters", option)
    levels, maxcpus = _filled_in(given, dies or 1, machine.facts.prefer_sockets)
    sockets, dies, cores, threads = levels
    total = sockets * dies * cores * threads & _WORD
    maxcpus = maxcpus or total
    cpus = (given.cpus or 0) & _WORD or maxcpus
    written = f"sockets ({sockets})"
    if machine.family != "microvm":
        written += f" * dies ({dies})"
    written += f" * cores ({cores}) * threads ({threads})"
    if total != maxcpus:
        raise refuse("smp-product", option, topology=written, maxcpus=maxcpus)
    if maxcpus < cpus:
        raise refuse("smp-maxcpus", option, topology=written, maxcpus=maxcpus, cpus=cpus)
    record = catalog.machine(machine.qemu.version, machine.type)
    limit = record.max_cpus if record else _WORD
    if not cpus:
        raise refuse("smp-min", option, machine=machine.type)
    if maxcpus > limit:
        # Printed as a signed number.
        shown = maxcpus - (1 << 32) if maxcpus >> 31 else maxcpus
        raise refuse("smp-max", option, cpus=shown, machine=machine.type, limit=limit)
    return Topology(cpus, maxcpus, sockets, dies, cores, threads)


def _filled_in(given: SmpOptions, dies: int, prefer_sockets: bool) -> tuple[tuple[int, int, int, int], int]:
    """Sockets, dies, cores and threads, and maxcpus (0 if it follows from them)."""
    cpus, maxcpus = (given.cpus or 0) & _WORD, (given.maxcpus or 0) & _WORD
    sockets, cores = (given.sockets or 0) & _WORD, (given.cores or 0) & _WORD
    threads = (given.threads or 0) & _WORD
    if not cpus and not maxcpus:
        return (sockets or 1, dies, cores or 1, threads or 1), 0
    maxcpus = maxcpus or cpus
    if prefer_sockets:
        if not sockets:
            cores, threads = cores or 1, threads or 1
            sockets = _shared(maxcpus, dies, cores, threads)
        elif not cores:
            threads = threads or 1
            cores = _shared(maxcpus, sockets, dies, threads)
    elif not cores:
        sockets, threads = sockets or 1, threads or 1
        cores = _shared(maxcpus, sockets, dies, threads)
    elif not sockets:
        threads = threads or 1
        sockets = _shared(maxcpus, dies, cores, threads)
    return (sockets, dies, cores, threads or _shared(maxcpus, sockets, dies, cores)), maxcpus


def _shared(maxcpus: int, *levels: int) -> int:
    # Where the product of the levels wraps to 0, QEMU dies of the division; 0 leads to a refusal here.
    product = prod(levels) & _WORD
    return maxcpus // product if product else 0


def check_apic_ids(topology: Topology, option: Option | None) -> None:
    """Raise Refused if a CPU's APIC id would be above 254, which needs KVM's own APIC (x86_cpus_init)."""
    ids = topology.ids(topology.max_cpus - 1)
    apic = 0
    for name, count in (("socket-id", 1), ("die-id", topology.dies), ("core-id", topology.cores),
                        ("thread-id", topology.threads)):
        apic = apic << (count - 1).bit_length() | ids[name]
    if apic + 1 > 255:
        raise refuse("smp-apic", option)
