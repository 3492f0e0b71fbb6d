"""Probes that look at pages: what the kernel shows of a mapping, and what the monitor says of sizes."""

from __future__ import annotations

import re
from collections.abc import Callable

from .hazards_lab import MIB, Lab, Probe, Seen, Try
from .hazards_machine import Ended, Machine, Mapping
from .hazards_streams import blocks_of

__all__ = ["PROBES"]

SIZE = 256 * MIB
HERE = 16 * MIB
ABOVE_4G = 1 << 32


def flag(name: str, wanted: bool, asked: str) -> Callable[[Lab, Try], Seen]:
    """Shown if the line has the words ``asked`` and the mapping of RAM has the flag or has it not."""

    def look(lab: Lab, what: Try) -> Seen:
        with lab.running(what.line) as machine:
            mapping = machine.mapping()
        has = name in mapping.flags
        return Seen(
            has is wanted and asked in what.line,
            (f"VmFlags of main RAM: {' '.join(sorted(mapping.flags))}",
             f"{name} is {'there' if has else 'not there'}"),
        )

    return look


def unmerged(machine: Machine) -> tuple[bool, str]:
    """True if the kernel lets KSM look at main RAM; and words."""
    mapping = machine.mapping()
    return "mg" in mapping.flags, f"VmFlags of main RAM has mg (mergeable): {'mg' in mapping.flags}"


def small_pages(lab: Lab, what: Try) -> Seen:
    """The guest writes 16 MiB; shown if none of it got huge pages."""
    with lab.running(what.line) as machine:
        machine.memset(HERE, 16 * MIB)
        mapping = machine.mapping()
    huge = sum(mapping.counts.get(k, 0) for k in ("AnonHugePages", "ShmemPmdMapped", "FilePmdMapped"))
    return Seen(huge == 0, (f"huge pages in main RAM after 16 MiB of writes: {huge >> 20} MiB",))


def merged_after_all(lab: Lab, what: Try) -> Seen:
    """KSM may look at RAM: shown if it does although the line says no."""
    with lab.running(what.line) as machine:
        has, words = unmerged(machine)
    return Seen(has, (words,))


def ordinary_pages(lab: Lab, what: Try) -> Seen:
    """Shown if the line names a huge page size and RAM has small pages."""
    with lab.running(what.line) as machine:
        mapping = machine.mapping()
        said = machine.said()
    page = mapping.counts["KernelPageSize"]
    return Seen(
        "hugetlbsize=" in what.line and page == 4096 and not said,
        (f"KernelPageSize of main RAM: {page >> 10} KiB", *said),
    )


def mixed_pages(lab: Lab, what: Try) -> Seen:
    """Shown if the blocks of the NUMA nodes have pages of several sizes."""
    with lab.running(what.line) as machine:
        rows = re.findall(r"^\s*(a|b)\s+(\d+ [KMG]iB)", machine.hmp("info ramblock"), re.M)
    return Seen(len({size for _, size in rows}) > 1, tuple(f"info ramblock: {n} {size}" for n, size in rows))


def odd_block(lab: Lab, what: Try) -> Seen:
    """Shown if it starts with a block that is no multiple of its huge page."""
    with lab.running(what.line) as machine:
        rows = re.findall(r"(\d+) MiB +0x\w+ 0x\w+ +0x(\w+)", machine.hmp("info ramblock"))
    sizes = [(int(page) * MIB, int(total, 16)) for page, total in rows]
    words = [f"pages of {page >> 20} MiB, a block of {size / MIB:g} MiB" for page, size in sizes]
    return Seen(any(total % page for page, total in sizes), tuple(words))


def locked(lab: Lab, what: Try) -> Seen:
    """Shown if more memory is locked than the guest has."""
    with lab.running(what.line) as machine:
        bytes_locked = machine.status("VmLck")
    return Seen(bytes_locked > SIZE, (f"VmLck: {bytes_locked >> 20} MiB, guest RAM: {SIZE >> 20} MiB",))


def filled(lab: Lab, what: Try) -> Seen:
    """Shown if RAM is resident at start, before anything is written."""
    with lab.running(what.line) as machine:
        mapping = machine.mapping()
    return Seen(
        mapping.resident >= SIZE,
        (f"resident of {mapping.size >> 20} MiB at start: {mapping.resident >> 20} MiB",),
    )


def reserved_only(lab: Lab, what: Try) -> Seen:
    """Shown if huge pages are reserved at start and not taken."""
    with lab.running(what.line) as machine:
        mapping = machine.mapping()
    return Seen(
        mapping.resident == 0,
        (f"huge pages taken at start: {mapping.resident >> 20} of {mapping.size >> 20} MiB",),
    )


