"""A QEMU of another release, inside a root directory of its own, as debootstrap makes it.

Each start gets a mount namespace of its own, in which the host's /dev, /proc, /sys, /tmp and /var/tmp are
seen inside the root.  The mounts end with the process and are visible nowhere else.  Every step is an
exec: the child is QEMU itself, with the descriptors that it inherits.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from memkit.errors import MemkitError, Unavailable

__all__ = ["Root"]

# Without /sys virtio-mem would not find the size of huge pages, and take another block size.
SHARED = ("dev", "proc", "sys", "tmp", "var/tmp")
ENTER = (
    'root=$1; shift; for there in {}; do mount --rbind "/$there" "$root/$there"; done; '
    'exec chroot "$root" "$@"'
).format(" ".join(SHARED))
PLACES = ("usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin")


@dataclass(frozen=True)
class Root:
    """A directory with a system inside; raises MemkitError that says what it or this machine lacks."""

    path: Path

    def __post_init__(self) -> None:
        """Look before the first start: QEMU's words could be mistaken for those of mount or chroot."""
        lost = [name for name in SHARED if not (self.path / name).is_dir()]
        if lost:
            raise MemkitError(
                f"--root {self.path} is no root directory: it has no {', '.join(lost)}; "
                f"make one with: debootstrap --variant=minbase SUITE {self.path}"
            )
        if os.geteuid() != 0:
            raise Unavailable("--root mounts and calls chroot, which only root may do; try sudo")
        for tool in ("unshare", "chroot"):
            if shutil.which(tool) is None:
                raise Unavailable(f"--root needs {tool}, of util-linux or coreutils")

    def find(self, program: str) -> str:
        """The path of ``program`` as seen inside; raises MemkitError where there is none."""
        places = [program.lstrip("/")] if "/" in program else [f"{p}/{program}" for p in PLACES]
        for place in places:
            # Not resolved: a link inside the root points to a place inside the root.
            if os.path.lexists(self.path / place):
                return f"/{place}"
        raise MemkitError(
            f"there is no {program} in {self.path}; install it with: "
            f"chroot {self.path} apt-get install --no-install-recommends qemu-system-x86"
        )

    def outside(self, path: str) -> str:
        """Where the host has what is ``path`` inside: QEMU's working directory there is ``/``."""
        inside = os.path.normpath("/" + path.lstrip("/"))
        if inside.startswith(tuple(f"/{name}/" for name in SHARED)):
            return inside
        return str(self.path / inside.lstrip("/"))

    def command(self, *words: str) -> list[str]:
        """The words that run ``words`` inside the root."""
        inside = ["sh", "-e", "-c", ENTER, "sh", str(self.path.resolve()), *words]
        return ["unshare", "--mount", "--propagation", "private", *inside]
