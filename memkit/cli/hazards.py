"""The command ``memkit hazards``: what can go wrong, and the line with it mended."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from memkit.cli.commands import guest_of, print_json

if TYPE_CHECKING:
    from memkit.guest import Guest
    from memkit.hazards import Hazards, Mended

__all__ = ["FOUND", "hazards"]

FOUND = 3


def hazards(arguments: argparse.Namespace) -> int:
    """0 after the hazards of one guest, FOUND if one is as bad as --fail-on says."""
    from memkit.hazards import mend, rank, read_operations

    # A typing error is told before a line is asked for.
    limit = -1 if arguments.fail_on == "never" else rank(arguments.fail_on)
    operations = [name for words in arguments.migration or () for name in read_operations(words)]
    guest = guest_of(arguments)
    found = guest.hazards(operations)
    mended = mend(guest, operations)
    if arguments.json:
        print_json(_data(guest, found, mended))
    else:
        print("\n\n".join([str(found), *_mended(found, mended)]))
    return FOUND if found and rank(found.worst) <= limit else 0


def _mended(found: Hazards, mended: Mended) -> list[str]:
    """The paragraphs about the mended line."""
    if not found:
        return []
    if not mended.applied and found.worst == "surprise":
        return ["Nothing is wrong: a surprise is good to know, and the line stays as it is."]
    if not mended.applied:
        return ["No change of the command line is known that mends this."]
    told = [f"Mended ({', '.join(h.id for h in mended.applied)}):\n{mended.config.text()}"]
    known = {hazard.id for hazard in found}
    for words, left in (
        ("Still there", [h for h in mended.left if h.id in known]),
        ("New with it", [h for h in mended.left if h.id not in known]),
    ):
        if left:
            told.append("\n".join([f"{words}:", *(f"  {h.severity}: {h.title} [{h.id}]" for h in left)]))
    return told


def _data(guest: Guest, found: Hazards, mended: Mended) -> dict[str, object]:
    """All of it for programs; "mended" is null where nothing was changed."""
    return {
        "qemu": guest.qemu, "target": guest.target, "machine": guest.machine_type, "worst": found.worst,
        "hazards": found.data(),
        "mended": {
            "line": mended.config.text(), "argv": mended.config.argv(),
            "applied": [hazard.id for hazard in mended.applied], "left": mended.left.data(),
        } if mended.applied else None,
    }
