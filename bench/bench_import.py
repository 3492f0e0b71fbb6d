"""How long a program waits for ``import memkit``, and a notebook for its first guest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from memkit.versions import KNOWN_QEMU

ROUNDS = 11
# -I: only what is installed, and nothing of the user's, is on the way of the import.
TIMED = """
import sys, time
sys.path.insert(0, {root!r})
start = time.perf_counter()
{code}
print(time.perf_counter() - start)
"""


def milliseconds(root: Path, code: str) -> float:
    """How long ``code`` takes in the best of some fresh processes, without the interpreter's own start."""
    program = TIMED.format(root=str(root), code=code)
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    taken = []
    for _ in range(ROUNDS):
        done = subprocess.run(
            [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True,
            env=environment,
        )
        taken.append(float(done.stdout) * 1000)
    return min(taken)


def test_import_memkit_takes_less_than_50_ms(figures, root: Path) -> None:
    figures.at_most("import memkit", milliseconds(root, "import memkit"), 50, "ms")


@pytest.mark.parametrize("qemu", KNOWN_QEMU)
def test_the_first_guest_of_a_process_takes_less_than_half_a_second(figures, root: Path, qemu: str) -> None:
    """All the modules that boot needs are read then, and the facts of this QEMU alone."""
    code = f"import memkit; memkit.boot('-m 4G', qemu={qemu!r}).flat_view()"
    name = f"import memkit and boot the first guest of QEMU {qemu}"
    figures.at_most(name, milliseconds(root, code), 500, "ms")
