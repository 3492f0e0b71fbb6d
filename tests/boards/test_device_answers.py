"""CPUs, devices, NICs, cards, drives and -global: each release says what the real one said."""

from __future__ import annotations

import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from recorded import read_rows

import memkit

FILE = Path(__file__).parents[1] / "device-answers.jsonl.gz"


@cache
def rows() -> tuple[dict[str, Any], ...]:
    return tuple(read_rows(FILE))


def said(line: str, qemu: str, host: memkit.Host) -> str:
    """The first line of the refusal, "" where the guest starts."""
    try:
        memkit.boot(shlex.split(line), qemu=qemu, host=host)
    except memkit.Refused as refused:
        return refused.message.splitlines()[0]
    return ""


@pytest.mark.parametrize("qemu", ["5.2", "7.2", "8.2", "10.0", "11.1"])
def test_each_release_says_what_the_real_one_said(qemu: str) -> None:
    head, *answers = rows()
    host = memkit.Host.from_dict(head["host"])
    asked = [(row["line"], row["said"][qemu]) for row in answers if qemu in row["said"]]
    assert len(asked) > 280
    assert [
        (line, want, have) for line, want in asked if (have := said(line, qemu, host)) != want
    ] == []


def test_the_lines_tell_the_releases_apart() -> None:
    # Otherwise they would test little.
    assert sum(len(set(row["said"].values())) > 1 for row in rows()[1:]) > 100
