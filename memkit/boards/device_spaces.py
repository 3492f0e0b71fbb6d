"""Address spaces of a device's own, beside its view of memory by DMA.

A virtio device on PCI can be driven through its configuration space alone, without a BAR that is mapped;
newer releases keep an address space for that window.  A NIC with virtual functions has a view for each.

Source: data/devices/x86_64-VERSION.json, ``spaces``; virtio_pci_realize and virtio_pci_device_plugged in
hw/virtio/virtio-pci.c (QEMU 10.0).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

from memkit.boards import catalog
from memkit.boards.build import Build
from memkit.boards.device_memory import seen_on
from memkit.boards.windows import LateAddressSpace, bus_master_space
from memkit.memory.region import MemoryRegion

__all__ = ["add_device_spaces"]

# Those that belong to nobody else: not to a bridge, an IOMMU or the machine.
_CONFIGURATION, _FUNCTION = "virtio-pci-cfg-mem-as", "igbvf"
_LINE = re.compile(r"(?:.*: )?(?P<first>[0-9a-f]+)-(?P<last>[0-9a-f]+) -?\d+ \S+ (?P<name>.+)")
# With a page for each of its queues, a device has room for all that it could have (VIRTIO_QUEUE_MAX).
_ALL_QUEUES, _WITH_ALL_QUEUES, _PAGE = 0x400000, 0x800000, 0x1000


@lru_cache(maxsize=512)
def _own(qemu: str, driver: str, family: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    spaces = seen_on(qemu, driver, family).spaces or {}
    # Further spaces of one name were recorded with an apostrophe each.
    found = [(name.rstrip("'"), lines) for name, lines in spaces.items()]
    return tuple((name, lines) for name, lines in found if name in (_CONFIGURATION, _FUNCTION))


def add_device_spaces(build: Build, driver: str, props: Mapping[str, Any]) -> None:
    """Add the address spaces that a PCI device brings, apart from its own view of memory.

    >>> import memkit
    >>> guest = memkit.boot("-M q35 -device virtio-balloon-pci", qemu="10.0")
    >>> str(guest.flat_view("virtio-pci-cfg-mem-as")).splitlines()[0]
    '0000000000000000-0000000000000fff (prio 0, i/o): virtio-pci-common-virtio-balloon'
    """
    for name, lines in _own(build.program, driver, build.machine.seen_as):
        if name == _FUNCTION:
            build.address_spaces.append(bus_master_space(name, lambda: build.system))
            continue
        facts = build.machine.facts
        # A type that comes in a transitional form, too, was legacy on old machine types.
        old = not facts.virtio_modern and catalog.device(build.program, f"{driver}-transitional")
        modern = not props.get("disable-modern", bool(old))
        each = bool(props.get("page-per-vq", facts.virtio_page_per_queue))
        build.address_spaces.append(LateAddressSpace(name, partial(_window, lines, modern, each)))


def _window(lines: tuple[str, ...], modern: bool, each_queue: bool) -> MemoryRegion:
    """The configuration window; a legacy device has nothing in it."""
    regions = []
    for match in filter(None, map(_LINE.fullmatch, lines)):
        first = int(match["first"], 16)
        regions.append((first, int(match["last"], 16) + 1 - first, match["name"]))
    _, size, name = regions[0]
    inside = regions[1:] if modern else []
    if not each_queue:
        root = MemoryRegion(name, size)
        for first, size, name in inside:
            root.add(MemoryRegion(name, size, "i/o"), first)
        return root
    root = MemoryRegion(name, _WITH_ALL_QUEUES)
    # virtio-vga keeps the front for registers of its own (virtio_vga_base_realize), and fills from the end.
    place = _WITH_ALL_QUEUES - _ALL_QUEUES - 3 * _PAGE if inside and inside[0][0] else 0
    for first, size, name in inside:
        if not name.startswith("virtio-pci-"):
            root.add(MemoryRegion(name, size, "i/o"), first)
            continue
        size = _ALL_QUEUES if name.startswith("virtio-pci-notify") else _PAGE
        root.add(MemoryRegion(name, size, "i/o"), place)
        place += size
    return root
