"""Postcopy: the guest runs on the new host before its memory is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from memkit.hazards.mending import drop_option, set_property
from memkit.hazards.rule import Culprit, Rule
from memkit.hazards.rules.migration import both
from memkit.hazards.scene import Scene
from memkit.host import Host, Mount
from memkit.units import human

if TYPE_CHECKING:
    from memkit.memory.backend import Backend

__all__ = ["RULES", "on_disk"]


def on_disk(backend: Backend) -> bool:
    """True if the memory is in a file whose file system knows no userfaultfd."""
    path = backend.mem_path
    return path is not None and not path.startswith("/dev/dax") and backend.filesystem not in (
        "tmpfs", "hugetlbfs")


def _disk(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.mapped:
        block = scene.block_of(backend)
        if on_disk(backend) and block and block.migratable:
            yield scene.blame(
                backend, f"RAMBlock {block.idstr} is in {backend.mem_path}, on {backend.filesystem}."
            )


def _any_disk(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.mapped:
        if on_disk(backend):
            yield scene.blame(backend, f"{backend.id} is in {backend.mem_path}, on {backend.filesystem}.")


def _odd(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.mapped:
        block = scene.block_of(backend)
        if block and block.migratable and block.used_length % block.page_size:
            yield scene.blame(
                backend, f"RAMBlock {block.idstr} has {human(block.used_length)}, which is no multiple of "
                         f"its pages of {human(block.page_size)}."
            )


def _big_pages(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.mapped:
        if backend.page_size >= 1 << 29:
            yield scene.blame(
                backend, f"Each fault in {backend.id} waits for {human(backend.page_size)} from the source."
            )


def _unlocked(scene: Scene) -> Iterator[Culprit]:
    option = scene.config.last("overcommit") if scene.config else None
    yield Culprit("-overcommit mem-lock= ends when postcopy is switched on at the destination.",
                  ("-overcommit",), (option,) if option else ())


def _wiped(scene: Scene) -> Iterator[Culprit]:
    """Private files with content, which the destination would cut holes into."""
    for backend in scene.mapped:
        # Since 8.1 the capability is refused where the file is on a disk.
        if scene.version >= (8, 1) and on_disk(backend):
            continue
        block = scene.block_of(backend)
        keeps = scene.keeps_file(backend) and not backend.share and block and block.migratable
        if keeps and not backend.readonly and scene.given(backend, "readonly") is not True:
            yield scene.blame(
                backend, f"As a destination, this guest empties {backend.mem_path}, which {backend.id} maps "
                         "privately."
            )


def _preempt(scene: Scene) -> Iterator[Culprit]:
    if "migrate-postcopy" not in scene.operations:
        yield Culprit("postcopy-preempt is on and postcopy-ram is not.", ("postcopy-preempt",))


_FILE = "-m 256M -M memory-backend=f -object memory-backend-file,id=f,size=256M"
_NVDIMM = ("-M nvdimm=on -m 256M,slots=2,maxmem=1G -device nvdimm,memdev=n "
           "-object memory-backend-file,id=n,size=128M,share=on")
_CHECK = "migration/postcopy-ram.c: test_ramblock_postcopiable"
_CAPS = "migration/options.c: migrate_caps_check"
_POSTCOPY = ("migrate-postcopy",)
_TEMPLATE = Host(files={"/dev/shm/f": 256 << 20})
_GIANT = Host(mounts={"/": Mount("ext4"), "/dev/shm": Mount("tmpfs"),
                      "/dev/hugepages": Mount("hugetlbfs", 1 << 30, 4)})

RULES = (
    Rule(
        "postcopy-disk-file", "Postcopy dies with RAM in a file on a disk", "data-loss", _POSTCOPY,
        "The destination waits for pages with userfaultfd, which knows anonymous memory, tmpfs and huge "
        "pages alone. Before 8.1 QEMU learns it when the source has stopped, and the guest is lost.",
        "keep RAM in a memfd, tmpfs or huge pages",
        ("migration/postcopy-ram.c: ram_block_enable_notify, 7.2", f"{_CHECK}, 8.1"),
        _disk, example=f"{_FILE},mem-path=/var/tmp/f,share=on",
        innocent=f"{_FILE},mem-path=/dev/shm/f,share=on",
        operations=_POSTCOPY, since="2.6", until="8.1",
    ),
    Rule(
        "postcopy-pmem", "One file on a disk is enough to exclude postcopy", "refuses-operation", _POSTCOPY,
        "The destination looks at the file behind every RAMBlock, that of a small NVDIMM included. A file "
        "system other than tmpfs and hugetlbfs makes it refuse the capability.",
        "migrate with precopy, or take the device out first", (f"{_CHECK}, 8.1",),
        _any_disk, example=f"{_NVDIMM},mem-path=/var/tmp/n", innocent=f"{_NVDIMM},mem-path=/dev/shm/n",
        operations=_POSTCOPY, since="8.1",
    ),
    Rule(
        "postcopy-hugetlb-odd-size", "A part of a huge page cannot be filled at once", "refuses-operation",
        ("hugetlb", "migrate-postcopy"),
        "Postcopy puts whole pages of the host into place, so that no CPU sees one half full. A block that "
        "ends within a huge page makes the destination refuse.",
        "round the size to the huge page size; QEMU 9.1 wants that from the start", (f"{_CHECK}, 7.2",),
        _odd, example="-m 129M -mem-path /dev/hugepages", innocent="-m 128M -mem-path /dev/hugepages",
        operations=_POSTCOPY, since="2.11", until="9.1",
    ),
    Rule(
        "postcopy-1g-pages-stall", "A fault waits for a whole gigantic page", "performance",
        ("hugetlb", "migrate-postcopy"),
        "A virtual CPU that touches a missing page sleeps until all of it has arrived. For 1 GiB that is "
        "about a second at 10 Gbit/s, for every page.",
        "use smaller huge pages", ("docs/devel/migration/postcopy.rst, 9.0",),
        _big_pages, example="-m 1G -mem-path /dev/hugepages", innocent="-m 1G -mem-path /dev/shm",
        operations=_POSTCOPY, host=_GIANT, since="2.9",
    ),
    Rule(
        "postcopy-mlock", "Postcopy takes the lock off all memory", "surprise",
        ("mem-lock", "migrate-postcopy"),
        "Locked memory is there already and never faults, so the destination unlocks all of it. It locks "
        "again at the end; until then pages may be swapped, and a failure there is only logged.",
        "accept it, or migrate with precopy",
        ("migration/postcopy-ram.c: postcopy_ram_supported_by_host, postcopy_ram_incoming_cleanup, 7.2",),
        _unlocked, example="-m 256M -overcommit mem-lock=on", innocent="-m 256M", operations=_POSTCOPY,
        mend=drop_option, since="2.5",
    ),
    Rule(
        "postcopy-wipes-private-template", "Postcopy cuts holes into the template of a guest", "data-loss",
        ("backend-file", "share-off", "migrate-postcopy"),
        "A destination empties its RAM before pages come, and does so in the file, although the mapping is "
        "private. Every other guest that starts from this file gets zeros.",
        "give a destination memory of its own, or readonly=on,rom=off (8.2), with which postcopy stops",
        ("migration/postcopy-ram.c: init_range, 7.2", "softmmu/physmem.c: ram_block_discard_range, 7.2"),
        _wiped, example=f"{_FILE},mem-path=/dev/shm/f,share=off",
        innocent=f"{_FILE},mem-path=/dev/shm,share=off",
        operations=_POSTCOPY, host=_TEMPLATE, mend=set_property(mem_path="/dev/shm"), since="2.6",
    ),
    Rule(
        "postcopy-multifd", "Postcopy with multifd ends the destination", "data-loss",
        ("migrate-postcopy", "multifd"),
        "The channels of multifd are still at work when postcopy begins, and their pages come too late. "
        "From 6.0 to 8.0 QEMU lets the pair pass, and the destination aborts when the source has stopped.",
        "turn one of the two off before 10.1",
        ("migration/migration.c: migrate_caps_check, 7.2", f"{_CAPS}, 8.1"),
        both("migrate-postcopy", "multifd"), example="-m 256M", innocent="-m 256M",
        operations=("migrate-postcopy", "multifd"), innocent_operations=_POSTCOPY, since="6.0", until="8.1",
    ),
    Rule(
        "postcopy-multifd-refused", "Postcopy excludes multifd", "refuses-operation",
        ("migrate-postcopy", "multifd"),
        "The channels of multifd would still be at work when postcopy begins. From 8.1 on QEMU refuses the "
        "pair, and since 10.1 it supports it.",
        "turn one of the two off", (f"{_CAPS}, 8.1 and 10.1",),
        both("migrate-postcopy", "multifd"), example="-m 256M", innocent="-m 256M",
        operations=("migrate-postcopy", "multifd"), innocent_operations=_POSTCOPY, since="8.1", until="10.1",
    ),
    Rule(
        "ignore-shared-vs-postcopy", "Postcopy excludes x-ignore-shared", "refuses-operation",
        ("migrate-postcopy", "x-ignore-shared"),
        "A destination of postcopy empties its memory first. x-ignore-shared relies on what is there.",
        "turn one of the two off", ("migration/migration.c: migrate_caps_check, 7.2", f"{_CAPS}, 11.1"),
        both("migrate-postcopy", "x-ignore-shared"), example="-m 256M", innocent="-m 256M",
        operations=("migrate-postcopy", "x-ignore-shared"), innocent_operations=_POSTCOPY, since="4.0",
    ),
    Rule(
        "postcopy-preempt-needs-postcopy", "Urgent pages exist in postcopy only", "refuses-operation",
        ("postcopy-preempt",),
        "postcopy-preempt opens a second channel for the pages that a CPU waits for. Without postcopy "
        "nobody waits, and QEMU refuses the capability.",
        "turn postcopy-ram on first",
        ("migration/migration.c: migrate_caps_check, 7.2", f"{_CAPS}, 11.1"),
        _preempt, example="-m 256M", innocent="-m 256M", operations=("postcopy-preempt",),
        innocent_operations=("postcopy-preempt", "migrate-postcopy"), since="7.1",
    ),
    Rule(
        "postcopy-release-ram-no-way-back", "After a broken connection nothing brings the guest back",
        "data-loss", ("migrate-postcopy", "release-ram"),
        "The source frees each page when it is sent. If the connection breaks, pages under way are on "
        "neither host, and QEMU refuses to resume.",
        "use release-ram only between two QEMUs on one host",
        ("migration/migration.c: migrate_prepare, 7.2",),
        both("migrate-postcopy", "release-ram"), example="-m 256M", innocent="-m 256M",
        operations=("migrate-postcopy", "release-ram"), innocent_operations=_POSTCOPY, since="2.9",
    ),
)
