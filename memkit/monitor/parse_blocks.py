"""RAMBlocks, backends, memory devices and NUMA nodes, read from the monitor's text.

Source: ram_block_format in softmmu/physmem.c, hmp_info_memdev, hmp_info_memory_devices and
hmp_info_numa in hw/core/machine-hmp-cmds.c (QEMU 7.2; the layouts of 5.2 to 11.1 are read, too).
"""

from __future__ import annotations

import re
from dataclasses import replace

from memkit.memory.backend import Backend
from memkit.memory.device import MemoryDevice, NumaNode
from memkit.memory.ramblock import RAMBlock
from memkit.monitor.parse_text import numbered, unreadable

__all__ = ["purpose_of", "read_memdev", "read_memory_devices", "read_numa", "read_ramblock"]

# The abstract type above all backends: the text does not say which one it is.
UNKNOWN_TYPE = "memory-backend"
UNKNOWN = "unknown"

_UNITS = {"B": 0, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}
_BLOCK = re.compile(
    r"^(?P<name>.*?)\s+(?P<page>\d+)\s?(?P<unit>B|KiB|MiB|GiB|TiB)\s+(?P<offset>0x[0-9a-f]+)\s+"
    r"(?P<used>0x[0-9a-f]+)\s+(?P<total>0x[0-9a-f]+)(?:\s+0x[0-9a-f]+)?(?:\s+(?P<ro>r[ow]))?\s*$"
)
_FIELD = re.compile(r"^\s+(?P<key>[a-z][a-z -]*?):\s*(?P<value>.*)$")
_DEVICE = re.compile(r'^Memory device \[(?P<kind>[^\]]+)\]:\s*"?(?P<id>[^"]*)"?\s*$')
_NODE = re.compile(r"^node (?P<id>\d+) (?P<what>cpus|size|plugged):(?P<value>.*)$")


def purpose_of(idstr: str, *, backend: bool = False) -> str:
    """What a block is for, by the names that QEMU gives: ram, vram, rom, flash or table.

    >>> purpose_of("0000:00:02.0/vga.vram"), purpose_of("/rom@etc/acpi/tables"), purpose_of("pc.bios")
    ('vram', 'table', 'rom')
    """
    name = idstr.rsplit("/", 1)[-1]
    if backend:
        return "ram"
    if "/rom@" in idstr or idstr.startswith("rom@"):
        return "table"
    if name.endswith("vram"):
        return "vram"
    if re.search(r"(\.|^)(rom|bios)$", name):
        return "rom"
    if re.search(r"flash\d*$", name):
        return "flash"
    return "ram"


def read_ramblock(text: str) -> list[RAMBlock]:
    """The RAMBlocks of ``info ramblock``, by ram_addr_t; raises MemkitError.

    QEMU lists them by size.  As ram_addr_t grows with every block that is made, its order is the
    order of creation, unless blocks were unplugged.  Host-virtual addresses are not kept.

    >>> read_ramblock("pc.ram    4 KiB  0x0000000000000000 0x0000000040000000 0x0000000040000000")
    [<RAMBlock 'pc.ram' 0x40000000 bytes at ram_addr_t 0x0>]
    """
    blocks = []
    for number, line in numbered(text):
        if "Block Name" in line:
            continue
        match = _BLOCK.match(line)
        if match is None:
            raise unreadable(
                "info ramblock", number, line,
                "a line has a name, a page size such as '4 KiB', and offset, used and total in hexadecimal",
            )
        name = match["name"].strip()
        used, total = int(match["used"], 16), int(match["total"], 16)
        purpose = purpose_of(name)
        blocks.append(RAMBlock(
            int(match["offset"], 16), used, total, int(match["page"]) << _UNITS[match["unit"]], name,
            region_name=name if name.startswith("/") else name.rsplit("/", 1)[-1],
            purpose=purpose,  # type: ignore[arg-type]
            readonly=match["ro"] == "ro", resizeable=used != total,
        ))
    return sorted(blocks, key=lambda b: b.offset)


