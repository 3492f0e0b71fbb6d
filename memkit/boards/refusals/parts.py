"""Refusals of firmware, drives and devices in general.

Source: hw/i386/pc_sysfw.c, softmmu/qdev-monitor.c, hw/pci/pci.c (QEMU 7.2).
"""

from __future__ import annotations

from memkit.boards.refusals.words import Words

__all__ = ["REFUSALS"]

REFUSALS: dict[str, Words] = {
    "bios": Words(
        "qemu: could not load PC BIOS '{name}'",
        "The file does not exist, is empty, or is no multiple of 64 KiB.",
        "use a firmware image such as bios-256k.bin",
        "x86_bios_rom_init, hw/i386/x86.c",
    ),
    "flash-gap": Words(
        "pflash1 requires pflash0", "The second flash chip lies below the first.",
        "add a drive with if=pflash,unit=0", "pc_system_firmware_init, hw/i386/pc_sysfw.c",
    ),
    "flash-size": Words(
        "system firmware block device {name} has invalid size {size}\n"
        "info: its size must be a non-zero multiple of 0x1000",
        "Flash consists of 4 KiB sectors.", "pad the image to a multiple of 4 KiB",
        "pc_system_flash_map, hw/i386/pc_sysfw.c",
    ),
    "flash-total": Words(
        "combined size of system firmware exceeds {limit} bytes",
        "The flash chips lie below 4 GiB and must not reach other devices.",
        "use smaller images, or -machine max-fw-size=",
        "pc_system_flash_map, hw/i386/pc_sysfw.c",
    ),
    "bare-word": Words(
        "Could not open '{path}': No such file or directory",
        "A word without an option in front is a disk image, and the described host has no such file.",
        "put the option in front that the word belongs to, or describe the file in Host(files=...)",
        "drive_new, blockdev.c",
    ),
    "drive-directory": Words(
        "'file' driver requires '{path}' to be a regular file",
        "The path is a directory, and a drive has a file.", "name a file in it",
        "raw_open_common, block/file-posix.c",
    ),
    "drive-raw": Words(
        "Block format 'raw' does not support the option '{name}'", "A raw image has no such option.",
        "check the spelling, or leave {name}= out", "bdrv_open_inherit, block.c",
    ),
    "drive-protocol": Words(
        "Unknown protocol '{protocol}'", "What stands in front of a colon is a protocol, such as nbd.",
        "write ./ in front of a file name with a colon", "bdrv_find_protocol, block.c",
    ),
    "drive-format": Words(
        "Unknown driver '{driver}'", "format= names how the image is stored.",
        "use format=raw or format=qcow2", "bdrv_open_inherit, block.c",
    ),
    "drive-no-file": Words(
        'A block device must be specified for "file"', "The drive has a format but no image.", "add file=",
        "bdrv_open_child_common, block.c",
    ),
    "drive-nothing": Words(
        "Must specify either driver or file", "The drive has no image, and {word!r} says nothing to QEMU.",
        "write -drive file=FILE,format=raw", "bdrv_fill_options, block.c",
    ),
    "drive-interface": Words(
        "unsupported bus type '{name}'", "if= says what the drive is connected to.",
        "use if=none, ide, virtio, pflash, floppy, scsi, sd or mtd", "drive_new, blockdev.c",
    ),
    "drive-cache": Words(
        "invalid cache option", "cache= knows a few words only.",
        "use cache=none, writeback, writethrough, directsync or unsafe", "drive_new, blockdev.c",
    ),
    "drive-media": Words(
        "'{value}' invalid media", "A drive is a disk or a CD-ROM.", "use media=disk or media=cdrom",
        "drive_new, blockdev.c",
    ),
    "drive-index": Words(
        "index cannot be used with bus and unit", "index= is bus and unit in one number.",
        "use either index= or unit=", "drive_new, blockdev.c",
    ),
    "drive-unit": Words(
        "unit {unit} too big (max is {last})", "The bus has fewer places.",
        "use a smaller unit=, or another bus=", "drive_new, blockdev.c",
    ),
    "drive-taken": Words(
        "drive with bus={bus}, unit={unit} (index={index}) exists",
        "Two drives are at the same place. (Words without an option in front are all at index 0.)",
        "give each drive its own index=", "drive_new, blockdev.c",
    ),
    "drive-empty": Words(
        "Device needs media, but drive is empty", "A hard disk has an image.", "add file=, or media=cdrom",
        "ide_dev_initfn, hw/ide/qdev.c",
    ),
    "drive-open": Words(
        "Could not open '{path}': No such file or directory",
        "The image does not exist on the described host.",
        "check file=, or describe the file in Host(files=...)",
        "block/file-posix.c",
    ),
    "device-driver": Words(
        "Parameter 'driver' is missing", "-device starts with the name of a device model.",
        "write -device DRIVER,...", "qdev_device_add_from_qdict, softmmu/qdev-monitor.c",
    ),
    "device-unknown": Words(
        "'{driver}' is not a valid device model name",
        "This QEMU has no device of that name.", "check the spelling: -device help lists all{near}",
        "qdev_get_device_class, softmmu/qdev-monitor.c",
    ),
    "device-property": Words(
        "Property '{driver}.{name}' not found", "The device has no such property.",
        "-device {driver},help lists them{near}", "qom/object.c",
    ),
    "device-fixed": Words(
        "Property '{driver}.{name}' is not writable", "QEMU only shows this property.", "leave it out",
        "qom/object.c",
    ),
    "device-mac": Words(
        "Property '{driver}.{name}' doesn't take value '{value}'",
        "A MAC address is six pairs of hexadecimal digits.", "use mac=52:54:00:12:34:56, for example",
        "set_mac, hw/core/qdev-properties-system.c",
    ),
    "device-uuid": Words(
        "Property '{driver}.{name}' has invalid value", "The value is no UUID.",
        "use uuid=12345678-1234-1234-1234-123456789abc, for example", "nvdimm_set_uuid, hw/mem/nvdimm.c",
    ),
    "device-value-missing": Words(
        "Property '{driver}.{name}' can't find value '{value}'",
        "{name}= names a part that no option makes.", "add -{name} ...,id={value}, or leave out {name}=",
        "hw/core/qdev-properties-system.c",
    ),
    "device-value-busy": Words(
        "Property '{driver}.{name}' can't take value '{value}', it's in use",
        "Another device has this network backend.", "make one -netdev for each NIC",
        "set_netdev, hw/core/qdev-properties-system.c",
    ),
    "drive-connected": Words(
        "Drive '{value}' is already in use because it has been automatically connected to another device "
        "(did you need 'if=none' in the drive options?)",
        "Without if=none the board connects the drive to a controller of its own.",
        "add if=none to the -drive", "set_drive_helper, hw/core/qdev-properties-system.c",
    ),
    "drive-busy": Words(
        "Drive '{value}' is already in use by another device", "A drive has one device.",
        "make one -drive for each device", "set_drive_helper, hw/core/qdev-properties-system.c",
    ),
    "global": Words(
        "can't apply global {driver}.{name}={value}: {said}", "{why}", "{advice}",
        "object_apply_global_props, qom/object.c",
    ),
    "expects": Words(
        "Parameter '{name}' expects {expected}", "The value has the wrong form.",
        "write {expected}", "qapi/qobject-input-visitor.c",
    ),
    "json-type": Words(
        "Invalid parameter type for '{name}', expected: {expected}",
        "In JSON a number or a boolean is written without quotes.", "write the value as {expected}",
        "qapi/qobject-input-visitor.c",
    ),
    "devfn-type": Words(
        "Invalid parameter type for 'addr', expected int or str",
        "In JSON a PCI address is a number (slot times 8 plus function) or a text.", 'write "addr": "3.0"',
        "set_pci_devfn, hw/core/qdev-properties-system.c",
    ),
    "devfn": Words(
        "Property '{driver}.addr' doesn't take value '{value}'",
        "A PCI address is a slot from 0 to 1f (hexadecimal) and a function from 0 to 7: 1f.7.",
        "use addr=3 or addr=3.0, or leave it out", "set_pci_devfn, hw/core/qdev-properties-system.c",
    ),
    "device-id": Words(
        "Duplicate device ID '{id}'", "Two devices have the same id.", "give each device its own id=",
        "qdev_set_id, softmmu/qdev-monitor.c",
    ),
    "nic-model": Words(
        "Unsupported NIC model: {model}", "This machine cannot make a NIC of that model.",
        "use e1000, e1000e, rtl8139 or virtio", "pci_nic_init_nofail, hw/pci/pci.c",
    ),
    "vga-sparc": Words(
        "type is NULL", "This card belongs to SPARC machines; QEMU 7.2 for x86 aborts.", "use -vga std",
        "select_vgahw, softmmu/vl.c",
    ),
    "vga-model": Words(
        "unknown vga type: {model}", "-vga knows a few names only.",
        "use std, cirrus, vmware, qxl, virtio or none", "select_vgahw, softmmu/vl.c",
    ),
    "romfile": Words(
        "failed to find romfile \"{path}\"", "The option ROM does not exist on the described host.",
        "check romfile=, or use romfile= (empty) for no option ROM", "pci_add_option_rom, hw/pci/pci.c",
    ),
    "drive-orphan": Words(
        "machine type does not support if={interface},bus={bus},unit={unit}",
        "The board has no place for this drive.",
        "use if=none and a -device for it (pc and q35 take if=ide, if=pflash with unit 0 and 1)",
        "drive_check_orphaned, blockdev.c",
    ),
    "no-bus": Words(
        "No '{bus_type}' bus found for device '{driver}'",
        "The machine has no bus that this device plugs into.",
        "use a machine type with that bus (pc and q35 have PCI; microvm needs pcie=on)",
        "qdev_device_add_from_qdict, softmmu/qdev-monitor.c",
    ),
    "bus-missing": Words(
        "Bus '{bus}' not found", "bus= names a bus that no device before this one makes.",
        "check bus=, and put the bridge in front of its devices",
        "qbus_find, softmmu/qdev-monitor.c",
    ),
    "pci-full": Words(
        "PCI: no slot/function available for {driver}, all in use or reserved",
        "The bus has no free slot left.", "add a bridge and put the device on its bus=",
        "do_pci_register_device, hw/pci/pci.c",
    ),
    "pci-taken": Words(
        "PCI: slot {slot} function {function} not available for {driver}, in use by {other},id={id}",
        "Two devices cannot share an address.", "choose another addr=, or leave it out",
        "do_pci_register_device, hw/pci/pci.c",
    ),
}
