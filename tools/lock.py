"""Renew requirements-lock.txt: every dependency of the lab and the tests, pinned, with hashes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """The exit code of uv, which resolves for Linux and macOS at once."""
    subprocess.run([sys.executable, "-m", "pip", "--version"], check=False, capture_output=True)
    command = [
        "uv", "pip", "compile", "pyproject.toml", "--extra", "lab", "--extra", "test", "--universal",
        "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-emit-index-url", "--upgrade",
        "--output-file", "requirements-lock.txt",
    ]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
