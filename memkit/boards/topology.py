"""CPU topology: sockets, dies, cores and threads, with what ``-smp`` leaves out filled in.

It matters for memory because sockets are spread over the NUMA nodes.

Source: machine_parse_smp_config in hw/core/machine-smp.c (QEMU 7.2).
"""

from __future__ import annotations

from dataclasses import dataclass

from memkit.boards.refusals import refuse
from memkit.config import Config

__all__ = ["Topology", "read_topology"]

MAX_CPUS = {"pc": 255, "q35": 288, "microvm": 288}


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


def read_topology(config: Config, family: str, machine_type: str, prefer_sockets: bool) -> Topology:
    """The topology of ``-smp``; machine types before 6.2 fill in sockets first; raises Refused."""
    given = config.smp_options()
    option = config.last("smp")
    dies = given.dies or 1
    if dies > 1 and family == "microvm":
        raise refuse("smp-dies", option)
    if (given.clusters or 1) > 1:
        raise refuse("smp-clusters", option)
    cpus, maxcpus = given.cpus or 0, given.maxcpus or 0
    sockets, cores, threads = given.sockets or 0, given.cores or 0, given.threads or 0
    if not cpus and not maxcpus:
        sockets, cores, threads = sockets or 1, cores or 1, threads or 1
    else:
        maxcpus = maxcpus or cpus
        if prefer_sockets:
            if not sockets:
                cores, threads = cores or 1, threads or 1
                sockets = maxcpus // (dies * cores * threads)
            elif not cores:
                threads = threads or 1
                cores = maxcpus // (sockets * dies * threads)
        elif not cores:
            sockets, threads = sockets or 1, threads or 1
            cores = maxcpus // (sockets * dies * threads)
        elif not sockets:
            threads = threads or 1
            sockets = maxcpus // (dies * cores * threads)
        if not threads:
            threads = maxcpus // (sockets * dies * cores or 1)
    total = sockets * dies * cores * threads
    maxcpus = maxcpus or total
    cpus = cpus or maxcpus
    written = f"sockets ({sockets})"
    if family != "microvm":
        written += f" * dies ({dies})"
    written += f" * cores ({cores}) * threads ({threads})"
    if total != maxcpus:
        raise refuse("smp-product", option, topology=written, maxcpus=maxcpus)
    if maxcpus < cpus:
        raise refuse("smp-maxcpus", option, topology=written, maxcpus=maxcpus, cpus=cpus)
    limit = MAX_CPUS[family]
    if maxcpus > limit:
        raise refuse("smp-max", option, cpus=maxcpus, machine=machine_type, limit=limit)
    return Topology(cpus, maxcpus, sockets, dies, cores, threads)
