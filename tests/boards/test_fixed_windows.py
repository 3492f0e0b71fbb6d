"""The fixed windows of boards are those of a real QEMU, with the same winners where they overlap.

tests/board-windows.jsonl.gz has the i/o ranges of ``info mtree -f`` for boards with some features (``words``
on the command line), without those that a board's module places.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from memkit.boards.fixed_windows import FEATURES, add_fixed_windows, features
from memkit.boards.recorded import load
from memkit.memory.flatview import render
from memkit.memory.region import MemoryRegion

SEEN = Path(__file__).parents[1] / "board-windows.jsonl.gz"
with gzip.open(SEEN, "rt") as lines:
    ROWS = [json.loads(line) for line in lines]
PROGRAMS = sorted({row["program"] for row in ROWS})


def ranges(row: dict[str, Any]) -> list[str]:
    system = MemoryRegion("system", 1 << 64)
    add_fixed_windows(row["program"], row["family"], frozenset(row["features"]), system)
    return [
        f"{r.start:x}-{r.end - 1:x} {r.region.priority} {r.region.name}"
        + (f" @{r.offset_in_region:x}" if r.offset_in_region else "")
        for r in render(system).ranges
    ]


def test_all_boards_of_all_releases_were_seen() -> None:
    assert len(ROWS) > 100
    assert len({(row["program"], row["family"]) for row in ROWS}) == 4 * 10


@pytest.mark.parametrize("program", PROGRAMS)
def test_io_ranges_are_those_of_a_real_qemu(program: str) -> None:
    for row in ROWS:
        if row["program"] == program:
            assert ranges(row) == row["io"], (row["family"], row["words"])


def test_a_feature_exchanges_windows() -> None:
    system = MemoryRegion("system", 1 << 64)
    old = add_fixed_windows("aarch64-7.2", "virt", frozenset(), system)
    new = add_fixed_windows("aarch64-7.2", "virt", frozenset({"gic3", "its"}), system)
    assert {"gic_dist", "gicv2m"} <= old.keys() - new.keys()
    assert {"gicv3_dist", "gicv3_its", "translation"} <= new.keys() - old.keys()


def test_ram_goes_behind_a_window_of_higher_priority() -> None:
    system = MemoryRegion("system", 1 << 64)
    regions = add_fixed_windows("aarch64-7.2", "raspi3b", frozenset(), system)
    system.add(MemoryRegion("ram", 1 << 30, "ram"), 0)
    found = render(system).find(0x3F20_1000)
    assert found is not None
    assert found.region is regions["pl011"]


def test_what_only_aliases_show_is_given_and_mapped_nowhere() -> None:
    system = MemoryRegion("system", 1 << 64)
    regions = add_fixed_windows("aarch64-7.2", "sbsa-ref", frozenset(), system)
    assert regions["gpex_mmio_window"].container is None
    assert regions["pcie-mmio"].alias is regions["pcie-mmio-high"].alias is regions["gpex_mmio_window"]
    # A BAR that a device maps into the PCI container shows through the alias.
    regions["gpex_mmio"].add(MemoryRegion("bar", 0x1000, "i/o"), 0x8000_0000)
    found = render(system).find(0x8000_0000)
    assert found is not None
    assert found.region.name == "bar"


@pytest.mark.parametrize("program, family, version, expected", [
    ("aarch64-7.2", "virt", (7, 2), {"its"}),
    ("aarch64-7.2", "virt", (4, 0), set()),
    ("aarch64-11.1", "virt", (11, 1), {"its", "msi"}),
    ("ppc64-10.0", "pseries", (4, 1), {"xive"}),
    ("ppc64-10.0", "pseries", (3, 1), set()),
    ("arm-7.2", "vexpress-a15", (7, 2), {"nic", "virtualization"}),
    ("s390x-5.2", "s390-ccw-virtio", (2, 4), set()),
])
def test_defaults_depend_on_the_machine_version(
    program: str, family: str, version: tuple[int, ...], expected: set[str]
) -> None:
    assert features(program, family, version) == expected


def test_unknown_names_are_told() -> None:
    system = MemoryRegion("system", 1 << 64)
    with pytest.raises(ValueError, match="no board has a feature 'gic9'; features are: ged"):
        add_fixed_windows("aarch64-7.2", "virt", frozenset({"gic9"}), system)
    with pytest.raises(ValueError, match="no windows are known for 'pc'; boards are: virt, sbsa-ref"):
        add_fixed_windows("aarch64-7.2", "pc", frozenset(), system)
    with pytest.raises(ValueError, match="no windows are known for 'pc'"):
        features("aarch64-7.2", "pc", (7, 2))


def test_every_feature_of_the_data_is_explained_and_none_is_explained_in_vain() -> None:
    boards = [names for program in PROGRAMS for names in load("windows", program)["features"].values()]
    assert set().union(*boards) == FEATURES.keys()
