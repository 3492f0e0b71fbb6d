"""What other releases than 7.2 say where they refuse the same.

The model refuses in the words of 7.2 and names the kind of refusal by a key; ``said_by`` puts in the words of
the release that answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from memkit.errors import Refused
from memkit.versions.numbers import Version, parse_version

__all__ = ["WORDINGS", "Wording", "said_by"]


class Wording(NamedTuple):
    """The message of one kind of refusal, from release ``since`` on and before release ``until``.

    ``message`` is a format string for the refusal's values, or a function of the Refused.
    ``source`` names the release or commit that changed the words.  ``why`` and ``hint`` replace ours where
    they would be wrong for that release.
    """

    message: str | Callable[[Refused], str]
    since: Version
    until: Version
    source: str
    why: str = ""
    hint: str = ""


OLD: Version = (0,)
NEVER: Version = (1000,)

_BAR = "{at}: pci_register_bar: Assertion `is_power_of_2(size)' failed."
_BAR_SOURCE = "pci_register_bar, hw/pci/pci.c"
_SMBIOS = "smbios_build_type_19_table: Assertion `end > start' failed."
_SMBIOS_SOURCE = "smbios_build_type_19_table, hw/smbios/smbios.c; the line is that of"

WORDINGS: dict[str, tuple[Wording, ...]] = {
    # -- CPUs
    "cpu-host": (
        Wording("CPU model 'host' requires KVM", OLD, (6, 1), "x86_cpu_realizefn, target/i386/cpu.c"),
    ),
    "phys-bits-range": (
        Wording("TCG only supports phys-bits=40", OLD, (6, 0),
                "x86_cpu_realizefn, target/i386/cpu.c; b818413583",
                "QEMU's own emulation has 40 address bits in these releases.", "leave out phys-bits="),
        Wording("phys-bits should be at least 32 (but is {bits})", (11, 0), NEVER,
                "x86_cpu_realizefn, target/i386/cpu.c; ab7a864082", "A CPU has at least 32 address bits."),
    ),
    "smp-apic": (
        Wording("apic initialization failed. APIC ID {apic} is invalid", OLD, (7, 1),
                "apic_realize, hw/intc/apic.c"),
        Wording("apic initialization failed. APIC ID {apic} is invalid", (8, 2), (9, 0),
                "apic_realize, hw/intc/apic.c"),
        Wording(
            "Unexpected error in apic_common_set_id() at hw/intc/apic_common.c:447:\n"
            "APIC ID {apic} requires x2APIC feature in CPU\nTry x2apic=on in -cpu.", (9, 0), (11, 0),
            "apic_common_set_id, hw/intc/apic_common.c; b5ee0468e9; the line is that of Debian's 10.0",
            "APIC ids above 254 need x2APIC, which this CPU model has not.", "add -cpu ...,x2apic=on",
        ),
        Wording(
            "APIC ID {apic} requires x2APIC feature in CPU\nTry x2apic=on in -cpu.", (11, 0), NEVER,
            "apic_common_realize, hw/intc/apic_common.c",
            "APIC ids above 254 need x2APIC, which this CPU model has not.", "add -cpu ...,x2apic=on",
        ),
    ),
    "smp-product": (
        Wording("Invalid CPU topology{deprecated}: {topology} != maxcpus ({maxcpus})", OLD, (6, 2),
                "pc_smp_parse, hw/i386/pc.c"),
    ),
    "smp-maxcpus": (
        Wording("maxcpus must be equal to or greater than smp", OLD, (6, 2), "pc_smp_parse, hw/i386/pc.c"),
    ),
    **dict.fromkeys(("smp-dies", "smp-clusters", "smp-level"), (
        Wording("{level} > 1 not supported by this machine's CPU topology", (9, 1), NEVER,
                "machine_parse_smp_config, hw/core/machine-smp.c; 9d7950edb0"),
    )),
    # -- options and objects
    "not-accepted": (
        Wording("Invalid parameter '{value}'", OLD, (6, 2),
                "input_type_enum, qapi/qapi-visit-core.c; ea29331ba6"),
    ),
    "maxmem-small": (
        Wording("invalid value of -m option maxmem: maximum memory size (0x{maxmem:x}) must be at least the "
                "initial memory size (0x{size:x})", OLD, (7, 1),
                "set_memory_options, softmmu/vl.c; ce9d03fb3f"),
    ),
    "maxmem-equal": (
        Wording("invalid value of -m option maxmem: memory slots were specified but maximum memory size "
                "(0x{maxmem:x}) is equal to the initial memory size (0x{size:x})", OLD, (7, 1),
                "set_memory_options, softmmu/vl.c; ce9d03fb3f"),
    ),
    "slots-alone": (
        Wording("invalid -m option value: missing 'maxmem' option", OLD, (7, 1),
                "set_memory_options, softmmu/vl.c; ce9d03fb3f"),
    ),
    "ram-size-mismatch": (
        Wording("Size specified by -m option must match size of explicitly specified 'memory-backend' "
                "property", OLD, (7, 1), "qemu_init, softmmu/vl.c; fb56b7a052"),
    ),
    "reserved-id": (
        Wording("Unexpected error in object_property_try_add() at ../../qom/object.c:1218:\n"
                "attempt to add duplicate property '{name}' to object (type 'container')", OLD, (6, 0),
                "create_default_memdev, softmmu/vl.c; the line is that of Debian's 5.2"),
        Wording("object's id '{name}' is reserved for the default RAM backend, it can't be used for any "
                "other purposes\nChange the object's 'id' to something else or disable automatic creation of "
                "the default RAM backend by setting 'memory-backend={name}' with '-machine'.", (8, 2), NEVER,
                "machine_run_board_init, hw/core/machine.c; 41ddcd2308"),
    ),
    "smbios-one-byte": (
        Wording(f"../../hw/smbios/smbios.c:747: {_SMBIOS}", OLD, (6, 0), f"{_SMBIOS_SOURCE} Debian's 5.2"),
        Wording(f"../../hw/smbios/smbios.c:905: {_SMBIOS}", (8, 2), (9, 0), f"{_SMBIOS_SOURCE} 8.2.7"),
        Wording(f"hw/smbios/smbios.c:916: {_SMBIOS}", (10, 0), (10, 1), f"{_SMBIOS_SOURCE} Debian's 10.0"),
        Wording(f"hw/smbios/smbios.c:925: {_SMBIOS}", (11, 0), NEVER, f"{_SMBIOS_SOURCE} Debian's 11.1"),
    ),
    "size-wraps": (
        Wording("../../system/physmem.c:1455: find_ram_offset: Assertion `size != 0' failed.", (8, 2), (9, 0),
                "find_ram_offset, system/physmem.c; the line is that of 8.2.2"),
        Wording("system/physmem.c:1488: find_ram_offset: Assertion `size != 0' failed.", (10, 0), (10, 1),
                "find_ram_offset, system/physmem.c; the line is that of Debian's 10.0"),
        Wording("system/physmem.c:1794: find_ram_offset: Assertion `size != 0' failed.", (11, 0), NEVER,
                "find_ram_offset, system/physmem.c; the line is that of Debian's 11.1"),
    ),
    **dict.fromkeys(("machine-read-only", "device-fixed"), (
        Wording("Insufficient permission to perform this operation", OLD, (7, 2),
                "object_property_set, qom/object.c; 3f7febc937"),
    )),
    "max-fw-size": (
        Wording("User specified max allowed firmware size {value} is greater than 16MiB. If combined "
                "firmware size exceeds 16MiB the system may not boot, or experience intermittentstability "
                "issues.",
                (8, 2), NEVER, "pc_machine_set_max_fw_size, hw/i386/pc.c; bad5cfcd60"),
    ),
    "machine-audio": (
        Wording("audiodev '{name}' not found", (8, 2), NEVER,
                "audio_state_by_name, audio/audio.c; 176adafca7"),
    ),
    # -- NUMA and networks
    "numa-own-initiator": (
        Wording("The initiator of CPU NUMA node {node} should be itself", OLD, (6, 1),
                "machine_set_cpu_numa_node, hw/core/machine.c; f74d339c86"),
    ),
    "network-none": (
        Wording("Parameter 'type' expects a netdev backend type", OLD, (7, 0), "net_client_init1, net/net.c"),
    ),
    "network-hubport": (
        Wording("Parameter 'type' expects a net backend type (maybe it is not compiled into this binary)",
                OLD, (7, 0), "net_client_init1, net/net.c"),
    ),
    # -- memory devices
    "no-device-memory": (
        Wording(
            "the configuration is not prepared for memory devices (e.g., for memory hotplug), consider "
            "specifying the maxmem option", (8, 1), NEVER,
            "memory_device_pre_plug, hw/mem/memory-device.c; 99d88de6eb",
        ),
    ),
    # -- devices and drives
    "vhost-vsock": (
        Wording("Could not open '/dev/vhost-vsock': No such file or directory", (10, 2), NEVER,
                "vhost_vsock_device_realize, hw/virtio/vhost-vsock.c"),
    ),
    "drive-directory": (
        Wording("A regular file was expected by the 'file' driver, but something else was given", OLD, (6, 0),
                "raw_open_common, block/file-posix.c"),
    ),
    # -- PCI
    "pci-taken": (
        Wording("PCI: slot {slot} function {function} not available for {driver}, in use by {other}",
                OLD, (7, 0), "do_pci_register_device, hw/pci/pci.c; ad003b9e68"),
    ),
    "bar-power": (
        Wording(_BAR.replace("{at}", "../../hw/pci/pci.c:1155"), OLD, (7, 0),
                f"{_BAR_SOURCE}; the line is that of Debian's 5.2"),
        Wording(_BAR.replace("{at}", "../../hw/pci/pci.c:1310"), (8, 2), (9, 0),
                f"{_BAR_SOURCE}; the line is that of 8.2.2"),
        Wording(_BAR.replace("{at}", "hw/pci/pci.c:1475"), (10, 0), (10, 1),
                f"{_BAR_SOURCE}; the line is that of Debian's 10.0"),
        Wording(_BAR.replace("{at}", "hw/pci/pci.c:1515"), (11, 0), NEVER,
                f"{_BAR_SOURCE}; the line is that of Debian's 11.1"),
    ),
    # -- CXL
    "cxl-window": (
        Wording("Size of a CXL fixed memory window must be a multiple of 256MiB", (8, 0), NEVER,
                "cxl_fixed_memory_window_config, hw/cxl/cxl-host.c; f99ad11cd1"),
    ),
    "cxl-memdev": (
        Wording("at least one memdev property must be set", (8, 1), NEVER,
                "cxl_setup_memory, hw/mem/cxl_type3.c; adacc814f5"),
    ),
    "cxl-lsa": (
        Wording("lsa property must be set for persistent devices", (8, 1), NEVER,
                "cxl_setup_memory, hw/mem/cxl_type3.c; adacc814f5"),
    ),
    "machine-type": (
        Wording(
            'unsupported machine type: "{name}"\nUse -machine help to list supported machines', (9, 1), NEVER,
            "select_machine, system/vl.c; 412d294ffd",
        ),
    ),
}


def said_by(refused: Refused, qemu: str) -> Refused:
    """``refused`` in the words of the release ``qemu`` ("10.0"); itself where that release says the same.

    >>> refused = Refused("unsupported machine type", key="machine-type", values={"name": "pc-9"})
    >>> said_by(refused, "10.0").message.splitlines()[0]
    'unsupported machine type: "pc-9"'
    """
    number = parse_version(qemu)
    for wording in WORDINGS.get(refused.key, ()):
        if wording.since <= number < wording.until:
            message = wording.message
            text = message.format(**refused.values) if isinstance(message, str) else message(refused)
            return Refused(
                f"{refused.option}: {text}" if refused.located else text,
                explanation=wording.why.format(**refused.values) or refused.explanation,
                hint=wording.hint.format(**refused.values) or refused.hint, option=refused.option,
                position=refused.position, source=wording.source, key=refused.key, values=refused.values,
                located=refused.located,
            )
    return refused
