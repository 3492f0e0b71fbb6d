"""Capabilities of pseries: what the machine promises to its guest, and what TCG says to each promise.

``-machine cap-NAME=`` sets one, the machine type and the CPU decide the others.  None moves memory, but
cap-hpt-max-page-size is about it: a guest with a hash page table must not use larger pages than that.  QEMU
applies them last of all, at the first reset.

Source: capability_table and default_caps_with_cpu in hw/ppc/spapr_caps.c, spapr_machine_*_class_options in
hw/ppc/spapr.c (QEMU 5.2 to 11.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from memkit.boards.board import refuse_here
from memkit.boards.power_cpus import COMPAT_LEVELS, POWER7, POWER8, POWER9, POWER10, PowerCpu
from memkit.config import Option
from memkit.errors import Refused
from memkit.versions import Version, holds

if TYPE_CHECKING:
    from memkit.boards.build import Build
    from memkit.boards.machine import Machine

__all__ = ["PROPERTY_KINDS", "apply_capabilities", "check_property", "effective_level"]

# How a property's value is read, where the type that QEMU tells is not what its setter reads.
PROPERTY_KINDS = {"cap-hpt-max-page-size": "size", "kernel-addr": "uint64", "vsmt": "uint32"}
_THREE = ("broken", "workaround", "fixed")
_MODES = {
    "cap-cfpc": _THREE, "cap-sbbc": _THREE,
    "cap-ibs": ("broken", "workaround", "fixed-ibs", "fixed-ccd", "fixed-na"),
}
_HELP = {
    "cap-ibs": "broken - no protection, workaround - count cache flush, fixed-ibs - indirect branch "
    "serialisation, fixed-ccd - cache count disabled, fixed-na - fixed in hardware (no longer applicable)",
}
_HELP_OF_THREE = "broken - no protection, workaround - workaround available, fixed - fixed in hardware"
_RESIZE = ("default", "disabled", "enabled", "required")
_INTERRUPTS = ("xics", "xive", "dual")
# The compatibility modes that a release knows (compat_table, target/ppc/compat.c).
_MODE_SPANS = {"power11": "9.2"}
# What the version register of a CPU in that mode would say.
_REGISTERS = {
    "power6": 0x0F000002, "power7": 0x0F000003, "power7+": 0x0F100003, "power8": 0x0F000004,
    "power9": 0x0F000005, "power10": 0x0F000006, "power11": 0x0F000007,
}
_SOURCE = "hw/ppc/spapr_caps.c, QEMU 7.2"
SMALLEST_PAGE, USUAL_PAGE = 4 << 10, 64 << 10


def check_property(machine: Machine, option: Option | None, name: str, value: object) -> None:
    """Raise Refused for a value of a machine property that pseries does not take."""
    text, message = str(value), ""
    if name in _MODES and text.lower() not in _MODES[name]:
        message = f'Invalid capability mode "{text}" for {name}'
        if text == "?":
            message = _HELP.get(name, _HELP_OF_THREE)
    elif name == "cap-hpt-max-page-size" and (not isinstance(value, int) or not value or value & (value - 1)):
        message = f"{name} must be a power of 2"
    elif name == "resize-hpt" and text not in _RESIZE:
        message = 'Bad value for "resize-hpt" property'
    elif name == "ic-mode" and machine.version <= (3, 0) and holds(machine.qemu.version, "<11.0"):
        message = "This machine only uses the legacy XICS backend, don't pass ic-mode"
    elif name == "ic-mode" and text not in _INTERRUPTS:
        message = 'Bad value for "ic-mode" property'
    elif name == "max-cpu-compat" and text and not (
        text in COMPAT_LEVELS and holds(machine.qemu.version, _MODE_SPANS.get(text, ""))
    ):
        message = f'Invalid compatibility mode "{text}"'
    if message:
        allowed = _MODES.get(name) or {"resize-hpt": _RESIZE, "ic-mode": _INTERRUPTS}.get(name)
        raise refuse_here(
            message, f"{name}= is a property of pseries with few values.",
            f"use one of: {', '.join(allowed or COMPAT_LEVELS)}" if name[:5] != "cap-h" else "use 64k or 16m",
            "hw/ppc/spapr.c and spapr_caps.c, QEMU 7.2", option,
        )


def effective_level(machine: Machine, cpu: PowerCpu) -> int:
    """The level of the instruction set that the guest may see: the CPU's, or that of max-cpu-compat=.

    207 stands for version 2.07, which is POWER8.
    """
    limit = machine.words.get("max-cpu-compat")
    return min(cpu.level, COMPAT_LEVELS[limit]) if limit else cpu.level


def _defaults(version: Version, type_name: str, level: int, qemu: str) -> dict[str, object]:
    """The capabilities of a machine type with a CPU of ``level``, by name."""
    safe = version > (3, 1) or type_name.endswith("-sxxm")
    # Since 9.2 only POWER7 itself is taken for something like POWER7+.
    newest_sbbc = POWER7 if holds(qemu, "9.2") else POWER10 + 1
    return {
        "cap-htm": version < (2, 12) and level >= POWER8,
        "cap-cfpc": "workaround" if safe and level >= POWER8 else "broken",
        "cap-sbbc": "workaround" if safe and POWER7 <= level <= newest_sbbc else "broken",
        "cap-ibs": "broken" if not safe or level < POWER7 else
        "fixed-ccd" if type_name.endswith("-sxxm") else "workaround",
        "cap-hpt-max-page-size": USUAL_PAGE if version > (2, 12) else 16 << 30,
        "cap-large-decr": version > (3, 1) and level >= POWER9,
        "cap-ccf-assist": version > (4, 2),
        "cap-dawr1": level >= POWER10,
    }


def apply_capabilities(build: Build, cpu: PowerCpu) -> None:
    """Warn of what TCG does not do; raises Refused for what it cannot do at all."""
    machine = build.machine
    level = effective_level(machine, cpu)
    caps = _defaults(machine.version, machine.type, level, machine.qemu.version)
    caps |= {name: value.lower() for name, value in machine.words.items() if name.startswith("cap-")}
    caps |= {name: value for name, value in machine.flags.items() if name.startswith("cap-")}
    if machine.accelerator == "tcg":
        for message, name in _impossible(caps, level, cpu, machine):
            raise _refuse(build, message, name)
        build.warnings += _warned(caps)
    limit = machine.words.get("max-cpu-compat", "")
    if limit and COMPAT_LEVELS[limit] > cpu.level:
        raise _refuse(build, f"Compatibility PVR 0x{_REGISTERS[limit]:08x} not valid for CPU",
                      "max-cpu-compat")


def _warned(caps: dict[str, object]) -> Iterator[str]:
    for name in _MODES:
        if caps[name] != "broken":
            yield f"warning: TCG doesn't support requested feature, {name}={caps[name]}"
    if int(str(caps["cap-hpt-max-page-size"])) < USUAL_PAGE:
        yield "warning: Many guests require at least 64kiB hpt-max-page-size"
    if caps["cap-ccf-assist"]:
        yield "warning: TCG doesn't support requested feature, cap-ccf-assist=on"


def _impossible(
    caps: dict[str, object], level: int, cpu: PowerCpu, machine: Machine
) -> Iterator[tuple[str, str]]:
    """QEMU's words and the capability, in the order of its table."""
    nested_tcg = holds(machine.qemu.version, "7.0")

    def hint(name: str) -> str:
        return f"\nTry appending -machine {name}=off"

    if caps["cap-htm"]:
        yield "No Transactional Memory support in TCG" + hint("cap-htm"), "cap-htm"
    if caps.get("cap-vsx") and cpu.level < POWER7:
        yield "VSX support not available" + hint("cap-vsx"), "cap-vsx"
    if caps.get("cap-dfp") and cpu.level < POWER7:
        yield "DFP support not available" + hint("cap-dfp"), "cap-dfp"
    if int(str(caps["cap-hpt-max-page-size"])) < SMALLEST_PAGE:
        yield "Require at least 4kiB hpt-max-page-size", "cap-hpt-max-page-size"
    if caps.get("cap-nested-hv"):
        if not nested_tcg:
            yield "No Nested KVM-HV support in TCG" + hint("cap-nested-hv"), "cap-nested-hv"
        elif cpu.level < POWER9:
            yield "Nested-HV only supported on POWER9 and later" + hint("cap-nested-hv"), "cap-nested-hv"
        elif machine.topology.threads > 1:
            yield "TCG does not support nested-HV with SMT", "cap-nested-hv"
    if caps["cap-large-decr"] and level < POWER9:
        yield "Large decrementer only supported on POWER9\nTry -cpu POWER9", "cap-large-decr"
    if caps.get("cap-rpt-invalidate"):
        yield "No H_RPT_INVALIDATE support in TCG" + hint("cap-rpt-invalidate"), "cap-rpt-invalidate"
    if caps.get("cap-ail-mode-3") and cpu.level < POWER8:
        message = "TCG only supports cap-ail-mode-3 on POWER8 and later CPUs"
        yield message + hint("cap-ail-mode-3"), "cap-ail-mode-3"
    if caps.get("cap-nested-papr"):
        if cpu.level < POWER9:
            message = "Nested-PAPR only supported on POWER9 and later"
            yield message + hint("cap-nested-papr"), "cap-nested-papr"
        elif caps.get("cap-nested-hv"):
            yield "Nested-HV APIs are mutually exclusive", "cap-nested-papr"
    if caps["cap-dawr1"] and level < POWER10:
        yield "DAWR1 supported only on POWER10 and later CPUs" + hint("cap-dawr1"), "cap-dawr1"


def _refuse(build: Build, message: str, name: str) -> Refused:
    return refuse_here(
        message, "The machine would promise its guest what this CPU does not do under TCG.",
        f"leave out {name}=, or use another -cpu or machine type", _SOURCE, build.config.last("machine"),
    )
