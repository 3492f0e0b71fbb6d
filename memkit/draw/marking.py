"""How pictures mark what changed between two guests: a sign, an outline and a word, never colour alone.

A thing of the second guest that changed has its signs in a badge and a heavy outline; a thing that only
the first guest has is a *ghost*: hollow, with a dotted outline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from memkit.diff.change import WORDS, Change, sentences
from memkit.diff.marks import NO_MARK, Mark, Marks
from memkit.draw import svg
from memkit.draw.text import field, plural

if TYPE_CHECKING:
    from memkit.diff import Difference

__all__ = [
    "BESIDES_ROW", "LEGEND_ROW", "PAST", "SIGNS", "badge", "badge_width", "besides", "besides_line",
    "besides_words", "counted", "dash", "hollow", "key", "legend_row", "mark_of", "outline", "said",
    "signs", "title", "used",
]

SIGNS = dict(zip(WORDS, ("+", "-", "=", ">", "~", "*"), strict=True))
# Where something was in the first guest: no word of its own, for the thing itself is marked.
PAST = "was"
_DASHES = {"appeared": "", "vanished": "2 3", PAST: "2 3"}
_OTHER_DASH = "6 3"
LEGEND_ROW, BESIDES_ROW = 30, 21  # pixels


def mark_of(marks: Marks | None, thing: object) -> Mark:
    """The Mark of a thing; in a picture of one guest nothing is marked."""
    return NO_MARK if marks is None else marks.of(thing)


def signs(words: Iterable[str]) -> str:
    """The signs of some words, as a badge shows them.

    >>> signs(("renamed", "moved"))
    '=>'
    """
    return "".join(SIGNS[w] for w in words)


def said(words: Sequence[str], was: Sequence[str]) -> str:
    """A mark in words, for the text twin and for tables.

    >>> said(("moved",), ("was at 0x0",))
    '> moved: was at 0x0'
    """
    if not words:
        return ""
    return f"{signs(words)} {', '.join(words)}" + (f": {', '.join(was)}" if was else "")


def key(words: Sequence[str]) -> str:
    """The meaning of the signs in use, for the text twin.

    >>> key(["appeared", "moved"])
    '+ appeared, > moved'
    """
    return ", ".join(f"{SIGNS[w]} {w}" for w in words) or "nothing here changed"


def dash(words: Sequence[str]) -> str:
    """The dashes of an outline as SVG writes them; "" is a solid line.

    >>> dash(("appeared",)), dash(("moved", "resized"))
    ('', '6 3')
    """
    return _DASHES.get(words[0], _OTHER_DASH) if words else ""


def title(difference: Difference, what: str) -> str:
    """The title of a picture of a difference: which guests, and what it shows."""
    return f"{difference.title}: {what}"


def besides(difference: Difference, drawn: Callable[[Change], bool]) -> list[str]:
    """What changed that a picture has no place for, in sentences; ``drawn`` says what it shows."""
    return list(sentences([c for c in difference.changes if not drawn(c)]))


def besides_line(x: float, y: float, width: float, found: Sequence[str]) -> str:
    """The line below a picture that says what else changed; point at it to read all."""
    if not found:
        return ""
    more = f" And {len(found) - 1} more." if found[1:] else ""
    said = f"Not drawn here: {found[0]}{more}"
    while len(said) > 20 and svg.text_width(said) > width:
        said = f"{said[: -len(more) - 2 or None].rstrip('…')}…{more}"
    tip = svg.escape(" ".join(found))
    return f'<g><title>{tip}</title>{svg.text(x, y, said, "s")}</g>'


def besides_words(found: Sequence[str]) -> list[str]:
    """The same as lines of a text twin."""
    if not found:
        return []
    return ["", "Not drawn here", *(line for said in found for line in field("", said, 2, 0))]


def used(facts: Iterable[dict[str, Any]]) -> list[str]:
    """The words that these facts are marked with, in the order of WORDS."""
    found = {word for fact in facts for word in fact["mark"]}
    return [w for w in WORDS if w in found]


def counted(facts: Iterable[dict[str, Any]], noun: str) -> str:
    """How many of these facts are marked with which word: ``2 ranges moved, 1 range vanished``."""
    counts = dict.fromkeys(WORDS, 0)
    for fact in facts:
        for word in fact["mark"]:
            counts[word] += fact["count"]
    verb = dict.fromkeys(("renamed", "resized", "changed"), "were ")
    return ", ".join(
        f"{plural(n, noun)} {verb.get(w, '') if n > 1 else verb.get(w, '').replace('were', 'was')}{w}"
        for w, n in counts.items() if n
    )


def badge_width(words: Sequence[str]) -> float:
    """The width of a badge in pixels; 0 without words."""
    return 8 + 7.3 * len(words) if words else 0


def badge(x: float, y: float, words: Sequence[str]) -> str:
    """The signs in a small dark box, 14 pixels high, whose upper left corner is (x, y)."""
    if not words:
        return ""
    width = badge_width(words)
    return (
        f'<g class="d {" ".join(f"d-{w}" for w in words)}">'
        f'{svg.box(x, y, width, 14, "hf", radius=2)}'
        f'{svg.text(x + width / 2, y + 11.5, signs(words), "c on", "middle")}</g>'
    )


def outline(x: float, y: float, w: float, h: float, words: Sequence[str], radius: float = 3) -> str:
    """The heavy outline of a thing that changed; a ghost needs none, its own border is dotted."""
    if not words or words[0] in ("vanished", PAST):
        return ""
    dashes = f' stroke-dasharray="{dash(words)}"' if dash(words) else ""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="{radius}" class="hs"'
        f' stroke-width="1.9"{dashes} pointer-events="none"/>'
    )


def hollow(x: float, y: float, w: float, h: float, kind: str, radius: float = 3) -> str:
    """The border of a ghost: what only the first of two guests has, or where a thing was there."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="{radius}" '
        f'class="l-{kind or "io"}" stroke-dasharray="{dash([PAST])}" pointer-events="all"/>'
    )


def legend_row(x: float, y: float, words: Iterable[str]) -> str:
    """The line of the legend that explains signs and outlines in use."""
    words = list(words)
    if not words:
        return svg.text(x, y + 11, "Change", "s m") + svg.text(x + 58, y + 11, "nothing in this picture", "s")
    out = [svg.text(x, y + 11, "Change", "s m")]
    right = x + 58
    for word in words:
        ghost = word == "vanished"
        out.append(hollow(right, y, 26, 14, "", 2) if ghost else svg.box(right, y, 26, 14, "a-io", radius=2))
        out.append(outline(right, y, 26, 14, (word,), 2))
        out.append(badge(right + 32, y, (word,)).replace('class="d ', 'class="'))
        name = f"{word} (a ghost, not there now)" if ghost else word
        out.append(svg.text(right + 52, y + 11, name, "s"))
        right += 72 + svg.text_width(name)
    return "".join(out)
