"""Memory that shall outlive the guest: NVDIMMs, virtio-pmem, pmem=on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from memkit.hazards.features import on
from memkit.hazards.mending import set_machine, set_property
from memkit.hazards.rule import Culprit, Rule
from memkit.hazards.scene import Scene

if TYPE_CHECKING:
    from memkit.memory.device import MemoryDevice

__all__ = ["RULES"]


def _private(scene: Scene, kind: str) -> Iterator[Culprit]:
    """Devices of a kind on a private file, unless the guest knows that they keep nothing."""
    for device in scene.guest.memory_devices:
        backend, spec = scene.backend(device.memdev), scene.device_of(device)
        if device.kind != kind or backend is None or backend.mem_path is None or backend.share:
            continue
        if backend.readonly or scene.given(backend, "readonly") is True or (spec and on(spec, "unarmed")):
            continue
        if kind == "nvdimm" and _is_read_only_root(scene, device):
            continue
        name, option = scene.name_of(device), scene.option_of(backend)
        yield Culprit(
            f"What the guest writes to {name} never reaches {backend.mem_path}: {backend.id} is private.",
            (name, backend.id), (option,) if option else (),
        )


def _is_read_only_root(scene: Scene, device: MemoryDevice) -> bool:
    """True if the kernel's command line mounts this NVDIMM as its root, to read only.

    Containers in light guests share one image like that, private on purpose.
    """
    nvdimms = [d for d in scene.guest.memory_devices if d.kind == "nvdimm"]
    # Linux numbers them from the lowest address.
    root = rf"root=/dev/pmem{nvdimms.index(device)}(p\d+)?"
    words = scene.machine.get("append", "").split()
    return "ro" in words and any(re.fullmatch(root, word) for word in words)


def _volatile(scene: Scene) -> Iterator[Culprit]:
    for device in scene.guest.memory_devices:
        backend, spec = scene.backend(device.memdev), scene.device_of(device)
        if device.kind != "nvdimm" or backend is None or backend.mem_path is not None:
            continue
        if not scene.told_of(backend):
            continue
        if spec is None or not on(spec, "unarmed"):
            name = scene.name_of(device)
            yield Culprit(
                f"NVDIMM {name} lives in {backend.filesystem} memory ({backend.id}), which ends with QEMU.",
                (name, backend.id), (spec.option,) if spec else (),
            )


def _rest(scene: Scene) -> Iterator[Culprit]:
    for device in scene.guest.memory_devices:
        backend, spec = scene.backend(device.memdev), scene.device_of(device)
        if device.kind != "nvdimm" or backend is None or spec is None or not spec.props.get("label-size"):
            continue
        lost = backend.size - device.size
        if lost >= 1 << 20:
            name = scene.name_of(device)
            yield Culprit(
                f"{name} shows {device.size >> 20} of the {backend.size >> 20} MiB of {backend.id}.",
                (name, backend.id), (spec.option,),
            )


def _claimed(scene: Scene) -> Iterator[Culprit]:
    value = scene.machine["nvdimm-persistence"]
    for device in scene.guest.memory_devices:
        if device.kind == "nvdimm":
            name = scene.name_of(device)
            yield Culprit(
                f"The guest is told that {name} is safe at a power cut ({value}), and nobody has checked it.",
                (name, "nvdimm-persistence"),
            )


def _not_dax(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.mapped:
        path, option = backend.mem_path, scene.option_of(backend)
        known = "dax" in backend.filesystem or str(path).startswith("/dev/dax")
        if backend.pmem and backend.share and not known:
            yield Culprit(
                f"{path} of {backend.id} is on {backend.filesystem}, where pmem=on promises too much.",
                (backend.id,), (option,) if option else (),
            )


def _silent(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.mapped:
        if backend.pmem and not backend.share:
            option = scene.option_of(backend)
            yield Culprit(
                f"{backend.id} has pmem=on and is private, so that {backend.mem_path} keeps nothing.",
                (backend.id,), (option,) if option else (),
            )


_NVDIMM = "-M pc,nvdimm=on -m 256M,slots=2,maxmem=1G -device nvdimm,id=nv,memdev=n"
_FILE = f"{_NVDIMM} -object memory-backend-file,id=n,size=128M,mem-path=/var/tmp/n"
_PMEM = "-m 256M,maxmem=1G -object memory-backend-file,id=p,size=128M,mem-path=/var/tmp/p"
_HUGE = "-object memory-backend-memfd,id=n,size=128M,hugetlb=on"
_MMAP = "util/mmap-alloc.c: mmap_activate, 7.2"

RULES = (
    Rule(
        "nvdimm-share-off-loses-writes", "An NVDIMM that forgets everything", "data-loss",
        ("nvdimm", "backend-file", "share-off"),
        "A file backend is private unless the line says share=on. The guest's writes go to copies of the "
        "pages, which are gone when QEMU ends, while the guest believes that they last.",
        "add share=on to the backend, or unarmed=on to the NVDIMM if nothing shall last",
        ("backends/hostmem-file.c: file_backend_memory_alloc, 7.2", "docs/nvdimm.txt, 7.2"),
        lambda scene: _private(scene, "nvdimm"), example=_FILE, innocent=f"{_FILE},share=on",
        mend=set_property(share="on"), since="2.6",
    ),
    Rule(
        "virtio-pmem-share-off-loses-writes", "A virtio-pmem device that forgets everything", "data-loss",
        ("virtio-pmem", "backend-file", "share-off"),
        "The guest's flush makes QEMU call fsync for the file. With a private mapping the file has none of "
        "the guest's writes, and the flush succeeds all the same.",
        "add share=on to the backend",
        ("hw/virtio/virtio-pmem.c: worker_cb, 7.2",
         "backends/hostmem-file.c: file_backend_memory_alloc, 7.2"),
        lambda scene: _private(scene, "virtio-pmem"),
        example=f"{_PMEM} -device virtio-pmem-pci,id=pmem,memdev=p",
        innocent=f"{_PMEM},share=on -device virtio-pmem-pci,id=pmem,memdev=p",
        mend=set_property(share="on"), since="4.1",
    ),
    Rule(
        "nvdimm-volatile-backend", "An NVDIMM in memory that does not last", "data-loss", ("nvdimm",),
        "Whether an NVDIMM keeps anything depends on its backend alone, and QEMU takes any. The guest is "
        "told of persistent memory and loses it with the process.",
        "use memory-backend-file with share=on, or unarmed=on to tell the guest",
        ("hw/mem/nvdimm.c: nvdimm_prepare_memory_region, 7.2", "docs/nvdimm.txt, 7.2"),
        _volatile, example=f"{_NVDIMM} -object memory-backend-ram,id=n,size=128M",
        innocent=f"{_FILE},share=on",
        mend=set_property(unarmed="on"), since="2.6",
    ),
    Rule(
        "nvdimm-label-eats-hugepage", "The label of an NVDIMM costs a whole huge page", "surprise",
        ("nvdimm", "nvdimm-label"),
        "The label area is the end of the backend, and what is left is cut to whole units of its alignment. "
        "With huge pages (or align=) a label of 128 KiB costs one whole page.",
        "make the backend one unit larger than what the guest shall see",
        ("hw/mem/nvdimm.c: nvdimm_prepare_memory_region, 7.2",),
        _rest, example=f"{_NVDIMM},label-size=128K {_HUGE}", innocent=f"{_NVDIMM} {_HUGE}", since="2.7",
    ),
    Rule(
        "nvdimm-persistence-flag-is-only-acpi", "A promise about power cuts that nobody checks",
        "surprise", ("nvdimm", "nvdimm-persistence"),
        "The option only sets a flag in the guest's ACPI tables. With cpu the guest leaves out cache "
        "flushes, which is wrong on hardware that does not save its caches at a power cut.",
        "set it only on hosts whose hardware does that",
        ("hw/acpi/nvdimm.c: nvdimm_build_structure_caps, 7.2",),
        _claimed, example=f"{_FILE},share=on -M nvdimm-persistence=cpu", innocent=f"{_FILE},share=on",
        mend=set_machine(nvdimm_persistence=None), since="3.0",
    ),
    Rule(
        "pmem-on-non-dax", "With pmem=on data waits in the page cache", "data-loss",
        ("pmem-on", "backend-file", "share-on"),
        "With pmem=on QEMU flushes by CPU instructions only. Without DAX that does not get data from the "
        "page cache to the disk; QEMU asks for MAP_SYNC, is refused, warns and goes on.",
        "put the file on a DAX file system, or use virtio-pmem without pmem=on",
        (_MMAP, "docs/about/deprecated.rst, 7.2"),
        _not_dax, example=f"{_FILE},share=on,pmem=on", innocent=f"{_FILE},share=on",
        mend=set_property(pmem=None), since="4.1",
    ),
    Rule(
        "pmem-on-share-off-silent", "A private mapping turns pmem=on into nothing", "data-loss",
        ("pmem-on", "share-off"),
        "QEMU asks for MAP_SYNC only for shared mappings, so that even its warning about files without DAX "
        "stays away. The strongest word on the line does nothing, without a sound.",
        "add share=on, with a file on a DAX file system",
        (_MMAP,),
        _silent, example=f"{_FILE},pmem=on", innocent=f"{_FILE},share=on", mend=set_property(share="on"),
        since="3.1",
    ),
)
