"""Machine types and CPU models: their properties, and what they showed in recorded starts.

``qemu`` is the version of the program: one of KNOWN_QEMU.

Source: data/machines/x86_64-VERSION.json.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from memkit.boards.recorded import load, unpack

__all__ = [
    "CpuFacts", "MachineRecord", "cpu", "cpu_names", "cpu_properties", "device_on", "machine",
    "machine_names", "machine_properties", "machine_start", "nic_models", "outcome", "vga_refusal",
]


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


@lru_cache(maxsize=256)
def machine(qemu: str, name: str) -> MachineRecord | None:
    """The machine type ``name`` (aliases, too); None if that QEMU has none.

    >>> machine("7.2", "q35").name, machine("7.2", "pc-i440fx-3.1").numa_mem
    ('pc-q35-7.2', True)
    """
    facts = load("machines", qemu)
    name = facts["aliases"].get(name, name)
    row = facts["machines"].get(name)
    if row is None:
        return None
    groups = [*row.get("props", ()), *row.get("instance", ())]
    kinds, _ = unpack(facts["property_groups"][n] for n in groups)
    values = {}
    for number in row.get("values", ()):
        for word in facts["value_groups"][number]:
            prop, _, value = word.partition("=")
            values[prop] = value
    return MachineRecord(
        name, row["desc"], row["deprecated"], row.get("default-cpu-type", ""), row.get("default-ram-id", ""),
        row["cpu-max"], row["hotpluggable-cpus"], row["numa-mem-supported"], kinds, values,
    )


def machine_names(qemu: str) -> tuple[str, ...]:
    """Every machine type of that QEMU for x86, family by family, newest first."""
    return tuple(load("machines", qemu)["machines"])


# The board removes its flash chips, and these properties with them, when no drive is attached: a start
# without flash cannot show them (pc_system_flash_cleanup_unused, hw/i386/pc_sysfw.c, QEMU 7.2).
_FLASH = {"pflash0": "str", "pflash1": "str"}


@lru_cache(maxsize=32)
def machine_properties(qemu: str, family: str) -> Mapping[str, str]:
    """Property name → type for the newest machine of the family pc, q35, microvm or isapc."""
    found = machine(qemu, family)
    if found is None:
        return {}
    return {**found.properties, **_FLASH} if family in ("pc", "q35") else found.properties


@lru_cache(maxsize=128)
def machine_start(qemu: str, scenario: str, name: str) -> Mapping[str, tuple[str, ...]]:
    """What one recorded start of machine type ``name`` showed: blocks, flat memory, stderr ... as lines.

    Block lines are "NAME OFFSET TOTAL USED PAGE"; see "starts" in data/README.md for the scenarios.

    >>> machine_start("7.2", "default", "pc-i440fx-1.4")["blocks"][0]
    'pc.ram 0x0 0x40000000 0x40000000 4K'
    """
    found = load("machines", qemu)["starts"][scenario]
    family = [n for n in machine_names(qemu) if n.rpartition("-")[0] == name.rpartition("-")[0]]
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


def _in(qemu: str, name: str, runs: Iterable[str]) -> bool:
    names = machine_names(qemu)
    for run in runs:
        first, _, last = run.partition("..")
        if names.index(first) <= names.index(name) <= names.index(last or first):
            return True
    return False


def device_on(qemu: str, name: str, machine_type: str) -> str | None:
    """The blocks that ``-device NAME`` adds on a machine type: "NAME=SIZE ...", "-" for none, "! REFUSAL".

    >>> device_on("7.2", "cirrus-vga", "pc-i440fx-2.8").split()[0]
    'vga.vram=8M'
    """
    found = load("machines", qemu)["devices"].get(name, {})
    return next((text for text, runs in found.items() if _in(qemu, machine_type, runs)), None)


def outcome(qemu: str, title: str, machine_type: str) -> str | None:
    """"starts" or QEMU's words for one of the recorded command lines (``outcomes`` in the data)."""
    found = load("machines", qemu)["outcomes"].get(title, {})
    return next((t for t, runs in found.items() if t != "options" and _in(qemu, machine_type, runs)), None)


