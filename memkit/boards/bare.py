"""Machine type ``none``: no CPU, no board; RAM only if ``-m`` or ``memory-backend=`` asks for it.

QEMU has it for programs that ask questions.  For a learner it shows what is left when the board is gone:
two empty address spaces.

Source: hw/core/null-machine.c, machine_run_board_init in hw/core/machine.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from memkit.boards import catalog, cpus
from memkit.boards.backends import check_objects, check_types, create_backends, create_default_backend
from memkit.boards.build import Build
from memkit.boards.devices import DeviceBuilder
from memkit.boards.machine import Machine, apply_memory, apply_smp, set_accelerator, set_in_order
from memkit.boards.machine_properties import LEGACY, check_boot_order, set_property
from memkit.boards.numa import consume, refuse_nodes
from memkit.boards.refusals import refuse
from memkit.config import Config, Option
from memkit.config.behind import check_kernel
from memkit.config.networks import check_networks
from memkit.errors import Refused
from memkit.host import Host
from memkit.memory.device import Frontend
from memkit.memory.flatview import AddressSpace
from memkit.memory.region import MemoryRegion
from memkit.versions import holds, machine_facts, qemu_facts

__all__ = ["build_bare", "is_bare"]

NAME = "none"
# Properties of the class of all machines (machine_class_init in hw/core/machine.c).
# Each with the releases that have it (see memkit.versions.holds).
_PROPERTIES = {
    **dict.fromkeys((
        "append", "dt-compatible", "dtb", "dump-guest-core", "dumpdtb", "firmware", "graphics", "initrd",
        "kernel", "mem-merge", "memory-encryption", "phandle-start", "suppress-vmdesc", "usb",
    ), ""),
    "aux-ram-share": "10.0", "boot": "7.1", "confidential-guest-support": "6.0", "memory": "7.1",
    "shim": "10.0", "smp": "6.1", "smp-cache": "9.2",
}


_PCS = ("x86_64", "i386")
_SEEN = {"aarch64": "virt", "arm": "virt", "ppc64": "pseries", "riscv64": "virt", "s390x": "s390-ccw-virtio"}


class BareMachine(Machine):
    """The machine without a board; it has no device-memory window, like microvm."""

    @property
    def ram_id(self) -> str:
        """The id of the backend that the machine makes for ``-m``."""
        return "ram"

    @property
    def property_types(self) -> Mapping[str, str]:
        """Property name → type of what ``-machine`` can set: the same for all targets."""
        return catalog.machine_properties(self.qemu.version, self.family)

    @property
    def seen_as(self) -> str:
        """The family on which the devices for this machine were recorded."""
        return _SEEN.get(self.target, self.family)


def is_bare(config: Config) -> bool:
    """True if ``config`` asks for machine type none."""
    return config.machine.get("type") == NAME


def build_bare(config: Config, host: Host, target: str) -> Build:
    """Everything that QEMU builds for ``-machine none``; raises Refused.

    >>> from memkit.config import parse
    >>> build_bare(parse("-M none -m 1G"), Host(), "x86_64").system.subregions[0].name
    'ram'
    """
    facts = replace(machine_facts("microvm", (7, 2)), acpi_tables=False)
    machine = BareMachine("microvm", NAME, (7, 2), facts, qemu_facts(config.qemu), target=target)
    build = Build(config, host, machine, target)
    build.warnings.extend(config.warnings)
    _start(build)
    option = config.last("cpu")
    if option is not None:
        _check_model(build, option)
    refuse_nodes(config)
    _ram(build)
    if option is not None and target in _PCS:
        raise Refused(
            "apic-id property was not initialized properly",
            explanation="A CPU needs a board that gives it a number.", hint="leave out -cpu",
            source="x86_cpu_realizefn, target/i386/cpu.c, QEMU 7.2",
        )
    if "kernel" in config.machine:
        raise Refused(
            "The -kernel parameter is not supported (use the generic 'loader' device instead).",
            explanation="Machine type none has no board that could start a kernel.", hint="use pc or q35",
            source="hw/core/null-machine.c, QEMU 7.2",
        )
    devices = DeviceBuilder(build, None, 0)
    for spec in config.devices:
        devices.plug(spec)
    build.address_spaces.append(AddressSpace("memory", build.system))
    build.address_spaces.append(AddressSpace("I/O", MemoryRegion("io", 0x10000, "i/o")))
    if option is not None:
        build.address_spaces.append(AddressSpace("cpu-memory-0", build.system))
    return build


def _check_model(build: Build, option: Option) -> None:
    """Raise Refused for a CPU model that the program does not have."""
    if build.target in _PCS:
        cpus.model(build)
        return
    name = (option.value or "").partition(",")[0]
    if name not in catalog.cpu_names(build.program):
        raise refuse("cpu-unknown", option, name=name)


def _set_properties(config: Config, machine: Machine) -> None:
    tree = {name: value for name, value in config.machine_tree().items() if name not in ("type", *LEGACY)}
    set_in_order(machine, config, tree, _set)


def _set(machine: Machine, config: Config, name: str, value: Any, *, text: bool = False) -> None:
    if name not in _PROPERTIES or not holds(machine.qemu.version, _PROPERTIES[name]):
        raise refuse("machine-property", config.last("machine"), machine=f"{NAME}-machine", name=name,
                     type=NAME, near="")
    set_property(machine, config, name, value, text=text)


def _start(build: Build) -> None:
    """All that comes before there is a board."""
    config, machine = build.config, build.machine
    old = not machine.qemu.compound_options
    if old:
        apply_memory(machine, config)
        apply_smp(machine, config)
        check_objects(build)
        for name, value in config.machine_pairs:
            if name not in ("type", *LEGACY):
                _set(machine, config, name, value, text=True)
    else:
        check_types(build)
        _set_properties(config, machine)
    set_accelerator(machine, config, build.host)
    build.warnings.extend(machine.warnings)
    check_boot_order(config)
    if old:
        check_kernel(config.options, dict(config.machine), compound=False)
    check_networks(config.nics, machine.qemu)
    create_backends(build)


def _ram(build: Build) -> None:
    """Map main RAM at 0 if it was asked for."""
    config, machine = build.config, build.machine
    name, mem_path = config.machine.get("memory-backend"), config.last("mem-path")
    if name:
        main = build.memdevs.get(name)
        if main is None:
            raise refuse("no-memory-backend", config.last("machine"), name=name)
        size = config.memory_options().size
        if size is not None and main.backend.size != machine.ram_size:
            raise refuse("ram-size-mismatch", config.last("m"), ram=hex(machine.ram_size), name=name,
                         size=hex(main.backend.size))
    elif config.memory_options().size is None:
        return
    else:
        main = create_default_backend(
            build, machine.ram_id, machine.ram_size, mem_path.value if mem_path else None
        )
    consume(build, main)
    build.system.add(main.region, 0)
    build.frontends.append(Frontend(
        "machine", None, "main RAM of none", main.backend, (main.block,), (main.region,),
        build.option_index(main.option or config.last("m")),
    ))
