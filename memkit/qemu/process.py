"""A QEMU process that always ends: with launch, with an error, with Python itself."""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from memkit.errors import MemkitError, Unavailable

__all__ = ["Process", "backing_files", "find_binary"]

MAX_OUTPUT = 256 << 10
_PACKAGES = {
    "x86_64": "x86", "i386": "x86", "aarch64": "arm", "arm": "arm", "ppc64": "ppc", "ppc": "ppc",
    "mips": "mips", "sparc": "sparc", "s390x": "s390x",
}
_alive: weakref.WeakSet[Process] = weakref.WeakSet()


def find_binary(name: str) -> str:
    """The path of the program ``name`` (on PATH, or a path); raises Unavailable with the command to type."""
    found = shutil.which(name) if isinstance(name, str) else None
    if found is not None:
        return found
    if not isinstance(name, str) or re.fullmatch(r"\d+(\.\d+)*", name):
        raise MemkitError(f"qemu= is a program to run, not {name!r:.40}; write qemu='qemu-system-x86_64'")
    if os.sep in name and os.path.isfile(name):
        raise MemkitError(f"{name} is a file that cannot be run; try: chmod +x {shlex.quote(name)}")
    if os.sep in name:
        raise Unavailable(f"there is no program {name}; give the path of a qemu-system program, or qemu=None")
    target = name.rpartition("qemu-system-")[2]
    if sys.platform == "darwin":
        command = "brew install qemu"
    else:
        command = f"sudo apt install qemu-system-{_PACKAGES.get(target, 'misc')}"
    raise Unavailable(f"{name} is not installed; install it with: {command}")


class Process:
    """A running program with one end of a socket pair for QMP; use it in a ``with`` statement.

    What it prints is kept up to 256 KiB.  On leaving, the program and its children are gone.
    """

    def __init__(self, argv: Sequence[str], inherited_fd: int) -> None:
        self._argv, self._fd = argv, inherited_fd
        self._popen: subprocess.Popen[bytes] | None = None
        self._kept: dict[str, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self._readers: list[threading.Thread] = []

    def __enter__(self) -> Process:
        self._scratch = tempfile.TemporaryDirectory(prefix="memkit-", ignore_cleanup_errors=True)
        try:
            with _undisturbed():
                self._start()
        except BaseException:
            self.end()
            raise
        return self

    def _start(self) -> None:
        environment = {
            **os.environ, "TMPDIR": self._scratch.name, "QEMU_AUDIO_DRV": "none", "LC_ALL": "C",
        }
        try:
            popen = self._popen = subprocess.Popen(
                [*_die_with_parent(), *self._argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, pass_fds=[self._fd], env=environment, start_new_session=True,
            )
        except OSError as e:
            raise MemkitError(f"{self._argv[0]} cannot be started: {e.strerror}") from None
        _end_first_if_memory_runs_out(popen.pid)
        if not _alive:
            atexit.register(_end_all)
        _alive.add(self)
        self._readers = [
            threading.Thread(target=self._keep, args=(name, stream), daemon=True)
            for name, stream in (("stdout", popen.stdout), ("stderr", popen.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def __exit__(self, *exc: object) -> None:
        self.end()

    @property
    def pid(self) -> int:
        """The number of the running program; it stays the same where a helper becomes the program."""
        assert self._popen is not None, "use it in a with statement"
        return self._popen.pid

    def wait(self, seconds: float) -> int | None:
        """The exit code (negative: the signal), or None if it still runs after ``seconds``."""
        assert self._popen is not None, "use it in a with statement"
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def output(self, name: str) -> str:
        """What it printed so far on ``stdout`` or ``stderr``; complete once it has ended."""
        if self._popen is not None and self._popen.poll() is not None:
            for reader in self._readers:
                reader.join(1)
        return bytes(self._kept[name]).decode("utf-8", "replace")

    def end(self) -> None:
        """End the program and whatever it started, and remove its scratch directory.

        A paused guest has nothing to save, so there is nothing to be polite about.
        """
        popen = self._popen
        with _undisturbed():
            if popen is not None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(popen.pid, signal.SIGKILL)
                popen.wait()
                for reader in self._readers:
                    reader.join(1)
                for stream in (popen.stdout, popen.stderr):
                    if stream is not None and not any(r.is_alive() for r in self._readers):
                        stream.close()
            self._scratch.cleanup()
            _alive.discard(self)

    def _keep(self, name: str, stream: IO[bytes]) -> None:
        kept = self._kept[name]
        with contextlib.suppress(OSError, ValueError):
            while chunk := os.read(stream.fileno(), 1 << 16):
                kept += chunk[: MAX_OUTPUT - len(kept)]


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold back Ctrl-C while a process is being started or ended; it is raised afterwards."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is None:
        yield
        return
    pressed: list[int] = []
    try:
        old = signal.signal(signal.SIGINT, lambda *_: pressed.append(1))
    except ValueError:  # a subinterpreter
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, old)
    if pressed and callable(old):
        raise KeyboardInterrupt


@contextlib.contextmanager
def backing_files(paths: Sequence[str]) -> Iterator[None]:
    """Leave the files that memory backends name as they were.

    QEMU makes a file that is missing and stretches one that is empty, and leaves both behind.
    """
    before = {path: _size(path) for path in paths}
    try:
        yield
    finally:
        for path, size in before.items():
            now = _size(path)
            with contextlib.suppress(OSError):
                if size is None and now is not None:
                    os.unlink(path)
                elif size == 0 and now:
                    os.truncate(path, 0)


def _size(path: str) -> int | None:
    """The size of a regular file; None if there is none, -1 for anything else."""
    try:
        status = os.stat(path)
        return status.st_size if stat.S_ISREG(status.st_mode) else -1
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return -1


def _die_with_parent() -> list[str]:
    # If Python is killed outright, nothing of ours runs any more: on Linux the kernel can end QEMU then.
    # setpriv (util-linux) asks for that and becomes QEMU; doing it between fork and exec is unsafe
    # in a program with threads.
    setpriv = shutil.which("setpriv") if sys.platform.startswith("linux") else None
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


def _end_first_if_memory_runs_out(pid: int) -> None:
    # A guest may be asked to touch all its memory.  If that is too much for the machine, the kernel should
    # end QEMU and not the notebook.
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text("1000")


def _end_all() -> None:
    for process in list(_alive):
        process.end()
