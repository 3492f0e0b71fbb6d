"""What each release of QEMU does by itself, whatever the machine type: facts with their first release.

A fact that a recording holds (devices, properties, machine types, CPU models, windows, sizes of firmware
files) is not here but in ``data/``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from memkit.versions.numbers import Version, parse_version

__all__ = ["QEMU_FACTS", "QemuFact", "QemuFacts", "qemu_facts"]


class QemuFact(NamedTuple):
    """``old`` holds in releases before ``since`` (exclusive), ``new`` from it on.

    ``source`` is the file or function of QEMU, and the commit that changed it.
    """

    name: str
    since: Version
    old: Any
    new: Any
    source: str


QEMU_FACTS: tuple[QemuFact, ...] = (
    # -- how the line is read
    QemuFact("exact_sizes", (6, 0), False, True,
             "do_strtosz, util/cutils.c; cf923b783e: integers, no longer floating-point numbers"),
    QemuFact("strict_sizes", (8, 1), False, True,
             "do_strtosz, util/cutils.c; 8b902e3d23 (8.0): no suffix on hex; negative is out of range"),
    QemuFact("warns_of_switches", (6, 0), False, True, "opts_parse, util/qemu-option.c: short-form boolean"),
    QemuFact("merged_without_id", (6, 0), False, True,
             "qemu_opts_create, util/qemu-option.c; 63758d1073: options that merge take no id"),
    QemuFact("whole_globals", (7, 0), False, True, "qemu_global_option, softmmu/vl.c; 818e163608"),
    QemuFact("located_networks", (7, 2), False, True, "net_init_clients, net/net.c; d63ef17bfc"),
    QemuFact("audio_models", (8, 2), True, False, "qemu_init, system/vl.c: -audio needs a model"),
    QemuFact("mem_lock_word", (10, 0), False, True, "overcommit_parse, system/vl.c; 13057e064a"),
    QemuFact("modern_netdevs", (7, 2), False, True, "netdev_is_modern, net/net.c; f3eedcddba"),
    QemuFact("typed_objects", (6, 0), False, True,
             "object_option_parse, softmmu/vl.c; bc2f4fcb1d: QAPI reads -object, in the option loop"),
    QemuFact("json_located", (11, 1), False, True, "parse_error, qobject/json-parser.c; b6368e7c77"),
    QemuFact("compound_options", (7, 1), False, True,
             "qemu_init, softmmu/vl.c; d8fb7d0969 (-machine, 6.1), fe68090e8f (-smp), ce9d03fb3f (-m)"),
    # -- what the monitor prints
    QemuFact("ramblock_hva", (8, 0), False, True, "ram_block_format, softmmu/physmem.c; dbc6ae9c3b"),
    QemuFact("memdev_share", (6, 1), False, True,
             "hmp_info_memdev, hw/core/machine-hmp-cmds.c; 7428e7ba15"),
    QemuFact("memdev_reserve", (6, 1), False, True,
             "hmp_info_memdev, hw/core/machine-hmp-cmds.c; baa014e3b9"),
    QemuFact("mtree_groups_spaces", (7, 0), False, True, "mtree_info_as, softmmu/memory.c; 7bdbf99aa2"),
    QemuFact("mtree_container_kind", (11, 0), False, True, "memory_region_type, system/memory.c; 40aa899d03"),
    # -- address spaces and regions
    QemuFact("device_memory_space", (8, 2), False, True,
             "machine_memory_devices_init, hw/core/machine.c; f9716f4b0d"),
    QemuFact("bridge_spaces", (9, 2), False, True, "pci_bridge_initfn, hw/pci/pci_bridge.c; 55fa4be6f7"),
    QemuFact("ich9_smbus_space", (6, 0), "ICH9 SMB", "ICH9-SMB", "hw/i2c/smbus_ich9.c; e178113ff6"),
    QemuFact("gpex_window", (6, 1), False, True, "gpex_host_realize, hw/pci-host/gpex.c; a6091108aa"),
    QemuFact("pcie_configuration_size", (7, 1), 0x2000_0000, 0x1000_0000,
             "include/hw/pci/pcie_host.h; 1f1a7b2269"),
    QemuFact("smm_ranges", (9, 1), False, True, "mch_realize, hw/pci-host/q35.c; b07bf7b73f"),
    QemuFact("vtd_no_ir", (7, 2), False, True, "vtd_find_add_as, hw/i386/intel_iommu.c; 1b2b12376c"),
    QemuFact("amd_iommu_alias", (9, 2), False, True,
             "amdvi_host_dma_iommu, hw/i386/amd_iommu.c; c1f46999ef"),
    QemuFact("amd_iommu_by_bus", (10, 2), False, True,
             "amdvi_host_dma_iommu, hw/i386/amd_iommu.c; 27d6a0ec0b"),
    QemuFact("amd_iommu_passes", (10, 2), False, True,
             "amdvi_sysbus_reset, hw/i386/amd_iommu.c; 01f599d39c"),
    # -- boards
    # In 9.0 and in the last stable updates of 7.2 and 8.2, which are those that people have.
    QemuFact("serial_none_keeps_place", (7, 2), False, True, "serial_parse, system/vl.c; d2019a9d0c"),
    QemuFact("acpi_any_type_warned", (8, 1), True, False,
             "acpi_build, hw/i386/acpi-build.c; 1af507756b: types before 2.3 only"),
    QemuFact("acpi_size_warning", (9, 1), True, False, "acpi_build, hw/i386/acpi-build.c; 91616f812a"),
    QemuFact("table_loader_max", (6, 0), 0x1000, 0x10000, "acpi_setup, hw/i386/acpi-build.c; 6c2b24d1d2"),
    QemuFact("smp_zero_refused", (9, 0), False, True,
             "machine_parse_smp_config, hw/core/machine-smp.c; 72d346f3b8"),
    QemuFact("smp_modules", (9, 1), False, True,
             "machine_parse_smp_config, hw/core/machine-smp.c; dcba73b445"),
    QemuFact("memory_encryption_link", (6, 0), False, True,
             "machine_set_memory_encryption, hw/core/machine.c; e0292d7c62"),
    QemuFact("initiator_first", (6, 1), False, True, "parse_numa_node, hw/core/numa.c; 294aa0437b"),
    QemuFact("qtest_module", (6, 1), False, True, "accel/qtest/meson.build: a module, which packages lack"),
    QemuFact("located_kvm", (9, 2), False, True, "kvm_init, accel/kvm/kvm-all.c; 804dfbe3ef"),
    QemuFact("deprecation_reason", (9, 1), "old and unattended - use a newer version instead",
             "machines more than 3 years old are subject to deletion after 6 years",
             "pc_i440fx_machine_1_7_options, hw/i386/pc_piix.c; include/hw/boards.h, a35f8577a0"),
    QemuFact("dumpdtb_checked", (10, 0), False, True, "hw/core/machine.c; bb09b7bfd3"),
    # -- backends
    QemuFact("readonly_opens_only", (8, 2), False, True,
             "file_ram_open, system/physmem.c; 4d6b23f7e2, ca01f1b89b: makes no file, opens no directory"),
    QemuFact("file_fits_offset", (10, 0), False, True,
             "qemu_ram_alloc_from_fd, system/physmem.c; 719168fba7"),
    QemuFact("whole_pages", (9, 1), False, True,
             "host_memory_backend_memory_complete, backends/hostmem.c; 5d9a9a6170"),
    QemuFact("smp_by_machine_type", (6, 2), False, True, "smp_parse, hw/core/machine.c; 4a0af2930a"),
    QemuFact("isapc_limits", (10, 2), False, True, "pc_init_isa, hw/i386/isapc.c; 3113e7db1d"),
    QemuFact("limit_by_long_mode", (8, 2), False, True, "pc_max_used_gpa, hw/i386/pc.c; cf0386509e"),
    QemuFact("nics_left_over", (9, 0), False, True,
             "pci_init_nic_devices, hw/pci/pci.c, qemu_create_nic_device, net/net.c"),
    QemuFact("one_vga_checked", (7, 0), False, True, "vga_common_init, hw/display/vga.c; 9eb840a209"),
    QemuFact("isa_vga_unchecked", (11, 0), False, True,
             "global_vmstate is gone from hw/display/vga-isa.c; d7189d4009"),
    QemuFact("sysbus_checked_early", (6, 2), False, True,
             "qdev_get_device_class, softmmu/qdev-monitor.c; 312e1b1f3e"),
    QemuFact("pae_36_bits", (8, 2), False, True, "x86_cpu_realizefn, target/i386/cpu.c; d830054247"),
    # -- CPUs
    QemuFact("tcg_phys_bits", (6, 0), False, True, "x86_cpu_realizefn, target/i386/cpu.c; b818413583"),
    QemuFact("phys_bits_unlimited", (11, 0), False, True, "x86_cpu_realizefn, target/i386/cpu.c; ab7a864082"),
    QemuFact("hyperthreading_hint", (9, 1), "\n", ". ", "x86_cpu_realizefn, target/i386/cpu.c: one line now"),
    QemuFact("vendor_length_named", (8, 2), False, True, "x86_cpuid_set_vendor, target/i386/cpu.c"),
    QemuFact("cpu_numbers_unsigned", (9, 2), False, True,
             "x86_cpuid_version_set_family, target/i386/cpu.c"),
    QemuFact("ged_takes_cpus", (9, 1), False, True,
             "acpi_ged_device_plug_cb, hw/acpi/generic_event_device.c"),
    QemuFact("apic_ids_first", (7, 1), False, True, "x86_cpus_init, hw/i386/x86.c; dc89f32d92"),
    QemuFact("apic_ids_each", (8, 2), False, True, "x86_cpus_init, hw/i386/x86.c; 9926cf34de"),
    QemuFact("tcg_x2apic", (9, 0), False, True, "apic_common_set_id, hw/intc/apic_common.c; b5ee0468e9"),
    # -- devices
    QemuFact("eim_needs_kvm", (9, 0), True, False, "vtd_decide_config, hw/i386/intel_iommu.c"),
    QemuFact("unused_vga_warned", (7, 1), False, True, "qemu_create_default_devices, softmmu/vl.c"),
    QemuFact("port_slot_warned", (8, 1), False, True, "pci_qdev_realize, hw/pci/pci.c; 8b0e484c8b"),
    QemuFact("orphans_first", (6, 0), False, True,
             "qemu_init_board, softmmu/vl.c: drives without a device are refused before -device"),
    QemuFact("smbios_auto", (9, 0), False, True, "SmbiosEntryPointType, qapi/machine.json"),
    QemuFact("vmport_needs_i8042", (9, 1), False, True, "pc_superio_init, hw/i386/pc.c"),
    QemuFact("fw_cfg_needs_dma", (11, 0), False, True, "fw_cfg_add_acpi_dsdt, hw/i386/fw_cfg.c"),
    QemuFact("pcie_gen_6", (9, 0), False, True, "PCIELinkSpeed, qapi/common.json"),
    QemuFact("json_device", (6, 2), False, True, "qemu_init, softmmu/vl.c; 5dacda5167"),
    QemuFact("window_first", (8, 1), False, True, "memory_device_pre_plug, hw/mem/memory-device.c"),
    QemuFact("space_first", (8, 2), False, True,
             "memory_device_pre_plug and memory_device_check_addable, hw/mem/memory-device.c"),
    QemuFact("size_after_address", (8, 2), True, False,
             "memory_device_pre_plug, hw/mem/memory-device.c; eb1b7c4bd4: 8.2 takes any size"),
    QemuFact("size_before_address", (9, 0), False, True,
             "memory_device_pre_plug, hw/mem/memory-device.c: multiples of the region's own alignment only"),
    QemuFact("dimm_node_first", (6, 2), False, True, "pc_dimm_realize, hw/mem/pc-dimm.c"),
    QemuFact("virtio_mem_checks_all", (7, 0), False, True,
             "virtio_mem_device_realize, hw/virtio/virtio-mem.c"),
    QemuFact("virtio_mem_own_prealloc", (8, 0), False, True,
             "virtio_mem_device_realize, hw/virtio/virtio-mem.c; ce1761f0f9"),
    QemuFact("private_discard_warned", (8, 1), False, True,
             "ram_block_discard_range, softmmu/physmem.c; 1d44ff586f"),
    QemuFact("discard_ranges_split", (11, 1), False, True, "ram_block_discard_range, system/physmem.c"),
    QemuFact("cxl_volatile", (8, 1), False, True, "cxl_setup_memory, hw/mem/cxl_type3.c; adacc814f5"),
    QemuFact("cxl_once", (9, 1), False, True, "cxl_setup_memory, hw/mem/cxl_type3.c"),
    QemuFact("phys_bits_check", (7, 1), False, True, "pc_memory_init, hw/i386/pc.c; 1caab5cf86"),
)


@dataclass(frozen=True)
class QemuFacts:
    """The facts that hold for one release, by the names of QEMU_FACTS; ``version`` is one of KNOWN_QEMU."""

    version: str
    exact_sizes: bool
    strict_sizes: bool
    warns_of_switches: bool
    merged_without_id: bool
    whole_globals: bool
    located_networks: bool
    audio_models: bool
    mem_lock_word: bool
    modern_netdevs: bool
    typed_objects: bool
    json_located: bool
    compound_options: bool
    ramblock_hva: bool
    memdev_share: bool
    memdev_reserve: bool
    mtree_groups_spaces: bool
    mtree_container_kind: bool
    device_memory_space: bool
    bridge_spaces: bool
    ich9_smbus_space: str
    gpex_window: bool
    pcie_configuration_size: int
    smm_ranges: bool
    vtd_no_ir: bool
    amd_iommu_alias: bool
    amd_iommu_by_bus: bool
    amd_iommu_passes: bool
    serial_none_keeps_place: bool
    acpi_any_type_warned: bool
    acpi_size_warning: bool
    table_loader_max: int
    smp_zero_refused: bool
    smp_modules: bool
    memory_encryption_link: bool
    initiator_first: bool
    qtest_module: bool
    located_kvm: bool
    deprecation_reason: str
    dumpdtb_checked: bool
    readonly_opens_only: bool
    file_fits_offset: bool
    whole_pages: bool
    smp_by_machine_type: bool
    isapc_limits: bool
    limit_by_long_mode: bool
    nics_left_over: bool
    one_vga_checked: bool
    isa_vga_unchecked: bool
    sysbus_checked_early: bool
    pae_36_bits: bool
    tcg_phys_bits: bool
    phys_bits_unlimited: bool
    hyperthreading_hint: str
    vendor_length_named: bool
    cpu_numbers_unsigned: bool
    ged_takes_cpus: bool
    apic_ids_first: bool
    apic_ids_each: bool
    tcg_x2apic: bool
    eim_needs_kvm: bool
    unused_vga_warned: bool
    port_slot_warned: bool
    orphans_first: bool
    smbios_auto: bool
    vmport_needs_i8042: bool
    fw_cfg_needs_dma: bool
    pcie_gen_6: bool
    json_device: bool
    window_first: bool
    space_first: bool
    size_after_address: bool
    size_before_address: bool
    dimm_node_first: bool
    virtio_mem_checks_all: bool
    virtio_mem_own_prealloc: bool
    private_discard_warned: bool
    discard_ranges_split: bool
    cxl_volatile: bool
    cxl_once: bool
    phys_bits_check: bool


@lru_cache(maxsize=32)
def qemu_facts(version: str) -> QemuFacts:
    """The facts for a release ("7.2"); raises ValueError for what is no version.

    >>> qemu_facts("7.2").ramblock_hva, qemu_facts("10.0").ramblock_hva
    (False, True)
    """
    number = parse_version(version)
    return QemuFacts(version, **{f.name: f.new if number >= f.since else f.old for f in QEMU_FACTS})
