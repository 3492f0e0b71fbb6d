"""What QEMU says when it refuses, why it says so, and what to write instead.

One entry for each refusal that the model can produce: QEMU's words with the numbers left
open, our explanation, our hint, and where QEMU's source says it (QEMU 7.2).
"""

from __future__ import annotations

from typing import NamedTuple

from memkit.config import Option
from memkit.errors import Refused

__all__ = ["REFUSALS", "refuse"]


class Words(NamedTuple):
    """QEMU's message (a format string), our explanation and hint, and the source."""

    message: str
    why: str = ""
    hint: str = ""
    source: str = ""


REFUSALS: dict[str, Words] = {
    # memory size and machine
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
        "use -cpu max, or a host described with accelerator kvm", "target/i386/host-cpu.c",
    ),
    "phys-bits-range": Words(
        "phys-bits should be between 32 and 52  (but is {bits})", "x86 has at most 52 address bits.",
        "use phys-bits=46, for example", "x86_cpu_realizefn, target/i386/cpu.c",
    ),
    "phys-bits-32": Words(
        "phys-bits is not user-configurable in 32 bit", "A 32-bit CPU model has fixed address bits.",
        "drop phys-bits=, or use a 64-bit CPU model", "x86_cpu_realizefn, target/i386/cpu.c",
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
    # backends
    "prealloc-reserve": Words(
        "'prealloc=on' and 'reserve=off' are incompatible",
        "prealloc=on touches every page at start; reserve=off promises not to reserve room for them.",
        "drop one of the two",
        "host_memory_backend_set_prealloc, backends/hostmem.c",
    ),
    "size-zero": Words(
        "property 'size' of {type} doesn't take value '0'",
        "A backend of no bytes has nothing to map.",
        "give size= at least one page",
        "host_memory_backend_set_size, backends/hostmem.c",
    ),
    "no-size": Words(
        "can't create backend with size 0", "The backend has no size.", "add size=",
        "backends/hostmem-*.c",
    ),
    "prealloc-threads-zero": Words(
        "property 'prealloc-threads' of {type} doesn't take value '0'",
        "Preallocation needs at least one thread.", "use prealloc-threads=1 or more",
        "host_memory_backend_set_prealloc_threads, backends/hostmem.c",
    ),
    "host-nodes-without-policy": Words(
        "host-nodes must be empty for policy default, or you should explicitly specify a policy "
        "other than default",
        "host-nodes= lists host NUMA nodes, but the policy does not use them.",
        "add policy=bind (or preferred, interleave)",
        "host_memory_backend_memory_complete, backends/hostmem.c",
    ),
    "policy-without-host-nodes": Words(
        "host-nodes must be set for policy {policy}",
        "A NUMA policy needs the host nodes that it applies to.",
        "add host-nodes=0",
        "host_memory_backend_memory_complete, backends/hostmem.c",
    ),
    "bad-host-node": Words(
        "cannot bind memory to host NUMA nodes: Invalid argument",
        "The host has no such NUMA node.", "use a node that the host has (node 0 always exists)",
        "host_memory_backend_memory_complete, backends/hostmem.c",
    ),
    "host-node-limit": Words(
        "Invalid host-nodes value: {node}", "QEMU knows host nodes 0 to 127.",
        "use a smaller number", "host_memory_backend_set_host_nodes, backends/hostmem.c",
    ),
    "cannot-open": Words(
        "can't open backing store {path} for guest RAM: {error}",
        "QEMU opens the file or creates it, but the directory must exist.",
        "create the directory, or use one that exists such as /dev/shm",
        "file_ram_open, softmmu/physmem.c",
    ),
    "cannot-map": Words(
        "unable to map backing store for guest RAM: {error}",
        "The kernel refused to map this file for guest RAM.",
        "{advice}",
        "file_ram_alloc, softmmu/physmem.c",
    ),
    "file-too-small": Words(
        "backing store size 0x{file:x} does not match 'size' option 0x{size:x}",
        "The file exists and is smaller than the backend; QEMU does not extend a file that has data.",
        "make size= fit the file, or truncate the file to the size that you want",
        "qemu_ram_alloc_from_fd, softmmu/physmem.c",
    ),
    "align-page": Words(
        "alignment 0x{align:x} must be multiples of page size 0x{page:x}",
        "The mapping must start on a page of the file system.", "use align= of whole pages",
        "file_ram_alloc, softmmu/physmem.c",
    ),
    "align-power": Words(
        "alignment 0x{align:x} must be a power of two", "", "use align=2M or another power of two",
        "file_ram_alloc, softmmu/physmem.c",
    ),
    "below-page": Words(
        "memory size 0x{size:x} must be equal to or larger than page size 0x{page:x}",
        "A huge page file holds at least one huge page.", "raise size= to one page or more",
        "file_ram_alloc, softmmu/physmem.c",
    ),
    "huge-power": Words(
        "Hugepage size must be a power of 2", "", "use hugetlbsize=2M or 1G",
        "qemu_memfd_create, util/memfd.c",
    ),
    "memfd-create": Words(
        "failed to create memfd with flags 0x{flags:x}: {error}",
        "The kernel has no pool of huge pages of that size.",
        "use a size that the host offers: {known}",
        "qemu_memfd_create, util/memfd.c",
    ),
    "memfd-resize": Words(
        "failed to resize memfd to {size}: Invalid argument",
        "A file of huge pages holds whole huge pages.", "round size= to the huge page size",
        "qemu_memfd_create, util/memfd.c",
    ),
    "prealloc-fails": Words(
        "qemu_prealloc_mem: preallocating memory failed: {error}",
        "Touching every page ran out of memory (for huge pages: the pool is too small).",
        "reserve more huge pages on the host, or use a smaller size=",
        "qemu_prealloc_mem, util/oslib-posix.c",
    ),
    # NUMA
    "numa-total": Words(
        "total memory for NUMA nodes (0x{total:x}) should equal RAM size (0x{ram:x})",
        "The nodes together must hold exactly the RAM of -m. Since QEMU 5.2 a node gets memory only "
        "from memdev= (or mem= on old machine types); memory is not split by itself any more.",
        "give every node a memdev= whose sizes add up to -m",
        "numa_complete_configuration, hw/core/numa.c",
    ),
    "numa-gap": Words(
        "numa: Node ID missing: {node}", "Node ids must be 0, 1, 2 ... without gaps.",
        "number the nodes from 0", "numa_complete_configuration, hw/core/numa.c",
    ),
    "numa-duplicate": Words(
        "Duplicate NUMA nodeid: {node}", "Two -numa node options have this id.",
        "give each node its own nodeid=", "parse_numa_node, hw/core/numa.c",
    ),
    "numa-max": Words(
        "Max number of NUMA nodes reached: {node}", "QEMU knows nodes 0 to 127.",
        "use a smaller nodeid=", "parse_numa_node, hw/core/numa.c",
    ),
    "numa-mixed": Words(
        "numa configuration should use either mem= or memdev=,mixing both is not allowed",
        "All nodes get memory the same way.", "use memdev= for every node",
        "parse_numa_node, hw/core/numa.c",
    ),
    "numa-mem": Words(
        "Parameter -numa node,mem is not supported by this machine type\nUse -numa node,memdev instead",
        "mem= does not say where the memory comes from; machine types since 5.1 refuse it.",
        "make a backend and use memdev=", "parse_numa_node, hw/core/numa.c",
    ),
    "numa-memdev": Words(
        "memdev={name} is ambiguous",
        "No memory backend has this id (QEMU says 'ambiguous' for 'not found', too).",
        "add -object memory-backend-ram,id={name},size=...", "parse_numa_node, hw/core/numa.c",
    ),
    "numa-cpu": Words(
        "CPU index ({cpu}) should be smaller than maxcpus ({maxcpus})",
        "The node lists a CPU that the guest does not have.", "raise -smp or lower cpus=",
        "parse_numa_node, hw/core/numa.c",
    ),
    "numa-cpu-twice": Words(
        "CPU is already assigned to node-id: {node}", "Each CPU belongs to one node.",
        "list the CPU in one node only", "machine_set_cpu_numa_node, hw/core/machine.c",
    ),
    "numa-exclusive": Words(
        "'-machine memory-backend' and '-numa memdev' properties are mutually exclusive",
        "Either one backend is all of main RAM, or each node brings its own.",
        "drop memory-backend=, or drop memdev= from the nodes",
        "numa_complete_configuration, hw/core/numa.c",
    ),
    "hmat-off": Words(
        "ACPI Heterogeneous Memory Attribute Table (HMAT) is disabled, enable it with -machine "
        "hmat=on before using any of hmat specific options",
        "initiator= and hmat-* describe memory latency for the HMAT.", "add -machine hmat=on",
        "set_numa_options, hw/core/numa.c",
    ),
    "numa-no-node-id": Words(
        "Missing mandatory node-id property", "-numa cpu puts a CPU into a node.", "add node-id=",
        "set_numa_options, hw/core/numa.c",
    ),
    "numa-no-match": Words(
        "no match found", "No CPU has these ids.", "check socket-id=, core-id= and thread-id= against -smp",
        "machine_set_cpu_numa_node, hw/core/machine.c",
    ),
    "numa-node-undefined": Words(
        "Invalid node-id={node}, NUMA node must be defined with -numa node,nodeid=ID before it's "
        "used with -numa cpu,node-id=ID",
        "", "put -numa node,nodeid={node} in front", "set_numa_options, hw/core/numa.c",
    ),
    "memdev-twice": Words(
        "memory backend {name} can't be used multiple times.",
        "One backend can be shown to the guest once.", "make one backend for each node",
        "machine_consume_memdev, hw/core/machine.c",
    ),
    # firmware
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
    "drive-open": Words(
        "Could not open '{path}': No such file or directory",
        "The image does not exist on the described host.", "check file=, or describe the file in Host(files=...)",
        "block/file-posix.c",
    ),
    # devices
    "device-unknown": Words(
        "'{driver}' is not a valid device model name",
        "This QEMU has no device of that name.", "check the spelling: -device help lists all{near}",
        "qdev_get_device_class, softmmu/qdev-monitor.c",
    ),
    "device-property": Words(
        "Property '{driver}.{name}' not found", "The device has no such property.",
        "-device {driver},help lists them{near}", "qom/object.c",
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
    "accepts": Words(
        "Parameter '{name}' does not accept value '{value}'", "The value is none of the known words.",
        "use {known}", "qapi/qapi-visit-core.c",
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
    "bochs-vgamem": Words(
        "bochs-display: video memory too small", "bochs-display needs at least 4 MiB.",
        "use vgamem=16M", "bochs_display_realize, hw/display/bochs-display.c",
    ),
    "nic-model": Words(
        "Unsupported NIC model: {model}", "This machine cannot make a NIC of that model.",
        "use e1000, e1000e, rtl8139 or virtio", "pci_nic_init_nofail, hw/pci/pci.c",
    ),
    "vga-model": Words(
        "unknown vga type: {model}", "-vga knows a few names only.",
        "use std, cirrus, vmware, qxl, virtio or none", "select_vgahw, softmmu/vl.c",
    ),
    "romfile": Words(
        "failed to find romfile \"{path}\"", "The option ROM does not exist on the described host.",
        "check romfile=, or use romfile= (empty) for no option ROM", "pci_add_option_rom, hw/pci/pci.c",
    ),
    "anonymous-memory": Words(
        "cannot set up guest memory '{name}': Cannot allocate memory",
        "The kernel has no address space (or no commit limit) for so much memory.", "use a smaller size",
        "ram_block_add, softmmu/physmem.c",
    ),
    "smp-product": Words(
        "Invalid CPU topology: product of the hierarchy must match maxcpus: {topology} != maxcpus ({maxcpus})",
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
    "smp-max": Words(
        "Invalid SMP CPUs {cpus}. The max CPUs supported by machine '{machine}' is {limit}", "",
        "use at most {limit} CPUs", "machine_parse_smp_config, hw/core/machine-smp.c",
    ),
    "drive-orphan": Words(
        "machine type does not support if={interface},bus=0,unit={unit}",
        "The board has no place for this drive.", "use pc or q35", "drive_check_orphaned, blockdev.c",
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
        "DIMMs are announced to the guest by ACPI.", "leave out -no-acpi and acpi=off",
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
    "device-too-big": Words(
        "can't add memory device, device too big", "", "use a smaller backend",
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
        "'block-size' property has to be at least 0x100000", "", "use block-size=2M",
        "virtio_mem_set_block_size, hw/virtio/virtio-mem.c",
    ),
    "virtio-mem-block-power": Words(
        "'block-size' property has to be a power of two", "", "use block-size=2M",
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
    "duplicate-id": Words(
        "attempt to add duplicate property '{id}' to object (type 'container')",
        "Two objects have the same id.", "give each object its own id=", "qom/object.c",
    ),
    "vgamem": Words(
        "Invalid VGA memory size", "", "use a power of two from 1 to 256 (MiB)", "hw/display",
    ),
}


def refuse(key: str, option: Option | None = None, located: bool = False, **values: object) -> Refused:
    """A Refused in QEMU's words with our explanation; ``located`` adds QEMU's ``-device ...: `` prefix."""
    words = REFUSALS[key]
    message = words.message.format(**values)
    text = option.text if option is not None else ""
    if located and text:
        message = f"{text}: {message}"
    return Refused(
        message,
        explanation=words.why.format(**values),
        hint=words.hint.format(**values),
        option=text,
        position=option.index if option is not None else None,
        source=f"{words.source}, QEMU 7.2" if words.source else "",
    )
