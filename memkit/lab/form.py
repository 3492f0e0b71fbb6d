"""The explorer's form for one more piece of memory, and its list of the backends that are there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ipywidgets import HTML, Button, Checkbox, Combobox, Dropdown, HBox, Layout, Text, VBox

from memkit.draw.svg import escape
from memkit.host import Host
from memkit.lab.controls import Part
from memkit.lab.wishes import BACKENDS, KINDS, Wish

__all__ = ["AddForm", "PartList"]

ROWS = 12


class AddForm(VBox):
    """Boxes for a Wish; ``wish()`` reads them, ``button`` is pressed when it shall come true."""

    def __init__(self, host: Host) -> None:
        wide = {"description_width": "initial"}
        self.kind = Dropdown(
            options=[(title, key) for key, title in KINDS.items()], description="Add", style=wide,
            layout=Layout(width="330px"),
        )
        self.backend = Dropdown(
            options=[(f"memory-backend-{key}", key) for key in BACKENDS], description="backed by",
            style=wide, layout=Layout(width="290px"),
        )
        self.size = Text(value="1G", description="of size", style=wide, layout=Layout(width="140px"))
        places = [p for p, m in host.mounts.items() if m.fs in ("tmpfs", "hugetlbfs")]
        self.path = Combobox(
            value=places[0] if places else "/dev/shm", options=places, description="path", style=wide,
            layout=Layout(width="260px", display="none"), ensure_option=False,
        )
        self.share = Checkbox(description="share=on", indent=False, layout=Layout(width="auto"))
        self.fit = Checkbox(
            value=True, description="make room for it in the rest of the line", indent=False,
            layout=Layout(width="auto"),
        )
        self.button = Button(description="Add", button_style="primary", layout=Layout(width="90px"))
        self.backend.observe(self._follow, "value")
        boxes = [self.kind, self.backend, self.size, self.path, self.share, self.fit, self.button]
        super().__init__([HBox(boxes, layout=Layout(flex_flow="row wrap", grid_gap="2px 14px"))])
        self.add_class("mk-form")

    def _follow(self, change: dict) -> None:
        self.path.layout.display = None if change["new"] == "file" else "none"
        # QEMU's own default: only memfd is shared unless told otherwise.
        self.share.value = change["new"] == "memfd"

    def wish(self) -> Wish:
        """What the boxes say."""
        return Wish(self.kind.value, self.backend.value, self.size.value, self.share.value, self.path.value,
                    self.fit.value)


class PartList(HBox):
    """One row for each backend with a button that removes it; rows are made once and used again."""

    def __init__(self, remove: Callable[[str], None]) -> None:
        self._remove = remove
        self._rows: list[tuple[HTML, Button, HBox]] = []
        self._ids: list[str] = []
        self._more = HTML()
        super().__init__([], layout=Layout(flex_flow="row wrap", grid_gap="4px 8px"))

    def show(self, parts: Sequence[Part]) -> None:
        """Show these backends."""
        shown = parts[:ROWS]
        while len(self._rows) < len(shown):
            self._rows.append(self._row(len(self._rows)))
        for (label, button, _), part in zip(self._rows, shown, strict=False):
            name, _, rest = part.text.partition(": ")
            label.value = f"<b>{escape(name)}</b> {escape(rest)}"
            button.description = f"Remove {name}" if len(name) <= 16 else f"Remove {name[:15]}…"
            button.tooltip = f"Remove {name} and what shows it"
        self._ids = [part.id for part in shown]
        children = [row for _, _, row in self._rows[:len(shown)]]
        if len(parts) > ROWS:
            self._more.value = f"and {len(parts) - ROWS} more; edit the line to change them"
            children.append(self._more)
        self.set_trait("children", tuple(children))

    def _row(self, index: int) -> tuple[HTML, Button, HBox]:
        label = HTML()
        button = Button(layout=Layout(width="auto", height="24px"))
        button.on_click(lambda _: self._remove(self._ids[index]))
        row = HBox([label, button])
        row.add_class("mk-part")
        return label, button, row
