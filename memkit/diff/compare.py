"""What is compared, and how partners are found: blocks, ranges, backends, devices, nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from memkit.diff.change import Change, moved, resized
from memkit.guest import Guest
from memkit.memory.device import MemoryDevice
from memkit.memory.flatview import FlatRange
from memkit.memory.ramblock import RAMBlock
from memkit.units import hex_address, human

__all__ = ["backends", "blocks", "devices", "nodes", "ranges"]

# Fields of a backend: those that ``info memdev`` prints, and those that only QOM tells.
_PRINTED = ("size", "merge", "dump", "prealloc", "share", "reserve", "policy", "host_nodes")
_ASKED = ("type", "mem_path", "readonly", "pmem", "hugetlb", "seal", "discard_data")
_DEVICE = ("kind", "size", "memdev", "node", "slot", "requested_size", "max_size", "block_size",
           "hotplugged", "hotpluggable")
_SIZES = frozenset({"size", "requested_size", "max_size", "block_size", "page_size", "used_length",
                    "max_length", "plugged"})


# -- RAMBlocks


def blocks(a: Guest, b: Guest) -> Iterator[Change]:
    pairs, gone, new = _pair(a.ram_blocks, b.ram_blocks, [
        lambda r: (r.idstr, r.max_length, r.offset), lambda r: (r.idstr, r.max_length),
        lambda r: r.idstr or None,
        # Another name, but the same place and size, or the same last part of the name.
        lambda r: (r.offset, r.max_length), lambda r: (r.idstr.rpartition("/")[2], r.max_length),
    ])
    for before in gone:
        yield Change("block vanished", _block(before), before.offset, None,
                     f"RAMBlock {_block(before)} ({human(before.max_length)}) vanished.")
    for after in new:
        yield Change("block appeared", _block(after), None, after.offset,
                     f"RAMBlock {_block(after)} ({human(after.max_length)}) appeared at ram_addr_t "
                     f"{hex_address(after.offset)}.")
    for before, after in pairs:
        name = _block(after)
        if before.idstr != after.idstr:
            yield Change("block renamed", name, before.idstr, after.idstr,
                         f"RAMBlock {_block(before)} is now called {name}.")
        if before.max_length != after.max_length:
            yield resized("block resized", name, before.max_length, after.max_length)
        elif before.used_length != after.used_length:
            yield Change("block used", name, before.used_length, after.used_length,
                         f"{name} uses {human(after.used_length)} instead of {human(before.used_length)}.")
        if before.page_size != after.page_size:
            yield Change("block page size", name, before.page_size, after.page_size,
                         f"{name} has pages of {human(after.page_size)}, not {human(before.page_size)}.")
        if before.offset != after.offset:
            yield Change("block moved", name, before.offset, after.offset,
                         f"{name} {moved(before.offset, after.offset)} in ram_addr_t space.")


def _block(block: RAMBlock) -> str:
    return block.idstr or f"a nameless block of {human(block.max_length)}"


def _pair(
    a: Iterable[Any], b: Iterable[Any], keys: Sequence[Callable[[Any], Any]]
) -> tuple[list[tuple[Any, Any]], list[Any], list[Any]]:
    """Partners by the first key that they share; then who is left in ``a`` and in ``b``."""
    left, right = list(a), list(b)
    pairs: list[tuple[Any, Any]] = []
    for key in keys:
        waiting: dict[Any, list[Any]] = {}
        for item in right:
            if key(item) is not None:
                waiting.setdefault(key(item), []).append(item)
        still = []
        for item in left:
            partners = waiting.get(key(item))
            if partners:
                pairs.append((item, partners.pop(0)))
            else:
                still.append(item)
        matched = {id(p[1]) for p in pairs}
        left, right = still, [item for item in right if id(item) not in matched]
    order = {id(item): i for i, item in enumerate(b)}
    return sorted(pairs, key=lambda p: order[id(p[1])]), left, right


# -- the memory map


def ranges(a: Guest, b: Guest) -> Iterator[Change]:
    if not all(any(s.name == "memory" for s in g.address_spaces) for g in (a, b)):
        return
    pairs, gone, new = _pair(a.main_flat_view.ranges, b.main_flat_view.ranges, [
        _range_key, lambda r: (r.region.name, r.type, r.offset_in_region, r.size),
        lambda r: (r.region.name, r.type, r.start), lambda r: (r.region.name, r.start, r.size),
        lambda r: (r.region.name, r.type, r.offset_in_region),
    ])
    found: list[tuple[int, Change]] = []
    for before, after in pairs:
        if _range_key(before) != _range_key(after):
            found.append((after.start, _range_change(before, after)))
    for before in gone:
        found.append((before.start, Change(
            "range vanished", before.region.name, before.start, None,
            f"The guest no longer sees {_range(before)} at {_span(before)}.")))
    for after in new:
        found.append((after.start, Change(
            "range appeared", after.region.name, None, after.start,
            f"The guest now sees {_range(after)} at {_span(after)}.")))
    for _, change in sorted(found, key=lambda f: f[0]):
        yield change


def _range_key(r: FlatRange) -> tuple[Any, ...]:
    return (r.start, r.size, r.region.name, r.type, r.offset_in_region)


def _range_change(before: FlatRange, after: FlatRange) -> Change:
    name, thing = after.region.name, _range(after)
    if before.size == after.size and before.start != after.start:
        return Change("range moved", name, before.start, after.start,
                      f"The guest sees {thing} {moved(before.start, after.start, 'move')}.")
    if before.start == after.start and before.size != after.size:
        verb = "grow" if after.size > before.size else "shrink"
        return Change("range resized", name, before.size, after.size,
                      f"The guest sees {thing} {verb} at {hex_address(after.start)}, from "
                      f"{human(before.size)} to {human(after.size)}.")
    if before.start != after.start:
        return Change("range changed", name, (before.start, before.size), (after.start, after.size),
                      f"The guest sees {thing} at {_span(after)} instead of {_span(before)}.")
    return Change("range changed", name, before.type, after.type,
                  f"The guest sees {name} at {_span(after)} as {after.type} from offset "
                  f"{hex_address(after.offset_in_region)}, instead of {before.type} from offset "
                  f"{hex_address(before.offset_in_region)}.")


def _range(r: FlatRange) -> str:
    return f"{r.region.name} ({r.type})"


def _span(r: FlatRange) -> str:
    return f"{hex_address(r.start)} to {hex_address(r.end - 1)}"


# -- backends, memory devices, NUMA


def backends(a: Guest, b: Guest) -> Iterator[Change]:
    fields = [f for f in _PRINTED if all(_printed(g, f) for g in (a, b))]
    if "text" not in (a.door, b.door):
        fields += _ASKED
    pairs, gone, new = _pair(a.backends, b.backends, [lambda m: m.id])
    for backend in gone:
        yield Change("backend vanished", backend.id, backend.size, None,
                     f"Backend {backend.id} ({human(backend.size)}) vanished.")
    for backend in new:
        yield Change("backend appeared", backend.id, None, backend.size,
                     f"Backend {backend.id} ({human(backend.size)}) appeared.")
    for before, after in pairs:
        yield from _fields("backend", after.id, f"Backend {after.id}", before, after, fields)


def _printed(guest: Guest, field: str) -> bool:
    """Did this QEMU's ``info memdev`` print the field?  Versions before 6.0 print fewer."""
    text = guest.raw_monitor.get("info memdev", "")
    return guest.door == "model" or not text.strip() or f"{field.replace('_', ' ')}:" in text


