"""Make the project's own environment from the lock file: ``bootstrap.py .venv``.

Runs on the standard library.  Debian's python3 comes without pip and ensurepip; then the pip
wheel beside this file installs itself into the environment, so that nothing needs root.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements-lock.txt"


def main() -> int:
    """0 when the environment is ready; otherwise a sentence on stderr and 1."""
    if sys.version_info < (3, 11):
        found = ".".join(map(str, sys.version_info[:3]))
        print(f"memkit needs Python 3.11 or newer; {sys.executable} is {found}. "
              "Try: make lab PYTHON=python3.12", file=sys.stderr)
        return 1
    target = Path(sys.argv[1])
    python = target / "bin" / "python"
    if not python.exists():
        print(f"making the environment {target} ...", flush=True)
        venv.EnvBuilder(with_pip=False, symlinks=True).create(target)
    wheels = sorted((ROOT / "tools").glob("pip-*.whl"))
    pip = [str(python), f"{wheels[-1]}/pip", "--disable-pip-version-check"]
    print("installing what the lock file lists (a minute or two the first time) ...", flush=True)
    for words in (
        ["install", "--quiet", "--require-hashes", "--requirement", str(LOCK)],
        ["install", "--quiet", "--no-deps", "--editable", str(ROOT)],
    ):
        done = subprocess.run([*pip, *words], check=False)
        if done.returncode:
            print(f"pip could not {' '.join(words[:1])}: see its message above. Without a network, "
                  "`python3 -m memkit` still runs the model.", file=sys.stderr)
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
