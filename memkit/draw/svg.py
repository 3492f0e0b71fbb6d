"""Small pieces of SVG: escaped text, boxes, patterns, and the frame of a picture.

Everything is written by hand into strings: an SVG needs no library, no font file and no
network, and a picture is rebuilt in well under a millisecond.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from memkit.draw import theme
from memkit.draw.text import shorten

__all__ = [
    "NAME", "box", "document", "escape", "fitted", "legend", "named", "patterns", "swatch", "text",
    "text_width",
]

# Stands for the picture's name until document() knows it.
NAME = "mk-this-picture"

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
# XML 1.0 allows no control characters but tab and line ends.
_BANNED = (*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF)
_ESCAPES.update(dict.fromkeys(_BANNED, "\N{REPLACEMENT CHARACTER}"))
_UNSAFE = re.compile(f"[{re.escape(''.join(map(chr, _ESCAPES)))}]")


def escape(value: object) -> str:
    """Text that is safe inside SVG and HTML, in content and in attributes.

    >>> escape('<m1 "x">')
    '&lt;m1 &quot;x&quot;&gt;'
    """
    said = str(value)
    # Nearly all text is safe, and looking is five times faster than translating.
    return said.translate(_ESCAPES) if _UNSAFE.search(said) else said


def text_width(value: str, size: float = 12) -> float:
    """About how wide a line of sans-serif text is at most, in pixels.

    Measured on DejaVu Sans, the widest of the fonts in use; others need up to a sixth less.

    >>> text_width("iii") < text_width("MMM")
    True
    """
    narrow = sum(c in "iljtfrI.,:;'|!()- /" for c in value)
    wide = sum(c in "mwMWOQGDHNCU@%" for c in value)
    return size * (0.625 * len(value) - 0.27 * narrow + 0.22 * wide)


def fitted(value: str, room: float, size: float = 12, bold: bool = False) -> str:
    """The text, cut in its middle where it is wider than ``room`` pixels.

    >>> fitted("0000:00:02.0/vga.vram", 100)
    '0000…/vga.vram'
    """
    scale = size * (1.11 if bold else 1)
    keep = len(value)
    while keep > 4 and text_width(shorten(value, keep), scale) > room:
        keep -= 1
    return shorten(value, keep)


def text(x: float, y: float, value: str, cls: str = "", anchor: str = "") -> str:
    """A line of text with its baseline at ``y``."""
    c = f' class="{cls}"' if cls else ""
    a = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{c}{a}>{escape(value)}</text>'


def box(
    x: float, y: float, w: float, h: float, cls: str, *, radius: float = 3, hatch: str = ""
) -> str:
    """A rectangle; ``hatch`` (an id of patterns(), with prefix) is laid over its fill."""
    w, h = max(w, 0), max(h, 0)
    place = f'x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="{radius}"'
    over = f'<rect {place} fill="url(#{hatch})" stroke="none"/>' if hatch else ""
    return f'<rect {place} class="{cls}"/>{over}'


def patterns(prefix: str) -> str:
    """The definitions of one pattern for each backing; private pages have none."""
    o = f'opacity="{theme.HATCH_ALPHA}"'

    def tile(name: str, size: int, inside: str, turn: str = "") -> str:
        return (
            f'<pattern id="{prefix}-{name}" width="{size}" height="{size}" '
            f'patternUnits="userSpaceOnUse"{turn}>{inside}</pattern>'
        )

    return "<defs>" + "".join((
        tile("shared", 8, f'<path d="M0 0V8" class="hs" stroke-width="2.4" {o}/>',
             ' patternTransform="rotate(45)"'),
        tile("huge", 12, f'<path d="M0 .6H12M.6 0V12" class="hs" stroke-width="1.2" {o}/>'),
        tile("pmem", 8, f'<circle cx="4" cy="4" r="1.5" class="hf" {o}/>'),
        tile("file", 6, f'<path d="M0 3H6" class="hs" stroke-width="1.2" {o}/>'),
        tile("unknown", 14, f'<circle cx="7" cy="7" r="3" class="hs" stroke-width="1.2" {o}/>'),
    )) + "</defs>"


def swatch(x: float, y: float, kind: str, backing: str) -> str:
    """A small sample of a kind and a backing, for legends."""
    over = f"{NAME}-{backing}" if backing not in {"", "private"} else ""
    return box(x, y, 22, 13, f"a-{kind}", radius=2, hatch=over)


def legend(
    x: float, y: float, kinds: Iterable[str], backings: Iterable[str], notes: Iterable[str] = ()
) -> str:
    """A line that explains the colours in use and, below it, one for patterns and ``notes``."""
    out: list[str] = []
    rows = (
        ("Colour", [(k, "", theme.KIND_NAMES[k]) for k in kinds]),
        ("Pattern", [("io", b, theme.BACKING_NAMES[b]) for b in backings]),
    )
    for at, (title, samples) in enumerate(rows):
        right = x + 58
        top = y + 21 * at
        out.append(text(x, top + 11, title, "s m"))
        for kind, backing, name in samples:
            out.append(swatch(right, top, kind, backing))
            out.append(text(right + 28, top + 11, name, "s"))
            right += 50 + text_width(name)
    for note in notes:
        out.append(text(right, top + 11, note, "s m"))
        right += 22 + text_width(note)
    return "".join(out)


def document(
    width: float, height: float, title: str, description: str, body: str,
    *, theme_name: str, style: str = "",
) -> str:
    """A whole SVG picture with its words for screen readers, its style and its background.

    Style rules and patterns of an inline SVG hold for the whole page, so each picture gets a
    name of its own, made from its contents: equal pictures are equal to the byte.
    """
    name = NAME
    scope = f"#{name}"
    base = (
        f"{scope}{{font-family:{theme.SANS};font-size:13px}}"
        f"{scope} text{{stroke:none}}"
        f"{scope} .t{{font-weight:600;font-size:13.5px}}"
        f"{scope} .h{{font-weight:600;font-size:14px}}"
        f"{scope} .s{{font-size:12px}}"
        f"{scope} .c{{font-family:{theme.MONO};font-size:12px}}"
    )
    whole = (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{name}" role="img" '
        f'aria-label="{escape(title)}" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" style="max-width:100%;height:auto">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
        f"<style>{base}{theme.css(theme_name, scope)}{style}</style>{patterns(name)}"
        f'<rect width="100%" height="100%" class="page" stroke="none"/>{body}</svg>'
    )
    return named(whole)


def named(picture: str) -> str:
    """The picture with NAME replaced by a short name made from its contents."""
    digest = hashlib.sha256(picture.encode("utf-8", "replace")).hexdigest()
    return picture.replace(NAME, f"mk{digest[:10]}")
