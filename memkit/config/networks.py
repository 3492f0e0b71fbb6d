"""``-netdev``, ``-nic`` and ``-net`` as far as their grammar goes: types, ids and parts.

QEMU reads them late, all of one kind before the next.  Whether a host has the bridge or the device that
they name is not asked.

Source: net_init_clients, net_param_nic and net_client_init in net/net.c, qapi/net.json (QEMU 7.2).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from memkit.config.schema import network_schema, network_types
from memkit.config.specs import Option
from memkit.config.visit import missing, not_accepted, read_opts_members
from memkit.config.wrong import Wrong, refuse
from memkit.versions import QemuFacts

__all__ = ["check_networks"]

_MAC = re.compile(r"[0-9a-fA-F]{1,2}([:-][0-9a-fA-F]{1,2}){5}\Z")
_MOST_NICS = 8


def check_networks(options: Sequence[Option], qemu: QemuFacts) -> None:
    """Raise Refused for the first network option that QEMU does not understand."""
    ids: set[str] = set()
    boards = 0
    for name in ("netdev", "nic", "net"):
        for option in options:
            if option.name != name:
                continue
            try:
                boards += _check(name, option, ids, boards, qemu)
            except Wrong as wrong:
                refuse(option, wrong, located=qemu.located_networks,
                       source="net_client_init, net/net.c, QEMU 7.2")


def _check(name: str, option: Option, ids: set[str], boards: int, facts: QemuFacts) -> int:
    """1 if the option makes a NIC of the board, else 0; raises Wrong."""
    qemu = facts.version
    words = dict(option.args)
    kind = words.get("type", "user" if name == "nic" else None)
    if facts.modern_netdevs and (
        (option.value or "")[:1] == "{" or (kind in ("stream", "dgram") and name == "netdev")
    ):
        # Read in the option loop already.
        ids.add(words.get("id", ""))
        return 0
    if name == "nic" and kind == "none":
        return 0
    makes_nic = name == "nic" or (name == "net" and kind == "nic")
    if makes_nic and boards >= _MOST_NICS:
        raise Wrong("no more on-board/default NIC slots available" if name == "nic" else "Too Many NICs",
                    f"A board makes at most {_MOST_NICS} NICs.", "use -device for more")
    if name == "nic":
        words = {key: value for key, value in words.items() if key != "model"}
        _check_mac(words.pop("mac", None))
    if name == "netdev" and "id" not in words:
        raise missing("id")
    if kind is None:
        raise missing("type")
    if kind not in network_types(qemu):
        raise not_accepted("type", kind, network_types(qemu))
    pairs = tuple((key, value) for key, value in option.args if key in words)
    read_opts_members(network_schema(kind, qemu), pairs, lambda _text: None, ("type", "id"))
    if name != "net" and kind in ("nic", "none"):
        raise Wrong(f"network backend '{kind}' is not compiled into this binary",
                    f"-{name} makes the host's side of a network, and {kind} is none.",
                    "use -nic user, or -nic none for no network", key="network-none")
    if name == "net" and kind == "hubport":
        raise Wrong("network backend 'hubport' is only supported with -netdev/-nic",
                    "-net puts everything into one hub.", "use -netdev hubport,id=...,hubid=0",
                    key="network-hubport")
    if name == "net" and kind == "nic":
        _check_mac(words.get("macaddr"))
        if words.get("netdev", "") not in {"", *ids}:
            raise Wrong(f"netdev '{words['netdev']}' not found", "netdev= names a -netdev that is not there.",
                        f"add -netdev user,id={words['netdev']}")
    ids.add(words.get("id", ""))
    return int(makes_nic)


def _check_mac(text: str | None) -> None:
    if text is not None and not _MAC.match(text):
        raise Wrong("invalid syntax for ethernet address", f"{text!r:.60} is no MAC address.",
                    "write six pairs of hexadecimal digits: 52:54:00:12:34:56")
