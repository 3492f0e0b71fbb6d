"""Snapshots: in the disk image (savevm) and of a running guest (background-snapshot)."""

from __future__ import annotations

from collections.abc import Iterator

from memkit.hazards.mending import set_property
from memkit.hazards.rule import Culprit, Rule
from memkit.hazards.rules import confidential, sharing, vfio
from memkit.hazards.rules.migration import both
from memkit.hazards.rules.postcopy import on_disk
from memkit.hazards.scene import Scene

__all__ = ["RULES"]


def _untracked(scene: Scene, ram: bool) -> Iterator[Culprit]:
    """Blocks whose writes the kernel cannot hold up: those of RAM, or the others."""
    for backend in scene.mapped:
        block = scene.block_of(backend)
        if not (block and block.migratable) or block.readonly or not on_disk(backend):
            continue
        if any(backend is b for b in scene.ram) == ram:
            yield scene.blame(
                backend, f"RAMBlock {block.idstr} is in {backend.mem_path}, on {backend.filesystem}."
            )


def _new_kernel(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.mapped:
        block = scene.block_of(backend)
        if block and block.migratable and (backend.huge or backend.filesystem in ("memfd", "tmpfs")):
            kind = "huge pages" if backend.huge else backend.filesystem
            yield scene.blame(backend, f"RAMBlock {block.idstr} is in {kind}: the host needs Linux 5.19.")


def _blocked(scene: Scene) -> Iterator[Culprit]:
    """What blocks migration, whatever it is."""
    for rule in _BLOCKERS:
        present = all(name in scene.features for name in rule.features if name != "migrate-precopy")
        if present and rule.holds_for(scene.version, scene.guest.target):
            yield from rule.find(scene)


def _torn(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.ram:
        if backend.share:
            named = ", ".join(scene.vhost_user)
            yield Culprit(f"The process of {named} writes to {backend.id} while it is saved.",
                          (backend.id, *scene.vhost_user))


def _rolled_back(scene: Scene) -> Iterator[Culprit]:
    for device in scene.guest.memory_devices:
        backend = scene.backend(device.memdev)
        if device.kind == "nvdimm" and backend is not None and backend.mem_path and backend.share:
            name = scene.name_of(device)
            yield Culprit(f"loadvm writes the old content of {name} over {backend.mem_path}.",
                          (name, backend.id))


def _left_out(scene: Scene) -> Iterator[Culprit]:
    for device in scene.guest.memory_devices:
        if device.kind == "virtio-pmem":
            name = scene.name_of(device)
            yield Culprit(f"The snapshot has nothing of {name}.", (name,))


def _skipped(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.mapped:
        block = scene.block_of(backend)
        # Since 8.1 only files with names are skipped.
        named = scene.names_file(backend) or str(backend.mem_path).startswith("/dev/dax")
        if block and block.migratable and scene.known_shared(backend) and (named or scene.version < (8, 1)):
            yield scene.blame(backend, f"The snapshot has nothing of RAMBlock {block.idstr}.")


def _clash(other: str, title: str, why: str) -> Rule:
    """The rule for a capability that background-snapshot excludes."""
    name = "postcopy-ram" if other == "migrate-postcopy" else other
    return Rule(
        f"background-snapshot-vs-{name}", title, "refuses-operation", ("background-snapshot", other), why,
        "turn one of the two off",
        ("migration/migration.c: check_caps_background_snapshot, 7.2",
         "migration/options.c: check_caps_background_snapshot, 11.1"),
        both("background-snapshot", other), example="-m 256M", innocent="-m 256M",
        operations=("background-snapshot", other), innocent_operations=("background-snapshot",), since="6.0",
    )


_FILE = "-m 256M -M memory-backend=f -object memory-backend-file,id=f,size=256M,share=on"
_MEMFD = "-m 256M -M memory-backend=f -object memory-backend-memfd,id=f,size=256M"
_NVDIMM = ("-M nvdimm=on -m 256M,slots=2,maxmem=1G -device nvdimm,memdev=n "
           "-object memory-backend-file,id=n,size=128M,mem-path=/var/tmp/n")
_PMEM = ("-m 256M,maxmem=1G -object memory-backend-file,id=p,size=128M,mem-path=/var/tmp/p,share=on "
         "-device virtio-pmem-pci,id=pmem,memdev=p")
_IVSHMEM = ("-m 256M -device ivshmem-plain,memdev=i,master=on "
            "-object memory-backend-file,id=i,size=1M,share=on")
_PEER = ("-m 256M -object memory-backend-memfd,id=i,size=1M,share=on "
         "-device ivshmem-plain,id=peer,memdev=i")
_DISK = "-chardev socket,id=c,path=/tmp/c -device vhost-user-blk-pci,chardev=c"
_BLOCKERS = tuple(
    rule for rule in (*confidential.RULES, *sharing.RULES, *vfio.RULES)
    if rule.severity == "refuses-operation" and rule.operations == ("migrate-precopy",)
)
_TRACK = ("migration/ram.c: ram_write_tracking_compatible, 7.2",)
_BACKGROUND = ("background-snapshot",)

RULES = (
    Rule(
        "background-snapshot-disk-file-ram", "No snapshot of a running guest with RAM on a disk",
        "refuses-operation", ("background-snapshot", "disk-file"),
        "QEMU lets the kernel hold up writes to pages that are not saved yet. The kernel can do that for "
        "anonymous memory, tmpfs and huge pages, not for a file on a disk.",
        "keep RAM in a memfd, tmpfs or huge pages", _TRACK,
        lambda scene: _untracked(scene, ram=True), example=f"{_FILE},mem-path=/var/tmp/f",
        innocent=f"{_FILE},mem-path=/dev/shm/f", operations=_BACKGROUND,
        mend=set_property(mem_path="/dev/shm"), since="6.0",
    ),
    Rule(
        "ivshmem-disk-file-background-snapshot", "One small file on a disk excludes background-snapshot",
        "refuses-operation", ("background-snapshot", "disk-file"),
        "QEMU asks the kernel for every RAMBlock that it would save, not for RAM alone. One block of a BAR "
        "or an NVDIMM in a file on a disk makes it refuse.",
        "put that file into tmpfs", _TRACK,
        lambda scene: _untracked(scene, ram=False), example=f"{_IVSHMEM},mem-path=/var/tmp/i",
        innocent=f"{_IVSHMEM},mem-path=/dev/shm/i", operations=_BACKGROUND,
        mend=set_property(mem_path="/dev/shm"), since="6.0",
    ),
    Rule(
        "background-snapshot-memfd-kernel", "The kernel decides about background-snapshot", "surprise",
        _BACKGROUND,
        "Linux can hold up writes to tmpfs, memfd and huge pages since 5.19, to private anonymous memory "
        "long before. The same guest can have background-snapshot on one host only.",
        "look at the kernel of the host", _TRACK,
        _new_kernel, example=_MEMFD, innocent="-m 256M", operations=_BACKGROUND, since="6.0",
    ),
    _clash("auto-converge", "Background-snapshot excludes auto-converge",
           "A snapshot saves each page once, so there is nothing that must converge. QEMU refuses to slow "
           "the guest down for it."),
    _clash("multifd", "Background-snapshot excludes multifd",
           "The thread that saves pages writes to one channel. There is nobody to spread them over more."),
    _clash("migrate-postcopy", "Background-snapshot excludes postcopy",
           "Both use userfaultfd, one to hold up writes at the source, one to fetch pages elsewhere. A "
           "snapshot has no destination that could ask."),
    _clash("release-ram", "Background-snapshot excludes release-ram",
           "release-ram frees each page that is sent. The guest of a snapshot goes on with those pages."),
    _clash("xbzrle", "Background-snapshot excludes xbzrle",
           "xbzrle sends what changed since a page was sent before. A snapshot sends each page once."),
    Rule(
        "vhost-user-background-snapshot-torn", "Others write while the snapshot is taken", "data-loss",
        ("background-snapshot", "vhost-user", "share-on"),
        "The kernel holds up writes by QEMU's own mapping. The other process has a mapping of its own and "
        "writes on, so that the snapshot mixes two moments; nothing refuses it.",
        "stop the guest and take a whole snapshot", ("migration/ram.c: ram_write_tracking_start, 7.2",),
        _torn, example=f"{_MEMFD} {_DISK}", innocent=_MEMFD, operations=_BACKGROUND, since="6.0",
    ),
    Rule(
        "savevm-blocked-like-migration", "What blocks migration blocks snapshots", "refuses-operation",
        ("savevm",),
        "savevm is a migration into the disk image. QEMU asks before both whether anything blocks it, and "
        "refuses with the same words.",
        "take the device out before, or use snapshots of the disks alone",
        ("migration/savevm.c: save_snapshot, 7.2", "migration/migration.c: migration_is_blocked, 7.2"),
        _blocked, example=_PEER, innocent=f"{_PEER},master=on", operations=("savevm",),
    ),
    Rule(
        "savevm-multifd-crash", "With multifd, savevm ends QEMU", "data-loss", ("savevm", "multifd"),
        "Capabilities stay set and hold for savevm, too. It opens no channels, so that multifd works on what "
        "was never made, and QEMU crashes.",
        "turn multifd off first; QEMU 10.2 refuses the pair",
        ("migration/multifd.c: multifd_send_sync_main, 7.2",
         "migration/options.c: migrate_can_snapshot, 10.2"),
        both("savevm", "multifd"), example="-m 256M", innocent="-m 256M", operations=("savevm", "multifd"),
        innocent_operations=("savevm",), since="4.0", until="10.2",
    ),
    Rule(
        "savevm-multifd-refused", "Snapshots exclude multifd", "refuses-operation", ("savevm", "multifd"),
        "Capabilities stay set and hold for savevm, too, which opens no channels. Since 10.2 QEMU refuses "
        "the snapshot instead of crashing.",
        "turn multifd off first", ("migration/options.c: migrate_can_snapshot, 10.2",),
        both("savevm", "multifd"), example="-m 256M", innocent="-m 256M", operations=("savevm", "multifd"),
        innocent_operations=("savevm",), since="10.2",
    ),
    Rule(
        "savevm-ignore-shared-drops-ram", "A snapshot without RAM", "data-loss",
        ("savevm", "x-ignore-shared", "share-on"),
        "Capabilities stay set and hold for savevm, too: it skips what x-ignore-shared skips. loadvm then "
        "brings back devices and CPUs, but not the RAM they knew.",
        "turn x-ignore-shared off first",
        ("migration/ram.c: ramblock_is_ignored, 7.2", "migration/ram.c: migrate_ram_is_ignored, 11.1"),
        _skipped, example=f"{_FILE},mem-path=/dev/shm/f", innocent="-m 256M",
        operations=("savevm", "x-ignore-shared"), since="4.0",
    ),
    Rule(
        "loadvm-reverts-nvdimm", "A snapshot turns the file of an NVDIMM back", "data-loss",
        ("nvdimm", "savevm"),
        "For a snapshot an NVDIMM is one more RAMBlock. loadvm puts the old content into the shared mapping, "
        "and all that the file got since is gone.",
        "take the NVDIMM out first, or use snapshots of the disks alone",
        ("migration/savevm.c: load_snapshot, 7.2", "migration/ram.c: ram_load_precopy, 7.2"),
        _rolled_back, example=f"{_NVDIMM},share=on", innocent=_NVDIMM, operations=("savevm",), since="2.6",
    ),
    Rule(
        "savevm-virtio-pmem-not-included", "A snapshot without virtio-pmem", "data-loss",
        ("virtio-pmem", "savevm"),
        "The device never gives its RAMBlock a name, and only blocks with names are saved. After loadvm the "
        "guest's file system in memory does not fit what is on the device.",
        "copy the file at the same moment, while the guest is stopped",
        ("hw/virtio/virtio-pmem.c: virtio_pmem_realize, 7.2 and 11.1",),
        _left_out, example=_PMEM, innocent="-m 256M", operations=("savevm",), since="4.1",
    ),
)
