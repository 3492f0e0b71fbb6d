"""What Arm's ``virt`` checks before it builds: properties, the interrupt controller, the number of CPUs.

The GIC matters for memory: a GICv2 is for 8 CPUs, and the redistributors of more than 123 need a region above
RAM.

Source: virt_set_gic_version and its neighbours, finalize_gic_version, machvirt_init and virt_cpu_post_init in
hw/arm/virt.c (QEMU 5.2, 7.2, 10.0, 11.1); arm_gicv3_common_realize in hw/intc/arm_gicv3_common.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memkit.boards import catalog
from memkit.boards.arm_cpus import ArmCpu
from memkit.boards.board import GIB, refuse_here
from memkit.boards.virt_arm_memory import MemoryMap, redistributors
from memkit.versions import holds

if TYPE_CHECKING:
    from memkit.boards.build import Build
    from memkit.boards.machine import Machine
    from memkit.config import Option
    from memkit.errors import Refused

__all__ = ["TRANSPORTS", "check_address_bits", "check_cpus", "check_property", "emulates_its", "gic_version",
           "message_interrupts", "models"]

TRANSPORTS = 32
GICV2_CPUS = 8
_NOT_UNDER_KVM = {
    "secure": "Security extensions (TrustZone)", "virtualization": "Virtualization extensions", "mte": "MTE",
}
_LONGEST = {"x-oem-id": 6, "x-oem-table-id": 8}
LEAST_WINDOW = 512 * GIB
# CPU models in the order in which QEMU lists them.
_MODELS = (
    "cortex-a7", "cortex-a15", "cortex-a35", "cortex-a55", "cortex-a72", "cortex-a76", "cortex-a710", "a64fx",
    "neoverse-n1", "neoverse-v1", "neoverse-n2", "cortex-a53", "cortex-a57", "max",
)


def models(build: Build) -> tuple[str, ...]:
    """The CPU models that the board takes in this release."""
    facts = {name: catalog.cpu(build.program, name) for name in (*_MODELS, *catalog.cpu_names(build.program))}
    return tuple(name for name, found in facts.items() if found is not None and not found.refusal)


def check_property(machine: Machine, option: Option | None, name: str, value: Any) -> None:
    """Raise Refused for a value that the setter of property ``name`` does not take."""
    qemu, message, allowed = machine.qemu.version, "", ""
    if name == "gic-version":
        known = ["2", "3", "host", "max"]
        known += ["4"] if holds(qemu, "7.1") else []
        known += ["x-5"] if holds(qemu, "11.1") else []
        if value not in known:
            message, allowed = f"Invalid {name} value", ", ".join(known)
    elif name == "iommu" and value not in ("none", "smmuv3"):
        message, allowed = f"Invalid {name} value", "none, smmuv3"
    elif name == "msi" and value not in ("auto", "its", "gicv2m", "off"):
        message, allowed = f"Invalid {name} value", "auto, gicv2m, its, off"
    elif name == "highmem-mmio-size":
        if value & (value - 1) or not value:
            message, allowed = f"{name} is not a power of 2", "512G, 1T, 2T ..."
        elif value < LEAST_WINDOW:
            message = f"{name} cannot be set to a lower value than the default (512 GiB)"
            allowed = "512G and more"
    elif name in _LONGEST and len(str(value).encode()) > _LONGEST[name]:
        short, most = name.removeprefix("x-"), _LONGEST[name]
        message = f"User specified {short} value is bigger than {most} bytes in size"
        allowed = f"{most} bytes or less"
    elif name == "virtio-mmio-transports" and int(value) > TRANSPORTS:
        message, allowed = f"{name} must not exceed {TRANSPORTS}", f"0 to {TRANSPORTS}"
    if message:
        raise _refuse(message, f"The board takes: {allowed}.", f"use one of: {allowed}", option,
                      "virt_machine_class_init")


def gic_version(build: Build) -> int:
    """The version of the GIC: 2, 3 or 4; raises Refused."""
    machine, option = build.machine, build.config.last("machine")
    wanted, newer = machine.words.get("gic-version", ""), holds(build.qemu.version, "8.0")
    guests = machine.flag("virtualization", False)
    if machine.accelerator == "kvm":
        return _kvm_gic_version(build, wanted)
    if wanted == "host":
        raise _refuse("gic-version=host requires KVM", "There is no host's GIC to be like.",
                      "use gic-version=max", option, "finalize_gic_version")
    if wanted == "max":
        return 4 if guests and holds(build.qemu.version, "7.1") else 3
    if wanted == "4" and not guests:
        raise _refuse(
            "tcg does not support GICv4 emulation, is virtualization=on?" if newer else
            "gic-version=4 requires virtualization enabled",
            "Only a guest that runs guests uses what is new in a GICv4.", "add virtualization=on",
            option, "finalize_gic_version",
        )
    if not wanted:
        return 3 if newer and machine.max_cpus > GICV2_CPUS else 2
    return int(wanted.removeprefix("x-"))


def _kvm_gic_version(build: Build, wanted: str) -> int:
    """The version of a GIC in the kernel; the kernels of most servers have version 3 alone."""
    if wanted == "4":
        raise _refuse(
            "KVM does not support GICv4 emulation, is virtualization=on?"
            if holds(build.qemu.version, "8.0") else "gic-version=4 is not supported with KVM",
            "KVM has no GICv4 for guests.", "use gic-version=max", build.config.last("machine"),
            "finalize_gic_version",
        )
    return 2 if wanted == "2" else 3


def message_interrupts(build: Build, gic: int) -> str:
    """Who takes message interrupts: its, gicv2m, or "" for nobody; raises Refused."""
    machine, version = build.machine, build.qemu.version
    usual = machine.version >= (2, 8)
    if not holds(version, "11.0"):
        if gic == 2:
            return "gicv2m"
        there = machine.accelerator == "kvm" or emulates_its(build)
        return "its" if there and machine.flag("its", usual) else ""
    wanted = machine.words.get("msi", "auto")
    if "its" in machine.flags and wanted == "auto":
        wanted = "its" if machine.flags["its"] else "off" if gic > 2 else "gicv2m"
    if wanted == "auto":
        wanted = "gicv2m" if gic == 2 else "its"
    if wanted == "its" and gic == 2:
        raise _refuse("GICv2 + ITS is an invalid configuration.", "An ITS belongs to a GICv3.",
                      "add gic-version=3", build.config.last("machine"), "finalize_msi_controller")
    if wanted == "its" and not emulates_its(build) and machine.accelerator != "kvm":
        return ""
    return "" if wanted == "off" else wanted


def emulates_its(build: Build) -> bool:
    """True if QEMU itself can be the ITS of a GICv3: since 6.2; KVM's was there before."""
    machine = build.machine
    return machine.accelerator != "kvm" and holds(build.qemu.version, "6.2") and machine.version >= (6, 2)


