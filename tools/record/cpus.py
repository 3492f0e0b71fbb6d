"""The CPU models of data/machines: whether they start, their address bits and properties."""

from __future__ import annotations

import json
import re
from typing import Any

from .ask import Binary
from .files import dump
from .props import share
from .targets import target

__all__ = ["cpu_table", "record_cpus"]

X86_VALUES = (
    "apic", "vendor", "family", "model", "stepping", "phys-bits", "lm", "pse36", "pae", "level", "xlevel",
)
# More than any CPU can address: Arm's virt then says how many bits the model has.
ENDLESS = "1G,slots=1,maxmem=16P"
LIMITED = re.compile(r"(?:limited to (\d+) bits|supports less PA bits \((\d+)\))")


def record_cpus(binary: Binary) -> dict[str, Any]:
    """The sections about CPU models."""
    return _x86(binary) if binary.target in ("x86_64", "i386") else _others(binary)


# -- x86: one register after the other


def _x86(binary: Binary) -> dict[str, Any]:
    text = binary.help("-cpu", "help")
    listed, _, flags = text.partition("Recognized CPUID flags:")
    # In 7.2 the lines begin with x86, in 10.0 with blanks.
    lines = [line for line in listed.splitlines() if line.startswith(("x86 ", "  "))]
    lines = [line for line in lines if binary.wants(line.removeprefix("x86").split()[0])]
    cpus = dict(binary.map(lambda line: _x86_cpu(binary, line), lines))
    bits = sorted({bit for facts in cpus.values() for bit in facts.get("tcg_lacks", [])})
    for facts in cpus.values():
        if "tcg_lacks" in facts:
            facts["tcg_lacks"] = [bits.index(bit) for bit in facts["tcg_lacks"]]
    sets = [set(_properties(binary, [f"{name}-x86_64-cpu"])[0]) for name in ("qemu64", "max")]
    return {
        "cpus": cpu_table(cpus), "cpuid_bits": bits,
        "cpu_properties": [" ".join(sorted(sets[0])), " ".join(sorted(sets[1] - sets[0]))],
        "cpu_flags": " ".join(flags.split()),
    }


def _x86_cpu(binary: Binary, line: str) -> tuple[str, dict[str, Any]]:
    """One line of ``-cpu help``."""
    match = re.match(r"^(?:x86)? +(\S+)\s*(.*?)\s*$", line)
    assert match is not None
    name, about = match.groups()
    facts: dict[str, Any] = {"desc": about} if about else {}
    first = binary.cached(["-nodefaults", "-machine", "pc"], [{"execute": "query-cpus-fast"}])
    path = first.results[0][0]["qom-path"]
    answer = binary.start(
        ["-nodefaults", "-machine", "pc", "-cpu", name],
        [
            {"execute": "query-cpus-fast"},
            *({"execute": "qom-get", "arguments": {"path": path, "property": p}} for p in X86_VALUES),
        ],
    )
    if not answer.started:
        return name, {**facts, "refusal": answer.refusal}
    assert answer.results[0][0]["qom-path"] == path
    facts |= dict(zip(X86_VALUES, answer.results[1:], strict=True))
    probe = binary.start(
        ["-nodefaults", "-machine", "pc", "-cpu", name, "-m", "1G,slots=1,maxmem=64T"], []
    )
    facts["maxmem=64T"] = "starts" if probe.started else probe.refusal
    lacks = [w.partition("feature: ")[2] for w in answer.warnings if "feature: " in w]
    if lacks:
        facts["tcg_lacks"] = lacks
    more = [w for w in answer.warnings if "feature: " not in w]
    if more:
        facts["warnings"] = more
    return name, facts


# -- other targets: whether the first board takes the model, and what the model has


