"""Refusals of memory backends.

Source: backends/hostmem*.c, softmmu/physmem.c, util/memfd.c (QEMU 7.2).
"""

from __future__ import annotations

from memkit.boards.refusals.words import Words

__all__ = ["REFUSALS"]

REFUSALS: dict[str, Words] = {
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
    "file-too-short": Words(
        "{id} backing store size 0x{file:x} is too small for 'size' option 0x{size:x} plus 'offset' option "
        "0x{offset:x}",
        "The file exists and is smaller than the backend; QEMU does not extend a file that has data.",
        "make size= and offset= fit the file, or truncate the file to the size that you want",
        "qemu_ram_alloc_from_fd, system/physmem.c, QEMU 10.0",
    ),
    "offset-page": Words(
        "offset 0x{offset:x} must be multiples of page size 0x{page:x}",
        "The mapping must start on a page of the file.", "use offset= of whole pages",
        "file_ram_alloc, system/physmem.c, QEMU 10.0",
    ),
    "rom-writable": Words(
        "property 'rom' = 'on' is not supported with 'readonly' = 'off'",
        "rom=on makes ROM of a file that is opened for reading only.", "add readonly=on",
        "file_backend_memory_alloc, backends/hostmem-file.c, QEMU 10.0",
    ),
    "ram-shared": Words(
        "property 'rom' = 'off' is incompatible with 'readonly' = 'on' and 'share' = 'on'",
        "The guest's writes would have to reach a file that is opened for reading only.",
        "use share=off for a private copy, or rom=on",
        "file_backend_memory_alloc, backends/hostmem-file.c, QEMU 10.0",
    ),
    "shm-private": Words(
        "can't create shm backend with `share=off`", "memory-backend-shm is for sharing.",
        "leave out share=off",
        "shm_backend_memory_alloc, backends/hostmem-shm.c, QEMU 10.0",
    ),
    "partial-page": Words(
        "backend '{type}' memory size must be multiple of {page}", "A file is mapped in whole pages.",
        "round size= to {page}", "host_memory_backend_memory_complete, backends/hostmem.c, QEMU 10.0",
    ),
    "align-page": Words(
        "alignment 0x{align:x} must be multiples of page size 0x{page:x}",
        "The mapping must start on a page of the file system.", "use align= of whole pages",
        "file_ram_alloc, softmmu/physmem.c",
    ),
    "align-power": Words(
        "alignment 0x{align:x} must be a power of two", "Addresses are aligned to powers of two.",
        "use align=2M or another power of two",
        "file_ram_alloc, softmmu/physmem.c",
    ),
    "below-page": Words(
        "memory size 0x{size:x} must be equal to or larger than page size 0x{page:x}",
        "A huge page file holds at least one huge page.", "raise size= to one page or more",
        "file_ram_alloc, softmmu/physmem.c",
    ),
    "huge-power": Words(
        "Hugepage size must be a power of 2", "Pages have such sizes only.", "use hugetlbsize=2M or 1G",
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
    "memdev-twice": Words(
        "memory backend {name} can't be used multiple times.",
        "One backend can be shown to the guest once.", "make one backend for each node",
        "machine_consume_memdev, hw/core/machine.c",
    ),
    "anonymous-memory": Words(
        "cannot set up guest memory '{name}': Cannot allocate memory",
        "The kernel has no address space (or no commit limit) for so much memory.", "use a smaller size",
        "ram_block_add, softmmu/physmem.c",
    ),
    "duplicate-id": Words(
        "attempt to add duplicate property '{id}' to object (type 'container')",
        "Two objects have the same id.", "give each object its own id=", "qom/object.c",
    ),
    "object-id": Words(
        "Parameter 'id' expects an identifier\n"
        "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.",
        "{name!r} cannot be an id.", "start the id with a letter and use no other signs than - . _",
        "user_creatable_add_type, qom/object_interfaces.c",
    ),
    "object-type": Words(
        "invalid object type: {type}",
        "QEMU knows the name, but has such objects only on other hosts or targets.",
        "use memory-backend-ram", "user_creatable_add_type, qom/object_interfaces.c",
    ),
    "object-fixed": Words(
        "Property '{type}.{name}' is not writable", "QEMU only shows this property.", "leave out {name}=",
        "object_property_set, qom/object.c",
    ),
    "object-link": Words(
        "Device '{name}' not found", "prealloc-context= names an object that is not there.",
        "add -object thread-context,id={name}, or leave it out", "object_resolve_link, qom/object.c",
    ),
    "huge-zero": Words(
        "Property '{type}.hugetlbsize' doesn't take value '0'", "A page has a size.",
        "use hugetlbsize=2M, or leave it out", "memfd_backend_set_hugetlbsize, backends/hostmem-memfd.c",
    ),
    "size-wraps": Words(
        "../../softmmu/physmem.c:1616: find_ram_offset: Assertion `size != 0' failed.",
        "Rounded up to whole pages, the size passes 2^64; QEMU 7.2 aborts instead of refusing.",
        "use a smaller size=", "find_ram_offset, softmmu/physmem.c",
    ),
}
