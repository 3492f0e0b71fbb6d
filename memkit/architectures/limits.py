"""How far addresses reach: of the guest's CPU, of the board, and of QEMU's own process on the host."""

from __future__ import annotations

from memkit.architectures.fact import Fact

__all__ = ["LIMITS", "PAGE_RULES"]

# Family of targets → what limits guest-physical addresses there.
LIMITS: dict[str, tuple[Fact, ...]] = {
    "x86": (
        Fact("address bits", "40, unless -cpu ...,phys-bits= says otherwise",
             ("target/i386/tcg/helper-tcg.h: TCG_PHYS_ADDR_BITS, 7.2",), since="6.0", accelerator="tcg"),
        Fact("address bits", "40, and no others: TCG refuses phys-bits=",
             ("target/i386/cpu.c: x86_cpu_realizefn, 5.2",), until="6.0", accelerator="tcg"),
        Fact("address bits", "40 unless the CPU takes the host's (host-phys-bits=on, which -cpu host and max "
             "have), or phys-bits= says otherwise",
             ("target/i386/host-cpu.c: host_cpu_adjust_phys_bits, 7.2",
              "target/i386/cpu.c: x86_cpu_realizefn, 7.2"), accelerator="kvm"),
        Fact("phys-bits=", "32 to 52", ("target/i386/cpu.c: x86_cpu_realizefn, 7.2",), until="11.0"),
        Fact("phys-bits=", "32 or more", ("target/i386/cpu.c: x86_cpu_realizefn, 11.0",), since="11.0"),
        Fact("32-bit CPUs", "36 with PSE-36, 32 without",
             ("target/i386/cpu.c: x86_cpu_realizefn, 7.2",)),
        Fact("who checks", "pc and q35 refuse a guest whose last possible address, the 64-bit PCI hole "
             "included, does not fit; microvm does not look. CPUs of 32 bits are checked since 8.2",
             ("hw/i386/pc.c: pc_memory_init, pc_max_used_gpa, 7.2",), since="7.1"),
        Fact("AMD", "A guest with an AMD CPU whose addresses reach the HyperTransport range, 12 GiB below "
             "1 TiB, gets all its high RAM above 1 TiB; machine types of 7.0 and older do not move it",
             ("hw/i386/pc.c: pc_memory_init, 7.2",), since="7.1"),
    ),
    "arm": (
        Fact("address bits", "The CPU's PARange: 40 for cortex-a35, a53, a76 and a64fx, 44 for cortex-a57 "
             "and a72, 48 for neoverse-n1",
             ("target/arm/cpu64.c: id_aa64mmfr0, 7.2", "target/arm/ptw.c: arm_pamax, 7.2")),
        Fact("-cpu max", "52 bits", ("target/arm/cpu64.c: aarch64_max_initfn, 7.2",), since="7.0",
             accelerator="tcg"),
        Fact("-cpu max", "48 bits", ("target/arm/cpu64.c: aarch64_max_initfn, 5.2",), until="7.0",
             accelerator="tcg"),
        Fact("32-bit CPUs", "40 with LPAE, such as cortex-a15, else 32",
             ("target/arm/ptw.c: arm_pamax, 7.2",)),
        Fact("KVM", "As many bits as the host's stage-2 tables translate, at least 32; an old kernel has 40 "
             "and no choice",
             ("hw/arm/virt.c: virt_kvm_type, 7.2",), accelerator="kvm"),
        Fact("who checks", "virt refuses RAM and device memory behind the last address, and leaves out what "
             "else does not fit: redistributors, ECAM, the second PCI window. highmem=off means 32 bits",
             ("hw/arm/virt.c: virt_set_memmap, 7.2",), since="7.0"),
    ),
    "power": (
        Fact("address bits", "62 in QEMU's source; nothing compares RAM with them",
             ("target/ppc/cpu-param.h, 7.2",), until="11.0"),
        Fact("address bits", "QEMU's source has no number any more, and nothing is compared",
             ("include/exec/poison.h: TARGET_PHYS_ADDR_SPACE_BITS, 11.1",), since="11.0"),
        Fact("pseries", "PCI windows lie between 32 and 64 TiB, whatever RAM there is",
             ("include/hw/pci-host/spapr.h: SPAPR_PCI_BASE, SPAPR_PCI_LIMIT, 7.2",)),
        Fact("real mode", "What a guest reaches before it has set up its tables must be 128 MiB or more. It "
             "is all of RAM, but at most 1 TiB and, with NUMA nodes, at most the first node that has memory, "
             "rounded down to a power of two. Machine types of 4.2 and older stop at 16 GiB",
             ("hw/ppc/spapr.c: spapr_rma_size, spapr_node0_size, spapr_machine_4_2_class_options, 7.2",)),
    ),
    "z": (
        Fact("address bits", "64", ("target/s390x/cpu-param.h, 7.2",)),
        Fact("increments", "The guest learns its RAM in equal pieces, each 1 MiB times a power of two. "
             "Machine types of 4.2 and older have at most 1020 of them and round RAM down to fit, with a "
             "message; newer ones take any whole MiB",
             ("hw/s390x/s390-virtio-ccw.c: s390_fixup_ram_size, 7.2",
              "hw/s390x/sclp.c: sclp_memory_init, 7.2")),
        Fact("KVM", "QEMU tells the kernel the highest address, maxmem included, and refuses what is above "
             "the host's maximum",
             ("hw/s390x/sclp.c: sclp_realize, 7.2", "target/s390x/kvm/kvm.c: kvm_s390_set_mem_limit, 7.2"),
             accelerator="kvm"),
    ),
    "riscv": (
        Fact("address bits", "56 for a 64-bit CPU (a page number of 44 bits), 34 for a 32-bit one",
             ("target/riscv/cpu-param.h, 7.2",)),
        Fact("satp modes", "Virtual addresses have 39, 48 or 57 bits (Sv39, Sv48, Sv57). -cpu rv64 can do "
             "all of them; the guest chooses",
             ("target/riscv/csr.c: valid_vm_1_10_64, 7.2",)),
        Fact("satp on the line", "-cpu rv64,sv57=off and the like take modes away",
             ("target/riscv/cpu.c: riscv_add_satp_mode_properties, 10.0",), since="8.0"),
        Fact("32-bit virt", "RAM is cut to 10 GiB, with a message",
             ("hw/riscv/virt.c: virt_machine_init, 7.2",)),
    ),
}

