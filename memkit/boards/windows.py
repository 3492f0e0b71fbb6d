"""The windows that a device maps at power-on: its legacy ports, video memory, bridge windows.

BARs are not among them: the firmware maps those later, so at power-on they are in no tree.  What each
device maps was recorded with it, as lines of the region tree that say which container they are in.

Source: data/devices/x86_64-VERSION.json, section ``tree``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

from memkit.boards.observations import observed
from memkit.memory.flatview import AddressSpace
from memkit.memory.region import MemoryRegion, RegionKind

__all__ = ["LateAddressSpace", "Window", "add_windows", "bus_master_space", "windows"]

WHOLE = 1 << 64
_LINE = re.compile(
    r"\+ (?P<container>.+?): (?P<first>[0-9a-f]+)-(?P<last>[0-9a-f]+) (?P<priority>-?\d+) "
    r"(?P<type>\S+) (?:alias (?P<alias>.+) @(?P<target>.+) (?P<offset>[0-9a-f]+)-[0-9a-f]+|(?P<name>.+?))"
    r"(?P<disabled> \[disabled\])?"
)
_KINDS: dict[str, RegionKind] = {"ram": "ram", "rom": "rom", "romd": "romd"}


class Window(NamedTuple):
    """A region that a device maps: ``addr`` as the tree prints it, ``target`` set for an alias."""

    container: str
    addr: int
    size: int
    priority: int
    name: str
    type: str = "i/o"
    target: str = ""
    offset: int = 0
    enabled: bool = True


@lru_cache(maxsize=1024)
def _parsed(lines: tuple[str, ...]) -> tuple[Window, ...]:
    found = []
    for match in filter(None, map(_LINE.fullmatch, lines)):
        first, last = int(match["first"], 16), int(match["last"], 16)
        # A bridge that the firmware has not opened yet has an empty window, printed as 0-0.
        size = 0 if match["alias"] and first == last else last - first + 1
        found.append(Window(
            match["container"], first, size, int(match["priority"]), match["alias"] or match["name"],
            match["type"], match["target"] or "", int(match["offset"] or "0", 16),
            match["disabled"] is None,
        ))
    # Containers before what they contain.
    names = {w.name for w in found}
    return tuple(sorted(found, key=lambda w: w.container in names))


@lru_cache(maxsize=1024)
def windows(qemu: str, driver: str, family: str) -> tuple[Window, ...]:
    """What the device adds to the tree on a board of ``family``, containers before what they contain.

    A second window just like one of the board's own does not show when two starts are compared; ports are
    therefore taken from the board where most of them were new.
    """
    if family not in ("pc", "q35", "microvm", "isapc"):
        return _parsed(_tree(qemu, driver, family))
    found = {board: _parsed(_tree(qemu, driver, board)) for board in ("pc", "q35", "microvm")}
    ports = max(([w for w in mine if w.container == "io"] for mine in found.values()), key=len)
    if family == "isapc":
        # Its ISA bus is in front of nothing: what pc shows through PCI lies in system itself.
        elsewhere = [w._replace(container="system") if w.container == "pci" else w for w in found["pc"]]
    else:
        elsewhere = list(found[family])
    return (*ports, *(w for w in elsewhere if w.container != "io"))


def _tree(qemu: str, driver: str, board: str) -> tuple[str, ...]:
    seen = observed(qemu, driver, board)
    return () if seen is None else seen.tree if seen.then is None else seen.then.tree


def add_windows(
    wanted: Sequence[Window], containers: Mapping[str, MemoryRegion],
    own: Iterable[MemoryRegion] = (), *, shift: int = 0, size: int | None = None,
) -> list[MemoryRegion]:
    """The regions of the ``wanted`` windows, mapped into ``containers`` (by name) in front of their equals.

    Windows of other containers are left out.  ``own`` are regions that the device has already: video
    memory that a window shows.  ``shift`` moves the windows up; ``size`` replaces that of an only window.

    >>> io = MemoryRegion("io", 0x10000, "i/o")
    >>> [exit] = add_windows([Window("io", 0x501, 2, 0, "isa-debug-exit")], {"io": io}, size=4)
    >>> hex(exit.addr), exit.size
    ('0x501', 4)
    """
    known = {region.name: region for region in own}
    inside = dict(containers)
    mapped = [w for w in wanted if w.container in inside or any(w.container == o.name for o in wanted)]
    added: list[MemoryRegion] = []
    for window in mapped:
        container = inside.get(window.container)
        if container is None:
            continue
        if window.target:
            target = known.get(window.target) or inside.get(window.target)
            if target is None:
                target = known[window.target] = MemoryRegion(window.target, WHOLE)
            region = MemoryRegion.window(
                window.name, target, window.offset, window.size, enabled=window.enabled
            )
        elif window.type != "i/o" and window.name in known:
            region = known[window.name]
        else:
            holds = any(other.container == window.name for other in mapped)
            kind: RegionKind = "container" if holds else _KINDS.get(window.type, "i/o")
            length = size if size is not None and len(mapped) == 1 else window.size
            region = MemoryRegion(window.name, length, kind, enabled=window.enabled)
            if holds:
                inside[window.name] = region
        # The tree prints absolute addresses; a region's own is relative to its container.
        here = _absolute(container)
        added.append(container.add(region, window.addr + shift - here, window.priority))
    return added


def _absolute(region: MemoryRegion) -> int:
    address = 0
    above: MemoryRegion | None = region
    while above is not None:
        address += above.addr
        above = above.container
    return address


class LateAddressSpace(AddressSpace):
    """An address space whose tree is built when somebody looks at it."""

    def __init__(self, name: str, make: Callable[[], MemoryRegion]) -> None:
        self.name = name
        self._make = make

    @cached_property
    def root(self) -> MemoryRegion:  # type: ignore[override]
        """The root of the tree, built at the first use."""
        return self._make()


def bus_master_space(name: str, target: Callable[[], MemoryRegion]) -> AddressSpace:
    """What the PCI device ``name`` sees by DMA: nothing until the guest lets it be a bus master.

    ``target`` gives the region that it sees then.  Source: pci_init_bus_master in hw/pci/pci.c (QEMU 7.2).

    >>> view = bus_master_space("e1000", lambda: MemoryRegion("system", 1 << 64)).flat_view
    >>> view.root is None, str(view)
    (True, 'No rendered FlatView')
    """

    def make() -> MemoryRegion:
        root = MemoryRegion("bus master container", WHOLE)
        root.add(MemoryRegion.window("bus master", target(), 0, WHOLE, enabled=False), 0)
        return root

    return LateAddressSpace(name, make)