def read_memdev(text: str) -> list[Backend]:
    """The Backends of ``info memdev``, by id; raises MemkitError.

    The text does not tell the type (``memory-backend`` stands for any), file, alignment or file
    system (``unknown``); QEMU's order is that of a hash table.

    >>> read_memdev("memory backend: m1\\n  size:  4096\\n  share: true")[0].share
    True
    """
    found: list[Backend] = []
    for number, line in numbered(text):
        if line.startswith("memory backend:"):
            name = line.partition(":")[2].strip()
            found.append(Backend(name, UNKNOWN_TYPE, 0, filesystem=UNKNOWN, path=f"/objects/{name}"))
            continue
        match = _FIELD.match(line)
        if match is None or not found:
            raise unreadable("info memdev", number, line, "a stanza starts with 'memory backend: ID'")
        key, value = match["key"], match["value"].strip()
        try:
            changes = _backend_field(key, value)
        except ValueError:
            raise unreadable("info memdev", number, line, f"{key} has an odd value") from None
        found[-1] = replace(found[-1], **changes)  # type: ignore[arg-type]
    return sorted(found, key=lambda b: b.id)


def _backend_field(key: str, value: str) -> dict[str, object]:
    if key == "size":
        return {"size": int(value)}
    if key in ("merge", "dump", "prealloc", "share", "reserve"):
        return {key: _boolean(value)}
    if key == "policy":
        return {"policy": value}
    if key == "host nodes":
        return {"host_nodes": _numbers(value)}
    return {}  # a newer QEMU may print more


def _boolean(value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError(value)
    return value == "true"


def _numbers(value: str) -> tuple[int, ...]:
    numbers: list[int] = []
    for part in re.split(r"[,\s]+", value):
        if part:
            first, _, last = part.partition("-")
            low, high = int(first), int(last or first)
            if not 0 <= low <= high < 1 << 16:
                raise ValueError(value)
            numbers += range(low, high + 1)
    return tuple(numbers)


def read_memory_devices(text: str) -> list[MemoryDevice]:
    """The MemoryDevices of ``info memory-devices``, in its order (by gpa); raises MemkitError.

    >>> read_memory_devices('Memory device [dimm]: ""\\n  addr: 0x140000000\\n  size: 4096')[0].id is None
    True
    """
    stanzas: list[dict[str, str]] = []
    for number, line in numbered(text):
        head = _DEVICE.match(line)
        if head is not None:
            stanzas.append({"kind": head["kind"], "id": head["id"], "line": str(number)})
            continue
        match = _FIELD.match(line)
        if match is None or not stanzas:
            raise unreadable(
                "info memory-devices", number, line, "a stanza starts with 'Memory device [KIND]: \"ID\"'"
            )
        stanzas[-1][match["key"]] = match["value"].strip()
    devices = []
    for stanza in stanzas:
        try:
            devices.append(_device(stanza))
        except ValueError as e:
            raise unreadable(
                "info memory-devices", int(stanza["line"]), f"Memory device [{stanza['kind']}]",
                f"a number is missing or odd in its stanza ({e})",
            ) from None
    return devices


def _device(stanza: dict[str, str]) -> MemoryDevice:
    def number(*keys: str) -> int | None:
        for key in keys:
            if key in stanza:
                return int(stanza[key], 0)
        return None

    addr, size = number("addr", "memaddr"), number("size")
    return MemoryDevice(
        stanza["kind"], stanza["id"] or None, addr or 0, size or 0, stanza.get("memdev", ""),
        number("node"), number("slot"),
        hotplugged=stanza.get("hotplugged") == "true", hotpluggable=stanza.get("hotpluggable") != "false",
        requested_size=number("requested-size"), max_size=number("max-size"),
        block_size=number("block-size"),
    )


def read_numa(text: str) -> list[NumaNode]:
    """The NumaNodes of ``info numa``; sizes are whole MiB, as QEMU prints them; raises MemkitError.

    >>> read_numa("1 nodes\\nnode 0 cpus: 0 1\\nnode 0 size: 512 MB\\nnode 0 plugged: 0 MB")[0].cpus
    (0, 1)
    """
    nodes: dict[int, NumaNode] = {}
    for number, line in numbered(text):
        if re.match(r"^\d+ nodes?$", line):
            continue
        match = _NODE.match(line)
        try:
            if match is None:
                raise ValueError
            node = nodes.get(int(match["id"]), NumaNode(int(match["id"]), (), 0, 0))
            if match["what"] == "cpus":
                node = replace(node, cpus=tuple(int(c) for c in match["value"].split()))
            else:
                amount = int(match["value"].split()[0]) << 20
                node = replace(node, **{match["what"]: amount})  # type: ignore[arg-type]
        except (ValueError, IndexError):
            raise unreadable(
                "info numa", number, line, "a line is 'N nodes' or 'node N cpus|size|plugged: ...'"
            ) from None
        nodes[node.id] = node
    return [nodes[k] for k in sorted(nodes)]
