"""Monitor text read back into a Guest: the door for text, and the eyes of the observed one.

Source: the same functions of QEMU that memkit.monitor.printer names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.host import Host
from memkit.memory.flatview import AddressSpace
from memkit.memory.region import MemoryRegion
from memkit.monitor.parse_blocks import read_memdev, read_memory_devices, read_numa, read_ramblock
from memkit.monitor.parse_flat import read_flat
from memkit.monitor.parse_link import (
    attach_flat_views,
    find_frontends,
    link_backends,
    link_blocks,
    settle_kinds,
)
from memkit.monitor.parse_mtree import Forest, read_mtree
from memkit.monitor.parse_text import COMMANDS, by_command, normal_command

__all__ = ["read", "read_monitor"]

UNKNOWN = "unknown"
_SAME = {"memory flatview": "info mtree -f"}


def read_monitor(text: str | Mapping[str, str], target: str = "x86_64", qemu: str = UNKNOWN) -> Guest:
    """The Guest that pasted monitor text shows: a transcript, or command → answer.

    A transcript may have prompts, echoed commands and Windows line ends, or only the answers, one
    after the other.  Raises MemkitError where the text is none of a monitor.

    >>> guest = read_monitor("(qemu) info numa\\n1 nodes\\nnode 0 cpus: 0\\nnode 0 size: 128 MB\\n")
    >>> guest.numa[0].size
    134217728
    """
    return read(by_command(text) if isinstance(text, str) else text, target, qemu)


def read(
    texts: Mapping[str, str], target: str = "x86_64", qemu: str = UNKNOWN,
    door: Literal["observed", "text"] = "text",
) -> Guest:
    """The Guest that the answers to monitor commands show; raises MemkitError.

    ``texts`` maps commands to answers; any of ``info ramblock``, ``mtree``, ``mtree -f``,
    ``memdev``, ``memory-devices``, ``numa`` may be missing, and what it would have told is then
    empty.  Unknown, because no text tells it: machine type and backend types, files and file
    systems; host-virtual addresses are left out.  ``guest.host`` is a default, not observed.

    >>> guest = read({"info ramblock": "pc.ram 4 KiB 0x0000000000000000 0x08000000 0x08000000"})
    >>> guest.ram_blocks[0].max_length, guest.door
    (134217728, 'text')
    """
    raw, tree = _sorted_out(texts)
    blocks = read_ramblock(raw.get("info ramblock", ""))
    backends = read_memdev(raw.get("info memdev", ""))
    devices = read_memory_devices(raw.get("info memory-devices", ""))
    views = read_flat(raw["info mtree -f"]) if raw.get("info mtree -f", "").strip() else []
    forest = read_mtree(tree) if tree.strip() else Forest()
    settle_kinds(forest, views)
    spaces = attach_flat_views(forest.spaces, views)
    link_backends(blocks, backends)
    link_blocks(_all_regions(forest, spaces), blocks)
    return Guest(
        target=target, qemu=qemu, machine_type=_machine_type(spaces), host=Host(), config=None,
        backends=tuple(backends), ram_blocks=tuple(blocks),
        frontends=tuple(find_frontends(spaces, blocks, devices)), memory_devices=tuple(devices),
        numa=tuple(read_numa(raw.get("info numa", ""))), address_spaces=tuple(spaces), door=door,
        raw_monitor=raw,
    )


def _sorted_out(texts: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """Standard command → text, and the richest text of the region tree."""
    raw: dict[str, str] = {}
    tree = ""
    for command, text in texts.items():
        name = _SAME.get(command, normal_command(command))
        if name not in COMMANDS:
            raise MemkitError(
                f"the monitor command {command[:60]!r} says nothing that is read here; read are: "
                f"{', '.join(COMMANDS)}"
            )
        _check_answer(command, text)
        rich = "-D" in command.split()
        if name == "info mtree" and (rich or not tree):
            tree = text
        if not (rich and name in raw) and (text or name not in raw):
            raw.setdefault(name, text) if rich else raw.update({name: text})
    if not any(text.strip() for text in raw.values()):
        raise MemkitError(f"no monitor text was given; read are the answers to: {', '.join(COMMANDS)}")
    return raw, tree


def _check_answer(command: str, text: object) -> None:
    if not isinstance(text, str):
        raise MemkitError(f"the answer to {command!r} is text, not {type(text).__name__}")
    first = text.strip().split("\n", 1)[0].strip()
    if re.match(r"(unknown command|Error:|Command .* not (found|available))", first):
        raise MemkitError(f"the monitor did not answer {command!r}; it said: {first[:80]}")


def _all_regions(forest: Forest, spaces: list[AddressSpace]) -> list[MemoryRegion]:
    found = {id(r): r for r in forest.regions}
    for space in spaces:
        view = vars(space).get("flat_view")
        for r in view.ranges if view is not None else ():
            found.setdefault(id(r.region), r.region)
    return list(found.values())


def _machine_type(spaces: list[AddressSpace]) -> str:
    """The machine's family where a chipset names it: its host bridge has an address space."""
    names = {s.name for s in spaces}
    if "i440FX" in names:
        return "pc"
    return "q35" if "mch" in names else UNKNOWN
