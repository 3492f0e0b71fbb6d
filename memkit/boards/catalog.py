"""What QEMU knows: device models, machine types, CPU models, as recorded from a real QEMU.

``tools/record_devices.py`` asks a QEMU program and writes ``data/devices/`` and ``data/machines/``;
this module only reads them, each file once and not before somebody asks.  ``data/README.md``
explains the files.  Nothing here is computed from QEMU's source.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

__all__ = [
    "Block", "CpuFacts", "DeviceFacts", "MachineRecord", "Observation", "SecondaryBus", "SizeRule",
    "address_space_name", "cpu", "data_file", "device", "device_names", "device_on", "machine",
    "machine_names", "machine_properties", "machine_start", "near", "observed", "outcome",
    "refused_below", "refused_twice", "rom_file_size", "secondary_bus", "size_rule", "unpluggable",
]

RECORDED = "x86_64-7.2.json"


def data_file(*parts: str) -> Path:
    """The path of a file of ``data/``: inside the installed package, or beside it in a checkout.

    >>> data_file("devices", "x86_64-7.2.json").name
    'x86_64-7.2.json'
    """
    package = Path(__file__).resolve().parents[1]
    installed = package / "data" / Path(*parts)
    return installed if installed.exists() else package.parent / "data" / Path(*parts)


@lru_cache(maxsize=2)
def _load(room: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(data_file(room, RECORDED).read_text(encoding="utf-8"))
    return loaded


# -- devices


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """A device model: its bus type ("" for none) and property name → type (bool, uint32, size ...).

    ``defaults`` has the values that ``-device X,help`` prints, as text.  ``interfaces`` says "pci" and
    "pcie" for PCI devices; ``categories`` are the headings of ``-device help``.
    """

    name: str
    bus: str
    properties: Mapping[str, str]
    defaults: Mapping[str, str]
    interfaces: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A RAMBlock that a device brings; sizes in bytes.

    ``name`` starts with ``%/`` where QEMU puts the device's path (``0000:00:02.0/vga.vram``).
    """

    name: str
    size: int
    used: int
    page_size: int = 4096

    def idstr(self, path: str) -> str:
        """The name for a device at ``path``.

        >>> Block("%/vga.vram", 1 << 24, 1 << 24).idstr("0000:00:02.0")
        '0000:00:02.0/vga.vram'
        """
        return path + self.name[1:] if self.name.startswith("%/") else self.name


@dataclass(frozen=True, slots=True)
class Observation:
    """What one device did on one board, compared with the same start without it.

    ``refusal`` is QEMU's first line (then the rest is empty), or "".  ``spaces`` are new address spaces
    with their region lines (a plain bus master container: no lines).  ``tree`` and ``flat`` lines start with
    "+ " or "- "; tree lines with the container's name.  ``functions`` hold class, BARs and, if it is not
    the first free slot, devfn of each PCI function.  ``buses`` are (name, type).
    ``recipe`` names the options that make a refused device start; ``then`` is what happens with them.
    """

    refusal: str = ""
    warnings: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    spaces: Mapping[str, tuple[str, ...]] | None = None
    spaces_gone: tuple[str, ...] = ()
    tree: tuple[str, ...] = ()
    flat: Mapping[str, tuple[str, ...]] | None = None
    functions: tuple[Mapping[str, Any], ...] = ()
    buses: tuple[tuple[str, str], ...] = ()
    romfile: str = ""
    recipe: str = ""
    then: Observation | None = None


