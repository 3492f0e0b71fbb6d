"""The target page: the unit in which QEMU keeps the guest's dirty bits and sends its memory.

It belongs to the program and, on Arm, to the machine type; the host's page and the page size of a RAMBlock
are other numbers.  Before anything is allocated QEMU settles on the smallest page that a CPU of the machine
can ask for.

Source: TARGET_PAGE_BITS in target/*/cpu-param.h; minimum_page_bits of the machine, applied by
qemu_create_machine in softmmu/vl.c; finalize_target_page_bits in page-vary.c (QEMU 7.2).  What a running
QEMU says: "page size" of info migrate; 1 KiB seen for raspi3 (5.2), raspi3b (7.2, 10.0) and virt-2.7 (7.2),
4 KiB for virt, sbsa-ref, pseries, powernv9, s390-ccw-virtio, riscv virt and sifive_u, pc (7.2).
"""

from __future__ import annotations

import re

from memkit.architectures.fact import Fact
from memkit.errors import MemkitError

__all__ = ["RELATIONS", "TARGET_PAGES", "target_page"]

_FIXED = {
    "x86_64": 12, "i386": 12, "ppc64": 12, "ppc": 12, "s390x": 12, "riscv64": 12, "riscv32": 12,
    "alpha": 13, "sparc64": 13, "sparc": 12, "or1k": 13, "hppa": 12, "m68k": 12,
}
# Arm boards whose CPUs all have pages of 4 KiB; the others keep room for the 1 KiB pages of ARMv5.
_ARM_4K = ("virt", "sbsa-ref", "vmapple")
_OLD_VIRT = re.compile(r"virt-2\.[67]")

TARGET_PAGES: tuple[Fact, ...] = (
    Fact("x86_64, i386", "4 KiB", ("target/i386/cpu-param.h, 7.2",)),
    Fact("aarch64, arm", "4 KiB for sbsa-ref and for virt (since virt-2.8), whose CPUs have no smaller page; "
         "1 KiB for other boards, because an ARMv5 CPU could ask for it",
         ("target/arm/cpu-param.h, 7.2", "hw/arm/virt.c: virt_machine_class_init, 7.2",
          "hw/arm/sbsa-ref.c: sbsa_ref_class_init, 7.2")),
    Fact("ppc64, ppc", "4 KiB, also where host and guest have pages of 64 KiB",
         ("target/ppc/cpu-param.h, 7.2",)),
    Fact("s390x", "4 KiB", ("target/s390x/cpu-param.h, 7.2",)),
    Fact("riscv64, riscv32", "4 KiB", ("target/riscv/cpu-param.h, 7.2",)),
)

# What the three pages mean for each other.
RELATIONS: tuple[Fact, ...] = (
    Fact("dirty bitmap", "One bit for each target page, whatever the page of the block. A host whose pages "
         "are larger reports whole host pages: each of its bits sets the bits of all target pages in it.",
         ("include/exec/ram_addr.h: cpu_physical_memory_set_dirty_lebitmap, 7.2",)),
    Fact("size of a block", "Rounded up to whole pages of the host, or of the target if these are larger; "
         "memory of a file also to whole pages of its file system.",
         ("softmmu/physmem.c: qemu_ram_alloc_internal, file_ram_alloc, 7.2",)),
    Fact("KVM", "KVM maps whole pages of the host. Of a piece of RAM that does not begin or end at one, only "
         "the whole pages inside become a memslot.",
         ("accel/kvm/kvm-all.c: kvm_align_section, 7.2",)),
    Fact("migration", "Both sides need the same target page, or the destination refuses the stream. Precopy "
         "sends target pages and does not mind the host's; postcopy places whole pages of the block, so that "
         "each block needs the same page size on both sides.",
         ("migration/savevm.c: configuration_post_load, loadvm_postcopy_handle_advise, 7.2",)),
    Fact("balloon", "A guest gives back pages of 4 KiB. The host gets one back when all pieces of its page "
         "have come.", ("hw/virtio/virtio-balloon.c: balloon_inflate_page, 7.2",)),
    Fact("virtio-mem", "A block is at least 1 MiB and a page of its memory. Where nobody chooses and memory "
         "has ordinary pages, it is a transparent huge page; QEMU warns of smaller ones.",
         ("hw/virtio/virtio-mem.c: virtio_mem_default_block_size, virtio_mem_device_realize, 7.2",)),
)


def target_page(target: str, machine_type: str = "") -> int:
    """The target page in bytes; raises MemkitError for a target whose page is not known.

    >>> target_page("aarch64", "virt-7.2"), target_page("aarch64", "raspi3b")
    (4096, 1024)
    """
    if target in ("aarch64", "arm"):
        name = machine_type or "virt"
        whole = name.startswith(_ARM_4K) and not _OLD_VIRT.fullmatch(name)
        return 1 << (12 if whole else 10)
    if target not in _FIXED:
        known = ", ".join(("aarch64", "arm", *_FIXED))
        raise MemkitError(f"the target page of {target!r:.40} is not known; known: {known}")
    return 1 << _FIXED[target]
