"""What follows once it is known who answers: block, pages, backend, device, node, migration.

Source: memory_access_is_direct in include/exec/memory.h, build_srat in hw/i386/acpi-build.c for the NUMA
node of main RAM (QEMU 7.2).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from memkit.architectures import target_page
from memkit.errors import MemkitError
from memkit.explain.nobody import no_port, unanswered, unclaimed_port
from memkit.explain.story import Step
from memkit.memory.flatview import FlatRange
from memkit.units import hex_address, human

if TYPE_CHECKING:
    from memkit.guest import Guest
    from memkit.memory.backend import Backend
    from memkit.memory.device import MemoryDevice

__all__ = ["facts_about", "facts_of_nobody"]

# IOMMUs of a guest, by the names of their regions.
_IOMMU = re.compile("iommu|dmar")


def facts_of_nobody(guest: Guest, gpa: int, space: str, steps: Sequence[Step]) -> tuple[Step, ...]:
    """What happens to an access that nobody answers, and why nobody is there, where that is known."""
    if any(s.kind == "unknown" for s in steps):
        return ()
    facts: list[Step] = []
    passed = {s.region for s in steps if s.kind == "container"}
    if "device-memory" in passed:
        facts.append(Step("free", 0, "device-memory", (
            "It lies in device-memory, the window for memory devices; none of them covers it."
        )))
    elif "pci" in passed and guest.door == "model":
        facts.append(Step("free", 0, "pci", (
            "It lies in pci, the address space of PCI, where devices appear once firmware or the guest has "
            "given their BARs addresses; at power-on no BAR has one."
        )))
    if space == "I/O":
        said = no_port(guest)
    elif guest.target == "unknown":
        said = "Such an access is unassigned: what its author gets depends on the target, which is not known."
    elif space == "memory" or space.startswith("cpu-"):
        said = unanswered(guest)
    elif steps[0].details.get("rendered") is None:
        said = "A PCI device can reach no memory until the guest's driver turns its bus mastering on."
    else:
        said = "Such an access by a device is unassigned: it fails."
    return (*facts, Step("unassigned", 0, "", said))


def facts_about(guest: Guest, found: FlatRange, gpa: int) -> tuple[Step, ...]:
    """What is known about a gpa that ``found`` answers, as Steps of the kinds that are facts."""
    region, block = found.region, found.region.block
    offset = found.offset_in_region + gpa - found.start
    facts: list[Step] = []

    def say(kind: str, sentence: str, **details: Any) -> None:
        facts.append(Step(kind, 0, region.name, sentence, details))

    say("range", f"It lies in the flat range {hex_address(found.start)} to {hex_address(found.end - 1)} "
        f"({human(found.size)}, {found.type}).", start=found.start, size=found.size, type=found.type)
    if region.type == "i/o":
        if region.container is None and region.name == "io":
            say("unassigned", unclaimed_port(guest))
        elif _IOMMU.search(region.name):
            say("access", f"It is not memory: {region.name} translates each access by the guest's tables.")
        else:
            say("access", f"It is not memory: the device behind {region.name} handles each access.")
        return tuple(facts)
    if block is None:
        say("block", f"The RAMBlock behind {region.name} is not known.")
    else:
        ram_addr = block.offset + offset
        say("block", f"RAMBlock {block.label} holds the byte at offset {hex_address(offset)}; "
            f"its ram_addr_t is {hex_address(ram_addr)}.", offset=offset, ram_addr=ram_addr)
    if found.type.endswith("romd"):
        say("access", "The guest reads it like memory; a write is a command to the chip.")
    elif found.readonly:
        say("access", "The guest can read it; its writes are ignored.")
    if block is None:
        return tuple(facts)
    page = block.page_size
    host_page = f"host page {hex_address(offset // page)} of the block ({human(page)} each)"
    unit = _target_page(guest)
    if unit is None:
        say("page", f"It is in {host_page}; which target page depends on the target, and that is not known.",
            host_page=offset // page, page_size=page)
    else:
        say("page", f"It is in target page {hex_address(gpa // unit)} of the guest ({human(unit)} each) and "
            f"in {host_page}.", target_page=gpa // unit, host_page=offset // page, page_size=page)
    backend = block.backend
    if backend is not None:
        share = {
            True: "shared: others who map it see the same bytes", False: "private to this QEMU",
            None: "and nothing tells whether it is shared",
        }[backend.share]
        say("backend", f"Backend {backend.id} ({backend.type}) takes it from {_place(backend)}, {share}.",
            id=backend.id, share=backend.share, mem_path=backend.mem_path)
    owners = [f for f in guest.frontends if any(b is block for b in f.blocks)]
    device = next((
        d for d in guest.memory_devices if d.addr <= gpa < d.addr + (d.max_size or d.size)
        and (backend is None or d.memdev.rpartition("/")[2] == backend.id)
    ), None)
    labels = [f.label for f in owners if f.kind != "numa-node"]  # its node is told below
    node = None
    if device is not None:
        say("device", _device(device), id=device.id, slot=device.slot)
        node = device.node
    elif labels:
        say("frontend", f"The guest sees it as {', '.join(labels)}.", labels=labels)
    if backend is not None and any(f.kind in ("machine", "numa-node") for f in owners):
        node = _node_of(guest, region.addr + offset)
    if node is not None and any(n.id == node for n in guest.numa):
        say("numa", f"It belongs to NUMA node {node}.", node=node)
    if block.migratable:
        say("migration", f"It migrates under the name {block.idstr}.", idstr=block.idstr)
    else:
        say("migration", "Its block has no name, so it does not migrate.", idstr="")
    return tuple(facts)


def _target_page(guest: Guest) -> int | None:
    """The target page in bytes, or None if that of the target is not known."""
    try:
        return target_page(guest.target, guest.machine_type)
    except MemkitError:
        return None


def _place(backend: Backend) -> str:
    """Which memory of the host a backend gives."""
    if backend.mem_path:
        return f"{backend.mem_path}, a file on {backend.filesystem}"
    return {
        "anonymous": "anonymous memory", "memfd": "a memfd", "shm": "POSIX shared memory",
        "unknown": "memory of the host",
    }.get(backend.filesystem, backend.filesystem)


def _device(device: MemoryDevice) -> str:
    """As what the guest sees a memory device, and how much of it is there."""
    name = f"{device.kind} {device.id or '(without an id)'}"
    if device.max_size is not None:
        return (
            f"It lies in the window of {name}, which has {human(device.size)} of its "
            f"{human(device.max_size)} plugged in; {human(device.requested_size or 0)} are requested of the "
            "guest's driver."
        )
    return f"The guest sees it as {name}{'' if device.slot is None else f' in slot {device.slot}'}."


def _node_of(guest: Guest, offset: int) -> int | None:
    """The NUMA node of a byte of main RAM: the nodes take it in order, each its share."""
    end = 0
    for node in guest.numa:
        end += node.size - node.plugged
        if offset < end:
            return node.id
    return None
