"""Refusals of devices that show a memory backend.

Source: hw/mem/, hw/virtio/, hw/misc/ivshmem.c (QEMU 7.2).
"""

from __future__ import annotations

from memkit.boards.refusals.words import Words

__all__ = ["REFUSALS"]

REFUSALS: dict[str, Words] = {
    "memdev-missing": Words(
        "Device '{name}' not found", "memdev= names an object that no -object option makes.",
        "add -object memory-backend-ram,id={name},size=...", "object_resolve_link, qom/object.c",
    ),
    "dimm-memdev-unset": Words(
        "'memdev' property must be set", "A DIMM shows the memory of a backend.",
        "add memdev=ID of a -object memory-backend-*", "pc_dimm_get_memory_region, hw/mem/pc-dimm.c",
    ),
    "dimm-memdev-not-set": Words(
        "'memdev' property is not set", "A DIMM shows the memory of a backend.",
        "add memdev=ID of a -object memory-backend-*", "pc_dimm_realize, hw/mem/pc-dimm.c",
    ),
    "memdev-busy": Words(
        "can't use already busy memdev: {name}", "A backend can be shown to the guest once.",
        "make one backend for each device", "pc_dimm_realize, hw/mem/pc-dimm.c",
    ),
    "dimm-node": Words(
        "'DIMM property node has value {node}' which exceeds the number of numa nodes: {nodes}",
        "node= must be one of the guest's NUMA nodes.", "lower node=, or add -numa node options",
        "pc_dimm_realize, hw/mem/pc-dimm.c",
    ),
    "slot-range": Words(
        "invalid slot number {slot}, valid range is [0-{last}]",
        "slot= must be below -m's slots=. (Without slots the upper end that QEMU prints is -1 as an "
        "unsigned number.)",
        "raise -m slots=, or leave out slot=", "pc_dimm_pre_plug, hw/mem/pc-dimm.c",
    ),
    "no-slots": Words(
        "no slots where allocated, please specify the 'slots' option",
        "DIMMs need slots, and -m reserves none.", "add slots= and maxmem= to -m",
        "pc_dimm_get_free_slot, hw/mem/pc-dimm.c",
    ),
    "slot-busy": Words(
        "slot {slot} is busy", "Another DIMM sits in this slot.", "use another slot=, or none",
        "pc_dimm_get_free_slot, hw/mem/pc-dimm.c",
    ),
    "slots-full": Words(
        "no free slots available", "Every slot holds a DIMM.", "raise -m slots=",
        "pc_dimm_get_free_slot, hw/mem/pc-dimm.c",
    ),
    "hotplug-acpi": Words(
        "memory hotplug is not enabled: missing acpi device or acpi disabled",
        "DIMMs are announced to the guest by ACPI.",
        "leave out -no-acpi and acpi=off; isapc has no ACPI at all: use pc or q35",
        "pc_memory_pre_plug, hw/i386/pc.c",
    ),
    "nvdimm-off": Words(
        "nvdimm is not enabled: missing 'nvdimm' in '-M'",
        "NVDIMMs need ACPI tables that the machine makes only on request.", "add -machine nvdimm=on",
        "pc_memory_pre_plug, hw/i386/pc.c",
    ),
    "memhp-off": Words(
        "memory hotplug is not enabled: {name}.memory-hotplug-support is not set",
        "This machine type has no memory hotplug.", "use a newer machine type",
        "piix4_device_pre_plug_cb, hw/acpi/piix4.c",
    ),
    "no-device-memory": Words(
        "memory devices (e.g. for memory hotplug) are not enabled, please specify the maxmem option",
        "Memory devices live in the device-memory window, which maxmem= opens.", "add maxmem= to -m",
        "memory_device_get_free_addr, hw/mem/memory-device.c",
    ),
    "no-space": Words(
        "not enough space, currently 0x{used:x} in use of total space for memory devices 0x{total:x}",
        "The window for memory devices is maxmem minus size; this device does not fit into what is left.",
        "raise maxmem=", "memory_device_check_addable, hw/mem/memory-device.c",
    ),
    "addr-align": Words(
        "address must be aligned to 0x{align:x} bytes", "The backend's page size (or align=) says so.",
        "round addr= up", "memory_device_get_free_addr, hw/mem/memory-device.c",
    ),
    "size-align": Words(
        "backend memory size must be multiple of 0x{align:x}",
        "A memory device consists of whole units of its backend's alignment.",
        "round the backend's size=, or use a smaller align=",
        "memory_device_get_free_addr, hw/mem/memory-device.c",
    ),
    "addr-outside": Words(
        "can't add memory device [0x{addr:x}:0x{size:x}], usable range for memory devices "
        "[0x{base:x}:0x{room:x}]",
        "addr= lies outside the device-memory window.", "choose addr= inside, or leave it out",
        "memory_device_get_free_addr, hw/mem/memory-device.c",
    ),
    "addr-conflict": Words(
        "address range conflicts with memory device id='{other}'",
        "Two memory devices would overlap.", "choose another addr=, or leave it out",
        "memory_device_get_free_addr, hw/mem/memory-device.c",
    ),
    "fragmented": Words(
        "could not find position in guest address space for memory device - memory fragmented due to "
        "alignments",
        "There is room in sum, but no hole is large enough.", "raise maxmem= or slots=",
        "memory_device_get_free_addr, hw/mem/memory-device.c",
    ),
    "label-size": Words(
        "Property 'nvdimm.label-size' (0x{value:x}) is required at least 0x20000",
        "A label area is at least 128 KiB.", "use label-size=128K or more, or leave it out",
        "nvdimm_set_label_size, hw/mem/nvdimm.c",
    ),
    "label-fit": Words(
        "the size of memdev {name} (0x{size:x}) is too small to contain nvdimm label (0x{label:x}) and "
        "aligned PMEM (0x{align:x})",
        "The label area is taken from the end of the backend.", "make the backend larger",
        "nvdimm_prepare_memory_region, hw/mem/nvdimm.c",
    ),
    "unarmed": Words(
        "'unarmed' property must be 'on' since memdev {name} is read-only",
        "A read-only backend cannot promise that writes persist.",
        "add unarmed=on, or drop readonly=on from the backend",
        "nvdimm_prepare_memory_region, hw/mem/nvdimm.c",
    ),
    "virtio-mem-unset": Words(
        "'memdev' property is not set", "virtio-mem shows the memory of a backend.", "add memdev=",
        "virtio_mem_device_realize, hw/virtio/virtio-mem.c",
    ),
    "virtio-mem-busy": Words(
        "'memdev' property specifies a busy memdev: {name}",
        "A backend can be shown to the guest once.", "make one backend for each device",
        "virtio_mem_device_realize, hw/virtio/virtio-mem.c",
    ),
    "virtio-mem-memdev": Words(
        "'memdev' property specifies an unsupported memdev",
        "virtio-mem needs memory that it can write.", "drop readonly=on",
        "virtio_mem_device_realize, hw/virtio/virtio-mem.c",
    ),
    "virtio-mem-node": Words(
        "'node' property has value '{node}', which exceedsthe number of numa nodes: {nodes}",
        "node= must be one of the guest's NUMA nodes.", "lower node=, or add -numa node options",
        "virtio_mem_device_realize, hw/virtio/virtio-mem.c",
    ),
    "virtio-mem-block-page": Words(
        "'block-size' property has to be at least the page size (0x{page:x})",
        "virtio-mem plugs and unplugs whole host pages.", "raise block-size=",
        "virtio_mem_device_realize, hw/virtio/virtio-mem.c",
    ),
    "virtio-mem-block-min": Words(
        "'block-size' property has to be at least 0x100000",
        "virtio-mem plugs and unplugs blocks of at least 1 MiB.", "use block-size=2M",
        "virtio_mem_set_block_size, hw/virtio/virtio-mem.c",
    ),
    "virtio-mem-block-power": Words(
        "'block-size' property has to be a power of two",
        "virtio-mem counts its memory in blocks.", "use block-size=2M",
        "virtio_mem_set_block_size, hw/virtio/virtio-mem.c",
    ),
    "virtio-mem-requested": Words(
        "'requested-size' property has to be multiples of 'block-size' (0x{block:x})",
        "The guest gets whole blocks.", "round requested-size=",
        "virtio_mem_device_realize, hw/virtio/virtio-mem.c",
    ),
    "virtio-mem-addr": Words(
        "'memaddr' property has to be multiples of 'block-size' (0x{block:x})",
        "The guest gets whole blocks.", "round memaddr=",
        "virtio_mem_device_realize, hw/virtio/virtio-mem.c",
    ),
    "virtio-mem-size": Words(
        "'memdev' property memdev size has to be multiples of'block-size' (0x{block:x})",
        "The guest gets whole blocks.", "round the backend's size=",
        "virtio_mem_device_realize, hw/virtio/virtio-mem.c",
    ),
    "virtio-pmem-unset": Words(
        "virtio-pmem memdev not set", "virtio-pmem shows the memory of a backend.", "add memdev=",
        "virtio_pmem_realize, hw/virtio/virtio-pmem.c",
    ),
    "ivshmem-unset": Words(
        "You must specify a 'memdev'", "ivshmem-plain shows a shared backend to the guest.",
        "add memdev= with a share=on backend", "ivshmem_plain_realize, hw/misc/ivshmem.c",
    ),
    "bar-power": Words(
        "../../hw/pci/pci.c:1240: pci_register_bar: Assertion `is_power_of_2(size)' failed.",
        "A PCI BAR has a size that is a power of two; QEMU 7.2 aborts instead of refusing.",
        "use a size that is a power of two, such as 32M", "pci_register_bar, hw/pci/pci.c",
    ),
}
