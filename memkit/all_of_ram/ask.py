"""All definitions of "all of RAM", and how a guest is asked for one of them or for all."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from memkit.all_of_ram import guests, hosts, mapped, streams
from memkit.all_of_ram.compared import AllOfRam
from memkit.all_of_ram.definition import GROUPS, Definition
from memkit.all_of_ram.look import Look
from memkit.all_of_ram.members import RAMSet, out
from memkit.errors import MemkitError
from memkit.versions import parse_version

if TYPE_CHECKING:
    from memkit.guest import Guest

__all__ = ["DEFINITIONS", "all_of_ram", "compare"]

_SPACE = "space:"
UNDATED = "The release of QEMU is not known; this is what 7.2 does."
_ROOMS = (guests, streams, mapped, hosts)
_ALL = [definition for room in _ROOMS for definition in room.DEFINITIONS]
DEFINITIONS: dict[str, Definition] = {
    d.name: d for group in GROUPS for d in _ALL if d.group == group
}
"""Every definition by its name, in the order of GROUPS."""


def all_of_ram(guest: Guest, definition: str) -> RAMSet:
    """The RAMBlocks of ``guest`` that are "all of RAM" by one definition, each with the reason.

    ``definition`` is a name of DEFINITIONS, or ``space:NAME`` for what another address space shows.
    Raises MemkitError for other words.

    >>> import memkit
    >>> all_of_ram(memkit.boot("-m 1G"), "main-ram").sentence
    'main-ram: 1 GiB in 1 of 9 RAMBlocks.'
    """
    if not isinstance(definition, str):
        raise MemkitError(f"a definition is a name such as 'migration', not {definition!r:.60}")
    return _answer(Look(guest), _find(guest, definition.strip()))


def compare(guest: Guest) -> AllOfRam:
    """All definitions side by side, for one guest."""
    look = Look(guest)
    return AllOfRam(guest, tuple([_answer(look, definition) for definition in DEFINITIONS.values()]))


def _find(guest: Guest, name: str) -> Definition:
    if name.startswith(_SPACE):
        space = name.removeprefix(_SPACE)
        guest.address_space(space)  # raises, with the names that there are
        return Definition(
            name, "guest", f'What address space "{space}" shows now.', "ranges",
            "each range of its FlatView that a RAMBlock answers",
            ("softmmu/memory.c: render_memory_region, 7.2",), guests.in_space(space),
            surprise="A device's own view is empty until the guest lets the device be bus master.",
        )
    if name in DEFINITIONS:
        return DEFINITIONS[name]
    near = get_close_matches(name.lower(), DEFINITIONS, 1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise MemkitError(
        f"{name!r:.60} is no definition of all of RAM; {hint}They are: {', '.join(DEFINITIONS)}, and "
        f"{_SPACE}NAME for an address space"
    )


def _answer(look: Look, definition: Definition) -> RAMSet:
    if definition.since and look.version < parse_version(definition.since):
        reason = f"QEMU {look.guest.qemu} has no {definition.name}; it came with {definition.since}"
        return RAMSet(definition, tuple([out(row.block, reason) for row in look.rows]), f"{reason}.")
    members = tuple([definition.judge(look, row) for row in look.rows])
    remarks = [definition.remark(look), "" if look.dated else UNDATED]
    return RAMSet(definition, members, " ".join(filter(None, remarks)))
