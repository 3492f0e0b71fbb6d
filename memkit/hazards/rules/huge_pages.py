"""Huge pages: pools that run dry, sizes that do not fit, pages of several sizes, locked memory."""

from __future__ import annotations

from collections.abc import Iterator

from memkit.hazards.mending import preallocate, set_property
from memkit.hazards.rule import Culprit, Rule
from memkit.hazards.scene import Scene
from memkit.memory.backend import Backend
from memkit.units import human

__all__ = ["RULES"]


def _partial(scene: Scene, implicit: bool) -> Iterator[Culprit]:
    """Backends whose last page is a part of one."""
    for backend in scene.mapped:
        if backend.huge and backend.implicit == implicit and backend.size % backend.page_size:
            yield scene.blame(
                backend, f"{human(backend.size)} of {backend.id} end inside a page of "
                         f"{human(backend.page_size)}."
            )


def _free_pages(scene: Scene, page: int) -> int | None:
    """The free huge pages of this size; None if the host does not tell."""
    pools = [m for m in scene.host.mounts.values() if m.fs == "hugetlbfs" and m.page_size == page]
    return pools[0].free_pages if pools else 0


def _plugged_filled(scene: Scene, backend: Backend) -> bool:
    """True if only a virtio-mem device with prealloc=on shows ``backend``: it takes each page before use."""
    shown = list(scene.shown_by(backend))
    return bool(shown) and all(
        spec.driver.startswith("virtio-mem") and spec.props.get("prealloc") in ("on", "true", "yes", True)
        for spec in shown
    )


