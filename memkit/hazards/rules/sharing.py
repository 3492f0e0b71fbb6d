"""Memory that other processes must see: vhost-user, ivshmem, files of two guests."""

from __future__ import annotations

from collections.abc import Iterator

from memkit.hazards.mending import set_property
from memkit.hazards.rule import Culprit, Rule
from memkit.hazards.scene import Scene

__all__ = ["RULES"]


def _private_ram(scene: Scene, file_only: bool) -> Iterator[Culprit]:
    """Private RAM that a vhost-user device should see; with ``file_only`` where a file is behind it."""
    devices = scene.features["vhost-user"]
    for backend in scene.ram:
        has_file = backend.mem_path is not None or backend.filesystem == "memfd"
        if backend.share or has_file != file_only:
            continue
        option = scene.option_of(backend)
        yield Culprit(
            f"RAMBlock {backend.id} is private (share=off), but {', '.join(devices)} needs it shared.",
            (backend.id, *devices), (option,) if option and option.name == "object" else (),
        )


def _vhost_user_private_file(scene: Scene) -> Iterator[Culprit]:
    return _private_ram(scene, file_only=True)


def _ivshmem_private(scene: Scene) -> Iterator[Culprit]:
    for spec in scene.drivers("ivshmem-plain"):
        backend = scene.backend(spec.props.get("memdev"))
        if backend is not None and not backend.share:
            option = scene.option_of(backend)
            yield Culprit(
                f"{spec.id or spec.driver} shows backend {backend.id}, which nobody else can map (share=off).",
                (spec.id or spec.driver, backend.id), (option,) if option else (),
            )


# A vhost-user disk in front of main RAM from backend f.
_BLK = "-m 256M -M memory-backend=f -chardev socket,id=c,path=/tmp/c -device vhost-user-blk-pci,chardev=c"

RULES = (
    Rule(
        "vhost-user-private-file", "A vhost-user process sees a copy of the guest's memory",
        "silent-misbehaviour", ("vhost-user", "share-off"),
        "QEMU hands the file behind RAM to the other process. With share=off the guest's writes go to private "
        "copies of its pages, so the other process reads what was in the file before.",
        "add share=on to the backend",
        ("hw/virtio/vhost-user.c: vhost_user_set_mem_table, 7.2", "backends/hostmem-file.c: share is off, 7.2"),
        _vhost_user_private_file,
        example=f"-object memory-backend-file,id=f,size=256M,mem-path=/dev/shm/f {_BLK}",
        innocent=f"-object memory-backend-file,id=f,size=256M,mem-path=/dev/shm/f,share=on {_BLK}",
        mend=set_property(share="on"), since="2.1", until="11.0",
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
        innocent="-object memory-backend-ram,id=i,size=1M,share=on -device ivshmem-plain,memdev=i",
        mend=set_property(share="on"), since="2.6",
    ),
)
