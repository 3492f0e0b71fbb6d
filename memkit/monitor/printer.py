"""The text of QEMU's monitor commands about memory, as QEMU prints it.

QEMU prints some stanzas in the accidental order of a hash table; here they come in the order in
which their address spaces and backends were made, ``memory`` first.

Source: ram_block_format in softmmu/physmem.c, hmp_info_memdev in hw/core/machine-hmp-cmds.c,
hmp_info_memory_devices in monitor/hmp-cmds.c,
hmp_info_numa in hw/core/machine-hmp-cmds.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import frexp
from typing import TYPE_CHECKING, NamedTuple

from memkit.errors import MemkitError
from memkit.monitor.print_tree import print_flat_views, print_trees
from memkit.versions import DEFAULT_QEMU, QemuFacts, qemu_facts

if TYPE_CHECKING:
    from memkit.guest import Guest
    from memkit.memory.backend import Backend
    from memkit.memory.device import MemoryDevice
    from memkit.memory.ramblock import RAMBlock

__all__ = ["COMMANDS", "answer"]


def answer(guest: Guest, command: str) -> str:
    """The text that QEMU prints for ``command``, with its last newline.

    A guest that was observed or read answers with the text that it came with; to one that was read, what its
    text does not tell is unknown, except ``info mtree -f``, which follows from ``info mtree``.  Raises
    MemkitError with the known commands for any other word; blanks around and between words do not matter.

    >>> import memkit
    >>> print(answer(memkit.boot("-m 1G,slots=1,maxmem=2G"), "info numa"), end="")
    1 nodes
    node 0 cpus: 0
    node 0 size: 1024 MB
    node 0 plugged: 0 MB
    """
    wanted = " ".join(command.split()) if isinstance(command, str) else repr(command)
    if wanted in guest.raw_monitor:
        return guest.raw_monitor[wanted]
    printer = COMMANDS.get(wanted)
    if printer is None:
        raise MemkitError(
            f"the monitor command {wanted[:60]!r} is not known here; try one of: {', '.join(COMMANDS)}"
        )
    if guest.door == "text" and not (wanted == "info mtree -f" and "info mtree" in guest.raw_monitor):
        raise MemkitError(
            f"the text that this guest was read from has no answer to {wanted!r}; it has those to: "
            f"{', '.join(guest.raw_monitor)}"
        )
    return "".join(f"{line}\n" for line in printer(guest))


def _facts(guest: Guest) -> QemuFacts:
    """What the QEMU that answers prints; an unknown one counts as the default."""
    try:
        return qemu_facts(guest.qemu)
    except ValueError:
        return qemu_facts(DEFAULT_QEMU)


# -- info ramblock


class Column(NamedTuple):
    """A column of ``info ramblock`` with ``before`` blanks in front; a QEMU without ``fact`` has none."""

    title: str
    before: int
    width: int
    cell: Callable[[RAMBlock], str]
    fact: str = ""


# No block lies at host-virtual address zero: it stands for "unknown", as the model knows none.
UNKNOWN_HVA = f"0x{0:016x}"

RAMBLOCK_COLUMNS = (
    Column("Block Name", 0, 24, lambda b: b.idstr),
    Column("PSize", 1, 8, lambda b: _size(b.page_size)),
    Column("Offset", 2, 18, lambda b: f"0x{b.offset:016x}"),
    Column("Used", 1, 18, lambda b: f"0x{b.used_length:016x}"),
    Column("Total", 1, 18, lambda b: f"0x{b.max_length:016x}"),
    Column("HVA", 1, 18, lambda b: UNKNOWN_HVA, "ramblock_hva"),
    Column("RO", 1, 3, lambda b: "ro" if b.readonly else "rw", "ramblock_hva"),
)


def _size(size: int) -> str:
    """A size in bytes with a binary unit and three digits (size_to_str, util/cutils.c)."""
    power = max(frexp(size * 1.024)[1] - 1, 0) // 10
    unit = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")[power]
    return f"{size / (1 << 10 * power):.3g} {unit}B"


def _ramblock(guest: Guest) -> Iterator[str]:
    facts = _facts(guest)
    columns = [c for c in RAMBLOCK_COLUMNS if not c.fact or getattr(facts, c.fact)]
    yield "".join(" " * c.before + c.title.rjust(c.width) for c in columns)
    for block in sorted(guest.ram_blocks, key=lambda b: -b.max_length):
        yield "".join(" " * c.before + c.cell(block).rjust(c.width) for c in columns)


# -- info memdev, memory-devices, numa


def _memdev(guest: Guest) -> Iterator[str]:
    facts = _facts(guest)
    for backend in guest.backends:
        yield from _backend(backend, facts)
    yield ""


def _backend(backend: Backend, facts: QemuFacts) -> Iterator[str]:
    yield f"memory backend: {backend.id}"
    yield f"  size:  {backend.size}"
    yield f"  merge: {_bool(backend.merge)}"
    yield f"  dump: {_bool(backend.dump)}"
    yield f"  prealloc: {_bool(backend.prealloc)}"
    if facts.memdev_share:
        yield f"  share: {_bool(bool(backend.share))}"
    if facts.memdev_reserve:
        yield f"  reserve: {_bool(backend.reserve)}"
    yield f"  policy: {backend.policy}"
    yield f"  host nodes: {_ranges(backend.host_nodes)}"


def _bool(value: bool) -> str:
    return "true" if value else "false"


def _ranges(numbers: tuple[int, ...]) -> str:
    """Numbers as QEMU's string output visitor joins them: runs as ``0-2``, then commas."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def _memory_devices(guest: Guest) -> Iterator[str]:
    # Sorted by gpa, as memory_device_build_list in hw/mem/memory-device.c collects them.
    for device in sorted(guest.memory_devices, key=lambda d: d.addr):
        yield f'Memory device [{device.kind}]: "{device.id or ""}"'
        for label, value in MEMORY_DEVICE_LINES[device.kind]:
            yield f"  {label}: {value(device)}"