def check_cpus(build: Build, cpu: ArmCpu, gic: int, layout: MemoryMap) -> None:
    """Raise Refused for more CPUs than the GIC is for, or tags that the CPU does not have."""
    machine, newer = build.machine, holds(build.qemu.version, "8.0")
    high = "redistributors" in layout.high
    # Before 8.0, redistributors counted that were not there.
    low, more = redistributors(gic, high or not newer) if gic > 2 else (GICV2_CPUS, 0)
    option, most = build.config.last("smp") or build.config.last("machine"), low + more
    if machine.max_cpus > most:
        hint = "\nTry 'highmem-redists=on' for more CPUs" if newer and gic > 2 and not high else ""
        raise _refuse(
            f"Number of SMP CPUs requested ({machine.max_cpus}) exceeds max CPUs supported by machine "
            f"'mach-virt' ({most}){hint}",
            f"A GICv{gic} is for {most} CPUs here.", "add gic-version=3" if gic == 2 else "use fewer CPUs",
            option, "machvirt_init",
        )
    if machine.accelerator == "kvm":
        _check_kvm(build)
    if machine.flag("mte", False) and not cpu.tagged and machine.accelerator != "kvm":
        raise _refuse("MTE requested, but not supported by the guest CPU",
                      f"{cpu.name} has no Memory Tagging Extension.", "use -cpu max",
                      build.config.last("machine"), "machvirt_init")
    if gic > 2 and machine.cpus > low:
        message = ""
        if not holds(build.qemu.version, "6.0"):
            message = "VGICv3 redist region number(2) not equal to 1"
        elif not high:
            message = (f"Capacity of the redist regions({low}) does not match the number of "
                       f"vcpus({machine.cpus})")
        if message:
            raise _refuse(message, f"The redistributors below RAM are for {low} CPUs.",
                          f"use -smp {low} or less", option, "create_gic")


def _check_kvm(build: Build) -> None:
    """Raise Refused for what a guest cannot have under KVM."""
    older = not holds(build.qemu.version, "6.0")
    for name, what in _NOT_UNDER_KVM.items():
        # Since 9.2 the host may have tags for its guests; that it has them, no description tells.
        if build.machine.flag(name, False) and not (name == "mte" and holds(build.qemu.version, "9.2")):
            said = f"KVM does not support providing {what} to the guest CPU"
            if name == "secure" and older:
                said = "KVM does not support Security extensions"
            raise _refuse(f"mach-virt: {said}", "KVM runs the guest on the CPU as it is.",
                          f"leave out {name}=on, or use -accel tcg", build.config.last("machine"),
                          "machvirt_init")


def check_address_bits(build: Build, cpu: ArmCpu, layout: MemoryMap) -> None:
    """Raise Refused if the CPU cannot address all that the board maps."""
    bits = layout.highest.bit_length()
    emulated = build.machine.accelerator != "kvm"
    if emulated and cpu.is_64 and build.machine.flag("highmem", True) and cpu.bits < bits:
        raise _refuse(
            f"VCPU supports less PA bits ({cpu.bits}) than requested by the memory map ({bits})",
            "RAM, device memory and the windows above them need more address bits.",
            "use less memory, or -cpu max", build.config.last("m"), "virt_cpu_post_init",
        )


def _refuse(message: str, why: str, hint: str, option: Option | None, where: str) -> Refused:
    return refuse_here(message, why, hint, f"{where}, hw/arm/virt.c, QEMU 7.2", option)
