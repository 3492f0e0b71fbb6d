"""The recorder of windows starts each board with just the features that it wants to see."""

from __future__ import annotations

import pytest

from tools.record import windows
from tools.record.ask import Answer, Binary

TREE = """\
address-space: I/O
  0000000000000000-000000000000ffff (prio 0, i/o): io
    {0:016x}-{1:016x} (prio 0, i/o): serial

address-space: memory
  0000000000000000-ffffffffffffffff (prio 0, i/o): system
"""


class Serial(Binary):
    """A QEMU that has one serial port, behind ``-serial none`` at another address or not."""

    def __init__(self, behind: int) -> None:
        self.behind = behind

    def start(self, argv: list[str], questions: object = (), seconds: float = 30.0) -> Answer:  # type: ignore[override]
        first = self.behind if "none" in argv else 0x3F8
        return Answer(results=[TREE.format(first, first + 7), ""], started=True)


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "CLOSING", {"parallel"})


@pytest.mark.parametrize(("behind", "closes"), [(0x3F8, True), (0x2F8, False)])
def test_serial_ports_close_ranks_if_none_in_front_changes_nothing(behind: int, closes: bool) -> None:
    windows.closing(Serial(behind), "pc")
    assert ("serial" in windows.CLOSING) is closes


def test_a_port_that_closes_ranks_takes_those_behind_it_along() -> None:
    features = ["serial", "serial2", "serial3", "pit"]
    assert windows.without(features, "serial2") == ["serial", "serial3", "pit"]
    windows.CLOSING.add("serial")
    assert windows.without(features, "serial2") == ["serial", "pit"]


def test_isapc_is_started_without_the_isa_devices_whose_ports_are_their_own() -> None:
    assert windows.words("isapc", []).endswith("-vga none -nic none")
    assert "-cpu pentium" in windows.words("isapc", ["apic"])
    assert "-nic" not in windows.words("pc", [])
