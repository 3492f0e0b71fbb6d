"""Migrations between all kinds of backing, in all modes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from .migration_case import Case

__all__ = ["BACKINGS", "backing_cases", "board", "memory"]

M = 1 << 20
SIZE = 64
# What -object memory-backend-KIND is told; {} is the id, which also names the file.
BACKINGS: Mapping[str, str] = {
    "anon": "ram",
    "anon-shared": "ram,share=on",
    "memfd": "memfd",
    "memfd-private": "memfd,share=off",
    "memfd-huge": "memfd,hugetlb=on,hugetlbsize=2M",
    "disk-shared": "file,mem-path=/mem/{},share=on",
    "disk-private": "file,mem-path=/mem/{},share=off",
    "tmpfs-shared": "file,mem-path=/dev/shm/{},share=on",
    "tmpfs-private": "file,mem-path=/dev/shm/{},share=off",
    "huge-shared": "file,mem-path=/dev/hugepages/{},share=on",
    "huge-private": "file,mem-path=/dev/hugepages/{},share=off",
}
# The ways in which it matters whether both sides map one file.
TWO_HOSTS = ("precopy", "postcopy", "postcopy-unused", "ignore-shared", "ignore-shared-exec", "mapped-ram")
# Kinds that differ in what the source tells about them.
SOURCES = ("anon", "anon-shared", "tmpfs-shared", "tmpfs-private", "huge-shared")
# How a guest's memory travels: mode, capabilities, transport (None: to a file).
WAYS: Mapping[str, tuple[str, tuple[str, ...], str]] = {
    "precopy": ("precopy", (), "unix"),
    "postcopy": ("postcopy", ("postcopy-ram",), "unix"),
    "postcopy-unused": ("precopy", ("postcopy-ram",), "unix"),
    "preempt": ("postcopy", ("postcopy-ram", "postcopy-preempt"), "unix"),
    "multifd": ("precopy", ("multifd",), "unix"),
    "ignore-shared": ("precopy", ("x-ignore-shared",), "unix"),
    "exec": ("precopy", (), "exec"),
    "file": ("precopy", (), "file"),
    "ignore-shared-exec": ("precopy", ("x-ignore-shared",), "exec"),
    "background-snapshot": ("background-snapshot", ("background-snapshot",), "exec"),
    "mapped-ram": ("precopy", ("mapped-ram",), "file"),
    "mapped-ram-multifd": ("precopy", ("mapped-ram", "multifd"), "file"),
}


def memory(name: str, kind: str, megabytes: int = SIZE) -> list[str]:
    """An -object of that kind.

    >>> memory("m1", "tmpfs-shared")
    ['-object', 'memory-backend-file,mem-path=/dev/shm/m1,share=on,id=m1,size=64M']
    """
    return ["-object", f"memory-backend-{BACKINGS[kind].format(name)},id={name},size={megabytes}M"]


def board(
    *words: str, kind: str = "", name: str = "pc.ram", machine: str = "pc", size: str = "64M"
) -> list[str]:
    """A bare board, whose RAM is of a kind of backing ("": the default).

    >>> board()
    ['-nodefaults', '-M', 'pc', '-m', '64M']
    """
    backend = [] if not kind else memory(name, kind, int(size.partition(",")[0].rstrip("M")))
    claimed = f",memory-backend={name}" if kind else ""
    return ["-nodefaults", "-M", machine + claimed, "-m", size, *backend, *words]


def travel(
    name: str, way: str, source: Sequence[str], destination: Sequence[str] | None = None, **more: object
) -> Case:
    """A case that goes one of the WAYS; a file is read by the same command line."""
    mode, usual, transport = WAYS[way]
    capabilities = (*usual, *more.pop("capabilities", ()))  # type: ignore[misc]
    same = source if destination is None else destination
    if "postcopy-ram" in capabilities and "path=" in " ".join(source) and not more.get("two_hosts"):
        # One file below both guests: who is first?
        more = {"tries": 3, **more}
    return Case(
        name,
        source,
        same if transport == "unix" or destination is not None else None,
        mode,
        capabilities,
        transport=transport,
        **more,  # type: ignore[arg-type]
    )


def backing_cases() -> Iterator[Case]:
    """Main memory of each kind in each way, then from some kinds to each other."""
    for way in WAYS:
        yield travel(f"default/{way}", way, board())
        for kind in BACKINGS:
            argv = board(kind=kind)
            yield travel(f"{kind}/{way}", way, argv)
            if "path" in BACKINGS[kind] and way in TWO_HOSTS:
                yield travel(f"{kind}/{way}/two-hosts", way, argv, two_hosts=True)
    for source in BACKINGS:
        for destination in BACKINGS:
            ways = ["postcopy", "ignore-shared"] if source in SOURCES else []
            if "anon" in (source, destination):
                ways.insert(0, "precopy")
            for way in ways if source != destination else ():
                yield travel(
                    f"{source}-to-{destination}/{way}",
                    way,
                    board(kind=source),
                    board(kind=destination),
                    two_hosts=way != "ignore-shared",
                )
    yield from _memory_devices()


def _dimm(kind: str) -> list[str]:
    return board(*memory("m1", kind), "-device", "pc-dimm,id=d1,memdev=m1", size="64M,slots=4,maxmem=1G")


def _nvdimm(kind: str) -> list[str]:
    return board(
        *memory("m1", kind),
        "-device",
        "nvdimm,id=d1,memdev=m1",
        machine="pc,nvdimm=on",
        size="64M,slots=4,maxmem=1G",
    )


def _virtio_pmem(kind: str) -> list[str]:
    return board(
        *memory("m1", kind), "-device", "virtio-pmem-pci,id=d1,memdev=m1", size="64M,slots=4,maxmem=1G"
    )


def _virtio_mem(kind: str) -> list[str]:
    return board(
        *memory("m1", kind),
        "-device",
        "virtio-mem-pci,id=d1,memdev=m1,requested-size=0",
        size="64M,slots=4,maxmem=1G",
    )


DEVICES: Mapping[str, Callable[[str], list[str]]] = {
    "dimm": _dimm,
    "nvdimm": _nvdimm,
    "virtio-pmem": _virtio_pmem,
    "virtio-mem": _virtio_mem,
}


def _memory_devices() -> Iterator[Case]:
    ways = ("precopy", "postcopy", "ignore-shared", "background-snapshot", "mapped-ram")
    kinds = ("anon", "memfd", "memfd-huge", "disk-shared", "tmpfs-shared")
    for device, make in DEVICES.items():
        for kind in kinds:
            for way in ways:
                yield travel(f"{device}/{kind}/{way}", way, make(kind))
            if "path" in BACKINGS[kind]:
                for way in ("precopy", "postcopy", "ignore-shared"):
                    yield travel(f"{device}/{kind}/{way}/two-hosts", way, make(kind), two_hosts=True)
