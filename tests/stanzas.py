"""The texts of info mtree and info memdev in an order that two runs share."""

from __future__ import annotations

import re

__all__ = ["stanzas"]


def stanzas(text: str) -> list[str]:
    """The stanzas, sorted; the address spaces that share one, too, and the numbers of FlatViews left out."""
    found = []
    for stanza in re.split(r"\n\n+|\n(?=memory backend)", text.strip("\n")):
        lines = [re.sub(r"^(FlatView) #\d+", r"\1", line.rstrip()) for line in stanza.split("\n")]
        heads = sorted(line for line in lines if re.match(r" AS |address-space", line))
        found.append("\n".join([*heads, *(line for line in lines if line not in heads)]))
    return sorted(filter(None, found))
