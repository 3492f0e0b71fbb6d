"""What is compared of RAMBlocks, backends, memory devices and NUMA nodes, field by field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from memkit.diff.change import Change, moved, resized
from memkit.diff.partners import Pairs, pair
from memkit.guest import Guest
from memkit.memory.device import MemoryDevice
from memkit.memory.ramblock import RAMBlock
from memkit.units import hex_address, human

__all__ = ["backends", "blocks", "devices", "nodes"]

# Fields of a backend: those that ``info memdev`` prints, and those that only QOM tells.
_PRINTED = ("size", "merge", "dump", "prealloc", "share", "reserve", "policy", "host_nodes")
_ASKED = ("type", "mem_path", "readonly", "pmem", "hugetlb", "seal", "discard_data")
_DEVICE = ("kind", "size", "memdev", "node", "slot", "requested_size", "max_size", "block_size",
           "hotplugged", "hotpluggable")
_SIZES = frozenset({"size", "requested_size", "max_size", "block_size", "page_size", "used_length",
                    "max_length", "plugged"})


# -- RAMBlocks


def blocks(partners: Pairs[RAMBlock]) -> Iterator[Change]:
    """The differences of RAMBlocks that are paired already; places are ram_addr_t."""
    pairs, gone, new = partners
    for before in gone:
        yield Change("block vanished", _block(before), before.offset, None,
                     f"RAMBlock {_block(before)} ({human(before.max_length)}) vanished.",
                     things=(before, None))
    for after in new:
        yield Change("block appeared", _block(after), None, after.offset,
                     f"RAMBlock {_block(after)} ({human(after.max_length)}) appeared at ram_addr_t "
                     f"{hex_address(after.offset)}.", things=(None, after))
    for both in pairs:
        before, after = both
        name = _block(after)
        if before.idstr != after.idstr:
            yield Change("block renamed", name, before.idstr, after.idstr,
                         f"RAMBlock {_block(before)} is now called {name}.",
                         f"was called {_block(before)}", both)
        if before.max_length != after.max_length:
            yield resized("block resized", name, before.max_length, after.max_length, both)
        elif before.used_length != after.used_length:
            yield Change("block used", name, before.used_length, after.used_length,
                         f"{name} uses {human(after.used_length)} instead of {human(before.used_length)}.",
                         f"used {human(before.used_length)}", both)
        if before.page_size != after.page_size:
            yield Change("block page size", name, before.page_size, after.page_size,
                         f"{name} has pages of {human(after.page_size)}, not {human(before.page_size)}.",
                         f"had pages of {human(before.page_size)}", both)
        if before.offset != after.offset:
            yield Change("block moved", name, before.offset, after.offset,
                         f"{name} {moved(before.offset, after.offset)} in ram_addr_t space.",
                         f"was at {hex_address(before.offset)}", both)


def _block(block: RAMBlock) -> str:
    return block.idstr or f"a nameless block of {human(block.max_length)}"


# -- backends, memory devices, NUMA


def backends(
    a: Guest, b: Guest, blocks: Iterable[tuple[RAMBlock, RAMBlock]]
) -> Iterator[Change]:
    """The differences of host memory backends; those of paired RAMBlocks are paired, too."""
    fields = [f for f in _PRINTED if all(_printed(g, f) for g in (a, b))]
    if "text" not in (a.door, b.door):
        fields += _ASKED
    same = {id(m): n for n, both in enumerate(blocks) for m in (r.backend for r in both) if m}
    pairs, gone, new = pair(a.backends, b.backends, [
        lambda m: m.id, lambda m: same.get(id(m)), lambda m: "main" if m.implicit else None,
    ])
    for backend in gone:
        yield Change("backend vanished", backend.id, backend.size, None,
                     f"Backend {backend.id} ({human(backend.size)}) vanished.", things=(backend, None))
    for backend in new:
        yield Change("backend appeared", backend.id, None, backend.size,
                     f"Backend {backend.id} ({human(backend.size)}) appeared.", things=(None, backend))
    for before, after in pairs:
        if before.id != after.id:
            yield Change("backend renamed", after.id, before.id, after.id,
                         f"Backend {before.id} is now called {after.id}.", f"was called {before.id}",
                         (before, after))
        yield from _fields("backend", after.id, f"Backend {after.id}", before, after, fields)


def _printed(guest: Guest, field: str) -> bool:
    """Did this QEMU's ``info memdev`` print the field?  Versions before 6.0 print fewer."""
    text = guest.raw_monitor.get("info memdev", "")
    return guest.door == "model" or not text.strip() or f"{field.replace('_', ' ')}:" in text


