"""Which NICs the machine makes: ``-nic``, ``-net nic``, or the default one.

Source: net_init_clients and net_client_parse in net/net.c, pc_nic_init in hw/i386/pc.c (QEMU 7.2).
"""

from __future__ import annotations

from typing import NamedTuple

from memkit.boards import catalog
from memkit.boards.build import Build
from memkit.boards.refusals import refuse

__all__ = ["Nic", "wanted_nics"]

ISA_NIC = "ne2k_isa"
# Short names that -net nic,model= takes for a device.
_SHORT = {"virtio": "virtio-net-pci"}


class Nic(NamedTuple):
    """A NIC of the board: its driver, the index of its option, and addr= as given."""

    driver: str
    option_index: int | None
    addr: str | None = None


def wanted_nics(build: Build) -> list[Nic]:
    """The NICs of the board, ISA ones among them; raises Refused for a bad model."""
    config = build.config
    if build.machine.family == "microvm":
        # It makes none; those of -nic and -net are left over with a warning.
        return []
    default = build.machine.facts.default_nic or ""
    found: list[Nic] = []
    known = (*catalog.nic_models(build.qemu.version), ISA_NIC, *_SHORT)
    for option in config.nics:
        words = dict(option.args)
        kind = words.get("type", "")
        if option.name == "netdev" or kind == "none" or (option.name == "net" and kind != "nic"):
            continue
        model = words.get("model", default)
        if model not in known:
            raise refuse("nic-model", option, model=model)
        found.append(Nic(_SHORT.get(model, model), build.option_index(option), words.get("addr")))
    if config.nics:
        return found
    return [] if config.flag("nodefaults") or not default else [Nic(default, None)]
