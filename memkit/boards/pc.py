"""The PC boards: ``pc`` (i440FX) and ``q35``, from the RAM split to the SMRAM windows.

Main RAM is one region, shown to the guest through two aliases: the part below 4 GiB, then a
hole for PCI devices, then the rest from 4 GiB up.  Behind it lies the device-memory window.

Source: pc_init1 in hw/i386/pc_piix.c, pc_q35_init in hw/i386/pc_q35.c, pc_memory_init in
hw/i386/pc.c, i440fx_init in hw/pci-host/i440fx.c, mch_realize in hw/pci-host/q35.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Iterator

from memkit.boards import cpus
from memkit.boards.build import Build
from memkit.boards.cxl import add_cxl_windows, cxl_end
from memkit.boards.firmware import (
    add_bios,
    add_flash,
    add_option_rom_area,
    add_option_rom_file,
    firmware_size,
    pflash_images,
)
from memkit.boards.pci import PciBus
from memkit.boards.refusals import refuse
from memkit.errors import Refused
from memkit.memory.flatview import AddressSpace
from memkit.memory.late import LateContainer, Placed
from memkit.memory.region import MemoryRegion

__all__ = [
    "add_chipset", "add_late_functions", "add_root_bus", "build_memory", "check_smbios", "map_ram",
    "split_ram",
]

GIB = 1 << 30
MIB = 1 << 20
FOUR_GIB = 4 * GIB
ACPI_MAX_SLOTS = 256
# AMD CPUs reserve the addresses below 1 TiB for HyperTransport (AMD_HT_START, hw/i386/pc.c).
HT_START, ABOVE_1TB = 0xFD_0000_0000, 0x100_0000_0000
HOLE64 = {"pc": 2 * GIB, "q35": 32 * GIB}
HOLE64_PROPERTY = {
    "pc": ("i440FX-pcihost", "pci-hole64-size"), "q35": ("q35-pcihost", "pci-hole64-size"),
}
SMRAM, SMRAM_SIZE = 0xA0000, 0x20000
HIGH_SMRAM = 0xFEDA_0000
SMBASE, SMBASE_SIZE = 0x30000, 0x20000
IO_APIC = 0xFEC0_0000
_PAM = ((0xF0000, 0x10000), *((0xC0000 + i * 0x4000, 0x4000) for i in range(12)))


def split_ram(build: Build) -> tuple[int, int]:
    """RAM below and above 4 GiB in bytes; the hole between belongs to PCI."""
    machine = build.machine
    size, limit = machine.ram_size, machine.words.get("max-ram-below-4g")
    given = int(limit) if limit else 0
    if machine.family != "q35":
        low = given or 0xE000_0000
        if size >= low and machine.facts.gigabyte_align:
            low = min(low, 0xC000_0000)
            if low % GIB:
                build.warnings.append(
                    f"warning: Large machine and max_ram_below_4g ({given}) not a multiple of 1G; "
                    "possible bad performance."
                )
    else:
        low = 0x8000_0000 if size >= 0xB000_0000 else 0xB000_0000
        given = given or FOUR_GIB
        if low > given:
            low = given
            if size - low > low and low % GIB:
                build.warnings.append(
                    f"warning: There is possibly poor performance as the ram size  (0x{size:x}) is more "
                    f"then twice the size of max-ram-below-4g ({given}) and max-ram-below-4g is not a "
                    "multiple of 1G."
                )
    return (low, size - low) if size >= low else (size, 0)


def build_memory(build: Build, ram: MemoryRegion) -> MemoryRegion:
    """The ``pci`` container, after RAM, device memory and firmware are in place; raises Refused."""
    machine, facts, system = build.machine, build.machine.facts, build.system
    below, above = split_ram(build)
    pci = MemoryRegion("pci", 1 << 64)
    above_end = map_ram(build, ram, below, above, _hole64(build))
    if facts.device_memory and machine.ram_size < machine.maxram_size:
        base, size = _device_memory(build, above_end)
        if machine.slots > ACPI_MAX_SLOTS:
            raise refuse("too-many-slots", build.config.last("m"), slots=machine.slots)
        if machine.maxram_size % 4096:
            raise refuse("maxmem-alignment", build.config.last("m"))
        if base + size >= 1 << 64:
            raise refuse("maxmem-overflow", build.config.last("m"), maxmem=machine.maxram_size)
        build.device_memory = MemoryRegion("device-memory", size)
        build.device_memory_base = base
        system.add(build.device_memory, base)
        if build.qemu.device_memory_space:
            build.address_spaces.append(AddressSpace("device-memory", build.device_memory))
    add_cxl_windows(build, _cxl_start(build, above_end))
    images = pflash_images(build)
    if images:
        add_flash(build, system, pci, images)
    else:
        default = "bios-256k.bin" if facts.bios_256k else "bios.bin"
        add_bios(build, pci, firmware_size(build, default), writable=False)
    add_option_rom_area(build, pci)
    return pci


def map_ram(build: Build, ram: MemoryRegion, below: int, above: int, hole64: int) -> int:
    """The gpa behind RAM above 4 GiB, after both parts are mapped; ``hole64`` is what PCI wants behind it.

    Raises Refused where the CPU has too few address bits, or the machine cannot take the memory that
    ``maxmem=`` promises.
    """
    machine, facts, cpu = build.machine, build.machine.facts, cpus.model(build)
    above_start = FOUR_GIB
    if cpu.amd and facts.amd_1tb_hole and _max_used(build, above_start + above, hole64, cpu) >= HT_START:
        above_start = ABOVE_1TB
    used = _max_used(build, above_start + above, hole64, cpu)
    limit = (1 << cpu.phys_bits) - 1
    if limit < used and build.qemu.phys_bits_check:
        raise refuse("phys-bits", build.config.last("m"), limit=limit, used=used, bits=cpu.phys_bits)
    build.ram_below_4g, build.ram_above_4g = below, above
    build.system.add(MemoryRegion.window("ram-below-4g", ram, 0, below), 0)
    if above:
        build.system.add(MemoryRegion.window("ram-above-4g", ram, below, above), above_start)
    if not facts.device_memory and (machine.slots or machine.maxram_size > machine.ram_size):
        raise refuse("no-hotplug-machine", build.config.last("m"), machine=machine.type)
    return above_start + above


def check_smbios(build: Build) -> None:
    """Raise Refused if the table of RAM cannot be written: the last thing that QEMU does before the start."""
    if 1 in (build.ram_below_4g, build.ram_above_4g) and build.machine.facts.smbios_ranges:
        raise refuse("smbios-one-byte")


def _hole64(build: Build) -> int:
    driver, name = HOLE64_PROPERTY[build.machine.family]
    return build.config.global_size(driver, name, HOLE64[build.machine.family])


def _device_memory(build: Build, above_end: int) -> tuple[int, int]:
    """Base gpa and size in bytes of the device-memory window (pc_get_device_memory_range)."""
    machine = build.machine
    size = machine.maxram_size - machine.ram_size
    if machine.facts.aligned_dimm:
        # Room to align every slot to a huge page of 1 GiB.
        size += machine.slots * GIB
    return -(-above_end // GIB) * GIB, size


def _cxl_start(build: Build, above_end: int) -> int:
    """The gpa where CXL begins: behind device memory, even if there is none (pc_get_cxl_range_start)."""
    return sum(_device_memory(build, above_end)) if build.machine.facts.device_memory else above_end


def _max_used(build: Build, above_end: int, hole64: int, cpu: cpus.CpuModel) -> int:
    """The highest gpa that the board may use (pc_max_used_gpa)."""
    machine, facts = build.machine, build.machine.facts
    if not cpu.long_mode if build.qemu.limit_by_long_mode else cpu.phys_bits <= 32:
        # A 32-bit system has no hole above 4 GiB; older machine types do not check it at all.
        if not facts.limit_32bit:
            return (1 << cpu.phys_bits) - 1
        if facts.device_memory and machine.ram_size < machine.maxram_size:
            above_end = sum(_device_memory(build, above_end))
        return above_end - 1
    start = above_end
    if machine.flag("cxl", False):
        start = cxl_end(build, _cxl_start(build, above_end))
    elif facts.device_memory and machine.ram_size < machine.maxram_size:
        start, size = _device_memory(build, above_end)
        if facts.reserved_end:
            start += size
    # In 64 bits, so that what passes their end looks small.
    return (-(-start // GIB) * GIB + hole64 - 1) % (1 << 64)


def add_chipset(build: Build, ram: MemoryRegion, pci: MemoryRegion) -> None:
    """Map PCI behind everything, the SMRAM and PAM windows in front, and the fixed devices."""
    machine, low = build.machine, build.ram_below_4g
    q35 = machine.family == "q35"
    if low >= IO_APIC:
        raise _no_room_for_pci(low)
    build.system.add(pci, 0, -1)
    if not q35 or not build.qemu.smm_ranges or machine.flag("smm", True):
        # At power-on i440FX hides the window, q35 what is in it.
        build.smram = LateContainer("smram", FOUR_GIB, enabled=q35)
        build.smram.add_later(lambda: _smram(ram, low, q35=q35))
    apic = cpus.model(build).apic
    build.system.add_later(lambda: _chipset(build, ram, pci, apic=apic))
    if apic and machine.ram_size >= cpus.VAPIC_MIN_RAM:
        add_option_rom_file(build, "kvmvapic.bin")


def _chipset(build: Build, ram: MemoryRegion, pci: MemoryRegion, *, apic: bool) -> Iterator[Placed]:
    """What lies in front of RAM and PCI, in QEMU's order."""
    q35 = build.machine.family == "q35"
    yield MemoryRegion.window("smram-region", pci, SMRAM, SMRAM_SIZE), SMRAM, 1
    if q35 and build.smram is not None:
        yield MemoryRegion.window("smram-open-high", ram, SMRAM, SMRAM_SIZE, enabled=False), HIGH_SMRAM, 1
        yield MemoryRegion("tseg-blackhole", 0, "i/o", enabled=False), build.ram_below_4g, 1
        yield MemoryRegion("smbase-blackhole", SMBASE_SIZE, "i/o", enabled=False), SMBASE, 1
    yield MemoryRegion("ioapic", 0x1000, "i/o"), IO_APIC, 0
    if build.machine.flag("hpet", True):
        yield MemoryRegion("hpet", 0x400, "i/o"), 0xFED0_0000, 0
    yield from _pam(ram, pci)
    if apic:
        yield MemoryRegion("apic-msi", 0x10_0000, "i/o"), 0xFEE0_0000, 4096


