"""QEMU warns of networks that nobody is connected to; the words are those of a real QEMU 7.2."""

from __future__ import annotations

import pytest

import memkit


@pytest.mark.parametrize(("line", "warnings"), [
    ("", []),
    ("-device e1000", []),
    ("-nodefaults -device e1000 -device e1000,id=x -device rtl8139", [
        "nic e1000.0 has no peer", "nic x has no peer", "nic rtl8139.0 has no peer",
    ]),
    ("-nic none -device virtio-net", ["nic virtio-net-pci.0 has no peer"]),
    ("-nic user,model=e1000 -device e1000", ["nic e1000.1 has no peer"]),
    ("-netdev user,id=n", ["netdev n has no peer"]),
    ("-netdev user,id=n -device e1000,netdev=n", []),
    ("-net nic", ["hub 0 is not connected to host network"]),
    ("-net user", ["hub 0 with no nics"]),
    ("-net nic -net user", []),
    ("-netdev user,id=n -net nic,netdev=n", []),
])
def test_network_warnings(line: str, warnings: list[str]) -> None:
    assert [f"warning: {text}" for text in warnings] == list(memkit.boot(line).warnings)
