"""What QEMU's monitor does not print, asked of its object tree (QOM), and added to a Guest.

Source: qapi/qom.json, backends/hostmem*.c (QEMU 7.2).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from memkit.config import Config
from memkit.guest import Guest
from memkit.host import Host
from memkit.memory.backend import Backend
from memkit.memory.device import Frontend, MemoryDevice
from memkit.memory.ramblock import RAMBlock
from memkit.monitor.parse_alias import reachable
from memkit.monitor.parse_link import regions_by_block
from memkit.monitor.parse_text import COMMANDS
from memkit.qemu.talk import Answers, Execute

__all__ = ["ask", "enrich"]

OWNED_TREE = "info mtree -o -D"
_BACKEND = re.compile(r"child<(memory-backend-[a-z]+)>")
_CHILD = re.compile(r"child<(.+)>")
_PCI = re.compile(r"0000:00:(?P<addr>[0-9a-f]{2}\.[0-7])/")
_PROPERTIES = {
    "mem-path": "mem_path", "align": "align", "readonly": "readonly", "pmem": "pmem", "hugetlb": "hugetlb",
    "seal": "seal", "discard-data": "discard_data", "x-use-canonical-path-for-ramblock-id": "canonical_path",
}
# Types, or their ends, that cannot sit on a PCI bus: no need to ask where.
_NO_PCI = ("-cpu", "qemu:memory-region", "irq", "pc-dimm", "nvdimm")
_PLACES = ("/machine/peripheral", "/machine/peripheral-anon", "/machine/unattached")


async def ask(answers: Answers, execute: Execute) -> None:
    """Ask a paused QEMU everything that memkit reads; the answers go into ``answers``."""
    answers.facts["version"] = await execute("query-version")
    for command in (*COMMANDS, OWNED_TREE):
        text = await execute("human-monitor-command", **{"command-line": command})
        if isinstance(text, str) and (command != OWNED_TREE or text.startswith("address-space")):
            answers.monitor[command] = text
    answers.facts["machine"] = await execute("qom-get", path="/machine", property="type")
    backends = answers.facts["backends"] = {}
    known: dict[str, set[str]] = {}  # type → properties, the same for all its objects
    for entry in await execute("qom-list", path="/objects") or ():
        match = _BACKEND.fullmatch(entry["type"])
        if match:
            backends[entry["name"]] = await _backend(execute, entry["name"], match[1], known)
    answers.facts["devices"] = await _devices(answers, execute)


async def _backend(execute: Execute, name: str, kind: str, known: dict[str, set[str]]) -> dict[str, Any]:
    path = f"/objects/{name}"
    if kind not in known:
        known[kind] = {p["name"] for p in await execute("qom-list", path=path) or ()}
    found: dict[str, Any] = {"type": kind, "path": path}
    for property_name, field in _PROPERTIES.items():
        if property_name in known[kind]:
            value = await execute("qom-get", path=path, property=property_name)
            if value is not None:
                found[field] = value
    return found


async def _devices(answers: Answers, execute: Execute) -> dict[str, dict[str, Any]]:
    """Slot on PCI bus 0 → type and object path, for the devices that have RAMBlocks."""
    wanted = set(_PCI.findall(answers.monitor.get("info ramblock", "")))
    found: dict[str, dict[str, Any]] = {}
    for place in _PLACES:
        if not wanted - set(found):
            break
        for entry in await execute("qom-list", path=place) or ():
            match = _CHILD.fullmatch(entry["type"])
            if match is None or match[1].endswith(_NO_PCI):
                continue
            path = f"{place}/{entry['name']}"
            addr = await execute("qom-get", path=path, property="addr")
            bus = await execute("qom-get", path=path, property="parent_bus")
            slot = _slot(addr)
            if slot in wanted and re.search(r"/pcie?\.0$", str(bus)):
                found[slot] = {"type": match[1], "path": path}
    return found


def _slot(addr: object) -> str:
    """A PCI address property as block names have it: ``02.0``."""
    if isinstance(addr, str):
        match = re.fullmatch(r"([0-9a-f]{1,2})(?:\.([0-7]))?", addr)
        return f"{int(match[1], 16):02x}.{match[2] or 0}" if match else ""
    return f"{addr >> 3:02x}.{addr & 7}" if isinstance(addr, int) and addr >= 0 else ""


def enrich(guest: Guest, answers: Answers, config: Config | None, host: Host) -> Guest:
    """``guest``, as read from the monitor, with what QOM and the command line tell besides."""
    facts = answers.facts
    new = {b.id: _known(b, facts.get("backends", {}).get(b.id), config, host) for b in guest.backends}
    for block in guest.ram_blocks:
        if block.backend is not None:
            backend = replace(new[block.backend.id], page_size=block.page_size)
            new[backend.id] = backend
            block.backend = backend
            block.readonly = block.readonly or backend.readonly
    version = (facts.get("version") or {}).get("qemu", {})
    machine = str(facts.get("machine") or guest.machine_type).removesuffix("-machine")
    return replace(
        guest, host=host, config=config, machine_type=machine,
        qemu=f"{version['major']}.{version['minor']}" if "minor" in version else guest.qemu,
        backends=tuple(new.values()),
        memory_devices=tuple(_with_option(d, config) for d in guest.memory_devices),
        frontends=tuple(_frontends(guest, new, facts.get("devices", {}), config)),
    )


def _known(backend: Backend, found: Mapping[str, Any] | None, config: Config | None, host: Host) -> Backend:
    if found is None:
        return backend
    known = replace(backend, **found)
    specs = {s.id: s.option for s in config.objects} if config is not None else {}
    option = specs.get(backend.id)
    filesystem = {
        "memory-backend-ram": "anonymous", "memory-backend-memfd": "memfd", "memory-backend-shm": "shm",
    }.get(known.type)
    if known.mem_path is not None:
        filesystem = host.mount_of(known.mem_path).fs
    return replace(
        known, filesystem=filesystem or backend.filesystem,
        implicit=config is not None and option is None,
        option_index=_index(config, option),
    )


def _index(config: Config | None, option: object) -> int | None:
    if config is None or option is None:
        return None
    return next((i for i, o in enumerate(config.options) if o is option), None)


def _with_option(device: MemoryDevice, config: Config | None) -> MemoryDevice:
    name = device.memdev.rpartition("/")[2]
    for spec in config.devices if config is not None else ():
        if spec.props.get("memdev") == name:
            return replace(device, option_index=_index(config, spec.option))
    return device


def _frontends(
    guest: Guest, backends: Mapping[str, Backend], devices: Mapping[str, Mapping[str, Any]],
    config: Config | None,
) -> list[Frontend]:
    """Main RAM as the text showed it, devices with a memdev, then PCI devices with blocks of their own."""
    specs = list(config.devices) if config is not None else []
    anonymous = [s for s in specs if s.id is None]
    found: list[Frontend] = []
    shown: set[int] = set()
    for frontend in guest.frontends:
        backend = backends.get(frontend.backend.id) if frontend.backend is not None else None
        spec = next((s for s in specs if backend is not None and s.props.get("memdev") == backend.id), None)
        if frontend.kind == "machine":
            found.append(replace(frontend, backend=backend, label=f"main RAM of {guest.machine_type}"))
        else:
            found.append(replace(
                frontend, backend=backend, kind=spec.driver if spec else frontend.kind,
                option_index=_index(config, spec.option if spec else None),
            ))
        shown.update(id(b) for b in frontend.blocks)
    by_slot: dict[str, list[RAMBlock]] = {}
    for block in guest.ram_blocks:
        match = _PCI.match(block.idstr)
        if match and id(block) not in shown:
            by_slot.setdefault(match["addr"], []).append(block)
    for slot, blocks in by_slot.items():
        device = devices.get(slot)
        if device is None:
            continue
        place, _, name = device["path"].rpartition("/")
        named = name if place.endswith("/peripheral") else None
        number = re.fullmatch(r"device\[(\d+)\]", name) if place.endswith("-anon") else None
        spec = next((s for s in specs if named is not None and s.id == named), None)
        if number is not None and int(number[1]) < len(anonymous):
            spec = anonymous[int(number[1])]
        for block in blocks:
            block.owner = block.owner or device["path"]
        _own_regions(guest, device["path"], blocks)
        shows = regions_by_block(guest.address_spaces)
        found.append(Frontend(
            device["type"], named, named or device["type"], blocks[0].backend, tuple(blocks),
            tuple(r for b in blocks for r in shows.get(id(b), ())),
            option_index=_index(config, spec.option if spec else None),
        ))
    return found


def _own_regions(guest: Guest, path: str, blocks: list[RAMBlock]) -> None:
    """Link regions to blocks of one device: the owner tells apart what has the same name twice."""
    for region in reachable([s.root for s in guest.address_spaces]):
        if region.owner == path and region.terminates and region.block is None:
            fit = [b for b in blocks if b.idstr.endswith("/" + region.name) and region.size <= b.max_length]
            region.block = fit[0] if len(fit) == 1 else None
