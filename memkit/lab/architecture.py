"""The explorer's switch from board to board: what of a line goes along, what is left out, and the way back.

The line leads here as well: it names the program, and with it the target.  What the other board cannot have
is found by asking: the line is booted there, and whatever QEMU refuses is set aside with QEMU's own words.
It is kept, and comes back with the switch to a board that takes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from memkit.architectures import BOARDS, BoardMemory, architectures
from memkit.boards import catalog
from memkit.boards.machine import machine_types
from memkit.boards.recorded import program_name, recorded_releases
from memkit.boot import TARGETS, boot
from memkit.config import Config, Option
from memkit.config import parse as parse_line
from memkit.config.words import split
from memkit.errors import MemkitError, Refused
from memkit.host import Host
from memkit.lab.patch import rewritten
from memkit.units import human
from memkit.versions import parse_version

__all__ = ["Carried", "LeftOut", "board_of", "boards_for", "carried_to", "host_choices", "host_for",
           "machines_of"]

# After so many refusals the line is not a guest with a few words too many.
MOST = 40
Change = Callable[[Config], Config]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Words that a board does not take, as written; ``restore`` puts them back.

    ``why`` is QEMU's reason, ``hint`` ours on what would help, or "".
    """

    words: str
    why: str
    hint: str
    restore: Change = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Carried:
    """A line on another board: ``text`` is what became of ``home``, without what is ``left``."""

    home: str
    text: str
    board: BoardMemory
    left: tuple[LeftOut, ...] = ()


def board_of(config: Config) -> BoardMemory | None:
    """The described board that a line asks for, whatever the version of its machine type; None for others.

    >>> from memkit.config import parse
    >>> board_of(parse("qemu-system-aarch64 -M virt-7.2")).title
    'Arm, made for guests'
    """
    target, machine = config.target or "x86_64", config.machine_type
    for board in BOARDS:
        if _builds(board, target) and (machine == board.machine or _is_version_of(board, machine)):
            return board
    return None


# The same boards in a program without 64-bit CPUs, or with them.
_SISTERS = (("i386", "x86_64"), ("arm", "aarch64"), ("aarch64", "arm"), ("riscv32", "riscv64"))
_STEMS = {"pc": "pc-i440fx", "q35": "pc-q35"}


def _builds(board: BoardMemory, target: str) -> bool:
    """True if the program of ``target`` has the board."""
    return target == board.target or (target, board.target) in _SISTERS


def _is_version_of(board: BoardMemory, machine: str) -> bool:
    stem = re.escape(_STEMS.get(board.machine, board.machine))
    return re.fullmatch(rf"{stem}-\d[\w.]*", machine) is not None


def boards_for() -> tuple[BoardMemory, ...]:
    """The described boards that the model builds."""
    return tuple(board for board in BOARDS if board.target in TARGETS)


def machines_of(config: Config | None, qemu: str) -> list[str]:
    """The machine types that the list offers for the target of a line, newest first.

    >>> machines_of(None, "7.2")[:2]
    ['pc', 'q35']
    """
    target = config.target or "x86_64" if config is not None else "x86_64"
    if target in ("x86_64", "i386"):
        return machine_types(qemu)
    boards = [board for board in boards_for() if _builds(board, target)]
    releases = reversed(recorded_releases(target))
    release = next((v for v in releases if parse_version(v) <= parse_version(qemu)), "")
    known = catalog.machine_names(program_name(target, release)) if release else ()
    return [*(board.machine for board in boards),
            *(name for board in boards for name in known if _is_version_of(board, name))]


# -- hosts


def host_for(board: BoardMemory, given: Host, now: Host) -> Host:
    """The Host for guests of ``board``: that of now, or the one given, if it can be; else the usual one.

    >>> from memkit.architectures import board_memory
    >>> host_for(board_memory("pseries"), Host(), Host()).arch
    'ppc64le'
    """
    arch = architectures(board.target)[board.target].hosts[0].arch
    return next((host for host in (now, given) if _arch(host) == arch), None) or Host.of(arch)


def _arch(host: Host) -> str:
    return host.pages.arch if host.pages else host.arch


def host_choices(board: BoardMemory | None, given: Host, now: Host) -> dict[str, Host]:
    """Label → Host: what a guest of ``board`` can stand on; the one that was given comes first.

    >>> list(host_choices(None, Host(), Host()))[0]
    'x86_64, 4 KiB pages; pool: 2 MiB'
    """
    choices = {_label(given) + ("" if given == Host() else " (as given)"): given}
    family = architectures(board.target)[board.target] if board else architectures("x86")["x86"]
    for pages in family.hosts:
        for huge in (pages.default, *(size for size in pages.huge if size != pages.default)):
            host = Host.of(pages.arch, pages.base, pages.mmu, huge)
            if host != given:
                choices[_label(host)] = host
    if now not in choices.values():
        choices[f"{_label(now)} (as chosen)"] = now
    return choices


def _label(host: Host) -> str:
    mmu = f", {host.pages.mmu}" if host.pages and host.pages.mmu else ""
    pools = ", ".join(human(size) for size in host.huge_page_sizes)
    return f"{host.arch}, {human(host.page_size)} pages{mmu}; pool: {pools or 'none'}"


# -- a line on another board