def devices(a: Guest, b: Guest) -> Iterator[Change]:
    pairs, gone, new = _pair(a.memory_devices, b.memory_devices, [
        lambda d: d.id, lambda d: (d.id, d.kind, d.memdev), lambda d: (d.id, d.kind, d.addr),
    ])
    for device in gone:
        yield Change("device vanished", _device(device), device.addr, None,
                     f"{_device(device, True)} ({human(device.size)}) vanished.")
    for device in new:
        yield Change("device appeared", _device(device), None, device.addr,
                     f"{_device(device, True)} ({human(device.size)}) appeared at "
                     f"{hex_address(device.addr)}.")
    for before, after in pairs:
        if before.addr != after.addr:
            yield Change("device moved", _device(after), before.addr, after.addr,
                         f"{_device(after)} {moved(before.addr, after.addr)}.")
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
                         f"{label} has {word} {_value(field, new)} instead of {_value(field, old)}.")


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
    pairs, gone, new = _pair(a.numa, b.numa, [lambda n: n.id])
    for node in gone:
        yield Change("node vanished", f"node {node.id}", node.size, None, f"Node {node.id} vanished.")
    for node in new:
        yield Change("node appeared", f"node {node.id}", None, node.size,
                     f"Node {node.id} appeared, with {human(node.size)}.")
    for before, after in pairs:
        name = f"node {after.id}"
        # The monitor prints whole MiB, so no more can be compared.
        for field, words in (("size", ""), ("plugged", " plugged in")):
            old, now = getattr(before, field) >> 20 << 20, getattr(after, field) >> 20 << 20
            if old != now:
                yield Change(f"node {field}", name, old, now,
                             f"Node {after.id} has {human(now)}{words} instead of {human(old)}.")
        if before.cpus != after.cpus:
            yield Change("node cpus", name, before.cpus, after.cpus,
                         f"Node {after.id} has CPUs {_value('cpus', after.cpus)} instead of "
                         f"{_value('cpus', before.cpus)}.")
