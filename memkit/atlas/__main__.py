"""Compute the atlas of every release anew and write it to data/atlas.

usage: python -m memkit.atlas [VERSION ...]
"""

from __future__ import annotations

import sys
import time

from memkit.atlas.cached import write_layer
from memkit.atlas.whole import atlas
from memkit.errors import MemkitError
from memkit.versions import KNOWN_QEMU

__all__: list[str] = []


def main(versions: list[str]) -> int:
    """0 after the files were written, 2 for a version that is not known."""
    for qemu in versions or KNOWN_QEMU:
        if qemu not in KNOWN_QEMU:
            print(f"{qemu!r} is no release of the kit; they are: {', '.join(KNOWN_QEMU)}", file=sys.stderr)
            return 2
    for qemu in versions or KNOWN_QEMU:
        begun = time.perf_counter()
        try:
            made = atlas(qemu=qemu, fresh=True)
        except MemkitError as error:
            print(error, file=sys.stderr)
            return 2
        path = write_layer(made.layers[0])
        print(f"{path}: {made.heading} ({time.perf_counter() - begun:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