def _others(binary: Binary) -> dict[str, Any]:
    models = {name: kind for name, kind in sorted(_models(binary).items()) if binary.wants(name)}
    texts = _descriptions(binary)
    # Aliases are many on Power: a type is asked once.
    firsts = {kind: name for name, kind in reversed(models.items())}
    told = dict(zip(firsts, binary.map(lambda kind: _cpu(binary, firsts[kind]), firsts), strict=True))
    cpus = {name: dict(told[kind]) for name, kind in models.items()}
    types = list(dict.fromkeys(kind for name, kind in models.items() if "refusal" not in cpus[name]))
    sets = dict(zip(types, _properties(binary, types), strict=True))
    held = [set(words) for words in sets.values() if words]
    common = set.intersection(*held) if held else set()
    groups, numbers = share([sorted(set(words) - common) for words in sets.values()])
    owned = dict(zip(types, numbers, strict=True))
    for name, facts in cpus.items():
        if texts.get(name):
            facts["desc"] = texts[name]
        if owned.get(models[name]):
            facts["props"] = owned[models[name]]
    largest = set(sets.get(models.get("max", ""), ()))
    return {
        "cpus": cpu_table(cpus), "cpuid_bits": [],
        "cpu_properties": [" ".join(sorted(common)), " ".join(sorted(largest - common))],
        "cpu_property_groups": [" ".join(group) for group in groups],
        "cpu_flags": "",
    }


def _models(binary: Binary) -> dict[str, str]:
    """The type of each CPU model."""
    answer = binary.start(["-machine", "none"], [{"execute": "query-cpu-definitions"}])
    if isinstance(answer.results[0], list):
        return {row["name"]: row["typename"] for row in answer.results[0]}
    # RISC-V had no such command up to 8.0; all its types are named alike.
    lines = binary.help("-machine", target(binary.target).boards[0], "-cpu", "help").splitlines()
    return {line.strip(): f"{line.strip()}-riscv-cpu" for line in lines if line.strip() and ":" not in line}


def _descriptions(binary: Binary) -> dict[str, str]:
    """What ``-cpu help`` says behind a name; some targets write theirs in front."""
    found = {}
    for line in binary.help("-machine", target(binary.target).boards[0], "-cpu", "help").splitlines():
        match = re.match(r"^(?:s390|PowerPC|riscv)?\s+(\S+)\s+(.*?)\s*$", line)
        if match:
            found[match[1]] = " ".join(match[2].split())
    return found


def _cpu(binary: Binary, name: str) -> dict[str, Any]:
    """The refusal of the first board, or the warnings and the address bits."""
    wanted = target(binary.target)
    board = wanted.boards[0]
    words = ["-nodefaults", "-machine", wanted.machine(board), "-cpu", name]
    answer = binary.start([*words, "-m", wanted.memory], [])
    if not answer.started:
        return {"refusal": answer.refusal}
    facts: dict[str, Any] = {"warnings": answer.stderr} if answer.stderr else {}
    if binary.target in ("aarch64", "arm"):
        said = binary.start([*words, "-m", ENDLESS], [])
        limit = LIMITED.search(said.refusal)
        if limit:
            facts["phys-bits"] = int(limit[1] or limit[2])
    return facts


def _properties(binary: Binary, types: list[str]) -> list[list[str]]:
    """``name=type`` of every property that ``-cpu MODEL,NAME=`` may set, for each type."""
    replies = binary.each(
        ["-machine", "none"],
        [{"execute": "qom-list-properties", "arguments": {"typename": name}} for name in types],
    )
    return [
        sorted(
            f"{p['name']}={p['type']}" for p in reply
            if " " not in p["type"] and not p["type"].startswith(("link<", "child<"))
        ) if isinstance(reply, list) else []
        for reply in replies
    ]


def cpu_table(cpus: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Equal facts once: models by name; the usual values left out are in ``""``."""
    usual: dict[str, Any] = {}
    for key in {k for facts in cpus.values() for k in facts if k not in ("desc", "refusal")}:
        counts: dict[str, int] = {}
        for facts in cpus.values():
            counts[dump(facts.get(key))] = counts.get(dump(facts.get(key)), 0) + 1
        usual[key] = json.loads(max(counts, key=lambda text: counts[text]))
    usual = {k: v for k, v in sorted(usual.items()) if v is not None}
    table: dict[str, Any] = {"": usual}
    for name, facts in cpus.items():
        if "refusal" in facts:
            table[name] = facts
        else:
            table[name] = {k: v for k, v in facts.items() if usual.get(k) != v} | {
                k: None for k in usual if k not in facts
            }
    return table
