"""Which NICs the machine makes: ``-nic``, ``-net nic``, or the default one.

Source: net_init_clients and net_client_parse in net/net.c, pc_nic_init in hw/i386/pc.c (QEMU 7.2).
"""

from __future__ import annotations

from memkit.boards.build import Build
from memkit.boards.refusals import refuse

__all__ = ["wanted_nics"]

# What -net nic,model= accepts on a PCI bus, beside every PCI NIC device by its own name.
PCI_NICS = frozenset(
    "e1000 e1000-82544gc e1000-82545em e1000e i82550 i82551 i82557a i82557b i82557c i82558a i82558b "
    "i82559a i82559b i82559c i82559er i82562 i82801 ne2k_pci pcnet pvrdma rocker rtl8139 tulip virtio "
    "virtio-net-pci virtio-net-pci-non-transitional virtio-net-pci-transitional vmxnet3".split()
)
ISA_NICS = frozenset(("ne2k_isa",))


def wanted_nics(build: Build) -> list[tuple[str, int | None]]:
    """(model, index of its option) for each PCI NIC of the board; raises Refused for a bad model."""
    config = build.config
    default = build.machine.facts.default_nic or ""
    asked = False
    found: list[tuple[str, int | None]] = []
    for index, option in enumerate(config.options):
        if option.name not in ("nic", "net", "netdev"):
            continue
        asked = True
        words = dict(option.args)
        kind = words.get("type", "")
        if option.name == "netdev" or kind == "none":
            continue
        if option.name == "net" and kind != "nic":
            continue
        model = words.get("model", default)
        if model in ISA_NICS:
            continue
        if model not in PCI_NICS:
            raise refuse("nic-model", option, model=model)
        found.append((model, index))
    if asked:
        return found
    return [] if config.flag("nodefaults") or not default else [(default, None)]
