"""Dumps of guest memory: what is in them and what is not."""

from __future__ import annotations

from collections.abc import Iterator

from memkit.hazards.rule import Culprit, Rule
from memkit.hazards.scene import Scene

__all__ = ["RULES"]


def _nvdimms(scene: Scene) -> Iterator[Culprit]:
    for device in scene.guest.memory_devices:
        if device.kind == "nvdimm":
            name = scene.name_of(device)
            yield Culprit(f"The dump has the {device.size >> 20} MiB of {name} in it.", (name,))


def _core_only(scene: Scene) -> Iterator[Culprit]:
    for name in scene.features["dump-off"]:
        said = "=off concerns all memory" if name == "dump-guest-core" else " has dump=off"
        yield Culprit(f"{name}{said}, in QEMU's core file and not in this dump.", (name,))


def _unmapped(scene: Scene) -> Iterator[Culprit]:
    for device in scene.guest.memory_devices:
        if device.kind == "virtio-mem" and device.size < (device.max_size or 0):
            name = scene.name_of(device)
            yield Culprit(
                f"{((device.max_size or 0) - device.size) >> 20} MiB of {name} are not plugged, so they are "
                "not in the dump.", (name,),
            )
    for spec in scene.drivers("ivshmem-plain", "cxl-type3"):
        name = spec.id or spec.driver
        yield Culprit(f"The memory of {name} is in the dump only where the guest has mapped it.", (name,))


_DIMM = "-M pc,nvdimm=on -m 256M,slots=2,maxmem=1G -object memory-backend-file,id=n,size=128M,share=on"
_MAPPING = "softmmu/memory_mapping.c: guest_phys_blocks_region_add, 7.2"

RULES = (
    Rule(
        "dump-includes-nvdimm", "A dump holds what is on the NVDIMMs", "surprise",
        ("nvdimm", "dump-guest-memory"),
        "The dump means to skip memory that is marked non-volatile. The mark is on the NVDIMM's alias and "
        "not on the backend's region behind it, which is the one that is asked.",
        "expect a dump as large as RAM and NVDIMMs together, and keep it as safe as the disk",
        (_MAPPING, "hw/mem/nvdimm.c: nvdimm_prepare_memory_region, 7.2"),
        _nvdimms, example=f"{_DIMM},mem-path=/var/tmp/n -device nvdimm,memdev=n,id=nv",
        innocent="-m 256M", operations=("dump-guest-memory",), since="2.6",
    ),
    Rule(
        "dump-off-is-core-file-only", "With dump=off, a dump still has all guest memory",
        "surprise", ("dump-off", "dump-guest-memory"),
        "dump=off tells the kernel to leave memory out of the core file if QEMU crashes. dump-guest-memory "
        "walks through the guest's address space and does not look at it.",
        "guard both ways out where RAM holds secrets",
        ("backends/hostmem.c: host_memory_backend_set_dump, 7.2", _MAPPING),
        _core_only, example="-m 256M -M dump-guest-core=off", innocent="-m 256M",
        operations=("dump-guest-memory",), since="2.1",
    ),
    Rule(
        "dump-skips-io-and-unmapped", "A dump has only what the guest sees now", "surprise",
        ("dump-guest-memory",),
        "The dump walks through what is mapped at this moment. Blocks of virtio-mem that are not plugged, "
        "and BARs that the guest has not enabled, are not part of it.",
        "migrate to a file to get whole RAMBlocks",
        (_MAPPING,),
        _unmapped,
        example="-m 256M,maxmem=1G -object memory-backend-ram,id=v,size=512M "
                "-device virtio-mem-pci,memdev=v,id=vm",
        innocent="-m 256M", operations=("dump-guest-memory",), since="6.2",
    ),
)
