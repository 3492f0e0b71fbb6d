"""Where guest RAM comes from: files, reservations, and what the host may take back."""

from __future__ import annotations

from collections.abc import Iterator

from memkit.hazards.mending import drop_option, set_property
from memkit.hazards.rule import Culprit, Rule
from memkit.hazards.scene import Scene
from memkit.host import Host, Mount
from memkit.units import human

__all__ = ["RULES"]


def _discarded(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.backends:
        if backend.discard_data and backend.share and scene.file_matters(backend):
            yield scene.blame(
                backend,
                f"{backend.mem_path} loses its content when QEMU quits (discard-data=on on {backend.id}).",
            )


def _not_discarded(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.backends:
        if backend.discard_data and not backend.share and scene.names_file(backend):
            yield scene.blame(backend, f"discard-data=on on {backend.id} leaves {backend.mem_path} as it is.")


def _created(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.mapped:
        path = str(backend.mem_path)
        if (scene.names_file(backend) and not backend.share and not scene.given(backend, "readonly")
                and scene.host.file_size(path) is None):
            yield scene.blame(
                backend,
                f"{path} does not exist: QEMU makes it for {backend.id}, writes nothing into it and leaves "
                "it behind.",
            )


def _created_to_read(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.mapped:
        missing = scene.names_file(backend) and scene.host.file_size(str(backend.mem_path)) is None
        if backend.readonly and missing:
            yield scene.blame(
                backend, f"{backend.mem_path} does not exist: {backend.id} shows a new file of zeros."
            )


def _cut(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.mapped:
        size = scene.host.file_size(str(backend.mem_path))
        end = (scene.given(backend, "offset") or 0) + backend.size
        if scene.names_file(backend) and size is not None and size > end:
            yield scene.blame(
                backend,
                f"{backend.id} shows {human(backend.size)} of {backend.mem_path}, which has {human(size)}.",
            )


def _can_be_cut(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.ram:
        if scene.names_file(backend):
            yield scene.blame(
                backend, f"Whoever cuts {backend.mem_path} short kills the guest ({backend.id})."
            )


def _rom(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.main_ram:
        if backend.readonly:
            yield scene.blame(
                backend, f"RAMBlock {backend.id} is main RAM and cannot be written (readonly=on)."
            )


def _unlocked(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.ram:
        if backend.share and scene.names_file(backend):
            yield scene.blame(
                backend, f"A second guest with {backend.mem_path} runs in the RAM of this one ({backend.id})."
            )


def _too_big(scene: Scene, prealloc: bool) -> Iterator[Culprit]:
    """Backends in tmpfs with less room left than they have bytes."""
    for backend in scene.mapped:
        path = str(backend.mem_path)
        pages = scene.host.mount_of(path).free_pages
        if backend.filesystem != "tmpfs" or backend.prealloc != prealloc or pages is None:
            continue
        room = pages * scene.host.page_size + (scene.host.file_size(path) or 0)
        if backend.size > room:
            yield scene.blame(
                backend, f"{backend.id} has {human(backend.size)}, but {path} has room for {human(room)}."
            )


def _overcommit(scene: Scene) -> Iterator[Culprit]:
    if scene.host.overcommit != "never":
        return
    for backend in scene.backends:
        file = backend.mem_path is not None or backend.filesystem in ("memfd", "shm")
        if not (backend.reserve or backend.huge or backend.readonly or (backend.share and file)):
            yield scene.blame(
                backend,
                f"{backend.id} wants memory without a reservation (reserve=off), and this host reserves all.",
            )


def _dax(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.backends:
        align = scene.given(backend, "align") or 0
        if str(backend.mem_path).startswith("/dev/dax") and align < 2 << 20:
            told = f"align={human(align)}" if align else "no align="
            yield scene.blame(
                backend, f"{backend.id} has {told}; {backend.mem_path} is mapped by 2 MiB or 1 GiB."
            )


def _path_unused(scene: Scene) -> Iterator[Culprit]:
    option = scene.config.last("mem-path") if scene.config else None
    if option and all(backend.mem_path != option.value for backend in scene.main_ram if backend.implicit):
        names = ", ".join(scene.features["numa-memdev"])
        yield Culprit(f"-mem-path {option.value} backs nothing: RAM comes from {names}.",
                      ("-mem-path", *scene.features["numa-memdev"]), (option,))


def _private_path(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.main_ram:
        if backend.implicit and scene.names_file(backend):
            yield scene.blame(
                backend, f"What the guest writes into {backend.id} never reaches {backend.mem_path}."
            )


def _in_use(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.mapped:
        if not backend.implicit:
            yield scene.blame(backend, f"object_del {backend.id} is refused: the guest has its memory.")


def _touched_later(scene: Scene) -> Iterator[Culprit]:
    if scene.config and (option := scene.config.last("mem-prealloc")):
        yield Culprit("-mem-prealloc also fills every backend that object_add makes, while the guest waits.",
                      ("-mem-prealloc",), (option,))


_F = "-m 256M -M memory-backend=f -object memory-backend-file,id=f,size=256M,mem-path=/dev/shm/f"
_DIRECTORY = "-m 256M -M memory-backend=f -object memory-backend-file,id=f,size=256M,mem-path=/dev/shm"
_ANONYMOUS = "-m 256M -M memory-backend=r -object memory-backend-ram,id=r,size=256M"
_FULL = Host(files={"/dev/shm/f": 256 << 20})
_SMALL = Host(mounts={"/": Mount("ext4"), "/dev/shm": Mount("tmpfs", None, 32768)})

RULES = (
    Rule(
        "discard-data-destroys-file", "The file loses its content when QEMU quits", "data-loss",
        ("discard-data", "share-on"),
        "discard-data=on tells the kernel, when the backend goes away, that the file's pages are not wanted. "
        "On a shared mapping this frees the blocks of the file.",
        "leave discard-data off for NVDIMMs, templates and whatever is to be kept",
        ("backends/hostmem-file.c: file_backend_unparent, 7.2",),
        _discarded,
        example=f"{_F},share=on,discard-data=on", innocent=f"{_F},share=on", host=_FULL,
        mend=set_property(discard_data=None), since="2.11",
    ),
    Rule(
        "discard-data-noop-when-private", "A discard of the file that does nothing", "silent-misbehaviour",
        ("discard-data", "share-off"),
        "Only a shared mapping lets the kernel free the blocks of the file. On a private one it refuses, and "
        "QEMU does not look at the answer.",
        "use share=on, or delete the file when QEMU has quit",
        ("backends/hostmem-file.c: file_backend_unparent, 7.2",),
        _not_discarded,
        example=f"{_F},discard-data=on", innocent=f"{_F},share=on,discard-data=on",
        mend=set_property(discard_data=None), since="2.11",
    ),
    Rule(
        "file-backend-creates-missing-file", "A new file for nothing", "surprise",
        ("backend-file", "share-off"),
        "A path that is not there is no mistake: QEMU creates the file with the size of the backend. A "
        "private mapping writes nothing back, so a mistyped path gives a guest of zeros and a file full of "
        "holes.",
        "name a file that exists, or a directory: there QEMU makes a file that has no name",
        ("softmmu/physmem.c: file_ram_open, 7.2",),
        _created,
        example=_F, innocent=_DIRECTORY,
    ),
    Rule(
        "file-backend-larger-silently-partial", "The guest sees a part of the file", "surprise",
        ("backend-file",),
        "QEMU checks only that the file is not too short. It maps size= bytes, and says nothing about the "
        "rest.",
        "give the size of the file, or choose the part with offset= (since 8.1)",
        ("softmmu/physmem.c: qemu_ram_alloc_from_fd, 7.2",),
        _cut,
        example=_F, innocent="-m 512M -M memory-backend=f "
                             "-object memory-backend-file,id=f,size=512M,mem-path=/dev/shm/f",
        host=Host(files={"/dev/shm/f": 512 << 20}),
    ),
    Rule(
        "file-truncated-under-vm", "A file that others can cut short", "surprise",
        ("backend-file",),
        "A page behind the end of a file cannot be read: the kernel sends SIGBUS, which ends QEMU. Deleting "
        "the file is harmless, truncating it is not.",
        "use memory-backend-memfd, which is sealed against it, or a directory as mem-path",
        ("softmmu/cpus.c: sigbus_handler, 7.2", "backends/hostmem-memfd.c: seal is on, 7.2"),
        _can_be_cut,
        example=_F, innocent=_DIRECTORY,
    ),
    Rule(
        "readonly-main-ram-becomes-rom", "Main RAM that cannot be written", "silent-misbehaviour",
        ("readonly",),
        "readonly=on makes ROM of the region, not a private copy. The guest's writes are dropped, and the "
        "firmware gets nowhere.",
        "leave readonly off; for a template since 8.2: readonly=on,rom=off with share=off",
        ("backends/hostmem-file.c: file_backend_memory_alloc, 7.2",),
        _rom,
        example=f"{_F},readonly=on", innocent=_F,
        mend=set_property(readonly=None, rom=None), since="6.0",
    ),
    Rule(
        "readonly-missing-file-created", "A file made to be read", "surprise",
        ("readonly",),
        "Before 8.2 QEMU created a missing file even for readonly=on. The guest then reads zeros where "
        "content was meant to be.",
        "check that the file is there; QEMU 8.2 does",
        ("softmmu/physmem.c: file_ram_open, 7.2", "system/physmem.c: file_ram_open, 8.2"),
        _created_to_read,
        example="-object memory-backend-file,id=f,size=64M,mem-path=/var/tmp/f,readonly=on,share=on "
                "-device ivshmem-plain,memdev=f",
        innocent="-object memory-backend-file,id=f,size=64M,mem-path=/var/tmp/f,share=on "
                 "-device ivshmem-plain,memdev=f",
        since="6.0", until="8.2",
    ),
    Rule(
        "two-vms-one-shared-file", "No lock keeps a second guest out of this RAM", "surprise",
        ("backend-file", "share-on"),
        "QEMU locks disk images, but no memory files. Two guests with the same file and share=on write into "
        "each other's RAM.",
        "use a file for each guest, or a directory as mem-path",
        ("softmmu/physmem.c: file_ram_open, 7.2",),
        _unlocked,
        example=f"{_F},share=on", innocent=f"{_DIRECTORY},share=on", since="2.1",
    ),
    Rule(
        "tmpfs-full-sparse-start", "More RAM than the file system has room for", "data-loss",
        ("tmpfs",),
        "The file has no blocks when QEMU starts. A page that finds no room when it is first touched raises "
        "SIGBUS, and the guest dies.",
        "add prealloc=on to learn it at start, or give the mount more room",
        ("softmmu/physmem.c: file_ram_alloc, 7.2",),
        lambda scene: _too_big(scene, prealloc=False),
        example=f"{_F},share=on", innocent="-m 64M -mem-path /dev/shm", host=_SMALL,
    ),
    Rule(
        "tmpfs-full-prealloc", "The file system has no room for what prealloc=on fills", "refuses-to-start",
        ("tmpfs", "prealloc"),
        "Preallocation touches every page, and the file system runs out of room. QEMU's message speaks of a "
        "bad address (5.2: of too little memory), not of a full file system.",
        "give the mount more room, or the backend fewer bytes",
        ("util/oslib-posix.c: qemu_prealloc_mem, 7.2",),
        lambda scene: _too_big(scene, prealloc=True),
        example=f"{_F},share=on,prealloc=on", innocent="-m 64M -mem-path /dev/shm -mem-prealloc", host=_SMALL,
    ),
    Rule(
        "reserve-off-overcommit-2", "This host reserves memory for everything", "refuses-to-start",
        ("reserve-off",),
        "With vm.overcommit_memory=2 the kernel ignores the wish for memory without a reservation. QEMU "
        "refuses private and anonymous memory with reserve=off rather than to commit all of it; huge pages "
        "and shared files are not counted there.",
        "leave reserve=off away, use a shared memfd, or set vm.overcommit_memory to 0 or 1",
        ("util/mmap-alloc.c: map_noreserve_effective, 7.2",),
        _overcommit,
        example=f"{_ANONYMOUS},reserve=off",
        innocent="-m 256M -M memory-backend=r "
                 "-object memory-backend-memfd,id=r,size=256M,share=on,reserve=off",
        host=Host(overcommit="never"), mend=set_property(reserve=None), since="6.1",
    ),
    Rule(
        "devdax-align-larger-than-option", "A DAX device needs its own alignment", "refuses-to-start",
        ("backend-file",),
        "The kernel maps a DAX device only at multiples of its alignment, mostly 2 MiB. A QEMU with "
        "libdaxctl compares it with align= and refuses; others fail at mmap.",
        "set align= to the alignment of the device (ndctl list shows it)",
        ("softmmu/physmem.c: get_file_align, qemu_ram_alloc_from_fd, 7.2",),
        _dax,
        example="-m 256M -M memory-backend=f -object "
                "memory-backend-file,id=f,size=256M,share=on,mem-path=/dev/dax0.0,align=4K",
        innocent="-m 256M -M memory-backend=f -object "
                 "memory-backend-file,id=f,size=256M,share=on,mem-path=/dev/dax0.0,align=2M",
        mend=set_property(align="2M"),
    ),
    Rule(
        "mem-path-ignored-with-numa-memdev", "-mem-path is ignored", "silent-misbehaviour",
        ("mem-path", "numa-memdev"),
        "-mem-path belongs to the one backend that the machine makes itself. With memdev= on the NUMA nodes "
        "it makes none, and no warning tells it.",
        "give each node a memory-backend-file with mem-path=",
        ("hw/core/machine.c: machine_run_board_init, 7.2",
         "hw/core/numa.c: numa_complete_configuration, 7.2"),
        _path_unused,
        example="-m 256M -mem-path /dev/shm -object memory-backend-ram,id=r,size=256M -numa node,memdev=r",
        innocent="-m 256M -object memory-backend-ram,id=r,size=256M -numa node,memdev=r", mend=drop_option,
    ),
    Rule(
        "mem-path-private-mapping", "-mem-path keeps nothing in its file", "surprise",
        ("mem-path",),
        "The backend that QEMU makes for -mem-path has share=off. It reads the file, and keeps what the "
        "guest writes in private copies.",
        "use memory-backend-file with share=on, and -machine memory-backend=",
        ("hw/core/machine.c: create_default_memdev, 7.2",),
        _private_path,
        example="-m 256M -mem-path /var/tmp/f", innocent="-m 256M -mem-path /var/tmp",
    ),
    Rule(
        "backend-delete-while-mapped", "The backend is in use", "refuses-operation",
        ("object-del",),
        "A backend whose memory the guest sees counts as mapped. object_del refuses it until the device that "
        "shows it is gone.",
        "device_del the device first and wait for DEVICE_DELETED; main RAM stays",
        ("backends/hostmem.c: host_memory_backend_can_be_deleted, 7.2",),
        _in_use,
        example="-m 256M,maxmem=1G,slots=2 -object memory-backend-ram,id=d,size=64M -device pc-dimm,memdev=d",
        innocent="-m 256M -object memory-backend-ram,id=d,size=128M", operations=("object-del",), since="2.1",
    ),
    Rule(
        "mem-prealloc-applies-to-hotplug", "-mem-prealloc fills later backends, too", "surprise",
        ("mem-prealloc", "object-add"),
        "-mem-prealloc sets prealloc=on for every backend that says nothing itself. object_add then fills "
        "all pages before it returns, and the monitor waits with it.",
        "say prealloc=off in object_add, or prealloc=on for single backends only",
        ("softmmu/vl.c: qemu_process_sugar_options, 7.2",
         "backends/hostmem.c: host_memory_backend_post_init, 7.2"),
        _touched_later,
        example="-m 256M -mem-prealloc", innocent="-m 256M", operations=("object-add",), since="5.0",
    ),
)
