"""Memory backends come to life: ``-object memory-backend-*`` and the machine's own.

Each allocates a RAMBlock, nameless until a frontend takes it.  What the host offers (file
systems, existing files, huge page pools) decides the page size and many refusals.

Source: backends/hostmem.c, hostmem-ram.c, hostmem-file.c, hostmem-memfd.c, user_creatable_add_type in
qom/object_interfaces.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memkit.boards.build import Build, Memdev
from memkit.boards.host_memory import open_file, open_memfd
from memkit.boards.refusals import refuse
from memkit.config import ObjectSpec, Option
from memkit.config.qdict import hash_order
from memkit.config.qemuopts import well_formed_id
from memkit.errors import Refused
from memkit.memory.backend import Backend
from memkit.memory.region import MemoryRegion
from memkit.units import human

__all__ = ["check_objects", "check_types", "create_backends", "create_default_backend"]

MAX_NODES = 128
# An object type that only hosts with SGX have.
_SGX = "memory-backend-epc"
# Types of other targets and builds than Debian's for x86.
_NOT_BUILT = frozenset(("cryptodev-backend-lkcf", "pef-guest", "s390-pv-guest", "x-vfio-user-server"))
# These come with KVM: the architecture of the host that has them (meson.build in hw/s390x, hw/ppc).
_WITH_KVM = {"s390-pv-guest": ("s390x", "s390x")}
_SHARED = ("memory-backend-memfd", "memory-backend-shm")
# Objects that wait for character devices and networks (object_create_initial, softmmu/vl.c).
_LATE = frozenset(("colo-compare", "cryptodev-vhost-user", "rng-egd", "vhost-user-blk-server"))


def create_backends(build: Build) -> None:
    """Make the objects of ``-object`` in their order, behind accelerator and networks; raises Refused."""
    if build.qemu.typed_objects:
        for spec in build.config.objects:
            if not spec.qom_type.startswith("memory-backend-"):
                build.object_types[spec.id] = spec.qom_type
    for spec in build.config.objects:
        if spec.qom_type.startswith("memory-backend-"):
            try:
                _create(build, spec)
            except Refused as refused:
                raise _placed(build, spec, refused) from None
        elif spec.fault is not None and _is_late(spec):
            raise spec.fault


def check_types(build: Build) -> None:
    """Raise Refused for an object that this program was built without, though it knows the name."""
    for spec in build.config.objects:
        if spec.qom_type in _NOT_BUILT:
            here = (build.machine.target, build.host.arch)
            if _WITH_KVM.get(spec.qom_type) != here:
                raise refuse("object-type", spec.option, type=spec.qom_type)
        for name in ("loaded", "opened"):
            if name in spec.props:
                raise refuse("object-fixed", spec.option, type=spec.qom_type, name=name)


def check_objects(build: Build) -> None:
    """Make what is no backend and needs none, first of all; raises Refused where the object itself does.

    Before 6.0 only (object_create_initial, softmmu/vl.c).
    """
    for spec in build.config.objects:
        if _is_late(spec):
            continue
        if spec.fault is not None:
            raise spec.fault
        build.object_types[spec.id] = spec.qom_type


def _is_late(spec: ObjectSpec) -> bool:
    return spec.qom_type in _LATE or spec.qom_type.startswith(("memory-backend-", "filter-"))


def create_default_backend(build: Build, name: str, size: int, mem_path: str | None) -> Memdev:
    """The backend that the machine makes for ``-m`` (create_default_memdev, hw/core/machine.c)."""
    kind = "memory-backend-ram" if mem_path is None else "memory-backend-file"
    props: dict[str, Any] = {"size": size, "x-use-canonical-path-for-ramblock-id": False}
    if mem_path is not None:
        props["mem-path"] = mem_path
    return _make(build, kind, name, props, None, implicit=True)


def _placed(build: Build, spec: ObjectSpec, refused: Refused) -> Refused:
    if not build.qemu.typed_objects and not refused.located:
        # Where the option itself is turned into the object, its place is told.
        refused.located = True
        refused.message = f"{spec.option.text}: {refused.message}"
    return refused


def _create(build: Build, spec: ObjectSpec) -> None:
    if spec.fault is not None:
        _check_properties(build, spec.qom_type, spec.props, spec.option)
        raise spec.fault
    if not well_formed_id(spec.id):
        # Only JSON gets here; QemuOpts are checked in the option loop.
        raise refuse("object-id", spec.option, name=spec.id)
    if spec.qom_type == _SGX:
        raise refuse("object-type", spec.option, type=_SGX)
    _make(build, spec.qom_type, spec.id, spec.props, spec.option, implicit=False)


def _check_properties(build: Build, kind: str, props: Mapping[str, Any], option: Option | None) -> None:
    """Raise Refused for what a property's setter refuses; they run in the order of QEMU's hash table."""
    if len(props) == 1 and props.get("size"):
        # Most say no more.
        return
    reserve, prealloc = True, build.config.flag("mem-prealloc")
    for name in hash_order(props):
        value = props[name]
        if name == "reserve":
            reserve = value
        elif name == "prealloc":
            prealloc = value
        elif name in ("size", "prealloc-threads") and value == 0:
            raise refuse("size-zero" if name == "size" else "prealloc-threads-zero", option, type=kind)
        elif name == "hugetlbsize" and value == 0:
            raise refuse("huge-zero", option, type=kind)
        elif name == "host-nodes":
            bad = next((n for n in value if n >= MAX_NODES), None)
            if bad is not None:
                raise refuse("host-node-limit", option, node=bad)
        elif name == "prealloc-context" and value:
            found = build.object_types.get(value.removeprefix("/objects/"))
            if found is None:
                raise refuse("object-link", option, name=value)
            if found != "thread-context":
                raise refuse("json-type", option, name=name, expected="thread-context")
        if name in ("reserve", "prealloc") and prealloc and not reserve:
            raise refuse("prealloc-reserve", option)


def _make(
    build: Build, kind: str, name: str, props: Mapping[str, Any], option: Option | None, *, implicit: bool
) -> Memdev:
    _check_properties(build, kind, props, option)
    get, machine, host_page = props.get, build.machine, build.host.page_size
    reserve = get("reserve", True)
    given = get("host-nodes")
    nodes = tuple(sorted(set(given))) if given else ()
    if name in build.object_types:
        raise refuse("duplicate-id", option, id=name)
    build.object_types[name] = kind
    size: int = props["size"]

    memfd = kind == "memory-backend-memfd"
    canonical = get("x-use-canonical-path-for-ramblock-id",
                    machine.facts.canonical_names and (memfd or kind == "memory-backend-file"))
    share = get("share", kind in _SHARED)
    # qemu_anon_ram_alloc asks for whole transparent huge pages, where the host's build says so.
    anonymous = build.anonymous_align
    page, align, filesystem, readonly = host_page, anonymous, "anonymous", False
    if kind == "memory-backend-file":
        opened, rom = get("readonly", False), get("rom", "auto")
        if rom == "on" and not opened:
            raise refuse("rom-writable", option)
        if rom == "off" and opened and share:
            raise refuse("ram-shared", option)
        readonly = opened and rom != "off"
        page, align, filesystem = open_file(
            build, f"/objects/{name}" if canonical else name, props, option, size, readonly=opened,
            reserve=reserve,
        )
    elif memfd:
        filesystem = "memfd"
        page = align = open_memfd(
            build, f"/objects/{name}" if canonical else name, props, option, size, reserve=reserve)
    elif kind == "memory-backend-shm":
        filesystem, align = "shm", page
        if not share:
            raise refuse("shm-private", option)
    if machine.accelerator == "kvm" and build.host.arch == "s390x":
        # Memory of files, too, begins at a segment there (file_ram_alloc, softmmu/physmem.c).
        align = max(align, anonymous)
    if size > (1 << 64) - host_page:
        raise refuse("size-wraps", option)
    if size >= build.address_limit:
        if kind == "memory-backend-ram":
            raise refuse("anonymous-memory", option, name=f"/objects/{name}" if canonical else name)
        raise refuse("cannot-map", option, error="Cannot allocate memory", advice="use a smaller size=")
    if build.qemu.whole_pages and filesystem not in ("anonymous", "shm") and size % page:
        raise refuse("partial-page", option, type=kind, page=human(page))
    policy = get("policy", "default")
    if nodes or policy != "default":
        _check_policy(build, policy, nodes, option)

    path = f"/objects/{name}"
    # By position, because a line can have hundreds: the fields in their order.
    backend = Backend(
        name, kind, size, page, share, get("merge", machine.flags.get("mem-merge", True)),
        get("dump", machine.flags.get("dump-guest-core", True)),
        get("prealloc", build.config.flag("mem-prealloc")), reserve, policy, nodes, get("mem-path"), align,
        readonly, get("pmem", False), get("hugetlb", False), get("seal", memfd), get("discard-data", False),
        filesystem, implicit, canonical, build.option_index(option), path,
    )
    region_name = path if canonical else name
    block = build.ram.allocate(
        -(-size // host_page) * host_page, page, "", region_name, path, "ram", backend, share, readonly
    )
    region = MemoryRegion(region_name, size, "ram", block, readonly=readonly, owner=path)
    memdev = Memdev(backend, block, region, align, option)
    build.memdevs[name] = memdev
    return memdev


def _check_policy(
    build: Build, policy: str, nodes: tuple[int, ...], option: Option | None
) -> None:
    if nodes and policy == "default":
        raise refuse("host-nodes-without-policy", option)
    if not nodes and policy != "default":
        raise refuse("policy-without-host-nodes", option, policy=policy)
    if nodes and not any(n < build.host.numa_nodes for n in nodes):
        raise refuse("bad-host-node", option)
