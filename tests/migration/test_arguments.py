"""What ``migrate`` takes, and what it says to words that it does not know."""

from __future__ import annotations

import pytest

import memkit
from memkit.migration import CAPABILITIES, known_capabilities
from memkit.migration.parameters import PARAMETERS


@pytest.fixture(scope="module")
def guest() -> memkit.Guest:
    return memkit.boot("-m 64M -nodefaults")


@pytest.mark.parametrize(("given", "said"), [
    ({"destination": "-m 64M"}, "destination= is a memkit.Guest, as memkit.boot() makes it, not str"),
    ({"mode": "postcpy"}, "mode= is precopy or postcopy, not 'postcpy'"),
    ({"mode": "background-snapshot"}, "go into capabilities="),
    ({"capabilities": ["multfd"]}, "'multfd' is no capability of any QEMU; capabilities= takes: xbzrle, "),
    ({"capabilities": 3}, "capabilities= is the name of a capability, or a list of names, not 3"),
    ({"destination_capabilities": ["x"]}, "'x' is no capability of any QEMU; destination_capabilities= "
                                          "takes"),
    ({"parameters": {"channels": 3}}, "'channels' is no migration parameter of any QEMU; they are: "),
    ({"parameters": 3}, "parameters= maps names of migration parameters to values"),
    ({"transport": "rdma"}, "transport= is one of unix, tcp, exec, file, not 'rdma'"),
    ({"destination": None, "transport": "tcp"}, "give a destination"),
])
def test_a_wrong_argument_is_named_with_what_is_allowed(guest, given: dict, said: str) -> None:
    with pytest.raises(memkit.MemkitError) as told:
        memkit.migrate(**{"source": guest, "destination": guest, **given})
    assert said in str(told.value)


def test_a_refused_line_cannot_migrate(guest) -> None:
    with pytest.raises(memkit.Refused) as refused:
        memkit.boot("-m 1x")
    with pytest.raises(memkit.MemkitError, match="the source is a command line that QEMU refuses"):
        memkit.migrate(refused.value, guest)


def test_capabilities_may_be_one_text(guest) -> None:
    assert memkit.migrate(guest, guest, capabilities="multifd, xbzrle").outcome == "completes"


def test_a_capability_of_another_release_is_refused_in_qemus_words() -> None:
    for qemu, name, message in (
        ("5.2", "multifd", ""),
        ("5.2", "mapped-ram", "Invalid parameter 'mapped-ram'"),
        ("7.2", "mapped-ram", "Parameter 'capability' does not accept value 'mapped-ram'"),
        ("10.0", "compress", "Parameter 'capability' does not accept value 'compress'"),
    ):
        guest = memkit.boot("-m 64M -nodefaults", qemu=qemu)
        assert memkit.migrate(guest, guest, capabilities=[name]).message == message


def test_releases_have_these_capabilities() -> None:
    # As query-migrate-capabilities lists them.
    releases = ((5, 2), (7, 2), (10, 0), (11, 1))
    assert [len(known_capabilities(version)) for version in releases] == [18, 21, 22, 21]
    assert len(CAPABILITIES) == 24


def test_no_parameter_stands_twice() -> None:
    assert len(PARAMETERS) == len(set(PARAMETERS)) == 36


def test_a_guest_read_from_text_can_be_asked(guest) -> None:
    from memkit.monitor.parser import read_monitor

    read = read_monitor(guest.monitor("info ramblock") + guest.monitor("info mtree"))
    assert memkit.migrate(read, read).outcome == "completes"