def _smram(ram: MemoryRegion, low: int, *, q35: bool) -> Iterator[Placed]:
    """What only system-management mode sees; RAM below 4 GiB ends at ``low``."""
    yield MemoryRegion.window("smram-low", ram, SMRAM, SMRAM_SIZE, enabled=not q35), SMRAM, 0
    if q35:
        yield MemoryRegion.window("smram-high", ram, SMRAM, SMRAM_SIZE, enabled=False), HIGH_SMRAM, 0
        yield MemoryRegion.window("tseg-window", ram, low, 0, enabled=False), low, 0
        yield MemoryRegion.window("smbase-window", ram, SMBASE, SMBASE_SIZE, enabled=False), SMBASE, 0


def _no_room_for_pci(low: int) -> Refused:
    where, broken = ("77: range_set_bounds", "!range_is_empty(range)") if low == IO_APIC else (
        "41: range_invariant", "range->lob <= range->upb || range->lob == range->upb + 1"
    )
    return Refused(
        f"./include/qemu/range.h:{where}: Assertion `{broken}' failed.",
        explanation="RAM below 4 GiB leaves no room for PCI in front of the IOAPIC at 0xfec00000; "
        "QEMU 7.2 aborts instead of refusing.",
        hint="use max-ram-below-4g=3G, or another size",
        source="i440fx_init, hw/pci-host/i440fx.c, QEMU 7.2",
    )


