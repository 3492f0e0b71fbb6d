"""Options that QEMU reads late: what ``-m``, ``-smp`` and ``-numa`` mean is checked after the option loop.

Source: parse_memory_options in softmmu/vl.c, machine_set_mem in hw/core/machine.c, parse_numa in
hw/core/numa.c, qapi/machine.json (QEMU 7.2); set_memory_options in softmmu/vl.c (QEMU 5.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from memkit.config.keyval import Tree, merge
from memkit.config.numbers import SizeReader, c_integer
from memkit.config.schema import NUMA_TYPES, numa_schema, schema
from memkit.config.specs import MemoryOptions, NumaSpec, Option, SmpOptions
from memkit.config.visit import missing, not_accepted, read_keyval, read_opts_members
from memkit.config.wrong import Wrong, refuse
from memkit.units import parse_size

__all__ = [
    "dashed", "merge_memory", "read_memory", "read_numa", "read_old_memory", "read_old_smp", "read_smp",
]

_NOWHERE = Option("", "")


def read_old_memory(options: Sequence[Option], sizes: SizeReader) -> MemoryOptions:
    """``-m`` where it is a list of its own, all of them merged; raises Refused."""
    given = {key: value for option in options for key, value in option.args}
    size, maxmem, slots = given.get("size"), given.get("maxmem"), given.get("slots")
    number = sizes(size) if size is not None else None
    if size is not None and number and size[-1].isdigit():
        number <<= 20
        if number >= 1 << 64:
            refuse(options[0], Wrong("too large 'size' option value", "A size without suffix is MiB.",
                                     "use a smaller number, or a suffix"))
    return MemoryOptions(number or None, c_integer(slots) if slots is not None else None,
                         sizes(maxmem) if maxmem is not None else None)


def read_old_smp(options: Sequence[Option]) -> SmpOptions:
    """``-smp`` where it is a list of its own, all of them merged."""
    return SmpOptions(**{key: c_integer(value) for option in options for key, value in option.args})


def merge_memory(
    options: Sequence[Option], machine: Tree, at: Option | None, sizes: SizeReader
) -> Any:
    """``-m``, all of them merged, on top of ``-machine memory.*``, as text; raises Refused.

    ``at`` is the option that a mistake in ``machine`` belongs to.
    """
    given = {key: value for option in options for key, value in option.args}
    tree: Tree = {}
    size = given.get("size")
    if size is not None and sizes(size) != 0:
        # A size without suffix is MiB; QEMU writes the M behind it and reads it again.
        tree["size"] = f"{size}M" if size[-1].isdigit() else size
    if "maxmem" in given:
        tree["max-size"] = given["maxmem"]
    if "slots" in given:
        tree["slots"] = given["slots"]
    try:
        whole: Tree = {"memory": machine.get("memory", {})}
        if isinstance(whole["memory"], dict):
            whole["memory"] = dict(whole["memory"])
        merge(whole, {"memory": tree})
    except Wrong as wrong:
        refuse(options[0] if options else at or _NOWHERE, wrong, located=bool(options))
    return whole["memory"]


def read_memory(
    merged: Any, options: Sequence[Option], at: Option | None, qemu: str, sizes: SizeReader
) -> MemoryOptions:
    """What ``merge_memory`` found, in bytes; raises Refused."""
    try:
        values = read_keyval(schema("memory", qemu), merged, "memory", sizes=sizes)
    except Wrong as wrong:
        refuse(options[-1] if options else at or _NOWHERE, wrong, located=False)
    return MemoryOptions(values.get("size"), values.get("slots"), values.get("max-size"))


def read_smp(machine: Mapping[str, Any], at: Option | None, qemu: str) -> SmpOptions:
    """``-smp`` and ``-machine smp.*``; raises Refused, for which ``at`` is the option."""
    if "smp" not in machine:
        return SmpOptions()
    try:
        return SmpOptions(**read_keyval(schema("smp", qemu), machine["smp"], "smp"))
    except Wrong as wrong:
        refuse(at or _NOWHERE, wrong, located=False)


def dashed(machine: Mapping[str, Any], at: Option | None) -> dict[str, Any]:
    """``machine`` with ``-`` for ``_`` in its names; raises Refused for two spellings of one name.

    Source: keyval_dashify in util/keyval.c (QEMU 7.2).
    """
    plain = {name.replace("_", "-"): value for name, value in machine.items()}
    if len(plain) < len(machine):
        name = next(n for n in machine if "_" in n and n.replace("_", "-") in machine)
        refuse(at or _NOWHERE, Wrong(
            f"Conflict between '{name}' and '{name.replace('_', '-')}'",
            "These are two spellings of one property.", "write it once",
        ), located=False)
    return plain


def read_numa(options: Sequence[Option], qemu: str, sizes: SizeReader) -> Iterator[NumaSpec]:
    """Each ``-numa`` in turn, typed; raises Refused when its turn comes."""
    for option in options:
        try:
            spec = _numa(option, qemu, sizes)
        except Wrong as wrong:
            refuse(option, wrong)
        yield spec


def _numa(option: Option, qemu: str, sizes: SizeReader) -> NumaSpec:
    given = dict(option.args)
    kind = given.get("type")
    if kind is None:
        raise missing("type")
    if kind not in NUMA_TYPES:
        raise not_accepted("type", kind, NUMA_TYPES)
    values = read_opts_members(numa_schema(kind, qemu), option.args, lambda _text: None, ("type",), sizes)
    if kind == "cpu":
        node = values.pop("node-id", None)
        return NumaSpec("cpu", option, node_id=node, props=values)
    if kind != "node":
        return NumaSpec(kind, option, initiator=values.get("initiator"), node_id=values.get("node-id"),
                        props=values)
    mem = values.get("mem")
    if mem is not None:
        # Where mebibytes are too many, QEMU keeps the number of bytes that it had read.
        with suppress(OverflowError):
            mem = parse_size(given["mem"], "M")
    return NumaSpec("node", option, values.get("nodeid"), tuple(values.get("cpus", ())), mem,
                    values.get("memdev"), values.get("initiator"))
