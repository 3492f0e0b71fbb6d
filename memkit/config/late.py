"""Options that QEMU reads late: ``-m``, ``-smp`` and ``-numa`` are checked after the option loop.

Source: parse_memory_options in softmmu/vl.c, qapi/machine.json, hw/core/numa.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from memkit.config.ranges import uint_ranges
from memkit.config.specs import MemoryOptions, NumaSpec, Option, SmpOptions
from memkit.errors import Refused
from memkit.units import parse_size

__all__ = ["read_memory", "read_numa", "read_smp"]

_SIZE_HELP = (
    "Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\nand exabytes, respectively."
)
_TYPES = ("node", "dist", "cpu", "hmat-lb", "hmat-cache")
_NODE = ("nodeid", "cpus", "mem", "memdev", "initiator")
_CPU = ("node-id", "drawer-id", "book-id", "socket-id", "die-id", "cluster-id", "core-id", "thread-id")
_REQUIRED = {
    "dist": ("src", "dst", "val"), "hmat-lb": ("initiator", "target", "hierarchy", "data-type"),
    "hmat-cache": ("node-id", "size", "level", "associativity", "policy", "line"),
}
_OPTIONAL = {"dist": (), "hmat-lb": ("latency", "bandwidth"), "hmat-cache": ()}


def _refuse(option: Option | None, message: str, why: str, hint: str, *, located: bool = True) -> NoReturn:
    text = option.text if option else ""
    raise Refused(
        f"{text}: {message}" if located and text else message, explanation=why, hint=hint, option=text,
        position=option.index if option else None,
    )


def read_memory(options: Sequence[Option]) -> MemoryOptions:
    """``-m``, all of them merged; the last one names the place of a mistake; raises Refused."""
    merged = {key: value for option in options for key, value in option.args}
    last = options[-1] if options else None
    size = _size(last, "size", merged["size"], "M") if merged.get("size") else None
    if "size" in merged and not merged["size"] and len(merged) and _wrote_size(options):
        size = _size(last, "size", merged["size"], "M")
    maxmem = _size(last, "maxmem", merged["maxmem"], "B") if "maxmem" in merged else None
    slots = None
    if "slots" in merged:
        try:
            slots = int(merged["slots"], 0) % (1 << 64)
        except ValueError:
            _refuse(last, "Parameter 'slots' expects a number",
                    f"slots= says how many memory devices can be plugged; {merged['slots']!r} is no number.",
                    "write slots=4")
    return MemoryOptions(size or None, slots, maxmem)


def _wrote_size(options: Sequence[Option]) -> bool:
    return any(o.value and "size=" in o.value for o in options)


def _size(option: Option | None, name: str, text: str, default: str) -> int:
    # A size without suffix is MiB, but QEMU checks the number before it adds the M.
    digits = text[-1:].isdigit()
    try:
        parse_size(text)
        return parse_size(text, default) if digits else parse_size(text)
    except OverflowError:
        _refuse(option, f"Value '{text}' is out of range for parameter '{name}'",
                "Sizes are below 2^64 bytes.", "use a smaller number, or a smaller suffix")
    except ValueError:
        _refuse(option, f"Parameter '{name}' expects a non-negative number below 2^64\n{_SIZE_HELP}",
                f"{text!r} is not a size. QEMU knows the suffixes k, M, G, T, P and E, without a B.",
                "write 4G, 512M or 4096 (MiB)")


def read_smp(machine: dict[str, str]) -> SmpOptions:
    """``-smp`` and ``-machine smp.*``; raises Refused."""
    names = ("cpus", "maxcpus", "sockets", "dies", "clusters", "cores", "threads")
    values: dict[str, int] = {}
    for key, text in machine.items():
        head, dot, name = key.partition(".")
        if head != "smp" or not dot:
            continue
        if name not in names:
            _refuse(None, f"Parameter 'smp.{name}' is unexpected", "-smp has no such part.",
                    f"known: {', '.join(names)}", located=False)
        try:
            values[name] = int(text, 0)
        except ValueError:
            _refuse(None, f"Parameter 'smp.{name}' expects integer", f"{text!r} is no number.",
                    f"write {name}=4", located=False)
    return SmpOptions(**values)


def read_numa(options: Sequence[Option]) -> tuple[NumaSpec, ...]:
    """Each ``-numa``, typed; raises Refused."""
    return tuple(_numa(option) for option in options)


def _numa(option: Option) -> NumaSpec:
    given: dict[str, list[str]] = {}
    for key, value in option.args:
        given.setdefault(key, []).append(value)
    if "type" not in given:
        _refuse(option, "Parameter 'type' is missing", "-numa starts with what it describes.",
                "write -numa node,memdev=ID")
    kind = given["type"][-1]
    if kind not in _TYPES:
        _refuse(option, f"Parameter 'type' does not accept value '{kind}'", "-numa describes nodes, "
                "distances, CPUs or latencies.", f"use one of {', '.join(_TYPES)}")
    if kind == "node":
        known: tuple[str, ...] = _NODE
    elif kind == "cpu":
        known = _CPU
    else:
        for name in _REQUIRED[kind]:
            if name not in given:
                _refuse(option, f"Parameter '{name}' is missing", f"-numa {kind} needs it.", f"add {name}=")
        known = _REQUIRED[kind] + _OPTIONAL[kind]
    spec = _node_spec(option, given) if kind == "node" else (
        _cpu_spec(option, given) if kind == "cpu" else NumaSpec(kind, option)
    )
    for key in given:
        if key not in known and key != "type":
            _refuse(option, f"Invalid parameter '{key}'", f"-numa {kind} has no such part.",
                    f"known: {', '.join(known)}")
    return spec


def _uint(option: Option, given: dict[str, list[str]], name: str, bits: int = 64) -> int | None:
    if name not in given:
        return None
    try:
        value = int(given[name][-1], 0)
        if value < 0:
            raise ValueError
    except ValueError:
        _refuse(option, f"Parameter '{name}' expects a uint64 value", f"{given[name][-1]!r} is no number.",
                f"write {name}=0")
    if value >= 1 << bits:
        _refuse(option, f"Parameter '{name}' expects uint{bits}_t", "The number is too large.",
                f"write {name}=0")
    return value


def _node_spec(option: Option, given: dict[str, list[str]]) -> NumaSpec:
    nodeid = _uint(option, given, "nodeid", 16)
    cpus: list[int] = []
    if "cpus" in given:
        try:
            cpus = uint_ranges(given["cpus"])
        except ValueError:
            _refuse(option, "Parameter 'cpus' expects a uint64 value or range",
                    f"{given['cpus'][-1]!r} is neither a CPU number nor a range.", "write cpus=0-3")
    mem = None
    if "mem" in given:
        text = given["mem"][-1]
        try:
            parse_size(text)
            mem = parse_size(text, "M")
        except (ValueError, OverflowError):
            _refuse(option, "Parameter 'mem' expects a size value", f"{text!r} is not a size.",
                    "write mem=1G, or better memdev=ID")
    memdev = given["memdev"][-1] if "memdev" in given else None
    initiator = _uint(option, given, "initiator", 16)
    return NumaSpec("node", option, nodeid, tuple(cpus), mem, memdev, initiator)


def _cpu_spec(option: Option, given: dict[str, list[str]]) -> NumaSpec:
    values = {name: _uint(option, given, name) for name in _CPU}
    node = values.pop("node-id")
    return NumaSpec("cpu", option, node_id=node, props={k: v for k, v in values.items() if v is not None})
