"""All rules, room by room."""

from __future__ import annotations

from memkit.hazards.rule import Rule
from memkit.hazards.rules import (
    balloon,
    confidential,
    cxl,
    dump,
    guest_layout,
    host_memory,
    host_numa,
    huge_pages,
    memory_devices,
    merging,
    numa,
    persistent,
    sharing,
    vfio,
    virtio_mem,
)

__all__ = ["RULES"]

_ROOMS = (
    balloon,
    confidential,
    cxl,
    dump,
    guest_layout,
    host_memory,
    host_numa,
    huge_pages,
    memory_devices,
    merging,
    numa,
    persistent,
    sharing,
    vfio,
    virtio_mem,
)
RULES: dict[str, Rule] = {rule.id: rule for room in _ROOMS for rule in room.RULES}
