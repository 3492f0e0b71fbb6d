"""Make the project's own environment from the lock file: ``bootstrap.py .venv``.

Runs on the standard library and needs no root.  Debian and Ubuntu ship python3 without pip and
ensurepip; the pip wheel beside this file installs itself into the environment, so neither is
needed.  pip then uses its own configuration, as on any machine.

A second run compares a fingerprint of what the environment was made from and does nothing.  The file
is written so that a Python from 3.6 on can read it and say that it is too old.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements-lock.txt"
OLDEST = (3, 11)
NEWER = ("python3.14", "python3.13", "python3.12", "python3.11")


def say(text: str) -> None:
    """Print one sentence for the person who typed make."""
    print(text, file=sys.stderr, flush=True)


def find_newer() -> "str | None":
    """The path of another Python on PATH that is new enough; None if there is none."""
    return next((path for path in map(shutil.which, NEWER) if path), None)


def fingerprint() -> str:
    """What the environment depends on: the lock, the declared packages, Python's version, the place."""
    import tomllib

    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    parts = (
        LOCK.read_text(encoding="utf-8"),
        repr((declared["build-system"], declared["project"])),
        repr(sys.version_info[:2]),
        str(ROOT),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def pip(python: Path, *words: str) -> bool:
    """True if the bundled pip did what ``words`` say, inside the environment.

    What pip says is shown if it fails; warnings about a machine's own configuration are no news.
    """
    wheel = max((ROOT / "tools").glob("pip-*.whl"))
    command = [str(python), f"{wheel}/pip", "--disable-pip-version-check", "--quiet", *words]
    # Another tool's PYTHONPATH or PIP_TARGET must not lead packages elsewhere.
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET")}
    done = subprocess.run(
        command, check=False, env=clean, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        say(done.stdout.decode("utf-8", "replace").strip())
    return done.returncode == 0


def make_environment(target: Path) -> Path:
    """The environment's Python; the environment is made anew if it is broken or of another version."""
    import venv

    python = target / "bin" / "python"
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    fits = python.exists() and (target / "lib" / f"python{version}").exists()
    if not fits:
        say(f"making the environment {target} with Python {version} ...")
        venv.EnvBuilder(with_pip=False, symlinks=True, clear=target.exists()).create(target)
    return python


def main() -> int:
    """0 when the environment is ready; otherwise a sentence on stderr and 1."""
    if sys.version_info < OLDEST:
        newer = find_newer()
        if newer:
            os.execv(newer, [newer, *sys.argv])
        found = ".".join(map(str, sys.version_info[:3]))
        say(f"memkit needs Python 3.11 or newer, and {sys.executable} is {found}. "
            "Install a newer one and name it: make lab PYTHON=python3.12")
        return 1
    target = Path(sys.argv[1] if len(sys.argv) > 1 else ".venv")
    stamp = target / ".ready"
    wanted = fingerprint()
    if stamp.exists() and stamp.read_text() == wanted and (target / "bin" / "python").exists():
        return 0
    try:
        python = make_environment(target)
    except (ImportError, OSError, subprocess.CalledProcessError) as error:
        say(f"Python's venv module does not work here ({error}). "
            "On Debian and Ubuntu this helps: sudo apt install python3-venv")
        return 1
    if stamp.exists():
        stamp.unlink()
    say("installing what the lock file lists (a minute or two the first time) ...")
    wheel = max((ROOT / "tools").glob("pip-*.whl"))
    ready = (
        pip(python, "install", "--no-index", str(wheel))
        and pip(python, "install", "--require-hashes", "--requirement", str(LOCK))
        # hatchling comes from the lock, so nothing unpinned is fetched for this step.
        and pip(python, "install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    )
    if not ready:
        say("pip could not install everything; its message is above. With the network back, run the "
            "same command again: it goes on where it stopped.")
        return 1
    stamp.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
