"""Warnings about networks that nobody is connected to.

Source: net_check_clients in net/net.c, net_hub_check_clients in net/hub.c (QEMU 7.2).
"""

from __future__ import annotations

from collections import Counter

from memkit.boards import catalog
from memkit.boards.build import Build
from memkit.boards.nics import unmade_nics, wanted_nics

__all__ = ["network_warnings"]


def network_warnings(build: Build) -> list[str]:
    """QEMU's warnings, in its order: hubs, then network backends, then NICs."""
    config = build.config
    models = _nic_models(build)
    # QEMU keeps silent about the network that it makes by itself.
    if not config.nics and not (models and config.flag("nodefaults")):
        return []
    parts = {name: [dict(o.args) for o in config.nics if o.name == name] for name in ("netdev", "net")}
    users = {str(spec.props.get("netdev")) for spec in config.devices}
    users |= {words["netdev"] for words in parts["net"] if "netdev" in words}
    lost = [words["id"] for words in parts["netdev"] if "id" in words and words["id"] not in users]
    return [
        *_hub(parts["net"]), *(f"warning: netdev {name} has no peer" for name in lost),
        *(f"warning: nic {name} has no peer" for name in _lonely_nics(build, models)), *unmade_nics(build),
    ]


def _hub(nets: list[dict[str, str]]) -> list[str]:
    """What is wrong with the hub that all ``-net`` options share."""
    nics = [words for words in nets if words.get("type") == "nic" and "netdev" not in words]
    hosts = [words for words in nets if words.get("type") not in ("nic", "none")]
    if hosts and not nics:
        return ["warning: hub 0 with no nics"]
    return ["warning: hub 0 is not connected to host network"] if nics and not hosts else []


def _nic_models(build: Build) -> dict[str, str]:
    """The drivers among the devices of the line that are NICs, each with the name of its model."""
    drivers = {spec.driver for spec in build.config.devices}
    found = {driver: catalog.device(build.program, driver) for driver in drivers}
    return {d: f.name for d, f in found.items() if f is not None and {"netdev", "mac"} <= f.properties.keys()}


def _lonely_nics(build: Build, nics: dict[str, str]) -> list[str]:
    numbers = Counter(nic.driver for nic in wanted_nics(build)) if build.default_bus else Counter()
    names = []
    for spec in build.config.devices:
        if spec.driver not in nics:
            continue
        name = nics[spec.driver]
        if not spec.props.get("netdev"):
            names.append(spec.id or f"{name}.{numbers[name]}")
        numbers[name] += 1
    return names