def _unreserved(scene: Scene) -> Iterator[Culprit]:
    huge = [backend for backend in scene.mapped if backend.huge]
    for backend in huge:
        free = _free_pages(scene, backend.page_size)
        if backend.reserve or backend.prealloc or free is None or _plugged_filled(scene, backend):
            continue
        needed = sum(-(-b.size // b.page_size) for b in huge if b.page_size == backend.page_size)
        if needed > free:
            yield scene.blame(
                backend,
                f"{backend.id} is not reserved, and the guest may use {needed} pages of "
                f"{human(backend.page_size)} where {free} are free.",
            )


def _untouched(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.mapped:
        if backend.huge and backend.reserve and not backend.prealloc:
            yield scene.blame(
                backend, f"{backend.id} has its huge pages reserved, but takes them only when touched."
            )


def _poisoned(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.mapped:
        if backend.huge:
            yield scene.blame(
                backend,
                f"One bad cell takes {human(backend.page_size)} out of {backend.id}, not {human(4096)}.",
            )


def _size_unused(scene: Scene) -> Iterator[Culprit]:
    for spec in scene.objects_of("memory-backend-memfd"):
        if spec.props.get("hugetlbsize") and not spec.props.get("hugetlb"):
            yield Culprit(
                f"{spec.id} has hugetlbsize={human(spec.props['hugetlbsize'])} and pages of "
                f"{human(scene.host.page_size)}: hugetlb=on is missing.",
                (spec.id,), (spec.option,),
            )


def _mixed(scene: Scene) -> Iterator[Culprit]:
    pages: dict[int, list[str]] = {}
    for backend in scene.ram:
        pages.setdefault(backend.page_size, []).append(backend.id)
    if len(pages) > 1:
        told = [f"{human(page)} ({', '.join(names)})" for page, names in sorted(pages.items())]
        names = tuple(name for group in pages.values() for name in group)
        yield Culprit(f"This guest's RAM has pages of {' and '.join(told)}.", names)


def _all_locked(scene: Scene) -> bool:
    """True if every page is locked at once; mem-lock=on-fault waits until it is used."""
    return scene.config is not None and scene.config.merged("overcommit").get("mem-lock") != "on-fault"


def _locked(scene: Scene) -> Iterator[Culprit]:
    option = scene.config.last("overcommit") if scene.config else None
    if option and _all_locked(scene):
        total = sum(block.used_length for block in scene.guest.ram_blocks if block.purpose == "ram")
        yield Culprit(
            f"-overcommit mem-lock=on locks all that QEMU maps, more than the {human(total)} of RAM.",
            ("-overcommit",), (option,),
        )


def _locked_sparse(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.mapped:
        if not backend.reserve and _all_locked(scene):
            yield scene.blame(
                backend, f"All {human(backend.size)} of {backend.id} are filled at start, reserve=off or not."
            )


_MEMFD = "-m 256M -M memory-backend=f -object memory-backend-memfd,id=f,size=256M"
_TWO_NODES = "-object memory-backend-ram,id=b,size=128M -numa node,memdev=a -numa node,memdev=b -m 256M"

RULES = (
    Rule(
        "hugetlb-file-size-unaligned", "The size is no multiple of the huge page", "surprise",
        ("hugetlb", "backend-file"),
        "QEMU rounds the mapping up, but the RAMBlock keeps its odd length, and its last page is used in "
        "part. QEMU 9.1 refuses such a size.",
        "round size= to the huge page size",
        ("softmmu/physmem.c: file_ram_alloc, 7.2",
         "backends/hostmem.c: host_memory_backend_memory_complete, 9.1"),
        lambda scene: _partial(scene, implicit=False),
        example="-object memory-backend-file,id=f,size=3M,mem-path=/dev/hugepages,share=on "
                "-m 67M -object memory-backend-ram,id=r,size=64M -numa node,memdev=r -numa node,memdev=f",
        innocent="-object memory-backend-file,id=f,size=4M,mem-path=/dev/hugepages,share=on "
                 "-device ivshmem-plain,memdev=f",
        since="2.1", until="9.1",
    ),
    Rule(
        "mem-path-hugetlb-odd-m", "This -m does not start any more with QEMU 9.1", "surprise",
        ("hugetlb", "mem-path"),
        "-m is no multiple of the huge page. Before 9.1 the last page was used in part; since then the "
        "backend that QEMU makes for -mem-path is checked like any other.",
        "make -m a multiple of the huge page size",
        ("hw/core/machine.c: create_default_memdev, 7.2",
         "backends/hostmem.c: host_memory_backend_memory_complete, 9.1"),
        lambda scene: _partial(scene, implicit=True),
        example="-m 63M -mem-path /dev/hugepages", innocent="-m 64M -mem-path /dev/hugepages", until="9.1",
    ),
    Rule(
        "hugetlb-reserve-off-sigbus", "More huge pages than the pool has, found out late", "data-loss",
        ("hugetlb", "reserve-off"),
        "Huge pages are usually reserved at mmap, so that a pool that is too small refuses at once. "
        "reserve=off skips this, and the guest dies by SIGBUS at the first page that is not there.",
        "leave reserve=off to virtio-mem, with prealloc=on on the device",
        ("util/mmap-alloc.c: map_noreserve_effective, 7.2",),
        _unreserved,
        example="-m 2G -M memory-backend=f -object memory-backend-memfd,id=f,size=2G,hugetlb=on,reserve=off",
        innocent="-m 256M,maxmem=4G -object memory-backend-memfd,id=f,size=2G,hugetlb=on,reserve=off "
                 "-device virtio-mem-pci,memdev=f,prealloc=on",
        since="6.1",
    ),
    Rule(
        "hugetlb-reserved-not-allocated-cgroup", "Reserved huge pages are not yet taken", "surprise",
        ("hugetlb",),
        "The reservation counts the whole pool. A limit of the cgroup (hugetlb.SIZE.max) and policy=bind are "
        "looked at when a page is touched, and the guest dies by SIGBUS if there is none.",
        "add prealloc=on, or limit reservations (hugetlb.SIZE.rsvd.max)",
        ("util/oslib-posix.c: qemu_prealloc_mem, 7.2",
         "Linux: Documentation/admin-guide/cgroup-v1/hugetlb.rst, 6.1"),
        _untouched,
        example=f"{_MEMFD},hugetlb=on", innocent=f"{_MEMFD},hugetlb=on,prealloc=on", mend=preallocate,
    ),
    Rule(
        "hwpoison-hugetlb-loses-whole-page", "One bad cell loses a huge page", "data-loss",
        ("hugetlb", "memory-failure"),
        "The kernel takes a whole huge page away when one of its cells fails. At the next reset QEMU "
        "replaces the page; before 10.0 it tried that for 4 KiB, which huge pages do not allow, and ended.",
        "restart the guest soon; prefer the smaller of the host's huge pages",
        ("softmmu/physmem.c: qemu_ram_remap, 7.2", "system/physmem.c: qemu_ram_remap, 10.0"),
        _poisoned,
        example=f"{_MEMFD},hugetlb=on", innocent=_MEMFD, operations=("memory-failure",),
        architectures=("x86_64", "i386", "aarch64"),
    ),
    Rule(
        "memfd-hugetlbsize-without-hugetlb", "Ordinary pages in spite of hugetlbsize=", "silent-misbehaviour",
        ("backend-memfd",),
        "hugetlbsize= only chooses among huge pages, and hugetlb=on asks for them. Without it QEMU takes "
        "ordinary pages and says nothing.",
        "add hugetlb=on",
        ("util/memfd.c: qemu_memfd_create, 7.2",),
        _size_unused,
        example=f"{_MEMFD},hugetlbsize=2M", innocent=f"{_MEMFD},hugetlb=on,hugetlbsize=2M",
        mend=set_property(hugetlb="on"), since="2.12",
    ),
    Rule(
        "mixed-page-sizes-one-vm", "RAM with pages of several sizes", "surprise",
        ("hugetlb",),
        "The page size belongs to the RAMBlock, so each backend brings its own. What speaks of the pages of "
        "a guest, such as postcopy, must know it for each block.",
        "give all backends the same kind of memory, or read PSize in info ramblock",
        ("softmmu/physmem.c: ram_block_format, 7.2",),
        _mixed,
        example=f"-object memory-backend-file,id=a,size=128M,mem-path=/dev/hugepages {_TWO_NODES}",
        innocent=f"-object memory-backend-ram,id=a,size=128M {_TWO_NODES}", since="2.1",
    ),
    Rule(
        "mem-lock-overcommit", "Locked memory is more than guest RAM", "surprise",
        ("mem-lock",),
        "QEMU locks everything that it has mapped and will map: program, libraries, stacks and caches, too. "
        "A limit that fits the guest's RAM is too low for that.",
        "raise the limit (RLIMIT_MEMLOCK) well above RAM; since 10.0 mem-lock=on-fault locks what is used",
        ("os-posix.c: os_mlock, 7.2", "os-posix.c: os_mlock, 10.0"),
        _locked,
        example="-m 256M -overcommit mem-lock=on", innocent="-m 256M -overcommit cpu-pm=on", since="3.0",
    ),
    Rule(
        "mem-lock-reserve-off", "Locking fills what was to stay empty", "performance",
        ("mem-lock", "reserve-off"),
        "Locked memory is in RAM at once, every page of it. A large backend with reserve=off, made to be "
        "used bit by bit, is filled at start.",
        "use mem-lock=on-fault (since 10.0), or lock nothing",
        ("os-posix.c: os_mlock, 7.2",),
        _locked_sparse,
        example=f"{_MEMFD},reserve=off -overcommit mem-lock=on", innocent=f"{_MEMFD},reserve=off",
        mend=set_property(reserve=None), since="6.1",
    ),
)
