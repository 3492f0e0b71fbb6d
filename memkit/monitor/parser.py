"""Monitor text read back into a Guest: the door for text, and the eyes of the observed one.

What no text tells is marked as unknown, and ``guest.notes`` say what is.

Source: the same functions of QEMU that memkit.monitor.printer names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from memkit.errors import MemkitError
from memkit.guest import Guest
from memkit.host import Host, Mount
from memkit.memory.flatview import AddressSpace
from memkit.memory.ramblock import RAMBlock
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
from memkit.monitor.parse_notes import unknowns
from memkit.monitor.parse_paste import DISABLED, take_apart
from memkit.monitor.parse_text import COMMANDS, Lines, cleaned, normal_command, numbered, quoted

__all__ = ["read", "read_monitor"]

UNKNOWN = "unknown"
MOST_NOTES = 20
_SAME = {"memory flatview": "info mtree -f"}


@dataclass(slots=True)
class _Given:
    """The answers: as the guest keeps them, and as lines to be read; with what is known to be lost."""

    raw: dict[str, str] = field(default_factory=dict)
    lines: dict[str, Lines] = field(default_factory=dict)
    tree: Lines = ()
    notes: list[str] = field(default_factory=list)


def read_monitor(text: str | Mapping[str, str], target: str = UNKNOWN, qemu: str = UNKNOWN) -> Guest:
    """The Guest that pasted monitor text shows: a transcript, or a mapping from commands to answers.

    A transcript may have prompts, echoed commands and Windows line ends, be quoted as in a mail, or have only
    the answers, one after the other; any of ``info ramblock``, ``mtree``, ``mtree -f``, ``memdev``,
    ``memory-devices`` and ``numa``, of QEMU 2.12 to 11.1.  What the text does not tell is unknown, and
    ``notes`` say so: machine type, files, host, options.  ``target`` and ``qemu`` are for you to say.
    Sizes are bytes.  Raises MemkitError that names the line, where the text is none of a monitor.

    >>> guest = read_monitor("(qemu) info numa\\n1 nodes\\nnode 0 cpus: 0\\nnode 0 size: 128 MB\\n")
    >>> guest.numa[0].size, guest.target
    (134217728, 'unknown')
    """
    for name, word in (("target", target), ("qemu", qemu)):
        if not isinstance(word, str):
            raise MemkitError(f"{name}= is a word such as {'aarch64' if name == 'target' else '7.2'!r}, not "
                              f"{word!r:.60}")
    if isinstance(text, Mapping):
        return read(text, target, qemu)
    paste = take_apart(text)
    given = _Given(notes=paste.notes)
    for name, answer in paste.answers.items():
        _keep(given, name, answer.text, answer.lines)
    cut = next((a for a in paste.answers.values() if a.cut and len(a.lines) > 1), None)
    if cut is None:
        return _guest(given, target, qemu, "text")
    notes = [*given.notes]
    try:
        return _guest(given, target, qemu, "text")
    except MemkitError:
        # The text ends within a line: what stands before it may be whole.
        number, line = cut.lines.pop()
        given.notes = [*notes, f"the text ends within line {number}, which is left out: {quoted(line)}"]
        return _guest(given, target, qemu, "text")


def read(
    texts: Mapping[str, str], target: str = "x86_64", qemu: str = UNKNOWN,
    door: Literal["observed", "text"] = "text",
) -> Guest:
    """The Guest that the answers to monitor commands show; raises MemkitError.

    ``texts`` maps commands to answers; any of ``info ramblock``, ``mtree``, ``mtree -f``,
    ``memdev``, ``memory-devices``, ``numa`` may be missing, and what it would have told is then
    empty.  Unknown, because no text tells it: machine type and backend types, files and file
    systems; host-virtual addresses are left out.

    >>> guest = read({"info ramblock": "pc.ram 4 KiB 0x0000000000000000 0x08000000 0x08000000"})
    >>> guest.ram_blocks[0].max_length, guest.door
    (134217728, 'text')
    """
    given = _Given()
    for command, text in texts.items():
        name = _SAME.get(command, command) if isinstance(command, str) else repr(command)
        rich = "-D" in name.split()
        name = normal_command(name)
        if name not in COMMANDS:
            raise MemkitError(
                f"the monitor command {str(command)[:60]!r} says nothing that is read here; read are: "
                f"{', '.join(COMMANDS)}"
            )
        _check_answer(command, text)
        _keep(given, DISABLED if rich and name == "info mtree" else name, text, list(numbered(text)))
    if not any(text.strip() for text in given.raw.values()):
        raise MemkitError(f"no monitor text was given; read are the answers to: {', '.join(COMMANDS)}")
    return _guest(given, target, qemu, door)


def _keep(given: _Given, name: str, text: str, lines: Lines) -> None:
    """Add one answer; of several region trees the one with disabled regions is read."""
    if name == DISABLED:
        given.tree = lines
        if text.strip():
            given.raw[DISABLED] = text
        given.raw.setdefault("info mtree", text)
        return
    if name == "info mtree" and DISABLED not in given.raw:
        given.tree = lines
    if text or name not in given.raw:
        given.raw[name] = text
        given.lines[name] = lines


def _check_answer(command: str, text: object) -> None:
    if not isinstance(text, str):
        raise MemkitError(f"the answer to {command!r} is text, not {type(text).__name__}")
    first = cleaned(text[:2000]).strip().split("\n", 1)[0].strip()
    if re.match(r"(unknown command|Error:|Command .* not (found|available))", first):
        raise MemkitError(f"the monitor did not answer {command!r}; it said: {first[:80]}")


def _guest(given: _Given, target: str, qemu: str, door: Literal["observed", "text"]) -> Guest:
    notes = given.notes

    def lines(command: str) -> Lines:
        return given.lines.get(command, ())

    blocks = read_ramblock(lines("info ramblock"))
    backends = read_memdev(lines("info memdev"), notes)
    devices = read_memory_devices(lines("info memory-devices"), notes)
    numa = read_numa(lines("info numa"), notes)
    views = read_flat(lines("info mtree -f"))
    tree = list(given.tree)
    forest = read_mtree(tree) if tree else Forest()
    settle_kinds(forest, views, blocks)
    spaces = attach_flat_views(forest.spaces, views)
    if door == "observed":
        # QOM is asked for what a text leaves open.
        for backend in backends:
            backend.share = bool(backend.share)
    else:
        _mark_unknown(blocks)
    link_backends(blocks, backends)
    link_blocks(_all_regions(forest, spaces), blocks)
    guest = Guest(
        target=target, qemu=qemu, machine_type=_machine_type(spaces), host=_host(blocks, door), config=None,
        backends=tuple(backends), ram_blocks=tuple(blocks),
        frontends=tuple(find_frontends(spaces, blocks, devices)), memory_devices=tuple(devices),
        numa=tuple(numa), address_spaces=tuple(spaces), door=door, raw_monitor=given.raw,
    )
    if door == "observed":
        return guest
    said = [*dict.fromkeys([*unknowns(guest, forest, views), *notes])]
    if len(said) > MOST_NOTES:
        said[MOST_NOTES - 1:] = [f"{len(said) - MOST_NOTES + 1:,} more things in the text are not clear"]
    return replace(guest, notes=tuple(said))


def _mark_unknown(blocks: list[RAMBlock]) -> None:
    """Say of no block that it is private: only a backend tells, and only since 6.1."""
    for block in blocks:
        block.shared = None


def _host(blocks: list[RAMBlock], door: str) -> Host:
    """What the text tells of the host: the smallest page that any block has is its own."""
    if door == "observed":
        return Host()
    page = min((block.page_size for block in blocks), default=4096)
    return Host(
        arch=UNKNOWN, accelerator=UNKNOWN, page_size=page, mounts={"/": Mount(UNKNOWN)}, directories=(),
    )


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
