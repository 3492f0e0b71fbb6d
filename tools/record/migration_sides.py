"""Migrations whose sides do not agree on capabilities and parameters, and files that come to harm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .migration_case import Case
from .migration_cases import M, board, memory, travel
from .migration_layouts import SLOTS, dimm, slots

__all__ = ["side_cases"]

CAPABILITIES = (
    "xbzrle",
    "rdma-pin-all",
    "auto-converge",
    "zero-blocks",
    "compress",
    "events",
    "postcopy-ram",
    "x-colo",
    "release-ram",
    "block",
    "return-path",
    "multifd",
    "dirty-bitmaps",
    "postcopy-blocktime",
    "late-block-activate",
    "x-ignore-shared",
    "validate-uuid",
    "background-snapshot",
    "zero-copy-send",
    "postcopy-preempt",
    "switchover-ack",
    "dirty-limit",
    "mapped-ram",
)
# Sets that need each other, or that were allowed together for some time.
TOGETHER = (
    ("multifd", "xbzrle"),
    ("multifd", "compress"),
    ("multifd", "auto-converge"),
    ("multifd", "x-ignore-shared"),
    ("multifd", "release-ram"),
    ("multifd", "zero-copy-send"),
    ("multifd", "return-path"),
    ("postcopy-ram", "release-ram"),
    ("postcopy-ram", "multifd"),
    ("postcopy-ram", "postcopy-blocktime"),
    ("postcopy-ram", "auto-converge"),
    ("postcopy-ram", "xbzrle"),
    ("postcopy-ram", "compress"),
    ("postcopy-ram", "x-ignore-shared"),
    ("postcopy-ram", "return-path"),
    ("postcopy-ram", "zero-blocks"),
    ("postcopy-ram", "postcopy-preempt", "multifd"),
    ("postcopy-ram", "postcopy-preempt", "release-ram"),
    ("xbzrle", "compress"),
    ("return-path", "switchover-ack"),
    ("x-ignore-shared", "release-ram"),
)


def side_cases() -> Iterator[Case]:
    """Each capability on both sides and on one; sets; parameters; streams that fit no file; harm to files."""
    plain = board()
    for name in CAPABILITIES:
        for side, source, destination in (
            ("both", (name,), None),
            ("source", (name,), ()),
            ("destination", (), (name,)),
        ):
            yield Case(
                f"sides/{name}/{side}",
                plain,
                plain,
                capabilities=source,
                destination_capabilities=destination,
            )
    for names in TOGETHER:
        mode = "postcopy" if "postcopy-ram" in names else "precopy"
        tries = 3 if {"postcopy-ram", "multifd"} <= set(names) else 1
        yield Case(f"together/{'+'.join(names)}", plain, plain, mode, names, tries=tries)
        if mode == "postcopy":
            yield Case(f"together/{'+'.join(names)}/unused", plain, plain, "precopy", names)
    yield from _one_sided()
    yield from _parameters()
    yield from _streams()
    yield from _files()
    yield from _page_sizes()


def _one_sided() -> Iterator[Case]:
    plain = board()
    post, preempt = ("postcopy-ram",), ("postcopy-ram", "postcopy-preempt")
    for name, source, destination in (
        ("postcopy/source", post, ()),
        ("postcopy/destination", (), post),
        ("postcopy/none", (), ()),
        ("preempt/source", preempt, post),
        ("preempt/destination", post, preempt),
        ("release-ram/source", ("postcopy-ram", "release-ram"), post),
    ):
        yield Case(f"one-sided/{name}", plain, plain, "postcopy", source, destination)
    for kind in ("anon", "memfd", "disk-shared", "disk-private", "tmpfs-shared"):
        argv = board(kind=kind)
        yield Case(
            f"one-sided/x-ignore-shared/source/{kind}",
            argv,
            argv,
            capabilities=("x-ignore-shared",),
            destination_capabilities=(),
        )
        yield Case(
            f"one-sided/x-ignore-shared/destination/{kind}",
            argv,
            argv,
            destination_capabilities=("x-ignore-shared",),
        )


def _parameters() -> Iterator[Case]:
    plain = board()
    multifd = ("multifd",)
    table: tuple[tuple[str, Mapping[str, Any], Mapping[str, Any] | None], ...] = (
        ("channels", {"multifd-channels": 2}, {"multifd-channels": 4}),
        ("channels-fewer", {"multifd-channels": 4}, {"multifd-channels": 2}),
        ("channels-many", {"multifd-channels": 16}, None),
        ("zlib", {"multifd-compression": "zlib"}, None),
        ("zstd", {"multifd-compression": "zstd"}, None),
        ("zlib-source", {"multifd-compression": "zlib"}, {}),
        ("zlib-destination", {}, {"multifd-compression": "zlib"}),
        ("zlib-to-zstd", {"multifd-compression": "zlib"}, {"multifd-compression": "zstd"}),
        ("zero-page-legacy", {"zero-page-detection": "legacy"}, None),
        ("zero-page-none", {"zero-page-detection": "none"}, None),
    )
    for name, source, destination in table:
        yield Case(
            f"parameters/multifd/{name}",
            plain,
            plain,
            capabilities=multifd,
            parameters=source,
            destination_parameters=destination,
        )
    for name, values in (
        ("zero-page-none", {"zero-page-detection": "none"}),
        ("downtime-0", {"downtime-limit": 0}),
        ("downtime-too-long", {"downtime-limit": 3_000_000}),
        ("mode-normal", {"mode": "normal"}),
        ("mode-cpr-reboot", {"mode": "cpr-reboot"}),
        ("mode-cpr-transfer", {"mode": "cpr-transfer"}),
    ):
        yield Case(f"parameters/{name}", plain, plain, parameters=values)


def _streams() -> Iterator[Case]:
    plain = board()
    yield travel("stream/mapped-ram-exec", "exec", plain, capabilities=("mapped-ram",))
    yield Case("stream/mapped-ram-unix", plain, plain, capabilities=("mapped-ram",))
    for names in (
        ("mapped-ram", "x-ignore-shared"),
        ("mapped-ram", "postcopy-ram"),
        ("mapped-ram", "xbzrle"),
        ("mapped-ram", "release-ram"),
        ("multifd",),
        ("postcopy-ram",),
        ("mapped-ram", "background-snapshot"),
    ):
        yield Case(f"stream/file/{'+'.join(names)}", plain, None, capabilities=names, transport="file")
        yield Case(f"stream/exec/{'+'.join(names)}", plain, None, capabilities=names, transport="exec")
    for names, other in (
        (("mapped-ram",), ()),
        ((), ("mapped-ram",)),
        (("mapped-ram", "multifd"), ("mapped-ram",)),
        (("mapped-ram",), ("mapped-ram", "multifd")),
    ):
        yield Case(
            f"stream/file/{'+'.join(names) or 'none'}/read-with/{'+'.join(other) or 'none'}",
            plain,
            None,
            capabilities=names,
            destination_capabilities=other,
            transport="file",
        )
    direct = {"direct-io": True}
    for names in ((), ("mapped-ram",), ("mapped-ram", "multifd")):
        yield Case(
            f"stream/direct-io/{'+'.join(names) or 'plain'}",
            plain,
            None,
            capabilities=names,
            parameters=direct,
            transport="file",
        )
    yield Case("stream/postcopy/file", plain, None, "postcopy", ("postcopy-ram",), transport="file")
    yield Case("stream/postcopy/exec", plain, None, "postcopy", ("postcopy-ram",), transport="exec")
    snapshot = ("background-snapshot",)
    yield Case("stream/background-snapshot/unix", plain, plain, "background-snapshot", snapshot, ())
    yield Case(
        "stream/background-snapshot/file", plain, None, "background-snapshot", snapshot, transport="file"
    )
    for kind in ("anon", "memfd", "tmpfs-shared", "tmpfs-private", "disk-shared", "huge-shared"):
        argv = board(kind=kind)
        reboot = {"mode": "cpr-reboot"}
        yield Case(f"cpr-reboot/{kind}", argv, None, parameters=reboot, transport="file")
        yield Case(
            f"cpr-reboot/{kind}/x-ignore-shared",
            argv,
            None,
            capabilities=("x-ignore-shared",),
            parameters=reboot,
            transport="file",
        )
    for names in (("postcopy-ram",), ("multifd",), ("background-snapshot",), ("x-colo", "return-path")):
        yield Case(
            f"cpr-reboot/with/{'+'.join(names)}",
            plain,
            None,
            capabilities=names,
            parameters={"mode": "cpr-reboot"},
            transport="file",
        )


def _files() -> Iterator[Case]:
    """Files that hold something before: templates of private memory, contents of an nvdimm."""
    for kind in (
        "disk-private",
        "tmpfs-private",
        "huge-private",
        "disk-shared",
        "tmpfs-shared",
        "huge-shared",
    ):
        argv = board(kind=kind)
        path = next(w.partition("mem-path=")[2].partition(",")[0] for w in argv if "mem-path=" in w)
        files = {path: 64 * M}
        for way in ("precopy", "postcopy-unused", "postcopy", "ignore-shared"):
            yield travel(f"template/{kind}/{way}", way, board(kind="anon"), argv, files=files, two_hosts=True)
    for model, machine in (("nvdimm", "pc,nvdimm=on"), ("virtio-pmem-pci", "pc"), ("pc-dimm", "pc")):
        for kind in ("disk-shared", "disk-private", "tmpfs-shared"):
            argv = slots(*dimm(1, kind, model=model), machine=machine)
            files = {"/mem/m1" if "disk" in kind else "/dev/shm/m1": 64 * M}
            for way in ("precopy", "ignore-shared"):
                yield travel(f"contents/{model}/{kind}/{way}", way, argv, files=files, two_hosts=True)
                yield travel(f"contents/{model}/{kind}/{way}/one-host", way, argv, files=files)
    yield from _read_only()


def _read_only() -> Iterator[Case]:
    files = {"/mem/m1": 64 * M}
    backend = "memory-backend-file,id=m1,size=64M,mem-path=/mem/m1"

    def nvdimm(more: str, device: str) -> list[str]:
        return board(
            "-object",
            backend + more,
            "-device",
            f"nvdimm,id=d1,memdev=m1{device}",
            machine="pc,nvdimm=on",
            size=SLOTS,
        )

    sticks = {
        "writable": nvdimm(",share=on", ""),
        "unarmed": nvdimm(",share=on", ",unarmed=on"),
        "read-only": nvdimm(",share=on,readonly=on", ",unarmed=on"),
        "read-only-private": nvdimm(",share=off,readonly=on", ",unarmed=on"),
        "pmem": nvdimm(",share=on,pmem=on", ""),
    }
    for left, right in (
        ("read-only", "read-only"),
        ("writable", "read-only"),
        ("read-only", "writable"),
        ("unarmed", "unarmed"),
        ("read-only-private", "read-only-private"),
        ("writable", "read-only-private"),
        ("pmem", "pmem"),
        ("writable", "unarmed"),
    ):
        for two in (False, True):
            hosts = "/two-hosts" if two else ""
            for way in ("precopy", "ignore-shared"):
                yield travel(
                    f"read-only/{left}-to-{right}/{way}{hosts}",
                    way,
                    sticks[left],
                    sticks[right],
                    files=files,
                    two_hosts=two,
                )
    main = "memory-backend-file,id=pc.ram,size=64M,mem-path=/mem/m1,share=off,readonly=on"
    for more in ("", ",rom=off", ",rom=on"):
        argv = ["-nodefaults", "-M", "pc,memory-backend=pc.ram", "-m", "64M", "-object", main + more]
        yield travel(
            f"read-only/main{more.replace(',', '/')}", "precopy", board(kind="anon"), argv, files=files
        )


def _page_sizes() -> Iterator[Case]:
    """Small pages and huge ones, and lengths that are no multiple of them."""
    for kind in ("memfd-huge", "huge-shared", "anon"):
        odd = slots(*memory("m1", kind, 63), "-device", "pc-dimm,id=d1,memdev=m1")
        for way in ("precopy", "postcopy"):
            yield travel(f"odd-size/{kind}/{way}", way, odd, two_hosts=True)
    odd_boards = {
        "mem-path": board("-mem-path", "/dev/hugepages", size="63M"),
        "default": board(size="63M"),
        "huge-shared": board(kind="huge-shared", size="63M"),
    }
    for name, argv in odd_boards.items():
        for way in ("precopy", "postcopy", "background-snapshot", "ignore-shared"):
            yield travel(f"odd-size/main/{name}/{way}", way, argv, two_hosts="snapshot" not in way)
    paths = {
        "huge": ["-mem-path", "/dev/hugepages"],
        "disk": ["-mem-path", "/mem"],
        "tmpfs": ["-mem-path", "/dev/shm"],
    }
    for name, words in paths.items():
        for way in ("precopy", "postcopy", "ignore-shared", "background-snapshot"):
            yield travel(f"mem-path/{name}/{way}", way, board(*words))
            if way != "background-snapshot":
                yield travel(f"mem-path/to-{name}/{way}", way, board(), board(*words))
                yield travel(f"mem-path/from-{name}/{way}", way, board(*words), board())
    for side in ("source", "destination"):
        sides = [board("-overcommit", "mem-lock=on"), board()]
        if side == "destination":
            sides.reverse()
        for way in ("precopy", "postcopy", "background-snapshot"):
            yield travel(f"mem-lock/{side}/{way}", way, sides[0], None if "snapshot" in way else sides[1])
    for kind in ("disk-shared", "disk-private", "tmpfs-shared", "huge-shared"):
        for way in ("postcopy", "background-snapshot", "ignore-shared"):
            yield travel(f"unused/{kind}/{way}", way, board(*memory("x", kind)))
    for kind in ("anon", "memfd-huge", "tmpfs-shared", "huge-private"):
        argv = board(kind=kind)
        more = [w + ",prealloc=on" if w.startswith("memory-backend-") else w for w in argv]
        for way in ("precopy", "postcopy", "background-snapshot"):
            yield travel(f"prealloc/{kind}/{way}", way, more, two_hosts="path=" in argv[-1])
