"""Memory that other processes must see: vhost-user and ivshmem."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from memkit.hazards.mending import drop_option, set_property, share_mem_path, share_memory
from memkit.hazards.rule import Culprit, Rule
from memkit.hazards.scene import Scene

if TYPE_CHECKING:
    from memkit.memory.backend import Backend

__all__ = ["RULES"]

SLOTS, VIRTIOFSD_SLOTS = 8, 32
"""The pieces of memory that a vhost-user process takes: without CONFIGURE_MEM_SLOTS, and virtiofsd."""


def _has_file(scene: Scene, backend: Backend) -> bool:
    """True if QEMU has a descriptor of the memory, which another process could map."""
    if backend.mem_path is not None or backend.type in ("memory-backend-memfd", "memory-backend-shm"):
        return True
    # Since 10.0, shared memory gets a descriptor (qemu_ram_alloc_internal).
    return bool(backend.share) and scene.version >= (10,)


def _seen(scene: Scene, backend: Backend) -> bool:
    """True if QEMU tells a vhost-user process of the memory; since 11.0 it hides what is private."""
    return _has_file(scene, backend) and (backend.share or scene.version < (11,))


def _named(scene: Scene) -> str:
    return ", ".join(scene.vhost_user)


def _private(scene: Scene, kind: str) -> Iterator[Culprit]:
    """Private RAM with a file behind: ``kind`` is file, memfd or mem-path."""
    for backend in scene.ram:
        if backend.share or not _has_file(scene, backend):
            continue
        by_path = backend.implicit and backend.mem_path is not None
        found = "mem-path" if by_path else "file" if backend.mem_path is not None else "memfd"
        option = scene.source_of(backend)
        if found == kind:
            reason = "-mem-path maps it privately" if by_path else "share=off"
            yield Culprit(
                f"RAMBlock {backend.id} is private ({reason}), but {_named(scene)} needs it shared.",
                (backend.id, *scene.vhost_user), (option,) if option else (),
            )


def _unseen(scene: Scene) -> Iterator[Culprit]:
    """RAM that no vhost-user process can map, where there is no other."""
    if any(_seen(scene, backend) for backend in scene.ram):
        return
    for backend in scene.ram:
        if backend.share and backend.type == "memory-backend-ram":
            continue
        option = scene.option_of(backend)
        fits = option is not None and option.name == "object"
        state = "private" if _has_file(scene, backend) else "anonymous"
        yield Culprit(
            f"RAMBlock {backend.id} is {state} memory, which the process of {_named(scene)} cannot map.",
            (backend.id, *scene.vhost_user), (option,) if fits and option else (),
        )


def _nameless(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.ram:
        if backend.share and not _has_file(scene, backend):
            option = scene.option_of(backend)
            yield Culprit(
                f"RAMBlock {backend.id} is shared, but {_named(scene)} gets no descriptor of it from QEMU "
                f"{scene.guest.qemu}.", (backend.id, *scene.vhost_user), (option,) if option else (),
            )


def _partly(scene: Scene) -> Iterator[Culprit]:
    """RAM that is left out of what vhost-user processes see, beside RAM that they see."""
    if not any(_seen(scene, backend) for backend in scene.ram):
        return
    for backend in scene.ram:
        if not _seen(scene, backend):
            option = scene.option_of(backend)
            yield Culprit(
                f"{_named(scene)} sees other RAM, but not RAMBlock {backend.id}: it is "
                f"{'private' if _has_file(scene, backend) else 'anonymous'}.",
                (backend.id, *scene.vhost_user), (option,) if option else (),
            )


def _pieces(scene: Scene) -> int:
    """The pieces of memory at power-on that a vhost-user process must map (vhost_section)."""
    blocks = {id(scene.block_of(b)) for b in scene.mapped if _seen(scene, b)}
    return sum(
        1 for r in scene.guest.main_flat_view.ranges if id(r.region.block) in blocks and not r.readonly
    )


def _slots_of(scene: Scene) -> int:
    """The pieces of memory that every vhost-user process of the guest takes, whichever it is."""
    shared_directories = len(scene.drivers("vhost-user-fs"))
    return VIRTIOFSD_SLOTS if shared_directories == len(scene.vhost_user) else SLOTS


def _too_many(scene: Scene) -> Iterator[Culprit]:
    count, room = _pieces(scene), _slots_of(scene)
    if count > room:
        yield Culprit(
            f"RAM and memory devices are {count} pieces, {_named(scene)} may take only {room}.",
            (*scene.vhost_user, *(scene.name_of(d) for d in scene.guest.memory_devices)),
        )


def _more_dimms(scene: Scene) -> Iterator[Culprit]:
    count, given = _pieces(scene), scene.config.memory_options().slots if scene.config else None
    free = (given or 0) - sum(d.slot is not None for d in scene.guest.memory_devices)
    room = _slots_of(scene)
    if free > 0 and count <= room < count + free:
        yield Culprit(
            f"{_named(scene)} may take {room} pieces of memory and has {count}; -m leaves slots for {free} "
            "more DIMMs.", scene.vhost_user,
        )


def _full(scene: Scene) -> Iterator[Culprit]:
    count, given = _pieces(scene), scene.config.memory_options().slots if scene.config else None
    if given and count >= _slots_of(scene):
        yield Culprit(
            f"{_named(scene)} has {count} pieces of memory and may take no more: QEMU may refuse even a "
            "private DIMM.", scene.vhost_user,
        )


def _every_device(scene: Scene) -> Iterator[Culprit]:
    for name in scene.vhost_user:
        yield Culprit(f"{name} works as far as the process behind it can.", (name,))


def _rewritten(scene: Scene) -> Iterator[Culprit]:
    if not scene.kvm:
        for name in scene.vhost_user:
            yield Culprit(f"TCG does not see what the process of {name} writes.", (name,))


def _virtiofs(scene: Scene) -> Iterator[Culprit]:
    for spec in scene.drivers("vhost-user-fs"):
        name = spec.id or spec.driver
        yield Culprit(f"{name} cannot be migrated by QEMU {scene.guest.qemu}.", (name,), (spec.option,))


def _ivshmem_private(scene: Scene) -> Iterator[Culprit]:
    for spec in scene.drivers("ivshmem-plain"):
        backend = scene.backend(spec.props.get("memdev"))
        if backend is not None and not backend.share:
            option = scene.option_of(backend)
            yield Culprit(
                f"{spec.id or spec.driver} shows {backend.id}, which nobody else can map (share=off).",
                (spec.id or spec.driver, backend.id), (option,) if option else (),
            )


def _ivshmem_peer(scene: Scene) -> Iterator[Culprit]:
    for spec in scene.drivers("ivshmem-plain", "ivshmem-doorbell"):
        if spec.props.get("master") not in ("on", True):
            name = spec.id or spec.driver
            yield Culprit(f"{name} is a peer (master=off): its memory stays behind.", (name,), (spec.option,))


# A vhost-user disk, alone and in front of main RAM from backend f.
_DISK = "-chardev socket,id=c,path=/tmp/c -device vhost-user-blk-pci,chardev=c"
_BLK = f"-m 256M -M memory-backend=f {_DISK}"
_FS = "-m 256M -M memory-backend=f -chardev socket,id=c,path=/tmp/c -device vhost-user-fs-pci,chardev=c,tag=t"
_SHARED = f"-object memory-backend-memfd,id=f,size=256M {_BLK}"
_IVSHMEM = "-object memory-backend-ram,id=i,size=1M,share=on -device ivshmem-plain,memdev=i"


def _dimms(count: int) -> str:
    dimms = ((f"id=d{n},size=4M", f"memdev=d{n},addr={(4 << 30) + (n << 27)}") for n in range(count))
    return "".join(f" -object memory-backend-memfd,{a} -device pc-dimm,{b}" for a, b in dimms)


def _slots(count: int) -> str:
    return _SHARED.replace("-m 256M", "-m 256M,slots=12,maxmem=8G") + _dimms(count)


_TABLE = "hw/virtio/vhost.c: vhost_section, 7.2"
RULES = (
    Rule(
        "vhost-user-private-file", "A vhost-user process sees a copy of the guest's memory",
        "silent-misbehaviour", ("vhost-user", "backend-file", "share-off"),
        "QEMU hands the file behind RAM to the other process. With share=off the guest's writes go to "
        "private copies of its pages, so the other process reads what was in the file before.",
        "add share=on to the backend",
        ("hw/virtio/vhost-user.c: vhost_user_set_mem_table, 7.2",
         "hw/virtio/vhost.c: vhost_section leaves private memory out, 11.0"),
        lambda scene: _private(scene, "file"),
        example=f"-object memory-backend-file,id=f,size=256M,mem-path=/dev/shm/f {_BLK}",
        innocent=f"-object memory-backend-file,id=f,size=256M,mem-path=/dev/shm/f,share=on {_BLK}",
        mend=set_property(share="on"), since="2.1", until="11.0",
    ),
    Rule(
        "vhost-user-memfd-share-off", "A vhost-user process sees an empty memfd",
        "silent-misbehaviour", ("vhost-user", "backend-memfd", "share-off"),
        "A memfd is shared unless the line says share=off. Then what the guest writes never gets into the "
        "memfd, and the other process reads zeros.",
        "drop share=off from the backend",
        ("backends/hostmem-memfd.c: memfd_backend_instance_init, 7.2",
         "hw/virtio/vhost.c: vhost_section leaves private memory out, 11.0"),
        lambda scene: _private(scene, "memfd"),
        example=f"-object memory-backend-memfd,id=f,size=256M,share=off {_BLK}",
        innocent=_SHARED, mend=set_property(share=None), since="2.12", until="11.0",
    ),
    Rule(
        "vhost-user-mem-path-hugepages", "-mem-path is private, and vhost-user needs shared memory",
        "silent-misbehaviour", ("vhost-user", "mem-path", "share-off"),
        "-mem-path has no word for sharing: the machine makes a file backend with share=off of it. The other "
        "process maps the same file and finds none of the guest's writes in it.",
        "use -object memory-backend-file with share=on, and -machine memory-backend=",
        ("hw/core/machine.c: create_default_memdev, 7.2",
         "hw/virtio/vhost.c: vhost_section leaves private memory out, 11.0"),
        lambda scene: _private(scene, "mem-path"),
        example=f"-m 256M -mem-path /dev/hugepages {_DISK}",
        innocent=f"-object memory-backend-file,id=f,size=256M,mem-path=/dev/hugepages,share=on {_BLK}",
        mend=share_mem_path, since="2.1", until="11.0",
    ),
    Rule(
        "vhost-user-anonymous-ram", "A vhost-user process gets no memory at all", "refuses-operation",
        ("vhost-user",),
        "Another process maps guest memory by a file descriptor, which anonymous memory lacks. QEMU starts, "
        "and the device fails when the guest's driver starts it.",
        "use memory-backend-memfd with share=on for all RAM",
        ("hw/virtio/vhost-user.c: vhost_user_fill_set_mem_table_msg, 7.2", _TABLE),
        _unseen, example=f"-m 256M {_DISK}", innocent=_SHARED, mend=share_memory, since="2.1",
    ),
    Rule(
        "vhost-user-ram-share-on-version", "Shared memory that has no descriptor is shared with nobody",
        "refuses-operation", ("vhost-user", "backend-ram", "share-on"),
        "Before 10.0, QEMU maps it shared but without a file, so there is no descriptor for another process. "
        "The device fails when the guest's driver starts it.",
        "use memory-backend-memfd, which every release can share",
        ("softmmu/physmem.c: ram_block_add, 7.2", "system/physmem.c: qemu_ram_alloc_internal, 10.0"),
        _nameless, example=f"-object memory-backend-ram,id=f,size=256M,share=on {_BLK}", innocent=_SHARED,
        mend=share_memory, since="2.12", until="10.0",
    ),
    Rule(
        "vhost-user-partly-shared-numa", "A vhost-user process sees only a part of RAM",
        "silent-misbehaviour", ("vhost-user",),
        "QEMU leaves memory that cannot be shared out of the table, and complains only if the table stays "
        "empty. The device breaks once the guest puts a buffer there.",
        "use share=on memfd or file backends for all nodes and DIMMs",
        ("hw/virtio/vhost-user.c: vhost_user_fill_set_mem_table_msg, 7.2", _TABLE),
        _partly,
        example="-m 256M -object memory-backend-ram,id=a,size=128M "
                "-object memory-backend-memfd,id=b,size=128M "
                f"-numa node,memdev=a -numa node,memdev=b {_DISK}",
        innocent="-m 256M -object memory-backend-memfd,id=a,size=128M "
                 "-object memory-backend-memfd,id=b,size=128M "
                 f"-numa node,memdev=a -numa node,memdev=b {_DISK}",
        mend=share_memory, since="2.1",
    ),
    Rule(
        "vhost-user-8-memslots-coldplug", "More pieces of memory than some vhost-user processes take",
        "refuses-to-start", ("vhost-user",),
        "The message with the memory table has room for 8 descriptors. A process with CONFIGURE_MEM_SLOTS "
        "takes more (virtiofsd 32 or 509); with any other, QEMU refuses the next memory device.",
        "use fewer, bigger DIMMs, or a process that knows CONFIGURE_MEM_SLOTS",
        ("hw/virtio/vhost-user.c: VHOST_MEMORY_BASELINE_NREGIONS, 7.2",
         "subprojects/libvhost-user/libvhost-user.h: VHOST_USER_MAX_RAM_SLOTS, 7.2",
         "hw/mem/memory-device.c: memory_device_check_addable, 7.2"),
        _too_many, example=_slots(7), innocent=_slots(6), since="2.1",
    ),
    Rule(
        "vhost-user-8-memslots-hotplug", "Few DIMMs can be plugged beside vhost-user",
        "refuses-operation", ("vhost-user", "maxmem", "hot-plug"),
        "Each piece of RAM and each DIMM needs a slot of the other process, and without CONFIGURE_MEM_SLOTS "
        "there are 8. When they are in use, QEMU refuses the next DIMM.",
        "plug fewer, bigger DIMMs, or use virtio-mem",
        ("hw/virtio/vhost.c: vhost_has_free_slot, 7.2",
         "hw/mem/memory-device.c: memory_device_check_addable, 7.2"),
        _more_dimms, example=_slots(0), innocent=_SHARED.replace("-m 256M", "-m 256M,slots=4,maxmem=8G"),
        operations=("hot-plug",), since="2.1",
    ),
    Rule(
        "vhost-user-slots-count-private-dimms", "A full vhost-user process keeps out private DIMMs as well",
        "refuses-operation", ("vhost-user", "maxmem", "hot-plug"),
        "QEMU counts free slots of vhost before it looks at the new memory. A DIMM that the other process "
        "would never see is refused like any other.",
        "start with fewer, bigger DIMMs",
        ("hw/virtio/vhost.c: vhost_has_free_slot, 7.2", "hw/virtio/vhost.c: vhost_get_free_memslots, 8.2"),
        _full, example=_slots(6), innocent=_slots(5), operations=("hot-plug",), since="2.1",
    ),
    Rule(
        "vhost-user-no-log-shmfd", "Migration needs a vhost-user process that logs its writes", "surprise",
        ("vhost-user", "migrate-precopy"),
        "The other process writes to RAM behind QEMU's back, so it must tell what it wrote in a shared log. "
        "If it cannot (no LOG_SHMFD), QEMU refuses to migrate.",
        "use a process that logs, or take the device out before",
        ("hw/virtio/vhost-user.c: vhost_user_backend_init, 7.2",),
        _every_device, example=_SHARED, innocent="-m 256M", operations=("migrate-precopy",), since="2.4",
    ),
    Rule(
        "vhost-user-postcopy-pagefault", "Postcopy needs a vhost-user process that waits for pages",
        "surprise",
        ("vhost-user", "migrate-postcopy"),
        "On the destination the other process touches pages that have not come yet. Without PAGEFAULT it "
        "cannot wait for them, and the destination refuses postcopy although the source has agreed.",
        "ask the destination's process first, or use precopy",
        ("hw/virtio/vhost-user.c: vhost_user_postcopy_notifier, 7.2",),
        _every_device, example=_SHARED, innocent="-m 256M", operations=("migrate-postcopy",), since="2.12",
    ),
    Rule(
        "tcg-vhost-user-code-rewrite", "TCG does not see code that another process rewrites", "surprise",
        ("vhost-user",),
        "TCG translates code again when QEMU sees a write to it. It does not see the writes of another "
        "process, so that code loaded anew by a vhost-user disk may run in its old form.",
        "use KVM",
        ("hw/virtio/vhost.c: vhost_section, 7.2",),
        _rewritten, example=_SHARED, innocent=f"-accel kvm {_SHARED}", since="2.12",
    ),
    Rule(
        "virtiofs-blocks-migration", "A shared directory blocks migration", "refuses-operation",
        ("virtiofs", "migrate-precopy"),
        "The state of vhost-user-fs (open files, the table of inodes) is in the other process, and this QEMU "
        "cannot fetch it. Since 8.2 a process with DEVICE_STATE hands it over.",
        "unmount and take the device out before, or use QEMU 8.2 and a virtiofsd that hands its state over",
        ("hw/virtio/vhost-user-fs.c: vuf_vmstate, 7.2",
         "hw/virtio/vhost-user-fs.c: vuf_check_migration_support, 8.2"),
        _virtiofs,
        example=f"-object memory-backend-memfd,id=f,size=256M {_FS}", innocent=_SHARED,
        operations=("migrate-precopy",), mend=drop_option, since="4.2", until="8.2",
    ),
    Rule(
        "ivshmem-private-memory", "Memory between guests that nobody else can map", "silent-misbehaviour",
        ("ivshmem", "share-off"),
        "ivshmem-plain shows any backend. A private one stays inside this process, and the other guest "
        "talks to nobody.",
        "use memory-backend-file with share=on, and the same file on both sides",
        ("hw/misc/ivshmem.c: ivshmem_plain_realize, 7.2",),
        _ivshmem_private,
        example="-object memory-backend-ram,id=i,size=1M -device ivshmem-plain,memdev=i",
        innocent=_IVSHMEM, mend=set_property(share="on"), since="2.6",
    ),
    Rule(
        "ivshmem-peer-blocks-migration", "A peer of ivshmem cannot migrate", "refuses-operation",
        ("ivshmem", "migrate-precopy"),
        "Several guests see the same memory and one of them takes it along: the master. A device with "
        "master=off blocks the migration of its guest.",
        "set master=on in one guest, and take the device out of the others before they migrate",
        ("hw/misc/ivshmem.c: ivshmem_common_realize, 7.2",),
        _ivshmem_peer, example=_IVSHMEM, innocent=f"{_IVSHMEM},master=on", operations=("migrate-precopy",),
        mend=set_property(master="on"), since="2.6",
    ),
)
