"""CPUs that ``-device`` adds beside those of ``-smp``: ``-device qemu64-x86_64-cpu,socket-id=1,...``.

Each needs a place that the topology has and that no other CPU takes; it then has its own views of memory.

Source: x86_cpu_pre_plug in hw/i386/x86.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memkit.boards import cpus
from memkit.boards.apic_ids import apic_id, place_of
from memkit.boards.build import Build
from memkit.boards.device_refusals import refuse_device
from memkit.config import DeviceSpec

__all__ = ["is_cpu", "plug_cpu"]

_SOURCE = "x86_cpu_pre_plug, hw/i386/x86.c"


def is_cpu(driver: str) -> bool:
    """True for the device type of a CPU model.

    >>> is_cpu("qemu64-x86_64-cpu"), is_cpu("VGA")
    (True, False)
    """
    return driver.endswith(("-x86_64-cpu", "-i386-cpu"))


def plug_cpu(build: Build, spec: DeviceSpec, driver: str, props: Mapping[str, Any]) -> None:
    """Add one CPU at the place that ``props`` name; raises Refused."""
    expected = f"{cpus.model(build).name}-{build.target}-cpu"
    if driver != expected:
        raise refuse_device(
            spec, f"Invalid CPU type, expected cpu type: '{expected}'", "All CPUs of a machine are alike.",
            f"use -device {expected}, or another -cpu", _SOURCE,
        )
    if build.machine.type == "none":
        raise refuse_device(spec, "apic-id property was not initialized properly",
                            "A CPU needs a board that gives it a number.", "use pc or q35", _SOURCE)
    topology = build.machine.topology
    given = props.get("apic-id")
    number = _by_place(build, spec, props) if given is None else _by_apic_id(build, spec, given)
    if number < build.machine.cpus or number in build.more_cpus:
        raise refuse_device(
            spec, f"CPU[{number}] with APIC ID {apic_id(topology, number)} exists",
            "Another CPU sits in this place.", "use another place, or a smaller -smp", _SOURCE,
        )
    if build.machine.family == "microvm" and not build.qemu.ged_takes_cpus:
        raise refuse_device(
            spec, f"virt: device plug request for unsupported device type: {driver}",
            "microvm takes no further CPUs.", "raise -smp, or use pc or q35",
            "acpi_ged_device_plug_cb, hw/acpi/generic_event_device.c",
        )
    build.more_cpus.append(number)


def _by_apic_id(build: Build, spec: DeviceSpec, apic: int) -> int:
    """The number of the CPU with this APIC id; raises Refused if the topology has none."""
    topology = build.machine.topology
    for number in range(topology.max_cpus):
        if apic_id(topology, number) == apic:
            return number
    levels = ("socket", "die", *(("module",) if build.qemu.smp_modules else ()), "core", "thread")
    place = place_of(topology, apic)
    text = ", ".join(f"{level}: {place[f'{level}-id']}" for level in levels)
    raise refuse_device(
        spec, f"Invalid CPU [{text}] with APIC ID {apic}, valid index range 0:{topology.max_cpus - 1}",
        "-smp leaves no such place.", "raise maxcpus=, or use another apic-id=", _SOURCE,
    )


def _by_place(build: Build, spec: DeviceSpec, props: Mapping[str, Any]) -> int:
    """The number of the CPU at the place that ``props`` name; raises Refused."""
    topology = build.machine.topology
    last = topology.ids(topology.max_cpus - 1)
    limits = {
        "socket-id": last["socket-id"], "die-id": topology.dies - 1, "module-id": topology.modules - 1,
        "core-id": topology.cores - 1, "thread-id": topology.threads - 1,
    }
    place = {}
    for name, limit in limits.items():
        value = props.get(name, -1)
        if name in ("die-id", "module-id") and value < 0 and not limit:
            value = 0
        if value < 0:
            raise refuse_device(spec, f"CPU {name} is not set", "A further CPU says where it sits.",
                                f"add {name}=0 (up to {limit})", _SOURCE)
        if value > limit:
            raise refuse_device(spec, f"Invalid CPU {name}: {value} must be in range 0:{limit}",
                                "-smp leaves no such place.", "raise maxcpus=, or use another place", _SOURCE)
        place[name] = value
    module = place.pop("module-id")
    return next(
        n for n in range(topology.max_cpus) if topology.ids(n) == place and topology.module(n) == module
    )
