"""The Guest: one object that holds a guest's memory, whichever door it came in by.

A Guest is booted by the model, observed in a running QEMU, or read from text.  Every view
(monitor text, tables, graph, map, explanation) works on all three.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, SupportsIndex, overload

from memkit.errors import MemkitError
from memkit.memory.backend import Backend
from memkit.memory.device import Frontend, MemoryDevice, NumaNode
from memkit.memory.flatview import AddressSpace, FlatView
from memkit.memory.ramblock import RAMBlock

if TYPE_CHECKING:
    from memkit.all_of_ram import AllOfRam, RAMSet
    from memkit.config import Config
    from memkit.draw.graph import Graph
    from memkit.draw.map import AddressMap
    from memkit.draw.table import Tables
    from memkit.explain import Explanation
    from memkit.hazards import Hazards
    from memkit.host import Host

__all__ = ["Guest"]


@dataclass(frozen=True, eq=False, repr=False)
class Guest:
    """A guest's memory, exactly as one QEMU builds it.

    ``ram_blocks`` are in the order of creation; ``address_spaces`` starts with ``memory``.
    ``config`` is None when the guest was read from text; ``door`` says where it came from.
    ``warnings`` are QEMU's words, ``notes`` ours: what is not exact about this guest.
    Sizes are bytes; see the classes of ``memkit.memory`` for the address spaces.

    >>> import memkit
    >>> guest = memkit.boot("-m 1G -nodefaults")
    >>> guest.flat_view("memory").find(0x100000).region.name
    'pc.ram'
    """

    target: str
    qemu: str
    machine_type: str
    host: Host
    config: Config | None
    backends: tuple[Backend, ...]
    ram_blocks: tuple[RAMBlock, ...]
    frontends: tuple[Frontend, ...]
    memory_devices: tuple[MemoryDevice, ...]
    numa: tuple[NumaNode, ...]
    address_spaces: tuple[AddressSpace, ...]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    door: Literal["model", "observed", "text"] = "model"
    raw_monitor: dict[str, str] = field(default_factory=dict, repr=False)

    def address_space(self, name: str = "memory") -> AddressSpace:
        """The address space called ``name``; raises MemkitError with the known names.

        >>> import memkit
        >>> memkit.boot("-m 1G").address_space("I/O").root.name
        'io'
        """
        for space in self.address_spaces:
            if space.name == name:
                return space
        known = ", ".join(dict.fromkeys(s.name for s in self.address_spaces)) or "none"
        trees = self.door != "text" or self.address_spaces
        hint = "" if trees else "; the text that it was read from has no answer to info mtree"
        raise MemkitError(f"no address space is called {name!r:.60}; this guest has: {known[:400]}{hint}")

    def flat_view(self, name: str = "memory") -> FlatView:
        """The FlatView of the address space ``name``: gpa ranges; raises MemkitError if unknown."""
        return self.address_space(name).flat_view

    def monitor(self, command: str) -> str:
        """The text that QEMU's monitor prints for ``command``; raises MemkitError if unknown.

        Commands: info ramblock, mtree, mtree -f, memdev, memory-devices, numa.
        Host-virtual addresses are unknown to the model and left out.
        """
        from memkit.monitor.printer import answer

        return answer(self, command)

    def explain(self, gpa: SupportsIndex | str, space: str = "memory") -> Explanation:
        """The story of one guest-physical address: who was considered, who answers, why.

        ``gpa`` is a number or text such as ``0x1_4000_0000`` or ``5G``.  Raises MemkitError for what
        is no address, and for an unknown address space.

        >>> import memkit
        >>> print(memkit.boot("-m 1G").explain("0xfffffff0").summary)
        pc.bios (rom) answers at 0xffff_fff0: byte 0x3_fff0 of RAMBlock pc.bios.
        """
        from memkit.explain import explain

        return explain(self, gpa, space)

    def hazards(self, migration: str | Sequence[str] | None = None) -> Hazards:
        """The list of what can go wrong with this guest's memory, worst first.

        ``migration`` names what is about to be done, such as "migrate-postcopy" or
        ("migrate-precopy", "x-ignore-shared").  Raises MemkitError for other words.

        >>> import memkit
        >>> guest = memkit.boot("-m 1G -chardev socket,id=c,path=/tmp/c -device vhost-user-blk-pci,chardev=c")
        >>> guest.hazards()[0].severity
        'refuses-operation'
        """
        from memkit.hazards import hazards

        return hazards(self, migration)

    @overload
    def all_of_ram(self) -> AllOfRam: ...
    @overload
    def all_of_ram(self, definition: str) -> RAMSet: ...
    def all_of_ram(self, definition: str | None = None) -> AllOfRam | RAMSet:
        """The RAMBlocks that are "all of RAM" by one definition, or all definitions side by side.

        Definitions are those of QEMU's own subsystems: "migration", "dump-guest-memory", "vhost-user" and
        others of memkit.all_of_ram.DEFINITIONS.  Raises MemkitError, which lists them, for other words.

        >>> import memkit
        >>> [m.block.idstr for m in memkit.boot("-m 1G").all_of_ram("main-ram").blocks]
        ['pc.ram']
        """
        from memkit.all_of_ram import all_of_ram, compare

        return compare(self) if definition is None else all_of_ram(self, definition)

    def graph(self, **options: object) -> Graph:
        """The joined graph: options, backends, RAMBlocks, regions, frontends in columns."""
        from memkit.draw.graph import Graph

        return Graph(self, **options)  # type: ignore[arg-type]

    def map(self, **options: object) -> AddressMap:
        """The address map: ram_addr_t, guest-physical and host columns on one broken scale."""
        from memkit.draw.map import AddressMap

        return AddressMap(self, **options)  # type: ignore[arg-type]

    def tables(self) -> Tables:
        """The tables: every RAMBlock, backend, frontend and range, as pandas frames."""
        from memkit.draw.table import Tables

        return Tables(self)

    @cached_property
    def main_flat_view(self) -> FlatView:
        """The FlatView of "memory" (rendered once; the views share it); empty where no text tells it."""
        if self.door == "text" and all(space.name != "memory" for space in self.address_spaces):
            return FlatView(None, ())
        return self.flat_view("memory")

    def __str__(self) -> str:
        from memkit.units import human

        total = sum(b.used_length for b in self.ram_blocks if b.purpose == "ram")
        counts = [(len(self.ram_blocks), "RAMBlock"), (len(self.memory_devices), "memory device")]
        blocks, devices = (f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts)
        if self.door == "text" and not self.ram_blocks:
            # No guest is without; the text leaves them out, and whatever belongs to them.
            return f"{self.machine_type} guest, QEMU {self.qemu}: RAMBlocks unknown{self._said()}"
        return (f"{self.machine_type} guest, QEMU {self.qemu}: {blocks}, {human(total)} of RAM, {devices}"
                f"{self._said()}")

    def _said(self) -> str:
        return "".join(f". Note: {note.rstrip('.')}" for note in self.notes)

    def __repr__(self) -> str:
        return f"<{self}>"
