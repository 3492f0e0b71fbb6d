"""Which NICs the machine makes: ``-nic``, ``-net nic``, or the default one.

Source: net_init_clients and net_client_parse in net/net.c, pc_nic_init in hw/i386/pc.c (QEMU 7.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from memkit.boards import catalog
from memkit.boards.build import Build
from memkit.boards.refusals import refuse
from memkit.config import Option
from memkit.errors import Refused

__all__ = ["Nic", "unmade_nics", "wanted_nics"]

ISA_NIC = "ne2k_isa"
# Where the board puts one after the other; there is no place for a seventh (ne2000_io, hw/i386/pc.c).
_ISA_PORTS = (0x300, 0x320, 0x340, 0x360, 0x280, 0x380)
# Short names that -net nic,model= takes for a device.
_SHORT = {"virtio": "virtio-net-pci"}


class Nic(NamedTuple):
    """A NIC of the board: its driver, the index of its option, and the properties that say where it goes."""

    driver: str
    option_index: int | None
    props: Mapping[str, Any] = MappingProxyType({})


def wanted_nics(build: Build) -> list[Nic]:
    """The NICs of the board, ISA ones among them; raises Refused for a bad model."""
    config = build.config
    if build.machine.family == "microvm":
        # It makes none; those of -nic and -net are left over with a warning.
        return []
    found: list[Nic] = []
    taken = 0
    for option, model, words in _asked(build):
        if not _possible(build, model):
            if not build.qemu.nics_left_over:
                raise _refusal(build, option, model)
        elif model != ISA_NIC:
            props = {"addr": words["addr"]} if "addr" in words else {}
            found.append(Nic(_SHORT.get(model, model), build.option_index(option), props))
        elif taken < len(_ISA_PORTS):
            found.append(Nic(model, build.option_index(option), {"iobase": _ISA_PORTS[taken]}))
            taken += 1
    default = build.machine.facts.default_nic
    if config.nics or config.flag("nodefaults") or not default:
        return found
    return [Nic(default, None, {"iobase": _ISA_PORTS[0]} if default == ISA_NIC else {})]


def unmade_nics(build: Build) -> list[str]:
    """What QEMU says about NICs of models that the board cannot make: since 9.0 it starts without them."""
    if not build.qemu.nics_left_over:
        return []
    return [
        f"warning: requested NIC (anonymous, model {model}) was not created (not supported by this machine?)"
        for _, model, _ in _asked(build) if not _possible(build, model)
    ]


def _asked(build: Build) -> Iterator[tuple[Option, str, Mapping[str, str]]]:
    """Each option that asks for a NIC of the board, with its model and all of its words."""
    default = build.machine.facts.default_nic or ""
    for option in build.config.nics:
        words = dict(option.args)
        kind = words.get("type", "")
        if option.name == "netdev" or kind == "none" or (option.name == "net" and kind != "nic"):
            continue
        yield option, words.get("model", default), words


def _possible(build: Build, model: str) -> bool:
    if build.machine.family == "isapc":
        return model == ISA_NIC
    return model in (*catalog.nic_models(build.qemu.version), ISA_NIC, *_SHORT)


def _refusal(build: Build, option: Option, model: str) -> Refused:
    if model not in (*catalog.nic_models(build.qemu.version), *_SHORT):
        return refuse("nic-model", option, model=model)
    return Refused(
        "No primary PCI bus", explanation="This NIC is a PCI card, and the machine has no PCI.",
        hint=f"use model={ISA_NIC}, or -M pc", option=option.text, position=option.index,
        source="pci_nic_init_nofail, hw/pci/pci.c, QEMU 7.2",
    )
