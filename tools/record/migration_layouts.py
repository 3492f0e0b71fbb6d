"""Migrations between guests that are not quite the same: names, lengths and addresses of RAMBlocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .migration_case import Case, Question
from .migration_cases import M, board, memory, travel

__all__ = ["layout_cases", "map_bar"]

SLOTS = "64M,slots=4,maxmem=1G"
KIB = 1 << 10


def map_bar(slot: int, bar: int, gpa: int) -> list[Question]:
    """Commands that show a 32-bit BAR to the guest (guest-physical address), as firmware would.

    >>> map_bar(2, 0, 0xe0000000)[0]
    'o /w 0xcf8 0x80001010'
    """
    config = 0x8000_0000 | slot << 11
    return [
        f"o /w 0xcf8 {config + 0x10 + 4 * bar:#x}",
        f"o /w 0xcfc {gpa:#x}",
        f"o /w 0xcf8 {config + 4:#x}",
        "o /h 0xcfc 0x2",
    ]


def dimm(
    number: int, kind: str = "anon", more: str = "", megabytes: int = 64, model: str = "pc-dimm"
) -> list[str]:
    """A memory device with a backend mN, called dN."""
    more = f",{more}" if more else ""
    return [*memory(f"m{number}", kind, megabytes), "-device", f"{model},id=d{number},memdev=m{number}{more}"]


def slots(*words: str, machine: str = "pc", size: str = SLOTS) -> list[str]:
    """A board with room for memory devices."""
    return board(*words, machine=machine, size=size)


def layout_cases() -> Iterator[Case]:
    """Pairs of guests that differ in one thing, by precopy; some by other ways."""
    for name, source, destination in (*_names(), *_dimms(), *_devices(), *_nodes()):
        yield travel(f"layout/{name}", "precopy", source, destination)
    for name, source, destination in _dimms():
        if name in ("dimm-missing", "dimm-extra", "dimm-address", "dimm-size", "dimm-becomes-nvdimm"):
            yield travel(f"layout/{name}/postcopy", "postcopy", source, destination)
    for way in ("precopy", "postcopy", "multifd"):
        for machine in ("q35", "microvm", "isapc"):
            yield travel(f"board/{machine}/{way}", way, board(machine=machine))
    yield from _roms()
    yield from _vram()
    yield from _hotplug()


Pairs = Iterator[tuple[str, list[str], list[str]]]


def _names() -> Pairs:
    backed = board(kind="anon", name="mem0")
    yield "default-to-pc.ram", board(), board(kind="anon")
    yield "pc.ram-to-default", board(kind="tmpfs-shared"), board()
    yield "default-to-mem0", board(), backed
    yield "mem0-to-default", backed, board()
    yield "mem0-to-mem1", backed, board(kind="anon", name="mem1")
    yield "smaller-to-bigger", board(), board(size="128M")
    yield "bigger-to-smaller", board(size="128M"), board()
    yield "slots-only-on-destination", board(), slots()
    yield "maxmem", slots(), slots(size="64M,slots=4,maxmem=2G")
    yield "slots", slots(), slots(size="64M,slots=2,maxmem=1G")
    yield "below-4g", board(machine="pc,max-ram-below-4g=64M", size="128M"), board(size="128M")
    yield "below-4g-same", *[board(machine="pc,max-ram-below-4g=64M", size="128M")] * 2
    yield "below-4g-to-lower", board(size="128M"), board(machine="pc,max-ram-below-4g=64M", size="128M")
    yield "pc-to-q35", board(), board(machine="q35")
    yield "acpi-off", board(), board(machine="pc,acpi=off")
    yield "acpi-on", board(machine="pc,acpi=off"), board()
    yield "acpi-tables-grow", board(), board("-device", "pci-bridge,chassis_nr=1")
    yield "maxcpus", board("-smp", "1,maxcpus=2"), board("-smp", "1,maxcpus=64")
    yield "cpus", board("-smp", "1"), board("-smp", "2")
    yield "unused-backend-on-source", board(*memory("x", "anon")), board()
    yield "unused-backend-on-destination", board(), board(*memory("x", "anon"))
    for kind in ("anon", "memfd", "tmpfs-shared"):
        for left, right in (("on", "on"), ("on", "off"), ("off", "on")):
            canonical = "x-use-canonical-path-for-ramblock-id="
            pair = [board(kind=kind, name="mem0") for _ in "lr"]
            for argv, state in zip(pair, (left, right), strict=True):
                argv[-1] += f",{canonical}{state}"
            yield f"canonical-{left}-{right}/{kind}", *pair
    for old, new in (("3.1", "7.2"), ("4.0", "7.2"), ("7.2", "6.2"), ("6.2", "7.2"), ("8.0", "10.0")):
        for kind in ("", "tmpfs-shared"):
            types = [board(machine=f"pc-i440fx-{version}", kind=kind, name="mem0") for version in (old, new)]
            yield f"types-{old}-{new}/{kind or 'default'}", *types
    for kind in ("anon", "tmpfs-shared", "memfd"):
        old_type = board(machine="pc-i440fx-3.1", kind=kind, name="mem0")
        yield f"type-3.1-same/{kind}", old_type, old_type


def _dimms() -> Pairs:
    one, two = slots(*dimm(1)), slots(*dimm(1), *dimm(2))
    yield "dimm-same", one, one
    yield "dimm-missing", one, slots()
    yield "dimm-extra", slots(), one
    yield "second-dimm-missing", two, one
    yield "second-dimm-extra", one, two
    yield "dimm-backend-without-device", one, slots(*memory("m1", "anon"))
    yield "dimm-size", one, slots(*dimm(1, megabytes=128))
    yield "dimm-smaller", slots(*dimm(1, megabytes=128)), one
    yield "dimm-backend-id", one, slots(*memory("m9", "anon"), "-device", "pc-dimm,id=d1,memdev=m9")
    yield "dimm-device-id", one, slots(*memory("m1", "anon"), "-device", "pc-dimm,id=d9,memdev=m1")
    yield "dimm-slot", one, slots(*dimm(1, more="slot=2"))
    sides = [slots(*_nodes_for_devices(), *dimm(1, more=f"node={n}")) for n in (0, 1)]
    yield "dimm-node", *sides
    yield "dimm-address", one, slots(*dimm(1, more=f"addr={(4 << 30) + (256 << 20):#x}"))
    yield "dimms-swapped", two, slots(*dimm(2), *dimm(1))
    yield "dimms-swapped-slots", two, slots(*dimm(2, more="slot=1"), *dimm(1, more="slot=0"))
    pair = slots(*dimm(1), *dimm(2, megabytes=128))
    yield "dimms-of-two-sizes-swapped", pair, slots(*dimm(2, megabytes=128), *dimm(1))
    yield "dimm-backing", one, slots(*dimm(1, "memfd"))
    yield "dimm-page-size", one, slots(*dimm(1, "memfd-huge"))
    nvdimm = {"machine": "pc,nvdimm=on"}
    stick = slots(*dimm(1, model="nvdimm"), **nvdimm)
    yield "nvdimm-same", stick, stick
    yield "dimm-becomes-nvdimm", slots(*dimm(1), **nvdimm), stick
    yield "nvdimm-becomes-dimm", stick, slots(*dimm(1), **nvdimm)
    yield "dimm-to-board-with-nvdimm", one, slots(*dimm(1), **nvdimm)
    yield "nvdimm-label", stick, slots(*dimm(1, model="nvdimm", more="label-size=128K"), **nvdimm)
    yield "nvdimm-label-lost", slots(*dimm(1, model="nvdimm", more="label-size=128K"), **nvdimm), stick
    labels = [slots(*dimm(1, model="nvdimm", more=f"label-size={n}K"), **nvdimm) for n in (128, 256)]
    yield "nvdimm-label-size", *labels
    yield "nvdimm-missing", stick, slots(**nvdimm)
    yield "nvdimm-extra", slots(**nvdimm), stick
    pmem = slots(*dimm(1, model="virtio-pmem-pci"))
    yield "virtio-pmem-same", pmem, pmem
    yield "virtio-pmem-missing", pmem, slots()
    yield "dimm-becomes-virtio-pmem", one, pmem
    yield "virtio-pmem-becomes-dimm", pmem, one
    yield "virtio-pmem-size", pmem, slots(*dimm(1, model="virtio-pmem-pci", megabytes=128))
    virtio = [
        slots(*dimm(1, model="virtio-mem-pci", more=more, megabytes=size))
        for more, size in (
            ("", 64),
            ("block-size=4M", 64),
            ("", 128),
            ("requested-size=32M", 64),
            ("memaddr=0x140000000", 64),
        )
    ]
    for number, name in enumerate(("same", "block-size", "size", "requested-size", "memaddr")):
        yield f"virtio-mem-{name}", virtio[0], virtio[number]
    yield "virtio-mem-missing", virtio[0], slots()
    yield "virtio-mem-extra", slots(), virtio[0]
    nodes = [slots(*_nodes_for_devices(), *dimm(1, model="virtio-mem-pci", more=f"node={n}")) for n in (0, 1)]
    yield "virtio-mem-node", *nodes


def _nodes_for_devices() -> list[str]:
    return [*memory("n0", "anon"), "-numa", "node,memdev=n0", "-numa", "node"]


def _devices() -> Pairs:
    def vga(more: str = "") -> list[str]:
        return board("-device", "VGA" + more)

    yield "vga-same", vga(), vga()
    yield "vga-missing", vga(), board()
    yield "vga-extra", board(), vga()
    yield "vga-memory", vga(), vga(",vgamem_mb=8")
    yield "vga-address", vga(",addr=2"), vga(",addr=3")
    yield "vga-kind", vga(), board("-device", "cirrus-vga")
    yield "vga-bochs", vga(), board("-device", "bochs-display")
    yield "qxl-ram", board("-device", "qxl-vga"), board("-device", "qxl-vga,vram_size_mb=32")
    yield "nic-address", *[board("-device", f"e1000,romfile=,addr={n}") for n in (4, 5)]
    yield "nic-missing", board("-device", "e1000,romfile="), board()
    yield "nic-extra", board(), board("-device", "e1000,romfile=")
    yield "nic-kind", board("-device", "e1000,romfile="), board("-device", "virtio-net-pci,romfile=")
    for name in ("nvme,serial=x", "virtio-rng-pci", "virtio-balloon-pci", "edu", "pvpanic", "vmcoreinfo"):
        yield f"device/{name.partition(',')[0]}", *[board("-device", name)] * 2
    ivshmem = memory("m1", "tmpfs-shared", 4)
    for left, right in (("on", "on"), ("off", "on"), ("on", "off"), ("off", "off")):
        sides = [board(*ivshmem, "-device", f"ivshmem-plain,memdev=m1,master={s}") for s in (left, right)]
        yield f"ivshmem-plain-{left}-{right}", *sides
        bells = [
            board(
                "-chardev",
                "socket,id=c1,path=/link/ivshmem",
                "-device",
                f"ivshmem-doorbell,chardev=c1,master={s}",
            )
            for s in (left, right)
        ]
        yield f"ivshmem-doorbell-{left}-{right}", *bells
    master = [*ivshmem, "-device", "ivshmem-plain,memdev=m1,master=on"]
    yield (
        "ivshmem-address",
        board(*master[:-1], master[-1] + ",addr=4"),
        board(*master[:-1], master[-1] + ",addr=5"),
    )
    yield "ivshmem-size", board(*master), board(*memory("m1", "tmpfs-shared", 8), *master[2:])
    yield (
        "ivshmem-backend-id",
        board(*master),
        board(*memory("m2", "tmpfs-shared", 4), "-device", "ivshmem-plain,memdev=m2,master=on"),
    )
    yield "ivshmem-missing", board(*master), board()
    yield "ivshmem-extra", board(), board(*master)
    peer = board(*ivshmem, "-device", "ivshmem-plain,memdev=m1", "-only-migratable")
    yield "ivshmem-only-migratable", peer, peer


def _nodes() -> Pairs:
    def numa(*sizes: tuple[str, int]) -> list[str]:
        words = ["-smp", "2"]
        for number, (name, size) in enumerate(sizes):
            words += [*memory(name, "anon", size), "-numa", f"node,memdev={name},cpus={number}"]
        return board(*words, size=f"{sum(size for _, size in sizes)}M")

    pair = numa(("a", 32), ("b", 32))
    yield "nodes-same", pair, pair
    yield "nodes-to-default", pair, board("-smp", "2")
    yield "default-to-nodes", board("-smp", "2"), pair
    yield "nodes-swapped", pair, numa(("b", 32), ("a", 32))
    yield "nodes-renamed", pair, numa(("a", 32), ("c", 32))
    yield "nodes-sizes", numa(("a", 32), ("b", 64)), numa(("a", 64), ("b", 32))
    yield "nodes-other-cpus", pair, [w.translate({48: 49, 49: 48}) if "cpus=" in w else w for w in pair]
    empty = [*memory("a", "anon"), "-numa", "node,memdev=a,cpus=0", "-numa", "node"]
    yield "empty-node-on-destination", board(*empty[:4]), board(*empty)


def _vram() -> Iterator[Case]:
    """Memory behind BARs, shown to the guest so that marks can be put there."""
    shown = map_bar(2, 0, 0xE000_0000)
    for way in ("precopy", "postcopy", "multifd", "ignore-shared"):
        yield travel(f"vram/{way}", way, board("-device", "VGA"), prepare=shown)
    shown = map_bar(2, 2, 0xE000_0000)
    for kind in ("anon-shared", "memfd", "disk-shared", "tmpfs-shared", "huge-shared"):
        argv = board(*memory("m1", kind, 4), "-device", "ivshmem-plain,memdev=m1,master=on")
        for way in ("precopy", "postcopy", "ignore-shared", "background-snapshot", "mapped-ram"):
            yield travel(f"ivshmem/{kind}/{way}", way, argv, prepare=shown)
        if "path=" in argv[-3]:
            for way in ("precopy", "postcopy", "ignore-shared"):
                yield travel(f"ivshmem/{kind}/{way}/two-hosts", way, argv, prepare=shown, two_hosts=True)
    bell = board(
        "-chardev", "socket,id=c1,path=/link/ivshmem", "-device", "ivshmem-doorbell,chardev=c1,master=on"
    )
    for way in ("precopy", "postcopy", "ignore-shared"):
        yield travel(f"ivshmem/doorbell/{way}", way, bell, prepare=shown)


def _roms() -> Iterator[Case]:
    files = {
        "/mem/small.rom": 4 * KIB,
        "/mem/big.rom": 64 * KIB,
        "/mem/small.bin": 128 * KIB,
        "/mem/big.bin": 256 * KIB,
        "/mem/flash2": 2 * M,
        "/mem/flash4": 4 * M,
    }

    def nic(rom: str) -> list[str]:
        return board("-device", f"e1000,romfile={rom}")

    def flash(*names: str, more: str = "") -> list[str]:
        return board(*[w for n in names for w in ("-drive", f"if=pflash,format=raw,file=/mem/{n}{more}")])

    small, big = "/mem/small.rom", "/mem/big.rom"
    pairs: list[tuple[str, Sequence[str], Sequence[str]]] = [
        ("rom-same", nic(small), nic(small)),
        ("rom-missing", nic(small), nic("")),
        ("rom-extra", nic(""), nic(small)),
        ("rom-bigger", nic(small), nic(big)),
        ("rom-smaller", nic(big), nic(small)),
        ("rom-size-given", nic(small + ",romsize=65536"), nic(big)),
        ("rom-without-bar", nic(small), nic(small + ",rombar=0")),
        ("bios-bigger", board("-bios", "/mem/small.bin"), board("-bios", "/mem/big.bin")),
        ("bios-smaller", board("-bios", "/mem/big.bin"), board("-bios", "/mem/small.bin")),
        ("bios-default", board(), board("-bios", "/mem/small.bin")),
        ("flash-same", flash("flash4"), flash("flash4")),
        ("flash-smaller", flash("flash4"), flash("flash2")),
        ("flash-bigger", flash("flash2"), flash("flash4")),
        ("flash-missing", flash("flash4"), board()),
        ("flash-extra", board(), flash("flash4")),
        ("flash-second-missing", flash("flash4", "flash2"), flash("flash4")),
        ("flash-read-only", flash("flash4", more=",readonly=on"), flash("flash4", more=",readonly=on")),
    ]
    for name, source, destination in pairs:
        used = {path: size for path, size in files.items() if path in " ".join([*source, *destination])}
        yield travel(f"layout/{name}", "precopy", source, destination, files=used, two_hosts=True)


def _hotplug() -> Iterator[Case]:
    def plug(number: int, kind: str = "ram", **more: object) -> list[Question]:
        backend = {"qom-type": f"memory-backend-{kind}", "id": f"m{number}", "size": 64 * M}
        device = {"driver": "pc-dimm", "id": f"d{number}", "memdev": f"m{number}", **more}
        return [
            {"execute": "object-add", "arguments": backend},
            {"execute": "device_add", "arguments": device},
        ]

    one, two = slots(*dimm(1)), slots(*dimm(1), *dimm(2))
    for way in ("precopy", "postcopy", "ignore-shared"):
        yield travel(f"hotplug/on-line-of-destination/{way}", way, slots(), one, prepare=plug(1))
        yield travel(f"hotplug/missing/{way}", way, slots(), slots(), prepare=plug(1))
        yield travel(
            f"hotplug/both/{way}", way, slots(), slots(), prepare=plug(1), prepare_destination=plug(1)
        )
    yield travel("hotplug/two", "precopy", slots(), two, prepare=[*plug(1), *plug(2)])
    yield travel("hotplug/two-other-order", "precopy", slots(), two, prepare=[*plug(2), *plug(1)])
    fixed = [*plug(2, slot=1, addr=(4 << 30) + 64 * M), *plug(1)]
    yield travel("hotplug/two-addresses-given", "precopy", slots(), two, prepare=fixed)
    yield travel("hotplug/only-backend", "precopy", slots(), slots(), prepare=plug(1)[:1])
    yield travel(
        "hotplug/only-backend-on-destination", "precopy", one, slots(), prepare_destination=plug(1)[:1]
    )
    yield travel("hotplug/without-slots", "precopy", board(), one, prepare=plug(1))
    unplug: list[Question] = [*plug(1), {"execute": "device_del", "arguments": {"id": "d1"}}]
    yield travel("hotplug/unplug-asked", "precopy", slots(), one, prepare=unplug)
