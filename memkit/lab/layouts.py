"""The same memory on every board: where each puts RAM, and what it refuses.

The numbers are those of guests that the model boots.  Why a board does so stands in ``memkit.architectures``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from memkit.architectures import BOARDS, BoardMemory
from memkit.boot import TARGETS, boot
from memkit.config import Config
from memkit.config import parse as parse_line
from memkit.draw.boardmap import BoardColumn, BoardMap
from memkit.draw.svg import escape
from memkit.errors import MemkitError, Refused
from memkit.guest import Guest
from memkit.host import Host, host_or_usual
from memkit.lab.questions.places import device_window, main_ram, ranges_of
from memkit.memory.ramblock import RAMBlock
from memkit.units import hex_address, human
from memkit.versions import DEFAULT_QEMU, known_qemu

__all__ = ["Layout", "Layouts", "layout_of", "layouts"]

Piece = tuple[int, int]


@dataclass(frozen=True)
class Layout:
    """Where one guest sees its memory; all addresses are gpa, all sizes bytes.

    ``pieces`` are (first gpa, bytes) of main RAM, each without a break but for small holes that cover it;
    ``window`` is the device-memory window or None.  ``refusal`` is QEMU's where there is no guest,
    ``problem`` ours where the model does not know the board.
    """

    machine: str
    target: str
    title: str = ""
    guest: Guest | None = None
    pieces: tuple[Piece, ...] = ()
    window: Piece | None = None
    refusal: str = ""
    problem: str = ""

    @property
    def holes(self) -> tuple[Piece, ...]:
        """(First gpa, bytes) of what lies between the pieces."""
        behind = zip(self.pieces, self.pieces[1:], strict=False)
        return tuple((a + size, b - a - size) for (a, size), (b, _) in behind if a + size < b)

    def cells(self) -> tuple[str, str, str]:
        """Main RAM, holes and device memory in words."""
        if self.guest is None:
            said = f"QEMU refuses: {self.refusal}" if self.refusal else self.problem
            return said, "", ""
        return (_listed(self.pieces), _listed(self.holes) or "none",
                _listed((self.window,)) if self.window else "none")


@dataclass(frozen=True)
class Layouts:
    """The layouts of one command line on several boards: a table with a text twin."""

    line: str
    qemu: str
    layouts: tuple[Layout, ...]

    COLUMNS = ("Board", "Main RAM (gpa)", "Holes in it", "Device memory (gpa)")

    def __iter__(self) -> Iterator[Layout]:
        return iter(self.layouts)

    def __len__(self) -> int:
        return len(self.layouts)

    def __getitem__(self, name: str) -> Layout:
        """The layout of a board, such as "q35" or "virt (aarch64)"; raises KeyError for others."""
        for layout in self.layouts:
            if name in (layout.machine, f"{layout.machine} ({layout.target})"):
                return layout
        raise KeyError(name)

    @property
    def title(self) -> str:
        """What is shown."""
        return f"{self.line} on every board, QEMU {self.qemu}"

    def rows(self) -> list[tuple[str, ...]]:
        """The rows of the table as text."""
        return [(f"{o.machine} ({o.target}){self._answered(o)}", *o.cells()) for o in self.layouts]

    def _answered(self, layout: Layout) -> str:
        """Which QEMU answered, where it is another than was asked."""
        guest = layout.guest
        return f", QEMU {guest.qemu}" if guest is not None and guest.qemu != self.qemu else ""

    def map(self) -> BoardMap:
        """The address maps side by side, a column for each board."""
        columns = (
            BoardColumn(f"{o.machine} ({o.target})", o.title, o.guest, o.window, o.refusal or o.problem)
            for o in self.layouts
        )
        return BoardMap(self.title, tuple(columns))

    def text(self) -> str:
        """The same in words."""
        lines = [f"{self.title}."]
        for name, ram, holes, window in self.rows():
            lines += ["", name, f"  Main RAM:      {ram}"]
            if holes:
                lines += [f"  Holes in it:   {holes}", f"  Device memory: {window}"]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        # JupyterLab sets tables to the right.
        left = 'style="text-align:left"'
        head = "".join(f'<th scope="col" {left}>{escape(column)}</th>' for column in self.COLUMNS)
        body = []
        for name, ram, holes, window in self.rows():
            cells = ("".join(f"<td {left}>{escape(cell)}</td>" for cell in (ram, holes, window)) if holes
                     else f'<td colspan="3" {left}><em>{escape(ram)}</em></td>')
            body.append(f'<tr><th scope="row" {left}>{escape(name)}</th>{cells}</tr>')
        html = (f'<div style="overflow-x:auto" tabindex="0" role="region" aria-label="{escape(self.title)}">'
                f"<table><caption>{escape(self.title)}</caption><thead><tr>{head}</tr></thead>"
                f"<tbody>{''.join(body)}</tbody></table></div>")
        return {"text/plain": self.text(), "text/html": html}


def layouts(
    line: str | Sequence[str] | Config = "-m 4G", qemu: str | None = None, host: Host | None = None,
    boards: Sequence[str] | None = None,
) -> Layouts:
    """The Layouts of ``line`` on every board that memkit.architectures names: where RAM lies.

    The machine type of the line is replaced; ``boards`` chooses some, by machine type.  A board that refuses
    the line says so in QEMU's words.  Raises CommandLineError for what is no line, MemkitError for a version
    or board that is not known.

    >>> layouts("-m 6G", boards=["q35"])["q35"].pieces
    ((0, 2147483648), (4294967296, 4294967296))
    """
    given = line.qemu if isinstance(line, Config) else DEFAULT_QEMU
    version = known_qemu(given if qemu is None else qemu)
    text = line.text() if isinstance(line, Config) else line
    listed = boards is None or (
        isinstance(boards, list | tuple) and all(isinstance(name, str) for name in boards))
    if not listed:
        raise MemkitError(f"boards= is a list of machine types, such as ['q35', 'virt'], not {boards!r:.60}")
    on = host_or_usual(host)
    chosen = [board for board in BOARDS if boards is None or board.machine in boards]
    missing = sorted(set(boards or ()) - {board.machine for board in BOARDS})
    if missing:
        known = ", ".join(dict.fromkeys(board.machine for board in BOARDS))
        raise MemkitError(f"no board here is called {missing[0]!r:.60}; there are: {known}")
    config = parse_line(text, version)
    made = tuple(_on_board(board, config, version, on) for board in chosen)
    return Layouts(config.text(), version, made)


def _on_board(board: BoardMemory, config: Config, qemu: str, host: Host) -> Layout:
    blank = partial(Layout, board.machine, board.target, board.title)
    if board.target not in TARGETS:
        return blank(problem=f"the model does not build {board.target} guests")
    try:
        guest = boot(config.with_machine(board.machine), board.target, qemu, host)
    except Refused as refused:
        return blank(refusal=refused.message)
    except MemkitError as error:
        return blank(problem=str(error))
    return layout_of(guest, board)


def layout_of(guest: Guest, board: BoardMemory | None = None) -> Layout:
    """Where ``guest`` sees its memory; raises MemkitError if its main RAM is not known.

    >>> from memkit.boot import boot
    >>> layout_of(boot("-M microvm -m 4G")).holes
    ((3221225472, 1073741824),)
    """
    blocks = main_ram(guest)
    # Boards bring small RAM of their own; main RAM is what -m or a backend gives.
    blocks = tuple(block for block in blocks if block.backend is not None) or blocks
    runs: dict[tuple[RAMBlock | None, int], Piece] = {}
    for found in ranges_of(guest, blocks):
        # What shows the block at the same distance is one piece, whatever covers parts of it.
        run = (found.region.block, found.start - found.offset_in_region)
        start = runs[run][0] if run in runs else found.start
        runs[run] = (start, found.end - start)
    window = device_window(guest)
    name = board.machine if board else guest.machine_type
    return Layout(name, guest.target, board.title if board else "", guest,
                  tuple(sorted(runs.values())), (window[0], window[1] - window[0]) if window else None)


def _listed(pieces: Sequence[Piece]) -> str:
    return "; ".join(f"{human(size)} at {hex_address(start)}" for start, size in pieces)
