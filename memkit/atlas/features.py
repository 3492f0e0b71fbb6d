"""The features that the atlas combines: what each says on the command line, or does with the guest.

Names are those of memkit.hazards.FEATURES where both mean the same.  A feature only declares words; what a
combination of them comes to is found by booting it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from memkit.errors import MemkitError
from memkit.versions import Version, within

__all__ = ["AREAS", "FEATURES", "Feature", "read_features"]

AREAS = {
    "backing": "What the memory is on the host",
    "machine": "The machine and how it runs",
    "devices": "Memory and devices of the guest",
    "operations": "What is done with the guest",
}


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature as words: ``claims`` fill places of a line, and a place holds one value only.

    ``machine`` are properties of ``-M``, ``backend`` properties of backends, ``options`` whole options,
    ``devices`` drivers with properties, ``operations`` what is done.  ``backends`` names what needs a backend
    (see memkit.atlas.line).  ``includes`` are features that this one has in it, too: nothing is news that
    they show already.  ``since`` is the first release that knows the words, "" for all.
    """

    name: str
    title: str
    area: str
    claims: tuple[tuple[str, str], ...] = ()
    machine: tuple[str, ...] = ()
    backend: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    since: str = ""

    def known_to(self, qemu: Version) -> bool:
        """True if this release of QEMU knows the words."""
        return within(qemu, self.since, "")


def _operation(name: str, title: str, since: str = "", claims: tuple[tuple[str, str], ...] = ()) -> Feature:
    return Feature(name, title, "operations", claims, operations=(name,), since=since)