def nic_models(qemu: str) -> tuple[str, ...]:
    """The models that ``-net nic,model=help`` lists, without the short names behind some."""
    return tuple(name.partition(" ")[0] for name in load("machines", qemu)["nic_models"])


def vga_refusal(qemu: str, kind: str) -> str:
    """QEMU's words to a ``-vga KIND`` that it refuses whatever the board, or "".

    >>> vga_refusal("7.2", "tcx"), vga_refusal("7.2", "std")
    ('type is NULL', '')
    """
    found = load("machines", qemu).get("vga", {}).get(kind, {})
    newest = machine(qemu, "pc")
    # Boards that want Xen refuse everything.
    return next((
        text[2:] for text, runs in found.items()
        if text[:2] == "! " and newest is not None and _in(qemu, newest.name, runs)
    ), "")


# -- CPUs


_WITH_X2APIC = ("GenuineIntel", "  Shanghai  ")
_SANDY_BRIDGE_LEVEL = 13


@dataclass(frozen=True, slots=True)
class CpuFacts:
    """A CPU model under TCG on the newest pc: ``phys_bits`` guest-physical address bits.

    ``lacks`` are the features that TCG warns about; ``refusal`` is not "" if the model does not start.
    """

    name: str
    vendor: str
    phys_bits: int
    long_mode: bool
    pse36: bool
    pae: bool
    apic: bool
    lacks: tuple[str, ...]
    refusal: str = ""
    description: str = ""
    level: int = 0

    @property
    def amd(self) -> bool:
        """True for AMD's vendor string: the model keeps the range below 1 TiB free."""
        return self.vendor == "AuthenticAMD"

    @property
    def x2apic(self) -> bool:
        """True if APIC ids have 32 bits: Intel's since SandyBridge (builtin_x86_defs, target/i386/cpu.c)."""
        modern = self.vendor in _WITH_X2APIC and self.level >= _SANDY_BRIDGE_LEVEL
        return self.name == "max" or (modern and not self.name.startswith("kvm64"))


@lru_cache(maxsize=256)
def cpu(qemu: str, name: str) -> CpuFacts | None:
    """The CPU model ``name`` of ``-cpu help``; None if there is none.

    >>> cpu("7.2", "EPYC").amd, cpu("7.2", "qemu64").phys_bits
    (True, 40)
    """
    table = load("machines", qemu)["cpus"]
    if not name or name not in table:
        return None
    row = table[name]
    if "refusal" in row:
        return CpuFacts(name, "", 0, False, False, False, False, (), row["refusal"], row.get("desc", ""))
    row = {**table[""], **row}
    bits = load("machines", qemu)["cpuid_bits"]
    lacks = tuple(bits[n] for n in row.get("tcg_lacks") or ())
    return CpuFacts(
        name, row.get("vendor", ""), row.get("phys-bits") or 0, row.get("lm", False), row.get("pse36", False),
        row.get("pae", False), row.get("apic", False), lacks, "", row.get("desc") or "", row.get("level", 0),
    )


def cpu_names(qemu: str) -> tuple[str, ...]:
    """The CPU models of ``-cpu help``.

    >>> cpu_names("7.2")[0]
    '486'
    """
    return tuple(name for name in load("machines", qemu)["cpus"] if name)


@lru_cache(maxsize=16)
def cpu_properties(qemu: str, name: str = "") -> Mapping[str, str]:
    """Property name → type of every x86 CPU model; ``max`` has more than the others.

    >>> cpu_properties("7.2")["phys-bits"], "migratable" in cpu_properties("7.2", "max")
    ('uint32', True)
    """
    facts = load("machines", qemu)
    common, more = facts["cpu_properties"]
    # Elsewhere than on x86 each model has its own.
    groups, cpus = facts.get("cpu_property_groups", ()), facts["cpus"]
    own = [groups[n] for n in {**cpus[""], **cpus.get(name, {})}.get("props") or ()] if groups else []
    kinds, _ = unpack([common, more] if name == "max" else [common, *own])
    return kinds