def peak(lab: Lab, what: Try) -> Seen:
    """Shown if RAM for virtio-mem was filled once, and is not any more."""
    with lab.running(what.line) as machine:
        most = machine.status("VmHWM")
        now = machine.status("VmRSS")
    return Seen(
        most > 512 * MIB > now,
        (f"resident once: {most >> 20} MiB, now: {now >> 20} MiB; virtio-mem has 512 MiB",),
    )


def object_filled(lab: Lab, what: Try) -> Seen:
    """A backend of 96 MiB is added; shown if its pages are there at once."""
    with lab.running(what.line) as machine:
        size = 96 * MIB
        props = {"size": size} if machine.release >= (6, 0) else {"props": {"size": size}}
        machine.do("object-add", qom_type="memory-backend-memfd", id="later", **props)
        mapping = machine.mapping(size=size)
    return Seen(mapping.resident >= size, (f"resident after object-add: {mapping.resident >> 20} of 96 MiB",))


def fewer_nodes(lab: Lab, what: Try) -> Seen:
    """Shown if the line names nodes that the kernel's policy does not have."""
    with lab.running(what.line) as machine:
        policy = machine.policy(machine.mapping())
        said = machine.said()
    asked = "host-nodes=0-1" in what.line
    return Seen(
        asked and policy.endswith(":0") and not said,
        (f"the line says host nodes {'0-1' if asked else '0'}, numa_maps: {policy}", *said),
    )


def one_preferred(lab: Lab, what: Try) -> Seen:
    """Shown if the kernel's policy prefers one node and not many."""
    with lab.running(what.line) as machine:
        policy = machine.policy(machine.mapping())
    return Seen(policy.startswith("prefer") and "many" not in policy, (f"numa_maps: {policy}",))


def base_memory(asked: int) -> Callable[[Lab, Try], Seen]:
    """Shown if the guest has more RAM than the line says; ``asked`` is what the bad line says."""

    def look(lab: Lab, what: Try) -> Seen:
        with lab.running(what.line) as machine:
            base = machine.do("query-memory-size-summary")["base-memory"]
        found = re.match(r"-m (\d+)([kM]?)", what.line)
        assert found is not None
        said = int(found[1]) * {"k": 1024}.get(found[2], MIB)
        return Seen(base > said, (f"query-memory-size-summary: {base} bytes, -m says {said}",))

    return look


def video_ram(lab: Lab, what: Try) -> Seen:
    """Shown if the card's memory is not what the line says."""
    with lab.running(what.line) as machine:
        size = next(size for name, size in blocks_of(machine) if name.endswith("vga.vram"))
    asked = int(what.line.partition("vgamem_mb=")[2])
    return Seen(size != asked * MIB, (f"info ramblock: vga.vram {size >> 20} MiB, asked {asked} MiB",))


def out_of_reach(lab: Lab, what: Try) -> Seen:
    """Shown if RAM lies above 4 GiB and the CPU has neither PAE nor PSE36, and so 32 address bits."""
    with lab.running(what.line) as machine:
        rows = machine.hmp("info mtree -f").splitlines()
        above = [row.strip() for row in rows if re.match(r" *0000000100000000-.*ram\)", row)]
        cpu = machine.do("query-cpus-fast")[0]["qom-path"]
        wide = [name for name in ("pae", "pse36") if machine.do("qom-get", path=cpu, property=name)]
    return Seen(
        bool(above) and not wide,
        (*(f"info mtree -f: {row}" for row in above[:1]),
         f"of pae and pse36 the CPU has: {', '.join(wide) or 'none'}"),
    )


def far_ram(lab: Lab, what: Try) -> Seen:
    """Shown if RAM lies at 1 TiB and not at 4 GiB."""
    with lab.running(what.line) as machine:
        rows = machine.ranges()
    ranges = [(first, last) for first, last, kind, _ in rows if kind == "ram" and first >= ABOVE_4G]
    return Seen(
        bool(ranges) and min(ranges)[0] >= 1 << 40,
        tuple(f"info mtree -f: RAM at {first:#x}-{last:#x}" for first, last in ranges),
    )


def label_costs(lab: Lab, what: Try) -> Seen:
    """Shown if the guest gets 2 MiB less than the backend has, for a label of 128 KiB."""
    with lab.running(what.line) as machine:
        size = machine.do("query-memory-devices")[0]["data"]["size"]
    return Seen(size == 126 * MIB, (f"query-memory-devices: {size / MIB:g} MiB of a backend of 128 MiB",))


def private_to_others(lab: Lab, what: Try) -> Seen:
    """Shown if the memory of ivshmem is mapped privately."""
    with lab.running(what.line) as machine:
        mapping: list[Mapping] = [m for m in machine.mappings() if m.size == MIB and "sh" in m.flags]
    return Seen(not mapping, (f"shared mappings of 1 MiB, the size of the backend: {len(mapping)}",))


