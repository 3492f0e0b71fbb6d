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
    "vmport-alone": Words(
        "vmport requires the i8042 controller to be enabled",
        "The VMware port passes the mouse on through the keyboard controller.",
        "leave out i8042=off, or use vmport=off", "pc_superio_init, hw/i386/pc.c, QEMU 9.1",
    ),
    "smbios-one-byte": Words(
        "../../hw/smbios/smbios.c:904: smbios_build_type_19_table: Assertion `end > start' failed.",
        "One byte of RAM lies by itself below or above 4 GiB, and the SMBIOS table cannot say so; QEMU "
        "aborts instead of refusing.", "use max-ram-below-4g=1G: a number without suffix counts bytes",
        "smbios_build_type_19_table, hw/smbios/smbios.c",
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
    "machine-read-only": Words(
        "Property '{machine}.{name}' is not writable", "QEMU only shows this property.",
        "leave it out; maxmem= of -m sizes the window for memory devices", "qom/object.c",
    ),
    "max-fw-size": Words(
        "User specified max allowed firmware size {value} is greater than 16MiB. If combined firwmare size "
        "exceeds 16MiB the system may not boot, or experience intermittentstability issues.",
        "The flash chips lie below 4 GiB and must not reach the interrupt controller.",
        "use a size up to 16M", "pc_machine_set_max_fw_size, hw/i386/pc.c",
    ),
    "nvdimm-persistence": Words(
        "-machine nvdimm-persistence={value}: unsupported option",
        "It says when NVDIMM writes are safe: at the CPU's caches or at the memory controller.",
        "use nvdimm-persistence=cpu or mem-ctrl", "machine_set_nvdimm_persistence, hw/core/machine.c",
    ),
    "oem-length": Words(
        "User specified {name} value is bigger than {most} bytes in size",
        "ACPI tables have {most} bytes for it.", "use at most {most} characters",
        "x86_machine_set_oem_id, hw/i386/x86.c",
    ),
    "memory-encryption": Words(
        "No such memory encryption object '{name}'", "memory-encryption= names an object that is not there.",
        "add -object sev-guest,id={name},..., or leave it out",
        "machine_set_memory_encryption, hw/core/machine.c",
    ),
    "machine-link": Words(
        "Device '{name}' not found", "The property names an object that is not there.",
        "add -object ...,id={name}, or leave it out", "object_resolve_link, qom/object.c",
    ),
    "machine-flash": Words(
        "Property 'cfi.pflash01.drive' can't find value '{name}'",
        "pflash0= and pflash1= name a block node or drive that is not there.",
        "add -blockdev driver=file,node-name={name},filename=FILE",
        "set_drive_helper, hw/core/qdev-properties-system.c",
    ),
    "sound-no-pci": Words(
        "PCI bus not available for {card}", "The card needs PCI.", "use another machine type",
        "soundhw_init, hw/audio/soundhw.c, QEMU 5.2",
    ),
    "watchdog-unknown": Words(
        "Unknown -watchdog device. Supported devices are:\n\ti6300esb\tIntel 6300ESB\n\tib700\tiBASE 700",
        "QEMU has two watchdogs for PCs.", "use -watchdog i6300esb or ib700",
        "select_watchdog, hw/watchdog/watchdog.c, QEMU 5.2",
    ),
    "tb-size": Words(
        "can't apply global tcg-accel.tb-size={value}: Parameter 'tb-size' expects uint64",
        "-tb-size is the size of TCG's cache of translated code in MiB.", "use -tb-size 64, for example",
        "object_apply_global_props, qom/object.c, QEMU 5.2",
    ),
    "no-device-tree": Words(
        "This machine doesn't have an FDT",
        "dumpdtb= writes the board's device tree; PCs describe themselves by ACPI.", "leave it out",
        "machine_dumpdtb, hw/core/machine.c, QEMU 10.0",
    ),
    "machine-audio": Words(
        "Property 'isa-pcspk.audiodev' can't find value '{name}'",
        "pcspk-audiodev= names an audio device that is not there.", "add -audiodev none,id={name}",
        "set_audiodev, hw/core/qdev-properties-system.c",
    ),
    "accel-unknown": Words(
        "invalid accelerator {name}", "This QEMU has tcg and kvm.", "use -accel tcg, or leave it out",
        "configure_accelerators, softmmu/vl.c",
    ),
    "accel-kvm": Words(
        "Could not access KVM kernel module: No such file or directory\n"
        "failed to initialize kvm: No such file or directory",
        "The described host has no KVM.",
        "leave it out (the memory is the same under TCG), or describe a host with accelerator kvm",
        "kvm_init, accel/kvm/kvm-all.c",
    ),
    "accel-none": Words(
        "no accelerator found", "-machine accel= is empty.", "use accel=tcg, or leave it out",
        "configure_accelerators, softmmu/vl.c",
    ),
    "accel-twice": Words(
        "The -accel and \"-machine accel=\" options are incompatible",
        "Both choose the accelerator (-enable-kvm is short for -machine accel=kvm).", "keep one of them",
        "configure_accelerators, softmmu/vl.c",
    ),
    "accel-property": Words(
        "Property 'tcg-accel.{name}' not found", "TCG has no such property.", "it has {known}",
        "qom/object.c",
    ),
    "accel-thread": Words(
        "Invalid 'thread' setting {value}", "TCG runs its CPUs in one thread or in many.",
        "use thread=single or thread=multi", "tcg_set_thread, accel/tcg/tcg-all.c",
    ),
    "icount-shift": Words(
        "icount: Invalid shift value", "One instruction takes 2^shift nanoseconds of the guest's time.",
        "use shift=auto, or shift=0 to shift=10", "icount_configure, softmmu/icount.c",
    ),
    "icount-align": Words(
        "Please specify shift option when using align", "align= keeps the guest's clock near the host's.",
        "add shift=auto", "icount_configure, softmmu/icount.c",
    ),
    "boot-device": Words(
        "Invalid boot device '{letter}'",
        "-boot takes letters: a and b for floppies, c for a disk, d for a CD-ROM, n for the network.",
        "use -boot order=c, for example", "validate_bootdevices, softmmu/bootdevice.c",
    ),
    "boot-twice": Words(
        "Boot device '{letter}' was given twice", "Each letter of a boot order stands once.",
        "leave out one {letter}", "validate_bootdevices, softmmu/bootdevice.c",
    ),
}
