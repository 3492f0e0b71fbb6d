"""The features that combine into hazards: how each shows in a guest, and the shortest line that has it.

A feature is a fact about a guest (a private file backs its RAM) or an operation on it (postcopy).  Rules
name features; the atlas combines them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memkit.config import DeviceSpec
    from memkit.hazards.scene import Scene
    from memkit.memory.backend import Backend

__all__ = ["FEATURES", "OPERATIONS", "Feature", "on"]


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature: ``present`` gives the names of what has it, none if the guest lacks it.

    ``area`` groups features in pictures; ``line`` are the shortest words that bring it (QEMU 7.2, pc or
    q35), "" for an operation.
    """

    name: str
    title: str
    area: str
    present: Callable[[Scene], Iterable[str]]
    line: str = ""


def _backends(wanted: Callable[[Scene, Backend], bool]) -> Callable[[Scene], Iterable[str]]:
    """The ids of the mapped backends that are as wanted."""
    return lambda scene: tuple([b.id for b in scene.mapped if wanted(scene, b)])


def _drivers(*starts: str) -> Callable[[Scene], Iterable[str]]:
    """The ids (or drivers) of the devices whose driver starts like this."""
    return lambda scene: tuple([spec.id or spec.driver for spec in scene.drivers(*starts)])


def _confidential(*types: str) -> Callable[[Scene], Iterable[str]]:
    """The object of these types that protects the guest's memory."""
    def present(scene: Scene) -> Iterable[str]:
        spec = scene.confidential
        return (spec.id,) if spec is not None and spec.qom_type in types else ()

    return present


def on(spec: DeviceSpec, name: str) -> bool:
    """True if the line sets this property of a device to on."""
    return spec.props.get(name) in (True, "on", "true", "yes", "y")


def _devices(kind: str) -> Callable[[Scene], Iterable[str]]:
    """The memory devices of this kind."""
    return lambda scene: tuple([scene.name_of(d) for d in scene.guest.memory_devices if d.kind == kind])


def _option(name: str) -> Callable[[Scene], Iterable[str]]:
    return lambda scene: (f"-{name}",) if scene.config and scene.config.flag(name) else ()


def _property(name: str, *values: str) -> Callable[[Scene], Iterable[str]]:
    """The machine property, where it has one of ``values`` (or any)."""
    def present(scene: Scene) -> Iterable[str]:
        value = scene.machine.get(name)
        return (name,) if value is not None and (not values or value in values) else ()

    return present


def _operation(name: str) -> Callable[[Scene], Iterable[str]]:
    return lambda scene: (name,) if name in scene.operations else ()


def _operations(start: str) -> Callable[[Scene], Iterable[str]]:
    """The operations whose name starts like this: the modes of one."""
    return lambda scene: sorted([name for name in scene.operations if name.startswith(start)])


def _plain_file(scene: Scene, backend: Backend) -> bool:
    return backend.filesystem not in ("anonymous", "memfd", "tmpfs", "hugetlbfs")


# on-fault: since 10.0.
_LOCKS = ("on", "true", "yes", "y", "on-fault")


def _locked(scene: Scene) -> Iterable[str]:
    if scene.config is None or not scene.config.flag("overcommit"):
        return ()
    return ("-overcommit",) if scene.config.merged("overcommit").get("mem-lock") in _LOCKS else ()


def _above_4g(scene: Scene) -> Iterable[str]:
    blocks = [r.region.block for r in scene.guest.main_flat_view.ranges if r.start >= 4 << 30]
    return tuple(dict.fromkeys(b.idstr for b in blocks if b is not None and b.purpose == "ram"))


def _sized_nodes(scene: Scene) -> Iterable[str]:
    given = scene.config is not None and any(node.mem for node in scene.config.iter_numa())
    return tuple([f"node{node.id}" for node in scene.guest.numa if node.size]) if given else ()


def _flash(scene: Scene) -> Iterable[str]:
    return tuple([b.idstr for b in scene.guest.ram_blocks if b.purpose == "flash"])


