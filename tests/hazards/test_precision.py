"""A guest without any special thing has no hazard."""

from __future__ import annotations

import pytest

import memkit
from memkit.hazards import hazards
from memkit.versions import KNOWN_QEMU


@pytest.mark.parametrize("qemu", KNOWN_QEMU)
@pytest.mark.parametrize("line", ["-m 4G", "-M q35 -m 4G", "-M q35 -m 64G -smp 16", "-M microvm -m 1G", ""])
def test_a_plain_guest_has_no_hazard(line: str, qemu: str) -> None:
    assert hazards(memkit.boot(line, qemu=qemu)) == []
