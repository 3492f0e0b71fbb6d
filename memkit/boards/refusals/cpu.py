"""Refusals of CPU models and CPU topology.

Source: hw/core/machine-smp.c, target/i386/cpu.c (QEMU 7.2).
"""

from __future__ import annotations

from memkit.boards.refusals.words import Words

__all__ = ["REFUSALS"]

REFUSALS: dict[str, Words] = {
    "phys-bits": Words(
        "Address space limit 0x{limit:x} < 0x{used:x} phys-bits too low ({bits})",
        "RAM, the device-memory window and the 64-bit PCI hole together need more guest-physical "
        "address bits than this CPU model has.",
        "lower maxmem= or the number of slots, or give the CPU more bits: -cpu ...,phys-bits=46",
        "pc_memory_init, hw/i386/pc.c",
    ),
    "cpu-unknown": Words(
        "unable to find CPU model '{name}'", "This QEMU has no CPU model of that name.",
        "-cpu help lists them; qemu64 and max always exist", "cpu_class_by_name, hw/core/cpu-common.c",
    ),
    "cpu-host": Words(
        "CPU model 'host' requires KVM or HVF", "Without KVM there is no host CPU to pass on.",
        "use -cpu max, or add -enable-kvm on a host that has it", "target/i386/host-cpu.c",
    ),
    "phys-bits-range": Words(
        "phys-bits should be between 32 and 52  (but is {bits})", "x86 has at most 52 address bits.",
        "use phys-bits=46, for example", "x86_cpu_realizefn, target/i386/cpu.c",
    ),
    "phys-bits-32": Words(
        "phys-bits is not user-configurable in 32 bit", "A 32-bit CPU model has fixed address bits.",
        "drop phys-bits=, or use a 64-bit CPU model", "x86_cpu_realizefn, target/i386/cpu.c",
    ),
    "smp-product": Words(
        "Invalid CPU topology: product of the hierarchy must match maxcpus: {topology} != maxcpus "
        "({maxcpus})",
        "sockets, dies, cores and threads multiplied give the number of CPUs.",
        "make the product equal to the CPUs, or leave one of them out",
        "machine_parse_smp_config, hw/core/machine-smp.c",
    ),
    "smp-maxcpus": Words(
        "Invalid CPU topology: maxcpus must be equal to or greater than smp: {topology} == maxcpus "
        "({maxcpus}) < smp_cpus ({cpus})",
        "maxcpus= counts the CPUs that can ever be there.", "raise maxcpus=",
        "machine_parse_smp_config, hw/core/machine-smp.c",
    ),
    "smp-dies": Words(
        "dies not supported by this machine's CPU topology", "microvm has no dies.", "drop dies=",
        "machine_parse_smp_config, hw/core/machine-smp.c",
    ),
    "smp-clusters": Words(
        "clusters not supported by this machine's CPU topology", "x86 machines have no clusters.",
        "drop clusters=", "machine_parse_smp_config, hw/core/machine-smp.c",
    ),
    "smp-level": Words(
        "{level} not supported by this machine's CPU topology", "This machine type has no {level}.",
        "drop {level}=", "machine_parse_smp_config, hw/core/machine-smp.c, QEMU 8.2",
    ),
    "smp-zero": Words(
        "Invalid CPU topology: CPU topology parameters must be greater than zero",
        "A number of CPUs, sockets, cores or threads cannot be zero.", "leave out what is zero",
        "machine_parse_smp_config, hw/core/machine-smp.c, QEMU 10.0",
    ),
    "smp-too-few": Words(
        "cpu topology: {topology} < smp_cpus ({cpus})",
        "sockets, dies, cores and threads multiplied give the number of CPUs.",
        "make the product equal to the CPUs, or leave one of them out",
        "pc_smp_parse, hw/i386/pc.c, QEMU 5.2",
    ),
    "smp-max": Words(
        "Invalid SMP CPUs {cpus}. The max CPUs supported by machine '{machine}' is {limit}",
        "maxcpus= (or the product of sockets, dies, cores and threads) is above what the board knows.",
        "use at most {limit} CPUs", "machine_parse_smp_config, hw/core/machine-smp.c",
    ),
    "smp-min": Words(
        "Invalid SMP CPUs 0. The min CPUs supported by machine '{machine}' is 1",
        "QEMU keeps the product of the levels in 32 bits, of which nothing is left.", "use smaller numbers",
        "machine_parse_smp_config, hw/core/machine-smp.c",
    ),
    "smp-apic": Words(
        "current -smp configuration requires kernel irqchip and X2APIC API support.",
        "APIC ids above 254 need KVM's own interrupt controller; TCG has none.",
        "use fewer CPUs: sockets, dies, cores and threads each take whole bits of the id",
        "x86_cpus_init, hw/i386/x86.c",
    ),
}
