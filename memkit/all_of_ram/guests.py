"""The guest's own view of its RAM, and the numbers by which QEMU tells people how much there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from memkit.all_of_ram.definition import Definition
from memkit.all_of_ram.members import Member, Part, out, pieces, unknown, whole

if TYPE_CHECKING:
    from memkit.all_of_ram.look import Look
    from memkit.joined import JoinedRow

__all__ = ["DEFINITIONS", "in_space", "visible"]

NO_ADDRESSES = "no text tells what the guest sees at which address"


def _every(look: Look, row: JoinedRow) -> Member:
    reason = "it is a RAMBlock" if row.block.idstr else "it is a RAMBlock, though one without a name"
    return whole(row.block, reason, row.block.max_length)


def visible(look: Look, row: JoinedRow) -> Member:
    """The block as far as address space "memory" shows it now."""
    if not look.addresses_known:
        return unknown(row.block, NO_ADDRESSES)
    return pieces(row.block, look.parts(row), "the guest sees it", "nothing shows it at an address now")


def in_space(space: str) -> Callable[[Look, JoinedRow], Member]:
    """The judge for another address space."""
    def judge(look: Look, row: JoinedRow) -> Member:
        return pieces(row.block, look.parts_in(row, space), f"{space} shows it", f"{space} does not show it")

    return judge


_NO_MEMDEV = "the text has no answer to info memdev"


def _main(look: Look, row: JoinedRow) -> Member:
    if look.main(row):
        return whole(row.block, "it is the RAM of -m")
    if look.unbacked(row):
        return unknown(row.block, _NO_MEMDEV)
    return out(row.block, f"it belongs to {look.name(row)}" if row.frontends else "no device shows it")


def _backing(look: Look, row: JoinedRow) -> Member:
    if look.unbacked(row):
        return unknown(row.block, _NO_MEMDEV)
    if row.backend is None:
        return out(row.block, "QEMU made it by itself, from anonymous memory")
    if not look.typed(row):
        return unknown(row.block, "info memdev does not tell pmem=")
    if row.backend.pmem:
        return whole(row.block, "its backend says pmem=on")
    return out(row.block, f"its backend {row.backend.id} has no pmem=on")


def _persistent(look: Look, row: JoinedRow) -> Member:
    device = look.device(row)
    if look.unbacked(row):
        return unknown(row.block, _NO_MEMDEV)
    if not look.persistent(row):
        return out(row.block, "the guest does not see it as persistent memory")
    size = device.size if device else row.block.used_length
    return pieces(row.block, [Part(0, size)], f"the guest sees {look.name(row)}", "")


def _plugged(look: Look, row: JoinedRow, kinds: tuple[str, ...] = ()) -> Member:
    """Main RAM, and memory devices of ``kinds`` (all, if none are given) as far as they are plugged."""
    if look.main(row):
        return whole(row.block, "it is the RAM of -m")
    if look.unbacked(row):
        return unknown(row.block, _NO_MEMDEV)
    device = look.device(row)
    if device is None:
        shown = f"{look.name(row)} is no memory device" if row.frontends else "no device shows it"
        return out(row.block, shown)
    if kinds and device.kind not in kinds:
        return out(row.block, f"{device.kind} is not counted")
    if device.kind == "virtio-mem":
        return plugged_part(row, device.size)
    return pieces(row.block, [Part(0, device.size)], f"plugged as {look.name(row)}", "nothing is plugged")


def plugged_part(row: JoinedRow, size: int) -> Member:
    """What the guest of a virtio-mem device has plugged: the bytes are known, but not which they are."""
    if not size:
        return out(row.block, "the guest has plugged nothing of this virtio-mem")
    if size >= row.block.used_length:
        return whole(row.block, "the guest has plugged all of this virtio-mem")
    return Member(row.block, "part", size, (), "only what the guest has plugged of this virtio-mem")


def _nodes(look: Look, row: JoinedRow) -> Member:
    return _plugged(look, row) if look.guest.numa else out(row.block, "there is no NUMA node")


def _ballooned(look: Look, row: JoinedRow) -> Member:
    return _plugged(look, row, ("dimm",))


def _no_nodes(look: Look) -> str:
    return "" if look.guest.numa else "The guest has no NUMA nodes, so that info numa says 0 nodes."


def no_balloon(look: Look) -> str:
    """A remark where there is no balloon."""
    found = not look.told or "balloon" in look.scene.features
    return "" if found else "There is no virtio-balloon: this is what one would count."


_SUMMARY = "monitor/qmp-cmds.c: qmp_query_memory_size_summary, 7.2"
_PLUGGED = "hw/mem/memory-device.c: memory_device_plugged_size, 7.2"

DEFINITIONS = (
    Definition(
        "ram-blocks", "guest", "Every RAMBlock: what info ramblock lists.", "blocks",
        "each block of QEMU's list, mapped or not, named or not, with its total (greatest) length",
        ("softmmu/physmem.c: qemu_ram_foreach_block, ram_block_format, 7.2",), _every,
        surprise="It holds memory that no guest will ever see at an address, such as ACPI tables that go "
                 "through fw_cfg.",
    ),
    Definition(
        "visible", "guest", 'What the guest can see at some address of "memory" now.', "ranges",
        'each range of the FlatView of "memory" that a RAMBlock answers: RAM, ROM and flash',
        ("softmmu/memory.c: render_memory_region, 7.2",), visible,
        surprise="Video RAM and ivshmem are not in it before the firmware has given their BARs an address, "
                 "and on PCs something else covers 384 KiB of main RAM below 1 MiB.",
    ),
    Definition(
        "main-ram", "guest", "The RAM of -m: what the firmware is told of (on PCs by fw_cfg and E820).",
        "blocks",
        "the blocks of the machine's own backend, or of the backends of its NUMA nodes",
        ("hw/i386/fw_cfg.c: fw_cfg_arch_create, 7.2", "hw/i386/pc.c: pc_memory_init, 7.2"), _main,
        surprise="DIMMs are not in it: the guest finds them in ACPI tables or in the device tree.",
    ),
    Definition(
        "pmem-backing", "guest", "Persistent memory by its backing: backends with pmem=on.", "blocks",
        "the blocks whose backend has pmem=on",
        ("backends/hostmem-file.c: file_backend_memory_alloc, 7.2",), _backing,
        surprise="What the guest uses as plain RAM may lie on persistent memory, and an NVDIMM may lie in "
                 "anonymous memory.",
    ),
    Definition(
        "pmem-guest", "guest", "Persistent memory by the guest's view: NVDIMMs and virtio-pmem.", "bytes",
        "the blocks of nvdimm (without the label area) and virtio-pmem devices",
        ("hw/mem/nvdimm.c: nvdimm_prepare_memory_region, 7.2",
         "hw/virtio/virtio-pmem-pci.c: virtio_pmem_pci_get_memory_region, 7.2"), _persistent,
        surprise="Only the NVDIMM is marked nv-ram in info mtree; virtio-pmem is not.",
    ),
    Definition(
        "query-memory-size-summary", "count", "base-memory and plugged-memory of QMP.", "bytes",
        "-m, and the plugged size of every memory device: dimm, nvdimm, virtio-pmem, virtio-mem",
        (_SUMMARY, _PLUGGED), _plugged,
        surprise="NVDIMMs and virtio-pmem count as plugged memory, virtio-mem only as far as the guest took "
                 "it, and ivshmem not at all.",
    ),
    Definition(
        "info numa", "count", "The sum of all nodes in info numa.", "bytes",
        "main RAM as it is split over nodes, and all memory devices at their nodes",
        ("hw/core/numa.c: query_numa_node_mem, numa_stat_memory_devices, 7.2",), _nodes,
        surprise="It is nothing without NUMA nodes; virtio-pmem is always counted at node 0.",
        remark=_no_nodes,
    ),
    Definition(
        "balloon", "count", "What query-balloon starts from, and virtio-balloon can shrink.", "bytes",
        "-m and each pc-dimm; no nvdimm, no virtio-mem, no virtio-pmem",
        ("hw/virtio/virtio-balloon.c: get_current_ram_size, 7.2", "hw/mem/pc-dimm.c: pc_dimm_plug, 8.2"),
        _ballooned, remark=no_balloon,
        surprise="The balloon's target is this sum less the balloon, though the guest may inflate it with "
                 "pages of any RAM that it sees.",
        changed="8.1 keeps the sum of DIMMs in the machine instead of looking through the devices; it is the "
                "same sum.",
    ),
)
