"""What a guest that was read from text leaves unknown, in sentences for ``guest.notes``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from memkit.guest import Guest
from memkit.memory.region import MemoryRegion
from memkit.monitor.parse_flat import FlatText
from memkit.monitor.parse_mtree import Forest

__all__ = ["unknowns"]

_TELLS = {
    "info ramblock": "RAMBlocks and their places in ram_addr_t space",
    "info memdev": "backends",
    "info memory-devices": "memory devices",
    "info numa": "NUMA nodes",
}


def unknowns(guest: Guest, forest: Forest, views: Sequence[FlatText]) -> Iterator[str]:
    """One sentence for each thing that the text leaves open, the most important first."""
    yield from _whole(guest)
    yield from _cut(forest, views)
    yield from _open(guest, forest, views)


def _whole(guest: Guest) -> Iterator[str]:
    words = [("target", guest.target), ("QEMU's version", guest.qemu), ("machine type", guest.machine_type)]
    lost = [what for what, word in words if word == "unknown"]
    yield f"read from text, which does not tell {_listed([*lost, 'command line', 'host'])}"
    missing = [name for name in _TELLS if name not in guest.raw_monitor]
    if missing:
        yield (f"the text has no answer to {_listed(missing, 'or')}, so "
               f"{_listed(_TELLS[m] for m in missing)} are "
               "not known")
    if not guest.address_spaces:
        yield ("the text has no answer to info mtree or info mtree -f, so what the guest sees where is not "
               "known")
    elif "info mtree" not in guest.raw_monitor:
        yield ("the text has no answer to info mtree, so containers, aliases and what lies below others are "
               "not known")


def _cut(forest: Forest, views: Sequence[FlatText]) -> Iterator[str]:
    """What shows that the text does not go on to its end."""
    if forest.targets:
        yield (f"the text of info mtree does not show {_names(forest.targets)} behind its aliases, as if it "
               f"were cut short: the true size of {'it' if len(forest.targets) == 1 else 'each'} is not "
               "known")
    bare = [view.spaces[0][0] for view in views if view.spaces and not view.lines and not view.empty]
    if bare:
        yield f"the text of info mtree -f ends before the FlatView of {bare[0]!r:.60}"
    if forest.circles:
        yield (f"{_names(forest.circles)} would show a window onto itself, which QEMU's trees never do, and "
               "so shows nothing here")


def _open(guest: Guest, forest: Forest, views: Sequence[FlatText]) -> Iterator[str]:
    shown = {key: view for view in views for key in view.spaces}
    if forest.unsaid:
        yield ("the text is that of a QEMU before 2.9, which does not print what is RAM: RAM is here what "
               "has the name and the size of a RAMBlock")
    if forest.vague and not views:
        yield ("info mtree has one word for devices and containers: a region without regions inside is "
               "taken for a device, unless it is 4 GiB or larger; info mtree -f would tell")
    pairs = [pair for pair in forest.unordered if _seen(pair)]
    if pairs and not _told(guest, shown):
        first, second = pairs[0]
        more = f" (and {len(pairs) - 1:,} more pairs)" if len(pairs) > 1 else ""
        yield (f"{first.name} and {second.name} overlap with equal priority{more}: which one is on top, "
               "info mtree does not tell, and the smaller one is taken to be; info mtree -f would tell")
    bare = [r for r in _memory(guest) if r.block is None]
    if bare and guest.ram_blocks:
        yield f"which RAMBlock is behind {_names(bare)} is not certain, and so left open"


def _seen(pair: tuple[MemoryRegion, MemoryRegion]) -> bool:
    return all(region.terminates or region.alias is not None for region in pair)


def _told(guest: Guest, shown: dict[tuple[str, str], FlatText]) -> bool:
    """True if the FlatView of "memory" is in the text."""
    return any(name == "memory" for name, _ in shown)


def _memory(guest: Guest) -> list[MemoryRegion]:
    """The regions that the guest sees as memory, each once."""
    space = next((s for s in guest.address_spaces if s.name == "memory"), None)
    ranges = space.flat_view.ranges if space is not None else ()
    return [*{id(r.region): r.region for r in ranges if r.region.type != "i/o"}.values()]


def _names(regions: Iterable[MemoryRegion]) -> str:
    names = [*dict.fromkeys(r.name[:60] for r in regions)]
    said = [*islice(names, 3)]
    return _listed([*said, f"{len(names) - 3:,} more"] if len(names) > 3 else said)


def _listed(words: Iterable[str], last: str = "and") -> str:
    *some, end = words
    return f"{', '.join(some)} {last} {end}" if some else end
