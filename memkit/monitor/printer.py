"""The text of QEMU's monitor commands about memory, as QEMU prints it.

Stanzas that QEMU prints in the accidental order of a hash table come in a fixed order here.

Source: ram_block_format in softmmu/physmem.c, mtree_info and its helpers in softmmu/memory.c,
hw/core/machine-hmp-cmds.c, hmp_info_numa in hw/core/machine-hmp-cmds.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from memkit.errors import MemkitError
from memkit.memory.region import MemoryRegion

if TYPE_CHECKING:
    from memkit.guest import Guest
    from memkit.memory.backend import Backend
    from memkit.memory.device import MemoryDevice
    from memkit.memory.flatview import FlatView

__all__ = ["COMMANDS", "answer"]


def answer(guest: Guest, command: str) -> str:
    """The text that QEMU prints for ``command``; raises MemkitError with the known commands.

    >>> import memkit
    >>> print(answer(memkit.boot("-m 1G,slots=1,maxmem=2G"), "info numa"))
    1 nodes
    node 0 cpus: 0
    node 0 size: 1024 MB
    node 0 plugged: 0 MB
    """
    wanted = " ".join(command.split()) if isinstance(command, str) else repr(command)
    if wanted in guest.raw_monitor:
        return guest.raw_monitor[wanted]
    if wanted not in COMMANDS:
        raise MemkitError(f"the monitor command {wanted[:60]!r} is not known here; known: {', '.join(COMMANDS)}")
    return "\n".join(COMMANDS[wanted](guest))


def _page(size: int) -> str:
    """A page size as the monitor prints it (size_to_str: binary unit, no fraction for powers of two)."""
    for shift, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size >= 1 << shift:
            return f"{size >> shift} {unit}"
    return f"{size} B"


def _ramblock(guest: Guest) -> list[str]:
    lines = [f"{'Block Name':>24} {'PSize':>8}  {'Offset':>18} {'Used':>18} {'Total':>18}"]
    for block in sorted(guest.ram_blocks, key=lambda b: -b.max_length):
        lines.append(
            f"{block.idstr:>24} {_page(block.page_size):>8}  0x{block.offset:016x} "
            f"0x{block.used_length:016x} 0x{block.max_length:016x}"
        )
    return lines


def _memdev(guest: Guest) -> list[str]:
    lines: list[str] = []
    for backend in guest.backends:
        lines += _backend(backend)
    return [*lines, ""]


def _backend(backend: Backend) -> Iterable[str]:
    yield f"memory backend: {backend.id}"
    yield f"  size:  {backend.size}"
    for name in ("merge", "dump", "prealloc", "share", "reserve"):
        yield f"  {name}: {str(getattr(backend, name)).lower()}"
    yield f"  policy: {backend.policy}"
    yield f"  host nodes: {_node_list(backend.host_nodes)}"


def _node_list(nodes: tuple[int, ...]) -> str:
    """Numbers as the string output visitor joins them: runs as ``0-2``, then commas."""
    runs: list[list[int]] = []
    for node in nodes:
        if runs and node == runs[-1][1] + 1:
            runs[-1][1] = node
        else:
            runs.append([node, node])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def _memory_devices(guest: Guest) -> list[str]:
    return [line for device in guest.memory_devices for line in _memory_device(device)]


def _memory_device(device: MemoryDevice) -> Iterable[str]:
    yield f'Memory device [{device.kind}]: "{device.id or ""}"'
    if device.kind in ("dimm", "nvdimm"):
        yield f"  addr: 0x{device.addr:x}"
        yield f"  slot: {device.slot}"
        yield f"  node: {device.node}"
        yield f"  size: {device.size}"
        yield f"  memdev: {device.memdev}"
        yield f"  hotplugged: {str(device.hotplugged).lower()}"
        yield f"  hotpluggable: {str(device.hotpluggable).lower()}"
    elif device.kind == "virtio-mem":
        yield f"  memaddr: 0x{device.addr:x}"
        yield f"  node: {device.node}"
        yield f"  requested-size: {device.requested_size}"
        yield f"  size: {device.size}"
        yield f"  max-size: {device.max_size}"
        yield f"  block-size: {device.block_size}"
        yield f"  memdev: {device.memdev}"
    else:
        yield f"  memaddr: 0x{device.addr:x}"
        yield f"  size: {device.size}"
        yield f"  memdev: {device.memdev}"


def _numa(guest: Guest) -> list[str]:
    lines = [f"{len(guest.numa)} nodes"]
    for node in guest.numa:
        cpus = "".join(f" {cpu}" for cpu in node.cpus)
        lines += [
            f"node {node.id} cpus:{cpus}",
            f"node {node.id} size: {node.size >> 20} MB",
            f"node {node.id} plugged: {node.plugged >> 20} MB",
        ]
    return lines


# -- info mtree


def _mtree(guest: Guest) -> list[str]:
    by_root: dict[int, list[str]] = {}
    roots: dict[int, MemoryRegion] = {}
    for space in guest.address_spaces:
        by_root.setdefault(id(space.root), []).append(space.name)
        roots[id(space.root)] = space.root
    lines: list[str] = []
    aliased: list[MemoryRegion] = []
    for key, names in by_root.items():
        lines += [f"address-space: {name}" for name in sorted(names)]
        lines += _tree(roots[key], 1, 0, aliased)
        lines.append("")
    index = 0
    while index < len(aliased):
        region = aliased[index]
        lines.append(f"memory-region: {region.name}")
        lines += _tree(region, 1, 0, aliased)
        lines.append("")
        index += 1
    return lines


def _tree(region: MemoryRegion, level: int, base: int, aliased: list[MemoryRegion]) -> list[str]:
    """The lines of one region and all below it; targets of aliases are added to ``aliased``."""
    start = (base + region.addr) % (1 << 64)
    last = (start + region.size - 1) % (1 << 64) if region.size else start
    prefix = f"{'  ' * level}{start:016x}-{last:016x} (prio {region.priority}, "
    prefix += f"{'nv-' if region.nonvolatile else ''}{region.type}): "
    lines: list[str] = []
    if region.alias is not None:
        if not any(region.alias is seen for seen in aliased):
            aliased.append(region.alias)
        if region.enabled:
            offset = region.alias_offset
            lines.append(
                f"{prefix}alias {region.name} @{region.alias.name} "
                f"{offset:016x}-{offset + max(region.size - 1, 0):016x}"
            )
    elif region.enabled:
        lines.append(prefix + region.name)
    for sub in _print_order(region.subregions):
        lines += _tree(sub, level + 1, start, aliased)
    return lines


def _print_order(subregions: list[MemoryRegion]) -> list[MemoryRegion]:
    """By address, then falling priority, then in list order (mtree_print_mr)."""
    return sorted(subregions, key=lambda r: (r.addr, -r.priority))


def _mtree_flat(guest: Guest) -> list[str]:
    shown: dict[int, tuple[FlatView, list[str]]] = {}
    for space in guest.address_spaces:
        view = space.flat_view
        label = f' AS "{space.name}", root: {space.root.name}'
        if space.root.alias is not None:
            label += f", alias {space.root.alias.name}"
        key = id(view.root) if view.root is not None else 0
        shown.setdefault(key, (view, []))[1].append(label)
    lines: list[str] = []
    for number, (view, labels) in enumerate(shown.values()):
        lines += [f"FlatView #{number}", *labels]
        lines.append(f" Root memory region: {view.root.name if view.root else '(none)'}")
        lines += [f"  {r}" for r in view.ranges] or ["  No rendered FlatView"]
        lines.append("")
    return lines


COMMANDS = {
    "info ramblock": _ramblock,
    "info mtree": _mtree,
    "info mtree -f": _mtree_flat,
    "info memdev": _memdev,
    "info memory-devices": _memory_devices,
    "info numa": _numa,
}
