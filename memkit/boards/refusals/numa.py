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
        "-numa cpu puts CPUs into a node that is there already.",
        "put -numa node,nodeid={node} in front", "set_numa_options, hw/core/numa.c",
    ),
    "numa-no-id": Words(
        "{name} is not supported", "CPUs of this topology have no such id.",
        "leave out {name}= (die-id needs dies= of 2 or more in -smp; x86 has no cluster-id)",
        "machine_set_cpu_numa_node, hw/core/machine.c",
    ),
    "numa-own-initiator": Words(
        "The initiator of CPU NUMA node {node} should be itself (got {initiator})",
        "A node with CPUs uses its own memory first.", "drop initiator=, or the node's CPUs",
        "machine_set_cpu_numa_node, hw/core/machine.c",
    ),
    "numa-initiator-unset": Words(
        "The initiator of NUMA node {node} is missing, use '-numa node,initiator' option to declare it",
        "With hmat=on, this QEMU wants an initiator for every node.", "add initiator= to node {node}",
        "numa_validate_initiator, hw/core/machine.c, QEMU 5.2",
    ),
    "numa-initiator-missing": Words(
        "NUMA node {node} is missing, use '-numa node' option to declare it first",
        "initiator= names a node that is not there.", "add -numa node,nodeid={node}",
        "numa_validate_initiator, hw/core/machine.c",
    ),
    "numa-initiator-invalid": Words(
        "The initiator of NUMA node {node} is invalid", "An initiator is a node with CPUs.",
        "give initiator= a node with cpus=", "numa_validate_initiator, hw/core/machine.c",
    ),
    # distances
    "numa-dist-range": Words(
        "Parameter '{name}' expects an integer between 0 and 127", "QEMU knows nodes 0 to 127.",
        "use a smaller {name}=", "parse_numa_distance, hw/core/numa.c",
    ),
    "numa-dist-node": Words(
        "Source/Destination NUMA node is missing. Please use '-numa node' option to declare it first.",
        "A distance is between two nodes that are there already.", "put -numa dist behind its nodes",
        "parse_numa_distance, hw/core/numa.c",
    ),
    "numa-dist-small": Words(
        "NUMA distance ({value}) is invalid, it shouldn't be less than 10.",
        "10 is the distance of a node from itself; all others are larger.", "use val=20, for example",
        "parse_numa_distance, hw/core/numa.c",
    ),
    "numa-dist-local": Words(
        "Local distance of node {node} should be 10.", "A node is at distance 10 from itself.",
        "leave out this -numa dist", "parse_numa_distance, hw/core/numa.c",
    ),
    "numa-dist-missing": Words(
        "The distance between node {source} and {target} is missing, at least one distance value between "
        "each nodes should be provided.",
        "One distance makes QEMU want one for every pair of nodes.",
        "add -numa dist,src={source},dst={target},val=20", "validate_numa_distance, hw/core/numa.c",
    ),
    "numa-dist-lopsided": Words(
        "At least one asymmetrical pair of distances is given, please provide distances for both directions "
        "of all node pairs.",
        "Two nodes have another distance there than back.", "give both directions for every pair",
        "validate_numa_distance, hw/core/numa.c",
    ),
    # the HMAT
    "hmat-node": Words(
        "Invalid {name}={node}, it should be less than {nodes}", "The node does not exist.",
        "use a node that is there", "parse_numa_hmat_lb, hw/core/numa.c",
    ),
    "hmat-initiator": Words(
        "Invalid initiator={node}, it isn't an initiator proximity domain",
        "An initiator is a node with CPUs.",
        "give node {node} cpus=, or use another node", "parse_numa_hmat_lb, hw/core/numa.c",
    ),
    "hmat-target": Words(
        "The target={node} should point to an existing node", "The node does not exist.",
        "put -numa node,nodeid={node} in front", "parse_numa_hmat_lb, hw/core/numa.c",
    ),
    "hmat-value-missing": Words(
        "Missing '{name}' option", "data-type= says which of latency= and bandwidth= is meant.",
        "add {name}=", "parse_numa_hmat_lb, hw/core/numa.c",
    ),
    "hmat-value-wrong": Words(
        "Invalid option '{name}' since the data type is {kind}",
        "data-type= says which of latency= and bandwidth= is meant.", "drop {name}=",
        "parse_numa_hmat_lb, hw/core/numa.c",
    ),
    "hmat-bandwidth": Words(
        "Bandwidth {value} between initiator={initiator} and target={target} should be 1MB aligned",
        "Bandwidths are whole MiB a second.", "use bandwidth=100M, for example",
        "parse_numa_hmat_lb, hw/core/numa.c",
    ),
    "hmat-twice": Words(
        "Duplicate configuration of the {kind} for initiator={initiator} and target={target}",
        "This pair of nodes has its {kind} already.", "drop one of the two",
        "parse_numa_hmat_lb, hw/core/numa.c",
    ),
    "hmat-latency-range": Words(
        "Latency {value} between initiator={initiator} and target={target} should not differ from previously "
        "entered min or max values on more than {most}",
        "The table has 16 bits for each latency, in one common unit.", "use latencies of similar size",
        "parse_numa_hmat_lb, hw/core/numa.c",
    ),
    "hmat-bandwidth-range": Words(
        "Bandwidth {value} between initiator={initiator} and target={target} should not differ from "
        "previously entered values on more than {most}",
        "The table has 16 bits for each bandwidth, in one common unit.", "use bandwidths of similar size",
        "parse_numa_hmat_lb, hw/core/numa.c",
    ),
    "hmat-cache-node": Words(
        "Invalid node-id={node}, it should be less than {nodes}", "The node does not exist.",
        "use a node that is there", "parse_numa_hmat_cache, hw/core/numa.c",
    ),
    "hmat-cache-first": Words(
        "The latency and bandwidth information of node-id={node} should be provided before memory side cache "
        "attributes",
        "A cache stands in front of memory whose speed is known.",
        "put -numa hmat-lb with a latency and one with a bandwidth in front",
        "parse_numa_hmat_cache, hw/core/numa.c",
    ),
    "hmat-cache-level": Words(
        "Invalid level={level}, it should be larger than 0 and less than or equal to {last}",
        "Caches have levels 1 to {last}.", "use level=1", "parse_numa_hmat_cache, hw/core/numa.c",
    ),
    "hmat-cache-twice": Words(
        "Duplicate configuration of the side cache for node-id={node} and level={level}",
        "The node has a cache of this level already.", "use another level=",
        "parse_numa_hmat_cache, hw/core/numa.c",
    ),
    "hmat-cache-order": Words(
        "Cache level={level} shall be defined first", "Levels are given from 1 upward.",
        "put -numa hmat-cache with level={level} in front", "parse_numa_hmat_cache, hw/core/numa.c",
    ),
    "hmat-cache-size": Words(
        "Invalid size={size}, the size of level={level} should be {than} than the size({other}) of "
        "level={beside}",
        "Caches grow with their level.", "change size=", "parse_numa_hmat_cache, hw/core/numa.c",
    ),
}
