"""Frontends: who shows a RAMBlock to the guest, and memory devices among them.

A *backend* owns host memory; a *frontend* makes it visible: the machine itself for main
RAM, a DIMM, a graphics card for its video RAM.  Frontends that live in the device-memory
window (pc-dimm, nvdimm, virtio-mem, virtio-pmem) are *memory devices*.

Source: hw/mem/memory-device.c, monitor/hmp-cmds.c (QEMU 7.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memkit.memory.backend import Backend
    from memkit.memory.ramblock import RAMBlock
    from memkit.memory.region import MemoryRegion

__all__ = ["Frontend", "MemoryDevice", "NumaNode"]


@dataclass(eq=False, slots=True)
class MemoryDevice:
    """One stanza of ``info memory-devices``.

    ``kind`` is dimm, nvdimm, virtio-mem or virtio-pmem; ``addr`` a gpa; sizes are bytes.
    ``id`` is None where the user gave none.  ``option_index`` points into ``config.options``.
    """

    kind: str
    id: str | None
    addr: int
    size: int
    memdev: str
    node: int | None = None
    slot: int | None = None
    hotplugged: bool = False
    hotpluggable: bool = True
    requested_size: int | None = None
    max_size: int | None = None
    block_size: int | None = None
    option_index: int | None = None


@dataclass(eq=False, slots=True)
class Frontend:
    """Whoever shows memory to the guest: the machine, a device, the firmware loader.

    ``kind`` is QEMU's type name (``pc-dimm``, ``VGA``, ``machine``, ``pflash`` ...), ``label`` a name
    for people, ``blocks`` the RAMBlocks it shows, ``regions`` those of its regions that hold RAM.
    """

    kind: str
    id: str | None
    label: str
    backend: Backend | None = None
    blocks: tuple[RAMBlock, ...] = ()
    regions: tuple[MemoryRegion, ...] = ()
    option_index: int | None = None


@dataclass(eq=False, slots=True)
class NumaNode:
    """One node of ``info numa``: sizes are bytes; ``size`` includes ``plugged``."""

    id: int
    cpus: tuple[int, ...]
    size: int
    plugged: int
    memdev: str | None = None
