"""Refusals of NUMA nodes.

Source: hw/core/numa.c (QEMU 7.2).
"""

from __future__ import annotations

from memkit.boards.refusals.words import Words

__all__ = ["REFUSALS"]

REFUSALS: dict[str, Words] = {
    "numa-total": Words(
        "total memory for NUMA nodes (0x{total:x}) should equal RAM size (0x{ram:x})",
        "The nodes together must hold exactly the RAM of -m. Since QEMU 5.2 a node gets memory only "
        "from memdev= (or mem= on old machine types); memory is not split by itself any more.",
        "give every node a memdev= whose sizes add up to -m",
        "numa_complete_configuration, hw/core/numa.c",
    ),
    "numa-gap": Words(
        "numa: Node ID missing: {node}", "Node ids must be 0, 1, 2 ... without gaps.",
        "number the nodes from 0", "numa_complete_configuration, hw/core/numa.c",
    ),
    "numa-duplicate": Words(
        "Duplicate NUMA nodeid: {node}", "Two -numa node options have this id.",
        "give each node its own nodeid=", "parse_numa_node, hw/core/numa.c",
    ),
    "numa-max": Words(
        "Max number of NUMA nodes reached: {node}", "QEMU knows nodes 0 to 127.",
        "use a smaller nodeid=", "parse_numa_node, hw/core/numa.c",
    ),
    "numa-mixed": Words(
        "numa configuration should use either mem= or memdev=,mixing both is not allowed",
        "All nodes get memory the same way.", "use memdev= for every node",
        "parse_numa_node, hw/core/numa.c",
    ),
    "numa-mem": Words(
        "Parameter -numa node,mem is not supported by this machine type\nUse -numa node,memdev instead",
        "mem= does not say where the memory comes from; machine types since 5.1 refuse it.",
        "make a backend and use memdev=", "parse_numa_node, hw/core/numa.c",
    ),
    "numa-memdev": Words(
        "memdev={name} is ambiguous",
        "No memory backend has this id (QEMU says 'ambiguous' for 'not found', too).",
        "add -object memory-backend-ram,id={name},size=...", "parse_numa_node, hw/core/numa.c",
    ),
    "numa-cpu": Words(
        "CPU index ({cpu}) should be smaller than maxcpus ({maxcpus})",
        "The node lists a CPU that the guest does not have.", "raise -smp or lower cpus=",
        "parse_numa_node, hw/core/numa.c",
    ),
    "numa-cpu-twice": Words(
        "CPU is already assigned to node-id: {node}", "Each CPU belongs to one node.",
        "list the CPU in one node only", "machine_set_cpu_numa_node, hw/core/machine.c",
    ),
    "numa-exclusive": Words(
        "'-machine memory-backend' and '-numa memdev' properties are mutually exclusive",
        "Either one backend is all of main RAM, or each node brings its own.",
        "drop memory-backend=, or drop memdev= from the nodes",
        "numa_complete_configuration, hw/core/numa.c",
    ),
    "hmat-off": Words(
        "ACPI Heterogeneous Memory Attribute Table (HMAT) is disabled, enable it with -machine "
        "hmat=on before using any of hmat specific options",
        "initiator= and hmat-* describe memory latency for the HMAT.", "add -machine hmat=on",
        "set_numa_options, hw/core/numa.c",
    ),
    "numa-no-node-id": Words(
        "Missing mandatory node-id property", "-numa cpu puts a CPU into a node.", "add node-id=",
        "set_numa_options, hw/core/numa.c",
    ),
    "numa-no-match": Words(
        "no match found", "No CPU has these ids.", "check socket-id=, core-id= and thread-id= against -smp",
        "machine_set_cpu_numa_node, hw/core/machine.c",
    ),
    "numa-node-undefined": Words(
        "Invalid node-id={node}, NUMA node must be defined with -numa node,nodeid=ID before it's "
        "used with -numa cpu,node-id=ID",
        "", "put -numa node,nodeid={node} in front", "set_numa_options, hw/core/numa.c",
    ),
}
