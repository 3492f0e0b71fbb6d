"""The model says what real QEMUs said, line by line and column by column.

Not compared, because they differ from run to run of QEMU itself: the host address of ``info ramblock``
(address-space randomization) and the order of the stanzas of ``info memdev`` (a hash table).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pytest
from recorded import ASKED, ROOT, Capture, answers, captures

import memkit

# QEMU → the columns in which the model differs in some captures, and why (docs/versions.md).
KNOWN: dict[str, dict[str, str]] = {"5.2": {}, "7.2": {}, "8.2": {}, "10.0": {}, "11.1": {}}
# QEMU and a part of a line → why the model answers otherwise to it.
KNOWN_ANSWERS: dict[tuple[str, str], str] = {
    ("5.2", "block-size=-1,memdev=nope"):
        "a property that is given twice is set twice, at its first place too",
    ("11.1", "accel=qtest"): "where Debian has it built in",
}


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
        return memkit.boot(capture.argv, qemu=capture.qemu, host=capture.host), ""
    except memkit.Refused as refused:
        return None, refused.message.partition("\n")[0].rstrip()


@pytest.mark.parametrize("qemu", ASKED)
def test_what_starts_in_qemu_starts_in_the_model_and_what_is_refused_is_refused_in_qemus_words(
    qemu: str,
) -> None:
    differ = []
    for capture in captures(qemu):
        _, said = outcome(capture)
        if said != capture.refusal:
            differ.append((capture.argv, capture.refusal or "starts", said or "starts"))
    assert [] == differ


@pytest.mark.parametrize("qemu", ASKED)
def test_the_monitor_prints_what_qemus_prints(qemu: str) -> None:
    differ: dict[str, list[str]] = {}
    compared = 0
    for capture in captures(qemu):
        if not capture.texts:
            continue
        guest, said = outcome(capture)
        assert guest is not None, (capture.argv, said)
        for column, (command, read) in COLUMNS.items():
            if column in capture.texts:
                compared += 1
                if read(capture.texts[column]) != read(guest.monitor(command)):
                    differ.setdefault(column, []).append(capture.name)
    assert compared > 800
    assert {} == {column: names for column, names in differ.items() if column not in KNOWN[qemu]}


@pytest.mark.parametrize("qemu", ASKED)
def test_the_known_differences_are_explained_in_the_docs(qemu: str) -> None:
    text = (ROOT / "docs" / "versions.md").read_text(encoding="utf-8")
    assert [why for why in KNOWN[qemu].values() if why not in text] == []
    assert [why for (of, _), why in KNOWN_ANSWERS.items() if of == qemu and why not in text] == []


@pytest.mark.parametrize(("qemu", "kind"), [
    (qemu, kind) for qemu in ASKED for kind in sorted({answer.name for answer in answers(qemu)})
])
def test_options_and_mistakes_get_qemus_own_first_line(qemu: str, kind: str) -> None:
    differ = []
    for answer in answers(qemu):
        if answer.name == kind:
            _, said = outcome(answer)
            if said != answer.refusal and not known(answer):
                differ.append((answer.argv, answer.refusal or "starts", said or "starts"))
    assert [] == differ


def known(answer: Capture) -> bool:
    return any(answer.qemu == qemu and part in word for qemu, part in KNOWN_ANSWERS for word in answer.argv)
