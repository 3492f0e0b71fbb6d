"""One more piece of memory: which words a DIMM, an NVDIMM, a NUMA node ... adds to a command line.

With ``fit`` the rest of the line makes room as QEMU demands: slots and a limit for memory devices,
``nvdimm=on``, RAM of the right size.  Without it the line often ends in a refusal, which teaches why.

Source: docs/nvdimm.txt, docs/system/devices/virtio-pmem.rst, hw/mem/memory-device.c,
numa_complete_configuration in hw/core/numa.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from memkit.config import Config
from memkit.errors import CommandLineError
from memkit.lab.controls import read_controls
from memkit.units import format_size, parse_size

__all__ = ["BACKENDS", "KINDS", "Wish", "granted"]

BACKENDS = ("ram", "memfd", "file")
# What a piece of memory is for: key, title, the stem of the device's id.
KINDS = {
    "dimm": "DIMM (pc-dimm)", "nvdimm": "NVDIMM (nvdimm)", "virtio-mem": "resizable memory (virtio-mem-pci)",
    "virtio-pmem": "paravirtual pmem (virtio-pmem-pci)",
    "ivshmem": "memory shared with others (ivshmem-plain)",
    "main": "the machine's RAM (memory-backend=)", "numa": "NUMA node (-numa node)",
}
_DRIVERS = {
    "dimm": "pc-dimm", "nvdimm": "nvdimm", "virtio-mem": "virtio-mem-pci",
    "virtio-pmem": "virtio-pmem-pci", "ivshmem": "ivshmem-plain",
}
_IN_DEVICE_MEMORY = ("dimm", "nvdimm", "virtio-mem", "virtio-pmem")
_SLOTTED = ("dimm", "nvdimm")
_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Wish:
    """A piece of memory to add: ``kind`` of KINDS, ``backend`` of BACKENDS, ``size`` as text."""

    kind: str = "dimm"
    backend: str = "ram"
    size: str = "1G"
    share: bool = False
    path: str = ""
    fit: bool = True


def granted(config: Config, wish: Wish) -> Config:
    """``config`` with what ``wish`` asks for.

    Raises CommandLineError for a size that is none or a missing path, Refused where QEMU's option loop
    would refuse.

    >>> from memkit.config import parse
    >>> granted(parse("-m 4G,slots=1,maxmem=8G"), Wish()).argv()[2:]
    ['-object', 'memory-backend-ram,id=mem1,size=1G', '-device', 'pc-dimm,id=dimm1,memdev=mem1']
    """
    size = _size(wish.size)
    taken = {o.id for o in config.objects} | {d.id for d in config.devices if d.id}
    name = _free("mem", taken)
    if wish.fit:
        config = _with_room(config, wish.kind, size)
    properties: dict[str, object] = {"size": size}
    if wish.backend == "file":
        if not wish.path.strip():
            raise CommandLineError(
                "a file backend needs a path, such as /dev/shm/mem1 or, for huge pages, /dev/hugepages",
                word="mem-path",
            )
        properties["mem_path"] = wish.path.strip()
    if wish.share != (wish.backend == "memfd"):
        properties["share"] = wish.share
    config = config.with_backend(f"memory-backend-{wish.backend}", name, **properties)
    if wish.kind == "main":
        return config.with_machine(memory_backend=name)
    if wish.kind == "numa":
        return config.with_option("-numa", f"node,memdev={name}")
    device = _free(wish.kind.replace("-", ""), taken)
    if wish.kind == "virtio-mem":
        # Half of it, so that the difference between what is there and what may come shows.
        half = max(size // 2 // _BLOCK * _BLOCK, min(size, _BLOCK))
        return config.with_device("virtio-mem-pci", id=device, memdev=name, requested_size=format_size(half))
    return config.with_device(_DRIVERS[wish.kind], id=device, memdev=name)


# virtio-mem changes its size in blocks, by default as large as a transparent huge page.
_BLOCK = 2 << 20


def _size(text: str) -> int:
    try:
        size = parse_size(text.strip(), "M")
    except (ValueError, OverflowError) as error:
        raise CommandLineError(f"the size of the new memory: {error}", word=text.strip()) from None
    if size == 0:
        raise CommandLineError("the size of the new memory: 0 is no size; write 1G, for example", word=text)
    return size


def _free(stem: str, taken: Iterable[str]) -> str:
    known = set(taken)
    return next(f"{stem}{n}" for n in range(1, len(known) + 2) if f"{stem}{n}" not in known)


def _with_room(config: Config, kind: str, size: int) -> Config:
    controls = read_controls(config)
    if kind in _IN_DEVICE_MEMORY:
        return _with_device_memory(config, kind, size)
    if kind == "main":
        return config.with_memory(size=size) if controls.ram != size else config
    if kind == "numa":
        nodes = [p.size or 0 for p in controls.parts if any(w.startswith("NUMA") for w in p.shown_by)]
        total = sum(nodes) + size
        return config.with_memory(size=total) if controls.ram != total else config
    return config


def _with_device_memory(config: Config, kind: str, size: int) -> Config:
    controls = read_controls(config)
    plugged = [d for d in config.devices if d.driver in {_DRIVERS[k] for k in _IN_DEVICE_MEMORY}]
    sizes = {p.id: p.size or 0 for p in controls.parts}
    needed = controls.ram + size + sum(sizes.get(str(d.props.get("memdev")), 0) for d in plugged)
    changes: dict[str, object] = {}
    slots = sum(d.driver in {_DRIVERS[k] for k in _SLOTTED} for d in plugged) + (kind in _SLOTTED)
    if slots > controls.slots:
        changes["slots"] = max(slots, 4)
    if needed > _limit(controls.maxmem_text):
        # Up to a round number, with room to grow.
        changes["maxmem"] = max(1 << (needed - 1).bit_length(), 4 * _GIB)
    if changes:
        config = config.with_memory(size=controls.ram_text or controls.ram, **changes)
    if kind == "nvdimm" and config.machine.get("nvdimm") != "on":
        config = config.with_machine(nvdimm="on")
    return config


def _limit(text: str) -> int:
    try:
        return parse_size(text, "M") if text else 0
    except (ValueError, OverflowError):
        return 0
