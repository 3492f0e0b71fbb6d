"""The command ``memkit atlas``: what goes wrong only when features come together."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from memkit.cli.commands import print_json
from memkit.errors import MemkitError, Unavailable

if TYPE_CHECKING:
    from memkit.atlas import Atlas

__all__ = ["atlas"]


def atlas(arguments: argparse.Namespace) -> int:
    """0 after the atlas, or after what becomes of the features that are named."""
    from memkit.atlas import atlas

    if arguments.lines:
        raise MemkitError("the atlas makes its own command lines; name features instead, or none for all")
    found = atlas(arguments.features, arguments.size, arguments.qemu, fresh=arguments.fresh)
    if arguments.output:
        _save(found, arguments.output)
    elif arguments.names:
        cell = found.cell(*arguments.names)
        print_json(cell.data()) if arguments.json else print(cell)
    elif arguments.json:
        print_json(found.data())
    else:
        print(found)
    return 0


def _save(found: Atlas, path: str) -> None:
    try:
        found.picture().save(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Unavailable(f"cannot write {path}: {reason}. Name another file with -o") from None
    print(f"wrote {path}", file=sys.stderr)
