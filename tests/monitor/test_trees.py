"""The model prints the region trees and FlatViews that real QEMUs of four releases printed, line by line.

Since 7.0 QEMU prints the trees in the order of a hash table, so they are sorted before they are compared; those
of 5.2 come in the order in which their address spaces were made.
"""

from __future__ import annotations

import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from recorded import RECORDED, read_rows
from stanzas import stanzas

import memkit
from memkit.monitor.parser import read_monitor

ROOT = Path(__file__).parents[2]


@cache
def rows(qemu: str) -> list[dict[str, Any]]:
    """The head and the command lines of data/captures/mtree-QEMU.jsonl.gz."""
    return read_rows(ROOT / "data" / "captures" / f"mtree-{qemu}.jsonl.gz")


CASES = [(qemu, number) for qemu in RECORDED for number in range(1, len(rows(qemu)))]


def guest(qemu: str, number: int) -> memkit.Guest:
    host = memkit.Host.from_dict(rows(qemu)[0]["host"])
    return memkit.boot(rows(qemu)[number]["argv"], qemu=qemu, host=host)


@pytest.mark.parametrize(
    ("qemu", "number"), CASES, ids=lambda word: word if isinstance(word, str) else f"{word}",
)
def test_trees_and_flat_views_are_qemus(qemu: str, number: int) -> None:
    modelled = guest(qemu, number)
    for command, text in rows(qemu)[number]["hmp"].items():
        assert stanzas(modelled.monitor(command)) == stanzas(text), shlex.join(rows(qemu)[number]["argv"])


def test_qemu_5_2_prints_address_spaces_in_the_order_of_their_making() -> None:
    compared = 0
    for number in range(1, len(rows("5.2"))):
        text = rows("5.2")[number]["hmp"].get("info mtree")
        if text is not None:
            assert guest("5.2", number).monitor("info mtree") == text
            compared += 1
    assert compared > 5


@pytest.mark.parametrize(("qemu", "number"), CASES)
def test_the_text_is_read_back_into_the_same_ranges(qemu: str, number: int) -> None:
    texts = rows(qemu)[number]["hmp"]
    read = read_monitor({name: texts[name] for name in ("info mtree -D", "info mtree -f")}, qemu=qemu)
    for space in guest(qemu, number).address_spaces:
        views = [str(s.flat_view) for s in read.address_spaces if s.name == space.name]
        assert str(space.flat_view) in views, space.name


@pytest.mark.parametrize("number", range(1, len(rows("11.1"))))
def test_the_word_container_says_no_more_than_i_o_did(number: int) -> None:
    text = rows("11.1")[number]["hmp"]["info mtree -D"]
    assert ", container): " in text
    new, old = (read_monitor({"info mtree": t}) for t in (text, text.replace(", container): ", ", i/o): ")))
    assert [(s.name, str(s.flat_view)) for s in new.address_spaces] == [
        (s.name, str(s.flat_view)) for s in old.address_spaces
    ]
