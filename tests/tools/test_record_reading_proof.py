"""Which machine types the proof of reading starts, and that it asks whoever is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from memkit.errors import MemkitError
from tools.record.reading_proof import families, programs, record_reading_proof


def test_of_a_type_with_versions_the_newest_is_started() -> None:
    listed = [
        "pc-i440fx-9.2  Standard PC", "pc-i440fx-10.0  Standard PC",
        "pc  Standard PC (alias of pc-i440fx-10.0)", "virt-2.6  an old one", "none  empty machine",
        "SS-5  Sun4m platform", "raspi3b  Raspberry Pi 3B", "",
    ]
    assert families(listed) == ["SS-5", "pc-i440fx-10.0", "raspi3b", "virt-2.6"]


def test_programs_are_found_once_and_links_to_them_are_not_followed(tmp_path: Path) -> None:
    place = tmp_path / "usr" / "bin"
    place.mkdir(parents=True)
    for name in ("qemu-system-arm", "qemu-system-x86_64", "qemu-system-x86_64-microvm", "qemu-img"):
        (place / name).touch()
    (place / "qemu-system-armhf").symlink_to("qemu-system-arm")
    assert programs(tmp_path) == ["qemu-system-arm", "qemu-system-x86_64"]


def test_where_no_program_is_installed_nothing_is_recorded(tmp_path: Path) -> None:
    with pytest.raises(MemkitError, match="no qemu-system program is installed in"):
        record_reading_proof(tmp_path)
