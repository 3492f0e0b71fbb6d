"""All rules, room by room."""

from __future__ import annotations

from memkit.hazards.rule import Rule
from memkit.hazards.rules import (
    arm,
    balloon,
    confidential,
    cpr,
    cxl,
    dump,
    guest_layout,
    host_memory,
    host_numa,
    host_pages,
    huge_pages,
    memory_devices,
    merging,
    migration,
    numa,
    persistent,
    postcopy,
    power,
    sharing,
    snapshots,
    vfio,
    virtio_mem,
    z,
)

__all__ = ["AREAS", "RULES"]

_ROOMS = (
    arm,
    balloon,
    confidential,
    cpr,
    cxl,
    dump,
    guest_layout,
    host_memory,
    host_numa,
    host_pages,
    huge_pages,
    memory_devices,
    merging,
    migration,
    numa,
    persistent,
    postcopy,
    power,
    sharing,
    snapshots,
    vfio,
    virtio_mem,
    z,
)
AREAS: dict[str, tuple[Rule, ...]] = {
    room.__name__.rpartition(".")[2].replace("_", "-"): tuple(room.RULES) for room in _ROOMS
}
RULES: dict[str, Rule] = {rule.id: rule for rules in AREAS.values() for rule in rules}