def _pam(ram: MemoryRegion, pci: MemoryRegion) -> Iterator[Placed]:
    """The 13 programmable windows between 768 KiB and 1 MiB; at power-on all show PCI.

    Each has four aliases of which one is enabled (init_pam, hw/pci-host/pam.c).
    """
    aliases = (("pam-pci", pci, True, False), ("pam-rom", ram, False, True), ("pam-pci", ram, False, False),
               ("pam-ram", ram, False, False))
    for start, size in _PAM:
        for name, target, enabled, readonly in aliases:
            window = MemoryRegion.window(name, target, start, size, readonly=readonly, enabled=enabled)
            yield window, start, 1


# -- the root bus and what is always on it

_FIRST = {"pc": (("i440FX", 0x00), ("PIIX3", 0x08)), "q35": (("mch", 0x00), ("ICH9-LPC", 0xF8))}
_ICH9_USB = (("ich9-usb-ehci1", 0xEF), ("ich9-usb-uhci1", 0xE8), ("ich9-usb-uhci2", 0xE9),
             ("ich9-usb-uhci3", 0xEA))


def add_root_bus(build: Build, pci: MemoryRegion) -> None:
    """The bus of the host bridge, with the host bridge and the ISA bridge on it."""
    machine = build.machine
    if machine.family == "q35":
        bus = PciBus("pcie.0", "PCIE", memory=pci)
    else:
        # pc-i440fx-1.6 and older leave the bus out of paths (short_root_bus, hw/i386/pc_piix.c).
        short = machine.version == (1, 6)
        bus = PciBus("pci.0", "PCI", "0000" if short else "0000:00", memory=pci)
    build.buses[bus.name] = build.default_bus = bus
    for name, devfn in _FIRST[machine.family]:
        name = "piix4-isa" if name == "PIIX3" and _piix4(build) else name
        # A host bridge is alone in its slot; the ISA bridge shares it.
        bus.claim(name, devfn, multifunction=devfn != 0)
        build.pci_functions.append((name, bus, devfn))


