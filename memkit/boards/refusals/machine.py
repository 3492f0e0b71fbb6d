"""Refusals of the machine's properties and the size of its RAM.

Source: softmmu/vl.c, hw/core/machine.c, hw/i386/pc.c (QEMU 7.2).
"""

from __future__ import annotations

from memkit.boards.refusals.words import Words

__all__ = ["REFUSALS"]

REFUSALS: dict[str, Words] = {
    "maxmem-small": Words(
        "invalid value of maxmem: maximum memory size (0x{maxmem:x}) must be at least the initial "
        "memory size (0x{size:x})",
        "maxmem= is the limit of RAM plus memory devices, so it cannot be below -m's size.",
        "raise maxmem= above the size, or leave it out",
        "machine_set_mem, hw/core/machine.c",
    ),
    "maxmem-equal": Words(
        "invalid value of maxmem: memory slots were specified but maximum memory size (0x{maxmem:x}) "
        "is equal to the initial memory size (0x{size:x})",
        "Slots are for memory devices, and maxmem= leaves no address space for any.",
        "raise maxmem= by the memory that you want to plug, or leave out slots=",
        "machine_set_mem, hw/core/machine.c",
    ),
    "slots-alone": Words(
        "slots specified but no max-size",
        "slots= reserves places for DIMMs; without maxmem= there is no address space for them.",
        "add maxmem= (size plus what you want to plug)",
        "machine_set_mem, hw/core/machine.c",
    ),
    "machine-type": Words(
        "unsupported machine type\nUse -machine help to list supported machines",
        "This QEMU has no machine type of that name; old versioned types are removed over time.",
        "use one of: {known}",
        "select_machine, softmmu/vl.c",
    ),
    "machine-property": Words(
        "Property '{machine}.{name}' not found",
        "This machine type has no such property.",
        "check the spelling: -machine {type},help lists what QEMU knows{near}",
        "qom/object.c",
    ),
    "mem-path-and-backend": Words(
        "'-mem-path' can't be used together with'-machine memory-backend'",
        "Both say where main RAM comes from.",
        "keep -machine memory-backend= and give that backend the mem-path=",
        "qemu_apply_legacy_machine_options, softmmu/vl.c",
    ),
    "no-memory-backend": Words(
        "Memory backend '{name}' not found",
        "-machine memory-backend= names an object that no -object option makes.",
        "add -object memory-backend-ram,id={name},size=...",
        "qemu_resolve_machine_memdev, softmmu/vl.c",
    ),
    "ram-size-mismatch": Words(
        "Machine memory size does not match the size of the memory backend",
        "-m says {ram}, but backend '{name}' has {size}. With memory-backend= both must agree.",
        "make -m and the backend's size= equal, or leave out -m's size",
        "machine_run_board_init, hw/core/machine.c",
    ),
    "reserved-id": Words(
        "object name '{name}' is reserved for the default RAM backend, it can't be used for any "
        "other purposes. Change the object's 'id' to something else",
        "The machine makes a backend of this name itself for -m.",
        "use another id=, or point -machine memory-backend= at this object",
        "machine_run_board_init, hw/core/machine.c",
    ),
    "max-ram-below-4g": Words(
        "Machine option 'max-ram-below-4g={value}' expects size less than or equal to 4G",
        "The option moves the split below the 4 GiB line; it cannot lie above it.",
        "use a size up to 4G",
        "pc_machine_set_max_ram_below_4g, hw/i386/pc.c",
    ),
    "no-hotplug-machine": Words(
        "\"-memory 'slots|maxmem'\" is not supported by: {machine}",
        "This machine type has no device-memory window.",
        "leave out slots= and maxmem=, or use a newer machine type",
        "pc_memory_init, hw/i386/pc.c",
    ),
    "too-many-slots": Words(
        "unsupported amount of memory slots: {slots}",
        "x86 machines describe at most 256 memory slots to the guest by ACPI.",
        "use slots=256 or less",
        "pc_memory_init, hw/i386/pc.c (ACPI_MAX_RAM_SLOTS)",
    ),
    "maxmem-alignment": Words(
        "maximum memory size must by aligned to multiple of 4096 bytes",
        "The device-memory window is made of whole target pages.",
        "round maxmem= to 4 KiB",
        "pc_memory_init, hw/i386/pc.c",
    ),
    "maxmem-overflow": Words(
        "unsupported amount of maximum memory: {maxmem:016x}",
        "The device-memory window would pass the end of the 64-bit address space.",
        "lower maxmem=",
        "pc_memory_init, hw/i386/pc.c",
    ),
}
