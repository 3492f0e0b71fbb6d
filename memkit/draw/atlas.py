"""The atlas as a matrix: each pair of features is a cell that opens what goes wrong with both."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

from memkit.atlas import AREAS, OUTCOMES
from memkit.atlas.line import combine
from memkit.atlas.sweep import operations_of
from memkit.draw import bokehjs, svg
from memkit.draw.atlasfigure import LABEL, LOOKS, build, places_of
from memkit.draw.atlasscript import SCRIPT
from memkit.draw.theme import MONO, SANS, css, resolve, swap_table
from memkit.errors import Unavailable

if TYPE_CHECKING:
    from memkit.atlas import Atlas, Feature
    from memkit.atlas.conflict import Conflict

__all__ = ["AtlasPicture"]

# Each look by the classes of memkit.draw.theme, for the legend.
_CLASSES = {"io-line": "f-io", "card": "card", "page": "page rule"}


class AtlasPicture:
    """The picture of one Atlas; ``theme`` is light, dark or auto (follow the page).

    The page works without a kernel and without a network.  Raises MemkitError if the theme is unknown.

    >>> import memkit
    >>> AtlasPicture(memkit.atlas("mem-lock,balloon")).alt()
    'A matrix of 2 features on QEMU 7.2, q35: 1 of 1 pairs has something that neither of them has alone.'
    """

    def __init__(self, atlas: Atlas, theme: str = "auto") -> None:
        self._palette = resolve(theme)
        self.atlas = atlas
        self.theme = theme
        self._layer = atlas.layers[0]

    @property
    def features(self) -> Sequence[Feature]:
        """The features in the matrix: those that the release knows."""
        return self._layer.known

    @cached_property
    def _data(self) -> dict[str, Any]:
        place = {feature.name: n for n, feature in enumerate(self.features)}
        reasons, exclusive = self._exclusive()
        return {
            "title": self.atlas.heading, "label": LABEL, "start": self._start(place),
            "features": [
                {"name": f.name, "title": f.title, "includes": [place[i] for i in f.includes if i in place]}
                for f in self.features
            ],
            "conflicts": [
                self._conflict(c, place) for c in self.atlas.conflicts if all(n in place for n in c.features)
            ],
            "exclusive": exclusive, "reasons": reasons, "done": operations_of(self.features),
            "looks": {
                name: {"letter": look.letter, "fill": look.fill, "line": look.line, "ink": look.ink,
                       "words": look.words}
                for name, look in LOOKS.items()
            },
            "colours": self._palette.colours(),
        }

    def _exclusive(self) -> tuple[list[str], dict[str, int]]:
        """Reasons why no line says it all, and for places of features (``1 5``) the number of the reason.

        Operations change no line, so that sets without them and sets of them alone tell all.
        """
        reasons: dict[str, int] = {}
        found: dict[str, int] = {}
        done = operations_of(self.features)
        for places in ([n for n in range(len(self.features)) if n not in done], done):
            for many in range(1, min(self.atlas.size, 3) + 1):
                for chosen in combinations(places, many):
                    features = [self.features[n] for n in chosen]
                    if reason := combine(features, self._layer.ground.board).exclusive:
                        found[" ".join(map(str, chosen))] = reasons.setdefault(reason, len(reasons))
        return list(reasons), found

    def data(self) -> dict[str, Any]:
        """The facts that the picture is made from, ready for JSON; numbers are places among ``features``."""
        return self._data

    def _conflict(self, conflict: Conflict, place: dict[str, int]) -> dict[str, Any]:
        mending = [names for names in conflict.mended_by if all(name in place for name in names)]
        return {
            "places": [place[name] for name in conflict.features],
            "mending": [[place[name] for name in names] for names in mending],
            "id": "" if conflict.outcome == OUTCOMES[0] else conflict.outcome,
            "severity": conflict.severity, "title": conflict.title,
            "features": " + ".join(conflict.features) + (" (comes back)" if conflict.again else ""),
            "why": conflict.why, "instead": conflict.instead, "command": conflict.command,
            "versions": conflict.versions, "confirmed": conflict.confirmed(self._layer.ground.qemu),
            "mended_by": "; ".join(" + ".join(names) for names in mending),
            "sources": "; ".join(conflict.sources),
        }

    def _start(self, place: dict[str, int]) -> list[int]:
        """The pair that is open at first: the worst that loses data, for that is what the atlas is about."""
        pairs = [c for c in self.atlas.conflicts if len(c.features) == 2 and place.keys() >= set(c.features)]
        pairs.sort(key=lambda c: (c.severity != "data-loss", not c.mended_by))
        return [place[name] for name in pairs[0].features] if pairs else [0, 0]

    def letters(self, third: str | None = None, everything: bool = False) -> dict[tuple[str, str], str]:
        """The look of each cell (row, column), a key of LOOKS, with a ``third`` feature added.

        ``everything`` counts what smaller sets show, too.
        """
        names = [feature.name for feature in self.features]
        found = {}
        for row, name in enumerate(names):
            for column in names[: row + 1]:
                wanted = {name, column} | ({third} if third else set())
                found[name, column] = self._look(wanted, everything)
        return found

    def _look(self, names: set[str], everything: bool) -> str:
        cell = self._layer.cell(names)
        severity = cell.worst if everything else cell.severity
        if cell.status == "exclusive" or severity:
            return severity or "exclusive"
        mends = any(names <= {*c.features, *by} for c in cell.mended for by in c.mended_by)
        return "mended" if mends else "inherited" if cell.conflicts else "fine"

    def figure(self) -> Any:
        """The Bokeh figure with its places, without letters: the page fills them in.

        Raises Unavailable if Bokeh is missing.
        """
        return build(self.features, self._palette, self.alt())

    def alt(self) -> str:
        """One sentence that says what the picture shows, for people who cannot see it."""
        ground, many = self._layer.ground, len(self.features)
        pairs = many * (many - 1) // 2
        found = {c.features for c in self.atlas.conflicts if len(c.features) == 2}
        return (f"A matrix of {many} features on QEMU {ground.qemu}, {ground.board}: {len(found)} of {pairs} "
                f"pairs {'has' if len(found) == 1 else 'have'} something that neither of them has alone.")

    def text(self) -> str:
        """The same facts in words."""
        return self.atlas.text()

    def __str__(self) -> str:
        return self.text()

    def html(self, script: bool | None = None) -> str:
        """The picture as HTML that needs nothing from outside.

        With ``script`` it brings BokehJS along; None means: only the first time in this kernel.
        Without Bokeh the choice of features and the explanations work; without scripts the words show.
        """
        data = _js(self.data())
        name = svg.named(f"{svg.NAME}{data}{self.theme}")[:12] + "-atlas"
        item, first = "null", ""
        try:
            bokehjs.require()
            from bokeh.embed import json_item

            item = _js(json_item(self.figure()))
            first = bokehjs.once() if script is None else bokehjs.inline_script() if script else ""
        except Unavailable:
            pass
        swap = _js(swap_table()) if self.theme == "auto" else "null"
        places = places_of(self.features)
        live = (
            f'<div class="live" role="img" aria-label="{svg.escape(self.alt())}" '
            f'style="min-height:{places.height + 6}px"><div></div></div>' if item != "null" else ""
        )
        return (
            f'<section id="{name}" class="memkit-atlas"><style>{css(self.theme, f"#{name}")}'
            f'{_layout(f"#{name}")}</style><p><strong>{svg.escape(self.atlas.heading)}</strong></p>'
            f'<div class="work" hidden>{self._choice()}<div class="stage">{live}'
            f'<div class="said" aria-live="polite" tabindex="0"></div>{self._legend()}</div></div>'
            "<details open><summary>The same in words</summary>"
            f"<pre>{svg.escape(self.text())}</pre></details>"
            f"</section>{first}<script>{SCRIPT % (data, item, swap, name)}</script>"
        )

    def _choice(self) -> str:
        options = ""
        for area, title in AREAS.items():
            here = [(n, f) for n, f in enumerate(self.features) if f.area == area]
            inner = "".join(
                f'<option value="{n}" title="{svg.escape(f.title)}">{svg.escape(f.name)}</option>'
                for n, f in here
            )
            options += f'<optgroup label="{svg.escape(title)}">{inner}</optgroup>' if here else ""
        third = self.atlas.size >= 3
        return (
            f'<p class="pick"><label>Feature <select class="a">{options}</select></label> '
            f'<label>with <select class="b">{options}</select></label> '
            f'<label{"" if third else " hidden"}>and also <select class="c"><option value="-1">nothing else'
            f"</option>{options}</select></label> "
            '<label><input type="checkbox" class="all"> count what fewer of them show</label></p>'
        )

    def _legend(self) -> str:
        rows = "".join(
            f'<li><svg width="16" height="16" aria-hidden="true"><rect x="1" y="1" width="14" height="14" '
            f'class="{_class(look.fill, look.line)}"/><text x="8" y="12" text-anchor="middle" '
            f'class="{"on" if look.ink == "page" else "m" if look.ink == "muted" else "b"}">{look.letter}'
            f"</text></svg> {svg.escape(look.words)}</li>"
            for look in LOOKS.values()
        )
        return f'<ul class="key" aria-label="What the letters mean">{rows}</ul>'

    def save(self, path: str) -> None:
        """Write the picture to ``path`` as a page of its own."""
        whole = (
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            f"<title>{svg.escape(self.alt())}</title><style>body{{margin:0}}{css(self.theme, 'body')}</style>"
            f"<body>{self.html(script=True)}</body></html>"
        )
        with open(path, "w", encoding="utf-8") as file:
            file.write(whole)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self.html()}


def _class(fill: str, line: str) -> str:
    return _CLASSES.get(fill) or f"a-{line.removesuffix('-line')}"


def _js(value: Any) -> str:
    """A value as JavaScript that is safe inside a script element."""
    return json.dumps(value, separators=(",", ":")).replace("</", "<\\/").replace("<!--", "<\\!--")


def _layout(s: str) -> str:
    return (
        f"{s}{{font:13px/1.45 {SANS};padding:6px 10px;container-type:inline-size}}"
        f"{s} p{{margin:2px 0 6px}}{s} .pick label{{margin-right:14px}}"
        f"{s} select{{font:12px {MONO};max-width:190px}}"
        f"{s} .stage{{position:relative}}"
        f"{s} .said{{position:absolute;top:0;right:0;left:560px;max-height:282px;overflow:auto;"
        "padding:0 4px;border-bottom:1px solid color-mix(in srgb,currentColor 35%,transparent)}"
        f"{s} .said h4{{font:600 14px {MONO};margin:0 0 4px}}{s} .said h5{{font-size:13px;margin:6px 0 2px}}"
        f"{s} dl{{display:grid;grid-template-columns:max-content 1fr;gap:1px 10px;margin:0 0 6px}}"
        f"{s} dt{{font-weight:600}}{s} dd{{margin:0;overflow-wrap:anywhere}}"
        f"{s} code{{font:12px {MONO}}}{s} details{{margin-top:8px}}"
        f"{s} pre{{white-space:pre-wrap;font-size:12px}}"
        f"{s} .key{{position:absolute;right:0;bottom:4px;list-style:none;margin:0;padding:0;width:226px}}"
        f"{s} .key svg{{vertical-align:-3px}}{s} .key text{{font:bold 11px {SANS}}}"
        f"@container (max-width:960px){{{s} .said,{s} .key{{position:static;width:auto;max-height:none}}"
        f"{s} .live{{overflow-x:auto}}}}"
    )
