"""Memory backends come to life: ``-object memory-backend-*`` and the machine's own.

Each allocates a RAMBlock, nameless until a frontend takes it.  What the host offers (file
systems, existing files, huge page pools) decides the page size and many refusals.

Source: backends/hostmem.c, hostmem-ram.c, hostmem-file.c, hostmem-memfd.c, file_ram_open and
file_ram_alloc in softmmu/physmem.c, util/memfd.c (QEMU 7.2).
"""

from __future__ import annotations

from typing import Any

from memkit.boards.build import Build, Memdev
from memkit.boards.machine import set_accelerator
from memkit.boards.refusals import refuse
from memkit.config import ObjectSpec, Option
from memkit.memory.backend import Backend
from memkit.memory.region import MemoryRegion

__all__ = ["create_backends", "create_default_backend"]

# qemu_anon_ram_alloc asks for whole transparent huge pages (QEMU_VMALLOC_ALIGN, x86_64).
ANONYMOUS_ALIGN = 2 << 20
# Linux gives a process 47 bits of address space on x86_64.
HOST_ADDRESS_SPACE = (1 << 47) - (1 << 21)
MAX_NODES = 128
X86_HUGE_PAGES = (2 << 20, 1 << 30)
MFD_CLOEXEC, MFD_ALLOW_SEALING, MFD_HUGETLB, MFD_HUGE_SHIFT = 1, 2, 4, 26
_MAP_ADVICE = "use a smaller size=, or reserve more huge pages on the host"


def create_backends(build: Build) -> None:
    """Make the objects of ``-object`` in their order, once there is an accelerator; raises Refused."""
    set_accelerator(build.machine, build.config, build.host)
    build.warnings.extend(build.machine.warnings)
    for spec in build.config.objects:
        if not spec.qom_type.startswith("memory-backend-"):
            build.object_ids.add(spec.id)
    for spec in build.config.objects:
        if spec.qom_type.startswith("memory-backend-"):
            _create(build, spec)


def create_default_backend(build: Build, name: str, size: int, mem_path: str | None) -> Memdev:
    """The backend that the machine makes for ``-m`` (create_default_memdev, hw/core/machine.c)."""
    kind = "memory-backend-file" if mem_path else "memory-backend-ram"
    props: dict[str, Any] = {"size": size, "x-use-canonical-path-for-ramblock-id": False}
    if mem_path:
        props["mem-path"] = mem_path
    return _make(build, kind, name, props, None, implicit=True)


def _create(build: Build, spec: ObjectSpec) -> None:
    _make(build, spec.qom_type, spec.id, spec.props, spec.option, implicit=False)


