"""Memory devices that shall leave a running guest."""

from __future__ import annotations

from collections.abc import Iterator

from memkit.hazards.mending import set_property
from memkit.hazards.rule import Culprit, Rule
from memkit.hazards.scene import Scene

__all__ = ["RULES"]


def _of_kind(scene: Scene, kind: str, sentence: str) -> Iterator[Culprit]:
    """Names every memory device of a kind; {name} stands for it."""
    for device in scene.guest.memory_devices:
        if device.kind == kind:
            name = scene.name_of(device)
            yield Culprit(sentence.format(name=name), (name,))


def _never(scene: Scene) -> Iterator[Culprit]:
    qemu = "7.2 (the release is not known)" if scene.guest.qemu == "unknown" else scene.guest.qemu
    return _of_kind(scene, "virtio-mem", f"QEMU {qemu} cannot take out {{name}}.")


def _not_empty(scene: Scene) -> Iterator[Culprit]:
    for device in scene.guest.memory_devices:
        spec = scene.device_of(device)
        if device.kind != "virtio-mem" or spec is None:
            continue
        name = scene.name_of(device)
        if spec.props.get("unplugged-inaccessible") in ("off", False):
            yield Culprit(
                f"{name} can leave only with unplugged-inaccessible=on.", (name,), (spec.option,),
            )
        elif device.requested_size:
            yield Culprit(
                f"{name} can leave only with requested-size=0, and has {device.requested_size >> 20} MiB.",
                (name,), (spec.option,),
            )


_ROOM = "-m 256M,slots=2,maxmem=1G"
_MEM = f"{_ROOM} -object memory-backend-ram,id=v,size=512M -device virtio-mem-pci,id=vm,memdev=v"
_DIMM = f"{_ROOM} -object memory-backend-ram,id=d,size=128M -device pc-dimm,id=dimm,memdev=d"

RULES = (
    Rule(
        "dimm-hot-unplug-needs-guest", "A DIMM leaves only when the guest lets it go", "surprise",
        ("pc-dimm", "device-del"),
        "device_del asks the guest (over ACPI, on pseries by an event) to give the DIMM up. A guest that has "
        "something immovable there never does, and until then object_del of the backend fails.",
        "wait for the event DEVICE_DELETED; use a movable zone, or virtio-mem, which shrinks in blocks",
        ("hw/acpi/memory_hotplug.c: acpi_memory_unplug_request_cb, 7.2",),
        lambda scene: _of_kind(scene, "dimm", "DIMM {name} leaves when the guest ejects it, if ever."),
        example=_DIMM, innocent=_ROOM, operations=("device-del",), since="2.4",
    ),
    Rule(
        "virtio-mem-unplug-device", "A virtio-mem device cannot be taken out", "refuses-operation",
        ("virtio-mem", "device-del"),
        "Before 8.2, QEMU had no way to take such a device from the bus. Its memory can shrink to nothing, "
        "the device stays.",
        "set requested-size=0 and leave it, or use QEMU 8.2",
        ("hw/i386/pc.c: pc_virtio_md_pci_unplug_request, 7.2",
         "hw/virtio/virtio-md-pci.c: virtio_md_pci_unplug_request, 8.2"),
        _never, example=_MEM, innocent=_ROOM, operations=("device-del",), since="5.1", until="8.2",
    ),
    Rule(
        "virtio-mem-unplug-plugged-device", "A virtio-mem device leaves only when it is empty",
        "refuses-operation", ("virtio-mem", "device-del"),
        "QEMU takes the device out when its requested size and its size are 0. A device whose unplugged "
        "blocks can still be read stays in any case.",
        "set requested-size=0, wait until size is 0, then use device_del",
        ("hw/virtio/virtio-mem.c: virtio_mem_unplug_request_check, 8.2",),
        _not_empty, example=f"{_MEM},requested-size=128M", innocent=_MEM, operations=("device-del",),
        mend=set_property(requested_size=None, unplugged_inaccessible=None), since="8.2",
    ),
    Rule(
        "virtio-pmem-cannot-unplug", "A virtio-pmem device cannot be taken out", "refuses-operation",
        ("virtio-pmem", "device-del"),
        "Nothing tells the guest to unmount it first, so QEMU refuses to take the device out. It stays until "
        "the guest is off.",
        "power the guest off, or use a disk",
        ("hw/i386/pc.c: pc_virtio_md_pci_unplug_request, 7.2",
         "hw/virtio/virtio-md-pci.c: virtio_md_pci_unplug_request, 8.2"),
        lambda scene: _of_kind(scene, "virtio-pmem", "{name} stays until the guest is off."),
        example=f"{_ROOM} -object memory-backend-file,id=p,size=128M,mem-path=/var/tmp/p,share=on "
                "-device virtio-pmem-pci,id=pmem,memdev=p",
        innocent=_ROOM, operations=("device-del",), since="4.1",
    ),
    Rule(
        "nvdimm-cannot-unplug", "An NVDIMM cannot be taken out", "refuses-operation",
        ("nvdimm", "device-del"),
        "On x86 QEMU has no way to ask the guest for an NVDIMM. It refuses at once.",
        "power the guest off; virtio-pmem cannot leave either",
        ("hw/i386/pc.c: pc_memory_unplug_request, 7.2",),
        lambda scene: _of_kind(scene, "nvdimm", "NVDIMM {name} stays until the guest is off."),
        example=f"-M pc,nvdimm=on {_ROOM} -device nvdimm,id=nv,memdev=n "
                "-object memory-backend-file,id=n,size=128M,mem-path=/var/tmp/n,share=on",
        innocent=f"-M pc,nvdimm=on {_ROOM}", operations=("device-del",), since="2.6",
        architectures=("x86_64", "i386"),
    ),
)
