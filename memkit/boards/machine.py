"""The machine: type, version, and the properties that shape memory.

Source: select_machine and qemu_apply_machine_options in softmmu/vl.c, machine_set_mem and
machine_parse_smp_config in hw/core (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from memkit.boards import catalog
from memkit.boards.accelerators import choose_accelerator
from memkit.boards.machine_properties import LEGACY, set_property
from memkit.boards.recorded import program_name
from memkit.boards.refusals import refuse
from memkit.boards.topology import Topology, read_topology
from memkit.config import Config
from memkit.config.qdict import hash_order
from memkit.errors import MemkitError
from memkit.host import Host
from memkit.versions import (
    DEFAULT_QEMU,
    MachineFacts,
    QemuFacts,
    machine_facts,
    parse_version,
    qemu_facts,
)

if TYPE_CHECKING:
    from memkit.boards.board import Board

__all__ = [
    "DEFAULT_RAM", "Machine", "apply_memory", "apply_properties", "apply_smp", "machine_types",
    "select_machine", "set_accelerator", "set_in_order",
]

DEFAULT_RAM = 128 << 20
RAM_ALIGN = 8192

_PREFIXES = {"pc": "pc-i440fx-", "q35": "pc-q35-"}
_UNVERSIONED = ("microvm", "isapc")


@dataclass(eq=False)
class Machine:
    """One machine before its board is built; sizes in bytes.

    ``family`` is pc (i440fx), q35, microvm or isapc; ``type`` the full name (pc-i440fx-7.2).
    ``flags`` holds on/off properties, ``words`` the others as text (sizes in bytes); ``warnings`` is
    what QEMU says while they are set.  ``accelerator`` is the one in use.
    ``facts`` are those of the type, ``qemu`` those of the program.  ``board`` is None for a PC.
    """

    family: str
    type: str
    version: tuple[int, ...]
    facts: MachineFacts
    qemu: QemuFacts
    ram_size: int = DEFAULT_RAM
    maxram_size: int = DEFAULT_RAM
    slots: int = 0
    cpus: int = 1
    max_cpus: int = 1
    topology: Topology = field(default_factory=Topology)
    flags: dict[str, bool] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    accelerator: str = "tcg"
    target: str = "x86_64"
    board: Board | None = None

    @property
    def ram_id(self) -> str:
        """The id of the backend that the machine makes for ``-m``."""
        if self.board is not None:
            return self.board.ram_id(self)
        return "microvm.ram" if self.family == "microvm" else "pc.ram"

    @property
    def program(self) -> str:
        """The key of what was recorded from the QEMU program (see ``recorded.load``)."""
        return program_name(self.target, self.qemu.version)

    @property
    def property_types(self) -> Mapping[str, str]:
        """Property name → type of what ``-machine`` can set."""
        newest = self.family if self.board is None else self.type
        return catalog.machine_properties(self.program, newest)

    @property
    def seen_as(self) -> str:
        """The family on which the devices for this machine were recorded."""
        return self.family if self.board is None else self.board.observed_as

    def flag(self, name: str, default: bool) -> bool:
        """The on/off property ``name``, or ``default`` if the user did not set it."""
        return self.flags.get(name, default)


def machine_types(qemu: str = DEFAULT_QEMU) -> list[str]:
    """Every machine type of that QEMU which the model builds, newest first.

    >>> machine_types("5.2")[2:5]
    ['microvm', 'isapc', 'pc-i440fx-5.2']
    """
    names = catalog.machine_names(qemu)
    return [
        "pc", "q35", *_UNVERSIONED,
        *(name for prefix in _PREFIXES.values() for name in names if name.startswith(prefix)),
    ]


def _known(qemu: str) -> str:
    """The machine types of a QEMU in few words."""
    names = catalog.machine_names(qemu)
    spans = []
    for prefix in _PREFIXES.values():
        mine = [name for name in names if name.startswith(prefix)]
        spans.append(f"{mine[-1]} to {mine[0]}")
    return f"pc, q35, {', '.join(_UNVERSIONED)}, {', '.join(spans)} (QEMU {qemu})"


def select_machine(config: Config) -> Machine:
    """The machine that ``config`` asks for, before its properties are applied; raises Refused."""
    qemu = config.qemu
    name = config.machine.get("type", "pc")
    record = catalog.machine(qemu, name)
    facts = qemu_facts(qemu)
    if record is None:
        old = not facts.compound_options
        option = config.all("machine")[0] if old else config.last("machine")
        raise refuse("machine-type", option, old, name=name, known=_known(qemu))
    if record.name in _UNVERSIONED:
        version = parse_version(qemu)
        return Machine(name, name, version, machine_facts(name, version), facts)
    for family, prefix in _PREFIXES.items():
        if record.name.startswith(prefix):
            version = parse_version(record.name[len(prefix):])
            return Machine(family, record.name, version, machine_facts(family, version), facts)
    raise MemkitError(
        f"QEMU {qemu} has machine type {name!r}, but the model does not build it; "
        "use pc, q35, microvm or isapc (versioned types, too)"
    )


def apply_memory(machine: Machine, config: Config) -> None:
    """Set RAM size, limit and slots from ``-m`` (machine_set_mem); raises Refused."""
    memory = config.memory_options()
    # Where -m is a list of its own, its place is told.
    old = not machine.qemu.compound_options
    default = DEFAULT_RAM if machine.board is None else machine.board.default_ram
    size = memory.size if memory.size is not None else default
    size = -(-size // RAM_ALIGN) * RAM_ALIGN
    option = config.all("m")[0] if old and config.flag("m") else config.last("m")
    if memory.maxmem is not None:
        if memory.maxmem < size:
            raise refuse("maxmem-small", option, old, maxmem=memory.maxmem, size=size)
        if memory.slots and memory.maxmem == size:
            raise refuse("maxmem-equal", option, old, maxmem=memory.maxmem, size=size)
        machine.maxram_size = memory.maxmem
    elif memory.slots is not None:
        raise refuse("slots-alone", option, old)
    else:
        machine.maxram_size = size
    machine.ram_size, machine.slots = size, memory.slots or 0


def apply_properties(machine: Machine, config: Config) -> None:
    """Set the machine's properties from ``-machine``, ``-m`` and ``-smp`` in QEMU's order; raises Refused."""
    tree = {name: value for name, value in config.machine_tree().items() if name != "type"}
    for name in LEGACY:
        if isinstance(tree.get(name), str):
            del tree[name]
    backend = config.machine.get("memory-backend")
    if backend:
        machine.words["memory-backend"] = backend
        if config.flag("mem-path"):
            raise refuse("mem-path-and-backend", config.last("mem-path"))
    set_in_order(machine, config, tree, set_property)


def set_in_order(
    machine: Machine, config: Config, tree: dict[str, Any],
    set_one: Callable[[Machine, Config, str, Any], None],
) -> None:
    """Set what ``tree`` and ``-m`` say in the order of QEMU's hash table; raises Refused.

    ``set_one`` sets a property that is neither memory nor smp.
    """
    tree["memory"] = None
    for name in hash_order(tree):
        if name == "memory":
            apply_memory(machine, config)
        elif name == "smp":
            apply_smp(machine, config)
        else:
            set_one(machine, config, name, tree[name])


def apply_smp(machine: Machine, config: Config) -> None:
    """Set the CPUs and their topology from ``-smp``; raises Refused."""
    if machine.board is not None and config.last("smp") is None and "smp" not in config.machine_tree():
        return
    option = config.last("smp") or config.last("machine")
    machine.topology = read_topology(machine, config.smp_options(), option)
    machine.cpus, machine.max_cpus = machine.topology.cpus, machine.topology.max_cpus


def set_accelerator(machine: Machine, config: Config, host: Host) -> None:
    """Choose the accelerator, behind which QEMU warns of old machine types; raises Refused."""
    machine.accelerator = choose_accelerator(config, host, machine.target)
    record = catalog.machine(machine.program, machine.type)
    if record is not None and record.deprecated:
        reason = machine.qemu.deprecation_reason
        machine.warnings.append(f"warning: Machine type '{machine.type}' is deprecated: {reason}")
