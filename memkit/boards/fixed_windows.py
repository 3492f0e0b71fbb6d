"""The fixed windows that boards of Arm, Power, Z and RISC-V have in address space "memory".

Which windows a board has depends on its *features*: names such as ``gic3`` or ``ged`` that stand for what an
option adds, removes or exchanges.  The windows are data, recorded from a real QEMU by ``tools/record``.  RAM,
ROM and flash are not among them, nor windows whose place depends on RAM, on CPUs or on other options: those
are written out in the board's module.

Source: data/windows/TARGET-VERSION.json.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from memkit.boards.recorded import load
from memkit.memory.region import MemoryRegion, RegionKind
from memkit.versions import parse_version

__all__ = ["FEATURES", "add_fixed_windows", "features"]

FEATURES = {
    "ged": "ACPI events of Arm virt instead of the GPIO: firmware, a 64-bit CPU, acpi=on, virt-4.2 or newer",
    "gic3": "the interrupt controller GICv3 instead of GICv2 (Arm virt, -machine gic-version=)",
    "iommu-sys": "the IOMMU outside of PCI (RISC-V virt, -machine iommu-sys=on)",
    "its": "message interrupts of a GICv3 (Arm virt, -machine its=on)",
    "msi": "message interrupts at all (Arm virt, -machine msi=)",
    "nic": "the network card (vexpress-a15)",
    "nvdimm": "the channel to nvdimm labels (Arm virt, -machine nvdimm=on)",
    "secure": "secure memory, where the second serial port goes then (Arm virt, -machine secure=on)",
    "smmuv3": "the IOMMU (Arm virt, -machine iommu=smmuv3)",
    "sockets2": "at least two chips (powernv9, -smp sockets=)",
    "sockets4": "at least four chips; needs sockets2",
    "sockets8": "at least eight chips; needs sockets4",
    "sockets16": "sixteen chips; needs sockets8",
    "uart2": "a second serial port (Arm virt, the second -serial)",
    "virtualization": "the part of a GICv2 for guests of the guest (Arm, -machine virtualization=on)",
    "xive": "the newer interrupt controller (pseries, -machine ic-mode=)",
}


class _Plan(NamedTuple):
    """A region to build; ``inside`` are its subregions, those in front of others first."""

    name: str
    size: int
    kind: RegionKind
    addr: int
    priority: int
    enabled: bool
    alias: str
    offset: int
    inside: tuple[_Plan, ...]


def features(program: str, family: str, version: tuple[int, ...]) -> frozenset[str]:
    """The features of a machine type without any option; raises ValueError for an unknown family.

    ``program`` names a QEMU and its target, ``version`` is that of the machine type.

    >>> features("ppc64-7.2", "pseries", (4, 1)) - features("ppc64-7.2", "pseries", (4, 0))
    frozenset({'xive'})
    """
    listed = _of_family(load("windows", program)["defaults"], family)
    # Newest first; each entry holds for all versions up to its own.
    found = listed[0][1]
    for newest, names in listed:
        if version <= parse_version(newest):
            found = names
    return frozenset(found)


def add_fixed_windows(
    program: str, family: str, features: frozenset[str], into: MemoryRegion
) -> dict[str, MemoryRegion]:
    """The fixed regions of the board by name, the first of each, now mapped ``into`` the region ``system``.

    Regions that only aliases show, such as ``gpex_mmio_window``, are among them; they are in no container.
    Of those that overlap, the one that wins in QEMU is in front.  ``program`` is TARGET-VERSION, ``family``
    the board without a version.  Raises ValueError for a family or feature that does not exist.

    >>> system = MemoryRegion("system", 1 << 64)
    >>> regions = add_fixed_windows("aarch64-7.2", "virt", frozenset({"gic3"}), system)
    >>> hex(regions["gicv3_dist"].addr), "gic_dist" in regions
    ('0x8000000', False)
    """
    made: dict[str, MemoryRegion] = {}
    aliases: list[tuple[MemoryRegion, _Plan]] = []
    for plan in _plans(program, "outside", family, features):
        _build(plan, made, aliases)
    mapped = [(_build(p, made, aliases), p) for p in _plans(program, "memory", family, features)]
    for region, plan in aliases:
        region.alias, region.alias_offset = made[plan.alias], plan.offset
    # A newcomer goes in front of its equals.
    for region, plan in reversed(mapped):
        into.add(region, plan.addr, plan.priority)
    return made


def _build(
    plan: _Plan, made: dict[str, MemoryRegion], aliases: list[tuple[MemoryRegion, _Plan]]
) -> MemoryRegion:
    region = MemoryRegion(plan.name, plan.size, plan.kind, enabled=plan.enabled)
    made.setdefault(plan.name, region)
    if plan.alias:
        aliases.append((region, plan))
    inside = [(_build(sub, made, aliases), sub) for sub in plan.inside]
    for sub_region, sub in reversed(inside):
        region.add(sub_region, sub.addr, sub.priority)
    return region


@lru_cache(maxsize=64)
def _plans(program: str, section: str, family: str, features: frozenset[str]) -> tuple[_Plan, ...]:
    unknown = sorted(features - FEATURES.keys())
    if unknown:
        raise ValueError(f"no board has a feature {unknown[0]!r}; features are: {', '.join(FEATURES)}")
    return _wanted(_of_family(load("windows", program)[section], family), features)


def _of_family(listed: dict[str, Any], family: str) -> Any:
    if family not in listed:
        raise ValueError(f"no windows are known for {family!r}; boards are: {', '.join(listed)}")
    return listed[family]


def _wanted(windows: list[dict[str, Any]], features: frozenset[str]) -> tuple[_Plan, ...]:
    return tuple(
        _Plan(
            window["name"], int(window["size"], 16), "container" if window.get("alias") else
            window.get("kind", "i/o"), int(window["at"], 16), window.get("priority", 0),
            not window.get("disabled", False), window.get("alias", ""), int(window.get("offset", "0"), 16),
            _wanted(window.get("inside", []), features),
        )
        for window in windows
        if features.issuperset(window.get("when", ())) and features.isdisjoint(window.get("unless", ()))
    )
