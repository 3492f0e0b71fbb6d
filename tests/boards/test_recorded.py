"""The model builds what each real QEMU showed when its facts were recorded: all machines, all devices."""

from __future__ import annotations

import re
import shlex
from functools import cache

import pytest

import memkit
from memkit.boards import catalog
from memkit.boards.recorded import load
from memkit.guest import Guest
from memkit.versions import KNOWN_QEMU

HOST = memkit.Host()
# Releases that were recorded in full; the facts of others are derived or not complete yet.
RECORDED = [v for v in KNOWN_QEMU if load("machines", v)["about"]["script"] == "tools/record"]
SCENARIOS = [name for name in load("machines", "7.2")["starts"] if name not in ("microvm pcie", "pflash")]
BOARDS = ("pc", "q35", "microvm")
BUILT = re.compile(r"pc-(i440fx|q35)-|microvm|isapc")
LINE = re.compile(r"( *)([0-9a-f]{16})-([0-9a-f]{16}) \(prio (-?\d+), ([^)]+)\): (.*)")


def short(match: re.Match[str]) -> str:
    """A region line as the data has it: numbers without leading zeros."""
    _, first, last, priority, kind, name = match.groups()
    name = re.sub(r"\b0{1,15}([0-9a-f]+)-0{0,15}([0-9a-f]+)(?= |$)", r"\1-\2", name)
    name = re.sub(r" @0*([0-9a-f]+)$", r" @\1", name)
    return f"{int(first, 16):x}-{int(last, 16):x} {priority} {kind} {name}"


def tree(guest: Guest) -> list[str]:
    """Every region line with its container, once."""
    rows: dict[str, None] = {}
    for stanza in guest.monitor("info mtree -D").split("\n\n"):
        above: list[tuple[int, str]] = []
        for match in filter(None, map(LINE.fullmatch, stanza.splitlines())):
            while above and above[-1][0] >= len(match[1]):
                above.pop()
            if above:
                rows[f"{above[-1][1]}: {short(match)}"] = None
            name = match[6].removesuffix(" [disabled]").removeprefix("alias ").partition(" @")[0]
            above.append((len(match[1]), name))
    return sorted(rows)


def flat(guest: Guest, space: str) -> list[str]:
    views = guest.monitor("info mtree -f").split("FlatView #")
    view = next(text for text in views if f'AS "{space}"' in text)
    return [short(match) for match in map(LINE.fullmatch, view.splitlines()) if match]


def blocks(guest: Guest) -> list[str]:
    return [
        f"{b.idstr} {b.offset:#x} {b.max_length:#x} {b.used_length:#x} {b.page_size >> 10}K"
        for b in guest.ram_blocks
    ]


# -- machine types


@cache
def booted(options: str, qemu: str) -> Guest:
    return memkit.boot(options, qemu=qemu, host=HOST)


def machines(qemu: str) -> list[str]:
    return [name for name in catalog.machine_names(qemu) if BUILT.match(name)]


def options(qemu: str, scenario: str, machine: str) -> str:
    words = str(load("machines", qemu)["starts"][scenario]["options"])
    return f"-machine {machine} {words}".replace("mem-path=/dev/shm,", "mem-path=/dev/shm/recorded,")


@pytest.mark.parametrize("qemu", RECORDED)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_machine_type_has_the_recorded_blocks_and_memory(scenario: str, qemu: str) -> None:
    wrong = []
    for machine in machines(qemu):
        seen = catalog.machine_start(qemu, scenario, machine)
        if not seen.get("blocks"):
            continue
        try:
            guest = booted(options(qemu, scenario, machine), qemu)
        except memkit.Refused as refused:
            wrong.append((machine, refused.message))
            continue
        if blocks(guest) != list(seen["blocks"]):
            wrong.append((machine, "blocks"))
        if flat(guest, "memory") != list(seen["flat memory"]):
            wrong.append((machine, "flat memory"))
    assert wrong == []