def _undumped(scene: Scene) -> Iterable[str]:
    """What core files leave out: all memory, or backends."""
    if scene.machine.get("dump-guest-core") in ("off", "false", "no", "n"):
        return ("dump-guest-core",)
    return tuple([b.id for b in scene.mapped if not b.dump])


def _nvme(scene: Scene) -> Iterable[str]:
    if scene.config is None:
        return ()
    nodes = [b.node_name for b in scene.config.blockdevs if b.driver == "nvme"]
    return (*nodes, *(d.id or str(d.file) for d in scene.config.drives if str(d.file).startswith("nvme://")))


def _assigned(scene: Scene) -> Iterable[str]:
    """Devices that write to all RAM; Z's channels and crypto cards pin nothing (hw/vfio/ap.c, ccw.c)."""
    return tuple([spec.id or spec.driver for spec in scene.drivers("vfio-")
                  if spec.driver not in ("vfio-ap", "vfio-ccw")])


def _viommu(scene: Scene) -> Iterable[str]:
    """What translates for devices; pseries always does, and VFIO has a way of its own there."""
    drivers = ("intel-iommu", "amd-iommu", "virtio-iommu", "arm-smmuv3", "riscv-iommu")
    board = ("iommu",) if scene.machine.get("iommu") == "smmuv3" else ()
    return (*_drivers(*drivers)(scene), *board)


_F = Feature
_BACKING: tuple[Feature, ...] = (
    _F("backend-ram", "anonymous memory", "backing", _backends(lambda s, b: b.filesystem == "anonymous"),
       "-m 256M"),
    _F("backend-file", "memory in a file", "backing", _backends(lambda s, b: b.mem_path is not None),
       "-object memory-backend-file,id=f,size=256M,mem-path=/dev/shm/f -M memory-backend=f"),
    _F("disk-file", "memory in a file on a disk", "backing",
       _backends(lambda s, b: b.mem_path is not None and _plain_file(s, b)),
       "-object memory-backend-file,id=f,size=256M,mem-path=/var/tmp/f -M memory-backend=f"),
    _F("tmpfs", "memory in a tmpfs file", "backing", _backends(lambda s, b: b.filesystem == "tmpfs"),
       "-object memory-backend-file,id=f,size=256M,mem-path=/dev/shm/f -M memory-backend=f"),
    _F("backend-memfd", "memory in a memfd", "backing",
       _backends(lambda s, b: b.type == "memory-backend-memfd"),
       "-object memory-backend-memfd,id=f,size=256M -M memory-backend=f"),
    _F("hugetlb", "huge pages from a pool", "backing", _backends(lambda s, b: b.huge),
       "-object memory-backend-memfd,id=f,size=256M,hugetlb=on -M memory-backend=f"),
    _F("share-on", "memory mapped shared", "backing", _backends(lambda s, b: bool(b.share)),
       "-object memory-backend-memfd,id=f,size=256M,share=on -M memory-backend=f"),
    _F("share-off", "memory mapped privately", "backing", _backends(lambda s, b: b.share is False),
       "-object memory-backend-file,id=f,size=256M,mem-path=/dev/shm/f -M memory-backend=f"),
    _F("pmem-on", "persistent memory on the host (pmem=on)", "backing", _backends(lambda s, b: b.pmem)),
    _F("readonly", "a read-only file", "backing", _backends(lambda s, b: b.readonly)),
    _F("discard-data", "discard-data=on", "backing", _backends(lambda s, b: b.discard_data)),
    _F("prealloc", "memory filled at start", "backing", _backends(lambda s, b: b.prealloc)),
    _F("reserve-off", "memory without a reservation", "backing", _backends(lambda s, b: not b.reserve)),
    _F("host-numa-policy", "memory bound to host NUMA nodes", "backing",
       _backends(lambda s, b: b.policy != "default")),
    _F("merge-on", "memory offered to KSM", "backing", _backends(lambda s, b: b.merge)),
    _F("mem-lock", "all memory locked", "backing", _locked),
    _F("mem-path", "-mem-path", "backing", _option("mem-path"), "-mem-path /dev/shm"),
    _F("mem-prealloc", "-mem-prealloc", "backing", _option("mem-prealloc"), "-mem-prealloc"),
)


