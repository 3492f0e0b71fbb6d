"""Open JupyterLab on the start notebook; arguments go to JupyterLab.

The settings that the kit ships (no question about news, no look for updates) lie in
``binder/jupyter`` and are read beside the user's own, which stay as they are.  The layout of tabs
begins with the sidebar closed and is kept in the project's environment, so that other projects'
tabs do not open here.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

__all__ = ["command", "environment", "lay_out"]

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = ROOT / "binder" / "jupyter"
LAYOUT = ROOT / "binder" / "workspaces"
KEPT = Path(sys.prefix) / "var" / "workspaces"
START = "notebooks/00-start-here.ipynb"


def command(arguments: list[str]) -> list[str]:
    """The argv that starts JupyterLab in the kit's folder, on the start notebook."""
    words = list(arguments)
    if not any(word.endswith(".ipynb") or "default_url" in word for word in words):
        # As the server's first page, so that the address it prints leads there as well.
        words.append(f"--LabApp.default_url=/lab/tree/{START}")
    if hasattr(os, "geteuid") and os.geteuid() == 0 and "--allow-root" not in words:
        words.insert(0, "--allow-root")
    return [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={ROOT}", *words]


def environment() -> dict[str, str]:
    """The environment with the kit's settings beside the user's and its programs on PATH."""
    paths = [str(SETTINGS), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    return {
        **os.environ,
        "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, paths)),
        "JUPYTERLAB_WORKSPACES_DIR": str(KEPT),
        "PATH": os.pathsep.join([str(Path(sys.prefix) / "bin"), os.environ.get("PATH", os.defpath)]),
    }


def lay_out() -> None:
    """Let the first start have its sidebar closed, so that pictures fit; later the user's layout stays."""
    if not KEPT.exists():
        shutil.copytree(LAYOUT, KEPT)


if __name__ == "__main__":
    os.chdir(ROOT)
    lay_out()
    os.execve(sys.executable, command(sys.argv[1:]), environment())
