"""Migrations from one release to another: machine types that both know, and what their devices bring."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .migration_case import Case
from .migration_cases import board, memory, travel
from .migration_layouts import dimm, slots

__all__ = ["across_cases"]


def across_cases() -> Iterator[Case]:
    """The cases for two releases; what is written here runs in both directions."""
    for case in _cases():
        yield replace(case, id=f"across/{case.id}", across=True)


def _cases() -> Iterator[Case]:
    for machine in ("pc", "q35", "microvm", "isapc"):
        yield travel(f"no-version/{machine}", "precopy", board(machine=machine))
    for kind in ("i440fx", "q35"):
        for version in ("3.1", "4.0", "5.0", "6.2", "7.2", "8.2", "10.0"):
            machine = f"pc-{kind}-{version}"
            yield travel(f"type/{machine}/precopy", "precopy", board(machine=machine))
    ways = (
        "postcopy", "preempt", "multifd", "exec", "file", "mapped-ram", "mapped-ram-multifd",
        "background-snapshot",
    )
    for way in ways:
        yield travel(f"type/pc-i440fx-7.2/{way}", way, board(machine="pc-i440fx-7.2"))
    for kind in ("anon-shared", "memfd", "memfd-huge", "tmpfs-shared", "tmpfs-private", "disk-shared"):
        for way in ("precopy", "postcopy", "ignore-shared"):
            yield travel(f"{kind}/{way}", way, board(machine="pc-i440fx-7.2", kind=kind))
    for kind in ("tmpfs-shared", "memfd", "anon"):
        yield travel(f"type-3.1/{kind}", "precopy", board(machine="pc-i440fx-3.1", kind=kind, name="mem0"))
    room = {"machine": "pc-i440fx-7.2"}
    guests = {
        "dimm": slots(*dimm(1), **room),
        "nvdimm": slots(*dimm(1, model="nvdimm"), machine="pc-i440fx-7.2,nvdimm=on"),
        "virtio-mem": slots(*dimm(1, model="virtio-mem-pci"), **room),
        "virtio-pmem": slots(*dimm(1, model="virtio-pmem-pci"), **room),
        "vga": board("-device", "VGA", **room),
        "virtio-vga": board("-device", "virtio-vga", **room),
        "e1000": board("-device", "e1000", **room),
        "e1000-without-rom": board("-device", "e1000,romfile=", **room),
        "virtio-net": board("-device", "virtio-net-pci", **room),
        "virtio-net-without-rom": board("-device", "virtio-net-pci,romfile=", **room),
        "balloon": board("-device", "virtio-balloon-pci", **room),
        "ivshmem": board(
            *memory("m1", "tmpfs-shared", 4), "-device", "ivshmem-plain,memdev=m1,master=on", **room
        ),
        "default-devices": ["-M", "pc-i440fx-7.2", "-m", "64M", "-net", "none"],
    }
    for name, argv in guests.items():
        yield travel(f"device/{name}", "precopy", argv)
    plain = board(**room)
    for capability in ("xbzrle", "return-path", "validate-uuid", "events", "release-ram", "zero-blocks"):
        yield Case(f"capability/{capability}", plain, plain, capabilities=(capability,))