def late_sigbus(lab: Lab, what: Try) -> Seen:
    """It starts, and writes to a page; shown if this ends QEMU."""
    with lab.running(what.line) as machine:
        try:
            machine.memset(HERE, MIB)
        except Ended:
            fate = machine.fate()
            return Seen("SIGBUS" in fate, (f"it starts, and writes: {fate}",))
    return Seen(False, ("it starts, and writes: it runs on",))


def unplugged_read(lab: Lab, what: Try) -> Seen:
    """Blocks that are not plugged are read; shown if QEMU warned of it and they take pages now."""
    with lab.running(what.line) as machine:
        gpa = machine.do("query-memory-devices")[0]["data"]["memaddr"]
        before = machine.mapping(gpa).resident
        for place in range(gpa, gpa + 4 * MIB, 4096):
            machine.peek(place, 8)
        taken = machine.mapping(gpa).resident - before
        said = machine.said()
    return Seen(
        taken >= 4 * MIB and any("unplugged-inaccessible" in line for line in said),
        (f"4 MiB are read, and {taken >> 10} KiB taken", *said),
    )


GIGANTIC = "-m 1G -M memory-backend=f -object memory-backend-memfd,id=f,size=1G,hugetlb=on,"
ANON_MERGED = Try("-m 256M -M memory-backend=f -object memory-backend-ram,id=f,size=256M,merge=on")
_FLAGS = "start; the flags of the mapping of main RAM"
_RESIDENT = "start; the resident pages of the mapping"
PROBES: dict[str, Probe] = {
    "ksm-noop-on-hugetlb": Probe(_FLAGS, flag("mg", False, "merge=on"), good=ANON_MERGED),
    "ksm-noop-on-shared": Probe(_FLAGS, flag("mg", False, "merge=on"), good=ANON_MERGED),
    "merge-off-ignored-for-memory-backend-ram": Probe(_FLAGS, flag("mg", True, "merge=off")),
    "merge-on-beats-machine": Probe(_FLAGS, flag("mg", True, "mem-merge=off")),
    "thp-lost-with-shared-memory": Probe("the guest writes 16 MiB; huge pages of the mapping", small_pages),
    "memfd-hugetlbsize-without-hugetlb": Probe("start; KernelPageSize of the mapping", ordinary_pages),
    "mixed-page-sizes-one-vm": Probe("info ramblock", mixed_pages),
    "mem-path-hugetlb-odd-m": Probe("info ramblock", odd_block),
    "hugetlb-file-size-unaligned": Probe("info ramblock", odd_block),
    "mem-lock-overcommit": Probe("VmLck of the process", locked),
    "mem-lock-reserve-off": Probe(_RESIDENT, filled),
    "hugetlb-reserved-not-allocated-cgroup": Probe(_RESIDENT, reserved_only),
    "hugetlb-reserve-off-sigbus": Probe(
        "a pool of 1 GiB pages that is empty; start, a write", late_sigbus, tells="SIGBUS",
        bad=Try(GIGANTIC + "hugetlbsize=1G,reserve=off"),
        good=Try(GIGANTIC.replace("hugetlb=on,", "share=on"))),
    "virtio-mem-unplugged-read-allocates": Probe("blocks that are not plugged are read", unplugged_read),
    "virtio-mem-backend-prealloc": Probe("VmHWM and VmRSS of the process", peak),
    "virtio-mem-global-mem-prealloc": Probe("VmHWM and VmRSS of the process", peak),
    "mem-prealloc-applies-to-hotplug": Probe("object-add of a memfd; its resident pages", object_filled),
    "backend-host-node-absent": Probe("start on a host with node 0 alone; numa_maps", fewer_nodes),
    "backend-policy-preferred-multi-node": Probe("start; numa_maps", one_preferred),
    "m-rounded-to-8k": Probe("query-memory-size-summary", base_memory(0)),
    "m-zero-means-default": Probe("query-memory-size-summary", base_memory(0)),
    "vgamem-clamped": Probe("info ramblock", video_ram),
    "phys-bits-32bit-cpu": Probe(
        "info mtree -f; the CPU's properties", out_of_reach,
        bad=Try("-M pc-i440fx-5.2 -m 5G -cpu pentium"), good=Try("-M pc-i440fx-5.2 -m 5G -cpu qemu32")),
    "amd-1tb-hole-relocation": Probe("info mtree -f", far_ram),
    "nvdimm-label-eats-hugepage": Probe("query-memory-devices", label_costs),
    "ivshmem-private-memory": Probe("start; the mappings of the process", private_to_others),
}
