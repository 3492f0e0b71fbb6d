"""The architectures side by side: found by name, each fact with a source, the same in text and HTML."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

import memkit
from memkit.architectures import ARCHITECTURES, BOARDS, RELATIONS, Fact, board_memory
from memkit.errors import MemkitError
from memkit.versions import parse_version

FACTS = [fact for a in ARCHITECTURES for fact in (*a.page_rules, *a.limits, a.target_pages)]
FACTS += [*RELATIONS, *(fact for board in BOARDS for fact in board.facts)]


@pytest.mark.parametrize(("name", "found"), [
    ("power", "Power"), ("ppc64", "Power"), ("ppc64le", "Power"), ("Z", "Z"), ("aarch64", "Arm"),
    ("arm64", "Arm"), ("i386", "x86"), ("riscv64", "RISC-V"),
])
def test_an_architecture_is_found_by_its_name_its_targets_and_its_hosts(name: str, found: str) -> None:
    assert [found] == [a.title for a in memkit.architectures(name)]


def test_an_unknown_architecture_is_named() -> None:
    with pytest.raises(MemkitError, match=r"no architecture is called 'vax'; there are: x86, arm, power, z"):
        memkit.architectures("vax")
    with pytest.raises(KeyError):
        memkit.architectures()["vax"]


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: f"{fact.name}-{fact.when}")
def test_every_fact_has_a_sentence_and_a_source_with_a_version(fact: Fact) -> None:
    assert fact.words
    assert fact.sources
    for source in fact.sources:
        assert re.search(r", (Linux )?\d+\.\d+( \(64 KiB: 6\.4\))?$", source), source


@pytest.mark.parametrize("host", [h for a in ARCHITECTURES for h in a.hosts], ids=lambda h: h.title)
def test_every_host_has_a_source_with_a_version(host: object) -> None:
    assert all("Linux 6." in source for source in host.sources)  # type: ignore[attr-defined]


def test_facts_of_one_name_hold_for_different_releases_or_accelerators() -> None:
    for board in BOARDS:
        for qemu in ("5.2", "7.2", "10.0", "11.1"):
            held = [fact.name for fact in board.facts if fact.holds_for(parse_version(qemu))]
            assert len(held) == len(set(held)), (board.machine, qemu)


def test_the_page_shows_every_word_of_the_text() -> None:
    shown = memkit.architectures()
    bundle = shown._repr_mimebundle_()
    seen: list[str] = []

    class Words(HTMLParser):
        def handle_data(self, data: str) -> None:
            seen.append(data)

    Words().feed(bundle["text/html"])
    page = " ".join(seen)
    assert str(shown) == bundle["text/plain"]
    for fact in FACTS:
        assert fact.words in bundle["text/plain"]
        assert fact.words in page
        for source in fact.sources:
            assert source in bundle["text/plain"]
            assert source in page


def test_the_data_can_be_written_as_json() -> None:
    found = json.loads(json.dumps(memkit.architectures("power").data()))
    assert [[2 << 20, 1 << 30], [16 << 20, 16 << 30]] == [h["huge"] for h in found[0]["hosts"][:2]]


def test_a_board_is_found_by_machine_and_target() -> None:
    assert ("aarch64", "riscv64") == (board_memory("virt").target, board_memory("virt", "riscv64").target)
    with pytest.raises(MemkitError, match=r"where 'q36' puts RAM is not described; described: pc \(x86_64\)"):
        board_memory("q36")