def add_late_functions(build: Build) -> None:
    """Put the functions on the root bus that the board makes beside its default devices.

    Their places are fixed: q35 makes them before graphics card and NICs, pc after them.
    """
    bus = build.buses["pcie.0" if build.machine.family == "q35" else "pci.0"]
    for name, devfn in _late_functions(build):
        bus.claim(name, devfn)
        build.pci_functions.append((name, bus, devfn))


def _late_functions(build: Build) -> list[tuple[str, int]]:
    """(type, devfn) of those functions."""
    flag = build.machine.flag
    if build.machine.family == "q35":
        found = [("ich9-ahci", 0xFA)] if flag("sata", True) else []
        found += _ICH9_USB if flag("usb", False) else []
        return found + ([(build.qemu.ich9_smbus_space, 0xFB)] if flag("smbus", True) else [])
    piix = "piix4" if _piix4(build) else "piix3"
    found = [(f"{piix}-ide", 0x09)]
    found += [(f"{piix}-usb-uhci", 0x0A)] if flag("usb", False) else []
    return found + ([("PIIX4_PM", 0x0B)] if flag("acpi", True) else [])


def _piix4(build: Build) -> bool:
    """True if pc has the younger of two south bridges (x-south-bridge=, since 9.0)."""
    return build.machine.words.get("x-south-bridge") == "piix4-isa"