@pytest.mark.parametrize("qemu", RECORDED)
@pytest.mark.parametrize("scenario", ["default", "nodefaults"])
def test_every_machine_type_has_the_recorded_tree_and_address_spaces(scenario: str, qemu: str) -> None:
    wrong = []
    for machine in machines(qemu):
        seen = catalog.machine_start(qemu, scenario, machine)
        guest = booted(options(qemu, scenario, machine), qemu)
        if tree(guest) != sorted(seen["tree"]):
            wrong.append((machine, sorted({*tree(guest)} ^ {*seen["tree"]})))
        spaces = sorted(name.rstrip("'") for name in seen["spaces"])
        if sorted(space.name for space in guest.address_spaces) != spaces:
            wrong.append((machine, ["spaces"]))
    assert wrong == []


@pytest.mark.parametrize("qemu", RECORDED)
def test_microvm_with_pcie_has_the_recorded_tree(qemu: str) -> None:
    seen = load("machines", qemu)["starts"]["microvm pcie"]
    guest = booted(f"-machine microvm {seen['options']}", qemu)
    assert tree(guest) == sorted(seen["microvm"]["tree"])
    assert flat(guest, "memory") == seen["microvm"]["flat memory"]


@pytest.mark.parametrize("qemu", RECORDED)
def test_graphics_cards_have_the_recorded_blocks_on_every_machine_type(qemu: str) -> None:
    wrong = []
    for kind in ("std", "cirrus", "vmware", "qxl", "virtio"):
        for machine in (m for m in machines(qemu) if m != "microvm"):
            for text, runs in load("machines", qemu)["vga"][kind].items():
                if any(_within(qemu, machine, run) for run in runs):
                    try:
                        guest = booted(f"-machine {machine} -nodefaults -vga {kind}", qemu)
                    except memkit.Refused as refused:
                        if text != f"! {refused.message}":
                            wrong.append((machine, kind, {refused.message}))
                        continue
                    board = {b.idstr for b in booted(f"-machine {machine} -nodefaults", qemu).ram_blocks}
                    mine = [b for b in guest.ram_blocks if b.idstr not in board]
                    have = {f"{b.idstr}={_size(b.max_length)}" for b in mine}
                    if have != {word for word in text.split() if "=" in word}:
                        wrong.append((machine, kind, have))
    assert wrong == []


def _within(qemu: str, machine: str, run: str) -> bool:
    names = catalog.machine_names(qemu)
    first, _, last = run.partition("..")
    return names.index(first) <= names.index(machine) <= names.index(last or first)


def _size(count: int) -> str:
    return f"{count >> 20}M" if count % (1 << 20) == 0 else f"{count >> 10}K"


# -- devices

# Their ports are those of the board once more: two starts look alike.
TWICE = {("mc146818rtc", "pc"), ("mc146818rtc", "q35")}


@pytest.mark.parametrize("qemu", RECORDED)
@pytest.mark.parametrize("board", BOARDS)
def test_every_device_adds_the_recorded_blocks_and_windows(board: str, qemu: str) -> None:
    plain = memkit.boot(f"-machine {board} -nodefaults", qemu=qemu, host=HOST)
    before, wrong = set(tree(plain)), []
    for driver in catalog.device_names(qemu):
        seen = catalog.observed(qemu, driver, board)
        if seen is None or seen.refusal or (driver, board) in TWICE or driver.endswith("-iommu-pci"):
            continue
        guest = memkit.boot(f"-machine {board} -nodefaults -device {driver}", qemu=qemu, host=HOST)
        new = {(b.idstr.rpartition("/")[2], b.max_length) for b in guest.ram_blocks}
        new -= {(b.idstr.rpartition("/")[2], b.max_length) for b in plain.ram_blocks}
        if new != {(b.name.removeprefix("%/"), b.size) for b in seen.blocks}:
            wrong.append((driver, sorted(new)))
        added = {row for row in tree(guest) if row not in before and "vtd-" not in row}
        if not added >= {line[2:] for line in seen.tree if line[0] == "+" and "vtd-" not in line}:
            wrong.append((driver, sorted(added)))
    assert wrong == []


