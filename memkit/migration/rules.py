"""Rules for two guests: what can go wrong between them that neither has alone.

A rule holds texts; what was found for it comes from ``memkit.migration.findings``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from memkit.hazards import Culprit, Hazard

__all__ = ["PAIR_RULES", "PairRule", "hazard"]


class PairRule(NamedTuple):
    """A hazard of two guests; the fields mean what they mean in ``memkit.hazards.Rule``."""

    id: str
    title: str
    severity: str
    features: tuple[str, ...]
    why: str
    instead: str
    sources: tuple[str, ...]
    since: str = ""
    until: str = ""


def hazard(rule: PairRule, culprits: Iterable[Culprit]) -> Hazard:
    """The rule, found for these culprits."""
    return Hazard(rule.id, rule.severity, rule.title, rule.why, rule.instead, rule.features, rule.since,
                  rule.until, rule.sources, tuple(culprits))


_R = PairRule
_REFUSES, _LOSS, _SILENT = "refuses-operation", "data-loss", "silent-misbehaviour"
_LIST = "migration/ram.c: parse_ramblocks, 7.2 (ram_load_precopy) and 11.1"
_ONE = "migration/ram.c: parse_ramblock, 7.2 (ram_load_precopy) and 11.1"
_RESIZE = "system/physmem.c: qemu_ram_resize, 11.1"
_PRE = ("migrate-precopy",)
_SAME_NAMES = "QEMU matches blocks by name, and the destination must have each block of the source."

PAIR_RULES: dict[str, PairRule] = {
    rule.id: rule
    for rule in (
        # -- names
        _R("migrate-ramblock-name-mismatch", "Main RAM has another name", _REFUSES, _PRE,
           "A block is called after its backend, or pc.ram where the machine makes it. " + _SAME_NAMES,
           "give the backend the same id on both sides; pc.ram is the name of the default",
           ("backends/hostmem.c: host_memory_backend_get_name, 7.2", _LIST), "5.0"),
        _R("numa-layout-change-breaks-migration", "NUMA nodes with backends rename main RAM", _REFUSES,
           ("numa-memdev", "migrate-precopy"),
           "With memdev= main RAM is made of a block for each node, called after its backend. " + _SAME_NAMES,
           "use the same nodes and the same ids on both sides", (_LIST,), "2.1"),
        _R("dimm-missing-on-destination", "A memory device is missing at the destination", _REFUSES, _PRE,
           _SAME_NAMES + " A device that was plugged while the guest ran belongs on the destination's line.",
           "add the device to the destination's line", (_LIST,), "2.1"),
        _R("migrate-option-rom-missing-on-dst", "An option ROM is missing at the destination", _REFUSES, _PRE,
           "The file behind romfile= is a block of its own. " + _SAME_NAMES + " The other way round works, "
           "so that the way back fails.",
           "use the same romfile= on both sides", (_LIST, "hw/pci/pci.c: pci_add_option_rom, 7.2")),
        _R("migrate-device-address-in-block-name", "A card at another address", _REFUSES, _PRE,
           "The name of a card's block begins with its place on the bus. " + _SAME_NAMES,
           "write addr= on both sides", (_LIST, "softmmu/physmem.c: qemu_ram_set_idstr, 7.2")),
        # -- lengths
        _R("migrate-ram-size-mismatch", "Another size of RAM", _REFUSES, _PRE,
           "A block must have the same length on both sides. Only tables of the firmware may change theirs.",
           "use the same sizes on both sides", (_RESIZE,), "2.3"),
        _R("migrate-bios-size", "Another size of BIOS", _REFUSES, _PRE,
           "The firmware is a block, and its length that of the file. Its content travels, too: the guest "
           "keeps that of the source until it is switched off.",
           "use firmware of one size on both sides", (_RESIZE, "hw/i386/x86.c: x86_bios_rom_init, 7.2")),
        _R("migrate-pflash-size", "Another size of flash", _REFUSES, ("pflash", "migrate-precopy"),
           "A flash chip is a block as big as its file. Builds of firmware come with 2 MiB and with 4 MiB, "
           "which do not mix.",
           "use firmware of one build on both sides",
           (_RESIZE, "hw/i386/pc_sysfw.c: pc_system_flash_map, 7.2"), "2.3"),
        _R("migrate-vram-size-mismatch", "Another size of video memory", _REFUSES,
           ("graphics", "migrate-precopy"),
           "The memory of a graphics card is a block, as long as the card's properties say. A block must "
           "have the same length on both sides.",
           "use the same properties on both sides", (_RESIZE, "hw/display/vga.c: vga_common_init, 7.2")),
        _R("migrate-option-rom-size", "Another size of an option ROM", _REFUSES, _PRE,
           "The length of the block comes from the file, so that an update of firmware packages changes it. "
           "romsize= fixes it.",
           "write romsize= on both sides (6.0), or use the same package", (_RESIZE,)),
        _R("migrate-resizeable-blocks-ok", "Tables of another size", "surprise", _PRE,
           "The tables of the firmware are blocks that can grow up to a limit. The destination takes the "
           "length of the source, so that this is no obstacle.",
           "nothing", (_RESIZE, "hw/core/loader.c: rom_set_mr, 7.2"), "2.3"),
        # -- page sizes
        _R("postcopy-page-size-mismatch", "Postcopy between pages of two sizes", _REFUSES,
           ("migrate-postcopy",),
           "Postcopy puts whole pages of the host into place, so that no CPU sees half a page. Each block "
           "must have one page size on both sides.",
           "use the same page sizes, or precopy",
           ("migration/savevm.c: loadvm_postcopy_handle_advise, 7.2", _ONE), "2.9"),
        _R("precopy-page-size-mix-ok", "Precopy between pages of two sizes", "surprise", _PRE,
           "The stream of precopy is made of the guest's pages, and does not know those of the host. The "
           "destination may have huge pages where the source has none, and the reverse.",
           "nothing", ("migration/ram.c: ram_save_host_page, 7.2",)),
        _R("ppc-hugepage-migration", "Smaller pages for the guest's hash table", _REFUSES, _PRE,
           "pseries promises its guest the largest page that its hash table may have, and the guest relies "
           "on it. The stream names the promise, and a destination that promises less refuses it.",
           "use the same cap-hpt-max-page-size on both sides",
           ("hw/ppc/spapr_caps.c: spapr_caps_post_migration, 7.2",), "3.0"),
        # -- where memory lies
        _R("dimm-address-mismatch-migration", "A memory device at another address", _LOSS, _PRE,
           "Blocks are matched by name, and nobody compares where the guest sees them. Migration succeeds, "
           "and the guest finds other memory at its addresses.",
           "write addr= and slot= as query-memory-devices tells them at the source",
           (_ONE, "hw/mem/pc-dimm.c: pc_dimm_pre_plug, 7.2"), "2.1"),
        _R("max-ram-below-4g-mismatch-migration", "Main RAM is split elsewhere", _LOSS,
           ("m-size", "migrate-precopy"),
           "Main RAM is one block, whatever part of it lies below 4 GiB. Nobody compares the split, and the "
           "rest of the memory moves to other addresses.",
           "use the same machine options on both sides", ("hw/i386/pc_piix.c: pc_init1, 7.2", _ONE), "2.3"),
        _R("dimm-extra-on-destination", "A memory device too much at the destination", _SILENT, _PRE,
           "The destination looks only at blocks that come in the stream, and memory devices have no state. "
           "The guest has memory that its tables do not tell of.",
           "mirror the devices of the source", (_LIST,), "2.1"),
        _R("nvdimm-becomes-dimm-on-migration", "One kind of memory device becomes another", _SILENT, _PRE,
           "A DIMM and an NVDIMM save no state, and name and length of the block fit. The guest goes on with "
           "a device of another kind.",
           "use the same device on both sides", ("hw/mem/pc-dimm.c: pc_dimm_plug, 7.2",), "2.6"),
        _R("nvdimm-label-mismatch-migration", "Another label area of an NVDIMM", _SILENT,
           ("nvdimm", "migrate-precopy"),
           "The label area is cut off the end of the block, whose length is compared as a whole. The guest "
           "finds labels where data was, or the reverse.",
           "use the same label-size= on both sides",
           ("hw/mem/nvdimm.c: nvdimm_prepare_memory_region, 7.2",), "2.7"),
        _R("virtio-mem-migration-block-size", "virtio-mem counts otherwise", _REFUSES,
           ("virtio-mem", "migrate-precopy"),
           "The state of virtio-mem tells which blocks are plugged. It means nothing where address, size, "
           "block-size or node differ.",
           "write memaddr=, block-size= and node= on both sides",
           ("hw/virtio/virtio-mem.c: virtio_mem_mig_sanity_checks_post_load, 7.2",), "5.1"),
        # -- x-ignore-shared
        _R("ignore-shared-dest-not-shared", "Skipped memory that the destination has not", _LOSS,
           ("x-ignore-shared", "share-on"),
           "The source decides what is skipped, and the destination never checks that it has the same "
           "memory. Migration succeeds, and the guest goes on with whatever is there.",
           "use one file with share=on on both sides, on one machine",
           ("migration/ram.c: ramblock_is_ignored, 7.2",), "4.0"),
        _R("ignore-shared-gpa-mismatch", "Skipped memory at another address", _REFUSES,
           ("x-ignore-shared", "share-on"),
           "For blocks that are skipped QEMU compares where they lie in the region around them. For no other "
           "block does it do so.",
           "write addr= on both sides", (_ONE,), "4.0"),
        _R("ignore-shared-one-sided", "x-ignore-shared on one side", _REFUSES, ("x-ignore-shared",),
           "The capability adds addresses to the stream. So the stream names it, and the destination "
           "compares.",
           "set it on both sides", ("migration/savevm.c: configuration_validate_capabilities, 7.2",), "4.0"),
        _R("one-file-both-sides", "Both sides map one file, which is sent nevertheless", _LOSS, ("share-on",),
           "What the destination writes, the source sees at once. A destination of postcopy empties the file "
           "first, and with it the memory of the source; in precopy it writes old pages over new ones while "
           "the guest runs.",
           "give the destination a file of its own, or set x-ignore-shared",
           ("migration/postcopy-ram.c: init_range, 7.2", "migration/ram.c: ram_load_precopy, 7.2")),
        # -- sides that do not agree
        _R("multifd-one-sided", "multifd on one side", _REFUSES, ("multifd",),
           "The capability is not in the stream. Without it the destination turns the other connections "
           "away; with it, it waits for them for ever.",
           "set it on both sides, before migrate-incoming",
           ("migration/migration.c: migration_ioc_process_incoming, 7.2",), "2.11"),
        _R("postcopy-advise-one-sided", "Postcopy on one side", _REFUSES, ("migrate-postcopy",),
           "The source announces postcopy at the head of the stream. The destination must have the "
           "capability then.",
           "set postcopy-ram on both sides",
           ("migration/savevm.c: loadvm_postcopy_handle_advise, 7.2",), "2.5"),
        # -- where the stream goes
        _R("mapped-ram-seekable", "mapped-ram needs a file", _REFUSES, ("mapped-ram",),
           "Each page has a place of its own in the file. A socket or a pipe cannot go back.",
           "migrate to file:",
           ("migration/migration.c: migration_channels_and_transport_compatible, 10.0",), "9.0"),
        _R("mapped-ram-direct-io-multifd-fd", "direct-io with multifd needs file:", _REFUSES, ("multifd",),
           "The head of the file is not aligned and is written past direct-io, which needs a second "
           "descriptor. QEMU opens one itself for file: alone.",
           "migrate to file:, with mapped-ram",
           ("migration/migration.c: migration_channels_and_transport_compatible, 10.0",), "9.1"),
        _R("cpr-transfer-file-uri", "cpr-transfer needs a socket", _REFUSES, ("cpr-transfer",),
           "The new QEMU gets the descriptors of the memory from the old one. A file cannot carry them.",
           "migrate to a Unix socket, with a channel for CPR",
           ("migration/migration.c: migration_channels_and_transport_compatible, 10.0",), "10.0"),
    )
}
