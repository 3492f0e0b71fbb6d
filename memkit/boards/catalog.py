"""What QEMU knows, under one name: device models, what they do, machine types, CPU models.

Everything here was recorded from a real QEMU by ``tools/record``; nothing is computed from its source.
The first word that every function takes is the version of the program (one of KNOWN_QEMU).
``device_facts`` holds the models, ``observations`` what they did, ``machine_records`` the machine types.
"""

from __future__ import annotations

from memkit.boards.device_facts import DeviceFacts, device, device_names, near, rom_file_size, unpluggable
from memkit.boards.machine_records import (
    CpuFacts,
    MachineRecord,
    cpu,
    cpu_names,
    cpu_properties,
    device_on,
    machine,
    machine_names,
    machine_properties,
    machine_start,
    nic_models,
    outcome,
    vga_refusal,
)
from memkit.boards.observations import (
    Block,
    Observation,
    SecondaryBus,
    SizeRule,
    address_space_name,
    observed,
    refused_bare,
    refused_below,
    refused_twice,
    secondary_bus,
    size_rule,
)
from memkit.boards.recorded import data_file

__all__ = [
    "Block", "CpuFacts", "DeviceFacts", "MachineRecord", "Observation", "SecondaryBus",
    "SizeRule", "address_space_name", "cpu", "cpu_names", "cpu_properties", "data_file", "device",
    "device_names", "device_on", "machine", "machine_names", "machine_properties", "machine_start",
    "near", "nic_models", "observed", "outcome", "refused_bare",
    "refused_below", "refused_twice", "rom_file_size", "secondary_bus", "size_rule", "unpluggable",
    "vga_refusal",
]