# Family of targets → what ties the guest's pages to the host's.
PAGE_RULES: dict[str, tuple[Fact, ...]] = {
    "x86": (
        Fact("any mix", "KVM and TCG take any page of the guest on any page of the host; nothing is "
             "compared.",
             ("softmmu/physmem.c: qemu_minrampagesize (no caller for x86), 7.2",)),
    ),
    "arm": (
        Fact("any mix", "The guest may use any granule of its CPU (4, 16 or 64 KiB) on any page of the host. "
             "KVM then uses the smaller of what the guest's RAM has and what its own tables allow.",
             ("softmmu/physmem.c: qemu_minrampagesize (no caller for Arm), 7.2",
              "arch/arm64/kvm/mmu.c: user_mem_abort, Linux 6.1")),
    ),
    "power": (
        Fact("not larger than the host's", "pseries offers hash page tables with pages up to "
             "cap-hpt-max-page-size, by default 64 KiB. KVM-HV needs each of them inside one page of the "
             "host, so QEMU compares with the smallest page behind RAM and refuses. It cannot know whether "
             "the guest will choose a radix table instead.",
             ("hw/ppc/spapr_caps.c: spapr_check_pagesize, cap_hpt_maxpagesize_apply, 7.2",
              "target/ppc/kvm.c: kvmppc_hpt_needs_host_contiguous_pages, 7.2",
              "Documentation/virt/kvm/api.rst: KVM_PPC_PAGE_SIZES_REAL, Linux 6.1"),
             since="3.0", accelerator="kvm"),
        Fact("DIMMs", "The page of each module is compared when it is plugged, with the same words.",
             ("hw/ppc/spapr.c: spapr_memory_pre_plug, 7.2",), since="3.0", accelerator="kvm"),
        Fact("old machine types", "pseries-2.12 and older offer what the memory allows: the smallest page "
             "behind RAM with such a KVM, else up to 16 GiB.",
             ("hw/ppc/spapr_caps.c: default_caps_with_cpu, 7.2",)),
        Fact("TCG", "Any page up to cap-hpt-max-page-size works on any page of the host.",
             ("hw/ppc/spapr_caps.c: spapr_check_pagesize, 7.2",), since="3.0", accelerator="tcg"),
        Fact("cap-hpt-max-page-size", "Below 4 KiB it is refused, below 64 KiB there is a warning.",
             ("hw/ppc/spapr_caps.c: cap_hpt_maxpagesize_apply, 7.2",), since="3.0"),
        Fact("radix", "A radix table has pages of 4 KiB, 64 KiB, 2 MiB and 1 GiB, and any page of the host "
             "is good for them.", ("target/ppc/mmu-radix64.c, 7.2",
                                   "arch/powerpc/kvm/book3s_64_mmu_radix.c: kvmppc_book3s_instantiate_page, "
                                   "Linux 6.1")),
    ),
    "z": (
        Fact("1 MiB", "KVM maps huge pages of 1 MiB if its module has hpage=1 and the machine type is 3.1 or "
             "newer; else QEMU refuses such a guest.",
             ("target/s390x/kvm/kvm.c: kvm_s390_set_max_pagesize, 7.2",
              "Documentation/virt/kvm/api.rst: KVM_CAP_S390_HPAGE_1M, Linux 6.1"), since="3.1",
             accelerator="kvm"),
        Fact("2 GiB", "QEMU refuses pages of 2 GiB, up to 11.1. Linux before 7.2 cannot map them for "
             "a guest.",
             ("target/s390x/kvm/kvm.c: kvm_s390_set_max_pagesize, 11.1",
              "Documentation/virt/kvm/api.rst: KVM_CAP_S390_HPAGE_2G, Linux 7.2"), accelerator="kvm"),
        Fact("TCG", "Any page of the host will do.",
             ("hw/s390x/s390-virtio-ccw.c: s390_memory_init, 7.2",), accelerator="tcg"),
    ),
    "riscv": (
        Fact("any mix", "Nothing is compared.",
             ("softmmu/physmem.c: qemu_minrampagesize (no caller for RISC-V), 7.2",)),
    ),
}