_GUEST: tuple[Feature, ...] = (
    _F("machine-memory-backend", "main RAM from a backend of the line", "guest", _property("memory-backend")),
    _F("maxmem", "room for memory devices", "guest",
       lambda s: ("-m",) if s.config and s.config.memory_options().maxmem else (),
       "-m 256M,slots=2,maxmem=1G"),
    _F("numa-memdev", "NUMA nodes with backends", "guest",
       lambda s: tuple([str(n.memdev) for n in s.guest.numa if n.memdev])),
    _F("pc-dimm", "a DIMM", "guest", _devices("dimm"),
       "-m 256M,slots=2,maxmem=1G -object memory-backend-ram,id=d,size=128M -device pc-dimm,memdev=d"),
    _F("nvdimm", "an NVDIMM", "guest", _devices("nvdimm"),
       "-M nvdimm=on -m 256M,slots=2,maxmem=1G "
       "-object memory-backend-file,id=n,size=128M,mem-path=/var/tmp/n -device nvdimm,memdev=n"),
    _F("virtio-mem", "virtio-mem", "guest", _devices("virtio-mem"),
       "-m 256M,maxmem=1G -object memory-backend-ram,id=v,size=512M -device virtio-mem-pci,memdev=v"),
    _F("virtio-pmem", "virtio-pmem", "guest", _devices("virtio-pmem"),
       "-m 256M,maxmem=1G -object memory-backend-file,id=p,size=128M,mem-path=/var/tmp/p,share=on "
       "-device virtio-pmem-pci,memdev=p"),
    _F("ivshmem", "memory shared between guests (ivshmem)", "guest", _drivers("ivshmem"),
       "-object memory-backend-ram,id=i,size=1M,share=on -device ivshmem-plain,memdev=i"),
    _F("cxl-type3", "CXL memory", "guest", _drivers("cxl-type3")),
    _F("pflash", "flash chips", "guest", _flash),
    _F("balloon", "virtio-balloon", "guest", _drivers("virtio-balloon"), "-device virtio-balloon-pci"),
    _F("vhost-user", "a vhost-user device", "guest", lambda s: s.vhost_user,
       "-chardev socket,id=c,path=/tmp/c -device vhost-user-blk-pci,chardev=c"),
    _F("vfio", "a VFIO device", "guest", _assigned),
    _F("viommu", "an IOMMU for the guest", "guest", _viommu, "-M q35 -device intel-iommu"),
    _F("vhost-vdpa", "a vhost-vdpa device", "guest",
       lambda s: (*s.networks("vhost-vdpa"), *_drivers("vhost-vdpa")(s))),
    _F("virtiofs", "a shared directory (vhost-user-fs)", "guest", _drivers("vhost-user-fs"),
       "-chardev socket,id=c,path=/tmp/c -device vhost-user-fs-pci,chardev=c,tag=t"),
    _F("userspace-nvme", "a disk by QEMU's own NVMe driver", "guest", _nvme),
    _F("free-page-reporting", "a guest that reports free pages", "guest",
       lambda s: tuple(
           [d.id or d.driver for d in s.drivers("virtio-balloon") if on(d, "free-page-reporting")]
       ),
       "-device virtio-balloon-pci,free-page-reporting=on"),
    _F("nvdimm-label", "an NVDIMM with a label area", "guest",
       lambda s: tuple([d.id or d.driver for d in s.drivers("nvdimm") if d.props.get("label-size")])),
    _F("nvdimm-persistence", "nvdimm-persistence=", "guest", _property("nvdimm-persistence")),
    _F("cxl-window", "a fixed window for CXL memory", "guest",
       lambda s: tuple([key for key in s.machine if key.startswith("cxl-fmw.") and key.endswith(".size")])),
    _F("confidential", "a guest that is protected from the host", "guest",
       lambda s: (s.confidential.id,) if s.confidential else (),
       "-M q35,confidential-guest-support=g -object sev-guest,id=g,cbitpos=51,reduced-phys-bits=1"),
    _F("sev", "SEV encryption", "guest", _confidential("sev-guest", "sev-snp-guest")),
    _F("guest-memfd", "private memory (SEV-SNP, TDX)", "guest", _confidential("sev-snp-guest", "tdx-guest")),
    _F("tdx", "TDX", "guest", _confidential("tdx-guest")),
    _F("dump-off", "memory left out of core files", "guest", _undumped,
       "-M dump-guest-core=off"),
    _F("host-page-size", "a host with pages of more than 4 KiB", "guest",
       lambda s: (f"{s.host.page_size >> 10} KiB pages",) if s.host.page_size > 4096 else ()),
    _F("m-size", "-m", "guest", _option("m"), "-m 256M"),
    _F("ram-above-4g", "RAM above 4 GiB", "guest", _above_4g, "-m 5G"),
    _F("graphics", "a graphics card", "guest",
       lambda s: tuple([f.id or f.kind for f in s.guest.frontends if "vga" in f.kind.lower()]), "-vga std"),
    _F("numa-mem", "NUMA nodes with mem=", "guest", _sized_nodes),
    _F("kvm", "KVM", "guest", lambda s: ("kvm",) if s.kvm else (), "-accel kvm"),
    _F("dirty-ring", "rings of dirty pages (KVM)", "guest",
       lambda s: ("dirty-ring-size",) if s.dirty_ring else (), "-accel kvm,dirty-ring-size=4096"),
    _F("cpr", "CPR, in any of its modes", "operation", _operations("cpr-")),
    _F("calc-dirty-rate", "dirty pages counted by KVM's bitmap or rings", "operation",
       _operations("calc-dirty-rate-")),
    _F("only-migratable", "-only-migratable", "guest", _option("only-migratable"), "-only-migratable"),
)


