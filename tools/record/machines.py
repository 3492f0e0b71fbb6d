"""All sections of data/machines: machine types, and what changed from version to version."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .ask import Answer, Binary, split
from .cpus import record_cpus
from .files import dump, provenance
from .props import pack, read_properties, share
from .reading import read_blocks, rom_of
from .sizes import size_text
from .state import OWN_PATH, QUESTIONS, State, minus
from .targets import target


def qtree_devices(text: str) -> list[str]:
    """``driver@addr`` of every PCI device of ``info qtree``, by address."""
    found = []
    for part in re.split(r"^\s*dev: ", text, flags=re.M)[1:]:
        address = re.search(r"^\s*addr = (\S+)", part, re.M)
        if address:
            found.append(f"{part.partition(',')[0]}@{address[1]}")
    return sorted(found, key=lambda word: word.rpartition("@")[2])


class Machines:
    """Everything about machine types."""

    def __init__(self, binary: Binary) -> None:
        self.binary = binary
        self.target = target(binary.target)
        self.rows = self.query()

    def query(self) -> list[dict[str, Any]]:
        """query-machines joined with the text of ``-machine help``."""
        answer = self.binary.start(["-machine", "none"], [{"execute": "query-machines"}])
        texts = dict(re.findall(r"^(\S+)\s+(.*)$", self.binary.help("-machine", "help"), re.M))
        rows = sorted(answer.results[0], key=lambda row: order(row["name"]))
        return [{**row, "desc": texts[row["name"]]} for row in rows]

    def start(self, machine: str, text: str, more: Sequence[Any] = ()) -> Answer:
        """One start of ``machine``."""
        return self.binary.start(["-machine", machine, *split(text)], [*QUESTIONS, "info numa", *more])

    def scenario(self, text: str, machine: str) -> dict[str, Any]:
        """What one start shows."""
        answer = self.start(machine, text)
        facts: dict[str, Any] = {}
        if answer.stderr:
            facts["stderr"] = [line.replace(machine, "MACHINE") for line in answer.stderr]
        if not answer.started:
            return facts
        state = State.of(Answer(results=answer.results[:5], started=True))
        facts["blocks"] = [
            " ".join([b[0], *(f"{n:#x}" for n in (b[4], b[1], b[2])), size_text(b[3])])
            for b in state.blocks
        ]
        facts["spaces"] = sorted(state.spaces)
        facts["tree"] = state.rows
        facts["flat memory"] = state.flat.get("memory", [])
        facts["flat I/O"] = state.flat.get("I/O", [])
        facts["pci"] = qtree_devices(state.qtree)
        return facts

    def listed(self, machine: str) -> Answer:
        """The machine object's properties; remembered."""
        asked = {"execute": "qom-list", "arguments": {"path": "/machine"}}
        return self.binary.cached(["-machine", machine, "-nodefaults"], [asked])

    def instance_properties(self, machine: str) -> dict[str, tuple[str, str | None]]:
        """Properties that only the machine object has, not its class: name → type."""
        listed = self.listed(machine)
        if not listed.started:
            return {}
        return {
            p["name"]: (p["type"], None)
            for p in listed.results[0]
            if not p["type"].startswith("child<")
        }

    def values(self, machine: str) -> dict[str, str]:
        """The machine object's own properties and their values at start."""
        listed = self.listed(machine)
        if not listed.started:
            return {}
        names = [
            p["name"]
            for p in listed.results[0]
            if not p["type"].startswith(("child<", "link<")) and p["name"] not in ("rtc-time", "type")
        ]
        answer = self.binary.start(
            ["-machine", machine, "-nodefaults"],
            [{"execute": "qom-get", "arguments": {"path": "/machine", "property": n}} for n in names],
        )
        return {
            n: dump(v)
            for n, v in zip(names, answer.results, strict=True)
            if not (isinstance(v, dict) and "class" in v) and v != ""
        }

    def zoo(self, device: str, machine: str) -> str:
        """The blocks that one device adds, or the refusal."""
        slots = "-nodefaults -m 1G,slots=4,maxmem=4G -object memory-backend-ram,id=m0,size="
        slots += self.target.labelled if "label-size" in device else self.target.piece
        if device.startswith("nvdimm"):
            slots += " -machine nvdimm=on"
        tries = [slots, slots.replace(",slots=4,maxmem=4G", "")]
        if self.target.for_dimms and device.startswith(("pc-dimm", "nvdimm")):
            tries = [f"{self.target.for_dimms} {slots}", slots.replace(" -machine nvdimm=on", "")]
        for extra in tries:
            before = self.binary.cached(["-machine", machine, *split(extra)], ["info ramblock"])
            if before.started:
                break
        answer = self.binary.start(
            ["-machine", machine, *split(extra), "-device", device], ["info ramblock", "info qtree"]
        )
        if not answer.started:
            return "! " + answer.refusal.replace(f"-device {device}: ", "%: ", 1)
        old = {b[0] for b in read_blocks(before.results[0])}
        new = [b for b in read_blocks(answer.results[0]) if b[0] not in old]
        words = [f"{OWN_PATH.sub('%/', b[0])}={size_text(b[1])}" for b in new]
        rom = rom_of(answer.results[1], device.partition(",")[0])
        if rom and any(".rom=" in word for word in words):
            words.append(f"<- {rom}")
        return " ".join(words) or "-"

    def graphics(self, kind: str, machine: str) -> str:
        """The PCI devices and blocks that ``-vga KIND`` adds, or the refusal."""
        answer = self.binary.start(
            ["-machine", machine, "-nodefaults", "-vga", kind], ["info ramblock", "info qtree"]
        )
        if not answer.started:
            return "! " + answer.refusal
        base = self.binary.cached(["-machine", machine, "-nodefaults"], ["info ramblock", "info qtree"])
        old = [b[0] for b in read_blocks(base.results[0])]
        devices = minus(qtree_devices(answer.results[1]), qtree_devices(base.results[1]))
        isa = minus(
            re.findall(r"^\s*dev: (\S+),", answer.results[1], re.M),
            re.findall(r"^\s*dev: (\S+),", base.results[1], re.M),
        )
        blocks = [
            f"{b[0]}={size_text(b[1])}" for b in read_blocks(answer.results[0]) if b[0] not in old
        ]
        warnings = [f"({w})" for w in answer.stderr if "deprecated" not in w]
        return " ".join([*(devices or isa), *blocks, *warnings]) or "-"

    def outcome(self, text: str, machine: str) -> str:
        """ "starts" with its warnings, or the refusal."""
        answer = self.binary.start(["-machine", machine, "-nodefaults", *split(text)], [])
        lines = [line.replace(machine, "MACHINE") for line in answer.stderr]
        return " | ".join([*(["starts"] if answer.started else []), *lines[:3]])