def _make(
    build: Build, kind: str, name: str, props: Any, option: Option | None, *, implicit: bool
) -> Memdev:
    prealloc = bool(props.get("prealloc", build.config.flag("mem-prealloc")))
    reserve = bool(props.get("reserve", True))
    if prealloc and not reserve:
        raise refuse("prealloc-reserve", option)
    size = props.get("size")
    if size == 0:
        raise refuse("size-zero", option, type=kind)
    if props.get("prealloc-threads") == 0:
        raise refuse("prealloc-threads-zero", option, type=kind)
    nodes = tuple(sorted(set(props.get("host-nodes") or ())))
    if nodes and nodes[-1] >= MAX_NODES:
        bad = next(n for n in props["host-nodes"] if n >= MAX_NODES)
        raise refuse("host-node-limit", option, node=bad)
    if name in build.object_ids:
        raise refuse("duplicate-id", option, id=name)
    if size is None:
        raise refuse("no-size", option)
    build.object_ids.add(name)

    facts = build.machine.facts
    canonical = bool(props.get(
        "x-use-canonical-path-for-ramblock-id",
        facts.canonical_names and kind in ("memory-backend-file", "memory-backend-memfd"),
    ))
    share = bool(props.get("share", kind == "memory-backend-memfd"))
    page, align, filesystem, readonly = build.host.page_size, 0, "anonymous", False
    if kind == "memory-backend-file":
        readonly = bool(props.get("readonly", False))
        page, filesystem = _open_file(build, name, props, option, size, readonly, reserve)
        align = max(page, _checked_align(props.get("align", 0), page, option))
    elif kind == "memory-backend-memfd":
        filesystem = "memfd"
        if props.get("hugetlb", False):
            page = _huge_memfd(build, props, option, size, reserve)
        align = page
    else:
        align = ANONYMOUS_ALIGN
    if size >= HOST_ADDRESS_SPACE:
        if kind == "memory-backend-ram":
            raise refuse("anonymous-memory", option, name=f"/objects/{name}" if canonical else name)
        raise refuse("cannot-map", option, error="Cannot allocate memory", advice="use a smaller size=")
    _check_policy(build, props.get("policy", "default"), nodes, option)

    backend = Backend(
        id=name, type=kind, size=size, page_size=page, share=share,
        merge=bool(props.get("merge", build.machine.flags.get("mem-merge", True))),
        dump=bool(props.get("dump", build.machine.flags.get("dump-guest-core", True))),
        prealloc=prealloc, reserve=reserve, policy=props.get("policy", "default"), host_nodes=nodes,
        mem_path=props.get("mem-path"), align=align, readonly=readonly,
        pmem=bool(props.get("pmem", False)), hugetlb=bool(props.get("hugetlb", False)),
        seal=bool(props.get("seal", kind == "memory-backend-memfd")),
        discard_data=bool(props.get("discard-data", False)), filesystem=filesystem,
        implicit=implicit, canonical_path=canonical, option_index=build.option_index(option),
        path=f"/objects/{name}",
    )
    region_name = backend.path if canonical else name
    block = build.ram.allocate(
        -(-size // build.host.page_size) * build.host.page_size, page_size=page,
        region_name=region_name, owner=backend.path, backend=backend, shared=share,
        readonly=readonly,
    )
    region = MemoryRegion(region_name, size, "ram", block=block, readonly=readonly, owner=backend.path)
    memdev = Memdev(backend, block, region, align, option)
    build.memdevs[name] = memdev
    return memdev


def _checked_align(align: int, page: int, option: Option | None) -> int:
    if align % page:
        raise refuse("align-page", option, align=align, page=page)
    if align & (align - 1):
        raise refuse("align-power", option, align=align)
    return align


def _check_policy(
    build: Build, policy: str, nodes: tuple[int, ...], option: Option | None
) -> None:
    if nodes and policy == "default":
        raise refuse("host-nodes-without-policy", option)
    if not nodes and policy != "default":
        raise refuse("policy-without-host-nodes", option, policy=policy)
    if nodes and not any(n < build.host.numa_nodes for n in nodes):
        raise refuse("bad-host-node", option)


def _open_file(
    build: Build, name: str, props: Any, option: Option | None, size: int, readonly: bool,
    reserve: bool,
) -> tuple[int, str]:
    """The page size (bytes) and file system of a file backend; refuses as the host would."""
    host = build.host
    path = props.get("mem-path", "")
    mount = host.mount_of(path)
    page = mount.page_size if mount.fs == "hugetlbfs" and mount.page_size else host.page_size
    rounded = -(-size // host.page_size) * host.page_size
    known = build.created_files.get(path, host.file_size(path))
    if host.is_directory(path):
        if readonly:
            # open(2) gives a descriptor of the directory itself, which mmap refuses.
            raise refuse(
                "cannot-map", option, error="No such device",
                advice="name a file: readonly=on cannot make one in a directory",
            )
    elif known is None:
        if path.endswith("/") and host.can_create(path.rstrip("/")):
            raise refuse("cannot-open", option, path=path, error="Is a directory")
        if not path or not host.can_create(path):
            raise refuse("cannot-open", option, path=path, error=_why_not(build, path))
        build.created_files[path] = -(-rounded // page) * page
    elif 0 < known < rounded:
        raise refuse("file-too-small", option, file=known, size=rounded)
    if props.get("align", 0) or page != host.page_size:
        _checked_align(props.get("align", 0), page, option)
    if rounded < page:
        raise refuse("below-page", option, size=rounded, page=page)
    if page != host.page_size:
        _take_huge_pages(build, mount.page_size or page, mount.free_pages, rounded, reserve, option)
    return page, mount.fs


def _why_not(build: Build, path: str) -> str:
    parent = path.rpartition("/")[0]
    while parent:
        if build.host.file_size(parent) is not None:
            return "Not a directory"
        parent = parent.rpartition("/")[0]
    return "No such file or directory"


def _huge_memfd(
    build: Build, props: Any, option: Option | None, size: int, reserve: bool
) -> int:
    wanted = props.get("hugetlbsize", 0)
    if wanted & (wanted - 1):
        raise refuse("huge-power", option)
    sizes = build.host.huge_page_sizes
    page = int(wanted or 2 << 20)
    if page not in sizes and page not in X86_HUGE_PAGES:
        flags = MFD_CLOEXEC | MFD_HUGETLB | (MFD_ALLOW_SEALING if props.get("seal", True) else 0)
        flags |= (wanted.bit_length() - 1) << MFD_HUGE_SHIFT if wanted else 0
        known = ", ".join(f"{s >> 10}K" for s in sizes) or "none"
        raise refuse("memfd-create", option, flags=flags, error="No such device", known=known)
    if size % page:
        raise refuse("memfd-resize", option, size=size)
    # A size that the CPU knows but for which no page is reserved: the pool exists and is empty.
    pools = [m for m in build.host.mounts.values() if m.fs == "hugetlbfs" and m.page_size == page]
    _take_huge_pages(build, page, pools[0].free_pages if pools else 0, size, reserve, option)
    return page


def _take_huge_pages(
    build: Build, page: int, free: int | None, size: int, reserve: bool, option: Option | None
) -> None:
    # mmap reserves the pages of the pool at once, unless reserve=off asks it not to.
    left = build.huge_pages_left.setdefault(page, free if free is not None else 1 << 40)
    needed = -(-size // page)
    if reserve:
        if needed > left:
            raise refuse("cannot-map", option, error="Cannot allocate memory", advice=_MAP_ADVICE)
        build.huge_pages_left[page] = left - needed