@dataclass(frozen=True, slots=True)
class SizeRule:
    """How a property sets the size of a RAMBlock, fitted to starts with many values.

    ``unit`` is the bytes that 1 stands for; ``round`` is none, pow2 or 4K.
    """

    unit: int
    round: str
    factor: int
    minimum: int
    maximum: int
    default: int | str | None
    size: int

    def apply(self, value: int) -> int:
        """The block's size in bytes when the property is ``value``.

        >>> rule = size_rule("VGA", "%/vga.vram", "vgamem_mb")
        >>> rule.apply(12) >> 20, rule.apply(1024) >> 20
        (16, 512)
        """
        wanted = value * self.unit
        if self.round == "pow2":
            wanted = 1 << max(wanted - 1, 0).bit_length()
        elif self.round == "4K":
            wanted = -(-wanted // 4096) * 4096
        return min(max(wanted * self.factor, self.minimum), self.maximum)


@dataclass(frozen=True, slots=True)
class SecondaryBus:
    """The bus that a bridge makes: ``first_slot`` is the lowest slot given out."""

    express: bool = False
    first_slot: int = 0
    only_slot_0: bool = False


# QEMU 7.2 lets a PCIe port take devices in all 32 slots; it says so in "pci_buses" of the data.
_BUS_KINDS = {"PCI": False, "PCIE": True, "CXL": True}


def _name(name: str) -> str:
    found: str = _load("devices")["aliases"].get(name, name)
    return found


def _unpack(groups: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    kinds, defaults = {}, {}
    for word in sorted(w for group in groups for w in group.split()):
        name, _, rest = word.partition("=")
        kinds[name], found, default = rest.partition("|")
        if found:
            defaults[name] = default
    return kinds, defaults


@lru_cache(maxsize=512)
def device(name: str) -> DeviceFacts | None:
    """The device model ``name`` (or what its alias stands for); None if QEMU has none.

    >>> device("virtio-net").name, device("nope")
    ('virtio-net-pci', None)
    """
    facts = _load("devices")
    row = facts["devices"].get(_name(name))
    if row is None:
        return None
    kinds, defaults = _unpack(facts["property_groups"][n] for n in row["props"])
    return DeviceFacts(
        _name(name), row["bus"], kinds, defaults, tuple(row.get("interfaces", ())), tuple(row["cat"]),
        row.get("desc", ""),
    )


def device_names() -> tuple[str, ...]:
    """Every device that ``-device help`` lists, in its order."""
    return tuple(_load("devices")["devices"])


def unpluggable(name: str) -> str:
    """QEMU's words for a device type that exists but is not for ``-device``; "" for all others.

    >>> unpluggable("hpet")
    "-device hpet: Parameter 'driver' expects a pluggable device type"
    """
    for text, names in _load("devices")["not_pluggable"].items():
        if name in names:
            return str(text).replace("NAME", name)
    return ""


def _expand(driver: str, bus: str, props: str, text: str) -> str:
    if text == "no bus":
        text = f"%: No '{bus}' bus found for device '{driver}'"
    return f"-device {driver}{props}{text[1:]}" if text.startswith("%: ") else text


def _observation(driver: str, bus: str, raw: Mapping[str, Any], props: str = "") -> Observation:
    lists = _load("devices")["lists"]

    def lines(key: str) -> tuple[str, ...]:
        found = raw.get(key) or ()
        return tuple(lists[found] if isinstance(found, int) else found)

    recipe = raw.get("with", "")
    words = recipe.rpartition(f"-device {driver}")[2]
    spaces: dict[str, tuple[str, ...]] = {}
    for space in raw.get("spaces") or ():
        spaces |= {n: tuple(r) for n, r in space.items()} if isinstance(space, dict) else {space: ()}
    return Observation(
        refusal=_expand(driver, bus, props, raw.get("refusal", "")),
        warnings=tuple(raw.get("warnings") or ()),
        blocks=tuple(Block(b[0], b[1], *(b[2:] or (b[1],))) for b in raw.get("blocks") or ()),
        spaces=spaces, spaces_gone=lines("spaces_gone"), tree=lines("tree"),
        flat={name: lines(f"flat {name}") for name in ("memory", "I/O")},
        functions=tuple(raw.get("pci") or ()), buses=tuple((n, t) for n, t in raw.get("buses") or ()),
        romfile=raw.get("romfile") or "", recipe=recipe,
        then=_observation(driver, bus, raw["then"], words) if "then" in raw else None,
    )


@lru_cache(maxsize=512)
def observed(name: str, board: str) -> Observation | None:
    """What the device did on ``board`` (pc, q35 or microvm, 7.2); None for CPUs and unknown names.

    >>> observed("VGA", "pc").blocks[0].name, observed("VGA", "microvm").refusal
    ('%/vga.vram', "-device VGA: No 'PCI' bus found for device 'VGA'")
    """
    name = _name(name)
    row = _load("devices")["devices"].get(name)
    if row is None or board not in row:
        return None
    raw = row["pc"] if row[board] == "pc" else row[board]
    if isinstance(raw, str):
        raw = {"refusal": raw}
    elif raw.get("like") == "pc":
        raw = {**row["pc"], **raw}
    return _observation(name, row["bus"], raw)


def refused_below(name: str, bridge: str) -> str:
    """QEMU's words when the device is plugged below ``bridge`` (pci-bridge, pcie-root-port), or ""."""
    row = _load("devices")["devices"].get(_name(name), {})
    found = row.get(f"below {bridge}", "")
    return _expand(_name(name), row["bus"], ",bus=B", found) if isinstance(found, str) else ""


def refused_twice(name: str) -> str:
    """QEMU's words when a guest has two of this device, or "": two are fine, or one does not start."""
    row = _load("devices")["devices"].get(_name(name), {})
    return _expand(_name(name), row["bus"], "", row["twice"]) if "twice" in row else ""


_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20}


def size_rule(name: str, block: str, prop: str) -> SizeRule | None:
    """How ``prop`` sets the size of ``block`` (as in ``Block.name``), where a rule fits all values tried."""
    rule = _load("devices")["devices"].get(_name(name), {}).get("rules", {}).get(block, {}).get(prop)
    if not isinstance(rule, dict):
        return None
    return SizeRule(
        _UNITS[rule["unit"]], rule["round"], rule.get("factor", 1), rule.get("min", 0),
        rule.get("max", 1 << 64), rule.get("default"), rule["size"],
    )


def rom_file_size(name: str) -> int | None:
    """The bytes of a firmware or option-ROM file that Debian's QEMU finds by ``name``.

    >>> rom_file_size("efi-e1000.rom")
    249856
    """
    size: int | None = _load("devices")["rom_files"].get(name)
    return size


@lru_cache(maxsize=512)
def secondary_bus(driver: str) -> SecondaryBus | None:
    """The PCI bus that a bridge of type ``driver`` makes, or None for other devices.

    >>> secondary_bus("pcie-root-port").express, secondary_bus("e1000")
    (True, None)
    """
    for board in ("pc", "q35"):
        seen = observed(driver, board)
        seen = seen.then if seen is not None and seen.refusal else seen
        kinds = [_BUS_KINDS[kind] for _, kind in seen.buses if kind in _BUS_KINDS] if seen else []
        if kinds:
            return SecondaryBus(express=kinds[0])
    return None


def address_space_name(driver: str) -> str:
    """The name of a PCI device's own view of memory (its DMA address space): the type's name."""
    return driver


# -- machines


@dataclass(frozen=True, slots=True)
class MachineRecord:
    """A machine type: property name → type, and the values that its properties have at start (JSON text).

    ``properties`` are those of the class, which ``-machine X,help`` lists, and those of the object.
    """

    name: str
    description: str
    deprecated: bool
    default_cpu: str
    default_ram_id: str
    max_cpus: int
    hotpluggable_cpus: bool
    numa_mem: bool
    properties: Mapping[str, str]
    values: Mapping[str, str]


@lru_cache(maxsize=64)
def machine(name: str) -> MachineRecord | None:
    """The machine type ``name`` (aliases, too); None if QEMU 7.2 has none.

    >>> machine("q35").name, machine("pc-i440fx-3.1").numa_mem
    ('pc-q35-7.2', True)
    """
    facts = _load("machines")
    name = facts["aliases"].get(name, name)
    row = facts["machines"].get(name)
    if row is None:
        return None
    groups = [*row.get("props", ()), *row.get("instance", ())]
    kinds, _ = _unpack(facts["property_groups"][n] for n in groups)
    values = {}
    for number in row.get("values", ()):
        for word in facts["value_groups"][number]:
            prop, _, value = word.partition("=")
            values[prop] = value
    return MachineRecord(
        name, row["desc"], row["deprecated"], row.get("default-cpu-type", ""), row.get("default-ram-id", ""),
        row["cpu-max"], row["hotpluggable-cpus"], row["numa-mem-supported"], kinds, values,
    )


def machine_names() -> tuple[str, ...]:
    """Every machine type of QEMU 7.2 for x86, family by family, newest first."""
    return tuple(_load("machines")["machines"])


# The board removes its flash chips, and these properties with them, when no drive is attached: a start
# without flash cannot show them (pc_system_flash_cleanup_unused, hw/i386/pc_sysfw.c, QEMU 7.2).
_FLASH = {"pflash0": "str", "pflash1": "str"}


@lru_cache(maxsize=8)
def machine_properties(family: str) -> Mapping[str, str]:
    """Property name → type for the newest machine of the family pc, q35 or microvm."""
    found = machine(family)
    if found is None:
        return {}
    return found.properties if family == "microvm" else {**found.properties, **_FLASH}


@lru_cache(maxsize=128)
def machine_start(scenario: str, name: str) -> Mapping[str, tuple[str, ...]]:
    """What one recorded start of machine type ``name`` showed: blocks, flat memory, stderr ... as lines.

    Block lines are "NAME OFFSET TOTAL USED PAGE"; see "starts" in data/README.md for the scenarios.

    >>> machine_start("default", "pc-i440fx-1.4")["blocks"][0]
    'pc.ram 0x0 0x40000000 0x40000000 4K'
    """
    found = _load("machines")["starts"][scenario]
    family = [n for n in machine_names() if n.rpartition("-")[0] == name.rpartition("-")[0]]
    state: dict[str, list[str]] = {}
    for step in family[: family.index(name) + 1]:
        change = found.get(step)
        if change is None:
            continue
        if "unlike" not in change:
            state = {k: list(v) for k, v in change.items()}
            continue
        for key, lines in change.items():
            if key != "unlike":
                gone = [line[2:] for line in lines if line[0] == "-"]
                state[key] = [x for x in state.get(key, []) if x not in gone]
                state[key] += [line[2:] for line in lines if line[0] == "+"]
    if "blocks" in state:
        state["blocks"].sort(key=lambda line: int(line.rsplit(" ", 4)[1], 16))
    if "flat memory" in state:
        state["flat memory"].sort(key=lambda line: int(line.partition("-")[0], 16))
    return {k: tuple(v) for k, v in state.items()}


def _in(name: str, runs: Iterable[str]) -> bool:
    names = machine_names()
    for run in runs:
        first, _, last = run.partition("..")
        if names.index(first) <= names.index(name) <= names.index(last or first):
            return True
    return False


def device_on(name: str, machine_type: str) -> str | None:
    """The blocks that ``-device NAME`` adds on a machine type: "NAME=SIZE ...", "-" for none, "! REFUSAL".

    >>> device_on("cirrus-vga", "pc-i440fx-2.8").split()[0]
    'vga.vram=8M'
    """
    found = _load("machines")["devices"].get(name, {})
    return next((text for text, runs in found.items() if _in(machine_type, runs)), None)


def outcome(title: str, machine_type: str) -> str | None:
    """"starts" or QEMU's words for one of the recorded command lines (``outcomes`` in the data)."""
    found = _load("machines")["outcomes"].get(title, {})
    return next((t for t, runs in found.items() if t != "options" and _in(machine_type, runs)), None)


# -- CPUs


@dataclass(frozen=True, slots=True)
class CpuFacts:
    """A CPU model under TCG on pc-i440fx-7.2: ``phys_bits`` guest-physical address bits.

    ``lacks`` are the features that TCG warns about; ``refusal`` is not "" if the model does not start.
    """

    name: str
    vendor: str
    phys_bits: int
    long_mode: bool
    lacks: tuple[str, ...]
    refusal: str = ""
    description: str = ""

    @property
    def amd(self) -> bool:
        """True for AMD's vendor string: the model keeps the range below 1 TiB free."""
        return self.vendor == "AuthenticAMD"


@lru_cache(maxsize=256)
def cpu(name: str) -> CpuFacts | None:
    """The CPU model ``name`` of ``-cpu help``; None if there is none.

    >>> cpu("EPYC").amd, cpu("qemu64").phys_bits
    (True, 40)
    """
    table = _load("machines")["cpus"]
    if not name or name not in table:
        return None
    row = table[name]
    if "refusal" in row:
        return CpuFacts(name, "", 0, False, (), row["refusal"], row.get("desc", ""))
    row = {**table[""], **row}
    bits = _load("machines")["cpuid_bits"]
    lacks = tuple(bits[n] for n in row.get("tcg_lacks") or ())
    return CpuFacts(name, row["vendor"], row["phys-bits"], row["lm"], lacks, "", row.get("desc") or "")


def near(name: str, known: Iterable[str] | None = None) -> str:
    """``; did you mean X?`` for a misspelt name, or ""."""
    from difflib import get_close_matches

    close = get_close_matches(name, list(_load("devices")["devices"] if known is None else known), 2)
    return f"; did you mean {' or '.join(close)}?" if close else ""