_F = Feature
_KVM = (("accelerator", "kvm"),)
_GUARD = "guard,cbitpos=51,reduced-phys-bits=1"
_ROOM = (("room", "slots=4,maxmem=8G"),)
_ALL: tuple[Feature, ...] = (
    _F("backend-memfd", "memory in a memfd", "backing", (("memory", "memfd"),)),
    _F("tmpfs", "memory in a tmpfs file", "backing", (("memory", "tmpfs"),)),
    _F("disk-file", "memory in a file on a disk", "backing", (("memory", "disk"),)),
    _F("hugetlb", "huge pages from a pool", "backing", (("pages", "huge"),)),
    _F("mem-path", "-mem-path with huge pages", "backing", (("mem-path", "yes"),),
       options=("-mem-path /dev/hugepages",)),
    _F("share-on", "memory mapped shared", "backing", (("share", "on"),), backend=("share=on",)),
    _F("share-off", "memory mapped privately", "backing", (("share", "off"),), backend=("share=off",)),
    _F("prealloc", "memory filled at start", "backing", backend=("prealloc=on",)),
    _F("reserve-off", "memory without a reservation", "backing", backend=("reserve=off",), since="6.1"),
    _F("merge-off", "memory kept from KSM", "backing", backend=("merge=off",)),
    _F("dump-off", "memory left out of core files", "backing", backend=("dump=off",)),
    _F("host-numa-policy", "memory bound to a host NUMA node", "backing",
       backend=("policy=bind", "host-nodes=1")),
    _F("readonly", "a read-only file", "backing", backend=("readonly=on",), since="6.0"),
    _F("pmem-on", "persistent memory on the host (pmem=on)", "backing", backend=("pmem=on",)),
    _F("discard-data", "discard-data=on", "backing", backend=("discard-data=on",)),
    _F("mem-lock", "all memory locked", "backing", options=("-overcommit mem-lock=on",)),

    _F("kvm", "KVM", "machine", _KVM),
    _F("dirty-ring", "rings of dirty pages (KVM)", "machine", (*_KVM, ("dirty-ring", "4096")),
       includes=("kvm",), since="6.1"),
    _F("sev", "SEV encryption", "machine", (*_KVM, ("guard", "sev")), ("confidential-guest-support=guard",),
       options=(f"-object sev-guest,id={_GUARD}",), includes=("kvm",), since="6.0"),
    _F("guest-memfd", "private memory (SEV-SNP)", "machine", (*_KVM, ("guard", "snp")),
       ("confidential-guest-support=guard",), options=(f"-object sev-snp-guest,id={_GUARD}",),
       includes=("kvm",), since="9.1"),
    _F("tdx", "TDX", "machine", (*_KVM, ("guard", "tdx")), ("confidential-guest-support=guard",),
       options=("-object tdx-guest,id=guard", "-cpu host"), includes=("kvm",), since="10.1"),
    _F("microvm", "the machine type microvm", "machine", (("type", "microvm"),)),
    _F("only-migratable", "-only-migratable", "machine", options=("-only-migratable",)),
    _F("numa-memdev", "NUMA nodes with backends", "machine", backends=("numa",)),
    _F("maxmem", "room for memory devices", "machine", _ROOM),

    _F("pc-dimm", "a DIMM", "devices", _ROOM, backends=("dimm",),
       devices=("pc-dimm,id=dimm0,memdev=dimm",), includes=("maxmem",)),
    _F("nvdimm", "an NVDIMM", "devices", _ROOM, ("nvdimm=on",), backends=("nvdimm",),
       devices=("nvdimm,id=nvdimm0,memdev=nvdimm",), includes=("maxmem",)),
    _F("nvdimm-unarmed", "an NVDIMM that says it is not persistent", "devices", _ROOM, ("nvdimm=on",),
       backends=("nvdimm",), devices=("nvdimm,id=nvdimm0,memdev=nvdimm,unarmed=on",),
       includes=("maxmem", "nvdimm")),
    _F("virtio-pmem", "virtio-pmem", "devices", _ROOM, backends=("pmem",),
       devices=("virtio-pmem-pci,id=pmem0,memdev=pmem",), includes=("maxmem",)),
    _F("virtio-mem", "virtio-mem", "devices", _ROOM, backends=("vmem",),
       devices=("virtio-mem-pci,id=vmem0,memdev=vmem,requested-size=128M",), includes=("maxmem",)),
    _F("ivshmem", "memory shared between guests (ivshmem)", "devices", backends=("peers",),
       devices=("ivshmem-plain,id=peers0,memdev=peers",)),
    _F("pflash", "flash chips", "devices", options=("-drive if=pflash,format=raw,file=/var/tmp/firmware",)),
    _F("balloon", "virtio-balloon", "devices", devices=("virtio-balloon-pci,id=balloon",)),
    _F("free-page-reporting", "a guest that reports free pages", "devices",
       devices=("virtio-balloon-pci,id=balloon,free-page-reporting=on",), includes=("balloon",)),
    _F("vhost-user", "a vhost-user device", "devices", options=("-chardev socket,id=disk,path=/tmp/disk",),
       devices=("vhost-user-blk-pci,id=disk0,chardev=disk",)),
    _F("virtiofs", "a shared directory (vhost-user-fs)", "devices",
       options=("-chardev socket,id=fs,path=/tmp/fs",),
       devices=("vhost-user-fs-pci,id=fs0,chardev=fs,tag=share",), includes=("vhost-user",)),
    _F("vfio", "a VFIO device", "devices", devices=("vfio-pci,id=nic,host=01:00.0",)),
    _F("viommu", "an IOMMU for the guest", "devices", devices=("intel-iommu,caching-mode=on",)),
    _F("cxl-type3", "CXL memory", "devices",
       machine=("cxl=on", "cxl-fmw.0.targets.0=cxl.1", "cxl-fmw.0.size=4G"), backends=("cxl", "label"),
       devices=("pxb-cxl,bus_nr=12,bus=pcie.0,id=cxl.1", "cxl-rp,port=0,bus=cxl.1,id=rp,chassis=0,slot=2",
                "cxl-type3,bus=rp,memdev=cxl,lsa=label,id=cxl0"), since="7.1"),

    _operation("migrate-precopy", "migration", claims=(("migration", "precopy"),)),
    _operation("migrate-postcopy", "migration with postcopy", claims=(("migration", "postcopy"),)),
    _operation("multifd", "migration over several channels"),
    _operation("x-ignore-shared", "migration that leaves shared memory out"),
    _operation("release-ram", "migration that frees what is sent"),
    _operation("background-snapshot", "a snapshot of a running guest", "6.0"),
    _operation("mapped-ram", "migration to a file with fixed places", "9.0"),
    _operation("cpr-reboot", "a new QEMU, perhaps after a reboot", "8.2", (("cpr", "reboot"),)),
    _operation("cpr-transfer", "a new QEMU that takes the memory over", "10.0", (("cpr", "transfer"),)),
    _operation("calc-dirty-rate-bitmap", "dirty pages counted in the bitmap", "6.2"),
    _operation("savevm", "a snapshot inside the disk image"),
    _operation("dump-guest-memory", "a dump of guest memory"),
    _operation("hot-plug", "a device added while the guest runs"),
    _operation("device-del", "a device taken out while the guest runs"),
    _operation("memory-failure", "a memory error of the host"),
)
FEATURES: dict[str, Feature] = {feature.name: feature for feature in _ALL}


def read_features(features: Iterable[str | Feature] | str | None) -> tuple[Feature, ...]:
    """The features that are named, area by area, in the order of FEATURES; None is all of them.

    Names may stand in one text with commas between; a Feature of your own stands for itself.  Raises
    MemkitError for an unknown or a double name.

    >>> [feature.title for feature in read_features("hugetlb, balloon")]
    ['huge pages from a pool', 'virtio-balloon']
    """
    if features is None:
        return _ALL
    if not isinstance(features, Iterable):
        raise MemkitError(f"features= is names with commas between, or a list of names, not {features!r:.60}")
    words = [word.strip() for word in features.split(",")] if isinstance(features, str) else list(features)
    found: dict[str, Feature] = {}
    for word in words:
        feature = word if isinstance(word, Feature) else FEATURES.get(word) if isinstance(word, str) else None
        if feature is None:
            raise MemkitError(f"{word!r:.60} is no feature of the atlas; they are: {', '.join(FEATURES)}")
        if feature.name in found:
            raise MemkitError(f"the feature {feature.name!r:.60} is named twice; once is enough")
        found[feature.name] = feature
    areas, order = list(AREAS), list(FEATURES)
    places = {name: order.index(name) if name in FEATURES else len(order) for name in found}
    for feature in found.values():
        if feature.area not in AREAS:
            raise MemkitError(f"{feature.area!r:.40} is no area of the atlas; they are: {', '.join(areas)}")
    return tuple(sorted(found.values(), key=lambda f: (areas.index(f.area), places[f.name])))
