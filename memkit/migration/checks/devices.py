"""Device state: what the stream holds behind the RAM, as far as it concerns memory, CPUs and PCI devices.

Source: qemu_loadvm_section_start_full and check_section_footer in migration/savevm.c,
hw/acpi/memory_hotplug.c, hw/virtio/virtio-mem.c, hw/misc/ivshmem.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memkit.boards.machine import apply_smp, select_machine
from memkit.migration.attempt import Attempt, Side, Stop
from memkit.migration.checks import boards
from memkit.migration.places import places, saved
from memkit.migration.words import loading

if TYPE_CHECKING:
    from memkit.memory.device import MemoryDevice

__all__ = ["before_ram", "sections", "switched"]

_EARLY = "virtio-mem-device-early"


def _unknown(attempt: Attempt, section: str, instance: int, why: str) -> Stop:
    destination = attempt.destination
    noun = "section" if destination.has("10.2") else "savevm section"
    words = (f"Unknown {noun} or instance '{section}' {instance}. Make sure that your current VM setup "
             "matches your saved VM setup, including any hotplugged devices")
    message = loading(destination, words)
    if attempt.mode == "postcopy" and destination.has("10.2") and not section.endswith(_EARLY):
        # The thread that waits for pages sees the stream break, and speaks first; what it was reading then is
        # a race, and this what it mostly says.
        message = "loadvm failed during postcopy: -22: Failed to load vmstate version_id: 4, ret: -22"
    return Stop("fails", "destination", message, why,
                (f"migration/savevm.c: qemu_loadvm_section_start_full, {destination.guest.qemu}",))


def before_ram(attempt: Attempt) -> Stop | None:
    """What stops a destination before it reads the list of RAMBlocks (since 11.0, virtio-mem's plan)."""
    return _virtio_mem_early(attempt) if attempt.source.has("11.0") else None


def switched(attempt: Attempt) -> Stop | None:
    """The failure of an old destination that is told of the switch-over, which 10.0 began to announce.

    Machine types with a version before 10.0 do not announce it; isapc and microvm have no version.
    """
    source, destination = attempt.sides
    plain = source.guest.machine_type in ("isapc", "microvm")
    if not plain or not source.has("10.0") or destination.has("10.0"):
        return None
    return Stop("fails", "destination", "MIG_CMD 0xb unknown (len 0x0)",
                "The source announces that it stops now, in a way that came with 10.0.",
                ("migration/savevm.c: qemu_savevm_maybe_send_switchover_start, 10.0",))


def sections(attempt: Attempt) -> Stop | None:
    """What stops a destination that has other devices, in the order of the stream."""
    source, destination = attempt.sides
    early = None
    if source.has("8.0", "11.0"):
        early = _virtio_mem_early(attempt)
    return (early or _cpus(attempt) or _power_management(source, destination)
            or boards.largest_page(attempt) or _pci(attempt) or boards.sd_card(attempt))


def _cpus(attempt: Attempt) -> Stop | None:
    source, destination = attempt.sides
    theirs, ours = _cpu_count(source), _cpu_count(destination)
    told = boards.cpus_told(attempt, theirs, ours)
    if told or theirs <= ours:
        return told
    x86 = source.guest.target in ("x86_64", "i386")
    apic = x86 and source.has("10.2") and not source.guest.machine_type.startswith("isapc")
    return _unknown(attempt, "apic" if apic else "cpu_common", ours,
                    f"The source has {theirs} virtual CPUs, the destination {ours}.")


def _cpu_count(side: Side) -> int:
    return sum(1 for space in side.guest.address_spaces if space.name.startswith("cpu-memory-"))


def _slots(side: Side) -> int:
    """How many memory slots the ACPI controller tells about, 0 if it has no part for memory."""
    config = side.scene.config
    if config is None or side.scene.machine.get("acpi") in ("off", "no", "false", "n"):
        return 0
    return config.memory_options().slots or 0


def _power_management(source: Side, destination: Side) -> Stop | None:
    """The section of the ACPI controller is as long as there are slots, and nothing tells how many."""
    name = _controller(destination)
    if not name:
        return None
    theirs, ours = _slots(source), _slots(destination)
    if theirs != ours:
        why = (f"The controller of memory slots saves one record for each: {theirs} at the source, {ours} at "
               "the destination. Write the same -m slots= on both sides.")
        return _footer(destination, name, why)
    if not (source.has("11.0") and destination.has("11.0")):
        return None
    # Since 11.0 it also saves a record for each CPU that may be plugged.
    theirs, ours = _places_for_cpus(source), _places_for_cpus(destination)
    if theirs != ours:
        return _footer(destination, name, "The controller of CPUs saves one record for each that there may "
                       f"be: {theirs} at the source, {ours} at the destination. Write the same -smp on both "
                       "sides.")
    return None


def _places_for_cpus(side: Side) -> int:
    config = side.scene.config
    if config is None or not (config.flag("smp") or any(key.startswith("smp") for key in side.scene.machine)):
        return 1
    machine = select_machine(config)
    apply_smp(machine, config)
    return machine.max_cpus


def _controller(side: Side) -> str:
    kind = side.guest.machine_type
    if kind.startswith("pc-q35"):
        return "0000:00:1f.0/ICH9LPC"
    return "0000:00:01.3/piix4_pm" if kind.startswith("pc-i440fx") else ""


def _footer(destination: Side, section: str, why: str) -> Stop:
    return Stop("fails", "destination", f"Missing section footer for {section}", why,
                (f"migration/savevm.c: check_section_footer, {destination.guest.qemu}",
                 f"hw/acpi/memory_hotplug.c: vmstate_memory_hotplug, {destination.guest.qemu}"))


# -- PCI devices


def _pci(attempt: Attempt) -> Stop | None:
    """The first PCI device of the source that the destination has not, or has otherwise."""
    source, destination = attempt.sides
    theirs = saved(source.guest)
    ours = {place.section: place for place in saved(destination.guest)}
    for place in theirs:
        here = ours.get(place.section)
        if here is None:
            other = next((p.driver for p in ours.values() if p.path and p.path == place.path), "nothing")
            where = f" at {place.path}" if place.path else ""
            return _unknown(attempt, place.section, 0,
                            f"The source has {place.driver}{where}, the destination {other}.")
        stop = (_queues(attempt, place.section) or _virtio_mem(attempt, place.driver)
                or _ivshmem(destination, place.section, here.spec))
        if stop:
            return stop
    return None


# The length of the first queue, by the name of the state.
_QUEUES = {
    "virtio-mem": 128, "virtio-gpu": 64, "virtio-net": 256, "virtio-balloon": 128, "virtio-blk": 256,
    "virtio-scsi": 256, "virtio-rng": 8, "virtio-console": 128, "virtio-input": 64, "virtio-iommu": 256,
}


def _queues(attempt: Attempt, section: str) -> Stop | None:
    """The failure of 11.1 to take queues from 10.0 that no driver has set up."""
    source, destination = attempt.sides
    longest = _QUEUES.get(section.rpartition("/")[2])
    fresh = source.never_ran and source.has("10.0", "11.1") and destination.has("11.1")
    if longest is None or not fresh:
        return None
    return Stop("fails", "destination", f"VQ 0 vring.num 1024 exceeds allocated max {longest}",
                "The source has never run, so that no driver has set the queues of its virtio devices. 10.0 "
                "saves 1024 for them, and 11.1 takes no more than a queue can have.",
                ("hw/virtio/virtio.c: virtio_load, 11.1",))


def _ivshmem(destination: Side, section: str, spec: object) -> Stop | None:
    if not section.endswith(("/ivshmem-plain", "/ivshmem-doorbell")) or spec is None:
        return None
    if getattr(spec, "props", {}).get("master") in (True, "on", "true", "yes", "y"):
        return None
    return Stop("fails", "destination", "'peer' devices are not migratable",
                "A destination loads the state of shared memory only as its master (master=on).",
                (f"hw/misc/ivshmem.c: ivshmem_pre_load, {destination.guest.qemu}",))


# -- virtio-mem


def _virtio_mem(attempt: Attempt, driver: str) -> Stop | None:
    """The check of virtio-mem's properties with its state (before 8.0)."""
    if not driver.startswith("virtio-mem") or attempt.source.has("8.0"):
        return None
    return _changed(attempt)


def _virtio_mem_early(attempt: Attempt) -> Stop | None:
    """The section that tells the plan of a virtio-mem device before its memory."""
    source, destination = attempt.sides
    theirs = [place for place in places(source.guest) if place.driver.startswith("virtio-mem")]
    ours = {place.path for place in places(destination.guest) if place.driver.startswith("virtio-mem")}
    for place in theirs:
        if place.path not in ours:
            return _unknown(attempt, f"{place.path}/{_EARLY}", 0,
                            f"The source has virtio-mem at {place.path}, the destination not.")
    return _changed(attempt)


def _changed(attempt: Attempt) -> Stop | None:
    source, destination = attempt.sides
    pairs = zip(_devices(source), _devices(destination), strict=False)
    for theirs, ours in pairs:
        for name, one, other in (
            ("'memaddr'", f"0x{theirs.addr:x}", f"0x{ours.addr:x}"),
            ("'memdev' size", f"0x{theirs.max_size or 0:x}", f"0x{ours.max_size or 0:x}"),
            ("'block-size'", f"0x{theirs.block_size or 0:x}", f"0x{ours.block_size or 0:x}"),
            ("'node'", str(theirs.node or 0), str(ours.node or 0)),
        ):
            if one != other:
                return Stop(
                    "fails", "destination", f"Property {name} changed from {one} to {other}",
                    "The state of virtio-mem counts blocks of this size from this address, and means "
                    "something else where these differ.",
                    ("hw/virtio/virtio-mem.c: virtio_mem_mig_sanity_checks_post_load, "
                     f"{destination.guest.qemu}",),
                    "virtio-mem-migration-block-size")
    return None


def _devices(side: Side) -> list[MemoryDevice]:
    return [device for device in side.guest.memory_devices if device.kind == "virtio-mem"]
