"""The model says what real QEMUs said, line by line and column by column (see agreement.py)."""

from __future__ import annotations

import pytest
from agreement import COLUMNS, outcome
from recorded import ASKED, ROOT, Capture, answers, captures

# QEMU → the columns in which the model differs in some captures, and why (docs/versions.md).
KNOWN: dict[str, dict[str, str]] = {"5.2": {}, "7.2": {}, "8.2": {}, "10.0": {}, "11.1": {}}
# QEMU and a part of a line → why the model answers otherwise to it.
KNOWN_ANSWERS: dict[tuple[str, str], str] = {
    ("5.2", "block-size=-1,memdev=nope"):
        "a property that is given twice is set twice, at its first place too",
    ("11.1", "accel=qtest"): "where Debian has it built in",
}


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
