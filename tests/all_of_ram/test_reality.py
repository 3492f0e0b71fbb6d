"""What "all of RAM" is to each subsystem of a real QEMU: the recorded answers, compared with the model's.

``python -m tools.record all_of_ram`` made the recordings; data/README.md explains them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import memkit
from memkit.all_of_ram import AllOfRam, RAMSet

FOLDER = Path(__file__).parents[2] / "data" / "all-of-ram"
VERSIONS = ("5.2", "7.2", "10.0", "11.1")
MIB = 1 << 20


@cache
def recording(version: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((FOLDER / f"x86_64-{version}.json").read_text())["rows"]
    return rows


@cache
def modelled(version: str, number: int, more: str = "") -> AllOfRam:
    row = recording(version)[number]
    host = memkit.Host(files=row["files"])
    return memkit.boot(row["line"] + more, qemu=version, host=host).all_of_ram()


def wrong(version: str, column: str, expected: Callable[[AllOfRam, Any], Any]) -> tuple[int, list[Any]]:
    """How many recorded answers there are, and those that the model gives otherwise."""
    count, found = 0, []
    for number, row in enumerate(recording(version)):
        if column in row and "refusal" not in row:
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
        words = [w for w in said[name].split() if w not in flags]
        for flag, (definition, inside) in flags.items():
            found_in = everything[definition].members
            (member,) = [m for m in found_in if name in (m.block.idstr, f"({m.block.max_length} bytes)")]
            if (member.state == "in") == inside:
                words.append(flag)
        order = ("sh", "mg", "dd", "lo", "hg", "ht")
        found[name] = " ".join(sorted(words, key=order.index))
    return found


COLUMNS: dict[str, Callable[[AllOfRam, Any], Any]] = {
    "summary": summary,
    "numa": numa,
    "balloon": lambda everything, _: everything["balloon"].bytes,
    "stream": stream,
    "stream total": lambda everything, _: everything["migration"].bytes,
    "total": lambda everything, _: everything["migration"].bytes,
    "total x-ignore-shared": lambda everything, _: everything["x-ignore-shared"].bytes,
    "dump": dump,
    "vhost-user": vhost_user,
    "maps": maps,
}
KVM = [version for version in VERSIONS if any("kvm" in row for row in recording(version))]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("column", COLUMNS)
def test_a_set_is_what_a_real_qemu_takes(version: str, column: str) -> None:
    count, found = wrong(version, column, COLUMNS[column])
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
