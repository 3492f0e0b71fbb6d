"""One sane command line from several features, or the reason why no line can have them all.

Features fill places (what main RAM lies in, how the machine is called ...).  Properties of backends hold for
every backend of the line; those that only a file has hold for persistent memory, or else for main RAM.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from memkit.atlas.features import Feature
from memkit.host import Host, Mount

__all__ = ["HOST", "Combined", "combine"]

MIB = 1 << 20
SIZE = "256M"
# Backends beside main RAM, with their sizes: volatile ones lie where main RAM lies, the others in a folder.
_VOLATILE = {"dimm": "128M", "vmem": "256M", "cxl": "256M", "label": "256M"}
_FOLDERS = {"nvdimm": ("/var/tmp", "128M"), "pmem": ("/var/tmp", "128M"), "peers": ("/dev/shm", "4M")}
_POOL = "/dev/hugepages"
_KINDS = {
    "": ("ram", ""), "memfd": ("memfd", ""), "tmpfs": ("file", "/dev/shm"), "disk": ("file", "/var/tmp"),
}
# Properties that only a file has.
_FILE_ONLY = ("readonly", "pmem", "discard-data")
_PLACES = {
    "memory": "what its memory lies in", "share": "how it is mapped", "type": "the machine type",
    "guard": "what protects the guest", "migration": "how it migrates", "cpr": "the mode of CPR",
    "accelerator": "the accelerator",
}
# A server on which nothing is short, so that what goes wrong is the combination's fault.
HOST = Host(
    mounts={"/": Mount("ext4"), "/dev/shm": Mount("tmpfs"), _POOL: Mount("hugetlbfs", 2 * MIB, 8192)},
    directories=(*Host().directories, "/sys/bus/pci/devices/0000:01:00.0"),
    files={
        **{f"{folder}/{id}": int(size[:-1]) * MIB for id, (folder, size) in _FOLDERS.items()},
        **{f"{folder}/{size}M": size * MIB for folder in ("/dev/shm", "/var/tmp") for size in (128, 256)},
        "/var/tmp/firmware": 4 * MIB,
    },
    numa_nodes=2,
)


@dataclass(frozen=True, slots=True)
class Combined:
    """A command line with everything that some features say; or ``exclusive``, why there is none."""

    argv: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    exclusive: str = ""


@dataclass(slots=True)
class _Draft:
    """The parts of a line while features are collected."""

    places: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    machine: list[str] = field(default_factory=list)
    backends: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    devices: dict[str, str] = field(default_factory=dict)


def combine(features: Sequence[Feature], board: str = "q35") -> Combined:
    """The line that has all of ``features`` on the machine type ``board``.

    >>> from memkit.atlas.features import read_features
    >>> print(*combine(read_features("balloon,mem-lock")).argv)
    -M q35 -m 256M -overcommit mem-lock=on -device virtio-balloon-pci,id=balloon
    >>> combine(read_features("tmpfs,disk-file")).exclusive
    'tmpfs and disk-file both say what its memory lies in'
    """
    draft = _Draft()
    owners: dict[str, str] = {}
    for feature in features:
        for place, value in feature.claims:
            if draft.places.setdefault(place, value) != value:
                both = f"{owners[place]} and {feature.name} both say {_PLACES.get(place, place)}"
                return Combined(exclusive=both)
            owners.setdefault(place, feature.name)
        draft.properties.update(word.partition("=")[::2] for word in feature.backend)
        draft.machine += [word for word in feature.machine if word not in draft.machine]
        draft.backends += [id for id in feature.backends if id not in draft.backends]
        draft.options += [word for word in feature.options if word not in draft.options]
        for device in feature.devices:
            # The longer one says more about the same device.
            key = dict(word.partition("=")[::2] for word in device.split(",")).get("id", device)
            draft.devices[key] = max(draft.devices.get(key, ""), device, key=len)
    why = _clash(draft)
    if why:
        return Combined(exclusive=why)
    operations = tuple(dict.fromkeys(name for feature in features for name in feature.operations))
    return Combined(tuple(_words(draft, board)), operations)


def _clash(draft: _Draft) -> str:
    """Why the parts do not go together as words, "" if they do."""
    memory, huge = draft.places.get("memory"), "pages" in draft.places
    if huge and memory in ("tmpfs", "disk"):
        return f"huge pages come from hugetlbfs or a memfd, not from a file on {memory}"
    if "mem-path" in draft.places and "numa" not in draft.backends:
        if memory or huge:
            return "-mem-path says what main RAM lies in, and so does a backend"
        if draft.properties:
            return "-mem-path gives memory no properties; a backend does"
    only = [name for name in _FILE_ONLY if name in draft.properties]
    elsewhere = not _FOLDERS.keys().isdisjoint(draft.backends)
    lies = elsewhere or memory in ("tmpfs", "disk") or (huge and not memory)
    if only and not lies:
        return f"{only[0]} is a property of a file, and no memory lies in one"
    return ""


def _words(draft: _Draft, board: str) -> list[str]:
    places, numa = draft.places, "numa" in draft.backends
    machine = [places.get("type", board), *draft.machine]
    main = _backend(draft, "ram", SIZE)
    objects = [main] if numa or main != f"memory-backend-ram,id=ram,size={SIZE}" else []
    if objects and not numa:
        machine.append("memory-backend=ram")
    objects += [_backend(draft, id) for id in draft.backends if id != "numa"]
    words = []
    if "accelerator" in places:
        ring = f",dirty-ring-size={places['dirty-ring']}" if "dirty-ring" in places else ""
        words += ["-accel", places["accelerator"] + ring]
    words += ["-M", ",".join(machine), "-m", ",".join(filter(None, (SIZE, places.get("room"))))]
    words += [word for text in objects for word in ("-object", text)]
    words += ["-numa", "node,memdev=ram"] if numa else []
    words += [word for option in draft.options for word in shlex.split(option)]
    return words + [word for text in draft.devices.values() for word in ("-device", text)]


def _backend(draft: _Draft, id: str, size: str = "") -> str:
    """A backend with the properties that hold for it."""
    folder, own = _FOLDERS.get(id, ("", _VOLATILE.get(id, "")))
    size, memory = size or own, draft.places.get("memory", "")
    if folder:
        type, where = "file", folder
    elif "pages" in draft.places:
        type, where = ("memfd", "") if memory == "memfd" else ("file", _POOL)
    else:
        type, where = _KINDS[memory]
    words = {"id": id, "size": size}
    if where:
        # A file that is only read is there already.
        name = size if "readonly" in draft.properties and not folder else id
        words["mem-path"] = where if where == _POOL else f"{where}/{name}"
    if "pages" in draft.places and type == "memfd":
        words["hugetlb"] = "on"
    if folder:
        words["share"] = "on"
    words |= {name: value for name, value in draft.properties.items() if where or name not in _FILE_ONLY}
    return ",".join([f"memory-backend-{type}", *(f"{key}={value}" for key, value in words.items())])
