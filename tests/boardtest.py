"""What the tests of boards ask of a guest."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import memkit

__all__ = ["places", "refused", "starts"]


def refused(boot: Callable[..., memkit.Guest], *words: str) -> str:
    """The first line of QEMU's refusal of ``boot(*words)``; the test fails if there is none."""
    with pytest.raises(memkit.Refused) as caught:
        boot(*words)
    return caught.value.message.partition("\n")[0]


def places(guest: memkit.Guest, name: str) -> list[tuple[int, int]]:
    """First address and size of each flat range of a region."""
    ranges = guest.flat_view("memory").ranges
    return [(r.start, r.size) for r in ranges if r.region.name == name]


def starts(guest: memkit.Guest, name: str) -> list[int]:
    """The first address of each flat range of a region."""
    return [start for start, _ in places(guest, name)]