Line = tuple[str, "Callable[[MemoryDevice], object]"]
_MEMADDR: Line = ("memaddr", lambda d: f"0x{d.addr:x}")
_NODE: Line = ("node", lambda d: d.node or 0)
_SIZE: Line = ("size", lambda d: d.size)
_BACKEND: Line = ("memdev", lambda d: d.memdev)
_DIMM: tuple[Line, ...] = (
    ("addr", lambda d: f"0x{d.addr:x}"),
    ("slot", lambda d: d.slot or 0),
    _NODE,
    _SIZE,
    _BACKEND,
    ("hotplugged", lambda d: _bool(d.hotplugged)),
    ("hotpluggable", lambda d: _bool(d.hotpluggable)),
)
# What hmp_info_memory_devices prints below the first line of each kind.
MEMORY_DEVICE_LINES: dict[str, tuple[Line, ...]] = {
    "dimm": _DIMM,
    "nvdimm": _DIMM,
    "virtio-pmem": (_MEMADDR, _SIZE, _BACKEND),
    "virtio-mem": (
        _MEMADDR,
        _NODE,
        ("requested-size", lambda d: d.requested_size or 0),
        _SIZE,
        ("max-size", lambda d: d.max_size or 0),
        ("block-size", lambda d: d.block_size or 0),
        _BACKEND,
    ),
    "sgx-epc": (_MEMADDR, _SIZE, _NODE, _BACKEND),
}


def _numa(guest: Guest) -> Iterator[str]:
    yield f"{len(guest.numa)} nodes"
    for node in guest.numa:
        yield f"node {node.id} cpus:" + "".join(f" {cpu}" for cpu in node.cpus)
        yield f"node {node.id} size: {node.size >> 20} MB"
        yield f"node {node.id} plugged: {node.plugged >> 20} MB"


COMMANDS: dict[str, Callable[[Guest], Iterator[str]]] = {
    "info ramblock": _ramblock,
    "info mtree": lambda guest: print_trees(guest, _facts(guest)),
    "info mtree -f": lambda guest: print_flat_views(guest, _facts(guest)),
    "info mtree -D": lambda guest: print_trees(guest, _facts(guest), disabled=True),
    "info memdev": _memdev,
    "info memory-devices": _memory_devices,
    "info numa": _numa,
}
