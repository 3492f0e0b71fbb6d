"""What "all of RAM" is to each subsystem of a real QEMU: the recorded answers, compared with the model's.

``python -m tools.record all_of_ram`` made the recordings; data/README.md explains them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import memkit
from memkit.all_of_ram import AllOfRam, Member, RAMSet
from memkit.versions import parse_version

FOLDER = Path(__file__).parents[2] / "data" / "all-of-ram"
VERSIONS = ("5.2", "7.2", "10.0", "11.1")
MIB = 1 << 20
Answer = Callable[[AllOfRam, Any], Any]
BLOCKED = re.compile(r"Memory region (\S+) is not compatible with CPR")


@cache
def recording(version: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((FOLDER / f"x86_64-{version}.json").read_text())["rows"]
    return rows


@cache
def modelled(version: str, number: int, more: str = "") -> AllOfRam:
    row = recording(version)[number]
    host = memkit.Host(files=row["files"])
    return memkit.boot(row["line"] + more, qemu=version, host=host).all_of_ram()


def wrong(version: str, column: str, expected: Answer) -> tuple[int, list[Any]]:
    """How many recorded answers there are, and those that the model gives otherwise."""
    count, found = 0, []
    for number, row in enumerate(recording(version)):
        if row.get(column) is not None and "refusal" not in row:
            count += 1
            said = expected(modelled(version, number), row[column])
            if said != row[column]:
                found.append((row["line"], row[column], said))
    return count, found


def sums(found: RAMSet, devices: bool) -> int:
    """The bytes of main RAM, or of all else."""
    return sum(m.bytes or 0 for m in found.members if ("-m" in m.reason) != devices)


def summary(everything: AllOfRam, _: Any) -> dict[str, int]:
    found = everything["query-memory-size-summary"]
    return {"base-memory": sums(found, False), "plugged-memory": sums(found, True)}


def numa(everything: AllOfRam, said: list[int]) -> list[int]:
    """As recorded, where the sum of the nodes is right; the monitor cuts each node to whole MiB."""
    size = everything["info numa"].bytes
    return said if sum(said) <= size < sum(said) + len(said) * MIB or size == sum(said) else [size]


def stream(everything: AllOfRam, _: Any) -> list[list[Any]]:
    blocks = sorted(everything["migration"].blocks, key=lambda m: -m.block.max_length)
    return [[m.block.idstr, m.bytes] for m in blocks]


def ranges(name: str) -> Callable[[AllOfRam, Any], list[list[int]]]:
    return lambda everything, _: [[gpa, size] for gpa, size in everything[name].ranges]


def dump(everything: AllOfRam, _: Any) -> list[list[int]]:
    """The dump writes what lies together in the guest and in the block as one segment."""
    found: list[list[int]] = []
    ends: list[tuple[int, object]] = []
    parts = [(p.gpa or 0, p, m.block) for m in everything["dump-guest-memory"].members for p in m.parts]
    for gpa, part, block in sorted(parts, key=lambda entry: entry[0]):
        if found and found[-1][0] + found[-1][1] == gpa and ends[-1] == (part.offset, block):
            found[-1][1] += part.size
            ends[-1] = (part.end, block)
        else:
            found.append([gpa, part.size])
            ends.append((part.end, block))
    return found


def vhost_user(everything: AllOfRam, _: Any) -> list[list[int]]:
    parts = [p for m in everything["vhost-user"].members for p in m.parts]
    return sorted([p.gpa or 0, p.size, p.offset] for p in parts)


def maps(everything: AllOfRam, said: dict[str, str]) -> dict[str, str]:
    """The flags of each block that was found among the mappings."""
    found = {}
    flags = {"mg": ("ksm", True), "dd": ("core-dump", False), "lo": ("mem-lock", True), "hg": ("thp", True)}
    for name in said:
        words = [w for w in said[name].split() if w not in (*flags, "full")]
        for flag, (definition, inside) in flags.items():
            if (state(everything, definition, name) == "in") == inside:
                words.append(flag)
        order = ("sh", "mg", "dd", "lo", "hg", "ht")
        full = ["full"] if said[name].endswith("full") else []
        found[name] = " ".join([*sorted(words, key=order.index), *full])
    return found


def filled(everything: AllOfRam, said: dict[str, str]) -> dict[str, str]:
    """Memory of backends is full at start where they fill it, or where all is locked; of ROMs nobody says."""
    found = {}
    for name, words in said.items():
        full = "in" in (state(everything, "prealloc", name), state(everything, "mem-lock", name))
        backed = member_of(everything["prealloc"], name).block.backend is not None
        plain = words.removesuffix(" full")
        found[name] = (f"{plain} full" if full else plain) if backed else words
    return found


def member_of(found: RAMSet, name: str) -> Member:
    """The block of that name; a nameless one is called by its size."""
    (member,) = [m for m in found.members if name in (m.block.idstr, f"({m.block.max_length} bytes)")]
    return member


def state(everything: AllOfRam, definition: str, name: str) -> str:
    return member_of(everything[definition], name).state


def marked(definition: str) -> Answer:
    """1 for each block that is in, among those whose mappings were found; a refusal is no answer."""
    def answer(everything: AllOfRam, said: dict[str, int] | str) -> dict[str, int] | str:
        if isinstance(said, str):
            return said
        return {name: int(state(everything, definition, name) == "in") for name in said}

    return answer


def forbidden(everything: AllOfRam, said: str) -> str:
    """As recorded, where QEMU names a block that is private, or none and nothing is private."""
    named = BLOCKED.match(said)
    private = {m.block.region_name for m in everything["cpr-transfer"].members if "blocks" in m.reason}
    if named is None:
        return said if not private else f"one of {sorted(private)} should forbid it"
    return said if named[1] in private else f"{named[1]} should not forbid it"


# What is asked → the recording's column, and how the model answers.
COLUMNS: dict[str, tuple[str, Answer]] = {
    "query-memory-size-summary": ("summary", summary),
    "info numa": ("numa", numa),
    "balloon": ("balloon", lambda everything, _: everything["balloon"].bytes),
    "migration": ("stream", stream),
    "migration's sum": ("stream total", lambda everything, _: everything["migration"].bytes),
    "migration's total": ("total", lambda everything, _: everything["migration"].bytes),
    "x-ignore-shared": ("total x-ignore-shared", lambda everything, _: everything["x-ignore-shared"].bytes),
    "dump-guest-memory": ("dump", dump),
    "vhost-user": ("vhost-user", vhost_user),
    "ksm, thp, mem-lock, core-dump": ("maps", maps),
    "prealloc": ("maps", filled),
    "postcopy": ("postcopy", marked("postcopy")),
    "background-snapshot": ("background-snapshot", marked("background-snapshot")),
    "cpr-transfer": ("cpr-transfer", forbidden),
}
FIRST = {"background-snapshot": "6.0", "cpr-transfer": "10.0"}
ASKED = [
    (version, name) for version in VERSIONS for name in COLUMNS
    if parse_version(version) >= parse_version(FIRST.get(name, "1.0"))
]
KVM = [version for version in VERSIONS if any("kvm" in row for row in recording(version))]


@pytest.mark.parametrize(("version", "definition"), ASKED)
def test_a_set_is_what_a_real_qemu_takes(version: str, definition: str) -> None:
    count, found = wrong(version, *COLUMNS[definition])
    assert ([], True) == (found, count >= 4)


@pytest.mark.parametrize("version", KVM)
def test_memslots_are_those_of_kvm(version: str) -> None:
    """Where the machine that recorded had KVM; the rest was recorded without."""
    wrong = []
    for number, row in enumerate(recording(version)):
        if isinstance(row.get("kvm"), list):
            everything = modelled(version, number, " -accel kvm")
            slots = sorted(
                [p.gpa or 0, p.size, int("read-only" in m.reason)]
                for m in everything["kvm"].members for p in m.parts
            )
            if slots != row["kvm"]:
                wrong.append((row["line"], row["kvm"], slots))
    assert [] == wrong


@pytest.mark.parametrize("version", VERSIONS)
def test_the_model_refuses_the_lines_that_qemu_refuses(version: str) -> None:
    for row in recording(version):
        if "refusal" in row:
            with pytest.raises(memkit.Refused):
                memkit.boot(row["line"], qemu=version, host=memkit.Host(files=row["files"]))


def test_each_release_was_asked_about_at_least_a_dozen_guests() -> None:
    assert all(sum("refusal" not in row for row in recording(v)) >= 12 for v in VERSIONS)
