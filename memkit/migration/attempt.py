"""One migration that is looked at: two sides, what is set on each, and the way between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from memkit.hazards import Scene
from memkit.versions import Version, within

if TYPE_CHECKING:
    from memkit.guest import Guest
    from memkit.memory.ramblock import RAMBlock

__all__ = ["Attempt", "Check", "Outcome", "Side", "Stop"]


Outcome = Literal["completes", "refused", "fails", "corrupts"]


class Stop(NamedTuple):
    """Where a migration ends early: ``outcome`` and ``message`` as in Outlook, ``why`` and ``sources`` ours.

    ``hazard`` is the id of the two-sided rule that tells more, "" for none.
    """

    outcome: Outcome
    where: str
    message: str
    why: str
    sources: tuple[str, ...] = ()
    hazard: str = ""


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two guests, with the capabilities and parameters that are set there."""

    guest: Guest
    capabilities: frozenset[str]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    incoming: bool = False

    @cached_property
    def scene(self) -> Scene:
        """The guest as rules see it."""
        return Scene(self.guest)

    @property
    def version(self) -> Version:
        """The release of its QEMU."""
        return self.scene.version

    @property
    def name(self) -> str:
        """``source`` or ``destination``."""
        return "destination" if self.incoming else "source"

    def has(self, since: str = "", until: str = "") -> bool:
        """True if its QEMU is one of these releases."""
        return within(self.version, since, until)

    def on(self, capability: str) -> bool:
        """True if the capability is set."""
        return capability in self.capabilities

    @cached_property
    def blocks(self) -> tuple[RAMBlock, ...]:
        """The RAMBlocks as QEMU lists them: largest first (ram_block_add, system/physmem.c)."""
        return tuple(sorted(self.guest.ram_blocks, key=lambda block: -block.max_length))

    @cached_property
    def named(self) -> dict[str, RAMBlock]:
        """Name in the stream → RAMBlock, in QEMU's order; without those that have none."""
        return {block.idstr: block for block in self.blocks if block.idstr}

    @cached_property
    def unplugged(self) -> frozenset[str]:
        """The backends of virtio-mem devices that have plugged nothing, of which nothing is sent."""
        return frozenset([device.memdev.rpartition("/")[2] for device in self.guest.memory_devices
                          if device.kind == "virtio-mem" and not device.size])

    @property
    def never_ran(self) -> bool:
        """True if its line says that it waits (-S), so that it has not run."""
        config = self.scene.config
        return config is not None and config.flag("S")

    def sends(self, block: RAMBlock) -> bool:
        """True if pages of the block go into the stream."""
        empty = block.backend is not None and block.backend.id in self.unplugged
        return not empty and not self.ignores(block)

    def ignores(self, block: RAMBlock) -> bool:
        """True if this side leaves the block out: it has no name, or x-ignore-shared skips it.

        Source: ramblock_is_ignored (7.2), migrate_ram_is_ignored (since 8.1) in migration/ram.c.
        """
        if not block.idstr:
            return True
        if not self.on("x-ignore-shared") or not block.shared:
            return False
        # Since 8.1 a block must also have been given by the name of a file.
        return self.has(until="8.1") or (block.backend is not None and block.backend.mem_path is not None)


@dataclass(frozen=True, eq=False)
class Attempt:
    """A migration to be judged.

    ``transport`` is unix, tcp, exec or file.  ``same_machine`` says that both run on one host, so that a path
    names the same file on both.  ``rereads`` says that the destination is a guest with the line of the source
    that reads the file later.  ``bars`` maps RAMBlocks that the guest of the source has mapped in BARs to
    their gpa.
    """

    source: Side
    destination: Side
    mode: str
    transport: str
    same_machine: bool
    rereads: bool = False
    bars: Mapping[str, int] = field(default_factory=dict)

    @property
    def sides(self) -> tuple[Side, Side]:
        """The source, then the destination."""
        return self.source, self.destination

    @property
    def streams(self) -> bool:
        """True if both guests exist at the same time, with a socket between them."""
        return self.transport in ("unix", "tcp")


Check = Callable[[Attempt], "Stop | None"]
