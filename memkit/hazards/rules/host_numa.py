"""Where on the host memory lies: NUMA policies of backends."""

from __future__ import annotations

from collections.abc import Iterator

from memkit.hazards.mending import set_property
from memkit.hazards.rule import Culprit, Rule
from memkit.hazards.scene import Scene
from memkit.host import Host

__all__ = ["RULES"]


def _numbers(nodes: tuple[int, ...] | list[int]) -> str:
    return ("node " if len(nodes) == 1 else "nodes ") + ", ".join(map(str, nodes))


def _absent(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.mapped:
        absent = [node for node in backend.host_nodes if node >= scene.host.numa_nodes]
        if absent and len(absent) < len(backend.host_nodes):
            yield scene.blame(
                backend, f"{backend.id} names host {_numbers(absent)}, which this host does not have."
            )


def _preferred(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.mapped:
        if backend.policy == "preferred" and len(backend.host_nodes) > 1:
            first, *rest = backend.host_nodes
            yield scene.blame(backend, f"{backend.id} prefers host node {first}, and not {_numbers(rest)}.")


def _stuck(scene: Scene) -> Iterator[Culprit]:
    for backend in scene.mapped:
        path = str(backend.mem_path)
        if backend.huge and backend.policy == "bind" and scene.host.file_size(path):
            yield scene.blame(
                backend,
                f"{path} has its pages already; policy=bind on {backend.id} does not move them to host "
                f"{_numbers(backend.host_nodes)}.",
            )


def _far_threads(scene: Scene) -> Iterator[Culprit]:
    if scene.host.numa_nodes < 2:
        return
    for backend in scene.mapped:
        if backend.prealloc and backend.host_nodes and not scene.given(backend, "prealloc-context"):
            yield scene.blame(
                backend, f"Threads on any host node fill {backend.id} on {_numbers(backend.host_nodes)}."
            )


_RAM = "-m 256M -M memory-backend=r -object memory-backend-ram,id=r,size=256M"
_HUGE = "-m 64M -M memory-backend=f -object memory-backend-file,id=f,size=64M"
_TWO = Host(numa_nodes=2)

RULES = (
    Rule(
        "backend-host-node-absent", "A host node that is not there", "silent-misbehaviour",
        ("host-numa-policy",),
        "The kernel takes those of the nodes that exist, and complains only if none does. All memory then "
        "comes from fewer nodes than the line says.",
        "name nodes that this host has; the list belongs to the host, not to the guest",
        ("backends/hostmem.c: host_memory_backend_memory_complete, 7.2",
         "Linux: mm/mempolicy.c, mpol_set_nodemask, 6.1"),
        _absent,
        example=f"{_RAM},policy=bind,host-nodes=0-1", innocent=f"{_RAM},policy=bind,host-nodes=0",
        mend=set_property(host_nodes="0"), since="2.1",
    ),
    Rule(
        "backend-policy-preferred-multi-node", "Only the first of several nodes is preferred", "surprise",
        ("host-numa-policy",),
        "The policy that QEMU asks for knows one node, and the kernel drops the others. Since 8.0 QEMU asks "
        "for the one that knows many, where libnuma and kernel have it.",
        "use policy=bind or interleave, or QEMU 8.0 on Linux 5.15",
        ("backends/hostmem.c: host_memory_backend_memory_complete, 7.2",
         "backends/hostmem.c: host_memory_backend_memory_complete, 8.0"),
        _preferred,
        example=f"{_RAM},policy=preferred,host-nodes=0-1", innocent=f"{_RAM},policy=bind,host-nodes=0-1",
        host=_TWO, mend=set_property(policy="bind"), since="2.1", until="8.0",
    ),
    Rule(
        "prealloc-hugetlb-numa-bind-not-strict", "Huge pages of an old file stay where they are",
        "silent-misbehaviour", ("hugetlb", "host-numa-policy"),
        "Pages of a file keep their node as long as the file lives. The kernel does not check huge pages "
        "against the policy, so that binding them elsewhere gives no error.",
        "use a new file or a memfd with prealloc=on, and look at numastat -p",
        ("backends/hostmem.c: host_memory_backend_memory_complete, 7.2",),
        _stuck,
        example=f"{_HUGE},mem-path=/dev/hugepages/f,policy=bind,host-nodes=1",
        innocent=f"{_HUGE},mem-path=/dev/hugepages/new,policy=bind,host-nodes=1",
        host=Host(numa_nodes=2, files={"/dev/hugepages/f": 64 << 20}), since="2.1",
    ),
    Rule(
        "numa-prealloc-thread-context", "Pages are filled from afar", "performance",
        ("prealloc", "host-numa-policy"),
        "The policy places the pages, but the threads that fill them run wherever the kernel puts them. On a "
        "host with several nodes zeros cross the links between them, and the start takes longer.",
        "since 7.2: -object thread-context,id=t,node-affinity=N and prealloc-context=t",
        ("util/oslib-posix.c: qemu_prealloc_mem, 7.2", "util/thread-context.c, 7.2"),
        _far_threads,
        example=f"{_RAM},prealloc=on,policy=bind,host-nodes=1",
        innocent=f"-object thread-context,id=t,node-affinity=1 {_RAM},prealloc=on,policy=bind,host-nodes=1,"
                 "prealloc-context=t",
        host=_TWO,
    ),
)
