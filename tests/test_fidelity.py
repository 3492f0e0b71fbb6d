"""The model says what a real QEMU 7.2 said, line by line and column by column.

Not compared, because they differ from run to run of QEMU itself: the host address of ``info ramblock``
(address-space randomization) and the order of the stanzas of ``info memdev`` (a hash table).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pytest
from recorded import Capture, answers, captures

import memkit

# Capture → why the model differs there.  Empty means: in nothing.
KNOWN: dict[str, str] = {}


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.replace("\r", "").splitlines() if line.strip()]


def ram_blocks(text: str) -> list[list[str]]:
    host_address = r"\s0x[0-9a-f]{16}(?=\s+r[ow]$)|\sHVA(?=\s+RO$)"
    return [re.sub(host_address, "", line).split() for line in lines(text)]


def backends(text: str) -> list[list[str]]:
    return sorted(lines(part) for part in re.split(r"(?m)^(?=memory backend)", text) if part.strip())


def flat_view(text: str) -> list[str]:
    """The ranges that serve the address space ``memory``."""
    if "FlatView #" in text:
        text = next(part for part in text.split("FlatView #") if 'AS "memory"' in part)
    return [line.strip() for line in text.splitlines() if re.match(r"\s*[0-9a-f]{16}-[0-9a-f]{16} ", line)]


# The text of a capture, the command whose output it is, and how the two are compared.
COLUMNS: dict[str, tuple[str, Callable[[str], Sequence[object]]]] = {
    "info ramblock": ("info ramblock", ram_blocks), "info memdev": ("info memdev", backends),
    "info memory-devices": ("info memory-devices", lines), "info numa": ("info numa", lines),
    "memory flatview": ("info mtree -f", flat_view),
}


def outcome(capture: Capture) -> tuple[memkit.Guest | None, str]:
    """The guest and "", or None and the first line of the refusal."""
    try:
        return memkit.boot(capture.argv, host=capture.host), ""
    except memkit.Refused as refused:
        return None, refused.message.partition("\n")[0].rstrip()


def test_what_starts_in_qemu_starts_in_the_model_and_what_is_refused_is_refused_in_qemus_words() -> None:
    differ = {}
    for capture in captures():
        _, said = outcome(capture)
        if said != capture.refusal:
            differ[capture.name] = (capture.refusal or "starts", said or "starts")
    assert {} == {name: pair for name, pair in differ.items() if name not in KNOWN}


@pytest.mark.parametrize("column", COLUMNS)
def test_the_monitor_prints_what_qemus_prints(column: str) -> None:
    command, read = COLUMNS[column]
    differ, compared = {}, 0
    for capture in captures():
        if column not in capture.texts:
            continue
        guest, _ = outcome(capture)
        assert guest is not None, capture.name
        compared += 1
        want, have = read(capture.texts[column]), read(guest.monitor(command))
        if want != have:
            differ[capture.name] = (want, have)
    assert compared > 200
    assert {} == {name: pair for name, pair in differ.items() if name not in KNOWN}


def test_the_known_differences_still_differ() -> None:
    names = {capture.name for capture in captures()}
    assert set() == KNOWN.keys() - names


@pytest.mark.parametrize("kind", sorted({answer.name for answer in answers()}))
def test_options_and_mistakes_get_qemus_own_first_line(kind: str) -> None:
    differ = []
    for answer in answers():
        if answer.name == kind:
            _, said = outcome(answer)
            if said != answer.refusal:
                differ.append((answer.argv, answer.refusal or "starts", said or "starts"))
    assert [] == differ
