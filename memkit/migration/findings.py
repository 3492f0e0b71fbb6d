"""What is found for the rules of two guests: every place where one holds, not the first alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from memkit.hazards import Culprit
from memkit.migration.checks import channel, connections, devices, header, ram_list
from memkit.migration.content import moved
from memkit.migration.memory import same_memory
from memkit.migration.rules import PAIR_RULES, hazard
from memkit.units import human

if TYPE_CHECKING:
    from memkit.hazards import Hazard
    from memkit.memory.device import MemoryDevice
    from memkit.migration.attempt import Attempt, Side, Stop
    from memkit.migration.outlook import Outlook

__all__ = ["pair_hazards"]

Found = Iterator[tuple[str, Culprit]]


def pair_hazards(attempt: Attempt, outlook: Outlook) -> list[Hazard]:
    """The hazards that the two guests have together, in the order of the rules."""
    culprits: dict[str, dict[str, Culprit]] = {}
    for id, culprit in _all(attempt, outlook):
        culprits.setdefault(id, {}).setdefault(culprit.sentence, culprit)
    return [hazard(rule, culprits[id].values()) for id, rule in PAIR_RULES.items() if id in culprits]


def _all(attempt: Attempt, outlook: Outlook) -> Found:
    if outlook.where == "set-capabilities":
        return
    yield from _stops(attempt)
    if attempt.source.guest.machine_type != attempt.destination.guest.machine_type:
        return
    yield from _blocks(attempt)
    yield from _places(attempt)
    yield from _lost(outlook)
    yield from _devices(attempt)


def _as_culprit(stop: Stop | None) -> Found:
    if stop is not None and stop.hazard in PAIR_RULES:
        yield stop.hazard, Culprit(stop.why)


def _stops(attempt: Attempt) -> Found:
    for check in (
        channel.outgoing, connections.connections, header.configuration, header.advice, devices.sections,
    ):
        yield from _as_culprit(check(attempt))


def _blocks(attempt: Attempt) -> Found:
    """Names, lengths and page sizes of all blocks."""
    source, destination = attempt.sides
    blocks = list(source.named.values())
    for number, block in enumerate(blocks):
        here = destination.named.get(block.idstr)
        if here is None:
            yield from _as_culprit(ram_list.unknown(attempt, block))
            continue
        yield from _as_culprit(ram_list.differing(attempt, blocks[number:], here))
        if here.resizeable and here.used_length != block.used_length:
            yield "migrate-resizeable-blocks-ok", Culprit(
                f"{block.idstr} has {human(block.used_length)} at the source and {human(here.used_length)} "
                "at the destination.", (block.idstr,))
        if here.page_size != block.page_size and not source.on("postcopy-ram"):
            yield "precopy-page-size-mix-ok", Culprit(
                f"{block.idstr} has pages of {human(block.page_size)} at the source and of "
                f"{human(here.page_size)} at the destination.", (block.idstr,))
        both = attempt.streams and not source.ignores(block) and same_memory(attempt, block, here)
        if both and here.backend:
            yield "one-file-both-sides", Culprit(
                f"Both sides map {here.backend.mem_path} of {block.idstr}, and it is sent.", (block.idstr,))


def _places(attempt: Attempt) -> Found:
    """Memory that the guest finds at other addresses."""
    main = {f.backend.id for f in attempt.source.guest.frontends
            if f.backend and f.kind in ("machine", "numa-node")}
    for theirs, ours in moved(attempt):
        block = theirs.region.block
        if block is None or not block.idstr or block.idstr not in attempt.destination.named:
            continue
        there = ours.region.name if ours else "nothing"
        id = "max-ram-below-4g-mismatch-migration" if block.backend and block.backend.id in main else (
            "dimm-address-mismatch-migration")
        yield id, Culprit(f"At {theirs.start:#x} lies {block.idstr} at the source, and {there} at the "
                          "destination.",
                          (block.idstr,))


def _lost(outlook: Outlook) -> Found:
    """Blocks that x-ignore-shared skips and the destination has not."""
    for fate in outlook.blocks:
        if fate.fate == "lost" and "the destination has" in fate.sentence:
            yield "ignore-shared-dest-not-shared", Culprit(f"{fate.idstr}: {fate.sentence}", (fate.idstr,))


def _devices(attempt: Attempt) -> Found:
    """Memory devices that one side has otherwise, or more of."""
    theirs, ours = _by_backend(attempt.source), _by_backend(attempt.destination)
    for memdev, device in ours.items():
        if memdev not in theirs and device.kind in ("dimm", "nvdimm"):
            yield "dimm-extra-on-destination", Culprit(
                f"The destination has {device.id or memdev}, the source not.", (device.id or memdev,))
    for memdev, device in theirs.items():
        here = ours.get(memdev)
        if here is None or {device.kind, here.kind} - {"dimm", "nvdimm"}:
            continue
        if here.kind != device.kind:
            yield "nvdimm-becomes-dimm-on-migration", Culprit(
                f"{device.id or memdev} is a {device.kind} at the source and a {here.kind} at the "
                "destination.",
                (device.id or memdev,))
        elif here.size != device.size:
            yield "nvdimm-label-mismatch-migration", Culprit(
                f"{device.id or memdev} shows {human(device.size)} at the source and {human(here.size)} at "
                "the destination.", (device.id or memdev,))


def _by_backend(side: Side) -> dict[str, MemoryDevice]:
    return {device.memdev.rpartition("/")[2]: device for device in side.guest.memory_devices}
