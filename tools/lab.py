"""Open JupyterLab on the start notebook; arguments go to JupyterLab.

The settings that the kit ships (no question about news, no announcements) live in lab/ beside
the user's own, which stay untouched.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
START = "notebooks/00-start-here.ipynb"


def command(arguments: list[str]) -> list[str]:
    """The argv that starts JupyterLab in the kit's folder."""
    return [sys.executable, "-m", "jupyterlab", f"--notebook-dir={ROOT}", *arguments, START]


def environment() -> dict[str, str]:
    """The environment with the kit's JupyterLab settings in front."""
    return {**os.environ, "JUPYTER_CONFIG_PATH": str(ROOT / "binder" / "jupyter")}


if __name__ == "__main__":
    os.chdir(ROOT)
    arguments = sys.argv[1:]
    if hasattr(os, "geteuid") and os.geteuid() == 0 and "--allow-root" not in arguments:
        arguments.append("--allow-root")
    os.execve(sys.executable, command(arguments), environment())
