"""What a machine type promises to old guests, by its version (``pc-i440fx-3.0``), whatever QEMU runs it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

from memkit.versions.numbers import Version

__all__ = ["MACHINE_FACTS", "MachineFacts", "machine_facts", "plain_facts"]


class Fact(NamedTuple):
    """``old`` holds for machine types before ``since`` (exclusive), ``new`` from it on."""

    name: str
    since: Version
    old: Any
    new: Any
    source: str
    families: tuple[str, ...] = ("pc", "q35")


# Sources are files of QEMU 7.2; the machine-type functions are named pc_i440fx_X_Y_machine_options
# and pc_q35_X_Y_machine_options, the compat tables hw_compat_X_Y.
MACHINE_FACTS: tuple[Fact, ...] = (
    Fact("gigabyte_align", (2, 0), False, True, "hw/i386/pc_piix.c, 1_7: split at 3 GiB, not 3.5"),
    Fact("device_memory", (2, 1), False, True, "hw/i386/pc_piix.c, 2_0: has_reserved_memory"),
    Fact("aligned_dimm", (2, 2), False, True, "hw/i386/pc_piix.c, 2_1: enforce_aligned_dimm"),
    Fact("reserved_end", (2, 5), False, True, "hw/i386/pc_piix.c, 2_4: broken_reserved_end"),
    Fact("amd_1tb_hole", (7, 1), False, True, "hw/i386/pc_piix.c, 7_0: enforce_amd_1tb_hole"),
    Fact("limit_32bit", (8, 2), False, True, "hw/i386/pc_piix.c of 8.2, 8_1: broken_32bit_mem_addr_check"),
    Fact("virtio_mem_accessible", (7, 0), True, False,
         "hw/i386/pc.c, pc_compat_6_2: unplugged-inaccessible=off"),
    Fact("virtio_mem_inaccessible", (8, 1), False, True,
         "hw/i386/pc.c of 8.1, pc_compat_8_0: unplugged-inaccessible=auto"),
    Fact("virtio_modern", (2, 7), False, True, "hw/core/machine.c, hw_compat_2_6: disable-modern"),
    Fact("virtio_page_per_queue", (2, 8), True, False, "hw/core/machine.c, hw_compat_2_7: page-per-vq"),
    Fact("numa_mem", (5, 1), True, False, "hw/i386/pc_piix.c, 5_0: numa_mem_supported"),
    Fact("auto_numa_memdev", (5, 1), False, True, "hw/i386/pc_piix.c, 5_0"),
    Fact("auto_numa_slots", (2, 11), False, True, "hw/i386/pc_piix.c, 2_10"),
    Fact("canonical_names", (4, 0), True, False,
         "hw/core/machine.c, hw_compat_3_1: x-use-canonical-path-for-ramblock-id"),
    Fact("vga_global_names", (3, 0), True, False, "hw/core/machine.c, hw_compat_2_12: global-vmstate"),
    Fact("cirrus_vram_mib", (2, 9), 8, 4, "hw/core/machine.c, hw_compat_2_8"),
    Fact("rsdp_block", (2, 3), False, True, "hw/i386/pc_piix.c, 2_2: rsdp_in_ram"),
    Fact("acpi_legacy_size", (2, 1), True, False, "hw/i386/pc_piix.c, 2_0: legacy_acpi_table_size"),
    Fact("smbios_ranges", (2, 1), False, True, "hw/i386/pc_piix.c, 2_0: smbios_legacy_mode"),
    Fact("acpi_tables", (1, 7), False, True, "hw/i386/pc_piix.c, 1_6: has_acpi_build"),
    Fact("bios_256k", (2, 0), False, True, "hw/i386/pc_piix.c, 1_7: firmware=bios-256k.bin"),
    Fact("isa_bios_alias", (9, 1), False, True, "hw/i386/pc_piix.c of 9.1, 9_0: isa_bios_alias"),
    Fact("option_rom_blocks", (2, 0), True, False, "hw/i386/pc_piix.c, 1_7: option_rom_has_mr"),
    Fact("prefer_sockets", (6, 2), True, False, "hw/i386/pc_piix.c, 6_1: smp_props.prefer_sockets"),
    Fact("default_vga", (2, 2), "cirrus", "std", "hw/i386/pc_piix.c, 2_1: default_display", ("pc",)),
    Fact("default_nic", (2, 12), "e1000", "e1000e", "hw/i386/pc_q35.c, 2_11", ("q35",)),
)

_DEFAULTS: dict[str, dict[str, Any]] = {
    "pc": {"default_nic": "e1000"},
    "q35": {"default_vga": "std"},
    # microvm has no device-memory window and no default devices (hw/i386/microvm.c).
    "microvm": {
        f.name: f.new for f in MACHINE_FACTS
    } | {"auto_numa_memdev": False, "auto_numa_slots": False, "default_nic": None, "default_vga": None,
         "device_memory": False, "amd_1tb_hole": False, "smbios_ranges": False},
}
# isapc has no versions: it is the newest pc, but for these (isapc_machine_options, hw/i386/pc_piix.c).
_ISAPC: dict[str, Any] = {
    "acpi_tables": False, "bios_256k": False, "default_nic": "ne2k_isa", "default_vga": "cirrus",
    "device_memory": False, "gigabyte_align": False, "smbios_ranges": False,
}


@dataclass(frozen=True)
class MachineFacts:
    """The facts that hold for one machine type, by the names of MACHINE_FACTS."""

    gigabyte_align: bool
    device_memory: bool
    aligned_dimm: bool
    reserved_end: bool
    amd_1tb_hole: bool
    limit_32bit: bool
    virtio_mem_accessible: bool
    virtio_mem_inaccessible: bool
    virtio_modern: bool
    virtio_page_per_queue: bool
    numa_mem: bool
    auto_numa_memdev: bool
    auto_numa_slots: bool
    canonical_names: bool
    vga_global_names: bool
    cirrus_vram_mib: int
    rsdp_block: bool
    acpi_legacy_size: bool
    smbios_ranges: bool
    acpi_tables: bool
    bios_256k: bool
    isa_bios_alias: bool
    option_rom_blocks: bool
    prefer_sockets: bool
    default_vga: str | None
    default_nic: str | None


@lru_cache(maxsize=128)
def machine_facts(family: str, version: Version) -> MachineFacts:
    """The facts for a machine type of ``family`` (pc, q35, microvm, isapc) and machine-type version.

    >>> machine_facts("pc", (3, 1)).canonical_names, machine_facts("q35", (7, 2)).canonical_names
    (True, False)
    """
    if family == "isapc":
        return replace(machine_facts("pc", version), **_ISAPC)
    values = dict(_DEFAULTS[family])
    if family != "microvm":
        for fact in MACHINE_FACTS:
            if family in fact.families:
                values[fact.name] = fact.new if version >= fact.since else fact.old
    return MachineFacts(**values)


def plain_facts(**changes: Any) -> MachineFacts:
    """The facts for a board that is no PC: those of the newest types but for ``changes``.

    >>> plain_facts(numa_mem=True).numa_mem, plain_facts().default_nic
    (True, None)
    """
    return replace(machine_facts("microvm", (99, 0)), **changes)
