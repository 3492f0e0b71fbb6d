"""What ``migrate`` refuses at the source, and loading at the destination: devices that cannot move.

A device says so in the description of its state, or adds a blocker with words of its own.

Source: qemu_savevm_state_blocked in migration/savevm.c, migration_is_blocked in migration/migration.c.
"""

from __future__ import annotations

from typing import NamedTuple

from memkit.hazards.features import on
from memkit.migration.attempt import Attempt, Side, Stop
from memkit.migration.places import places
from memkit.migration.words import loading

__all__ = ["at_destination", "at_source", "ends"]


class Stuck(NamedTuple):
    """A device whose state does not migrate: ``drivers`` start like this, QEMU calls it ``section``."""

    drivers: tuple[str, ...]
    section: str = ""
    since: str = ""
    until: str = ""


# .unmigratable in the vmstate of the device, by driver.
_STUCK = (
    Stuck(("nvme",), until="11.1"), Stuck(("rocker",)), Stuck(("ufs",), "ufs", "8.2"),
    Stuck(("virtio-input-host",), "virtio-input-host"), Stuck(("virtio-crypto",), "virtio-crypto"),
    Stuck(("virtio-sound",), "virtio-snd", "8.2"), Stuck(("vhost-user-fs",), "vhost-user-fs", until="8.2"),
    Stuck(("vhost-user-gpio",), "vhost-user-gpio"), Stuck(("vhost-user-i2c",), "vhost-user-i2c"),
    Stuck(("vhost-user-rng",), "vhost-user-rng"), Stuck(("vhost-user-vsock",), "vhost-user-vsock"),
    Stuck(("vhost-user-input",), "vhost-user-input"),
    Stuck(("vhost-user-snd",), "vhost-user-snd", since="9.0"),
    Stuck(("vhost-vdpa-device",), "vhost-vdpa-device", "8.0"),
)


class Blocker(NamedTuple):
    """A blocker that devices add, in words of their own; ``{}`` is the id of the device, or its driver."""

    drivers: tuple[str, ...]
    message: str
    why: str
    source: str
    off: str = ""
    since: str = ""
    until: str = ""


_BLOCKERS = (
    Blocker(("ivshmem-plain", "ivshmem-doorbell"),
            "Migration is disabled when using feature 'peer mode' in device 'ivshmem'",
            "Memory that other guests share stays behind, unless this one is its master (master=on).",
            "hw/misc/ivshmem.c: ivshmem_common_realize", off="master"),
    Blocker(("virtio-gpu-gl", "virtio-vga-gl"), "virgl is not yet migratable",
            "The state of 3D rendering is in the graphics library of the host.",
            "hw/display/virtio-gpu-base.c: virtio_gpu_base_device_realize"),
    Blocker(("vhost-scsi",), "vhost-scsi does not support migration in all cases. When external environment "
            "supports it (Orchestrator migrates target SCSI device state or use shared storage over "
            "network), set 'migratable' property to true to enable migration.",
            "The kernel serves the disks, and QEMU does not know whether the other host has them.",
            "hw/scsi/vhost-scsi.c: vhost_scsi_realize", off="migratable"),
    Blocker(("vfio-pci",), "VFIO device doesn't support migration",
            "Before 8.1 QEMU moves no device of the host unless x-enable-migration=on asks it to try.",
            "hw/vfio/migration.c: vfio_migration_probe", off="x-enable-migration", until="8.1"),
    Blocker(("x-pci-proxy-dev",), "x-pci-proxy-dev does not support migration",
            "Another process is the device, and nobody asks for its state.",
            "hw/remote/proxy.c: pci_proxy_dev_realize"),
)
_SEV = ("sev-guest", "sev-snp-guest")


def at_source(attempt: Attempt) -> Stop | None:
    """The refusal of ``migrate`` for a guest that holds something that cannot move."""
    source = attempt.source
    found = _stuck(source)
    if found:
        return Stop("refused", "migrate", f"State blocked by non-migratable device '{found}'",
                    "The device says that its state cannot be saved; take it out first.",
                    (f"migration/savevm.c: qemu_savevm_state_blocked, {source.guest.qemu}",))
    return _blocked(source)


def ends(attempt: Attempt) -> Stop | None:
    """The end of a source that saves the state of an NVMe controller without a disk (11.1)."""
    source = attempt.source
    bare = [spec for spec in source.scene.devices if spec.driver == "nvme" and not spec.props.get("drive")]
    if not bare or not source.has("11.1"):
        return None
    side = attempt.destination if attempt.streams else source
    message = "check_section_footer: Read section footer failed: -5" if attempt.streams else ""
    return Stop("fails", side.name, message,
                f"{bare[0].id or bare[0].driver} has no drive=, and the source ends (signal 11) when it "
                "saves its state.",
                (f"hw/nvme/ctrl.c: vmstate of the controller, {source.guest.qemu}",))


def at_destination(attempt: Attempt) -> Stop | None:
    """The failure of a destination that holds a device whose state cannot be loaded."""
    destination = attempt.destination
    found = _stuck(destination)
    if not found:
        return None
    return Stop("fails", "destination", loading(destination, "State blocked by non-migratable device "
                                                             f"'{found}'"),
                "The destination has a device whose state cannot be loaded, and loads nothing.",
                (f"migration/savevm.c: qemu_loadvm_state, {destination.guest.qemu}",))


def _stuck(side: Side) -> str:
    """The section of the first device that cannot be saved, "" if there is none."""
    for stuck in _STUCK:
        if not side.has(stuck.since, stuck.until):
            continue
        for spec in side.scene.drivers(*stuck.drivers):
            if stuck.drivers == ("nvme",) and spec.driver != "nvme":
                continue
            for place in places(side.guest):
                if place.spec is spec:
                    return f"{place.path}/{stuck.section or spec.driver}"
            return stuck.section or spec.driver
    return ""


def _blocked(side: Side) -> Stop | None:
    """The blocker that was added last, which is the one that QEMU tells."""
    protected = side.scene.confidential
    if protected is not None and protected.qom_type in _SEV:
        return Stop("refused", "migrate", "SEV: Migration is not implemented",
                    "The keys of the guest's memory never leave the processor.",
                    (f"target/i386/sev.c: sev_launch_finish, {side.guest.qemu}",))
    if protected is not None and protected.qom_type == "s390-pv-guest":
        return Stop("refused", "migrate", "protected VMs are currently not migratable.",
                    "In secure mode nobody but the guest and the machine's firmware can read its memory.",
                    (f"hw/s390x/s390-virtio-ccw.c: s390_machine_protect, {side.guest.qemu}",))
    if side.scene.machine.get("mte") in ("on", "true", "yes", "y") and side.scene.kvm:
        return Stop("refused", "migrate", "Live migration disabled due to MTE enabled",
                    "The tags of the guest's memory are not in the stream.",
                    (f"target/arm/kvm.c: kvm_arm_enable_mte, {side.guest.qemu}",))
    for spec in reversed(side.scene.devices):
        for blocker in _BLOCKERS:
            if not spec.driver.startswith(blocker.drivers) or not side.has(blocker.since, blocker.until):
                continue
            if blocker.off and on(spec, blocker.off):
                continue
            return Stop("refused", "migrate", blocker.message, f"{spec.id or spec.driver}: {blocker.why}",
                        (f"{blocker.source}, {side.guest.qemu}",))
    return None