def carried_to(
    board: BoardMemory, config: Config, text: str, qemu: str, host: Host, *, last: Carried | None = None,
    boots: bool = True,
) -> Carried:
    """What becomes of a line on ``board``: the same memory, another machine type.

    ``last`` is how it came to the board where it is now: what was left out there is tried again, unless
    a line on another board was written since.  A line that does not boot (``boots`` is False) keeps all its
    words, so that its mistake stays to be seen.  Raises MemkitError where the line is none for the other
    target.
    """
    if last is not None and text == last.text:
        text, config = last.home, parse_line(last.home, qemu)
        if board_of(config) == board:
            return Carried(text, text, board)
    elif last is not None and board_of(config) == last.board:
        text, config = _with_left(text, config, last.left)
    moved, moved_text = _for_target(config, text, board.target)
    here = moved.with_machine(board.machine)
    left: list[LeftOut] = []
    while boots and len(left) < MOST:
        refusal = _refusal(here, qemu, host)
        smaller = _smaller(here, refusal, board, qemu, host) if refusal is not None else None
        if smaller is None or refusal is None:
            break
        here, words, restore = smaller
        left.append(LeftOut(words, refusal.message.partition("\n")[0], refusal.hint, restore))
    return Carried(text, rewritten(moved_text, moved, here), board, tuple(left))


def _with_left(text: str, config: Config, left: tuple[LeftOut, ...]) -> tuple[str, Config]:
    """A line with what was left out of it, as far as QEMU can read it."""
    whole = config
    for out in reversed(left):
        try:
            whole = out.restore(whole)
        except MemkitError:
            continue
    return (text, config) if whole == config else (rewritten(text, config, whole), whole)


def _for_target(config: Config, text: str, target: str) -> tuple[Config, str]:
    """The line with the program of another target in front."""
    if (config.target or "x86_64") == target:
        return config, text
    program = f"qemu-system-{target}"
    moved = replace(config, program=program, target=target)
    new = text.replace(config.program, program, 1) if config.program else f"{program} {text.lstrip()}"
    try:
        same = split(new) == (target, program, moved.argv())
    except MemkitError:
        same = False
    return moved, new if same else moved.text()


def _refusal(config: Config, qemu: str, host: Host) -> Refused | None:
    """What QEMU says to the line, or None: it boots, or the model cannot tell."""
    try:
        boot(config, qemu=qemu, host=host)
    except Refused as refused:
        return refused
    except MemkitError:
        return None
    return None


def _smaller(
    config: Config, refusal: Refused, board: BoardMemory, qemu: str, host: Host
) -> tuple[Config, str, Change] | None:
    """The line without the words that are refused, those words, and what puts them back."""
    blamed = _blamed(config, refusal)
    if blamed is not None and blamed.name not in ("m", "machine"):
        change, words, restore = _without_option(blamed)
        return change(config), words, restore
    for change, words, restore in _candidates(config, refusal, board):
        try:
            smaller = change(config)
        except MemkitError:
            continue
        if smaller == config:
            continue
        # Whatever does not change QEMU's answer was not the reason.
        after = _refusal(smaller, qemu, host)
        if after is None or _said(after) != _said(refusal):
            return smaller, words, restore
    return None


def _said(refusal: Refused) -> str:
    return refusal.message.removeprefix(f"{refusal.option}: ")


def _blamed(config: Config, refusal: Refused) -> Option | None:
    """The option that QEMU names."""
    for option in config.options:
        if refusal.position == option.index or (refusal.position is None and refusal.option == option.text):
            return option
    return None


def _candidates(
    config: Config, refusal: Refused, board: BoardMemory
) -> Iterator[tuple[Change, str, Change]]:
    """What could be left out where QEMU names no option, the most likely first."""
    named = re.search(r"[.'\"]([\w-]+)['\"]", refusal.message)
    machine = [key for key in config.machine if key not in ("type", "memory-backend")]
    if named is not None and named[1] in machine:
        yield _without_word(config, named[1])
    words = config.merged("m")
    if "slots" in words or "maxmem" in words:
        kept = {key: words.get(key) for key in ("slots", "maxmem")}
        said = ",".join(f"{key}={value}" for key, value in kept.items() if value)
        yield (lambda c: c.with_memory(slots=None, maxmem=None), f"{said} of -m",
               lambda c: c.with_memory(**kept))
    for key in machine:
        yield _without_word(config, key)
    for name in ("numa", "cpu", "smp"):
        for option in config.all(name):
            yield _without_option(option)
    size = words.get("size")
    yield (lambda c: c.with_memory(size=board.memory), f"-m {size}; it is {board.memory} here" if size else
           f"QEMU's default size; it is {board.memory} here", lambda c: c.with_memory(size=size))
    for option in reversed(config.options):
        if option.name in ("device", "drive", "nic", "netdev", "global"):
            yield _without_option(option)


def _without_option(option: Option) -> tuple[Change, str, Change]:
    def restore(config: Config) -> Config:
        return config.with_option(option.word, option.value)

    def change(config: Config) -> Config:
        found = next((o for o in config.options if (o.word, o.value) == (option.word, option.value)), None)
        return config.without(found) if found else config

    return change, option.text, restore


def _without_word(config: Config, key: str) -> tuple[Change, str, Change]:
    value = config.machine[key]
    return (lambda c: c.with_machine(**{key: None}), f"{key}={value} of -machine",
            lambda c: c.with_machine(**{key: value}))
