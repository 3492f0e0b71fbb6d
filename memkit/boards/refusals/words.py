"""The record of one refusal: QEMU's words with the numbers left open, and ours beside them."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Words"]


class Words(NamedTuple):
    """QEMU's message (a format string), our explanation and hint, and where QEMU's source says it."""

    message: str
    why: str
    hint: str
    source: str
