"""Colours, patterns and fonts: the one place where the look of every picture is decided.

Colour says what kind of memory it is; pattern says how the host backs it.  The hues derive
from the palette of Okabe and Ito, which people with any kind of colour vision can tell
apart; each hue comes as a line colour and a quiet fill.

Source: M. Okabe and K. Ito, Color Universal Design, 2008; contrast as in WCAG 2.2, 1.4.3.
"""

from __future__ import annotations

from dataclasses import dataclass

from memkit.errors import MemkitError

__all__ = [
    "BACKINGS", "BACKING_NAMES", "KINDS", "KIND_NAMES", "MONO", "SANS", "THEMES", "Ink", "Theme",
    "contrast", "css", "hatch", "resolve", "swap_table",
]

SANS = "'Helvetica Neue',Helvetica,Arial,'DejaVu Sans',sans-serif"
MONO = "'DejaVu Sans Mono',Menlo,Consolas,'Liberation Mono',monospace"

KIND_NAMES = {
    "ram": "RAM", "pmem": "persistent memory", "device": "device memory", "rom": "ROM",
    "table": "firmware tables", "io": "i/o", "nobody": "nobody",
}
KINDS = tuple(KIND_NAMES)
BACKING_NAMES = {
    "private": "private pages", "shared": "shared", "huge": "huge pages", "pmem": "pmem file",
    "file": "private file mapping", "unknown": "not known how",
}
BACKINGS = tuple(BACKING_NAMES)

# Bokeh's names for the patterns that svg.patterns draws.
_HATCHES = {
    "private": " ", "shared": "right_diagonal_line", "huge": "cross", "pmem": "dot",
    "file": "horizontal_line", "unknown": "ring",
}
HATCH_ALPHA = 0.22


@dataclass(frozen=True, slots=True)
class Ink:
    """A kind's two colours: ``line`` for borders and edges, ``fill`` for areas under text."""

    line: str
    fill: str


@dataclass(frozen=True, slots=True)
class Theme:
    """A palette: page colours and an Ink for each kind of memory."""

    name: str
    page: str
    card: str
    text: str
    muted: str
    rule: str
    focus: str
    kinds: dict[str, Ink]

    def colours(self) -> dict[str, str]:
        """Every colour of the palette by the name of its role."""
        roles = {r: getattr(self, r) for r in ("page", "card", "text", "muted", "rule", "focus")}
        for kind, ink in self.kinds.items():
            roles[f"{kind}-line"], roles[f"{kind}-fill"] = ink.line, ink.fill
        return roles


# Not pure white: Bokeh leaves out what equals its defaults, and swap_table() would miss it.
LIGHT = Theme(
    "light", page="#fefefe", card="#f6f7f9", text="#14181d", muted="#55606c", rule="#c9ced5",
    focus="#000000",
    kinds={
        "ram": Ink("#00629f", "#cfe6f6"),
        "pmem": Ink("#8d2f76", "#f3d5ea"),
        "device": Ink("#006b4d", "#c8ecdf"),
        "rom": Ink("#a84000", "#fddfca"),
        "table": Ink("#716000", "#f4ebb1"),
        "io": Ink("#56606b", "#e2e5e9"),
        "nobody": Ink("#7c858f", "#fbfbfc"),
    },
)
DARK = Theme(
    "dark", page="#111519", card="#1a2026", text="#eceff2", muted="#a6b0bb", rule="#3b444e",
    focus="#fffffe",
    kinds={
        "ram": Ink("#62b5f0", "#10324c"),
        "pmem": Ink("#e695cb", "#45203b"),
        "device": Ink("#4ccfa2", "#0e3b2d"),
        "rom": Ink("#ff9c5b", "#4b270f"),
        "table": Ink("#e3d257", "#3a3510"),
        "io": Ink("#a9b3bf", "#2a3139"),
        "nobody": Ink("#8b95a1", "#14191e"),
    },
)
THEMES = {"light": LIGHT, "dark": DARK}


def resolve(name: str) -> Theme:
    """The palette that a theme name begins with: "auto" begins light and follows the page.

    Raises MemkitError for other names than light, dark and auto.

    >>> resolve("auto").name
    'light'
    """
    if name == "auto":
        return LIGHT
    if name not in THEMES:
        raise MemkitError(f"no theme is called {name!r}; use 'light', 'dark' or 'auto'")
    return THEMES[name]


def hatch(backing: str) -> str:
    """Bokeh's name for the pattern of a backing.

    >>> hatch("shared")
    'right_diagonal_line'
    """
    return _HATCHES.get(backing, " ")


def _rules(theme: Theme, scope: str) -> str:
    s = scope
    lines = [
        f"{s}{{color:{theme.text};background:{theme.page}}}",
        f"{s} th,{s} td{{border-bottom:1px solid {theme.rule};background:{theme.page}}}",
        f"{s} th.q,{s} td.q{{background:{theme.card}}}{s} small{{color:{theme.muted}}}",
        f"{s} .page{{fill:{theme.page}}}", f"{s} text{{fill:{theme.text}}}",
        f"{s} text.m{{fill:{theme.muted}}}",
        f"{s} text.on{{fill:{theme.page};font-weight:700}}",
        f"{s} .rule{{stroke:{theme.rule};fill:none}}",
        f"{s} .card{{fill:{theme.card};stroke:{theme.rule}}}",
        f"{s} .thin{{stroke:{theme.muted};fill:none}}",
        f"{s} .hs{{stroke:{theme.text};fill:none}}", f"{s} .hf{{fill:{theme.text}}}",
        f"{s} .sel{{stroke:{theme.focus};fill:none}}",
    ]
    for kind, ink in theme.kinds.items():
        lines.append(f"{s} .a-{kind}{{fill:{ink.fill};stroke:{ink.line}}}")
        lines.append(f"{s} .l-{kind}{{stroke:{ink.line};fill:none}}")
        lines.append(f"{s} .f-{kind}{{fill:{ink.line}}}")
    return "".join(lines)


def css(name: str, scope: str) -> str:
    """Style rules below the selector ``scope``; those of "auto" follow JupyterLab or the system.

    >>> "prefers-color-scheme" in css("auto", "#p"), "prefers-color-scheme" in css("dark", "#p")
    (True, False)
    """
    rules = _rules(resolve(name), scope)
    if name == "auto":
        rules += "@media (prefers-color-scheme:dark){" + _rules(DARK, scope) + "}"
        # A JupyterLab theme outranks the system's wish.
        for value, theme in (("true", LIGHT), ("false", DARK)):
            rules += _rules(theme, f"[data-jp-theme-light={value}] {scope}")
    return rules


def swap_table() -> dict[str, str]:
    """Light colour to dark colour: a page turns a light Bokeh document dark with it.

    >>> swap_table()["#fefefe"]
    '#111519'
    """
    dark = DARK.colours()
    return {colour: dark[role] for role, colour in LIGHT.colours().items()}


def contrast(one: str, other: str) -> float:
    """The WCAG contrast ratio of two colours written ``#rrggbb``: 1 to 21.

    >>> round(contrast("#ffffff", "#000000"))
    21
    """
    bright, dim = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _luminance(colour: str) -> float:
    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
