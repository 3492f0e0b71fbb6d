"""Arm's CPU models, as far as they matter for memory: how many address bits, 64 bits or 32, and tags.

A 64-bit model says in ID_AA64MMFR0 how many bits its guest-physical addresses have, a 32-bit model with LPAE
has 40.  Boards lay out memory for the model of ``-cpu``, and take only some models.

Source: arm_pamax in target/arm/ptw.c, the models in target/arm/cpu64.c and cpu_tcg.c (QEMU 7.2), in
target/arm/tcg since 8.1; each number was read off a refusal of a real QEMU.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from memkit.boards.board import refuse_here
from memkit.boards.build import Build
from memkit.config import Option
from memkit.errors import Refused
from memkit.memory.flatview import AddressSpace
from memkit.memory.region import MemoryRegion
from memkit.versions import holds

__all__ = ["ArmCpu", "arm_cpu", "check_cpu", "check_model", "cpu_spaces", "model_name"]

_OLD = (
    "arm1026 arm1136 arm1136-r2 arm1176 arm11mpcore arm926 arm946 cortex-a8 cortex-a9 cortex-m0 cortex-m3 "
    "cortex-m33 cortex-m4 cortex-m7 cortex-r5 cortex-r5f sa1100 sa1110 ti925t"
)
_PXA = "pxa250 pxa255 pxa260 pxa261 pxa262 " + " ".join(
    f"pxa270{step}" for step in ("", "-a0", "-a1", "-b0", "-b1", "-c0", "-c5"))
# 32-bit models → the releases that have them.
_BITS_32 = {
    **dict.fromkeys(_OLD.split(), ""), **dict.fromkeys(_PXA.split(), "<11.0"), "cortex-m55": "6.1",
    "cortex-r52": "8.1", "cortex-a7": "", "cortex-a15": "",
}
# 64-bit models: address bits, and the releases that have them.
_BITS_64 = {
    "a64fx": (40, "6.2"), "cortex-a35": (40, "7.1"), "cortex-a53": (40, ""), "cortex-a55": (40, "8.0"),
    "cortex-a57": (44, ""), "cortex-a710": (40, "8.2"), "cortex-a72": (44, ""), "cortex-a76": (40, "7.1"),
    "cortex-a78ae": (40, "10.1"), "neoverse-n1": (48, "7.1"), "neoverse-n2": (48, "8.2"),
    "neoverse-v1": (48, "8.1"),
}
_LPAE = frozenset(("cortex-a7", "cortex-a15", "max"))
_TAGGED = frozenset(("max", "cortex-a710", "neoverse-n2"))


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


def arm_cpu(qemu: str, target: str, name: str) -> ArmCpu | None:
    """The model ``name`` of a release for aarch64 or arm, under TCG; None if there is none.

    >>> arm_cpu("7.2", "aarch64", "cortex-a57").bits, arm_cpu("7.2", "aarch64", "max").bits
    (44, 52)
    """
    if name == "max":
        if target == "aarch64":
            return ArmCpu(name, 52 if holds(qemu, "7.0") else 48, True, True)
        # 6.2 to 8.x look for LPAE before the model has it (arm_pamax).
        return ArmCpu(name, 32 if holds(qemu, "6.2<8.1") else 40, False)
    if name in _BITS_32 and holds(qemu, _BITS_32[name]):
        return ArmCpu(name, 40 if name in _LPAE else 32, False, guests=name in (*_LPAE, "cortex-r52"))
    bits, span = _BITS_64.get(name, (0, ""))
    if not bits or target != "aarch64" or not holds(qemu, span):
        return None
    return ArmCpu(name, bits, True, name in _TAGGED)


def model_name(build: Build, default: str) -> str:
    """The model that ``-cpu`` names, or the ``default`` of the board."""
    option = build.config.last("cpu")
    return default if option is None else (option.value or "").partition(",")[0]


def check_cpu(build: Build, default: str) -> ArmCpu:
    """The model of ``-cpu``; raises Refused for a model that does not exist (parse_cpu_option, cpu.c)."""
    option = build.config.last("cpu")
    name = model_name(build, default)
    if option is not None and not name:
        raise _refuse("-cpu option cannot be empty", "-cpu names a model.", "add a model, or leave out -cpu",
                      option, "parse_cpu_option, cpu.c")
    found = arm_cpu(build.qemu.version, build.target, name)
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
    if cpu.name in models:
        return
    option = build.config.last("cpu")
    known = [name for name in models if arm_cpu(build.qemu.version, build.target, name) is not None]
    if holds(build.qemu.version, "9.0"):
        ending = "" if len(known) == 1 else "s are"
        listed = f"The only valid type is: {known[0]}" if not ending else (
            f"The valid models are: {', '.join(known)}")
        message = f"Invalid CPU model: {cpu.name}\n{listed}"
    else:
        message = f"{machine}: CPU type {cpu.name}-arm-cpu not supported"
    raise _refuse(message, "The board is built around certain CPUs.", f"use -cpu {known[-1]}", option,
                  "machvirt_init, hw/arm/virt.c, QEMU 7.2; is_cpu_type_supported, hw/core/machine.c, 9.0")


def cpu_spaces(name: str, build: Build, root: MemoryRegion) -> list[AddressSpace]:
    """An address space NAME-N for each CPU, which sees ``root`` (cpu_address_space_init, softmmu/physmem.c)."""
    return [AddressSpace(f"{name}-{cpu}", root) for cpu in range(build.machine.cpus)]


def _features(option: Option | None) -> Iterator[str]:
    """The words behind the model's name."""
    for word in (option.value or "").split(",")[1:] if option is not None else ():
        if word:
            yield word


def _refuse(message: str, why: str, hint: str, option: Option | None, source: str) -> Refused:
    return refuse_here(message, why, hint, source, option)
