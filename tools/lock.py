"""Renew requirements-lock.txt: every dependency of the lab and the tests, pinned, with hashes.

``lock.py`` takes the newest versions that work together; ``lock.py --keep`` changes only what
pyproject.toml forces to change.  One file serves Linux and macOS.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMPILE = (
    "pip", "compile", "pyproject.toml", "--extra", "lab", "--extra", "test", "--universal",
    "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-emit-index-url",
    "--no-emit-find-links", "--quiet", "--output-file", "requirements-lock.txt",
)


def main() -> int:
    """The exit code of uv, which is fetched for this one run and thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, "uv"]
        fetched = subprocess.run(pip, check=False)
        if fetched.returncode:
            return fetched.returncode
        upgrade = [] if "--keep" in sys.argv[1:] else ["--upgrade"]
        command = [f"{folder}/bin/uv", *COMPILE, *upgrade]
        return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
