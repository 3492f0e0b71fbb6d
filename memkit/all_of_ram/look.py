"""What definitions ask about a guest's RAMBlocks, answered once for all of them.

An answer is None where nobody can tell: monitor text names no files and no options.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from memkit.all_of_ram.members import Part
from memkit.hazards import Scene
from memkit.joined import join
from memkit.versions import parse_version

if TYPE_CHECKING:
    from memkit.guest import Guest
    from memkit.joined import JoinedRow
    from memkit.memory.device import MemoryDevice
    from memkit.memory.flatview import FlatRange

__all__ = ["Look"]

_ON, _OFF = ("on", "true", "yes", "y"), ("off", "false", "no", "n")
# What has a descriptor from the start; anonymous memory that is shared has one since 10.0.
_WITH_FILE = ("memory-backend-file", "memory-backend-memfd", "memory-backend-shm", "memory-backend-epc")
_PERSISTENT = ("nvdimm", "virtio-pmem")


class Look:
    """One guest as definitions see it; ``version`` is the release of its QEMU, such as (7, 2)."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        self.scene = Scene(guest)
        self.version = self.scene.version
        self.rows = join(guest).rows

    # -- options

    @property
    def told(self) -> bool:
        """True if the command line is known."""
        return self.scene.config is not None

    def switched_off(self, name: str) -> bool | None:
        """True if the machine property ``name`` is off; None if the line is not known."""
        return self.scene.machine.get(name) in _OFF if self.told else None

    @cached_property
    def locked(self) -> bool | None:
        """True if -overcommit mem-lock= is on; None if the line is not known."""
        return "mem-lock" in self.scene.features if self.told else None

    @cached_property
    def dated(self) -> bool:
        """False if no text tells the release; its rules are then those of 7.2."""
        try:
            parse_version(self.guest.qemu)
        except ValueError:
            return False
        return True

    @cached_property
    def aux_ram_shared(self) -> bool | None:
        """True if the machine shares the RAM that has no backend; None if the line is not known."""
        if self.dated and self.version < (10,):
            return False
        return self.scene.machine.get("aux-ram-share") in _ON if self.told else None

    # -- how the host backs a block

    def unbacked(self, row: JoinedRow) -> bool:
        """True if nobody can tell whether the block has a backend: the text leaves out info memdev."""
        guest = self.guest
        told = guest.door != "text" or "info memdev" in guest.raw_monitor
        return row.backend is None and not told and row.block.purpose == "ram"

    def typed(self, row: JoinedRow) -> bool:
        """False if the block's backend is of a type that no text tells."""
        return row.backend is not None and row.backend.type.startswith("memory-backend-")

    def shared(self, row: JoinedRow) -> bool | None:
        """True if the block is mapped shared."""
        if self.unbacked(row):
            return None
        if row.backend is None:
            return row.block.shared or self.aux_ram_shared
        if not self.told and self.version < (6, 1) and not row.backend.share:
            return None  # info memdev does not tell
        return row.backend.share

    def has_file(self, row: JoinedRow) -> bool | None:
        """True if QEMU has a descriptor of the block, which it can hand to another process."""
        if self.unbacked(row):
            return None
        if row.backend is None:
            return self.aux_ram_shared
        if row.backend.mem_path is not None or row.backend.type in _WITH_FILE:
            return True
        if not self.typed(row):
            return None
        return row.backend.share and self.version >= (10,)

    def named_file(self, row: JoinedRow) -> bool | None:
        """True if the memory is in a file that the line names."""
        if self.unbacked(row):
            return None
        if row.backend is None:
            return False
        if not self.typed(row):
            return None
        return row.backend.mem_path is not None or row.backend.type == "memory-backend-file"

    def pooled(self, row: JoinedRow) -> bool:
        """True if its pages come from a pool of huge pages."""
        return row.block.page_size > self.guest.host.page_size

    # -- what it is to the guest

    def flash(self, row: JoinedRow) -> bool:
        """True for a ROM device: reads go to memory, writes to the device."""
        return row.block.purpose == "flash" or (row.owner is not None and row.owner.kind == "romd")

    def read_only(self, row: JoinedRow) -> bool:
        """True for ROM: RAM that the guest cannot write."""
        if row.block.readonly or row.block.purpose in ("rom", "table"):
            owner = row.owner
            return owner is None or owner.kind == "rom" or owner.readonly
        return row.owner is not None and (row.owner.kind == "rom" or row.owner.readonly)

    def main(self, row: JoinedRow) -> bool:
        """True for the RAM of -m; a board's static RAM has no backend."""
        return row.backend is not None and any(f.kind in ("machine", "numa-node") for f in row.frontends)

    def persistent(self, row: JoinedRow) -> bool:
        """True if the guest sees it as persistent memory."""
        return any(f.kind.startswith(_PERSISTENT) for f in row.frontends)

    def device(self, row: JoinedRow) -> MemoryDevice | None:
        """The memory device that shows the block."""
        if row.backend is None:
            return None
        id = row.backend.id
        return next((d for d in self.guest.memory_devices if d.memdev.rpartition("/")[2] == id), None)

    def name(self, row: JoinedRow) -> str:
        """What shows the block, in a few words."""
        device = self.device(row)
        if device is not None:
            return f"{device.kind} {device.id or ''}".strip()
        return row.frontends[0].kind if row.frontends else "no device"

    # -- where the guest sees it

    def parts(self, row: JoinedRow, fits: Callable[[FlatRange], bool] | None = None) -> Iterator[Part]:
        """The ranges of address space "memory" that show the block."""
        return (_part(r) for r in row.ranges if fits is None or fits(r))

    def parts_in(self, row: JoinedRow, space: str) -> Iterator[Part]:
        """The ranges of the address space ``space`` that show the block."""
        ranges = self.guest.flat_view(space).ranges
        return (_part(r) for r in ranges if r.region.block is row.block)

    @property
    def addresses_known(self) -> bool:
        """False if nothing tells what the guest sees at which address."""
        return any(s.name == "memory" for s in self.guest.address_spaces)


def _part(r: FlatRange) -> Part:
    return Part(r.offset_in_region, r.size, r.start)
