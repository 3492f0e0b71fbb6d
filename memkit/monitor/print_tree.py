"""The text of ``info mtree``: the trees of all address spaces, or the FlatViews that serve them.

Source: mtree_info, mtree_print_mr and mtree_print_flatview in softmmu/memory.c (QEMU 7.2),
memory_region_type in system/memory.c (40aa899d03, QEMU 11.0).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from memkit.memory.region import ADDRESS_SPACE_SIZE, MemoryRegion

if TYPE_CHECKING:
    from memkit.guest import Guest
    from memkit.memory.flatview import FlatRange, FlatView
    from memkit.versions import QemuFacts

__all__ = ["print_flat_views", "print_trees"]


def print_trees(guest: Guest, facts: QemuFacts, disabled: bool = False) -> Iterator[str]:
    """The lines of ``info mtree``: address spaces, then every region that an alias shows.

    ``disabled`` prints regions that are disabled, too.
    """
    trees = _Trees(disabled, facts.mtree_container_kind)
    groups: dict[int, tuple[MemoryRegion, list[str]]] = {}
    for number, space in enumerate(guest.address_spaces):
        key = id(space.root) if facts.mtree_groups_spaces else number
        groups.setdefault(key, (space.root, []))[1].append(space.name)
    for root, names in groups.values():
        for name in sorted(names):
            yield f"address-space: {name}"
        yield from trees.lines(root, 1, 0)
        yield ""
    # Printing a target may find further targets, which queue up behind.
    done = 0
    while done < len(trees.targets):
        for region in list(trees.targets.values())[done:]:
            yield f"memory-region: {region.name}"
            yield from trees.lines(region, 1, 0)
            yield ""
            done += 1


class _Trees:
    """Prints trees and keeps the targets of the aliases that it met, in their order."""

    def __init__(self, disabled: bool, containers: bool) -> None:
        self.disabled, self.containers = disabled, containers
        self.targets: dict[int, MemoryRegion] = {}

    def lines(self, region: MemoryRegion, level: int, base: int) -> Iterator[str]:
        """The lines of ``region`` and all below it; ``base`` is the gpa of its container.

        A region that is disabled has no line, but its children have, and an alias adds its target
        to the targets even then.
        """
        start = (base + region.addr) % ADDRESS_SPACE_SIZE
        reach = max(region.size - 1, 0)
        if region.alias is not None:
            self.targets.setdefault(id(region.alias), region.alias)
        if region.enabled or self.disabled:
            overflow = start < base or start + reach >= ADDRESS_SPACE_SIZE
            yield ("[DETECTED OVERFLOW!] " if overflow else "") + self._line(region, level, start, reach)
        # sorted() is stable: equals stay in the order of the list, newest first.
        for sub in sorted(region.subregions, key=lambda r: (r.addr, -r.priority)):
            yield from self.lines(sub, level + 1, start)

    def _line(self, region: MemoryRegion, level: int, start: int, reach: int) -> str:
        last = (start + reach) % ADDRESS_SPACE_SIZE
        kind = _container(region) if self.containers else region.type
        if region.nonvolatile:
            kind = f"nv-{kind}"
        text = f"{'  ' * level}{start:016x}-{last:016x} (prio {region.priority}, {kind}): "
        if region.alias is not None:
            first = region.alias_offset
            text += (
                f"alias {region.name} @{region.alias.name} "
                f"{first:016x}-{(first + reach) % ADDRESS_SPACE_SIZE:016x}"
            )
        else:
            text += region.name
        return text if region.enabled else f"{text} [disabled]"


def _container(region: MemoryRegion) -> str:
    """The type of a region in words of QEMU 11: what is no memory and lies in nothing is a ``container``.

    A container that is mapped into another one is still ``i/o``.
    """
    while region.alias is not None:
        region = region.alias
    word = region.type
    return "container" if word == "i/o" and region.container is None else word


def print_flat_views(guest: Guest, facts: QemuFacts) -> Iterator[str]:
    """The lines of ``info mtree -f``: FlatViews, each with the address spaces that share it."""
    shown: dict[int, tuple[FlatView, list[str]]] = {}
    # Address spaces with one root have one FlatView; it is rendered once.
    views: dict[int, FlatView] = {}
    for space in guest.address_spaces:
        view = views.get(id(space.root)) or views.setdefault(id(space.root), space.flat_view)
        label = f' AS "{space.name}", root: {space.root.name}'
        if space.root.alias is not None:
            label += f", alias {space.root.alias.name}"
        # All address spaces with nothing enabled share one empty FlatView.
        shown.setdefault(id(view.root), (view, []))[1].append(label)
    for number, (view, labels) in enumerate(shown.values()):
        yield f"FlatView #{number}"
        yield from labels
        yield f" Root memory region: {view.root.name if view.root else '(none)'}"
        if view.ranges:
            yield from (f"  {_range(r) if facts.mtree_container_kind else r}" for r in view.ranges)
        else:
            yield "  No rendered FlatView"
        yield ""


def _range(found: FlatRange) -> str:
    text = str(found)
    if found.type == "i/o" and found.region.container is None:
        return text.replace(", i/o): ", ", container): ", 1)
    return text
