"""The address map: host pages, ram_addr_t and guest-physical addresses side by side."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from memkit.draw import bokehjs, mapsvg, marking, svg
from memkit.draw import text as words
from memkit.draw.mapchange import changed_data
from memkit.draw.mapfigure import MapFigure
from memkit.draw.scale import map_data
from memkit.draw.theme import BACKING_NAMES, KIND_NAMES, SANS, css, resolve, swap_table
from memkit.errors import MemkitError, Unavailable
from memkit.joined import join
from memkit.units import hex_address, human

if TYPE_CHECKING:
    from memkit.diff import Difference
    from memkit.guest import Guest

__all__ = ["AddressMap"]

# Turns the static picture into the live one where BokehJS has arrived, else leaves it alone.
_SCRIPT = """
(function(){
  const item = %s, swap = %s;
  let tries = 0;
  function dark(box) {
    const marked = box.closest("[data-jp-theme-light]");
    if (marked) return marked.dataset.jpThemeLight === "false";
    return matchMedia("(prefers-color-scheme: dark)").matches;
  }
  function show() {
    const box = document.getElementById("%s");
    if (!box || !window.Bokeh) { if (++tries < 60) setTimeout(show, 100); return; }
    if (box.dataset.live) return;
    box.dataset.live = "1";
    let text = JSON.stringify(item);
    if (swap && dark(box)) text = text.replace(/#[0-9a-f]{6}/g, c => swap[c] || c);
    const live = box.querySelector(".live");
    live.hidden = false;
    Bokeh.embed.embed_item(JSON.parse(text), live.firstElementChild).then(
      () => { box.querySelector(".static").hidden = true; },
      () => { live.hidden = true; });
  }
  show();
})();
"""


class AddressMap:
    """A picture of one Guest: host pages, RAMBlocks (ram_addr_t) and the FlatView (gpa).

    All columns share one scale, so equal numbers lie at equal heights; the scale is not linear
    and breaks where nothing lies.  ``theme`` is light, dark or auto (follow the page).  With a
    ``difference`` of which ``guest`` is the second, what changed is marked, and lanes with the old
    places stand where host pages stand else.  Raises MemkitError if the theme is unknown.

    >>> import memkit
    >>> address_map = AddressMap(memkit.boot("-m 1G -nodefaults"))
    >>> [c["key"] for c in address_map.data()["columns"]]
    ['host', 'ram', 'guest']
    """

    def __init__(
        self, guest: Guest, theme: str = "auto", difference: Difference | None = None
    ) -> None:
        self._palette = resolve(theme)
        self.guest = guest
        self.theme = theme
        self._data = changed_data(difference) if difference is not None else map_data(guest, join(guest))

    def data(self) -> dict[str, Any]:
        """The facts that picture and text are made from, ready for JSON; sizes are bytes."""
        return self._data

    @cached_property
    def _live(self) -> MapFigure:
        return MapFigure(self._data, self._palette)

    def figure(self) -> Any:
        """The Bokeh figure, always the same one; raises Unavailable if Bokeh is missing.

        A widget shows it once and calls update() from then on.
        """
        return self._live.figure

    def update(self, guest: Guest) -> AddressMap:
        """This map, now of another guest; the figure changes in place.

        Raises MemkitError for the map of a difference: it has other columns.
        """
        if self._data["marks"] is not None:
            raise MemkitError("the map of a difference cannot show a single guest; use guest.map()")
        self.guest = guest
        self._data = map_data(guest, join(guest))
        if "_live" in self.__dict__:
            self._live.update(self._data)
        return self

    def svg(self) -> str:
        """The picture as SVG text: static, with titles to point at, without any script."""
        return mapsvg.render(self._data, self.theme)

    def legend(self) -> str:
        """The legend alone as SVG text, to stand below the Bokeh figure."""
        return mapsvg.legend_picture(self._data, self.theme)

    def alt(self) -> str:
        """One sentence that says what the picture shows, for people who cannot see it."""
        guest = [i for i in self._data["items"] if i["column"] == "guest" and i["kind"] != "nobody"]
        ram = [i for i in self._data["items"] if i["column"] == "ram"]
        if self._data["marks"] is not None:
            said = marking.counted(
                [i for i in self._data["items"] if i["column"].startswith("ram")], "RAMBlock")
            seen = marking.counted(
                [i for i in self._data["items"] if i["column"].startswith("guest")], "range")
            both = ", ".join(filter(None, (said, seen))) or "nothing changed here"
            return f"{self._data['title']}. {both[0].upper()}{both[1:]}."
        blocks = words.plural(sum(i["count"] for i in ram), "RAMBlock")
        ranges = words.plural(sum(i["count"] for i in guest), "range")
        return f"{self._data['title']}: {blocks}, shown to the guest in {ranges}."

    def text(self) -> str:
        """The same facts in words, in lines of at most 72 characters."""
        return "\n".join(_text(self._data))

    def __str__(self) -> str:
        return self.text()

    def html(self, script: bool | None = None) -> str:
        """The picture as HTML that needs nothing from outside.

        With ``script`` it brings BokehJS along; None means: only the first time in this kernel.
        Without Bokeh, or where scripts do not run, the static picture shows.
        """
        static = self.svg()
        name = svg.named(f"{svg.NAME}{static}")[:12]
        twin = (
            f'<details style="font:13px {SANS};padding:0 8px 8px">'
            "<summary>The same in words</summary>"
            f'<pre style="font-size:12px">{svg.escape(self.text())}</pre></details>'
        )
        frame = (
            f'<div id="{name}-map" style="overflow-x:auto"><style>{css(self.theme, f"#{name}-map")}'
            f'</style><div class="static">{static}</div>'
        )
        try:
            bokehjs.require()
        except Unavailable:
            return f"{frame}{twin}</div>"
        from bokeh.embed import json_item

        item = json_item(MapFigure(self._data, self._palette).figure)
        swap = swap_table() if self.theme == "auto" else None
        code = _SCRIPT % (_js(item), _js(swap), f"{name}-map")
        first = bokehjs.once() if script is None else bokehjs.inline_script() if script else ""
        label = svg.escape(self.alt())
        return (
            f'{frame}<div class="live" role="img" aria-label="{label}" hidden><div></div>'
            f"{self.legend()}</div>{twin}</div>{first}<script>{code}</script>"
        )

    def save(self, path: str) -> None:
        """Write the picture to ``path``: a page of its own, or an SVG if the name ends so."""
        if path.endswith(".svg"):
            whole = self.svg()
        else:
            whole = (
                '<!doctype html><html lang="en"><meta charset="utf-8">'
                f"<title>{svg.escape(self._data['title'])}</title>"
                f"<style>body{{margin:0}}{css(self.theme, 'body')}</style>"
                f"<body>{self.html(script=True)}</body></html>"
            )
        with open(path, "w", encoding="utf-8") as file:
            file.write(whole)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {
            "text/plain": self.text(), "text/html": self.html(), "image/svg+xml": self.svg(),
        }


_HEADINGS = {
    "guest": "Guest-physical addresses (gpa)", "guest-was": "Before, guest-physical addresses (gpa)",
    "ram": "RAMBlocks (ram_addr_t)", "ram-was": "Before, RAMBlocks (ram_addr_t)",
    "host": "Host pages, each at the ram_addr_t of its block",
}


def _js(value: Any) -> str:
    """A value as JavaScript that is safe inside a script element."""
    return json.dumps(value).replace("</", "<\\/").replace("<!--", "<\\!--")


def _text(data: dict[str, Any]) -> list[str]:
    lines = words.wrap_words(data["title"], words.WIDTH)
    if data["marks"] is not None:
        lines += words.field("marks", marking.key(data["marks"]), 0, 7)
    by_column: dict[str, list[dict[str, Any]]] = {}
    for item in data["items"]:
        by_column.setdefault(item["column"], []).append(item)
    for key, heading in _HEADINGS.items():
        items = by_column.get(key, [])
        if not items:
            continue
        lines += ["", f"{heading}, from 0 up"]
        for item in items:
            lines.append("")
            lines.append(f"  {words.span(item['start'], item['size'])}")
            lines += words.field("", f"{item['name']}, {item['note']}", 4, 0)
            if item["mark"]:
                lines += words.field("", marking.said(item["mark"], item["was"]), 4, 0)
            if key == "host":
                lines += words.field("", f"behind {_names(data, item)}", 4, 0)
            elif key == "ram":
                how = f"{KIND_NAMES[item['kind']]}, {BACKING_NAMES[item['backing']]}"
                lines += words.field("", how, 4, 0)
            for link in data["links"]:
                if link["to"] == item["id"]:
                    where = f"from ram_addr_t {hex_address(link['ram'])} of {_names(data, link)}"
                    lines += words.field("", where, 4, 0)
    for gap in data["breaks"]:
        lines += ["", f"  break: nothing at {words.span(gap['start'], gap['size'])}",
                  f"    {human(gap['size'])}"]
    return lines + marking.besides_words(data["besides"])


def _names(data: dict[str, Any], fact: dict[str, Any]) -> str:
    names = [data["names"][b] for b in fact["blocks"]]
    return names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"
