"""The machine underneath: page sizes, file systems, files. Described, never touched.

QEMU's answer depends on the host: a path under hugetlbfs gives 2 MiB pages, a missing
directory gives a refusal.  memkit never opens a path that a command line names; it asks
this description instead.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from memkit.architectures.host_pages import HostPages, host_pages, kind_of
from memkit.errors import HostError
from memkit.units import human

__all__ = ["Host", "Mount", "host_or_usual"]

_OVERCOMMIT = ("always", "heuristic", "never")


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted file system: its kind and, for hugetlbfs, the pool (sizes in bytes).

    ``free_pages`` says what is left, for other file systems in pages of the host; None is unknown.
    """

    fs: str
    page_size: int | None = None
    free_pages: int | None = None


# What a pool of Host.of has in all, if its pages are not larger.
_POOL = 1 << 30
_COMMON_MOUNTS = {
    "/": Mount("ext4"), "/dev/shm": Mount("tmpfs"), "/dev/hugepages": Mount("hugetlbfs", 2 << 20, 512),
}


@dataclass(frozen=True)
class Host:
    """What the host offers; the default is a common Linux server with 512 free 2 MiB pages.

    ``mounts`` maps a path to its file system, ``files`` a path to its size in bytes.  ``directories``
    are directories that exist beside the mounts; their parents exist, too.
    ``huge_page_sizes`` are the sizes that the kernel has pools for (bytes).  ``accelerator`` is kvm where
    QEMU can have KVM beside TCG; which of them runs a guest is for its command line to say.

    >>> Host().mount_of("/dev/hugepages/foo").fs
    'hugetlbfs'
    """

    arch: str = "x86_64"
    accelerator: str = "kvm"
    page_size: int = 4096
    mounts: Mapping[str, Mount] = field(default_factory=_COMMON_MOUNTS.copy)
    directories: tuple[str, ...] = ("/tmp", "/var/tmp", "/home", "/root", "/run", "/mnt", "/dev")
    files: Mapping[str, int] = field(default_factory=dict)
    overcommit: str = "always"
    numa_nodes: int = 1
    firmware: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise HostError that names the field, for a host that cannot be."""
        if self.mounts != _COMMON_MOUNTS:
            for path, mount in _mapping("mounts", self.mounts).items():
                if not isinstance(mount, Mount):
                    raise HostError(f"mounts[{path!r}] is a memkit.Mount, not {mount!r:.60}")
                _check_mount(path, mount)
        for key, sizes in (("files", self.files), ("firmware", self.firmware)):
            if sizes != {}:
                for path, size in _mapping(key, sizes).items():
                    _count(f"{key}[{path!r}]", size)
        listed = self.directories
        if not isinstance(listed, (list, tuple)) or not all(isinstance(d, str) for d in listed):
            raise HostError("directories is a list of paths")
        page = _count("page_size", self.page_size)
        if page < 512 or page & (page - 1):
            raise HostError(f"page_size is a power of two in bytes, such as 4096; not {page}")
        _count("numa_nodes", self.numa_nodes)
        for key, word in (("arch", self.arch), ("accelerator", self.accelerator)):
            if not isinstance(word, str):
                raise HostError(f"{key} is a word, not {word!r:.60}")
        if self.overcommit not in _OVERCOMMIT:
            raise HostError(f"overcommit is one of {_OVERCOMMIT}, not {self.overcommit!r:.60}")

    @classmethod
    def of(
        cls, arch: str, page_size: int | None = None, mmu: str = "", huge_page: int | None = None
    ) -> Host:
        """A common Linux server of an architecture, with 1 GiB of huge pages in /dev/hugepages, or one page.

        ``page_size`` is the base page of its kernel, ``huge_page`` the size in the pool (both bytes), ``mmu``
        hash or radix on Power; without them, what is usual.  Raises HostError, which says what there is, for
        what cannot be.  Sources: memkit.architectures.

        >>> Host.of("ppc64le", mmu="hash").huge_page_sizes, Host.of("x86_64") == Host()
        ((16777216,), True)
        """
        pages = host_pages(arch, page_size, mmu)
        size = pages.default if huge_page is None else huge_page
        if size not in pages.huge:
            known = ", ".join(human(huge) for huge in pages.huge)
            raise HostError(f"a {pages.title} host has no huge pages of {size!r:.40} bytes; it has {known}")
        pool = Mount("hugetlbfs", size, max(_POOL // size, 1))
        mounts = {"/": Mount("ext4"), "/dev/shm": Mount("tmpfs"), "/dev/hugepages": pool}
        return cls(arch=pages.arch, page_size=pages.base, mounts=mounts)

    @cached_property
    def pages(self) -> HostPages | None:
        """The kind of host that this is, page sizes and all, or None if it is not known.

        Where pools tell hash from radix page tables, they do; else it is the usual kind.

        >>> Host.of("ppc64le", mmu="hash").pages.mmu, Host(arch="vax").pages
        ('hash', None)
        """
        return kind_of(self.arch, self.page_size, self.huge_page_sizes)

    @classmethod
    def from_dict(cls, described: Mapping[str, Any]) -> Host:
        """A Host from a mapping (the format of host.json); raises HostError that names the key.

        >>> Host.from_dict({"page_size": 65536}).page_size
        65536
        """
        if not isinstance(described, Mapping):
            raise HostError(f"a host description is a mapping, not {type(described).__name__}")
        known = {f.name for f in fields(cls)} | {"about"}
        for key in described:
            if key not in known:
                raise HostError(f"unknown key {key!r:.60} in the host description; known: {sorted(known)}")
        values: dict[str, Any] = {k: v for k, v in described.items() if k != "about"}
        if "mounts" in values:
            values["mounts"] = {
                path: _mount(path, m) for path, m in _mapping("mounts", values["mounts"]).items()
            }
        if isinstance(values.get("directories"), list):
            values["directories"] = tuple(values["directories"])
        return cls(**values)

    @classmethod
    def from_file(cls, path: str | Path) -> Host:
        """A Host from a JSON file; raises HostError if it cannot be read or understood."""
        try:
            described = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as e:
            raise HostError(f"cannot read the host description {path}: {e.strerror}") from None
        except ValueError as e:
            raise HostError(f"the host description {path} is not JSON: {e}") from None
        return cls.from_dict(described)

    def with_files(self, **files: int) -> Host:
        """This host with more files (path → size in bytes)."""
        return replace(self, files={**self.files, **files})

    def mount_of(self, path: str) -> Mount:
        """The file system that ``path`` lies on: that of the longest mount point above it."""
        best, found = "", Mount("ext4")
        for point, mount in self.mounts.items():
            prefix = point.rstrip("/") + "/"
            if (path == point or path.startswith(prefix)) and len(prefix) > len(best):
                best, found = prefix, mount
        return found

    @cached_property
    def _directories(self) -> frozenset[str]:
        # Whatever holds a known thing exists as well: /a/b/c makes /a/b and /a.
        known = {"/"}
        for path in (*self.mounts, *self.directories):
            known.update(_with_parents(path))
        for path in self.files:
            known.update(_with_parents(path.rpartition("/")[0]))
        return frozenset(known)

    def is_directory(self, path: str) -> bool:
        """True if ``path`` is a directory (a relative path is looked up below ``/``)."""
        return posixpath.normpath("/" + path.strip("/")) in self._directories

    def file_size(self, path: str) -> int | None:
        """The size of the file at ``path`` in bytes, or None: no such file."""
        return self.files.get(path)

    def can_create(self, path: str) -> bool:
        """True if a new file can be made at ``path``: its directory exists."""
        parent = path.rpartition("/")[0]
        return "/" not in path or self.is_directory(parent or "/")

    @property
    def huge_page_sizes(self) -> tuple[int, ...]:
        """The hugetlb page sizes that have a pool, in bytes, smallest first."""
        sizes = {m.page_size for m in self.mounts.values() if m.fs == "hugetlbfs" and m.page_size}
        return tuple(sorted(sizes))


def _with_parents(path: str) -> list[str]:
    parts = [p for p in path.split("/") if p]
    return ["/" + "/".join(parts[: i + 1]) for i in range(len(parts))]


def host_or_usual(host: object) -> Host:
    """The Host that was given as ``host=``, or the usual one for None; raises HostError for anything else.

    >>> host_or_usual(None) == Host()
    True
    """
    if host is not None and not isinstance(host, Host):
        raise HostError(
            f"host= is a memkit.Host, not {type(host).__name__}; describe one with memkit.Host.from_dict"
        )
    return host or Host()


def _mapping(key: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(k, str) for k in value):
        raise HostError(f"{key} maps paths to descriptions, not {value!r:.60}")
    return value


def _count(key: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise HostError(f"{key} is a whole number, not {value!r:.60}")
    return value


def _mount(path: str, value: object) -> Mount:
    described = _mapping(f"mounts[{path!r}]", value)
    unknown = set(described) - {"fs", "page_size", "free_pages"}
    if unknown or "fs" not in described:
        raise HostError(
            f"mounts[{path!r}] has fs (a word), and page_size and free_pages for hugetlbfs; "
            f"got {value!r:.100}"
        )
    return Mount(**described)


def _check_mount(path: str, mount: Mount) -> None:
    if not isinstance(mount.fs, str):
        raise HostError(f"mounts[{path!r}].fs is the name of a file system, not {mount.fs!r:.60}")
    for key, number in (("page_size", mount.page_size), ("free_pages", mount.free_pages)):
        if number is not None:
            _count(f"mounts[{path!r}].{key}", number)
    page = mount.page_size
    if page is not None and (page < 1 or page & (page - 1)):
        raise HostError(f"mounts[{path!r}].page_size is a power of two in bytes, not {page}")
