"""Small guests built by hand after real QEMU 7.2 answers, so that views are tested alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from memkit.guest import Guest
from memkit.memory.backend import Backend
from memkit.memory.device import Frontend, MemoryDevice
from memkit.memory.flatview import AddressSpace
from memkit.memory.ramblock import RAMBlock, RAMList
from memkit.memory.region import ADDRESS_SPACE_SIZE, MemoryRegion

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@dataclass(frozen=True)
class Option:
    name: str
    value: str
    index: int
    args: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Config:
    options: tuple[Option, ...]


def options(*words: str) -> Config:
    found = []
    for index, (name, value) in enumerate(zip(words[::2], words[1::2], strict=True)):
        args = tuple(tuple(a.split("=", 1)) for a in value.split(",") if "=" in a)
        found.append(Option(name.lstrip("-"), value, index, args))  # type: ignore[arg-type]
    return Config(tuple(found))


@dataclass
class Board:
    """A workbench: a system tree, a RAM list, and what hangs off them."""

    config: Config
    ram: RAMList = field(default_factory=RAMList)
    system: MemoryRegion = field(default_factory=lambda: MemoryRegion("system", ADDRESS_SPACE_SIZE))
    backends: list[Backend] = field(default_factory=list)
    frontends: list[Frontend] = field(default_factory=list)
    devices: list[MemoryDevice] = field(default_factory=list)
    pci: MemoryRegion | None = None

    def block(self, name: str, size: int, **fields: Any) -> tuple[RAMBlock, MemoryRegion]:
        block = self.ram.allocate(size, idstr=name, region_name=name, **fields)
        rom = fields.get("purpose") in {"rom", "table"}
        return block, MemoryRegion(name, size, "rom" if rom else "ram", block=block)

    def backend(
        self, id: str, size: int, type: str = "memory-backend-ram", **facts: Any
    ) -> Backend:
        backend = Backend(id, type, size, path=f"/objects/{id}", **facts)
        self.backends.append(backend)
        return backend

    def backed(self, backend: Backend) -> tuple[RAMBlock, MemoryRegion]:
        return self.block(
            backend.id, backend.size, backend=backend, shared=backend.share,
            page_size=backend.page_size,
        )

    def show(self, kind: str, id: str | None, label: str, *pairs: tuple[RAMBlock, MemoryRegion],
             backend: Backend | None = None, option: int | None = None) -> None:
        blocks, regions = tuple(p[0] for p in pairs), tuple(p[1] for p in pairs)
        self.frontends.append(Frontend(kind, id, label, backend, blocks, regions, option))

    def main_ram(self, region: MemoryRegion, size: int, low: int) -> None:
        self.system.add(MemoryRegion.window("ram-below-4g", region, 0, min(size, low)), 0)
        if size > low:
            high = MemoryRegion.window("ram-above-4g", region, low, size - low)
            self.system.add(high, 4 * GIB)

    def bios_and_roms(self) -> None:
        pci = self.pci = MemoryRegion("pci", ADDRESS_SPACE_SIZE)
        self.system.add(pci, 0, -1)
        bios = self.block("pc.bios", 256 * KIB, purpose="rom", readonly=True)
        rom = self.block("pc.rom", 128 * KIB, purpose="rom")
        pci.add(bios[1], 4 * GIB - 256 * KIB)
        pci.add(MemoryRegion.window("isa-bios", bios[1], 128 * KIB, 128 * KIB), 0xE0000, 1)
        pci.add(rom[1], 0xC0000, 1)
        pci.add(MemoryRegion("vga-lowmem", 128 * KIB, "i/o"), 0xA0000, 1)
        self.system.add(MemoryRegion.window("smram-region", pci, 0xA0000, 0x20000), 0xA0000, 1)
        self.system.add(MemoryRegion.window("pam-pci", pci, 0xC0000, 0x40000), 0xC0000, 1)
        self.system.add(MemoryRegion("ioapic", 0x1000, "i/o"), 0xFEC00000)
        self.system.add(MemoryRegion("hpet", 0x400, "i/o"), 0xFED00000)
        self.system.add(MemoryRegion("apic-msi", 0x100000, "i/o"), 0xFEE00000, 4096)
        self.show("firmware", None, "firmware", bios, rom)

    def tables(self) -> None:
        made = [
            self.block("/rom@etc/acpi/tables", 2 * MIB, purpose="table", resizeable=True),
            self.block("/rom@etc/table-loader", 64 * KIB, purpose="table", resizeable=True),
            self.block("/rom@etc/acpi/rsdp", 64 * KIB, purpose="table", resizeable=True),
        ]
        for (block, _), used in zip(made, (128 * KIB, 4 * KIB, 4 * KIB), strict=True):
            block.used_length = used
        self.show("fw_cfg", None, "ACPI tables for the firmware", *made)

    def guest(self, machine: str) -> Guest:
        return Guest(
            "x86_64", "7.2", machine, None,  # type: ignore[arg-type]
            self.config, tuple(self.backends), tuple(self.ram.blocks),  # type: ignore[arg-type]
            tuple(self.frontends), tuple(self.devices), (),
            (AddressSpace("memory", self.system),),
        )


def talk(dimms: int = 1) -> Guest:
    """``-m 4G,slots=4,maxmem=16G`` with DIMMs of 1 GiB on the pc machine."""
    words = ["-m", "4G,slots=4,maxmem=16G"]
    for n in range(1, dimms + 1):
        words += ["-object", f"memory-backend-ram,id=m{n},size=1G"]
        words += ["-device", f"pc-dimm,id=d{n},memdev=m{n}"]
    board = Board(options(*words))
    window = MemoryRegion("device-memory", (dimms + 15) * GIB)
    plugged = []
    for n in range(1, dimms + 1):
        backend = board.backend(f"m{n}", GIB, option_index=2 * n - 1)
        pair = board.backed(backend)
        window.add(pair[1], (n - 1) * GIB)
        plugged.append((backend, pair, 2 * n))
        board.devices.append(
            MemoryDevice("dimm", f"d{n}", 0x140000000 + (n - 1) * GIB, GIB, f"/objects/m{n}",
                         0, n - 1, option_index=2 * n)
        )
    main = board.backend("pc.ram", 4 * GIB, implicit=True)
    ram = board.backed(main)
    board.main_ram(ram[1], 4 * GIB, 3 * GIB)
    board.show("machine", None, "pc: main RAM", ram, backend=main)
    board.bios_and_roms()
    board.system.add(window, 0x140000000)
    for n, (backend, pair, option) in enumerate(plugged, 1):
        board.show("pc-dimm", f"d{n}", f"pc-dimm d{n}", pair, backend=backend, option=option)
    vram = board.block("0000:00:02.0/vga.vram", 16 * MIB, purpose="vram")
    vgarom = board.block("0000:00:02.0/vga.rom", 64 * KIB, purpose="rom")
    board.show("VGA", None, "VGA", vram, vgarom)
    nic = board.block("0000:00:03.0/e1000.rom", 256 * KIB, purpose="rom")
    board.show("e1000", None, "e1000", nic)
    board.tables()
    return board.guest("pc-i440fx-7.2")


def numa_nvdimm() -> Guest:
    """q35 with two NUMA backends (huge and shared), an nvdimm on pmem and a file DIMM."""
    board = Board(options(
        "-M", "q35,nvdimm=on", "-m", "4G,slots=4,maxmem=32G",
        "-object", "memory-backend-file,id=huge0,size=2G,mem-path=/dev/hugepages,share=on",
        "-numa", "node,nodeid=0,memdev=huge0",
        "-object", "memory-backend-memfd,id=shared1,size=2G",
        "-numa", "node,nodeid=1,memdev=shared1",
        "-object", "memory-backend-file,id=nv,size=8G,mem-path=/mnt/pmem/nv,pmem=on,share=on",
        "-device", "nvdimm,id=nvdimm1,memdev=nv",
        "-object", "memory-backend-file,id=disk,size=1G,mem-path=/var/lib/ram",
        "-device", "pc-dimm,id=d2,memdev=disk",
    ))
    container = MemoryRegion("ram", 4 * GIB)
    file = "memory-backend-file"
    facts: list[tuple[str, int, str, dict[str, Any]]] = [
        ("huge0", 2 * GIB, file, {"filesystem": "hugetlbfs", "page_size": 2 * MIB, "share": True}),
        ("shared1", 2 * GIB, "memory-backend-memfd", {"filesystem": "memfd", "share": True}),
        ("nv", 8 * GIB, file, {"filesystem": "ext4", "pmem": True, "share": True}),
        ("disk", GIB, file, {"filesystem": "ext4"}),
    ]
    made = {}
    for n, (id, size, type, more) in enumerate(facts):
        backend = board.backend(id, size, type, option_index=2 + 2 * n, **more)
        made[id] = (backend, board.backed(backend))
    container.add(made["huge0"][1][1], 0)
    container.add(made["shared1"][1][1], 2 * GIB)
    board.main_ram(container, 4 * GIB, 2 * GIB)
    board.show("machine", None, "q35: NUMA node 0", made["huge0"][1], backend=made["huge0"][0])
    board.show("machine", None, "q35: NUMA node 1", made["shared1"][1], backend=made["shared1"][0])
    board.bios_and_roms()
    window = MemoryRegion("device-memory", 32 * GIB)
    board.system.add(window, 0x200000000)
    made["nv"][1][1].nonvolatile = True
    for id, at, kind, name, option in (("nv", 0, "nvdimm", "nvdimm1", 7),
                                       ("disk", 8 * GIB, "pc-dimm", "d2", 9)):
        window.add(made[id][1][1], at)
        board.show(kind, name, f"{kind} {name}", made[id][1], backend=made[id][0], option=option)
    vram = board.block("0000:00:01.0/vga.vram", 16 * MIB, purpose="vram")
    board.show("VGA", None, "VGA", vram)
    board.tables()
    return board.guest("pc-q35-7.2")


def microvm() -> Guest:
    """``-M microvm -m 1G``: one BIOS, many tiny i/o windows, no PCI."""
    board = Board(options("-M", "microvm", "-m", "1G"))
    main = board.backend("microvm.ram", GIB, implicit=True)
    ram = board.backed(main)
    bios = board.block("pc.bios", 64 * KIB, purpose="rom")
    bios[1].kind = "ram"
    board.main_ram(ram[1], GIB, 3 * GIB)
    board.system.add(MemoryRegion.window("isa-bios", bios[1], 0, 64 * KIB), 0xF0000, 1)
    board.system.add(bios[1], 0xFFFF0000)
    board.system.add(MemoryRegion("acpi-ged", 4, "i/o"), 0xFEA00000)
    board.system.add(MemoryRegion("acpi-ged-regs", 3, "i/o"), 0xFEA00200)
    for n in range(24):
        board.system.add(MemoryRegion("virtio-mmio", 0x200, "i/o"), 0xFEB00000 + n * 0x200)
    board.system.add(MemoryRegion("ioapic", 0x1000, "i/o"), 0xFEC00000)
    board.system.add(MemoryRegion("ioapic", 0x1000, "i/o"), 0xFEC10000)
    board.system.add(MemoryRegion("apic-msi", 0x100000, "i/o"), 0xFEE00000, 4096)
    board.show("machine", None, "microvm: main RAM", ram, backend=main)
    board.show("firmware", None, "firmware", bios)
    board.tables()
    return board.guest("microvm")


def bare() -> Guest:
    """What ``info ramblock`` and ``info mtree -f`` alone tell: no options, no frontends."""
    guest = talk()
    for block in guest.ram_blocks:
        block.backend = None
    return Guest(
        "x86_64", "7.2", "pc-i440fx-7.2", None, None, (),  # type: ignore[arg-type]
        guest.ram_blocks, (), (), (), guest.address_spaces, door="text",
    )


def empty() -> Guest:
    """Nothing at all: a machine of which no table was read."""
    return Guest("x86_64", "7.2", "none", None, None, (), (), (), (), (), ())  # type: ignore[arg-type]