def nic_models(binary: Binary, board: str) -> list[str]:
    """What ``-net nic,model=help`` lists on ``board``; one without such a list starts, and is ended."""
    words = ("-machine", board, "-S", "-display", "none", "-net", "nic,model=help")
    try:
        return binary.help(*words, seconds=5.0).split("\n")[1:-1]
    except subprocess.TimeoutExpired:
        return []


def order(machine: str) -> tuple[str, tuple[int, ...]]:
    """Sort key: family, then newest first."""
    match = re.match(r"^(.*?)-(\d+(?:\.\d+)*)$", machine)
    if match is None:
        return machine, ()
    numbers = [-int(n) for n in match[2].split(".")]
    return match[1], (*numbers, *[0] * (3 - len(numbers)))


def ranges(names: list[str], values: dict[str, str]) -> dict[str, list[str]]:
    """{value: the machine types that gave it, as ``newest..oldest`` of neighbours in ``names``}."""
    found: dict[str, list[list[str]]] = {}
    last: tuple[str, str] | None = None
    for name in names:
        if name not in values:
            continue
        key = (order(name)[0], values[name])
        runs = found.setdefault(values[name], [])
        if key == last:
            runs[-1].append(name)
        else:
            runs.append([name])
        last = key
    return {v: [r[0] if len(r) == 1 else f"{r[0]}..{r[-1]}" for r in runs] for v, runs in found.items()}


