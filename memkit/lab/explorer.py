"""The explorer: a command line with controls, and every view of the guest that it makes.

This module only binds: ``session`` knows what a change does, ``views`` what is shown.  Whatever a person
does goes through ``_safely``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Any

from IPython import get_ipython
from IPython.display import HTML as Shown
from IPython.display import display
from ipywidgets import (
    HTML,
    Button,
    Combobox,
    Dropdown,
    HBox,
    IntSlider,
    IntText,
    Layout,
    Tab,
    Text,
    Textarea,
    ToggleButton,
    VBox,
    Widget,
)

from memkit.config import Config
from memkit.draw.svg import escape
from memkit.guest import Guest
from memkit.host import Host
from memkit.lab import page, session, views
from memkit.lab.architecture import machines_of
from memkit.lab.board_box import BoardBox
from memkit.lab.compared import Compared
from memkit.lab.controls import SIZES, step_of
from memkit.lab.form import AddForm, PartList
from memkit.lab.paste import PasteBox
from memkit.lab.presets import DIMM, PRESETS
from memkit.lab.session import State
from memkit.lab.switched import View, switched
from memkit.monitor.printer import COMMANDS
from memkit.versions import labelled

__all__ = ["Explorer", "explore"]

GRAPH, MAP, TABLES, MONITOR, WORDS = range(5)
EVERYTHING = "every block"
TITLES = ("Graph", "Map", "Tables", "Monitor", "Words")
_ROW = {"flex_flow": "row wrap", "grid_gap": "2px 14px", "align_items": "center"}
_SHORT = {"description_width": "initial"}


def explore(
    line: str | Sequence[str] | Config | Guest = DIMM.text, host: Host | None = None,
    qemu: str | None = None,
) -> Explorer:
    """The explorer on a command line (text, argv list or Config), a widget to show as a cell's last line.

    In place of a line, a Guest: its command line, or the text that it was read from.  ``host`` describes
    the machine underneath, ``qemu`` is the version that answers first; the page has a switch for it.  A
    line that QEMU refuses is fine: the explorer says why.  Raises CommandLineError for what is no line at
    all, such as a number, MemkitError for a version that the model does not know.

    >>> explore("-m 4G", qemu="10.0").state.guest.machine_type
    'pc-i440fx-10.0'
    """
    if not isinstance(line, Guest):
        return Explorer(session.start(line, host, qemu))
    if line.config is None:
        return Explorer(session.start(DIMM.text, host, qemu), line)
    return Explorer(session.start(line.config, host or line.host, qemu or line.qemu))


class Explorer(VBox):
    """The widget that explore() returns; ``state`` is what it shows at the moment."""

    def __init__(self, state: State, read: Guest | None = None) -> None:
        self.state = state
        self._lock = RLock()
        self._writing = False
        self._shown: dict[int, Any] = {}
        self._make_controls(state)
        self.paste = PasteBox(self._safely, lambda: self._show(self.state), read)
        self._make_views()
        self._bind()
        top = HBox([self.presets, self.place, self.paste.toggle, self.undo], layout=Layout(**_ROW))
        controls = HBox(
            [self.qemu, self.machine, HBox([self.ram, self.size]), self.slots, self.maxmem],
            layout=Layout(**_ROW),
        )
        memory = HBox([self.parts, self.adding], layout=Layout(flex_flow="row wrap", grid_gap="2px 8px"))
        super().__init__([HTML(page.style()), top, self.paste, self.line, self.status, controls, memory,
                          self.form, self.compared, self.tabs])
        self.add_class("memkit")
        self._show(state)

    # -- making

    def _make_controls(self, state: State) -> None:
        self.presets = Dropdown(
            options=_examples(state.version), description="Examples", style=_SHORT,
            layout=Layout(width="262px"), tooltip="from the talk “RAM is getting more complex”, 2018",
        )
        self.place = BoardBox()
        self.undo = Button(layout=Layout(width="auto", display="none"))
        self.line = Textarea(description="Command line", style=_SHORT, layout=Layout(width="auto"), rows=2)
        self.line.add_class("mk-line")
        self.status = HTML()
        self.status.add_class("mk-status")
        versions = labelled()
        self.qemu = Dropdown(
            options=[(label, version) for version, label in versions.items()], value=state.version,
            description="QEMU", style=_SHORT, tooltip="the version of QEMU that reads the line",
            layout=Layout(width="112px" if max(map(len, versions.values())) < 6 else "208px"),
        )
        self.machine = Dropdown(
            options=machines_of(state.config, state.version), description="Machine", style=_SHORT,
            layout=Layout(width="216px"),
        )
        self.ram = IntSlider(
            min=0, max=len(SIZES) - 1, readout=False, description="RAM", style=_SHORT,
            layout=Layout(width="220px"),
        )
        self.ram.add_class("mk-ram")
        self.size = Text(
            description="exactly", continuous_update=False, style=_SHORT, layout=Layout(width="128px"),
            tooltip="RAM size as -m takes it, such as 4G or 3584M; press Enter",
        )
        self.slots = IntText(
            description="Slots", style=_SHORT, layout=Layout(width="96px"),
            tooltip="slots= of -m: how many DIMMs can be plugged in; 0 leaves the word out",
        )
        self.maxmem = Text(
            description="Maxmem", continuous_update=False, style=_SHORT, layout=Layout(width="136px"),
            placeholder="none", tooltip="maxmem= of -m: the limit for RAM and memory devices; press Enter",
        )
        for box in (self.size, self.maxmem):
            box.add_class("mk-exact")
        self.adding = ToggleButton(description="Add memory …", layout=Layout(width="130px"))
        self.parts = PartList(self._remove)
        self.compared = Compared(lambda: self._do(lambda: session.uncompared(self.state)))
        self.form = AddForm(state.host)
        self.form.layout.display = "none"

    def _make_views(self) -> None:
        self.command = Dropdown(
            options=[*COMMANDS], value="info ramblock", description="Monitor command", style=_SHORT,
            layout=Layout(width="320px"),
        )
        self.which = Dropdown(
            options=[(title, key) for key, title in views.TWINS.items()], description="In words",
            style=_SHORT, layout=Layout(width="290px"),
        )
        self.follow = Dropdown(
            options=[(EVERYTHING, "")], description="Follow", style=_SHORT, layout=Layout(width="290px"),
            tooltip="the RAMBlock whose path stands out in the graph and the map",
        )
        self.follow.add_class("mk-follow")
        self.zoom = Dropdown(
            options=[("fit the page", 0), ("100 %", 1), ("150 %", 2), ("200 %", 3)], description="Zoom",
            style=_SHORT, layout=Layout(width="150px"), tooltip="larger pictures scroll in their frame",
        )
        devices = self.viewed.guest.memory_devices if self.viewed.guest else ()
        self.gpa = Combobox(
            value=f"{devices[0].addr:#_x}" if devices else "0xffff_fff0", description="gpa", style=_SHORT,
            layout=Layout(width="240px"), ensure_option=False,
            tooltip="a guest-physical address, such as 0x1_8000_0000 or 6G",
        )
        self.gpa.add_class("mk-exact")
        self.pages = [HTML() for _ in TITLES]
        for shown in self.pages:
            shown.add_class("mk-view")
        rows: list[Widget] = list(self.pages)
        # The same boxes above both pictures: what is followed in one is followed in the other.
        for index in (GRAPH, MAP):
            rows[index] = VBox([HBox([self.follow, self.zoom], layout=Layout(**_ROW)), self.pages[index]])
        rows[MONITOR] = VBox([self.command, self.pages[MONITOR]])
        words = HBox([self.which, self.gpa], layout=Layout(**_ROW))
        rows[WORDS] = VBox([words, self.pages[WORDS]])
        self.tabs = Tab(children=rows, titles=TITLES, selected_index=GRAPH)
        self.tabs.add_class("mk-tabs")

    def _bind(self) -> None:
        self._on(self.line, lambda text: session.typed(self.state, text))
        self._on(self.qemu, lambda version: session.with_qemu(self.state, version))
        self._on(self.place.board, lambda board: session.with_board(self.state, board or None))
        self._on(self.place.host, lambda name: session.with_host(self.state, self.place.hosts[name]))
        self._on(self.machine, lambda name: session.with_machine(self.state, name))
        self._on(self.ram, lambda step: session.with_size(self.state, SIZES[step]))
        self._on(self.size, lambda text: session.with_size(self.state, text))
        self._on(self.slots, lambda count: session.with_slots(self.state, count))
        self._on(self.maxmem, lambda text: session.with_maxmem(self.state, text))
        self._on(self.presets, self._choose)
        self.undo.on_click(lambda _: self._do(lambda: session.back(self.state)))
        self.form.button.on_click(lambda _: self._do(lambda: session.added(self.state, self.form.wish())))
        self.adding.observe(self._toggle, "value")
        for box in (self.command, self.which, self.gpa, self.follow, self.compared.marks):
            box.observe(lambda _: self._safely(self._paint), "value")
        self.tabs.observe(lambda _: self._safely(self._paint), "selected_index")
        self.zoom.observe(self._zoomed, "value")

    # -- from the page

    def _on(self, widget: Widget, change: Callable[[Any], State]) -> None:
        widget.observe(lambda event: self._do(lambda: change(event["new"]), widget), "value")

    @property
    def viewed(self) -> State:
        """The State that the views show: that of the line, or of monitor text that was pasted."""
        return self.paste.viewed(self.state)

    def _do(self, change: Callable[[], State], source: Widget | None = None) -> None:
        self._safely(lambda: self._show(change(), source, changed=True))

    def _safely(self, act: Callable[[], None]) -> None:
        """Do what a person wants; a mistake of ours is shown in the page, which lives on.

        What the explorer itself writes into its widgets is no wish of a person.  JupyterLab brings the
        page's wishes in another thread than the one that runs cells, so they wait for each other.
        """
        with self._lock:
            if self._writing:
                return
            try:
                act()
            except Exception as error:
                self.status.value = views.broken(error)

    def _choose(self, text: str) -> State:
        return session.chosen(self.state, text) if text else self.state

    def _remove(self, backend: str) -> None:
        self._do(lambda: session.removed(self.state, backend))

    def _toggle(self, change: dict) -> None:
        self.form.layout.display = None if change["new"] else "none"

    def _zoomed(self, change: dict) -> None:
        for index in (GRAPH, MAP):
            self.pages[index].remove_class(f"mk-zoom-{change['old']}")
            if change["new"]:
                self.pages[index].add_class(f"mk-zoom-{change['new']}")

    # -- to the page

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        self._writing = True
        try:
            yield
        finally:
            self._writing = False

    def _show(self, state: State, source: Widget | None = None, changed: bool = False) -> None:
        """Show ``state`` everywhere but in ``source``, where a person is writing.

        Whoever ``changed`` the line wants to see its guest, not that of monitor text.
        """
        self.state = state
        with self._quietly():
            if changed:
                self.paste.leave()
            if source is not self.line:
                _put(self.line, state.text)
            # For browsers that do not fit the box to its text by themselves.
            wrapped = sum(1 + len(part) // 90 for part in state.text[:2000].split("\n"))
            self.line.rows = min(max(wrapped, 2), 8)
            self._show_controls(state, source)
            self._show_blocks(self.viewed)
        own = state.problem is None or state.problem.in_line
        note = next((p.note for p in PRESETS if own and p.text == state.text), "")
        _put(self.status, self.paste.status(views.status(state, note)))
        self.compared.show(self.viewed)
        self.undo.description = views.way_back(state)
        shown = state.stale and state.guest is not None and not self.paste.active
        self.undo.layout.display = None if shown else "none"
        if self.viewed.stale:
            self.add_class("mk-stale")
        else:
            self.remove_class("mk-stale")
        self._paint()

    def _show_controls(self, state: State, source: Widget | None) -> None:
        _choices(self.presets, _examples(state.version))
        _put(self.presets, state.text if state.text in (p.text for p in PRESETS) else "")
        _put(self.qemu, state.version)
        self.place.show(state)
        controls = self.viewed.controls
        edits = (self.place.board, self.machine, self.ram, self.size, self.slots, self.maxmem)
        for box in (*edits, self.form.button):
            box.disabled = controls is None
        for box in (self.qemu, self.place.host, self.adding):
            box.disabled = self.paste.active
        self.parts.show(controls.parts if controls else ())
        if controls is None:
            return
        known = machines_of(state.config, state.version)
        # Also a type that there is not, so that the list says what the line says.
        _choices(self.machine, known if controls.machine in known else [*known, controls.machine])
        _put(self.machine, controls.machine)
        if source is not self.ram or not state.stale:
            _put(self.ram, step_of(controls.ram))
        if source is not self.size or not state.stale:
            _put(self.size, controls.ram_text)
        if source is not self.slots:
            _put(self.slots, controls.slots)
        if source is not self.maxmem or not state.stale:
            _put(self.maxmem, controls.maxmem_text)

    def _show_blocks(self, state: State) -> None:
        options = [(EVERYTHING, ""), *((name, name) for name in views.blocks(state))]
        chosen = self.follow.value
        _choices(self.follow, options)
        _put(self.follow, chosen if (chosen, chosen) in options else "")

    def _paint(self) -> None:
        """Fill the visible view; hidden ones are emptied rather than left to show an older guest."""
        for index, shown in enumerate(self.pages):
            key = self._key(index)
            if self._shown.get(index) == key:
                continue
            if index == self.tabs.selected_index:
                shown.value = self._view(index)
                self._shown[index] = key
            elif index in self._shown:
                shown.value = ""
                del self._shown[index]

    def _key(self, index: int) -> tuple[Any, ...]:
        """What a view depends on; guests are compared by identity."""
        state = self.viewed
        marked = state.drawable if self.compared.marked else None
        follow = (self.follow.value, marked)
        words = (self.which.value, self.gpa.value, marked)
        more = {GRAPH: follow, MAP: follow, TABLES: (marked,), MONITOR: (self.command.value,), WORDS: words}
        return (state.guest, *more.get(index, ()))

    def _view(self, index: int) -> str:
        state, marked = self.viewed, self.compared.marked
        if index == WORDS:
            self.gpa.layout.display = None if self.which.value == "address" else "none"
            self.gpa.options = views.addresses(state)
            return views.twin(state, self.which.value, self.gpa.value, marked)
        if index == MONITOR:
            return views.monitor(state, self.command.value)
        if index == TABLES:
            return views.tables(state, marked)
        return (views.graph if index == GRAPH else views.map_)(state, self.follow.value, marked)

    # -- without widgets

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        # A terminal shows no scripts; there, showing one would print a line about it.
        if getattr(get_ipython(), "kernel", None):
            display(Shown(page.script()))  # type: ignore[no-untyped-call]
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs)
        bundle["text/plain"] = self.text()
        state = self.viewed
        said = self.paste.said.value if self.paste.active else views.status(state)
        shown = views.graph(state) if state.guest is None else switched([
            View("Graph", "From a word to an address", views.graph(state)),
            View("Map", "Three kinds of address", views.map_(state)),
            View("Tables", "Everything in numbers", views.tables(state)),
            View("Monitor", "What QEMU prints", views.monitor(state, "info mtree -f")),
        ], "Views of the guest")
        bundle["text/html"] = (
            f'<div class="memkit">{page.style()}'
            f'<pre class="mk-said">{escape(self.paste.source(state.text))}</pre>'
            f"{said}{''.join(views.changes(state))}{shown}"
            f"<details><summary>The same in words</summary><pre>{escape(self.text())}</pre></details></div>"
        )
        return bundle

    def __repr__(self) -> str:
        return f"<Explorer {self.state.text!r} in QEMU {self.state.version}>"

    def text(self) -> str:
        """The line and the graph in words, for places that show no widgets."""
        return self.paste.words(self.state)


def _examples(qemu: str) -> list[tuple[str, str]]:
    return [("choose one …", ""), *((p.label(qemu), p.text) for p in PRESETS)]


def _choices(box: Dropdown, options: list[Any]) -> None:
    if list(box.options) != options:
        box.options = options


def _put(widget: Widget, value: Any) -> None:
    if widget.value != value:
        widget.value = value
