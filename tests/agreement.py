"""Where the model and a real QEMU disagree about a recorded command line.

Not compared, because they differ from run to run of QEMU itself: the host address of ``info ramblock``
(address-space randomization) and the order of the stanzas of ``info memdev`` (a hash table).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from stanzas import stanzas

import memkit

if TYPE_CHECKING:
    from recorded import Capture

__all__ = ["COLUMNS", "disagreements", "outcome"]


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


def trees(text: str) -> list[str]:
    return stanzas(text.replace("\r", ""))


# The text of a capture, the command whose output it is, and how the two are compared.
COLUMNS: dict[str, tuple[str, Callable[[str], Sequence[object]]]] = {
    "info ramblock": ("info ramblock", ram_blocks), "info memdev": ("info memdev", backends),
    "info memory-devices": ("info memory-devices", lines), "info numa": ("info numa", lines),
    "memory flatview": ("info mtree -f", flat_view), "info mtree": ("info mtree", trees),
}


def outcome(capture: Capture) -> tuple[memkit.Guest | None, str]:
    """The guest and "", or None and the first line of the refusal."""
    try:
        return memkit.boot(capture.argv, target=capture.target, qemu=capture.qemu, host=capture.host), ""
    except memkit.Refused as refused:
        return None, refused.message.partition("\n")[0].rstrip()


def disagreements(captures: Sequence[Capture]) -> list[tuple[str, str, object, object]]:
    """(line, column, what QEMU said, what the model says) wherever they differ; no captures is an error."""
    differ: list[tuple[str, str, object, object]] = []
    assert captures
    for capture in captures:
        guest, said = outcome(capture)
        line = " ".join(capture.argv)
        if said != capture.refusal:
            differ.append((line, "refusal", capture.refusal or "starts", said or "starts"))
            continue
        for column, (command, read) in COLUMNS.items():
            if guest is not None and column in capture.texts:
                want, have = read(capture.texts[column]), read(guest.monitor(command))
                if want != have:
                    differ.append((line, column, want, have))
    return differ
