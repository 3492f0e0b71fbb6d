"""What the host says to a memory backend: files, file systems and pools of huge pages.

All of it is asked of the described host; no file is opened.

Source: file_ram_open, file_ram_alloc and qemu_ram_alloc_from_fd in softmmu/physmem.c, util/memfd.c
(QEMU 7.2).
"""

from __future__ import annotations

from typing import Any

from memkit.boards.build import Build
from memkit.boards.refusals import refuse
from memkit.config import Option

__all__ = ["open_file", "open_memfd"]

MFD_CLOEXEC, MFD_ALLOW_SEALING, MFD_HUGETLB, MFD_HUGE_SHIFT = 1, 2, 4, 26
_LIMIT = 1 << 64
# What mmap_activate in util/mmap-alloc.c writes where the kernel has no MAP_SYNC for the file.
_NOT_PERSISTENT = (
    "Warning: requesting persistence across crashes for backend file {path} failed. Proceeding without "
    "persistence, data might become corrupted in case of host crash."
)
_NOT_DAX = "warning: Using non DAX backing file with 'pmem=on' option is deprecated"
_MAP_ADVICE = "use a smaller size=, or reserve more huge pages on the host"


def open_file(
    build: Build, id: str, props: Any, option: Option | None, size: int, *, readonly: bool, reserve: bool
) -> tuple[int, int, str]:
    """The page size and the alignment (bytes) and the file system of a file backend; raises Refused."""
    facts = build.qemu
    offset: int = props.get("offset", 0)
    host = build.host
    path = props.get("mem-path", "")
    mount = host.mount_of(path)
    page = mount.page_size if mount.fs == "hugetlbfs" and mount.page_size else host.page_size
    rounded = -(-size // host.page_size) * host.page_size % _LIMIT
    known = build.created_files.get(path, host.file_size(path))
    directory = bool(path) and host.is_directory(path)
    if readonly and directory and facts.readonly_opens_only:
        raise refuse("cannot-open", option, path=path, error="Is a directory")
    if known is None and not directory:
        if readonly and facts.readonly_opens_only:
            raise refuse("cannot-open", option, path=path, error=_why_not(build, path))
        if path.endswith("/") and host.can_create(path.rstrip("/")):
            raise refuse("cannot-open", option, path=path, error="Is a directory")
        if not path or not host.can_create(path):
            raise refuse("cannot-open", option, path=path, error=_why_not(build, path))
        build.created_files[path] = offset + -(-rounded // page) * page
    elif known and not directory and known < offset + rounded:
        if facts.file_fits_offset:
            raise refuse("file-too-short", option, id=id, file=known, size=rounded, offset=offset)
        if known > offset:
            raise refuse("file-too-small", option, file=known, size=rounded)
    align = props.get("align", 0)
    if align % page:
        raise refuse("align-page", option, align=align, page=page)
    if align & (align - 1):
        raise refuse("align-power", option, align=align)
    if offset % page:
        raise refuse("offset-page", option, offset=offset, page=page)
    if rounded < page:
        raise refuse("below-page", option, size=rounded, page=page)
    if directory and readonly:
        # open(2) gives a descriptor of the directory itself, which mmap refuses.
        raise refuse("cannot-map", option, error="No such device",
                     advice="name a file: readonly=on cannot make one in a directory")
    if props.get("pmem", False) and props.get("share", False) and "dax" not in mount.fs:
        build.warnings += [_NOT_PERSISTENT.format(path=path), _NOT_DAX]
    if page != host.page_size:
        _take_huge_pages(build, mount.page_size or page, mount.free_pages, rounded, reserve, option)
    return page, max(page, align), mount.fs


def _why_not(build: Build, path: str) -> str:
    parent = path.rpartition("/")[0]
    while parent:
        if build.host.file_size(parent) is not None:
            return "Not a directory"
        parent = parent.rpartition("/")[0]
    return "No such file or directory"


def open_memfd(
    build: Build, id: str, props: Any, option: Option | None, size: int, *, reserve: bool
) -> int:
    """The page size (bytes) of a memfd backend; raises Refused."""
    wanted = props.get("hugetlbsize", 0)
    # QEMU looks at the lowest bit, so that it lets odd numbers pass; they then mean nothing.
    if wanted % 2 == 0 and wanted & (wanted - 1):
        raise refuse("huge-power", option)
    if props.get("hugetlb", False):
        return _huge_memfd(build, props, option, size, reserve)
    if size >= 1 << 63:
        raise refuse("memfd-resize", option, size=size)
    if size % build.host.page_size:
        # The file has exactly the size asked for, and the block whole pages.
        rounded = -(-size // build.host.page_size) * build.host.page_size
        if build.qemu.file_fits_offset:
            raise refuse("file-too-short", option, id=id, file=size, size=rounded, offset=0)
        raise refuse("file-too-small", option, file=size, size=rounded)
    return build.host.page_size


def _huge_memfd(build: Build, props: Any, option: Option | None, size: int, reserve: bool) -> int:
    wanted = props.get("hugetlbsize", 0)
    wanted = 0 if wanted % 2 else wanted
    sizes, kind = build.host.huge_page_sizes, build.host.pages
    usual = kind.default if kind else next(iter(sizes), 2 << 20)
    page = int(wanted or usual)
    if page not in sizes and (kind is None or page not in kind.huge):
        flags = MFD_CLOEXEC | MFD_HUGETLB | (MFD_ALLOW_SEALING if props.get("seal", True) else 0)
        flags |= (wanted.bit_length() - 1) << MFD_HUGE_SHIFT if wanted else 0
        known = ", ".join(f"{s >> 10}K" for s in sizes) or "none"
        raise refuse("memfd-create", option, flags=flags, error="No such device", known=known)
    if size % page:
        raise refuse("memfd-resize", option, size=size)
    # A size that the CPU knows but for which no page is reserved: the pool exists and is empty.
    pools = [m for m in build.host.mounts.values() if m.fs == "hugetlbfs" and m.page_size == page]
    _take_huge_pages(build, page, pools[0].free_pages if pools else 0, size, reserve, option)
    return page


def _take_huge_pages(
    build: Build, page: int, free: int | None, size: int, reserve: bool, option: Option | None
) -> None:
    # mmap reserves the pages of the pool at once, unless reserve=off asks it not to.
    left = build.huge_pages_left.setdefault(page, free if free is not None else 1 << 40)
    needed = -(-size // page)
    if reserve:
        if needed > left:
            raise refuse("cannot-map", option, error="Cannot allocate memory", advice=_MAP_ADVICE)
        build.huge_pages_left[page] = left - needed
