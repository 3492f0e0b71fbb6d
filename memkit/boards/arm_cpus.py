"""Arm's CPU models, as far as they matter for memory: how many address bits, 64 bits or 32, and tags.

A 64-bit model says in ID_AA64MMFR0 how many bits its guest-physical addresses have, a 32-bit model with LPAE
has 40.  Boards lay out memory for the model of ``-cpu``, and take only some models.

Source: data/machines (models, their address bits and properties); arm_pamax in target/arm/ptw.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from memkit.boards import catalog
from memkit.boards.board import refuse_here
from memkit.boards.build import Build
from memkit.config import Option
from memkit.errors import Refused
from memkit.memory.flatview import AddressSpace
from memkit.memory.region import MemoryRegion
from memkit.versions import holds

__all__ = [
    "ArmCpu", "arm_cpu", "check_cpu", "check_features", "check_model", "cpu_spaces",
    "smmu_spaces",
]

# Models with the Memory Tagging Extension (ID_AA64PFR1 in target/arm/tcg/cpu64.c, QEMU 10.0).
_TAGGED = frozenset(("max", "cortex-a710", "neoverse-n2"))
# What most servers have; the kit's description of a host does not tell.
HOST_BITS = 48
_SWITCHES = ("on", "off", "yes", "no", "true", "false", "y", "n")


@dataclass(frozen=True, slots=True)
class ArmCpu:
    """A model: ``bits`` of its guest-physical addresses; ``tagged``: it has the Memory Tagging Extension.

    ``guests``: it has the exception level at which a hypervisor runs (EL2).
    """

    name: str
    bits: int
    is_64: bool
    tagged: bool = False
    guests: bool = True


def arm_cpu(program: str, name: str) -> ArmCpu | None:
    """The model ``name`` of a program for Arm, under TCG; None if there is none.

    >>> arm_cpu("aarch64-7.2", "cortex-a57").bits, arm_cpu("aarch64-7.2", "max").bits
    (44, 52)
    """
    facts = catalog.cpu(program, name)
    if facts is None:
        return None
    kinds = catalog.cpu_properties(program, name)
    # What virt refuses is older than 64 bits and guests, or has no MMU.
    wide, guests = (word in kinds and not facts.refusal for word in ("aarch64", "has_el2"))
    return ArmCpu(name, facts.phys_bits, wide, wide and name in _TAGGED, guests)


def check_cpu(build: Build) -> ArmCpu:
    """The model of ``-cpu``, or the board's own; raises Refused for a model that does not exist.

    Source: parse_cpu_option in cpu.c (QEMU 7.2).
    """
    option = build.config.last("cpu")
    name = _default(build) if option is None else (option.value or "").partition(",")[0]
    if option is not None and not name:
        raise _refuse("-cpu option cannot be empty", "-cpu names a model.", "add a model, or leave out -cpu",
                      option, "parse_cpu_option, cpu.c")
    if name == "host" and build.machine.accelerator == "kvm":
        return ArmCpu(name, HOST_BITS, True)
    found = arm_cpu(build.program, name)
    if found is None:
        raise _refuse(f"unable to find CPU model '{name}'", "This QEMU has no CPU model of that name.",
                      "use -cpu max, or leave out -cpu; -cpu help lists all", option,
                      "cpu_class_by_name, hw/core/cpu-common.c")
    for word in _features(option):
        if "=" not in word:
            raise _refuse(f"Expected key=value format, found {word}.",
                          "Features of Arm's CPUs are properties with a value.", f"write {word}=on",
                          option, "cpu_common_parse_features, hw/core/cpu-common.c")
    return found


def check_model(build: Build, cpu: ArmCpu, models: tuple[str, ...], machine: str) -> None:
    """Raise Refused unless ``cpu`` is one of ``models``; before 9.0, ``machine`` begins the message."""
    if cpu.name in (*models, "host"):
        return
    option = build.config.last("cpu")
    known = [name for name in models if catalog.cpu(build.program, name) is not None]
    if holds(build.qemu.version, "9.0"):
        ending = "" if len(known) == 1 else "s are"
        listed = f"The only valid type is: {known[0]}" if not ending else (
            f"The valid models are: {', '.join(known)}")
        message = f"Invalid CPU model: {cpu.name}\n{listed}"
    else:
        message = f"{machine}: CPU type {cpu.name}-arm-cpu not supported"
    raise _refuse(message, "The board is built around certain CPUs.", f"use -cpu {known[-1]}", option,
                  "machvirt_init, hw/arm/virt.c, QEMU 7.2; is_cpu_type_supported, hw/core/machine.c, 9.0")


def smmu_spaces(build: Build) -> list[AddressSpace]:
    """What Arm's SMMU itself sees, in releases where it has address spaces of its own."""
    if build.iommu != "smmuv3" or not holds(build.qemu.version, "11.0"):
        return []
    views = [("smmu-memory-view", build.system), ("smmu-secure-memory-view", build.secure_memory)]
    return [AddressSpace(name, root) for name, root in views if root is not None]


def check_features(build: Build, cpu: ArmCpu) -> None:
    """Raise Refused for a property of ``-cpu`` that the model does not have, or a value that is none."""
    if cpu.name == "host":
        return
    option, kinds = build.config.last("cpu"), catalog.cpu_properties(build.program, cpu.name)
    for word in _features(option):
        name, _, value = word.partition("=")
        message = ""
        if name not in kinds:
            message = f"Property '{cpu.name}-arm-cpu.{name}' not found"
        elif kinds[name] == "bool" and value not in _SWITCHES:
            message = f"Parameter '{name}' expects 'on' or 'off'"
        elif name == "aarch64" and value in _SWITCHES[1::2] and not holds(build.qemu.version, "11.0"):
            message = "'aarch64' feature cannot be disabled unless KVM is enabled and 32-bit EL1 is supported"
        if message:
            raise _refuse(
                f"can't apply global {cpu.name}-arm-cpu.{name}={value}: {message}",
                "-cpu sets properties of every CPU.", f"check the spelling{catalog.near(name, kinds)}",
                option, "object_apply_global_props, qom/object.c",
            )


def cpu_spaces(name: str, build: Build, root: MemoryRegion) -> list[AddressSpace]:
    """An address space NAME-N for each CPU, which sees ``root`` (cpu_address_space_init)."""
    return [AddressSpace(f"{name}-{cpu}", root) for cpu in range(build.machine.cpus)]


def _default(build: Build) -> str:
    """The model of the board without ``-cpu``."""
    record = catalog.machine(build.program, build.machine.type)
    found = record.default_cpu.removesuffix("-arm-cpu") if record is not None else ""
    # Newer releases choose by accelerator, and do not tell (virt_get_default_cpu_type, hw/arm/virt.c, 11.1).
    return found or ("cortex-a15" if build.machine.accelerator == "tcg" else "max")


def _features(option: Option | None) -> Iterator[str]:
    """The words behind the model's name."""
    for word in (option.value or "").split(",")[1:] if option is not None else ():
        if word:
            yield word


def _refuse(message: str, why: str, hint: str, option: Option | None, source: str) -> Refused:
    return refuse_here(message, why, hint, source, option)
