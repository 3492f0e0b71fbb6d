"""The explorer's boxes for the board that a guest runs on and for the host underneath."""

from __future__ import annotations

from ipywidgets import Dropdown, HBox, Layout

from memkit.architectures import BoardMemory
from memkit.host import Host
from memkit.lab.architecture import board_of, boards_for, host_choices
from memkit.lab.session import State

__all__ = ["BoardBox"]

# A list shows nothing where its value is None.
OTHER = ""
_SHORT = {"description_width": "initial"}


class BoardBox(HBox):
    """Two lists: ``board`` of BoardMemory, "" for other machine types; ``host`` of names of ``hosts``."""

    def __init__(self) -> None:
        self.hosts: dict[str, Host] = {}
        self.board = Dropdown(
            options=_boards(None), description="Board", style=_SHORT, layout=Layout(width="296px"),
            tooltip="takes the line over to another board: the same memory, another machine type",
        )
        self.host = Dropdown(
            description="Host", style=_SHORT, layout=Layout(width="340px"),
            tooltip="the machine underneath: its pages, and the size of the huge pages in its pool",
        )
        super().__init__([self.board, self.host], layout=Layout(flex_flow="row wrap", grid_gap="2px 14px"))

    def show(self, state: State) -> None:
        """Show the board of the line and its host; hosts follow the architecture of the board."""
        board = board_of(state.config) if state.config else None
        self.hosts = host_choices(board, state.host, state.stands_on)
        now = next(label for label, host in self.hosts.items() if host == state.stands_on)
        shown = ((self.board, _boards(board), board or OTHER), (self.host, list(self.hosts), now))
        for box, options, value in shown:
            if list(box.options) != options:
                box.options = options
            if box.value != value:
                box.value = value


def _boards(now: BoardMemory | None) -> list[tuple[str, BoardMemory | str]]:
    """What the list of boards offers; another machine type than theirs is told as such."""
    known: list[tuple[str, BoardMemory | str]] = [(f"{b.machine}: {b.title}", b) for b in boards_for()]
    return known if now in boards_for() else [("another machine type", OTHER), *known]