def record_machines(binary: Binary) -> dict[str, Any]:
    """All sections of machines/*.json."""
    machines, wanted = Machines(binary), target(binary.target)
    info: dict[str, Any] = {}
    names = [
        row["name"] for row in machines.rows
        if row["name"] not in ("none", "x-remote", "pc", "q35") and binary.wants(row["name"])
        and (not wanted.built or re.fullmatch(wanted.built, row["name"]))
    ]
    alias = {row["alias"]: row["name"] for row in machines.rows if "alias" in row}
    for row in machines.rows:
        info[row.pop("name")] = {k: v for k, v in row.items() if k != "alias"}
    helps = binary.map(lambda n: read_properties(binary.help("-machine", f"{n},help")), names)
    objects = binary.map(machines.instance_properties, names)
    classes = [pack(h) for h in helps]
    objects = [
        {k: v for k, v in more.items() if k not in listed}
        for listed, more in zip(helps, objects, strict=True)
    ]
    groups, numbers = share(classes + [pack(o) for o in objects])
    value_maps = binary.map(machines.values, names)
    value_groups, value_numbers = share([[f"{k}={v}" for k, v in m.items()] for m in value_maps])
    count = len(names)
    for name, props, more, held in zip(
        names, numbers[:count], numbers[count:], value_numbers, strict=True
    ):
        info[name] |= {"props": props, "instance": more, "values": held}
    starts: dict[str, Any] = {}
    plain: dict[str, dict[str, Any]] = {}
    # Xen and Nitro enclaves need what no ordinary host has: they only refuse.
    built = [name for name in names if not name.startswith(("xen", "nitro"))]
    for title, text in wanted.scenarios.items():
        if binary.release < (6, 1):
            text = text.replace(",reserve=off", "")
        seen = dict(zip(built, binary.map(partial(machines.scenario, text), built), strict=True))
        if title == "nodefaults":
            plain = {name: dict(facts) for name, facts in seen.items()}
        elif plain:
            # Only what the options changed; the rest is in "nodefaults".
            for name, facts in seen.items():
                facts.pop("flat I/O", None)
                for key in ("tree", "spaces", "pci"):
                    if key in facts:
                        was, now = plain[name].get(key, []), facts.pop(key)
                        facts[f"{key} changes"] = [f"- {x}" for x in minus(was, now)] + [
                            f"+ {x}" for x in minus(now, was)
                        ]
        starts[title] = {"options": text} | chain(built, seen)
    if "microvm" in wanted.boards:
        text = "-nodefaults -m 1G -machine pcie=on"
        starts["microvm pcie"] = {"options": text, "microvm": machines.scenario(text, "microvm")}
    print(f"{binary.starts} starts for machines", file=sys.stderr)

    def by_machine(ask: Callable[[str], str], some: Sequence[str] = names) -> dict[str, list[str]]:
        return ranges(names, dict(zip(some, binary.map(ask, some), strict=True)))

    # Elsewhere than on x86 few things depend on the version: of the rest, the newest of a family will do.
    first = {order(name)[0]: name for name in reversed(names)}
    newest = [name for name in names if first[order(name)[0]] == name] if wanted.few else names

    def some(title: str) -> list[str]:
        return names if title in wanted.each or not wanted.few else newest

    zoo = {device: by_machine(partial(machines.zoo, device), some(device)) for device in wanted.zoo}
    outcomes = {
        title: {"options": text, **by_machine(partial(machines.outcome, text), some(title))}
        for title, text in wanted.outcomes.items()
    }
    print(f"{binary.starts} starts with devices", file=sys.stderr)
    return {
        "about": provenance(binary),
        "aliases": alias,
        "machines": info,
        "property_groups": [" ".join(g) for g in groups],
        "value_groups": value_groups,
        "starts": starts,
        "devices": zoo,
        "outcomes": outcomes,
        "vga": {kind: by_machine(partial(machines.graphics, kind), newest) for kind in wanted.vga_kinds},
        "nic_models": nic_models(binary, wanted.boards[0]),
        **record_cpus(binary),
    }


def chain(names: list[str], seen: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The newest of a family in full, each older one as its difference to the next newer one."""
    result: dict[str, Any] = {}
    newer: dict[str, Any] = {}
    newer_name = family = ""
    for name in names:
        facts = seen[name]
        if order(name)[0] != family or not newer.get("blocks") or not facts.get("blocks"):
            if order(name)[0] == family and facts == newer:
                continue
            result[name] = facts
        else:
            changes: dict[str, Any] = {}
            for key in {**newer, **facts}:
                was, now = newer.get(key, []), facts.get(key, [])
                lines = [f"- {x}" for x in minus(was, now)] + [f"+ {x}" for x in minus(now, was)]
                if lines:
                    changes[key] = lines
            if changes:
                result[name] = {"unlike": newer_name} | changes
        family, newer, newer_name = order(name)[0], facts, name
    return result