@pytest.mark.parametrize("qemu", RECORDED)
@pytest.mark.parametrize("board", BOARDS)
def test_every_device_is_refused_as_recorded(board: str, qemu: str) -> None:
    wrong = []
    for driver in catalog.device_names(qemu):
        seen = catalog.observed(qemu, driver, board)
        if seen is None or not seen.refusal:
            continue
        try:
            memkit.boot(f"-machine {board} -nodefaults -device {driver}", qemu=qemu, host=HOST)
            wrong.append((driver, "starts"))
        except memkit.Refused as refused:
            if refused.message.splitlines()[0] != seen.refusal:
                wrong.append((driver, refused.message))
    assert wrong == []


@pytest.mark.parametrize("qemu", RECORDED)
def test_device_paths_are_those_recorded(qemu: str) -> None:
    wrong = []
    for line, seen in load("devices", qemu)["paths"].items():
        try:
            guest = memkit.boot(f"-nodefaults {line}", qemu=qemu, host=HOST)
            have: object = [b.idstr for b in guest.ram_blocks if b.idstr.startswith(("0000:", "vga."))]
        except memkit.Refused as refused:
            have = refused.message.splitlines()[0]
        if have != seen:
            wrong.append((line, have))
    assert wrong == []


@pytest.mark.parametrize("qemu", RECORDED)
def test_slots_behind_each_bridge_are_given_out_as_recorded(qemu: str) -> None:
    wrong = []
    for line, seen in load("devices", qemu)["pci_buses"].items():
        bus = ",bus=B" if "id=B" in line else ""
        for slot in ("0", "1", "1f"):
            option = ["-device", f"pci-testdev,addr={slot}{bus}"]
            try:
                memkit.boot(["-nodefaults", "-machine", *shlex.split(line), *option], qemu=qemu, host=HOST)
                said = "ok"
            except memkit.Refused as refused:
                said = refused.message.splitlines()[0].partition(": ")[2]
            if said != seen[f"addr={slot}"]:
                wrong.append((line, slot, said))
    assert wrong == []


@pytest.mark.parametrize("qemu", RECORDED)
def test_devices_on_their_bus_want_what_was_recorded(qemu: str) -> None:
    wrong = []
    for driver in catalog.device_names(qemu):
        said, seen = catalog.refused_bare(qemu, driver), catalog.observed(qemu, driver, "q35")
        if not said or seen is None:
            continue
        before = seen.recipe.rpartition(f"-device {driver}")[0]
        try:
            memkit.boot(f"-machine q35 -nodefaults {before} -device {driver}", qemu=qemu, host=HOST)
            wrong.append((driver, "starts"))
        except memkit.Refused as refused:
            if refused.message.splitlines()[0] != said:
                wrong.append((driver, refused.message))
    assert wrong == []


@pytest.mark.parametrize("qemu", RECORDED)
def test_devices_start_with_what_they_were_recorded_with(qemu: str) -> None:
    # Some need a file or a socket of the recording host.
    hosts_own = ("ivshmem-doorbell", "virtio-9p", "usb-mtp")
    wrong = []
    for driver in catalog.device_names(qemu):
        for board in BOARDS:
            seen = catalog.observed(qemu, driver, board)
            if seen is None or seen.then is None or seen.then.refusal or driver.startswith(hosts_own):
                continue
            try:
                guest = memkit.boot(f"-machine {board} -nodefaults {seen.recipe}", qemu=qemu, host=HOST)
            except memkit.Refused as refused:
                wrong.append((driver, board, refused.message))
                continue
            names = [b.idstr.rpartition("/")[2] for b in guest.ram_blocks]
            if any(block.name.removeprefix("%/") not in names for block in seen.then.blocks):
                wrong.append((driver, board, str(names)))
    assert wrong == []
