"""What rules ask about a guest: backends, devices and options, found once for all rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from memkit.hazards.present import Present
from memkit.hazards.rule import Culprit
from memkit.versions import parse_version

if TYPE_CHECKING:
    from memkit.config import Config, DeviceSpec, ObjectSpec, Option
    from memkit.guest import Guest
    from memkit.host import Host
    from memkit.memory.backend import Backend
    from memkit.memory.device import MemoryDevice
    from memkit.memory.ramblock import RAMBlock

__all__ = ["Scene"]


class Scene:
    """One guest as rules see it; ``operations`` are what is about to be done with it.

    They carry QEMU's names for migration capabilities, and ``migrate-precopy``, ``migrate-postcopy``,
    ``savevm`` and others of FEATURES.
    """

    def __init__(self, guest: Guest, operations: Sequence[str] = ()) -> None:
        self.guest: Guest = guest
        self.host: Host = guest.host
        # Postcopy starts as precopy, so that what stands in the way of one stands in that of the other.
        implied = ("migrate-precopy",) if "migrate-postcopy" in operations else ()
        self.operations = frozenset((*operations, *implied))

    @cached_property
    def config(self) -> Config | None:
        """The command line; None for a guest read from text."""
        return self.guest.config

    @cached_property
    def devices(self) -> tuple[DeviceSpec, ...]:
        """Each ``-device``, in order."""
        return self.config.devices if self.config else ()

    @cached_property
    def objects(self) -> tuple[ObjectSpec, ...]:
        """Each ``-object``, in order."""
        return self.config.objects if self.config else ()

    @cached_property
    def machine(self) -> dict[str, str]:
        """``-machine`` and all that is short for it, with dotted keys."""
        return self.config.machine if self.config else {}

    @cached_property
    def version(self) -> tuple[int, ...]:
        """The release of the QEMU that runs the guest; an unknown one counts as 7.2."""
        try:
            return parse_version(self.guest.qemu)
        except ValueError:
            return (7, 2)

    def drivers(self, *starts: str) -> list[DeviceSpec]:
        """The devices whose driver starts with one of ``starts``."""
        return [spec for spec in self.devices if spec.driver.startswith(starts)]

    def objects_of(self, *types: str) -> list[ObjectSpec]:
        """The objects of these types."""
        return [spec for spec in self.objects if spec.qom_type in types]

    def networks(self, type: str) -> tuple[str, ...]:
        """The ids of the ``-netdev`` of this type."""
        found = [dict(option.args) for option in self.config.nics] if self.config else []
        return tuple(args.get("id", type) for args in found if args.get("type") == type)

    @cached_property
    def vhost_user(self) -> tuple[str, ...]:
        """Whatever another process serves over vhost-user: devices and networks."""
        return (*(d.id or d.driver for d in self.drivers("vhost-user")), *self.networks("vhost-user"))

    @cached_property
    def confidential(self) -> ObjectSpec | None:
        """The object that protects the guest's memory from the host, if the machine names one."""
        name = self.machine.get("confidential-guest-support") or self.machine.get("memory-encryption")
        return next((spec for spec in self.objects if spec.id == name), None)

    # -- main RAM and backends

    @cached_property
    def backends(self) -> tuple[Backend, ...]:
        """All backends, those that the machine makes included."""
        return self.guest.backends

    def backend(self, name: object) -> Backend | None:
        """The backend called ``name``, which may be its place in QEMU's object tree."""
        id = str(name).removeprefix("/objects/")
        return next((b for b in self.backends if b.id == id), None)

    def device_of(self, device: MemoryDevice) -> DeviceSpec | None:
        """The ``-device`` that made a memory device."""
        if self.config is None or device.option_index is None:
            return None
        option = self.config.options[device.option_index]
        return next((spec for spec in self.devices if spec.option is option), None)

    def name_of(self, device: MemoryDevice) -> str:
        """The id of a memory device, or else that of its backend."""
        return device.id or device.memdev.rpartition("/")[2]

    @cached_property
    def mapped(self) -> tuple[Backend, ...]:
        """The backends whose memory the guest can see, in order."""
        shown = {id(f.backend) for f in self.guest.frontends if f.backend}
        shown |= {id(self.backend(d.memdev)) for d in self.guest.memory_devices}
        shown |= {id(self.backend(n.memdev)) for n in self.guest.numa if n.memdev}
        return tuple(b for b in self.backends if id(b) in shown)

    @cached_property
    def main_ram(self) -> tuple[Backend, ...]:
        """The backends of main RAM: one for all of it, or those of the NUMA nodes."""
        return tuple(f.backend for f in self.guest.frontends
                     if f.backend and f.kind in ("machine", "numa-node"))

    @cached_property
    def ram(self) -> tuple[Backend, ...]:
        """The mapped backends that the guest uses as RAM: all but those of BARs and persistent memory."""
        other = {f.backend.id for f in self.guest.frontends
                 if f.backend and f.kind.startswith(("ivshmem", "nvme", "acpi-erst", "cxl"))}
        other |= {d.memdev.rpartition("/")[2] for d in self.guest.memory_devices
                  if d.kind in ("nvdimm", "virtio-pmem")}
        return tuple(b for b in self.mapped if b.id not in other)

    def block_of(self, backend: Backend) -> RAMBlock | None:
        """The RAMBlock that ``backend`` allocated."""
        return next((b for b in self.guest.ram_blocks if b.backend is backend), None)

    def option_of(self, backend: Backend) -> Option | None:
        """The option that made ``backend``; for main RAM without a backend of its own, None."""
        if self.config is None or backend.option_index is None:
            return None
        return self.config.options[backend.option_index]

    def source_of(self, backend: Backend) -> Option | None:
        """The option that ``backend`` comes from: its own, or ``-mem-path`` for the machine's backend."""
        if backend.implicit and backend.mem_path is not None and self.config:
            return self.config.last("mem-path")
        return self.option_of(backend)

    def blame(self, backend: Backend, sentence: str) -> Culprit:
        """``backend`` as the culprit, with the option that it comes from."""
        option = self.source_of(backend)
        return Culprit(sentence, (backend.id,), (option,) if option else ())

    def spec_of(self, backend: Backend) -> ObjectSpec | None:
        """The ``-object`` that made ``backend``."""
        return next((spec for spec in self.objects if spec.id == backend.id), None)

    def given(self, backend: Backend, name: str) -> Any:
        """What the line gives ``backend`` for a property, None where it says nothing."""
        spec = self.spec_of(backend)
        return None if spec is None or backend.implicit else spec.props.get(name)

    def names_file(self, backend: Backend) -> bool:
        """True if mem-path= names a file that stays: no DAX device and no directory."""
        path = backend.mem_path
        return bool(path) and not str(path).startswith("/dev/dax") and not self.host.is_directory(str(path))

    @staticmethod
    def told_of(backend: Backend) -> bool:
        """False if only a text tells of ``backend``, which names neither type nor file."""
        return backend.mem_path is not None or backend.filesystem != "unknown"

    def known_shared(self, backend: Backend) -> bool:
        """True if QEMU knows that this memory is shared: before 6.1 it forgot so of anonymous memory."""
        return bool(backend.share) and (backend.type != "memory-backend-ram" or self.version >= (6, 1))

    def file_matters(self, backend: Backend) -> bool:
        """True if mem-path= names a file whose content may matter: it is there already, or on a disk."""
        path = str(backend.mem_path)
        if not self.names_file(backend):
            return False
        # libvirt makes a new file there for each guest and each start.
        scratch = backend.filesystem in ("tmpfs", "hugetlbfs") or "/libvirt/qemu/ram/" in path
        return self.host.file_size(path) is not None or not scratch

    def keeps_file(self, backend: Backend) -> bool:
        """True if the content of the file may matter, and the line does not give it up (discard-data=on)."""
        return not backend.discard_data and self.file_matters(backend)

    def shown_by(self, backend: Backend) -> Iterator[DeviceSpec]:
        """The devices that name ``backend``."""
        return (spec for spec in self.devices if self._memdev(spec) == backend.id)

    @staticmethod
    def _memdev(spec: DeviceSpec) -> Any:
        return spec.props.get("memdev")

    @cached_property
    def kvm(self) -> bool:
        """True if KVM may run the guest: the line asks for it, or for the best there is."""
        words = self.machine.get("accel", "").split(":") if self.machine.get("accel") else []
        if self.config:
            words += [option.args[0][1] for option in self.config.all("accel") if option.args]
            if self.config.flag("enable-kvm"):
                words.append("kvm")
        return "kvm" in words

    @property
    def tcg(self) -> bool:
        """True if it is certain that TCG runs the guest: a text does not tell."""
        return not self.kvm and self.host.accelerator != "unknown"

    @cached_property
    def dirty_ring(self) -> Option | None:
        """The ``-accel`` that makes KVM keep rings of dirty pages instead of a bitmap."""
        accelerators = self.config.all("accel") if self.config else []
        return next((o for o in accelerators if dict(o.args).get("dirty-ring-size", "0") != "0"), None)

    @property
    def rings(self) -> bool:
        """True if KVM keeps the rings of dirty pages that the line asks for; else it keeps bitmaps.

        Power and Z have none, Arm's come in an order that QEMU knows since 8.1 (kvm_dirty_ring_init).
        """
        target = self.guest.target
        known = target not in ("ppc64", "s390x") and (target != "aarch64" or self.version >= (8, 1))
        return self.kvm and self.dirty_ring is not None and known

    @cached_property
    def features(self) -> Present:
        """The features that the guest has, each with the names of what has it."""
        return Present(self)
