"""virtio-mem: memory that comes and goes in blocks, and what stands in its way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from memkit.errors import MemkitError
from memkit.hazards.features import on
from memkit.hazards.mending import current, drop_option, set_property
from memkit.hazards.rule import Culprit, Rule
from memkit.hazards.rules.vfio import ASSIGNED, PCI_HOST
from memkit.hazards.scene import Scene
from memkit.units import human
from memkit.versions import parse_version

if TYPE_CHECKING:
    from memkit.config import Config, DeviceSpec
    from memkit.memory.backend import Backend
    from memkit.memory.device import MemoryDevice

__all__ = ["RULES"]

MIB = 1 << 20
THP_SIZE = 2 * MIB
"""The size of a transparent huge page on most hosts, which QEMU takes for the usual block."""
SLOT_SIZE = 1024 * MIB
"""With dynamic-memslots, a memory slot is not smaller than this."""
MAPPINGS, KVM_SLOTS, TCG_SLOTS = 65535, 32764, 512
"""The mappings that VFIO grants a container, and the slots that QEMU keeps free of them for other memory."""


def _each(scene: Scene) -> Iterator[tuple[str, MemoryDevice, Backend, DeviceSpec]]:
    """Every virtio-mem device: name, device, backend and its place on the line."""
    for device in scene.guest.memory_devices:
        backend, spec = scene.backend(device.memdev), scene.device_of(device)
        if device.kind == "virtio-mem" and backend is not None and spec is not None:
            yield scene.name_of(device), device, backend, spec


def _prealloc(scene: Scene, everywhere: bool) -> Iterator[Culprit]:
    """Backends that are filled before virtio-mem empties them, by their own word or by ``-mem-prealloc``."""
    for name, _, backend, _ in _each(scene):
        own = scene.given(backend, "prealloc") is True
        if backend.prealloc and own != everywhere:
            option = scene.option_of(backend)
            if everywhere and scene.config:
                option = scene.config.last("mem-prealloc")
            yield Culprit(
                f"{backend.id} is filled with {backend.size // MIB} MiB, and {name} empties it at once.",
                (backend.id, name), (option,) if option else (),
            )


def _transparent(scene: Scene) -> int:
    """The transparent huge page of the host, in bytes."""
    return (scene.host.pages and scene.host.pages.transparent) or THP_SIZE


def _small_blocks(scene: Scene) -> Iterator[Culprit]:
    huge = _transparent(scene)
    for name, device, backend, spec in _each(scene):
        if backend.page_size == scene.host.page_size and (device.block_size or 0) < huge:
            yield Culprit(
                f"{name} has blocks of {(device.block_size or 0) // MIB} MiB, and a huge page has "
                f"{human(huge)}.", (name,), (spec.option,),
            )


def _emptied(scene: Scene) -> Iterator[Culprit]:
    for name, _, backend, spec in _each(scene):
        if scene.keeps_file(backend):
            yield Culprit(
                f"{name} empties {backend.mem_path} ({backend.id}) when QEMU starts.", (name, backend.id),
                (spec.option,),
            )


def _punched(scene: Scene) -> Iterator[Culprit]:
    for name, _, backend, spec in _each(scene):
        if scene.keeps_file(backend) and not backend.share:
            yield Culprit(
                f"{backend.id} is private, and {name} makes holes in {backend.mem_path} all the same.",
                (name, backend.id), (spec.option,),
            )


def _readable(scene: Scene) -> Iterator[Culprit]:
    for name, _, backend, spec in _each(scene):
        zero_page = backend.type == "memory-backend-ram" and not backend.share
        warned = any("'unplugged-inaccessible' property set to 'off'" in w and spec.option.text in w
                     for w in scene.guest.warnings)
        if not zero_page and (warned or scene.version < (7,)):
            yield Culprit(
                f"Reading what {name} has not plugged takes real pages of {backend.id}.", (name, backend.id),
                (spec.option,),
            )


def _hide(config: Config, culprit: Culprit) -> Config:
    """``config`` in which nobody can read what is not plugged; raises MemkitError before 7.0."""
    if parse_version(config.qemu) < (7,):
        raise MemkitError("before 7.0 anybody can read it: use memory-backend-ram without share=on")
    return set_property(unplugged_inaccessible="auto")(config, culprit)


def _late_vhost(scene: Scene) -> Iterator[Culprit]:
    """Devices that chose their slots before a vhost-user device, or before one that may be plugged."""
    places = list(scene.devices)
    for name, _, backend, spec in _each(scene):
        if not on(spec, "dynamic-memslots") or backend.size <= SLOT_SIZE:
            continue
        later = [d.id or d.driver for d in places[places.index(spec):] if d.driver.startswith("vhost-user")]
        if later:
            yield Culprit(
                f"{name} chooses its memory slots before {', '.join(later)} can say how few it has.",
                (name, *later), (spec.option,),
            )
        elif "hot-plug" in scene.operations:
            yield Culprit(
                f"{name} has chosen its memory slots; a vhost device with few slots is refused now.", (name,),
                (spec.option,),
            )


def _mappings(scene: Scene) -> Iterator[Culprit]:
    found = [(name, backend.size // device.block_size, spec)
             for name, device, backend, spec in _each(scene) if device.block_size]
    blocks, others = sum(count for _, count, _ in found), KVM_SLOTS if scene.kvm else TCG_SLOTS
    if blocks + others - len(found) <= MAPPINGS:
        return
    for name, count, spec in found:
        yield Culprit(
            f"{name} has {count} blocks, and VFIO maps each of them: {MAPPINGS} mappings are all it has.",
            (name, *scene.features["vfio"]), (spec.option,),
        )


def _larger_blocks(config: Config, culprit: Culprit) -> Config:
    """``config`` with blocks so large that some 16000 make up the backend."""
    for option in culprit.options:
        here = current(config, option)
        memdev = dict(here.args).get("memdev") if here else None
        size = next((int(o.props["size"]) for o in config.objects if o.id == memdev), 0)
        block = THP_SIZE
        while size // block > 1 << 14 and size % (2 * block) == 0:
            block *= 2
        if here is not None:
            config = config.with_properties(here, {"block-size": f"{block // MIB}M"})
    return config


def _pinned(scene: Scene) -> Iterator[Culprit]:
    iommu, devices = scene.features["viommu"][0], scene.features["vfio"]
    for name, _, _, spec in _each(scene):
        yield Culprit(
            f"By {iommu} the guest can map blocks of {name} for {', '.join(devices)} that it must not have.",
            (name, iommu, *devices), (spec.option,),
        )


def _blocked(scene: Scene) -> Iterator[Culprit]:
    guard = scene.confidential
    blocking = [guard.id] if guard is not None and guard.qom_type == "sev-guest" else []
    if scene.version < (6, 1):
        blocking += scene.features.get("vfio", ())
    for name, _, _, spec in _each(scene) if blocking else ():
        yield Culprit(
            f"{name} must discard RAM, and {', '.join(blocking)} forbids it.", (name, *blocking),
            (spec.option,),
        )


def _mem(size: str = "512M", maxmem: str = "1G", backend: str = "ram", more: str = "") -> str:
    return (f"-m 256M,maxmem={maxmem} -object memory-backend-{backend},id=v,size={size}{more} "
            "-device virtio-mem-pci,id=vm,memdev=v")


_MEM, _LARGE = _mem(), _mem("128G", "129G", more=",reserve=off")
_FILE = _mem(backend="file", more=",mem-path=/var/tmp/v")
_WIDE = "-cpu qemu64,phys-bits=42"
_VHOST = "-chardev socket,id=c,path=/tmp/c -device vhost-user-blk-pci,id=disk,chardev=c"
_SEV = "-accel kvm -M q35,confidential-guest-support=guard " \
       "-object sev-guest,id=guard,cbitpos=51,reduced-phys-bits=1"
_REALIZE = "hw/virtio/virtio-mem.c: virtio_mem_device_realize"
_DISCARD = "softmmu/physmem.c: ram_block_discard_range, 7.2"

RULES = (
    Rule(
        "virtio-mem-backend-prealloc", "Memory filled for nothing", "performance", ("virtio-mem", "prealloc"),
        "prealloc=on fills the backend before virtio-mem starts, and virtio-mem starts by throwing all of it "
        "away. Since 8.0 QEMU refuses such a backend.",
        "drop prealloc=on from the backend; since 7.0 the device has a prealloc= of its own",
        (f"{_REALIZE}, 7.2", f"{_REALIZE}, 8.0"),
        lambda scene: _prealloc(scene, everywhere=False), example=_mem(more=",prealloc=on"), innocent=_MEM,
        mend=set_property(prealloc=None), since="5.1", until="8.0",
    ),
    Rule(
        "virtio-mem-global-mem-prealloc", "-mem-prealloc fills memory of virtio-mem for nothing",
        "performance",
        ("virtio-mem", "mem-prealloc"),
        "-mem-prealloc is prealloc=on for every backend, that of virtio-mem too, which throws it away at "
        "once. Since 8.0 QEMU refuses to start.",
        "use prealloc=on for those backends that shall have it",
        (f"{_REALIZE}, 7.2", f"{_REALIZE}, 8.0"),
        lambda scene: _prealloc(scene, everywhere=True), example=f"-mem-prealloc {_MEM}", innocent=_MEM,
        mend=drop_option, since="5.1", until="8.0",
    ),
    Rule(
        "virtio-mem-block-below-thp", "Blocks smaller than a transparent huge page", "performance",
        ("virtio-mem",),
        "Each block that the guest gives back tears the huge page that it is a part of. The usual block is "
        "as large as the host's huge page, so it can also differ between two hosts.",
        "leave block-size out, or set the same size (2M or more on x86) on both sides of a migration",
        ("hw/virtio/virtio-mem.c: virtio_mem_default_block_size, 7.2",),
        _small_blocks, example=f"{_MEM},block-size=1M", innocent=f"{_MEM},block-size=2M",
        mend=set_property(block_size=None), since="5.2",
    ),
    Rule(
        "virtio-mem-zeroes-existing-file", "A file that virtio-mem empties", "data-loss",
        ("virtio-mem", "backend-file"),
        "The device starts with nothing plugged and makes this true by punching a hole as large as the "
        "backend. Whatever the file had in it is gone.",
        "use memory-backend-ram or memfd, or a file that nobody needs (discard-data=on says so)",
        (f"{_REALIZE}, 7.2", _DISCARD),
        _emptied, example=_FILE.replace("/var/tmp/v", "/var/tmp/v,share=on"), innocent=_MEM, since="5.1",
    ),
    Rule(
        "virtio-mem-private-file-punches-file", "A private file that virtio-mem changes",
        "data-loss", ("virtio-mem", "backend-file", "share-off"),
        "To discard a block QEMU punches a hole into the file behind it, and that the mapping is private "
        "protects nothing. Since 8.1 QEMU warns.",
        "use memory-backend-ram, or memfd",
        (_DISCARD, "system/physmem.c: ram_block_discard_range, 8.2"),
        _punched, example=_FILE, innocent=_MEM, since="5.1",
    ),
    Rule(
        "virtio-mem-unplugged-read-allocates", "Reading what is not plugged takes memory", "performance",
        ("virtio-mem",),
        "With unplugged-inaccessible=off a guest may read blocks that it does not have, in a kernel dump for "
        "instance. Only private anonymous memory has a shared page of zeros for that; all other takes pages.",
        "leave unplugged-inaccessible out (auto) and use a guest of Linux 5.16 or newer",
        (f"{_REALIZE}, 7.2",),
        _readable, example=f"{_mem(backend='memfd')},unplugged-inaccessible=off",
        innocent=_mem(backend="memfd"), mend=_hide, since="7.0",
    ),
    Rule(
        "virtio-mem-memslots-then-vhost", "Memory slots that virtio-mem takes from a later vhost device",
        "refuses-operation", ("virtio-mem",),
        "With dynamic-memslots=on the device decides once how many slots it uses, by the limits known then. "
        "QEMU refuses a vhost device that comes later and has fewer than 509.",
        "put vhost-user devices in front of virtio-mem",
        ("hw/virtio/vhost.c: vhost_dev_init, 8.2",
         "hw/mem/memory-device.c: memory_devices_memslot_auto_decision_active, 8.2"),
        _late_vhost, example=f"{_mem('8G', '16G', 'memfd')},dynamic-memslots=on {_VHOST}",
        innocent=f"{_VHOST} {_mem('8G', '16G', 'memfd')},dynamic-memslots=on",
        mend=set_property(dynamic_memslots=None), since="8.2",
    ),
    Rule(
        "virtio-mem-vfio-dma-mappings", "More blocks than VFIO has mappings", "refuses-operation",
        ("virtio-mem", "vfio"),
        "Blocks come and go one by one, so each plugged block is a mapping of its own in the IOMMU. When "
        "they run out, plugging fails; QEMU warns beforehand, and since 10.2 it refuses.",
        "use a larger block-size",
        ("hw/vfio/common.c: vfio_register_ram_discard_listener, 7.2",
         "hw/vfio/listener.c: vfio_ram_discard_register_listener, 10.2"),
        _mappings, example=f"{_WIDE} {_LARGE} {ASSIGNED}",
        innocent=f"{_WIDE} {_LARGE},block-size=8M {ASSIGNED}",
        mend=_larger_blocks, host=PCI_HOST, since="6.1",
    ),
    Rule(
        "virtio-mem-vfio-viommu-pinning", "A guest can hold more memory than it was given", "security",
        ("virtio-mem", "vfio", "viommu"),
        "With an IOMMU of its own the guest chooses what VFIO maps and pins. It can pin blocks that "
        "virtio-mem has unplugged, and the host does not get these pages back.",
        "limit locked memory (RLIMIT_MEMLOCK, cgroups), or leave the IOMMU out",
        ("hw/vfio/common.c: vfio_get_xlat_addr, 7.2",),
        _pinned, example=f"-M q35 -device intel-iommu {_MEM} {ASSIGNED}",
        innocent=f"-M q35 {_MEM} {ASSIGNED}",
        host=PCI_HOST, since="6.1",
    ),
    Rule(
        "virtio-mem-vs-discard-blockers", "Something forbids the discarding that virtio-mem needs",
        "refuses-to-start", ("virtio-mem",),
        "virtio-mem demands that RAM can be discarded; SEV, and before 6.1 VFIO, demand that it is not. "
        "Whichever comes second fails.",
        "use a pc-dimm, or QEMU 6.1 for VFIO",
        ("softmmu/physmem.c: ram_block_discard_disable, 7.2", "target/i386/sev.c: sev_kvm_init, 7.2",
         "hw/vfio/common.c: vfio_connect_container, 5.2"),
        _blocked, example=f"{_SEV} {_MEM}", innocent=f"-M q35 {_MEM}", mend=drop_option, since="5.1",
    ),
)
