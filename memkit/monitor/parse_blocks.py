"""RAMBlocks, backends, memory devices and NUMA nodes, read from the monitor's text.

Source: ram_block_format in softmmu/physmem.c, hmp_info_memdev, hmp_info_memory_devices and
hmp_info_numa in hw/core/machine-hmp-cmds.c (QEMU 7.2; the layouts of 5.2 to 11.1 are read, too).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from memkit.memory.backend import Backend
from memkit.memory.device import MemoryDevice, NumaNode
from memkit.memory.ramblock import RAMBlock
from memkit.monitor.parse_text import Lines, numbered, unreadable

__all__ = ["purpose_of", "read_memdev", "read_memory_devices", "read_numa", "read_ramblock"]

# The abstract type above all backends: the text does not say which one it is.
UNKNOWN_TYPE = "memory-backend"
UNKNOWN = "unknown"

_UNITS = {"B": 0, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}
_BLOCK = re.compile(
    r"(?P<page>[0-9]{1,4}) ?(?P<unit>B|KiB|MiB|GiB|TiB) +0x(?P<offset>[0-9a-f]{1,16}) +"
    r"0x(?P<used>[0-9a-f]{1,16}) +0x(?P<total>[0-9a-f]{1,16})(?: +0x[0-9a-f]{1,16})?(?: +(?P<ro>r[ow]))?$"
)
_FIELD = re.compile(r" *(?P<key>[a-z][a-z -]{0,30}): *(?P<value>.*)$")
_DEVICE = re.compile(r' *Memory device \[(?P<kind>[a-z-]{1,40})\]: *"(?P<id>[^"]*)"? *$')
_NODE = re.compile(r" *node (?P<id>[0-9]{1,5}) (?P<what>cpus|size|plugged):(?P<value>.*)$")
_NUMBER = re.compile(r"0x[0-9a-f]{1,16}|[0-9]{1,20}")
_SIGNED = re.compile(r"-?[0-9]{1,10}")
_CPUS = re.compile(r"(?: [0-9]{1,5})*$")
_MEBIBYTES = re.compile(r" ([0-9]{1,14}) MB$")
_PAGE = re.compile(r"(?<![^ ])[0-9]{1,4} ?(?:[KMGT]iB|B) +0x")
MOST = 1 << 64
# No guest has more blocks, backends or memory devices; QEMU has 128 NUMA nodes at most.
MOST_THINGS = 5_000
MOST_NODES = 1_024
LARGEST_PAGE = 16 << 30
# What every QEMU prints of a backend.
_STANZA = ("size", "merge", "dump", "prealloc", "policy", "host_nodes")


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


def read_ramblock(text: str | Lines) -> list[RAMBlock]:
    """The RAMBlocks of ``info ramblock``, by ram_addr_t; raises MemkitError.

    QEMU lists them by size.  As ram_addr_t grows with every block that is made, its order is the
    order of creation, unless blocks were unplugged.  Host-virtual addresses are not kept.

    >>> read_ramblock("pc.ram    4 KiB  0x0000000000000000 0x0000000040000000 0x0000000040000000")
    [<RAMBlock 'pc.ram' 0x40000000 bytes at ram_addr_t 0x0>]
    """
    blocks: list[RAMBlock] = []
    for number, line in numbered(text):
        if "Block Name" in line:
            continue
        # A name may have blanks, so the columns are counted from the right.
        found = _PAGE.search(line)
        match = _BLOCK.match(line, found.start()) if found is not None else None
        # Columns of one width: a number that was cut off is no other number.
        if found is None or match is None or len(match["used"]) != len(match["total"]):
            raise unreadable(
                "info ramblock", number, line,
                "a line has a name, a page size such as '4 KiB', and offset, used and total in hexadecimal",
            )
        name = line[:found.start()].strip()
        page = int(match["page"]) << _UNITS[match["unit"]]
        offset, used, total = (int(match[column], 16) for column in ("offset", "used", "total"))
        if not 512 <= page <= LARGEST_PAGE or page & (page - 1):
            raise unreadable("info ramblock", number, line, f"a page size is a power of two, not {page}")
        if not 0 <= used <= total or not 0 < total or offset + total > MOST:
            raise unreadable(
                "info ramblock", number, line, "used is at most total, and the block ends below 2^64"
            )
        purpose = purpose_of(name)
        _room(len(blocks), "info ramblock", number, line)
        blocks.append(RAMBlock(
            offset, used, total, page, name,
            region_name=name if name.startswith("/") else name.rsplit("/", 1)[-1],
            purpose=purpose,  # type: ignore[arg-type]
            readonly=match["ro"] == "ro", resizeable=used != total,
        ))
    return sorted(blocks, key=lambda b: b.offset)


def read_memdev(text: str | Lines, notes: list[str] | None = None) -> list[Backend]:
    """The Backends of ``info memdev``, by id; raises MemkitError.

    The text does not tell the type (``memory-backend`` stands for any), file, alignment or file
    system (``unknown``); QEMU's order is that of a hash table.  ``share`` is None where nothing says it:
    QEMUs before 6.1 do not print it.  ``notes`` take what a stanza that was cut short leaves open.

    >>> read_memdev("memory backend: m1\\n  size:  4096\\n  share: true")[0].share
    True
    """
    found: dict[str, dict[str, Any]] = {}
    stanza: dict[str, Any] | None = None
    for number, line in numbered(text):
        if line.lstrip().startswith("memory backend:"):
            stanza = found[line.partition(":")[2].strip()] = {}
            _room(len(found), "info memdev", number, line)
            continue
        match = _FIELD.match(line)
        if match is None or stanza is None:
            raise unreadable("info memdev", number, line, "a stanza starts with 'memory backend: ID'")
        key, value = match["key"], match["value"].strip()
        try:
            stanza.update(_backend_field(key, value))
        except ValueError:
            raise unreadable("info memdev", number, line, f"{key} has an odd value") from None
    return [b for b in (_backend(id, found[id], notes) for id in sorted(found)) if b is not None]


def _room(count: int, command: str, number: int, line: str) -> None:
    if count > MOST_THINGS:
        raise unreadable(command, number, line, f"up to {MOST_THINGS:,} of them are read, and no guest has "
                                                "more")


def _backend(id: str, fields: dict[str, Any], notes: list[str] | None) -> Backend | None:
    lost = [key for key in _STANZA if key not in fields]
    if notes is not None and lost:
        said = ", ".join(key.replace("_", " ") for key in lost)
        left_out = ", and so the backend is left out" if "size" in lost else ""
        notes.append(f"the text does not tell {said} of the backend {id!r:.60}{left_out}")
    if "size" in lost and notes is not None:
        return None
    known = {"size": 0, "share": None, **fields}
    return Backend(id, UNKNOWN_TYPE, filesystem=UNKNOWN, path=f"/objects/{id}", **known)


def _backend_field(key: str, value: str) -> dict[str, Any]:
    if key == "size":
        return {"size": _number(value)}
    if key in ("merge", "dump", "prealloc", "share", "reserve"):
        return {key: _boolean(value)}
    if key == "policy":
        return {"policy": value[:40]}
    if key == "host nodes":
        return {"host_nodes": _numbers(value)}
    return {}  # a newer QEMU may print more


def _number(value: str) -> int:
    """A size or an address below 2^64; raises ValueError."""
    if _NUMBER.fullmatch(value) is None or (number := int(value, 0)) >= MOST:
        raise ValueError(value)
    return number


def _boolean(value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError(value)
    return value == "true"


def _numbers(value: str) -> tuple[int, ...]:
    numbers: list[int] = []
    for part in re.split(r"[, ]+", value):
        if part:
            first, _, last = part.partition("-")
            low, high = int(first), int(last or first)
            if not 0 <= low <= high < MOST_NODES:
                raise ValueError(value)
            numbers += range(low, high + 1)
    return tuple(numbers)


def read_memory_devices(text: str | Lines, notes: list[str] | None = None) -> list[MemoryDevice]:
    """The MemoryDevices of ``info memory-devices``, in its order (by gpa); raises MemkitError.

    One without an address or a size is left out, and ``notes`` take a sentence on it: the text was cut short,
    or it is a hv-balloon, which need not have either.

    >>> read_memory_devices('Memory device [dimm]: ""\\n  addr: 0x140000000\\n  size: 4096')[0].id is None
    True
    """
    stanzas: list[dict[str, str]] = []
    for number, line in numbered(text):
        head = _DEVICE.match(line)
        if head is not None:
            _room(len(stanzas), "info memory-devices", number, line)
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
            device = _device(stanza)
        except ValueError as e:
            raise unreadable(
                "info memory-devices", int(stanza["line"]), f"Memory device [{stanza['kind']}]",
                f"a number is missing or odd in its stanza ({str(e)[:60]!r})",
            ) from None
        if device is not None:
            devices.append(device)
        elif notes is not None:
            notes.append(
                f"the text does not tell the address or the size of the {stanza['kind']} "
                f"{stanza['id'][:60]!r}, "
                "which is left out"
            )
    return devices


def _device(stanza: dict[str, str]) -> MemoryDevice | None:
    def number(*keys: str) -> int | None:
        return next((_number(stanza[key]) for key in keys if key in stanza), None)

    addr, size = number("addr", "memaddr"), number("size")
    # Signed: an option can say -1.
    node, slot = (int(stanza[key]) if _SIGNED.fullmatch(stanza.get(key, "")) else None
                  for key in ("node", "slot"))
    more = number("requested-size"), number("max-size"), number("block-size")
    if addr is None or size is None:
        return None
    return MemoryDevice(
        stanza["kind"], stanza["id"] or None, addr, size, stanza.get("memdev", ""), node, slot,
        hotplugged=stanza.get("hotplugged") == "true", hotpluggable=stanza.get("hotpluggable") != "false",
        requested_size=more[0], max_size=more[1], block_size=more[2],
    )


def read_numa(text: str | Lines, notes: list[str] | None = None) -> list[NumaNode]:
    """The NumaNodes of ``info numa``; sizes are whole MiB, as QEMU prints them; raises MemkitError.

    ``notes`` take a sentence where the text has fewer nodes than it announces.

    >>> read_numa("1 nodes\\nnode 0 cpus: 0 1\\nnode 0 size: 512 MB\\nnode 0 plugged: 0 MB")[0].cpus
    (0, 1)
    """
    nodes: dict[int, NumaNode] = {}
    announced, told = 0, 0
    for number, line in numbered(text):
        if head := re.match(r" *([0-9]{1,4}) nodes?$", line):
            announced = int(head[1])
            continue
        match = _NODE.match(line)
        value = match["value"] if match is not None else ""
        size = _MEBIBYTES.match(value)
        if match is None or (not _CPUS.match(value) if match["what"] == "cpus" else size is None):
            raise unreadable(
                "info numa", number, line, "a line is 'N nodes' or 'node N cpus|size|plugged: ...'"
            )
        if int(match["id"]) >= MOST_NODES:
            raise unreadable("info numa", number, line, f"nodes are counted from 0, up to {MOST_NODES - 1}")
        node = nodes.get(int(match["id"]), NumaNode(int(match["id"]), (), 0, 0))
        if size is None:
            node = replace(node, cpus=tuple(int(c) for c in value.split()))
        else:
            node = replace(node, **{match["what"]: int(size[1]) << 20})  # type: ignore[arg-type]
        told += 1
        nodes[node.id] = node
    if notes is not None and announced and told < 3 * announced:
        notes.append(f"'info numa' announces {announced} nodes, and the text does not tell all of them")
    return [nodes[k] for k in sorted(nodes)]
