"""Colours: readable, and apart for every kind of colour vision."""

from __future__ import annotations

import re
from itertools import combinations

import pytest

from memkit.draw import theme
from memkit.errors import MemkitError

PALETTES = pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK], ids=lambda p: p.name)


@PALETTES
def test_text_is_readable_on_every_area(palette: theme.Theme) -> None:
    areas = [palette.page, palette.card, *(ink.fill for ink in palette.kinds.values())]
    assert min(theme.contrast(palette.text, area) for area in areas) >= 7
    assert min(theme.contrast(palette.muted, a) for a in (palette.page, palette.card)) >= 4.5


@PALETTES
def test_lines_stand_out_from_page_and_fill(palette: theme.Theme) -> None:
    for ink in palette.kinds.values():
        assert theme.contrast(ink.line, palette.page) >= 3
        assert theme.contrast(ink.line, ink.fill) >= 3


# Machado, Oliveira and Fernandes (2009), full severity, for linear RGB.
VISION = {
    "full": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216),
               (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413),
               (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602),
               (0.004733, 0.691367, 0.303900)),
}


def seen(colour: str, vision: str) -> tuple[float, float, float]:
    """A colour in CIE Lab, as a kind of colour vision sees it."""
    rgb = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    r, g, b = (
        min(max(sum(w * c for w, c in zip(row, linear, strict=True)), 0), 1)
        for row in VISION[vision]
    )
    xyz = (
        (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
    )
    x, y, z = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@PALETTES
@pytest.mark.parametrize("vision", VISION)
def test_kinds_of_memory_differ_for_every_colour_vision(palette: theme.Theme, vision: str) -> None:
    for one, other in combinations(["ram", "pmem", "device", "rom", "table"], 2):
        apart = [
            sum(
                (a - b) ** 2
                for a, b in zip(
                    seen(getattr(palette.kinds[one], part), vision),
                    seen(getattr(palette.kinds[other], part), vision),
                    strict=True,
                )
            ) ** 0.5
            for part in ("line", "fill")
        ]
        assert max(apart) >= 10, (one, other, apart)


def test_every_light_colour_has_one_dark_colour() -> None:
    light = theme.LIGHT.colours()
    assert len(set(light.values())) == len(light)
    assert theme.swap_table() == {c: theme.DARK.colours()[r] for r, c in light.items()}


def test_the_automatic_theme_follows_jupyterlab_and_the_system() -> None:
    rules = theme.css("auto", "#p")
    assert "@media (prefers-color-scheme:dark)" in rules
    assert "[data-jp-theme-light=false] #p" in rules
    assert not re.search("prefers|jp-theme", theme.css("light", "#p"))


def test_an_unknown_theme_is_told_with_the_known_ones() -> None:
    with pytest.raises(MemkitError, match=r"'sepia'.*'light', 'dark' or 'auto'"):
        theme.resolve("sepia")


def test_every_kind_and_backing_has_a_name_and_a_look() -> None:
    assert set(theme.LIGHT.kinds) == set(theme.DARK.kinds) == set(theme.KINDS)
    assert len({theme.hatch(b) for b in theme.BACKINGS}) == len(theme.BACKINGS)
