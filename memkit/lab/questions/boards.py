"""Questions about boards: which of five start a line, and where main RAM ends on one of them.

Source: memkit.boot for each board, compared with real QEMUs (docs/versions.md); the rules of the boards, with
files of QEMU, stand in memkit.architectures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from memkit.architectures import BoardMemory, board_memory
from memkit.boot import boot
from memkit.config import Config, parse
from memkit.errors import MemkitError, Refused
from memkit.guest import Guest
from memkit.host import Host
from memkit.lab.questions.places import FOUR_GIB, main_ram, ranges_of
from memkit.lab.questions.question import About, Asker, Mistake, Question, make, make_set
from memkit.units import hex_address, human
from memkit.versions import DEFAULT_QEMU

__all__ = ["FIVE", "ON_BOARDS", "QUESTIONS", "base_of", "started_on"]

# One board of each architecture.
FIVE: tuple[BoardMemory, ...] = (
    board_memory("q35"), board_memory("virt", "aarch64"), board_memory("pseries"),
    board_memory("s390-ccw-virtio"), board_memory("virt", "riscv64"),
)
# Questions about a line on all five.
ON_BOARDS = frozenset({"which-boards"})


def _name(board: BoardMemory) -> str:
    return f"{board.machine} ({board.target})"


def started_on(
    line: str | Sequence[str] | Config, qemu: str | None = None, host: Host | None = None,
) -> Guest:
    """The Guest of the first of FIVE that starts a line; raises the last one's Refused if none does."""
    said: Refused | None = None
    for board in FIVE:
        try:
            return _on(board, line, qemu, host)
        except Refused as refused:
            said = refused
    assert said is not None  # five boards were asked
    raise said


def _on(board: BoardMemory, line: str | Sequence[str] | Config, qemu: str | None, host: Host | None) -> Guest:
    """The Guest of a line on a board, whatever machine type it names itself."""
    config = line if isinstance(line, Config) else parse(line, qemu or DEFAULT_QEMU)
    return boot(config.with_machine(board.machine), board.target, qemu or config.qemu, host)


def _which_boards(guest: Guest, about: About) -> Question:
    if guest.config is None:
        raise MemkitError("this guest was read from text; there is no command line to give to other boards")
    said = {_name(board): _refusal(board, guest) for board in FIVE}
    reasons = {name: (not words, _ended(f"QEMU says: {words}" if words else "it starts"))
               for name, words in said.items()}
    inside = frozenset(name for name, words in said.items() if not words)
    roomy = frozenset(_name(board) for board in FIVE if board.devices)

    def mistakes() -> Iterator[Mistake]:
        yield Mistake("nobody-starts", frozenset(), "none. But each of these words is known to at least one.")
        yield Mistake("all-boards", frozenset(said), "all. But each board decides for itself what it takes.")
        yield Mistake("pc-alone", frozenset({_name(FIVE[0])}), "the PC alone. It is not the only one.")
        yield Mistake("other-boards", frozenset(said) - inside, "just the others, the wrong way round.")
        yield Mistake("other-boards", roomy, (
            "those that have room for memory devices, in this release or a later one. That is not all that "
            "matters here."))

    question = make_set(
        "which-boards", guest,
        f"Which of these boards start this line in QEMU {guest.qemu}, each with its own -M?",
        reasons, mistakes(), view="reasons", why=_told(said),
        hints=("Ask of each device: is it built for this architecture? And of each size: a multiple of what?",
               f"{len(inside)} of them {'starts' if len(inside) == 1 else 'start'} it."),
    )
    return replace(question, line=_plain(guest.config), everywhere=True)


def _refusal(board: BoardMemory, guest: Guest) -> str:
    """The first line of what QEMU says to the line of ``guest`` on a board, "" where it starts."""
    assert guest.config is not None  # asked before
    try:
        _on(board, guest.config, guest.qemu, guest.host)
    except Refused as refused:
        return refused.message.splitlines()[0]
    return ""


def _plain(config: Config) -> str:
    """A line without its program and its machine type."""
    option = config.last("machine")
    alone = option is not None and "," not in (option.value or "")
    rest = config.without(option) if option is not None and alone else config
    return replace(rest, program="").text()


def _ended(words: str) -> str:
    return words if words.endswith(".") else f"{words}."


def _told(said: dict[str, str]) -> str:
    """What all boards do, those that say the same together."""
    groups: dict[str, list[str]] = {}
    for name, words in said.items():
        groups.setdefault(words, []).append(name)
    parts = []
    for words, names in groups.items():
        one = len(names) == 1
        parts.append(_ended(f"{', '.join(names)} {'says' if one else 'say'}: {words}") if words else
                     f"{', '.join(names)} {'starts' if one else 'start'} it.")
    return " ".join(parts)


# -- the end of RAM


@lru_cache(maxsize=64)
def base_of(machine: str, target: str, qemu: str) -> int:
    """Where main RAM begins on a board (gpa), as the model builds it."""
    guest = boot(f"-M {machine} -nodefaults -m {board_memory(machine, target).memory}", target, qemu)
    return min(r.start for r in ranges_of(guest, main_ram(guest)))


def _ram_end(guest: Guest, about: About) -> Question:
    blocks = main_ram(guest)
    pieces = ranges_of(guest, blocks)
    size = sum(block.used_length for block in blocks)
    start, end = min(r.start for r in pieces), max(r.end for r in pieces)
    hole = end - start - size

    def mistakes() -> Iterator[Mistake]:
        yield Mistake("forgot-the-base" if start else "forgot-the-hole", size, (
            f"the size of RAM. But here RAM begins at {hex_address(start)}." if start else
            "the size of RAM. But there is a hole in it."))
        for board in FIVE[1:]:
            other = base_of(board.machine, board.target, guest.qemu)
            yield Mistake("other-board", other + size, (
                f"what is right on {_name(board)}, where RAM begins at {hex_address(other)}."))
        yield Mistake("other-board", FOUR_GIB + size, (
            "RAM of this size behind the first 4 GiB. No board here leaves all of these to devices."))
        yield Mistake("start-of-block", start, "where main RAM begins.")

    holes = f", and a hole of {human(hole)} lies in it" if hole else ", and it lies in one piece"
    return make(
        "ram-end", guest, "At which gpa does main RAM end (the first address behind it)?", "address", end,
        f"Main RAM begins at {hex_address(start)}, has {human(size)}{holes}.", mistakes(), view="map",
        follow=blocks[0].label, space="gpa",
        hints=("Where does this board begin its RAM, and must it make room for devices in the middle?",
               f"It begins at {hex_address(start)}."),
    )


QUESTIONS: dict[str, Asker] = {"which-boards": _which_boards, "ram-end": _ram_end}
