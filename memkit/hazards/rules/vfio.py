"""Devices of the host in the guest: VFIO and whatever else pins memory for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from memkit.hazards.features import on
from memkit.hazards.mending import drop_option, set_property
from memkit.hazards.rule import Culprit, Rule
from memkit.hazards.scene import Scene
from memkit.host import Host, Mount

__all__ = ["ASSIGNED", "PCI_HOST", "RULES"]

BITMAP_LIMIT = 8 << 40
"""The bytes of RAM whose dirty pages Linux can tell in one bitmap of the usual size."""

# A host with a PCI device to give away, and a file system on persistent memory.
PCI_HOST = Host(
    directories=(*Host().directories, "/sys/bus/pci/devices/0000:01:00.0"),
    mounts={**Host().mounts, "/mnt/pmem": Mount("ext4-dax")},
)
ASSIGNED = "-device vfio-pci,id=nic,host=01:00.0"


def _names(scene: Scene) -> str:
    """The VFIO devices in words."""
    return ", ".join(scene.features["vfio"])


def _pinning(scene: Scene) -> tuple[str, ...]:
    """The VFIO devices that forbid discarding (those of the channel and crypto buses of s390x do not)."""
    return tuple(d.id or d.driver for d in scene.drivers("vfio-") if not on(d, "x-balloon-allowed"))


def _balloon(scene: Scene) -> Iterator[Culprit]:
    pinning = _pinning(scene)
    for spec in scene.drivers("virtio-balloon") if pinning else ():
        name = spec.id or spec.driver
        yield Culprit(
            f"{name} gives the host nothing back: {', '.join(pinning)} pins all memory.",
            (name, *pinning), (spec.option,),
        )


def _reporting(scene: Scene) -> Iterator[Culprit]:
    pinning = _pinning(scene)
    for spec in scene.drivers("virtio-balloon") if pinning else ():
        if on(spec, "free-page-reporting"):
            name = spec.id or spec.driver
            yield Culprit(
                f"What the guest reports to {name} stays with it: {', '.join(pinning)} pins all memory.",
                (name, *pinning), (spec.option,),
            )


def _on_disk(scene: Scene) -> Iterator[Culprit]:
    kept = ("anonymous", "memfd", "tmpfs", "hugetlbfs")
    for backend in scene.mapped:
        path = backend.mem_path
        if path is None or not backend.share or backend.readonly or backend.filesystem in kept:
            continue
        if "dax" not in backend.filesystem and not path.startswith("/dev/"):
            yield Culprit(
                f"{path} of {backend.id} is on {backend.filesystem}: {_names(scene)} cannot keep its pages.",
                (backend.id, *scene.features["vfio"]),
            )


def _on_dax(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.mapped:
        path = backend.mem_path
        if path is not None and "dax" in backend.filesystem and not path.startswith("/dev/"):
            yield Culprit(
                f"{path} of {backend.id} is on {backend.filesystem}: {_names(scene)} cannot keep its pages.",
                (backend.id, *scene.features["vfio"]),
            )


def _pinned(scene: Scene) -> Iterator[Culprit]:
    """RAM that is not taken at start anyway."""
    if "viommu" in scene.features:
        return
    # Of virtio-mem it takes only what the guest has plugged.
    partly = {d.memdev.rpartition("/")[2] for d in scene.guest.memory_devices if d.kind == "virtio-mem"}
    for backend in scene.ram:
        taken = backend.huge or backend.prealloc or "mem-lock" in scene.features
        if not taken and backend.id not in partly:
            yield Culprit(
                f"{_names(scene)} makes the host hold all of RAMBlock {backend.id} from the start.",
                (backend.id, *scene.features["vfio"]),
            )


def _each(sentence: str) -> Callable[[Scene], Iterator[Culprit]]:
    """Names every VFIO device; {name} stands for it."""
    def find(scene: Scene) -> Iterator[Culprit]:
        for spec in scene.drivers("vfio-"):
            name = spec.id or spec.driver
            yield Culprit(sentence.format(name=name), (name,), (spec.option,))

    return find


def _old_migration(scene: Scene) -> Iterator[Culprit]:
    for spec in scene.drivers("vfio-"):
        if not on(spec, "x-enable-migration"):
            name = spec.id or spec.driver
            yield Culprit(f"{name} cannot be migrated by QEMU {scene.guest.qemu}.", (name,), (spec.option,))


def _behind_iommu(scene: Scene) -> Iterator[Culprit]:
    iommu = scene.features["viommu"][0]
    for spec in scene.drivers("vfio-"):
        name = spec.id or spec.driver
        yield Culprit(f"{name} is behind {iommu}, so that it cannot be migrated.", (name, iommu))


def _large(scene: Scene) -> Iterator[Culprit]:
    size = sum(block.used_length for block in scene.guest.ram_blocks if block.purpose == "ram")
    for spec in scene.drivers("vfio-"):
        if size > BITMAP_LIMIT and on(spec, "enable-migration") and not spec.props.get("iommufd"):
            name = spec.id or spec.driver
            yield Culprit(
                f"{size >> 40} TiB of RAM are too much for the dirty bitmap of {name}.", (name,),
            )


def _discards(scene: Scene, feature: str) -> Iterator[Culprit]:
    """virtio-mem beside something that forbids discarding RAM."""
    blocking = scene.features[feature]
    for device in scene.features["virtio-mem"]:
        yield Culprit(
            f"{device} must discard RAM, and {', '.join(blocking)} forbids it.", (device, *blocking),
        )


_BALLOON = "-device virtio-balloon-pci"
_FILE = "-m 256M -M memory-backend=f -object memory-backend-file,id=f,size=256M,share=on"
_MEMFD = "-m 256M -M memory-backend=f -object memory-backend-memfd,id=f,size=256M"
_MEM = "-m 256M,maxmem=1G -object memory-backend-ram,id=v,size=512M -device virtio-mem-pci,id=vm,memdev=v"
_NVDIMM = "-M pc,nvdimm=on -m 256M,slots=2,maxmem=1G -device nvdimm,memdev=n -object memory-backend-file,id=n"
_VDPA = "-netdev vhost-vdpa,id=net,vhostdev=/dev/vhost-vdpa-0 -device virtio-net-pci,netdev=net"
_LARGE = "-cpu qemu64,phys-bits=48 -m"

RULES = (
    Rule(
        "vfio-inhibits-balloon", "A VFIO device makes the balloon useless", "silent-misbehaviour",
        ("vfio", "balloon"),
        "The IOMMU holds all guest memory for the device, so QEMU forbids giving pages back behind its back. "
        "The guest still gives pages up, and the host gains nothing.",
        "leave the balloon out; virtio-mem works with VFIO since 6.1",
        ("hw/vfio/common.c: vfio_ram_block_discard_disable, 7.2",
         "hw/virtio/virtio-balloon.c: virtio_balloon_inhibited, 7.2"),
        _balloon, example=f"{ASSIGNED} {_BALLOON}", innocent=ASSIGNED, host=PCI_HOST, mend=drop_option,
        since="3.1",
    ),
    Rule(
        "vfio-free-page-reporting", "A VFIO device makes free page reports useless", "silent-misbehaviour",
        ("vfio", "balloon", "free-page-reporting"),
        "QEMU throws a reported page away only while discarding is allowed. A VFIO device forbids it, and "
        "QEMU answers the guest's reports without doing anything.",
        "leave free-page-reporting off",
        ("hw/virtio/virtio-balloon.c: virtio_balloon_handle_report, 7.2",
         "hw/vfio/common.c: vfio_ram_block_discard_disable, 7.2"),
        _reporting, example=f"{ASSIGNED} {_BALLOON},free-page-reporting=on",
        innocent=f"{_BALLOON},free-page-reporting=on", host=PCI_HOST,
        mend=set_property(free_page_reporting=None), since="5.1",
    ),
    Rule(
        "vfio-file-backed-ram-longterm-pin", "Linux gives a VFIO device no pages of a file on a disk",
        "refuses-to-start", ("vfio", "backend-file", "share-on"),
        "A device writes to pinned pages at any time, but a file system wants to hear of the first write to "
        "each page. So Linux 6.5 and newer refuse to pin such pages, and VFIO cannot map them.",
        "use memfd, tmpfs or huge pages",
        ("Linux mm/gup.c: writable_file_mapping_allowed, 6.5", "hw/vfio/common.c: vfio_dma_map, 7.2"),
        _on_disk, example=f"{_FILE},mem-path=/var/tmp/f {ASSIGNED}",
        innocent=f"{_FILE},mem-path=/dev/shm/f {ASSIGNED}", host=PCI_HOST,
    ),
    Rule(
        "vfio-fsdax-pmem", "Linux gives a VFIO device no pages of a DAX file", "refuses-to-start",
        ("vfio", "backend-file"),
        "On a DAX file system the pages are the storage itself, and truncating the file would free them "
        "under the device. Linux refuses to pin them for long.",
        "use a DAX device (/dev/dax0.0), whose pages nobody can take away",
        ("Linux mm/gup.c: check_vma_flags, 6.5", "hw/vfio/common.c: vfio_dma_map, 7.2"),
        _on_dax, example=f"{_NVDIMM},size=128M,share=on,mem-path=/mnt/pmem/n,pmem=on {ASSIGNED}",
        innocent=f"{_NVDIMM},size=128M,share=on,mem-path=/dev/shm/n {ASSIGNED}", host=PCI_HOST,
    ),
    Rule(
        "vfio-pins-all-ram", "A VFIO device takes all RAM at the start", "surprise", ("vfio",),
        "The device may use any page at any time, so VFIO makes the host allocate and hold all of them. "
        "Swap, KSM and overcommit do nothing for this guest, and its lock limit must be above its RAM.",
        "plan for the full size, use huge pages for a fast start, or virtio-mem for what comes later",
        ("hw/vfio/common.c: vfio_listener_region_add, 7.2",),
        _pinned, example=f"-m 256M {ASSIGNED}", host=PCI_HOST,
        innocent=f"{_MEMFD},hugetlb=on {ASSIGNED}",
    ),
    Rule(
        "vfio-blocks-migration", "A VFIO device blocks migration", "refuses-operation",
        ("vfio", "migrate-precopy"),
        "The state of the device is in hardware, and before 8.1 the migration of VFIO devices was an "
        "experiment that is off by default. QEMU refuses to migrate the guest.",
        "take the device out before, or use QEMU 8.1 and a device whose driver can migrate",
        ("hw/vfio/migration.c: vfio_migration_probe, 7.2", "hw/vfio/pci.c: enable-migration, 8.1"),
        _old_migration, example=ASSIGNED, innocent="-m 256M", operations=("migrate-precopy",), host=PCI_HOST,
        mend=drop_option, until="8.1",
    ),
    Rule(
        "vfio-viommu-migration", "A VFIO device behind a virtual IOMMU blocks migration", "refuses-operation",
        ("vfio", "viommu", "migrate-precopy"),
        "To track what the device writes, QEMU must tell it the addresses beforehand, and behind an IOMMU "
        "the guest chooses them later. Since 11.0 only devices that track their writes themselves are "
        "refused.",
        "leave the IOMMU out",
        ("hw/vfio/migration.c: vfio_migration_realize, 8.1",
         "hw/vfio/migration.c: vfio_migration_realize, 11.0"),
        _behind_iommu, example=f"-M q35 -device intel-iommu {ASSIGNED}", innocent=f"-M q35 {ASSIGNED}",
        operations=("migrate-precopy",), host=PCI_HOST, since="8.0",
    ),
    Rule(
        "vfio-large-vm-dirty-tracking", "Too much RAM for one dirty bitmap", "refuses-operation",
        ("vfio", "migrate-precopy"),
        "Linux's first IOMMU interface tells dirty pages in a bitmap of limited size, usually enough for "
        "8 TiB. With more RAM QEMU refuses to migrate instead of failing half way.",
        "use the iommufd interface, or a device that tracks its writes itself",
        ("hw/vfio/migration.c: vfio_dirty_tracking_exceed_limit, 11.0",),
        _large, example=f"{_LARGE} 9T {ASSIGNED},enable-migration=on",
        innocent=f"{_LARGE} 7T {ASSIGNED},enable-migration=on",
        operations=("migrate-precopy",), host=PCI_HOST, since="11.0",
    ),
    Rule(
        "vfio-vs-postcopy", "A VFIO device blocks postcopy", "refuses-operation",
        ("vfio", "migrate-postcopy"),
        "In postcopy a page may be missing when it is used, and the user waits for it. A device that writes "
        "by DMA cannot wait.",
        "use precopy",
        ("hw/vfio/migration.c: vfio_save_prepare, 8.2",),
        _each("{name} cannot wait for pages that are still to come."), example=ASSIGNED, innocent="-m 256M",
        operations=("migrate-postcopy",), host=PCI_HOST, since="8.2",
    ),
    Rule(
        "vfio-vs-background-snapshot", "A VFIO device blocks background snapshots", "refuses-operation",
        ("vfio", "background-snapshot"),
        "A background snapshot write-protects pages and saves each one at the first write to it. The writes "
        "of a device go past this protection.",
        "use savevm or a normal migration to a file",
        ("hw/vfio/migration.c: vfio_save_prepare, 8.2",),
        _each("{name} writes to pages that the snapshot has protected."), example=ASSIGNED,
        innocent="-m 256M", operations=("background-snapshot",), host=PCI_HOST, since="8.2",
    ),
    Rule(
        "nvme-userspace-driver-vs-discard", "QEMU's NVMe driver and virtio-mem exclude each other",
        "refuses-to-start", ("userspace-nvme", "virtio-mem"),
        "For nvme:// QEMU drives the disk by itself and pins RAM for it, which forbids discarding. virtio-mem"
        " cannot do without, so an option of a disk decides about memory.",
        "use the host's driver (/dev/nvme0n1), or a pc-dimm",
        ("util/vfio-helpers.c: qemu_vfio_open_common, 7.2",
         "block/blkio.c: blkio_file_open, 7.2"),
        lambda scene: _discards(scene, "userspace-nvme"),
        example=f"-drive file=nvme://0000:01:00.0/1,if=none,id=disk {_MEM}", innocent=_MEM, since="5.2",
    ),
    Rule(
        "vdpa-vs-virtio-mem", "A vhost-vdpa device and virtio-mem exclude each other", "refuses-to-start",
        ("vhost-vdpa", "virtio-mem"),
        "vhost-vdpa pins all RAM for its device and cannot follow blocks that come and go, so it forbids "
        "discarding. Whichever of the two comes second fails.",
        "choose one of them; VFIO goes with virtio-mem since 6.1",
        ("hw/virtio/vhost-vdpa.c: vhost_vdpa_init, 7.2",),
        lambda scene: _discards(scene, "vhost-vdpa"),
        example=f"{_VDPA} {_MEM}",
        innocent=_MEM, since="6.2",
    ),
)
