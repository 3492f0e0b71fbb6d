"""Facts that change between versions hold from one machine-type version on, and each has its source."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import pytest

import memkit
from memkit.boards.recorded import data_file
from memkit.errors import MemkitError
from memkit.versions import (
    KNOWN_QEMU,
    MACHINE_FACTS,
    QEMU_FACTS,
    UNCONFIRMED,
    MachineFacts,
    QemuFact,
    known_qemu,
    labelled,
    machine_facts,
    nearest_qemu,
    parse_version,
    qemu_facts,
)


@pytest.mark.parametrize("fact", MACHINE_FACTS, ids=lambda f: f.name)
def test_a_fact_changes_exactly_at_its_version(fact: Any) -> None:
    for family in fact.families:
        before = (fact.since[0], fact.since[1] - 1) if fact.since[1] else (fact.since[0] - 1, 99)
        assert getattr(machine_facts(family, before), fact.name) == fact.old
        assert getattr(machine_facts(family, fact.since), fact.name) == fact.new
    assert fact.old != fact.new
    assert fact.source.startswith("hw/")


def test_every_fact_is_named_once_and_every_field_is_told() -> None:
    names = [f.name for f in MACHINE_FACTS]
    assert len(set(names)) == len(names)
    assert {f.name for f in fields(MachineFacts)} == set(names)


def test_microvm_has_no_versions() -> None:
    assert machine_facts("microvm", (1, 0)) == machine_facts("microvm", (7, 2))


@pytest.mark.parametrize(("text", "version"), [
    ("7.2", (7, 2)), ("2.12", (2, 12)), ("7.2.22", (7, 2, 22)), ("10.0", (10, 0)),
])
def test_versions_are_compared_as_numbers(text: str, version: tuple[int, ...]) -> None:
    assert parse_version(text) == version


def test_2_12_comes_after_2_9() -> None:
    assert parse_version("2.12") > parse_version("2.9")


@pytest.mark.parametrize("text", ["", "7", "v7.2", "7.x", "new", "-7.2", "7.2-rc", "7.-2", "9" * 500])
def test_what_is_no_version_is_told_with_the_known_ones(text: str) -> None:
    with pytest.raises(MemkitError) as caught:
        known_qemu(text)
    known = ", ".join(KNOWN_QEMU)
    assert str(caught.value) == (
        f"{text[:40]!r} is no version of QEMU, such as 7.2; the model knows: {known}"
    )


@pytest.mark.parametrize("text", ["0.9", "2.12", "5.1", "5.1.9"])
def test_a_version_before_all_known_ones_is_refused_with_the_list(text: str) -> None:
    with pytest.raises(MemkitError, match=f"does not know QEMU '{text}'; it knows: 5.2, 7.2, "):
        known_qemu(text)


@pytest.mark.parametrize(("text", "known"), [
    ("5.2", "5.2"), ("5.2.0", "5.2"), ("7.2.22", "7.2"), ("7.2+dfsg-7+deb12u18", "7.2"), ("10.0.13", "10.0"),
])
def test_a_stable_update_is_its_release(text: str, known: str) -> None:
    assert nearest_qemu(text) == (known, "")


@pytest.mark.parametrize(("text", "nearest"), [
    ("6.0", "5.2"), ("7.1.50", "5.2"), ("10.2", "10.0"), ("12.3", "11.1"),
])
def test_a_version_in_between_is_the_nearest_older_one_and_says_so(text: str, nearest: str) -> None:
    found, note = nearest_qemu(text)
    assert found == nearest
    assert note == f"QEMU {text} is not known here; the facts are those of QEMU {nearest}."
    assert memkit.boot("-m 1G -nodefaults", qemu=text).notes == (note,)


@pytest.mark.parametrize("fact", QEMU_FACTS, ids=lambda f: f.name)
def test_a_fact_about_qemu_changes_at_its_release(fact: QemuFact) -> None:
    before = f"{fact.since[0]}.{fact.since[1] - 1}" if fact.since[1] else f"{fact.since[0] - 1}.9"
    assert getattr(qemu_facts(before), fact.name) == fact.old
    assert getattr(qemu_facts(".".join(map(str, fact.since))), fact.name) == fact.new
    assert re.search(r"\.[ch]\b|\.json\b|meson\.build|seen in", fact.source)


# One line per fact whose change is seen from outside; the older value is what 7.2 shows for older types.
@pytest.mark.parametrize(("line", "older", "newer", "block"), [
    ("-m 64 -nodefaults -device VGA", "pc-i440fx-2.12", "pc-i440fx-3.0", "vga.vram"),
    ("-m 64 -nodefaults -device cirrus-vga", "pc-i440fx-2.8", "pc-i440fx-2.9", "0x0000000000800000"),
    ("-m 64 -nodefaults", "pc-i440fx-2.2", "pc-i440fx-2.3", "-/rom@etc/acpi/rsdp"),
    ("-m 64 -nodefaults", "pc-i440fx-1.7", "pc-i440fx-2.0", "0x0000000000020000 0x0000000000020000"),
    ("-m 64", "pc-q35-2.11", "pc-q35-2.12", "/e1000.rom"),
    ("-m 64", "pc-i440fx-2.1", "pc-i440fx-2.2", "cirrus_vga.rom"),
])
def test_a_change_shows_in_info_ramblock(line: str, older: str, newer: str, block: str) -> None:
    texts = [memkit.boot(f"{line} -M {machine}").monitor("info ramblock") for machine in (older, newer)]
    assert texts[0] != texts[1]
    assert (block.removeprefix("-") in texts[0]) == (not block.startswith("-"))


def test_an_unconfirmed_version_says_so_where_it_is_chosen_and_where_it_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(UNCONFIRMED, "7.2", "Read in the source.")

    assert labelled()["7.2"] == "7.2 (unconfirmed)"
    assert list(labelled()) == list(KNOWN_QEMU)
    assert nearest_qemu("7.2") == ("7.2", "Read in the source.")
    assert nearest_qemu("7.3")[1].endswith("are those of QEMU 7.2. Read in the source.")
    assert memkit.boot("-m 1G").notes == ("Read in the source.",)


def test_a_known_version_whose_facts_are_derived_is_unconfirmed() -> None:
    derived = {path.stem for path in data_file("derived", "8.2.json").parent.glob("*.json")}

    assert derived & set(KNOWN_QEMU) == set(UNCONFIRMED)