def devices(a: Guest, b: Guest) -> Iterator[Change]:
    """The differences of memory devices; places are gpa."""
    pairs, gone, new = pair(a.memory_devices, b.memory_devices, [
        lambda d: d.id, lambda d: (d.id, d.kind, d.memdev), lambda d: (d.id, d.kind, d.addr),
        lambda d: (d.kind, d.memdev),
    ])
    for device in gone:
        yield Change("device vanished", _device(device), device.addr, None,
                     f"{_device(device, True)} ({human(device.size)}) vanished.", things=(device, None))
    for device in new:
        yield Change("device appeared", _device(device), None, device.addr,
                     f"{_device(device, True)} ({human(device.size)}) appeared at "
                     f"{hex_address(device.addr)}.", things=(None, device))
    for before, after in pairs:
        if before.id != after.id:
            yield Change("device renamed", _device(after), _device(before), _device(after),
                         f"{_device(before, True)} is now {_device(after)}.", f"was {_device(before)}",
                         (before, after))
        if before.addr != after.addr:
            yield Change("device moved", _device(after), before.addr, after.addr,
                         f"{_device(after)} {moved(before.addr, after.addr)}.",
                         f"was at {hex_address(before.addr)}", (before, after))
        yield from _fields("device", _device(after), _device(after, True), before, after, _DEVICE)


def _device(device: MemoryDevice, long: bool = False) -> str:
    if device.id is not None:
        return f"Memory device {device.id}" if long else device.id
    name = f"{device.kind} of {device.memdev.rpartition('/')[2]}"
    return f"The {name}" if long else f"the {name}"


def _fields(
    kind: str, subject: str, label: str, before: Any, after: Any, fields: Iterable[str]
) -> Iterator[Change]:
    for field in fields:
        old, new = getattr(before, field), getattr(after, field)
        if old != new:
            word = field.replace("_", "-")
            yield Change(f"{kind} {word}", subject, old, new,
                         f"{label} has {word} {_value(field, new)} instead of {_value(field, old)}.",
                         f"{word} was {_value(field, old)}", (before, after))


def _value(field: str, value: object) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if field in _SIZES and isinstance(value, int):
        return human(value)
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return str(value)


def nodes(a: Guest, b: Guest) -> Iterator[Change]:
    """The differences of NUMA nodes, in whole MiB, as the monitor prints them."""
    pairs, gone, new = pair(a.numa, b.numa, [lambda n: n.id])
    for node in gone:
        yield Change("node vanished", f"node {node.id}", node.size, None, f"Node {node.id} vanished.",
                     things=(node, None))
    for node in new:
        yield Change("node appeared", f"node {node.id}", None, node.size,
                     f"Node {node.id} appeared, with {human(node.size)}.", things=(None, node))
    for both in pairs:
        before, after = both
        name = f"node {after.id}"
        for field, words in (("size", ""), ("plugged", " plugged in")):
            old, now = getattr(before, field) >> 20 << 20, getattr(after, field) >> 20 << 20
            if old != now:
                yield Change(f"node {field}", name, old, now,
                             f"Node {after.id} has {human(now)}{words} instead of {human(old)}.",
                             f"had {human(old)}{words}", both)
        if before.cpus != after.cpus:
            old_cpus, new_cpus = (_value("cpus", n.cpus) for n in both)
            yield Change("node cpus", name, before.cpus, after.cpus,
                         f"Node {after.id} has CPUs {new_cpus} instead of {old_cpus}.",
                         f"had CPUs {old_cpus}", both)
