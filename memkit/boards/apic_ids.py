"""CPU numbers that a local APIC can take: ids above 254 need x2APIC, which QEMU's own APIC has since 9.0.

Source: x86_cpus_init in hw/i386/x86.c, apic_realize in hw/intc/apic.c, apic_common_set_id in
hw/intc/apic_common.c (QEMU 5.2 to 11.1).
"""

from __future__ import annotations

from memkit.boards import cpus
from memkit.boards.build import Build
from memkit.boards.refusals import refuse
from memkit.boards.topology import Topology
from memkit.errors import Refused

__all__ = ["apic_id", "check_apic_ids", "check_interrupt_mode", "place_of"]

LAST_ID = 254


def apic_id(topology: Topology, cpu: int) -> int:
    """The APIC id of CPU number ``cpu``: its place, each level in as many bits as it needs.

    >>> apic_id(Topology(6, 6, sockets=2, cores=3), 3)
    4
    """
    ids, found = {**topology.ids(cpu), "module-id": topology.module(cpu)}, 0
    for name, width in _widths(topology):
        found = found << width | ids[name]
    return found


def _widths(topology: Topology) -> tuple[tuple[str, int], ...]:
    """The levels of an APIC id, the highest first, and how many bits each has; the first takes the rest."""
    counts = (("socket-id", 1), ("die-id", topology.dies), ("module-id", topology.modules),
              ("core-id", topology.cores), ("thread-id", topology.threads))
    return tuple((name, (count - 1).bit_length()) for name, count in counts)


def place_of(topology: Topology, apic: int) -> dict[str, int]:
    """The ids that an APIC id stands for, whether there is such a CPU or not.

    >>> place_of(Topology(6, 6, sockets=2, cores=3), 4)["socket-id"]
    1
    """
    place = {}
    for name, width in reversed(_widths(topology)[1:]):
        place[name] = apic & ((1 << width) - 1)
        apic >>= width
    return {**place, "socket-id": apic}


def check_apic_ids(build: Build) -> None:
    """Raise Refused if a CPU's APIC id is more than the APIC can take."""
    topology, facts = build.machine.topology, build.qemu
    if apic_id(topology, topology.max_cpus - 1) <= LAST_ID or build.machine.accelerator == "kvm":
        return
    option = build.config.last("smp")
    if facts.apic_ids_first and not facts.apic_ids_each:
        raise refuse("smp-apic", option, apic=LAST_ID + 1)
    if facts.tcg_x2apic and cpus.model(build).x2apic:
        return
    for cpu in range(topology.cpus):
        number = apic_id(topology, cpu)
        if not facts.tcg_x2apic:
            # Kept in 8 bits, so that 256 is 0 again.
            number &= 0xFF
        if number > LAST_ID:
            raise refuse("smp-apic", option, apic=number)


def check_interrupt_mode(build: Build) -> None:
    """Raise Refused where releases before 7.1 miss an IOMMU for CPUs that may come (pc_machine_done)."""
    topology, option = build.machine.topology, build.config.last("smp")
    if build.qemu.apic_ids_first or build.machine.family not in ("pc", "q35"):
        return
    if apic_id(topology, topology.max_cpus - 1) > LAST_ID and build.machine.accelerator != "kvm":
        raise Refused(
            "current -smp configuration requires Extended Interrupt Mode enabled. You can add an IOMMU "
            "using: -device intel-iommu,intremap=on,eim=on",
            explanation="CPUs with an APIC id above 254 can be plugged later, and TCG has no such APIC.",
            hint="use a smaller maxcpus=", option=option.text if option else "",
            position=option.index if option else None, source="pc_machine_done, hw/i386/pc.c, QEMU 5.2",
        )
