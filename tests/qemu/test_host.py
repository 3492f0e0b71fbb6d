"""The machine underneath is described as the model needs it, and of its files only the named ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from memkit.qemu import host as observed
from memkit.qemu.host import observe_host


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for / when the host is looked at."""
    monkeypatch.setattr(observed, "Path", lambda path: tmp_path / path.lstrip("/"))
    return tmp_path


def write(machine: Path, path: str, text: str) -> None:
    (machine / path).parent.mkdir(parents=True, exist_ok=True)
    (machine / path).write_text(text)


def test_mounts_are_read_with_page_sizes_free_pages_and_blanks_in_names(machine: Path) -> None:
    write(machine, "proc/self/mounts", (
        "/dev/sda1 / ext4 rw,relatime 0 0\n"
        "tmpfs /dev/shm tmpfs rw 0 0\n"
        "hugetlbfs /dev/hugepages hugetlbfs rw,relatime,pagesize=2M 0 0\n"
        "hugetlbfs /mnt/one\\040gig hugetlbfs rw,pagesize=1024M 0 0\n"
        "odd line\n"
    ))
    write(machine, "sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "512\n")
    mounts = observe_host().mounts
    assert {path: mount.fs for path, mount in mounts.items()} == {
        "/": "ext4", "/dev/shm": "tmpfs", "/dev/hugepages": "hugetlbfs", "/mnt/one gig": "hugetlbfs",
    }
    huge, one = mounts["/dev/hugepages"], mounts["/mnt/one gig"]
    assert (huge.page_size, huge.free_pages, one.page_size, one.free_pages) == (2 << 20, 512, 1 << 30, None)


@pytest.mark.parametrize(("text", "word"), [
    ("0\n", "heuristic"), ("1\n", "always"), ("2\n", "never"), ("?", "heuristic"),
])
def test_overcommit_is_told_in_words(machine: Path, text: str, word: str) -> None:
    write(machine, "proc/sys/vm/overcommit_memory", text)
    assert observe_host().overcommit == word


def test_nodes_are_counted(machine: Path) -> None:
    for name in ("node0", "node1", "power", "online"):
        (machine / "sys/devices/system/node" / name).mkdir(parents=True)
    assert observe_host().numa_nodes == 2


def test_a_machine_without_proc_and_sys_has_defaults(machine: Path) -> None:
    host = observe_host()
    assert (host.overcommit, host.numa_nodes) == ("heuristic", 1)
    assert [m.fs for m in host.mounts.values()] == ["unknown"]
    assert host.page_size == os.sysconf("SC_PAGE_SIZE")


def test_only_named_files_and_their_directories_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "named").write_bytes(bytes(4096))
    (tmp_path / "other").write_bytes(bytes(4096))
    host = observe_host([str(tmp_path / "named"), str(tmp_path / "missing"), str(tmp_path)])
    assert dict(host.files) == {str(tmp_path / "named"): 4096}
    assert set(host.directories) == {str(tmp_path), str(tmp_path.parent)}