OPERATIONS: dict[str, str] = {
    "migrate-precopy": "migration", "migrate-postcopy": "migration with postcopy",
    "multifd": "migration over several channels",
    "x-ignore-shared": "migration that leaves shared memory out",
    "background-snapshot": "a snapshot of a running guest",
    "mapped-ram": "migration to a file with fixed places",
    "release-ram": "migration that frees what is sent", "xbzrle": "migration that sends differences",
    "auto-converge": "migration that slows the guest down",
    "dirty-limit": "migration that slows single CPUs down",
    "postcopy-preempt": "postcopy that lets urgent pages pass",
    "zero-copy-send": "migration that sends without copying", "rdma": "migration over RDMA",
    "x-colo": "a second guest in step with the first (COLO)",
    "cpr-reboot": "a new QEMU, perhaps after a reboot of the host",
    "cpr-transfer": "a new QEMU that takes the memory over", "cpr-exec": "a new QEMU in the same process",
    "calc-dirty-rate-bitmap": "dirty pages counted in the bitmap",
    "calc-dirty-rate-ring": "dirty pages counted in the rings",
    "savevm": "a snapshot inside the disk image", "dump-guest-memory": "a dump of guest memory",
    "object-add": "a backend added while the guest runs",
    "object-del": "a backend deleted while the guest runs",
    "memory-failure": "a memory error of the host", "hot-plug": "a device added while the guest runs",
    "device-del": "a device taken out while the guest runs", "set-balloon": "a new target for the balloon",
}
FEATURES: dict[str, Feature] = {
    feature.name: feature
    for feature in (
        *_BACKING, *_GUEST,
        *(_F(name, title, "operation", _operation(name)) for name, title in OPERATIONS.items()),
    )
}
