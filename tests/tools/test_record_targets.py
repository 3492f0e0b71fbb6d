"""What was recorded of other targets than x86-64: the same form of file, in the words of their boards."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from memkit.boards import catalog
from memkit.boards.recorded import data_file
from memkit.errors import MemkitError
from tools.record.devices import Devices
from tools.record.expand import COMPACT, EXPAND
from tools.record.listing import listed_properties, not_pluggable
from tools.record.machines import order
from tools.record.state import OWN_PATH, short_path
from tools.record.targets import target, target_names

PROGRAMS = sorted(
    path.stem for path in data_file("devices").glob("*.json") if not path.stem.startswith("x86_64")
)
LARGEST = 250_000


def load(room: str, program: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(data_file(room, f"{program}.json").read_text(encoding="utf-8"))
    return loaded


class Scripted:
    """A QEMU that answers from a list, and ends where the list says None."""

    target = "aarch64"
    release = (11, 1)

    def __init__(self, replies: list[Any]) -> None:
        self.replies = replies
        self.alone: list[str] = []

    def each(self, _argv: list[str], questions: list[Any]) -> list[Any]:
        return self.replies[: len(questions)]

    def help(self, *words: str) -> str:
        self.alone.append(words[1])
        return "x options:\n  size=<uint64>\n"

    def start(self, argv: list[str], questions: list[Any]) -> Any:
        if questions:
            types = [{"name": name} for name in ("sysbus", "base", "odd", "listed")]
            return type("Answer", (), {"results": [types]})
        return type("Answer", (), {"started": False, "refusal": f"-device {argv[-1]}: something else"})

    def wants(self, _name: str) -> bool:
        return True

    def map(self, function: Any, items: Any) -> list[Any]:
        return list(map(function, items))


def test_a_target_that_nobody_described_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(MemkitError, match=r"aarch64, arm, ppc64, s390x, riscv64; .* 'sparc'"):
        target("sparc")


@pytest.mark.parametrize("name", target_names())
def test_what_is_asked_of_a_target_names_boards_that_it_has(name: str) -> None:
    asked = target(name)
    assert set(asked.boards) == set(asked.first_slots)
    assert {board for board, _, _ in asked.bridges} <= set(asked.boards)


@pytest.mark.parametrize(
    ("path", "devfn"),
    [
        ("0000:00:02.0/vga.vram", "02.0"), ("0000:00:01.0:00.0/vga.vram", "00.0"),
        ("pci@800000020000000:00.0/vga.vram", "00.0"), ("pci.0:00.0/vga.vram", "00.0"),
    ],
)
def test_a_device_path_is_cut_from_a_block_on_each_kind_of_board(path: str, devfn: str) -> None:
    assert "%/vga.vram" == short_path(path, [{"devfn": devfn}]) == OWN_PATH.sub("%/", path)
    assert path == short_path(path, [{"devfn": "1f.7"}])


def test_a_number_without_a_dash_is_a_board_and_no_version_of_one() -> None:
    assert ("virt", (-7, -2, 0)) == order("virt-7.2")
    assert [("powernv9", ()), ("raspi3b", ())] == [order(name) for name in ("powernv9", "raspi3b")]


def test_a_device_that_ends_qemu_is_asked_alone() -> None:
    told = [
        {"name": "addr", "type": "int32", "default-value": -1}, {"name": "id", "type": "str"},
        {"name": "hotplug", "type": "bool", "default-value": True},
    ]
    binary: Any = Scripted([told, None])
    found = listed_properties(binary, ["one", "two"])
    assert [
        {"addr": ("int32", "-1"), "id": ("str", None), "hotplug": ("bool", "on")}, {"size": ("uint64", None)},
    ] == found
    assert ["two,help"] == binary.alone


def test_a_running_qemu_says_of_a_type_what_device_says_and_what_it_cannot_say_is_tried() -> None:
    said = "Parameter 'driver' expects a {} device type"
    odd, not_abstract, pluggable = {}, said.format("non-abstract"), said.format("pluggable")
    binary: Any = Scripted([{"desc": not_abstract}, odd, {"desc": pluggable}])
    assert {
        f"-device NAME: {not_abstract}": ["base"], "-device NAME: something else": ["odd"],
        f"-device NAME: {pluggable}": ["sysbus"],
    } == not_pluggable(binary, ["listed"], ["-machine", "virt"])


class Picky(Scripted):
    """A QEMU that has no bus of the kind "far", and takes no second "one-only"."""

    def __init__(self) -> None:
        super().__init__([])
        self.starts: list[list[str]] = []

    def start(self, argv: list[str], questions: list[Any]) -> Any:
        self.starts.append(argv)
        said = ""
        if "faraway" in argv:
            said = "-device faraway: No 'far' bus found for device 'faraway'"
        elif argv.count("one-only") > 1:
            said = "-device one-only: at most one"
        return type("Answer", (), {"started": not said, "refusal": said, "stderr": [said]})


def test_of_each_bus_one_device_is_asked_whether_the_board_has_it() -> None:
    binary: Any = Picky()
    devices = Devices(binary)
    devices.look_for_buses([
        {"name": name, "bus": bus} for name, bus in (("faraway", "far"), ("farther", "far"), ("near", "PCI"))
    ])
    assert {"far"} == devices.absent
    assert ["faraway", "near"] == sorted(argv[-1] for argv in binary.starts)


def test_the_kind_that_does_not_start_twice_is_found_among_those_that_do() -> None:
    binary: Any = Picky()
    seen: dict[str, dict[str, Any]] = {name: {"virt": {}} for name in ("a", "one-only", "b", "c")}
    Devices(binary).two_of_each(seen, list(seen))
    assert {"one-only": "%: at most one"} == {n: row["twice"] for n, row in seen.items() if "twice" in row}
    assert 5 == len(binary.starts)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_recording_has_every_column_that_the_package_reads(program: str) -> None:
    facts = load("devices", program)
    name = facts["about"]["target"]
    assert f"{name}-" == re.sub(r"[\d.]+$", "", program)
    assert "only" not in facts["about"]
    board = target(name).boards[0]
    for device, row in facts["devices"].items():
        assert row["cat"] == ["CPU"] or board in row, device
        assert catalog.device(program, device) is not None
        if row["cat"] != ["CPU"]:
            assert catalog.observed(program, device, board) is not None
    for kind in load("machines", program)["machines"]:
        assert catalog.machine(program, kind) is not None
    for model in filter(None, load("machines", program)["cpus"]):
        assert catalog.cpu(program, model) is not None


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("room", ["devices", "machines"])
def test_a_recording_is_small(room: str, program: str) -> None:
    assert data_file(room, f"{program}.json").stat().st_size < LARGEST


@pytest.mark.parametrize("program", [p for p in PROGRAMS if p.endswith("-7.2")])
def test_a_recording_of_devices_packs_into_the_same_file(program: str) -> None:
    facts = load("devices", program)
    assert facts == COMPACT["devices"](EXPAND["devices"](facts))


def test_boards_speak_their_own_words() -> None:
    dimm = catalog.observed("aarch64-7.2", "pc-dimm", "virt")
    assert dimm is not None
    assert dimm.then is not None
    assert "-device pc-dimm: memory hotplug is not enabled: missing acpi-ged device" == dimm.refusal
    assert [("m0", 64 << 20)] == [(b.name, b.size) for b in dimm.then.blocks]
    card = catalog.observed("riscv64-7.2", "VGA", "virt")
    assert card is not None
    assert "0000:00:01.0/vga.vram" == card.blocks[0].idstr("0000:00:01.0")
    assert catalog.device("riscv64-7.2", "virtio-mem-pci") is None
    assert (40, 44) == tuple(
        facts.phys_bits for name in ("cortex-a53", "cortex-a57")
        if (facts := catalog.cpu("aarch64-7.2", name)) is not None
    )
